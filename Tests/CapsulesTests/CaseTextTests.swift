import Capsules
import FlowEngine
import FlowLanguage
import FlowTesting
import Foundation
import Testing

@Suite("Capsules as test cases")
struct CaseTextTests {
    private func outcome(of text: String, on app: App, _ name: String) async throws -> CaseOutcome {
        let compiled = CaseCompiler(app: app).compile([SourceFile(path: "tests/a.yaml", bytes: Array(text.utf8))])
        try #require(compiled.diagnostics.isEmpty, "\(compiled.diagnostics.map(\.message)) in\n\(text)")
        let suite = try TestSuite(
            app: app,
            cases: compiled.cases,
            files: CaseFiles { _ in nil },
            folder: TestFolder.fresh("capsules-\(name)-\(UUID().uuidString)")
        )
        return try #require(await suite.run(places: 1).first)
    }

    @Test("a run of every kind is a case that passes: rows, ids, answers and all")
    func passes() async throws {
        let replay = CapsuleReplay()
        for capsule in try await CapsuleWorld.capsules(Array(CapsuleWorld.calls.prefix(8))) {
            let app = try replay.compiledApp(of: capsule)
            let rows = try replay.replay(capsule).outcome.outside
            let text = try CaseText(capsule, app: app, rows: rows).text()
            let outcome = try await outcome(of: text, on: app, "\(capsule.run.record.id)")
            let problems = outcome.problems.map { "\($0.subject): \($0.expected), not \($0.actual)" }
            #expect(problems == [], "\(text)")
        }
    }

    @Test("on a flow that was broken the case fails where the output is told")
    func fails() async throws {
        let replay = CapsuleReplay()
        let capsule = try #require(try await CapsuleWorld.capsules([CapsuleWorld.calls[0]]).first)
        let rows = try replay.replay(capsule).outcome.outside
        let text = try CaseText(capsule, app: try replay.compiledApp(of: capsule), rows: rows).text()
        let broken = CapsuleWorld.records.replacing("blocks.order.total * 2", with: "blocks.order.total * 3")
        let app = try CapsuleWorld.compile(CapsuleWorld.files(changing: "records", to: broken))
        let outcome = try await outcome(of: text, on: app, "broken")
        #expect(outcome.problems.map(\.subject) == ["output.sum", "tables.orders[0].total"])
    }
}
