import Expressions
import FlowEngine
import Hummingbird
import HummingbirdTesting
import Testing

@testable import FlowServer

@Suite("GET /tables/<table>")
struct TableTests {
    private static func order(_ client: any TestClientProtocol, _ headers: HTTPFields) async throws {
        let answer = try await client.json("/pages/place-order", .post, headers: headers, body: #"{"total": 700}"#)
        #expect(answer.status == 200)
    }

    @Test("a customer sees the rows that are the customer's own, an admin all of them")
    func owners() async throws {
        try await ServerWorld.run { world, client in
            let ann = try await world.headers(.ann)
            let bob = try await world.headers(.bob)
            let boss = try await world.headers(.boss)
            try await Self.order(client, ann)
            try await Self.order(client, bob)
            let own = try await client.json("/tables/orders", .get, headers: ann, body: nil)
            #expect(own.body["items"]?.listValue?.map { $0["email"] } == ["ann@example.com"])
            let all = try await client.json("/tables/orders", .get, headers: boss, body: nil)
            #expect(all.body["count"] == 2)
            #expect(try await client.json("/tables/orders/2", .get, headers: ann, body: nil).status == 404)
            let row = try await client.json("/tables/orders/1", .get, headers: ann, body: nil)
            #expect(row.body["status"] == "NEW")
            #expect(row.body["total"] == 700)
        }
    }

    @Test("without a role of access.read there is nothing to see, and strangers do not learn which tables there are")
    func refusals() async throws {
        try await ServerWorld.run { world, client in
            let ann = try await world.headers(.ann)
            for table in ["orders", "notes", "payments", "nothing"] {
                #expect(try await client.json("/tables/\(table)", .get, headers: [:], body: nil).status == 401)
            }
            #expect(try await client.json("/tables/notes", .get, headers: ann, body: nil).status == 403)
            #expect(try await client.json("/tables/payments", .get, headers: ann, body: nil).status == 403)
            #expect(try await client.json("/tables/nothing", .get, headers: ann, body: nil).status == 404)
            #expect(try await client.json("/tables/orders/x", .get, headers: ann, body: nil).status == 404)
            #expect(try await client.json("/tables/orders", .post, headers: ann, body: "{}").status == 405)
        }
    }

    @Test("a list is bounded, and goes on after the last id of the page before")
    func pages() async throws {
        var configuration = ServerConfiguration()
        configuration.limits.listLength = 2
        try await ServerWorld.run(configuration) { world, client in
            let ann = try await world.headers(.ann)
            for _ in 0..<3 { try await Self.order(client, ann) }
            let first = try await client.json("/tables/orders?limit=1000", .get, headers: ann, body: nil)
            #expect(first.body["items"]?.listValue?.map { $0["id"] } == [1, 2])
            #expect(first.body["next"] == 2)
            let second = try await client.json("/tables/orders?after=2", .get, headers: ann, body: nil)
            #expect(second.body["items"]?.listValue?.map { $0["id"] } == [3])
            #expect(second.body["next"] == nil)
            for query in ["limit=0", "limit=x", "after=x", "limit=-1"] {
                #expect(try await client.json("/tables/orders?\(query)", .get, headers: ann, body: nil).status == 400)
            }
        }
    }

    @Test("a page of large rows ends early, and following its ends leads to every row once")
    func largeRows() async throws {
        try await ServerWorld.run { world, client in
            let boss = try await world.headers(.boss)
            let text = Value.string(String(repeating: "x", count: 900_000))
            try await world.engine.write { (transaction) throws(StoreError) in
                for _ in 0..<22 { _ = try transaction.insert(into: "notes", [("text", text)]) }
            }
            var (ids, after, pages) = ([Int64](), Int64(0), 0)
            while true {
                let uri = "/tables/notes?limit=50&after=\(after)"
                let answer = try await client.json(uri, .get, headers: boss, body: nil)
                #expect(answer.status == 200)
                ids += answer.body["items"]?.listValue?.compactMap { $0["id"]?.intValue } ?? []
                pages += 1
                guard let next = answer.body["next"]?.intValue, pages < 22 else { break }
                #expect(next == ids.last)
                after = next
            }
            #expect(ids == Array(1...22))
            #expect(pages == 3)
        }
    }
}
