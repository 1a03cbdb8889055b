import FlowLanguage
import Foundation
import Payments
import Testing

@testable import FlowTesting

/// An app of the tests: the files of a sample, some of them changed, and its cases.
struct TestApp {
    var files: [SourceFile]
    var tests: [SourceFile]

    private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    init(files: [SourceFile], tests: [SourceFile]) {
        self.files = files
        self.tests = tests
    }

    /// A sample as it stands in `samples/`.
    init(sample: String) throws {
        let folder = Self.root.appending(path: "samples/\(sample)").path
        files = try AppFolder.read(folder)
        tests = try AppFolder.readTests(folder)
    }

    /// A small app: one table, and the flows given.
    init(_ flows: String..., tests: String) {
        files = [SourceFile(path: "app.yaml", bytes: Array(Self.declaration.utf8))]
        for (number, flow) in flows.enumerated() {
            files.append(SourceFile(path: "flows/flow\(number).yaml", bytes: Array(flow.utf8)))
        }
        self.tests = [SourceFile(path: "tests/cases.yaml", bytes: Array(tests.utf8))]
    }

    private static let declaration = """
        app: small
        roles: [customer]
        tables:
          orders:
            columns:
              email:  { type: string }
              total:  { type: int, min: 1 }
              status: { type: string, enum: [NEW, PAID], default: NEW }
        """

    /// Replaces a text that stands once in a file.
    mutating func replace(_ text: String, with other: String, in path: String) throws {
        let index = try #require(files.firstIndex { $0.path.hasSuffix(path) })
        let content = String(decoding: files[index].bytes, as: UTF8.self)
        #expect(content.components(separatedBy: text).count == 2, "'\(text)' does not stand once in \(path)")
        files[index].bytes = Array(content.replacingOccurrences(of: text, with: other).utf8)
    }

    func app() throws -> App {
        let compilation = AppCompiler(catalogue: PaymentsCatalogue.catalogue).compile(files)
        return try #require(compilation.app, "\(DiagnosticRenderer.render(compilation.diagnostics, sources: files))")
    }

    /// The suite with the cases in `tests`, which must have no findings.
    func suite() throws -> TestSuite {
        let app = try app()
        let compilation = CaseCompiler(app: app).compile(tests)
        #expect(
            compilation.diagnostics.isEmpty,
            "\(DiagnosticRenderer.render(compilation.diagnostics, sources: tests))"
        )
        return try TestSuite(
            app: app,
            cases: compilation.cases,
            files: CaseFiles { _ in nil },
            folder: TestFolder.fresh(UUID().uuidString)
        )
    }

    func run() async throws -> [CaseOutcome] { try await suite().run(places: 2) }
}
