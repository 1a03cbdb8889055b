import Expressions
import FlowEngine
import FlowLanguage
import FlowStores
import Foundation
import Logging
import Payments
import TestSupport
import Testing

@testable import CustomCode

/// A folder with a store on a real file, an engine, and the pool that runs its code.
struct CodeWorld {
    let folder: String
    let app: App
    let clock: ManualClock

    static let declaration = """
        app: sample
        currency: usd
        roles: [customer]
        tables:
          orders:
            columns:
              name:   { type: string, unique: true }
              total:  { type: int, min: 1 }
              paidAt: { type: timestamp, optional: true }
        connections:
          stripe: { service: stripe }

        """

    init(
        _ flows: [String],
        code: [String: String] = [:],
        declaration: String = Self.declaration,
        folder: String? = nil,
        clock: ManualClock = ManualClock()
    ) throws {
        let compilation = Self.compile(flows, code: code, declaration: declaration)
        let errors = compilation.diagnostics.filter { $0.severity == .error }
        try #require(errors.isEmpty, "\(errors.map { "\($0.range.start.line): \($0.code) \($0.message)" })")
        app = try #require(compilation.app)
        self.clock = clock
        self.folder = folder ?? FileManager.default.temporaryDirectory.path + "/runnel-code-" + UUID().uuidString
    }

    static func compile(
        _ flows: [String],
        code: [String: String] = [:],
        declaration: String = Self.declaration
    ) -> AppCompilation {
        AppCompiler(catalogue: PaymentsCatalogue.catalogue).compile(files(flows, code: code, declaration: declaration))
    }

    static func files(
        _ flows: [String],
        code: [String: String] = [:],
        declaration: String = Self.declaration
    ) -> [SourceFile] {
        var files = [SourceFile(path: "app.yaml", bytes: Array(declaration.utf8))]
        for (number, flow) in flows.enumerated() {
            files.append(SourceFile(path: "flows/flow\(number).yaml", bytes: Array(flow.utf8)))
        }
        for (path, text) in code { files.append(SourceFile(path: path, bytes: Array(text.utf8))) }
        return files
    }

    /// Opens the store, runs an engine on it for as long as `body` takes, and closes both: a restart is a second call.
    func run<R: Sendable>(
        transport: any Transport = ScriptedTransport(),
        code: (any CodeRunner)? = nil,
        logger: Logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
        body: (Engine) async throws -> R
    ) async throws -> R {
        let store = try SQLiteStore(folder: folder, tables: app.tables, configuration: .init(clock: clock))
        defer { store.close() }
        let engine = Engine(
            app: app,
            store: store,
            transport: transport,
            clock: clock,
            random: SeededRandomSource(),
            features: [],
            code: try code ?? CodeDesk().pool,
            mode: .test,
            logger: logger
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
        return try result.get()
    }

    func remove() { try? FileManager.default.removeItem(atPath: folder) }  // The machine's affair, not the test's.
}

extension Engine {
    /// Starts a cloud flow by hand and waits for its end.
    func play(_ flow: String = "f", _ input: ValueMap = [:]) async throws -> RunRecord {
        let run = try await start(flow, input: input, trigger: .null, origin: .manual, caller: .system)
        return try await finished(run)
    }

    /// Returns once the run is final: asked again after each group.
    ///
    /// The clock is moved on while the run waits for another attempt: a busy machine loses an answer now and then.
    func finished(_ run: RunID, moving clock: ManualClock? = nil) async throws -> RunRecord {
        while true {
            let record = try await record(run)
            if record.status == .retrying { clock?.advance(by: .seconds(1)) }
            if record.status.isFinal || record.status == .outcomeUnknown { return record }
            try await write { (_) throws(StoreError) in }
        }
    }

    func record(_ run: RunID) async throws -> RunRecord {
        try #require(try await store.read { (reader) throws(StoreError) in try reader.run(run) })
    }

    func entries(_ run: RunID) async throws -> [JournalEntry] {
        try await store.read { (reader) throws(StoreError) in try reader.entries(of: run) }
    }

    func rows(_ table: String) async throws -> [ValueMap] {
        let query = RecordQuery(table: table, where: [], limit: 1_000)
        return try await store.read { (reader) throws(StoreError) in try reader.find(query) }
    }
}
