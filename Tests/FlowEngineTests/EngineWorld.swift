import Capsules
import Expressions
import FlowEngine
import FlowLanguage
import FlowStores
import Foundation
import Logging
import Testing
import TestSupport

/// A folder with a store on a real file, and all that an engine needs; reopening it is what a restart is.
struct EngineWorld {
    let folder: String
    let app: App
    let clock: ManualClock
    let feature = SampleFeature()
    /// With them, every run that ends is exported and replayed when its engine stops.
    var sources: [SourceFile] = []

    init(_ app: App, folder: String? = nil, clock: ManualClock = ManualClock()) {
        self.app = app
        self.clock = clock
        self.folder = folder ?? FileManager.default.temporaryDirectory.path + "/runnel-engine-" + UUID().uuidString
    }

    /// Runs `body` with a fresh folder and removes it afterwards.
    static func with(_ flows: String..., body: (EngineWorld) async throws -> Void) async throws {
        var files = [SourceFile(path: "app.yaml", bytes: Array(SampleApp.declaration.utf8))]
        for (number, flow) in flows.enumerated() {
            files.append(SourceFile(path: "flows/flow\(number).yaml", bytes: Array(flow.utf8)))
        }
        var world = EngineWorld(try SampleApp.compile(files: files))
        world.sources = files
        // A folder that cannot be removed is the machine's affair, not the test's.
        defer { try? FileManager.default.removeItem(atPath: world.folder) }
        try await body(world)
    }

    func openStore() throws -> SQLiteStore {
        try SQLiteStore(
            folder: folder,
            tables: app.tables,
            configuration: SQLiteStore.Configuration(clock: clock)
        )
    }

    /// Opens the store, runs an engine on it for as long as `body` takes, and closes both.
    ///
    /// Cancelling the engine is as near to a crash as one process can have it: nothing that is on its way is recorded.
    func run<R: Sendable>(
        transport: any Transport = ScriptedTransport(),
        code: (any CodeRunner)? = nil,
        app: App? = nil,
        logger: Logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
        store decorate: (any Store) -> any Store = { $0 },
        earlier: EarlierVersions = .none,
        retention: Retention = .lookingHourly,
        mode: Mode = .test,
        stepsPerTurn: Int = Limits.stepsPerTurn,
        body: (Engine) async throws -> R
    ) async throws -> R {
        let base = try openStore()
        defer { base.close() }
        let engine = Engine(
            app: app ?? self.app,
            store: decorate(base),
            transport: transport,
            clock: clock,
            random: SeededRandomSource(),
            features: [feature],
            code: code,
            earlier: earlier,
            mode: mode,
            logger: logger,
            retention: retention,
            stepsPerTurn: stepsPerTurn
        )
        let running = Task { try await engine.run() }
        await engine.waitUntilReady()
        let result: Result<R, any Error>
        do {
            result = .success(try await body(engine))
        } catch {
            result = .failure(error)
        }
        running.cancel()
        try await running.value
        if case .success = result, app == nil { await expectReplays(of: base) }
        return try result.get()
    }

    /// Goal: whatever a test made the engine do, its runs are the same again from their capsules.
    private func expectReplays(of store: SQLiteStore) async {
        guard !sources.isEmpty else { return }
        let environment = ReplayEnvironment(catalogue: Catalogue(services: [SampleFeature.service])) { _, _, _ in
            [SampleFeature()]
        }
        let export = CapsuleExport(environment: environment, sources: sources, secrets: [:], program: "test")
        do {
            let runs = try await store.read { (reader) throws(StoreError) in
                try reader.runs(matching: RunFilter(limit: 200))
            }
            // Beyond a few hundred entries it is the same again and again.
            for run in runs.prefix(20) {
                // What a flow's new version makes of an old journal is the engine's verdict on its caller, not a way.
                if run.failure?.code == "nondeterminism" { continue }
                // A branch is in the capsule of the run that waits for it.
                if run.start.origin == .branch { continue }
                // How deep a sub-flow stands is told by the capsule of the run around it.
                if run.failure?.code == "too_deep", run.start.parent != nil { continue }
                guard let capsule = try await export.capsule(of: run.id, in: store, at: clock.now()) else { continue }
                #expect(capsule.header.limitation == nil, "run \(run.id) of \(run.start.flow)")
                let again = try CapsuleText.decode(CapsuleText.encode(capsule))
                let verdict = try CapsuleReplay(environment: environment).replay(again)
                if let divergence = verdict.divergence {
                    Issue.record("\(DivergenceView(divergence).text(file: "run \(run.id) of \(run.start.flow)"))")
                }
            }
        } catch {
            // A test that breaks its store on purpose has no runs to show.
            guard error is ReplayRefusal || error is CapsuleError else { return }
            Issue.record("\(error)")
        }
    }
}

extension Caller {
    static let ann = Caller(id: "ann", roles: ["customer"])
}

extension Engine {
    func call(
        _ flow: String = "f",
        _ input: Value = [:],
        key: String? = nil,
        caller: Caller = .ann
    ) async throws -> RunAnswer {
        let answer = try await callPage(
            flow,
            input: input,
            caller: caller,
            idempotencyKey: key,
            timeLimit: .seconds(86_400)
        )
        guard case .answered(let answer, _) = answer else {
            Issue.record("not answered: \(answer)")
            return RunAnswer(status: 202, body: .null)
        }
        return answer
    }

    func record(_ run: RunID) async throws -> RunRecord {
        try #require(try await store.read { (reader) throws(StoreError) in try reader.run(run) })
    }

    /// Returns once the run is final: the feature's end of it is awaited by asking again after each group.
    func finished(_ run: RunID) async throws -> RunRecord {
        while true {
            let record = try await record(run)
            if record.status.isFinal { return record }
            try await write { (_) throws(StoreError) in }
        }
    }

    /// Returns once there is the run and it has the status, or is final.
    func record(_ run: RunID, being status: RunStatus) async throws -> RunRecord {
        while true {
            let record = try await store.read { (reader) throws(StoreError) in try reader.run(run) }
            if let record, record.status == status || record.status.isFinal { return record }
            try await write { (_) throws(StoreError) in }
        }
    }

    func entries(_ run: RunID) async throws -> [JournalEntry] {
        try await store.read { (reader) throws(StoreError) in try reader.entries(of: run) }
    }

    func rows(_ table: String) async throws -> [ValueMap] {
        let query = RecordQuery(table: table, where: [], limit: 1_000)
        return try await store.read { (reader) throws(StoreError) in try reader.find(query) }
    }

    func allRuns() async throws -> [RunRecord] {
        try await store.read { (reader) throws(StoreError) in try reader.runs(matching: RunFilter(limit: 1_000)) }
    }
}

extension Retention {
    /// Leaves the clock's first hour to what a test waits for.
    static let lookingHourly: Retention = {
        var retention = Retention.standard
        retention.firstLook = .seconds(3_600)
        return retention
    }()
}
