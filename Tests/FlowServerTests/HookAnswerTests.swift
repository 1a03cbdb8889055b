import Expressions
import FlowEngine
import FlowLanguage
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import TestSupport
import Testing

@testable import FlowServer

@Suite("Answers of web hooks")
struct HookAnswerTests {
    private static let json: HTTPFields = [.contentType: "application/json"]

    /// Takes the one place of a flow until it is given back.
    static func occupy(_ flow: String, _ world: ServerWorld) async throws -> RunID {
        let graph = try #require(world.engine.app.flows[flow])
        let now = world.clock.now()
        return try await world.engine.write { transaction throws(StoreError) in
            var start = RunStart(flow: flow, version: graph.version, origin: .webhook, caller: .system, mode: .test)
            start.concurrency = "test:\(flow)"
            let run = try transaction.insertRun(start, at: now)
            _ = try transaction.admitRuns(of: "test:\(flow)", upTo: 1)
            try transaction.updateRun(RunRecord(id: run, start: start, status: .paused, createdAt: now))
            return run
        }
    }

    @Test("a hook that answers when finished gives a GET its answer, 200 for silence, the run behind the time limit")
    func timeLimit() async throws {
        try await ServerWorld.run { world, client in
            let first = try await client.json("/hooks/slow?word=hi", .get, headers: [:], body: nil)
            #expect(first.status == 200)
            #expect(first.body == ["word": "hi"])
            let silent = try await client.json("/hooks/slow", .get, headers: [:], body: nil)
            #expect(silent.status == 200)
            #expect(silent.body["received"] == true)
            let blocker = try await Self.occupy("slow", world)
            async let late = client.json("/hooks/slow?word=later", .get, headers: [:], body: nil)
            let time = Task {
                while !Task.isCancelled {
                    await world.clock.waitForSleeper(within: .seconds(30))
                    world.clock.advance(by: .seconds(30))
                }
            }
            let answer = try await late
            time.cancel()
            #expect(answer.status == 202)
            let run = try #require(answer.body["run"]?.intValue)
            _ = try await world.engine.cancel(blocker)
            let record = try await world.engine.answer(of: RunID(run), timeLimit: .seconds(60))
            #expect(record.answer?.body == ["word": "later"])
        }
    }

    @Test("a chunked answer is the flow's own; white space goes ahead of it while the run takes its time")
    func chunked() async throws {
        try await ServerWorld.run { world, client in
            let blocker = try await Self.occupy("pulse", world)
            async let answer = client.executeRequest(
                uri: "/hooks/pulse",
                method: .post,
                headers: Self.json,
                body: .init(string: #"{"word": "hi"}"#)
            )
            for _ in 1...2 {
                await world.clock.waitForSleeper(within: ChunkedAnswer.pulse)
                world.clock.advance(by: ChunkedAnswer.pulse)
            }
            await world.clock.waitForSleeper(within: ChunkedAnswer.pulse)
            _ = try await world.engine.cancel(blocker)
            let given = try await answer
            #expect(given.status == .ok)
            let text = String(buffer: given.body)
            #expect(text.hasPrefix(" "))
            #expect(try JSON.parse(text) == ["word": "hi"])
        }
    }

    @Test("a failure behind a chunked answer's head is told in its body")
    func chunkedFailure() async throws {
        try await ServerWorld.run { world, client in
            let answer = try await client.json("/hooks/pulse", .post, headers: Self.json, body: #"{"word": "bad"}"#)
            #expect(answer.status == 200)
            #expect(answer.body["error"]?["code"] == "bad_word")
            #expect(answer.body["run"] == 1)
        }
    }

    @Test("a hook's own answer goes as it is, though it looks like a failure; a failure is problem details")
    func ownRefusal() async throws {
        try await ServerWorld.run { _, client in
            let own = try await client.json("/hooks/verdict", .post, headers: Self.json, body: #"{"word": "good"}"#)
            #expect(own.status == 422)
            #expect(own.body == ["code": "too_late", "message": "Come back tomorrow."])
            #expect(own.headers[.contentType] == "application/json")
            #expect(own.headers[try #require(HTTPField.Name("x-answer"))] == "yes")
            let failed = try await client.json("/hooks/verdict", .post, headers: Self.json, body: #"{"word": "bad"}"#)
            #expect(failed.status == 418)
            #expect(failed.body["type"] == "urn:runnel:problem:bad_word")
            #expect(failed.headers[.contentType] == "application/problem+json")
        }
    }
}
