import Capsules
import FlowEngine
import FlowLanguage
import FlowStores
import Foundation
import Testing

@Suite("The app of a flow's earlier version")
struct EarlierAppTests {
    /// What `today` makes of the version that `records` had before.
    private func earlier(today: App) async throws -> (version: FlowVersion, app: App?) {
        let files = CapsuleWorld.files()
        let before = try CapsuleWorld.compile(files)
        let version = try #require(before.flows["records"]?.version)
        let folder = FileManager.default.temporaryDirectory.path + "/runnel-earlier-" + UUID().uuidString
        // A folder that cannot be removed is the machine's affair, not the test's.
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let store = try SQLiteStore(folder: folder, tables: before.tables)
        defer { store.close() }
        try await SourceArchive.save(before, files, in: store)
        let app = try await store.read { (reader) throws(StoreError) in
            try SourceArchive.app(of: version, today: today, ReplayEnvironment.runnel.catalogue, in: reader)
        }
        return (version, app)
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
        #expect(try await earlier(today: app).app == nil)
        app = today
        app.connections = []
        #expect(try await earlier(today: app).app == nil)
    }
}
