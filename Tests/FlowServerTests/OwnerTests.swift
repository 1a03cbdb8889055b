import FlowEngine
import HTTPTypes
import HummingbirdTesting
import Testing

@testable import FlowServer

/// Two people whose ids a reader cannot tell apart, and Swift's `==` does not either; the store does.
@Suite("Callers whose ids differ by their bytes alone")
struct OwnerTests {
    private static let composed = Caller(id: "jos\u{E9}", roles: ["customer"])
    private static let decomposed = Caller(id: "jose\u{301}", roles: ["customer"])

    private func entry(_ kind: TableChange.Kind, owner: String?, former: String?) -> ChangeRing.Entry {
        let change = TableChange(sequence: 1, row: 1, kind: kind, formerOwner: former)
        return ChangeRing.Entry(change: change, owner: owner, event: kind == .delete ? nil : [1])
    }

    @Test("a change is told to the row's owner and not to the other one")
    func changes() async throws {
        try await ServerWorld.run { world, _ in
            let own = try RowScope(of: Self.composed, table: "orders", in: world.engine.app)
            let other = try RowScope(of: Self.decomposed, table: "orders", in: world.engine.app)
            let inserted = entry(.insert, owner: Self.composed.id, former: nil)
            #expect(inserted.event(for: own) == [1])
            #expect(inserted.event(for: other) == nil)
            let deleted = entry(.delete, owner: nil, former: Self.composed.id)
            #expect(deleted.event(for: own) != nil)
            #expect(deleted.event(for: other) == nil)
            #expect(own.isOfSameOwner(as: own))
            #expect(!own.isOfSameOwner(as: other))
        }
    }

    @Test("a run is shown to the caller who started it and is not there for the other one")
    func runs() async throws {
        try await ServerWorld.run { world, client in
            let own = try await world.headers(Self.composed)
            let other = try await world.headers(Self.decomposed)
            let placed = try await client.json("/pages/place-order", .post, headers: own, body: #"{"total": 5}"#)
            #expect(placed.status == 200)
            #expect(try await client.json("/runs/1", .get, headers: own, body: nil).status == 200)
            #expect(try await client.json("/runs/1", .get, headers: other, body: nil).status == 404)
        }
    }
}
