import ArgumentParser
import FlowLanguage

struct CheckCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Checks an app's files; every finding with its place and the fix.",
        discussion: "Exit code 0: no errors; 3: there are."
    )

    @Argument(help: "The app's folder.") var app: String = "."
    @Flag(help: "Print findings as JSON.") var json = false
    @Flag(help: "Print the compiled graphs.") var graph = false

    func run() async throws {
        try await reporting {
            var loaded = try AppLoading.compile(app)
            if let compiled = loaded.compilation.app {
                let findings = await CodeRuntime.syntaxFindings(in: compiled)
                loaded.compilation.diagnostics += findings
                if !findings.isEmpty { loaded.compilation.app = nil }
            }
            if json {
                try Console.json(FindingReport.value(of: loaded.compilation.diagnostics))
            } else if !loaded.compilation.diagnostics.isEmpty {
                Console.data(
                    DiagnosticRenderer.render(loaded.compilation.diagnostics, sources: loaded.sources)
                )
            }
            guard let checked = loaded.compilation.app else { throw Exit.findings }
            if !json { try checkCases(of: checked) }
            AppLoading.warnOfMissingCallbacks(checked)
            if graph {
                for flow in checked.flows.values.sorted(by: { $0.name < $1.name }) {
                    Console.data(FlowGraphText.render(flow))
                }
            } else if !json {
                let (flows, tables) = (checked.flows.count, checked.tables.count)
                Console.note(
                    "\(checked.name): \(flows) flow\(flows == 1 ? "" : "s"), \(tables) table\(tables == 1 ? "" : "s"), no errors"
                )
            }
        }
    }

    /// The test cases are files of the app too; `runnel test` plays them.
    private func checkCases(of checked: App) throws {
        let files = try AppFolder.readTests(app)
        let compilation = CaseCompiler(app: checked).compile(files)
        guard !compilation.diagnostics.isEmpty else { return }
        Console.data(DiagnosticRenderer.render(compilation.diagnostics, sources: files))
        if compilation.hasErrors { throw Exit.findings }
    }
}
