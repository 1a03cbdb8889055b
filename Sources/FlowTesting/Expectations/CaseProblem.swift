import Capsules
package import Expressions
package import FlowLanguage

/// Something that a case did not expect.
package struct CaseProblem: Sendable, Hashable {
    package enum Kind: String, Sendable, Hashable, CaseIterable {
        /// A value is another one than the case says.
        case value
        /// A condition of the case does not hold.
        case condition
        /// A sentence of the app's `invariants:` does not hold.
        case invariant
        /// A request would have gone outside, and the case gives no answer to it.
        case refused
        /// The case cannot be played as it is written.
        case fault
        /// A run failed, and the case says nothing of how runs end.
        case failure
        /// It does not come to an end, or leaves something behind that nobody can have meant.
        case error
    }

    package var kind: Kind
    /// Of what was expected; of the invariant, or of the case where nothing else is to blame.
    package var range: SourceRange
    /// What it is about: `tables.orders[0].status`.
    package var subject: String
    /// What was expected, and what there is, in a line each.
    package var expected: String
    package var actual: String
    /// What `--update` writes in the place of what was expected; nil: it cannot.
    package var replacement: Value?
    /// The step after which it was seen, from 1; nil: at the end.
    package var step: Int?

    init(
        _ kind: Kind,
        _ subject: String,
        expected: String,
        actual: String,
        range: SourceRange,
        replacement: Value? = nil,
        step: Int? = nil
    ) {
        self.kind = kind
        self.subject = subject
        self.expected = expected
        self.actual = actual
        self.range = range
        self.replacement = replacement
        self.step = step
    }
}

extension String {
    /// Cut to what fits a line.
    var briefly: String { cut(100) }

    func cut(_ length: Int) -> String { count <= length ? self : prefix(length - 1) + "…" }
}

extension Value {
    /// In one line, as a case would write it; long values are cut.
    func brief(_ length: Int = 160) -> String {
        let text: String
        switch self {
        case .string(let string): text = YAMLText.scalar(string)
        case .timestamp(let moment): text = moment.rfc3339
        default:
            let json = try? JSON.encode(self)  // What JSON cannot say is named by its kind.
            text = json.map { String(decoding: $0, as: UTF8.self) } ?? kindName
        }
        return text.count <= length ? text : text.prefix(length - 1) + "…"
    }
}
