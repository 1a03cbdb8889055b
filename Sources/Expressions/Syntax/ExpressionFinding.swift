/// An author's mistake in an expression or a template, or a doubt about one.
package struct ExpressionFinding: Sendable, Hashable {
    package enum Severity: String, Sendable, Hashable {
        case error, warning
    }

    package var severity: Severity
    /// Stable name of the kind of mistake, such as `expression.type-mismatch`.
    package var code: String
    /// What was found and what was expected.
    package var message: String
    /// What to write instead, when the usual slip is recognised.
    package var hint: String?
    /// UTF-8 offsets in the text that was given; never outside it.
    package var range: Range<Int>

    package init(
        severity: Severity = .error,
        code: String,
        message: String,
        hint: String? = nil,
        range: Range<Int>
    ) {
        self.severity = severity
        self.code = code
        self.message = message
        self.hint = hint
        self.range = range
    }
}

/// The first fault that stops the lexer or the parser.
struct SyntaxFault: Error {
    var code: String
    var message: String
    var hint: String?
    var range: Range<Int>

    init(_ code: String, _ message: String, hint: String? = nil, at range: Range<Int>) {
        self.code = code
        self.message = message
        self.hint = hint
        self.range = range
    }

    func finding(within length: Int) -> ExpressionFinding {
        let lower = min(max(range.lowerBound, 0), length)
        let upper = min(max(range.upperBound, lower), length)
        return ExpressionFinding(code: code, message: message, hint: hint, range: lower..<upper)
    }
}
