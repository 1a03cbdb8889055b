import Expressions
import FlowEngine
import FlowLanguage
import Testing
import TestSupport

@Suite("upsert-record")
struct EngineUpsertTests {
    private static func flow() -> String {
        """
        flow: f
        kind: page
        access: [customer]
        input: { name: { type: string }, total: { type: int } }
        output: { id: '${ blocks.order.id }', total: '${ blocks.order.total }', status: '${ blocks.order.status }' }
        blocks:
          - id: order
            block: upsert-record
            table: orders
            set: { name: '${ input.name }', total: '${ input.total }' }
            on: name
        """
    }

    @Test("the first inserts with defaults, the second changes that very row and keeps what 'set' does not name")
    func insertsThenChanges() async throws {
        try await EngineWorld.with(Self.flow()) { world in
            try await world.run { engine in
                let first = try await engine.call("f", ["name": "a", "total": 1])
                #expect(first.body == ["id": 1, "total": 1, "status": "NEW"])
                try await engine.write { (transaction) throws(StoreError) in
                    let all = RecordUpdate(table: "orders", where: [], set: [ResolvedAssignment("status", "PAID")])
                    _ = try transaction.update(all)
                }
                let second = try await engine.call("f", ["name": "a", "total": 2])
                #expect(second.body == ["id": 1, "total": 2, "status": "PAID"])
                let other = try await engine.call("f", ["name": "b", "total": 3])
                #expect(other.body == ["id": 2, "total": 3, "status": "NEW"])
                #expect(try await engine.rows("orders").count == 2)
                let entry = try #require(try await engine.entries(RunID(2)).first)
                #expect(entry.block == "upsert-record")
                #expect(entry.input["on"] == "name")
            }
        }
    }

    @Test("a refused value is the block's failure and leaves the row as it was")
    func refused() async throws {
        try await EngineWorld.with(Self.flow()) { world in
            try await world.run { engine in
                _ = try await engine.call("f", ["name": "a", "total": 1])
                let refused = try await engine.call("f", ["name": "a", "total": 0])
                #expect(refused.status == 422)
                #expect(try await engine.rows("orders").map { $0["total"] } == [1])
                #expect(try await engine.entries(RunID(2)).map(\.status) == [.failed])
            }
        }
    }
}
