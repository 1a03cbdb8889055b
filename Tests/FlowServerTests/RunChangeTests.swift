import Expressions
import FlowEngine
import FlowLanguage
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import TestSupport
import Testing

@testable import FlowServer

@Suite("Changing runs through the admin socket")
struct RunChangeTests {
    private static let json: HTTPFields = [.contentType: "application/json"]

    private func run(_ body: @escaping @Sendable (ServerWorld, any TestClientProtocol) async throws -> Void)
        async throws
    {
        try await ServerWorld.with { world in
            let application = Application(router: world.server.adminRouter())
            try await application.test(.router) { client in try await body(world, client) }
        }
    }

    @Test("what cannot be done to a run is told with its state; what is no change is refused")
    func refused() async throws {
        try await run { world, client in
            let started = try await client.json(
                "/admin/runs",
                .post,
                headers: Self.json,
                body: #"{"flow": "nightly", "input": {"text": "x"}}"#
            )
            let run = try #require(started.body["run"]?.intValue)
            _ = try await world.engine.answer(of: RunID(run), timeLimit: .seconds(60))
            for change in ["cancel", "pause", "resume", "send-again"] {
                let body = "{\"change\": \"\(change)\"}"
                let answer = try await client.json("/admin/runs/\(run)/change", .post, headers: Self.json, body: body)
                #expect(answer.status == 400)
                #expect(answer.body["detail"] == .string("run \(run) is over (succeeded)"))
            }
            let unknown = try await client.json(
                "/admin/runs/\(run)/change",
                .post,
                headers: Self.json,
                body: #"{"change": "explode"}"#
            )
            #expect(unknown.status == 400)
            let missing = try await client.json(
                "/admin/runs/99/change",
                .post,
                headers: Self.json,
                body: #"{"change": "cancel"}"#
            )
            #expect(missing.status == 404)
        }
    }

    @Test("a rerun is planned first, and done when it is confirmed")
    func rerun() async throws {
        try await run { world, client in
            _ = try await client.json(
                "/admin/runs",
                .post,
                headers: Self.json,
                body: #"{"flow": "nightly", "input": {"text": "x"}}"#
            )
            _ = try await world.engine.answer(of: RunID(1), timeLimit: .seconds(60))
            let plan = try await client.json("/admin/runs/1/rerun", .post, headers: Self.json, body: "{}")
            #expect(plan.body["repeats"] == [["path": "note", "visit": 1, "block": "insert-record", "what": "notes"]])
            #expect(plan.body["run"] == nil)
            #expect(try await world.runs().count == 1)
            let done = try await client.json(
                "/admin/runs/1/rerun",
                .post,
                headers: Self.json,
                body: #"{"confirmed": true, "input": {"text": "y"}}"#
            )
            #expect(done.body["run"] == 2)
            _ = try await world.engine.answer(of: RunID(2), timeLimit: .seconds(60))
            #expect(try await world.rows("notes").map { $0["text"] } == ["x", "y"])
        }
    }

    @Test("every change and every order is read as it was written")
    func forms() throws {
        let changes: [RunChange] = [
            .cancel, .pause, .resume, .sendAgain, .markDone(output: ["a": 1]), .markFailed(message: "no"),
        ]
        for change in changes { #expect(try RunChange(change.value) == change) }
        let orders = [
            RerunOrder(start: .beginning), RerunOrder(start: .failure, isConfirmed: true),
            RerunOrder(start: .block(BlockPath("a/b")), input: ["x": 1], isConfirmed: true),
        ]
        for order in orders { #expect(try RerunOrder(order.value) == order) }
        let effect = RerunPlan.Effect(path: BlockPath("a"), visit: 2, block: "insert-record", what: "t")
        let plan = RerunPlan(run: RunID(3), flow: "f", kept: 4, repeats: [effect])
        let outcome = RerunOutcome(plan: plan, run: RunID(5))
        #expect(try RerunOutcome(outcome.value) == outcome)
    }
}
