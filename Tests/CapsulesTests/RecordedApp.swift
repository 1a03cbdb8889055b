import Capsules
import CustomCode
import FlowEngine
import FlowLanguage
import FlowTesting
import Foundation
import Synchronization
import Testing

/// An app from its folder, whose cases are played as `runnel test` plays them, with every run of them exported.
struct RecordedApp: Sendable, CustomTestStringConvertible {
    var testDescription: String
    private let folder: URL

    /// Passes every kind of block and is started in every way; lies beside these tests.
    static let workshop = RecordedApp("workshop", tests.appending(path: "Workshop"))
    static let samples = ["shop", "donations", "subscriptions"].map { name in
        RecordedApp(
            name,
            tests.deletingLastPathComponent().deletingLastPathComponent().appending(path: "samples/\(name)")
        )
    }
    static let all = [workshop] + samples

    private static let tests = URL(filePath: #filePath).deletingLastPathComponent()

    private init(_ name: String, _ folder: URL) {
        testDescription = name
        self.folder = folder
    }

    func sources() throws -> [SourceFile] { try AppFolder.read(folder.path) }

    func compile(_ sources: [SourceFile]) throws -> App {
        let compilation = AppCompiler(catalogue: ReplayEnvironment.runnel.catalogue).compile(sources)
        let findings = DiagnosticRenderer.render(compilation.diagnostics, sources: sources)
        return try #require(compilation.hasErrors ? nil : compilation.app, "\(findings)")
    }

    /// What the app's own cases came to; played once for all tests.
    func play() async throws -> [CaseOutcome] {
        let task = Self.played.withLock { played in
            if let known = played[testDescription] { return known }
            let task = Task { try await play(AppFolder.readTests(folder.path)) }
            played[testDescription] = task
            return task
        }
        return try await task.value
    }

    private static let played = Mutex<[String: Task<[CaseOutcome], any Error>]>([:])

    /// On changed `sources`, if some are given; `files` are those that cases name.
    func play(
        _ tests: [SourceFile],
        files: [String: [UInt8]] = [:],
        on changed: [SourceFile]? = nil
    ) async throws -> [CaseOutcome] {
        let sources = try changed ?? sources()
        let app = try compile(sources)
        let compiled = CaseCompiler(app: app).compile(tests)
        let findings = DiagnosticRenderer.render(compiled.diagnostics, sources: tests)
        try #require(compiled.diagnostics.isEmpty, "\(findings)")
        let suite = try TestSuite(
            app: app,
            cases: compiled.cases,
            files: CaseFiles { files[$0] },
            folder: TestFolder.fresh("recorded-\(UUID().uuidString)"),
            code: try pool(app),
            exporting: sources
        )
        return await suite.run(places: 2)
    }

    /// Nil for an app without code; the worker stands beside the tests.
    func pool(_ app: App) throws -> CodePool? {
        let hasCode = app.flows.values.contains { flow in
            flow.nodes.contains { if case .code = $0.action { true } else { false } }
        }
        guard hasCode else { return nil }
        let worker = try #require(WorkerLocation.find(), "the worker stands beside the tests: build all products")
        return CodePool(CodePool.Configuration(executable: worker), connections: app.connections)
    }

    /// Every run of every case, each told by its case.
    func capsules() async throws -> [(name: String, capsule: Capsule)] {
        try await play().flatMap { outcome in
            outcome.capsules.map {
                ("\(outcome.test.name): run \($0.run.record.id) of \($0.run.record.start.flow)", $0)
            }
        }
    }

    /// Runs of four apps, each of another way through its flow, and runs with branches.
    static func recorded() async throws -> [(name: String, capsule: Capsule)] {
        let branched = try await CapsuleWorld.capsules(CapsuleWorld.branchCalls)
        let recorded = try await distinct() + branched.map { ($0.run.record.start.flow, $0) }
        #expect(recorded.count >= 20)
        return recorded
    }

    /// One run for each way through each flow, so that no two of them are alike.
    static func distinct() async throws -> [(name: String, capsule: Capsule)] {
        var ways: Set<[String]> = []
        var distinct: [(name: String, capsule: Capsule)] = []
        for app in all {
            for (name, capsule) in try await app.capsules() {
                let way = [app.testDescription, capsule.run.record.start.flow] + capsule.way
                if ways.insert(way).inserted { distinct.append(("\(app.testDescription): \(name)", capsule)) }
            }
        }
        return distinct
    }
}

extension Capsule {
    /// The blocks that the run and its sub-runs passed, and how each ended.
    var way: [String] {
        history.runs.flatMap { run in
            run.entries.flatMap { entry in
                entry.trace.map { "\($0.path) \($0.result)" } + ["\(entry.address.path) \(entry.status)"]
            } + run.record.trace.map { "\($0.path) \($0.result)" } + ["\(run.record.status)"]
        }
    }

    var blocks: Set<String> {
        Set(
            history.runs.flatMap { run in
                run.entries.flatMap { [$0.block] + $0.trace.map(\.block) } + run.record.trace.map(\.block)
            }
        )
    }
}
