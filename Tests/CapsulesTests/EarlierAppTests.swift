import Capsules
import Expressions
import FlowEngine
import FlowLanguage
import FlowStores
import Foundation
import Testing

@Suite("The app of a flow's earlier version")
struct EarlierAppTests {
    private func withStore(_ body: (SQLiteStore, _ app: App, _ files: [SourceFile]) async throws -> Void) async throws {
        let files = CapsuleWorld.files()
        let app = try CapsuleWorld.compile(files)
        let folder = FileManager.default.temporaryDirectory.path + "/runnel-earlier-" + UUID().uuidString
        // A folder that cannot be removed is the machine's affair, not the test's.
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let store = try SQLiteStore(folder: folder, tables: app.tables)
        defer { store.close() }
        try await body(store, app, files)
    }

    private func find(_ version: FlowVersion, today: App, in store: SQLiteStore) async throws -> EarlierApp {
        try await store.read { (reader) throws(StoreError) in
            try SourceArchive.app(of: version, today: today, ReplayEnvironment.runnel.catalogue, in: reader)
        }
    }

    /// What `today` makes of the version that `records` had before.
    private func earlier(today: App) async throws -> (version: FlowVersion, app: App?, reason: String?) {
        var found: (FlowVersion, App?, String?)?
        try await withStore { store, before, files in
            let version = try #require(before.flows["records"]?.version)
            try await SourceArchive.save(before, files, in: store)
            switch try await find(version, today: today, in: store) {
            case .found(let app): found = (version, app, nil)
            case .gone(let reason): found = (version, nil, reason)
            }
        }
        return try #require(found)
    }

    @Test("it is found again after the flow was changed or taken away")
    func changed() async throws {
        let text = CapsuleWorld.records.replacing("note: raised", with: "note: lifted")
        let changed = try CapsuleWorld.compile(CapsuleWorld.files(changing: "records", to: text))
        let found = try await earlier(today: changed)
        #expect(changed.flows["records"]?.version != found.version)
        #expect(found.app?.flows["records"]?.version == found.version)
        var without = changed
        without.flows = [:]
        #expect(try await earlier(today: without).app != nil)
    }

    @Test("it is none where today's app lacks a column or a connection of it")
    func unfit() async throws {
        let today = try CapsuleWorld.compile()
        var app = today
        app.tables[0].columns.removeAll { $0.name == "note" }
        #expect(try await earlier(today: app).reason == "the table 'orders' has no column 'note' of type string now")
        app = today
        app.connections = []
        #expect(try await earlier(today: app).reason == "the app has no connection 'stock' of service http now")
    }

    @Test("a version that an earlier program recorded, without sub-flows and with a list of its own, is found")
    func recordedBefore() async throws {
        try await withStore { store, app, files in
            let version = try #require(app.flows["guarded"]?.version)
            #expect(version.own != version)
            let list = files.map { file -> Value in
                ["path": .string(file.path), "hash": .string(SourceArchive.hash(file.bytes))]
            }
            try store.writeGroup { (transaction) throws(StoreError) in
                for file in files {
                    try transaction.saveFlowSource(FlowVersion("file:" + SourceArchive.hash(file.bytes)), file.bytes)
                }
                try transaction.saveFlowSource(version.own, JSON.encodeExact(.list(list)))
            }
            guard case .found = try await find(version.own, today: app, in: store) else {
                Issue.record("not found")
                return
            }
            guard case .gone(let reason) = try await find(version, today: app, in: store) else {
                Issue.record("found")
                return
            }
            #expect(reason == "its files were not kept")
        }
    }

    @Test("versions of one app share the list of its files, and a file that stays is kept once")
    func shared() async throws {
        try await withStore { store, app, files in
            try await SourceArchive.save(app, files, in: store)
            let helper = CapsuleWorld.helper.replacing("hello", with: "good day")
            let changed = CapsuleWorld.files(changing: "helper", to: helper)
            let after = try CapsuleWorld.compile(changed)
            // What runs it is another version with it.
            for name in ["helper", "guarded"] { #expect(app.flows[name]?.version != after.flows[name]?.version) }
            #expect(app.flows["records"]?.version == after.flows["records"]?.version)
            try await SourceArchive.save(after, changed, in: store)
            for (app, files) in [(app, files), (after, changed)] {
                let version = try #require(app.flows["guarded"]?.version)
                let kept = try await store.read { (reader) throws(StoreError) in
                    (try reader.flowSource(version)?.count, try SourceArchive.files(of: version, in: reader))
                }
                #expect(kept.0.map { $0 < 80 } == true)
                #expect(kept.1 == files)
            }
        }
    }
}
