import Capsules
import Expressions
import FlowEngine
import FlowLanguage
import FlowStores
import Foundation
import Synchronization
import TestSupport
import Testing

@Suite("Runs keep their sub-flows")
struct EngineVersionTests {
    private static let parent = """
        flow: f
        kind: cloud
        trigger: { manual: true }
        output: { said: '${ blocks.sub.said }', version: '${ run.version }' }
        blocks:
          - { block: wait, for: 30m }
          - { id: sub, block: run-flow, flow: child }

        """

    private static let child = """
        flow: child
        kind: cloud
        trigger: { manual: true }
        output: { said: '${ blocks.last.said }' }
        blocks:
          - { block: wait, for: 30m }
          - { id: last, block: run-flow, flow: grandchild }

        """

    private static let grandchild = grandchild(saying: "old")
    private static let changed = grandchild(saying: "new")

    private static func grandchild(saying word: String) -> String {
        """
        flow: grandchild
        kind: cloud
        trigger: { manual: true }
        output: { said: '\(word)' }
        blocks: [{ id: row, block: insert-record, table: lines, set: { text: '\(word)' } }]

        """
    }

    private static func files(
        parent: String = parent,
        grandchild: String = grandchild,
        declaration: String = SampleApp.declaration
    ) -> [SourceFile] {
        [
            ("app.yaml", declaration), ("flows/a.yaml", parent), ("flows/b.yaml", child),
            ("flows/c.yaml", grandchild),
        ].map { SourceFile(path: $0.0, bytes: Array($0.1.utf8)) }
    }

    /// From the files kept in the store, as `runnel serve` has them; `loads` counts.
    private static func kept(today: App, loads: LoadCount = LoadCount()) -> EarlierVersions {
        let catalogue = Catalogue(services: [SampleFeature.service])
        return EarlierVersions { (version, reader) throws(StoreError) in
            loads.add()
            return try SourceArchive.app(of: version, today: today, catalogue, in: reader)
        }
    }

    private final class LoadCount: Sendable {
        private let count = Mutex(0)
        var value: Int { count.withLock { $0 } }
        func add() { count.withLock { $0 += 1 } }
    }

    /// A world whose store keeps the files.
    private func with(
        _ files: [SourceFile] = files(),
        recordedBefore: Bool = false,
        _ body: (EngineWorld) async throws -> Void
    ) async throws {
        var app = try SampleApp.compile(files: files)
        // What a program knew that did not count sub-flows.
        if recordedBefore {
            app.flows = app.flows.mapValues { graph in
                var graph = graph
                graph.version = graph.version.own
                return graph
            }
        }
        let world = EngineWorld(app)
        // A folder that cannot be removed is the machine's affair, not the test's.
        defer { try? FileManager.default.removeItem(atPath: world.folder) }
        let store = try world.openStore()
        do {
            defer { store.close() }
            try await SourceArchive.save(app, files, in: store)
        }
        try await body(world)
    }

    private func startAndWait(_ world: EngineWorld) async throws {
        try await world.run { engine in
            _ = try await engine.start("f", input: [:], trigger: .null, origin: .manual, caller: .system)
            await world.clock.waitForSleeper(within: .seconds(1_800))
        }
        world.clock.advance(by: .seconds(1_800))
    }

    @Test(
        "a sub-flow's sub-flow that is changed alone is the old one for runs under way, the new one for those that begin"
    )
    func changedAlone() async throws {
        try await with { world in
            try await startAndWait(world)
            let today = try SampleApp.compile(files: Self.files(grandchild: Self.changed))
            // A restart between every two waits, each with today's app.
            try await world.run(app: today, earlier: Self.kept(today: today)) { engine in
                _ = try await engine.record(RunID(2), being: .waiting)
                _ = try await engine.start("f", input: [:], trigger: .null, origin: .manual, caller: .system)
                _ = try await engine.record(RunID(3), being: .waiting)
            }
            world.clock.advance(by: .seconds(1_800))
            let loads = LoadCount()
            try await world.run(app: today, earlier: Self.kept(today: today, loads: loads)) { engine in
                let old = try await engine.finished(RunID(1))
                #expect(old.answer?.body["said"] == "old", "\(String(describing: old.failure))")
                #expect(old.answer?.body["version"] == .string(old.start.version.rawValue))
                await world.clock.waitForSleeper(within: .seconds(1_800))
                world.clock.advance(by: .seconds(1_800))
                let new = try await engine.finished(RunID(3))
                #expect(new.answer?.body["said"] == "new", "\(String(describing: new.failure))")
                #expect(new.start.version != old.start.version)
                #expect(new.start.version.own == old.start.version.own)
                let rows = try await engine.rows("lines")
                #expect(rows.map { $0["text"] } == ["old", "new"])
                // The run, its sub-flow and that one's are of one app.
                #expect(loads.value == 1)
            }
        }
    }

    @Test(
        "a run that an earlier program recorded goes on: with today's sub-flows as there, with its own once it was changed",
        arguments: [("30m", "new"), ("31m", "old")]
    )
    func recordedBefore(wait: String, said: Value) async throws {
        try await with(recordedBefore: true) { world in
            try await startAndWait(world)
            let parent = Self.parent.replacing("30m", with: wait)
            let today = try SampleApp.compile(files: Self.files(parent: parent, grandchild: Self.changed))
            try await world.run(app: today, earlier: Self.kept(today: today)) { engine in
                let child = try await engine.record(RunID(2), being: .waiting)
                #expect(child.start.version != child.start.version.own)
            }
            world.clock.advance(by: .seconds(1_800))
            // The child's version leads to its files, though no app was saved with it.
            try await world.run(app: today, earlier: Self.kept(today: today)) { engine in
                let record = try await engine.finished(RunID(1))
                #expect(record.answer?.body["said"] == said, "\(String(describing: record.failure))")
                #expect(record.start.version == record.start.version.own)
            }
        }
    }

    @Test("so are those that branches run, and those that a run only starts")
    func branches() async throws {
        let parent = """
            flow: f
            kind: cloud
            trigger: { manual: true }
            blocks:
              - id: each
                block: for-each
                each: '[1, 2]'
                as: n
                concurrency: 2
                do:
                  - { block: wait, for: 30m }
                  - { id: one, block: run-flow, flow: grandchild }
                  - { id: two, block: run-flow, flow: grandchild, mode: start }

            """
        try await with(Self.files(parent: parent)) { world in
            try await startAndWait(world)
            let today = try SampleApp.compile(files: Self.files(parent: parent, grandchild: Self.changed))
            try await world.run(app: today, earlier: Self.kept(today: today)) { engine in
                let record = try await engine.finished(RunID(1))
                #expect(record.status == .succeeded, "\(String(describing: record.failure))")
                while try await engine.allRuns().contains(where: { !$0.status.isFinal }) {
                    try await engine.write { (_) throws(StoreError) in }
                }
                let rows = try await engine.rows("lines")
                #expect(rows.map { $0["text"] } == ["old", "old", "old", "old"])
            }
        }
    }

    @Test("where a sub-flow's column is gone, the run is paused with the reason, and goes on once that is put back")
    func misfit() async throws {
        try await with { world in
            try await startAndWait(world)
            let declaration = SampleApp.declaration.replacing("text: { type: string }", with: "text: { type: int }")
            let flow = Self.grandchild.replacing("text: 'old'", with: "text: 1")
            // The store opens with the tables as they are: what matters here is what the app says.
            let today = try SampleApp.compile(files: Self.files(grandchild: flow, declaration: declaration))
            try await world.run(app: today, earlier: Self.kept(today: today)) { engine in
                let record = try await engine.record(RunID(1), being: .paused)
                #expect(record.failure?.code == "version_gone")
                let message = try #require(record.failure?.message)
                #expect(message.contains("the table 'lines' has no column 'text' of type string now"), "\(message)")
            }
            try await world.run { engine in
                try await engine.resume(RunID(1))
                _ = try await engine.record(RunID(2), being: .waiting)
                world.clock.advance(by: .seconds(1_800))
                let record = try await engine.finished(RunID(1))
                #expect(record.answer?.body["said"] == "old")
            }
        }
    }

    @Test("runs of many flows whose common sub-flow was changed share one app of the earlier files")
    func shared() async throws {
        let callers = (1...40).map { number in
            let text = Self.parent.replacing("flow: f", with: "flow: f\(number)").replacing("child", with: "grandchild")
            return SourceFile(path: "flows/f\(number).yaml", bytes: Array(text.utf8))
        }
        try await with(Self.files() + callers) { world in
            try await world.run { engine in
                for number in 1...40 {
                    let flow = "f\(number)"
                    _ = try await engine.start(flow, input: [:], trigger: .null, origin: .manual, caller: .system)
                }
                _ = try await engine.record(RunID(40), being: .waiting)
            }
            world.clock.advance(by: .seconds(1_800))
            let today = try SampleApp.compile(files: Self.files(grandchild: Self.changed) + callers)
            let loads = LoadCount()
            try await world.run(app: today, earlier: Self.kept(today: today, loads: loads)) { engine in
                for number in 1...40 {
                    let record = try await engine.finished(RunID(Int64(number)))
                    #expect(record.answer?.body["said"] == "old")
                }
            }
            #expect(loads.value == 1)
        }
    }
}
