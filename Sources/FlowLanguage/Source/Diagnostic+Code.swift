extension Diagnostic {
    /// Code that does not parse; only the worker that would run it can tell.
    package static func codeSyntax(_ message: String, in text: CodeText, line: Int, column: Int) -> Diagnostic {
        let start = text.position(line: line, column: column)
        let end = text.position(line: line, column: column + 1)
        return Diagnostic(
            code: FindingCode.codeSyntax.rawValue,
            message: message,
            range: SourceRange(file: text.file, start: start, end: end)
        )
    }
}
