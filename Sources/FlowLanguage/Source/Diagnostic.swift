/// One finding about what an author wrote.
package struct Diagnostic: Sendable, Hashable {
    package enum Severity: String, Sendable, Hashable {
        case error, warning
    }

    package var severity: Severity
    /// Stable, such as `flow.block.unknown`; `runnel explain CODE` has a page for each.
    package var code: String
    /// One sentence: what was found and what was expected.
    package var message: String
    package var range: SourceRange
    /// Further sentences, such as "did you mean 'orders'?".
    package var notes: [String]

    package init(
        _ severity: Severity = .error,
        code: String,
        message: String,
        range: SourceRange,
        notes: [String] = []
    ) {
        self.severity = severity
        self.code = code
        self.message = message
        self.range = range
        self.notes = notes
    }
}
