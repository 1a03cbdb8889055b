import Expressions
import FlowEngine
import Foundation
import Hummingbird
import HummingbirdTesting
import Logging
import ServiceLifecycle
import TestSupport
import Testing

@testable import FlowServer

/// Over sockets, as browsers do it.
@Suite("Live results", .timeLimit(.minutes(3)))
struct SubscriptionTests {
    /// Serves the shop and gives its clients; a graceful stop must end every stream, long before the server gives up.
    static func serve(
        _ limits: ServerConfiguration.Limits = .init(),
        _ body: @escaping @Sendable (ServerWorld, EventClients) async throws -> Void
    ) async throws {
        let ready = AsyncStream.makeStream(of: Int.self)
        let configuration = ServerConfiguration(
            port: 0,
            answerGrace: .zero,
            stopTimeLimit: .seconds(3_600),
            limits: limits
        )
        let announce: @Sendable (Int) async -> Void = { ready.continuation.yield($0) }
        try await ServerWorld.with(configuration, onReady: announce) { world in
            let group = ServiceGroup(
                configuration: ServiceGroupConfiguration(services: [world.server], logger: .init(label: "quiet"))
            )
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                tasks.addTask { try await group.run() }
                var ports = ready.stream.makeAsyncIterator()
                let clients = try EventClients(port: try #require(await ports.next()))
                defer { clients.stop() }
                try await body(world, clients)
                await group.triggerGracefulShutdown()
                await clients.wait { $0.allSatisfy(\.isClosed) }
                try await tasks.waitForAll()
            }
        }
    }

    private static func auth(_ world: ServerWorld, _ caller: Caller) async throws -> [String] {
        ["Authorization: \(try await world.headers(caller)[.authorization] ?? "")"]
    }

    private static func insert(_ world: ServerWorld, _ caller: Caller, total: Int64 = 700) async throws -> Int64 {
        let email = Value.string(caller.id ?? "")
        return try await world.engine.write { (transaction) throws(StoreError) in
            try transaction.insert(into: "orders", [("email", email), ("total", .int(total))])["id"]?.intValue ?? 0
        }
    }

    private static func set(_ world: ServerWorld, _ id: Int64, _ column: String, _ value: Value) async throws {
        try await world.engine.write { (transaction) throws(StoreError) in
            _ = try transaction.update(
                RecordUpdate(table: "orders", where: [.init("id", equals: .int(id))], set: [.init(column, value)])
            )
        }
    }

    @Test("each change is told once and in order, to an admin all, to others of their own rows alone")
    func changes() async throws {
        try await Self.serve { world, clients in
            for caller in [Caller.ann, .bob, .boss] {
                _ = try clients.open("/tables/orders/subscribe", headers: try await Self.auth(world, caller))
            }
            await clients.wait { $0.allSatisfy { $0.events.first?.name == "ready" } }
            let order = try await Self.insert(world, .ann)
            try await Self.set(world, order, "status", "PAID")
            _ = try await Self.insert(world, .bob)
            // What is undone was never there.
            await #expect(throws: StoreError.self) {
                try await world.engine.write { (transaction) throws(StoreError) in
                    _ = try transaction.insert(into: "orders", [("email", "ann@example.com"), ("total", 1)])
                    throw StoreError(.invalidValue, "undone")
                }
            }
            // Ann's goes to Bob: for her it is gone, for him it is there.
            try await Self.set(world, order, "email", "bob@example.com")
            _ = try await Self.insert(world, .ann, total: 1)
            await clients.wait { $0[0].events.count >= 5 && $0[1].events.count >= 3 && $0[2].events.count >= 6 }
            let names = clients.all.map { $0.events.map(\.name) }
            #expect(names[0] == ["ready", "insert", "update", "delete", "insert"])
            #expect(names[1] == ["ready", "insert", "update"])
            #expect(names[2] == ["ready", "insert", "update", "insert", "update", "insert"])
            #expect(clients.events(0)[2].data.contains("\"status\":\"PAID\""))
            #expect(clients.events(0)[3].data == "{\"id\":\(order)}")
            #expect(!clients.events(0).contains { $0.data.contains("bob@") })
            let ids = clients.events(2).compactMap { $0.id.flatMap(Int.init) }
            #expect(ids == ids.sorted() && Set(ids).count == ids.count)
        }
    }

    @Test("a stream goes on where the last one was cut, and says so when it cannot")
    func resume() async throws {
        try await Self.serve { world, clients in
            let auth = try await Self.auth(world, .ann)
            let first = try clients.open("/tables/orders/subscribe", headers: auth)
            await clients.wait { $0[first].events.count == 1 }
            for total in 1...3 { _ = try await Self.insert(world, .ann, total: Int64(total)) }
            await clients.wait { $0[first].events.count == 4 }
            let cut = try #require(clients.events(first)[2].id)
            clients.close(first)
            for total in 4...100 { _ = try await Self.insert(world, .ann, total: Int64(total)) }
            let second = try clients.open("/tables/orders/subscribe", headers: auth + ["Last-Event-ID: \(cut)"])
            let third = try clients.open("/tables/orders/subscribe?lastEventId=\(cut)", headers: auth)
            await clients.wait { $0[second].events.count == 98 && $0[third].events.count == 98 }
            let totals = clients.events(second).map { $0.data }
            #expect((3...100).allSatisfy { total in totals[total - 3].contains("\"total\":\(total),") })
            #expect(clients.events(third) == clients.events(second))

            let foreign = try clients.open("/tables/orders/subscribe", headers: auth + ["Last-Event-ID: 999999"])
            // Beyond what the log keeps.
            try await world.engine.write { (transaction) throws(StoreError) in
                for total in 1...10_000 as ClosedRange<Int64> {
                    _ = try transaction.insert(into: "orders", [("email", "bob@example.com"), ("total", .int(total))])
                }
            }
            let old = try clients.open("/tables/orders/subscribe", headers: auth + ["Last-Event-ID: \(cut)"])
            let bad = try clients.open("/tables/orders/subscribe", headers: auth + ["Last-Event-ID: x"])
            await clients.wait { !$0[foreign].events.isEmpty && !$0[old].events.isEmpty && $0[bad].status != 0 }
            #expect(clients.events(foreign).map(\.name) == ["reset"])
            #expect(clients.events(old).first?.name == "reset")
            #expect(clients.all[bad].status == 400)
        }
    }

    @Test("a ticket stands in for a token: once, for half a minute, for its table and row")
    func tickets() async throws {
        try await Self.serve { world, clients in
            let order = try await Self.insert(world, .ann)
            let other = try await Self.insert(world, .ann)
            let ticket = try await Self.ticket(world, clients, .ann, #"{"id": \#(order)}"#)
            let url = "/tables/orders/subscribe?ticket=\(ticket)"
            let first = try clients.open(url)
            await clients.wait { $0[first].events.count == 1 }
            #expect(clients.events(first).map(\.name) == ["snapshot"])
            #expect(clients.events(first)[0].data.contains("\"id\":\(order),"))
            let again = try clients.open(url)
            let late = try await Self.ticket(world, clients, .ann, "{}")
            let elsewhere = try await Self.ticket(world, clients, .ann, "{}")
            let wrongTable = try clients.open("/tables/payments/subscribe?ticket=\(elsewhere)")
            world.clock.advance(by: .seconds(31))
            let expired = try clients.open("/tables/orders/subscribe?ticket=\(late)")
            await clients.wait { clients in [again, wrongTable, expired].allSatisfy { clients[$0].status != 0 } }
            #expect([again, wrongTable, expired].map { clients.all[$0].status } == [401, 401, 401])
            try await Self.set(world, other, "status", "PAID")
            try await Self.set(world, order, "status", "PAID")
            await clients.wait { $0[first].events.count == 2 }
            #expect(clients.events(first)[1].data.contains("\"id\":\(order),"))
        }
    }

    /// Goal: who lost the right to rows is not shown any more of them on a stream that was opened before.
    ///
    /// Method: Ann follows by a token and by a ticket, and so does Bob. Ann's tokens are revoked; a heartbeat later a row of
    /// each of them changes.
    @Test("M15, Z20: a revoked token ends the streams that it opened, by itself or by a ticket, and no other's")
    func revoked() async throws {
        try await Self.serve { world, clients in
            let orders = [try await Self.insert(world, .ann), try await Self.insert(world, .bob)]
            let direct = try clients.open("/tables/orders/subscribe", headers: try await Self.auth(world, .ann))
            let ticket = try await Self.ticket(world, clients, .ann, "{}")
            let byTicket = try clients.open("/tables/orders/subscribe?ticket=\(ticket)")
            let bobs = try clients.open("/tables/orders/subscribe", headers: try await Self.auth(world, .bob))
            await clients.wait { $0.allSatisfy { $0.events.count == 1 } }
            for token in try await world.administration.tokens() where token.caller.id == Caller.ann.id {
                try await world.administration.revokeToken(id: token.id)
            }
            await Self.beat(world, clients) { $0[direct].isEnded && $0[byTicket].isEnded && !$0[bobs].beats.isEmpty }
            for order in orders { try await Self.set(world, order, "status", "PAID") }
            await clients.wait { $0[bobs].events.count == 2 }
            #expect(clients.all.map(\.events.count) == [1, 1, 2])
        }
    }

    @Test("a client secret opens payments alone: elsewhere it is refused, and so is what a ticket cannot be asked by")
    func secretElsewhere() async throws {
        try await Self.serve { world, clients in
            for (table, body) in [
                ("orders", #"{"clientSecret": "x"}"#), ("orders", #"{"clientSecret": 5}"#),
                ("orders", #"{"rows": [1]}"#), ("payments", #"{"clientSecret": "x", "id": 1}"#),
                ("payments", #"{"clientSecret": null}"#),
            ] {
                let answer = try await Self.post(world, clients, .ann, body, table: table)
                #expect(answer.status == 400, "\(table) \(body)")
                #expect(!answer.body.contains("ticket\":"))
            }
        }
    }

    /// Goal: a heartbeat reaches each subscriber once, also one that was busy when it came.
    ///
    /// Method: one takes its seat, and does not wait for anything yet; a heartbeat passes; then it waits, and once more.
    @Test("a heartbeat that comes while its subscriber is busy is not lost on it, and does not come twice")
    func lateForTheBeat() async throws {
        try await Self.serve { world, clients in
            let feed = world.server.feed
            _ = try clients.open("/tables/orders/subscribe", headers: try await Self.auth(world, .ann))
            await clients.wait { $0.allSatisfy { $0.events.count == 1 } }
            let scope = try RowScope(of: .boss, table: "orders", in: world.engine.app)
            let seat = try feed.enter(scope, after: 0, caller: "busy")
            await Self.beat(world, clients) { !$0[0].beats.isEmpty }
            guard case .heartbeat(let number) = await feed.wait(for: "orders", after: 0, beat: seat.beat) else {
                Issue.record("no heartbeat")
                return
            }
            #expect(number > seat.beat)
            _ = try await Self.insert(world, .ann)
            guard case .changes = await feed.wait(for: "orders", after: 0, beat: .max) else {
                Issue.record("no change")
                return
            }
        }
    }

    /// Lets time pass until the clients have seen what its heartbeats bring.
    private static func beat(
        _ world: ServerWorld,
        _ clients: EventClients,
        until isDone: @Sendable ([EventClients.Client]) -> Bool
    ) async {
        while !isDone(clients.all), !Task.isCancelled {
            world.clock.advance(by: .seconds(15))
            await Task.yield()
        }
    }

    /// Asks the running server for a ticket.
    private static func ticket(
        _ world: ServerWorld,
        _ clients: EventClients,
        _ caller: Caller?,
        _ body: String,
        table: String = "orders"
    ) async throws -> String {
        let answer = try await post(world, clients, caller, body, table: table)
        return try #require(try JSON.parse(answer.body)["ticket"]?.stringValue, "\(answer.status)")
    }

    private static func post(
        _ world: ServerWorld,
        _ clients: EventClients,
        _ caller: Caller?,
        _ body: String,
        table: String
    ) async throws -> (status: Int, body: String) {
        let headers = try await world.headers(caller)
        return try await TestClient.withClient(host: "127.0.0.1", port: clients.port) { client in
            let answer = try await client.execute(
                .init(
                    "/tables/\(table)/tickets",
                    method: .post,
                    authority: "localhost",
                    headers: headers,
                    body: .init(string: body)
                )
            )
            return (answer.status.code, String(buffer: answer.body ?? .init()))
        }
    }

    @Test("who may not subscribe is told so, and the refusal is kept with who it was")
    func refusals() async throws {
        try await Self.serve { world, clients in
            let ann = try await Self.auth(world, .ann)
            let paths = [
                ("/tables/orders/subscribe", []), ("/tables/nothing/subscribe", []), ("/tables/notes/subscribe", ann),
                ("/tables/payments/subscribe", ann), ("/tables/nothing/subscribe", ann),
                ("/tables/orders/subscribe?ticket=rnt_0", ann), ("/tables/orders/subscribe?id=x", ann),
            ]
            for (path, headers) in paths { _ = try clients.open(path, headers: headers) }
            await clients.wait { $0.allSatisfy { $0.status != 0 } }
            #expect(clients.all.map(\.status) == [401, 401, 403, 403, 404, 401, 400])
            let wrong = try await Self.post(
                world,
                clients,
                nil,
                #"{"clientSecret": "pi_1_secret_2"}"#,
                table: "payments"
            )
            #expect(wrong.status == 403)
            let records = try await world.engine.store.read { (reader) throws(StoreError) in
                try reader.auditRecords(limit: 100)
            }
            #expect(
                records.reversed().map { "\($0.action) \($0.subject) \($0.caller.id ?? "-") \($0.reason)" }.sorted()
                    == [
                        "table.subscribe  - token_required", "table.subscribe  ann@example.com not_found",
                        "table.subscribe notes ann@example.com forbidden", "table.subscribe orders - invalid_ticket",
                        "table.subscribe orders - token_required",
                        "table.subscribe payments ann@example.com forbidden",
                        "table.ticket payments - unknown_client_secret",
                    ].sorted()
            )
        }
    }

    @Test("a silent stream beats, with the place to go on from; more subscribers than allowed are refused")
    func heartbeat() async throws {
        try await Self.serve(.init(subscribers: 2, subscribersPerCaller: 1)) { world, clients in
            let ann = try await Self.auth(world, .ann)
            let first = try clients.open("/tables/orders/subscribe", headers: ann)
            await clients.wait { $0[first].events.count == 1 }
            let second = try clients.open("/tables/orders/subscribe", headers: ann)
            await clients.wait { $0[second].status == 429 }
            let third = try clients.open("/tables/orders/subscribe", headers: try await Self.auth(world, .bob))
            await clients.wait { $0[third].events.count == 1 }
            let fourth = try clients.open("/tables/orders/subscribe", headers: try await Self.auth(world, .boss))
            await clients.wait { $0[fourth].status == 503 }
            _ = try await Self.insert(world, .bob)
            await clients.wait { $0[third].events.count == 2 }
            await Self.beat(world, clients) { !$0[first].beats.isEmpty }
            // Bob's change was not for Ann, but her place is beyond it.
            #expect(clients.all[first].beats.first == "1")
        }
    }

    /// Goal: a reader that stops reading costs the others nothing and the server next to nothing.
    ///
    /// Method: one pauses while more is changed than socket buffers and the ring together hold; the other goes on.
    @Test("a reader that stands still holds nobody up, and misses nothing when it goes on")
    func slowReader() async throws {
        try await Self.serve { world, clients in
            let auth = try await Self.auth(world, .boss)
            let slow = try clients.open("/tables/orders/subscribe", headers: auth)
            let quick = try clients.open("/tables/orders/subscribe", headers: auth)
            await clients.wait { $0.allSatisfy { $0.events.count == 1 } }
            clients.pause(slow, true)
            let count = 8_000
            let filler = Value.string(String(repeating: "x", count: 2_000) + "@example.com")
            for _ in 0..<(count / 100) {
                try await world.engine.write { (transaction) throws(StoreError) in
                    for _ in 0..<100 { _ = try transaction.insert(into: "orders", [("email", filler), ("total", 1)]) }
                }
            }
            await clients.wait { $0[quick].events.count == count + 1 }
            #expect(clients.events(slow).count < count)
            clients.pause(slow, false)
            await clients.wait { $0[slow].events.count == count + 1 }
            #expect(clients.events(slow).map(\.id) == clients.events(quick).map(\.id))
        }
    }

    /// What it costs is measured where the server is a process of its own: `SubscriberMemoryTests`.
    @Test("a thousand subscribers hear of everything, and leave nothing behind")
    func thousand() async throws {
        try await Self.serve(.init(subscribersPerCaller: 1_000)) { world, clients in
            let auth = try await Self.auth(world, .ann)
            for _ in 0..<1_000 { _ = try clients.open("/tables/orders/subscribe", headers: auth) }
            await clients.wait { $0.allSatisfy { $0.events.count == 1 } }
            #expect(world.server.feed.followers == 1_000)
            for total in 1...3 { _ = try await Self.insert(world, .ann, total: Int64(total)) }
            await clients.wait { $0.allSatisfy { $0.events.count == 4 } }
            for client in clients.all { #expect(client.events.map(\.name) == ["ready", "insert", "insert", "insert"]) }
            for number in 0..<1_000 { clients.close(number) }
            await clients.wait { $0.allSatisfy(\.isClosed) }
            // Who is gone is noticed when there is something to tell, at a heartbeat at the latest.
            await Self.beat(world, clients) { _ in world.server.feed.followers == 0 }
        }
    }
}
