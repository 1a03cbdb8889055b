import Capsules
import Connections
import FlowLanguage
import FlowTesting
import Foundation

/// An app with its test cases, read and checked.
struct LoadedCases {
    let folder: String
    let app: App
    let appFiles: [SourceFile]
    let files: [SourceFile]
    private(set) var cases: [TestCase]

    /// - Throws: Findings of the app or of its cases as exit code 3.
    static func load(_ folder: String) throws -> LoadedCases {
        let loaded = try AppLoading.app(in: folder)
        let files = try AppFolder.readTests(folder)
        let compiled = CaseCompiler(app: loaded.app).compile(files)
        if !compiled.diagnostics.isEmpty {
            Console.note(DiagnosticRenderer.render(compiled.diagnostics, sources: files))
        }
        if compiled.hasErrors { throw Exit.findings }
        return LoadedCases(
            folder: folder,
            app: loaded.app,
            appFiles: loaded.sources,
            files: files,
            cases: compiled.cases
        )
    }

    mutating func keep(_ isWanted: (TestCase) -> Bool) { cases = cases.filter(isWanted) }

    /// `isExporting`: the runs are wanted as capsules.
    func suite(isExporting: Bool = false) throws -> TestSuite {
        let explicit = ExplicitCredentials()
        return try TestSuite(
            app: app,
            cases: cases,
            files: CaseFiles { [folder] name in
                // Nil: there is none.
                try? AppFolder.readFile(name, of: folder, limit: CapsuleText.byteLimit)
            },
            folder: TestFolder.fresh("suite"),
            code: CodeRuntime.hasCode(app)
                ? CodeRuntime.pool(connections: app.connections, credentials: explicit) : nil,
            explicit: explicit,
            exporting: isExporting ? appFiles : nil
        )
    }

    /// Plays the cases on all cores.
    func play(progress: TestProgress?, isExporting: Bool = false) async throws -> SuiteReport {
        let start = ContinuousClock.now
        let suite = try suite(isExporting: isExporting)
        let outcomes = await suite.run(places: ProcessInfo.processInfo.activeProcessorCount) { outcome in
            progress?.advance(isPassed: outcome.isPassed)
        }
        progress?.end()
        return SuiteReport(outcomes, duration: ContinuousClock.now - start)
    }
}
