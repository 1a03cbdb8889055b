import CodeFrames
package import FlowLanguage

/// Finds what is no JavaScript in an app's code blocks: the worker parses them and runs nothing.
package struct CodeSyntaxCheck: Sendable {
    private let pool: CodePool

    package init(_ pool: CodePool) { self.pool = pool }

    /// One finding for each text that does not parse, however many blocks use it.
    ///
    /// - Throws: When there is no worker that parses.
    package func findings(in app: App) async throws(WorkerError) -> [Diagnostic] {
        var findings: [Diagnostic] = []
        var seen: Set<CodeText> = []
        for flow in app.flows.values.sorted(by: { $0.name < $1.name }) {
            for node in flow.nodes {
                guard case .code(let block) = node.action else { continue }
                for (text, isLibrary) in block.libraries.map({ ($0, true) }) + [(block.body, false)] {
                    guard seen.insert(text).inserted else { continue }
                    if let finding = try await finding(in: text, isLibrary: isLibrary) { findings.append(finding) }
                }
            }
        }
        return findings
    }

    private func finding(in text: CodeText, isLibrary: Bool) async throws(WorkerError) -> Diagnostic? {
        let source = CodeSource(name: text.file, text: text.text)
        let empty = CodeSource(name: "", text: "")
        guard let problem = try await pool.syntaxFailure(of: isLibrary ? [source, empty] : [source]) else { return nil }
        let place = problem.stack.first
        return .codeSyntax(problem.message, in: text, line: place?.line ?? 1, column: place?.column ?? 1)
    }
}
