/// A `custom-code` block: what runs, what it sees, what it may use, and what it gives.
package struct CodeBlock: Sendable {
    /// The body of an async function.
    package var body: CodeText
    /// Evaluated before it, in this order.
    package var libraries: [CodeText]
    package var args: [NamedTemplate]
    /// What the code returns; empty: anything.
    package var returns: [InputDeclaration]
    package var limits: CodeLimits
    /// Integers may be larger than a double holds exactly; the code sees them as `BigInt`.
    package var usesBigInt: Bool
    /// The connection behind `stripe`; nil: the code has no Stripe client.
    package var stripe: String?
    /// The connections of service `http` whose hosts `fetch` reaches.
    package var http: [String]

    package init(
        body: CodeText,
        libraries: [CodeText] = [],
        args: [NamedTemplate] = [],
        returns: [InputDeclaration] = [],
        limits: CodeLimits = CodeLimits(),
        usesBigInt: Bool = false,
        stripe: String? = nil,
        http: [String] = []
    ) {
        self.body = body
        self.libraries = libraries
        self.args = args
        self.returns = returns
        self.limits = limits
        self.usesBigInt = usesBigInt
        self.stripe = stripe
        self.http = http
    }
}

/// JavaScript as a builder wrote it, with the way back to its file.
package struct CodeText: Sendable, Hashable {
    package var file: String
    package var text: String
    /// Where each line of the text begins in the file; in a `.js` file those are its own lines.
    package var lines: [SourcePosition]

    package init(file: String, text: String, lines: [SourcePosition] = []) {
        self.file = file
        self.text = text
        self.lines = lines
    }

    /// The place in the file of a line and column of the text, both from 1.
    package func position(line: Int, column: Int) -> SourcePosition {
        guard lines.indices.contains(line - 1) else { return SourcePosition(line: line, column: column, offset: 0) }
        let start = lines[line - 1]
        return SourcePosition(line: start.line, column: start.column + column - 1, offset: start.offset + column - 1)
    }
}

/// `limits:` of a code block; what one call may use at most.
package struct CodeLimits: Sendable, Hashable {
    /// Processor time.
    package var milliseconds: Int
    package var megabytes: Int
    /// Host calls.
    package var calls: Int
    package var logLines: Int

    package init(milliseconds: Int = 1_000, megabytes: Int = 128, calls: Int = 100, logLines: Int = 100) {
        self.milliseconds = milliseconds
        self.megabytes = megabytes
        self.calls = calls
        self.logLines = logLines
    }

    package static let millisecondsAllowed = 10...30_000
    package static let megabytesAllowed = 64...256
    package static let callsAllowed = 0...1_000
    package static let logLinesAllowed = 0...1_000
}
