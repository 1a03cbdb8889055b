import Expressions
import FlowEngine
import FlowLanguage
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import TestSupport
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

    @Test("what runs for another run is its inside, and what a cloud flow gave is for the flow that started it")
    func inner() async throws {
        try await ServerWorld.run { world, client in
            let graph = try #require(world.engine.app.flows["ticket"])
            let now = world.clock.now()
            try await world.engine.write { transaction throws(StoreError) in
                for isAwaited in [true, false] {
                    var start = RunStart(
                        flow: "ticket",
                        version: graph.version,
                        origin: .subflow,
                        caller: Self.composed,
                        mode: .test
                    )
                    if isAwaited {
                        start.parent = EntryAddress(run: RunID(9), path: BlockPath("sub"), visit: 1, attempt: 1)
                    }
                    var record = RunRecord(
                        id: try transaction.insertRun(start, at: now),
                        start: start,
                        status: .failed,
                        epoch: world.engine.store.bootEpoch,
                        createdAt: now
                    )
                    record.finishedAt = now
                    record.answer = RunAnswer(status: 200, body: ["margin": "80 %"])
                    try transaction.updateRun(record)
                }
            }
            let own = try await world.headers(Self.composed)
            let admin = try await world.headers(Caller(id: "boss", roles: ["admin"]))
            #expect(try await client.json("/runs/1", .get, headers: own, body: nil).status == 404)
            let started = try await client.json("/runs/2", .get, headers: own, body: nil)
            #expect(started.status == 200)
            #expect(started.body["flow"] == "ticket" && started.body["answer"] == nil)
            for run in 1...2 {
                let seen = try await client.json("/runs/\(run)", .get, headers: admin, body: nil)
                #expect(seen.body["answer"]?["body"]?["margin"] == "80 %")
            }
        }
    }

    @Test("bytes under the author's content type are sent as they are; without one they are JSON's text")
    func bytes() throws {
        let image = RunAnswer(status: 200, headers: ["content-type": "image/png"], body: .bytes([0x89, 0x50, 0]))
        let sent = try Response.answer(image, run: RunID(1), isFailure: false)
        #expect(sent.body.contentLength == 3)
        #expect(sent.headers[.contentType] == "image/png")
        let plain = RunAnswer(status: 200, body: .bytes([0x89, 0x50, 0]))
        let bare = try Response.answer(plain, run: RunID(1), isFailure: false)
        #expect(bare.body.contentLength == #""iVAA""#.utf8.count)
    }
}
