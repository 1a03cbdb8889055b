import Expressions
import FlowEngine
import FlowLanguage
import Testing
import TestSupport

@Suite("retry: further attempts at a block")
struct EngineRetryTests {
    static func page(_ output: String, _ blocks: String) -> String {
        "flow: f\nkind: page\naccess: [customer]\noutput: \(output)\nblocks:\n\(blocks)\n"
    }

    private static let charging = page(
        "{ status: '${ blocks.pay.status }' }",
        """
        - id: pay
          block: execute-connection-command
          connection: bank
          command: charge
          data: { amount: 5 }
          retry: { attempts: 3, first: 10s, factor: 2, jitter: 0, on: "error.code == 'declined'" }
        """
    )

    /// Answers with these statuses, then with 200; nil: the answer is lost.
    private static func bank(_ statuses: Int?...) -> ScriptedTransport {
        ScriptedTransport { _, number in
            guard number <= statuses.count else { return .answered(OutsideAnswer(status: 200)) }
            return statuses[number - 1].map { .answered(OutsideAnswer(status: $0)) } ?? .lost(reason: "reset")
        }
    }

    @Test("each refusal begins an attempt with a new key, after a pause that is on disk")
    func attempts() async throws {
        let transport = Self.bank(402, 402)
        try await EngineWorld.with(Self.charging) { world in
            try await world.run(transport: transport) { engine in
                async let answer = engine.call()
                let start = world.clock.now()
                for (attempt, pause) in [(1, 10), (2, 20)] {
                    await transport.waitForSent(attempt)
                    let record = try await engine.record(RunID(1), being: .retrying)
                    #expect(record.status == .retrying)
                    #expect(record.wakesAt == world.clock.now() + .seconds(pause))
                    await world.clock.waitForSleeper(within: .seconds(pause))
                    world.clock.advance(by: .seconds(pause))
                }
                #expect(try await answer.body == ["status": 200])
                #expect(world.clock.now() == start + .seconds(30))
                let entries = try await engine.entries(RunID(1))
                #expect(entries.map(\.address.attempt) == [1, 2, 3])
                #expect(entries.map(\.status) == [.failed, .failed, .succeeded])
                #expect(Set(transport.sent.compactMap(\.request.key)).count == 3)
            }
        }
    }

    @Test(
        "a service that asks to be left alone for longer than the policy pauses is left alone, and 'on' sees its status",
        arguments: [(asked: "45", pause: 45), ("3", 10), ("600", 60), ("soon", 10)]
    )
    func retryAfter(asked: String, pause: Int) async throws {
        let flow = Self.charging.replacing("error.code == 'declined'", with: "error.status == 429")
        let handling = "  fail: [{ block: fail, error: { status: 500, code: other, message: no } }]\n"
        for whole in [flow, flow + handling] {
            try await EngineWorld.with(whole) { world in
                let transport = ScriptedTransport { _, number in
                    guard number == 1 else { return .answered(OutsideAnswer(status: 200)) }
                    return .answered(OutsideAnswer(status: 429, headers: ["retry-after": asked]))
                }
                try await world.run(transport: transport) { engine in
                    async let answer = engine.call()
                    let record = try await engine.record(RunID(1), being: .retrying)
                    #expect(record.wakesAt == world.clock.now() + .seconds(pause))
                    await world.clock.waitForSleeper(within: .seconds(pause))
                    world.clock.advance(by: .seconds(pause))
                    #expect(try await answer.body == ["status": 200])
                }
            }
        }
    }

    @Test("an 'on' that cannot be evaluated is no further attempt, and the failure stays what it was")
    func blindOn() async throws {
        let flow = Self.charging.replacing("error.code == 'declined'", with: "int(error.message) > 1")
        let transport = Self.bank(402)
        try await EngineWorld.with(flow) { world in
            try await world.run(transport: transport) { engine in
                _ = try await engine.call()
                let failure = try #require(try await engine.record(RunID(1)).failure)
                #expect(failure.code == "declined")
                #expect(failure.message.contains("'on' of its 'retry' cannot tell"))
                #expect(transport.sent.count == 1)
            }
        }
    }

    @Test("a lost answer begins no attempt: it keeps its key, and only the refusal behind it asks for a new one")
    func lostAnswer() async throws {
        let transport = Self.bank(nil, 402)
        try await EngineWorld.with(Self.charging) { world in
            try await world.run(transport: transport) { engine in
                async let answer = engine.call()
                for sent in 1...2 {
                    await transport.waitForSent(sent)
                    await world.clock.waitForSleeper(within: .seconds(10))
                    world.clock.advance(by: .seconds(10))
                }
                #expect(try await answer.body == ["status": 200])
                let entries = try await engine.entries(RunID(1))
                #expect(entries.map(\.sends) == [2, 1])
                let keys = transport.sent.map(\.request.key)
                #expect(keys.count == 3)
                #expect(keys[0] == keys[1])
                #expect(keys[1] != keys[2])
            }
        }
    }

    @Test("a refusal at the door behind a lost answer begins no attempt either: nobody looked up the key")
    func refusedAtTheDoor() async throws {
        let transport = Self.bank(nil, 401, 408)
        try await EngineWorld.with(Self.charging) { world in
            try await world.run(transport: transport) { engine in
                async let answer = engine.call()
                for sent in 1...3 {
                    await transport.waitForSent(sent)
                    await world.clock.waitForSleeper(within: .seconds(10))
                    world.clock.advance(by: .seconds(10))
                }
                let body = try await answer.body
                #expect(body == ["status": 200])
                let entries = try await engine.entries(RunID(1))
                #expect(entries.map(\.sends) == [4])
                #expect(Set(transport.sent.compactMap(\.request.key)).count == 1)
            }
        }
    }

    @Test("when the attempts are used up, the last failure is the block's; without 'on' only what is retryable counts")
    func exhausted() async throws {
        let transport = Self.bank(402, 402, 402)
        let flow = Self.charging.replacing("first: 10s", with: "first: 0s")
        try await EngineWorld.with(flow) { world in
            try await world.run(transport: transport) { engine in
                let answer = try await engine.call()
                #expect(answer.body["code"] == "declined")
                #expect(transport.sent.count == 3)
            }
        }
        let once = Self.bank(402)
        let plain = flow.replacing(", on: \"error.code == 'declined'\"", with: "")
        try await EngineWorld.with(plain) { world in
            try await world.run(transport: once) { engine in
                let answer = try await engine.call()
                #expect(answer.body["code"] == "declined")
                #expect(once.sent.count == 1)
            }
        }
    }

    @Test("where the author says how often, each attempt sends once what has certainly not happened")
    func sends() async throws {
        let transport = ScriptedTransport { _, _ in .notSent(reason: "no connection", retryable: true) }
        let flow = Self.charging.replacing("first: 10s", with: "first: 0s").replacing(
            ", on: \"error.code == 'declined'\"",
            with: ""
        )
        try await EngineWorld.with(flow) { world in
            try await world.run(transport: transport) { engine in
                let answer = try await engine.call()
                #expect(answer.body["code"] == "not_sent")
                #expect(transport.sent.count == 3)
            }
        }
    }

    @Test("a run that stopped between two attempts goes on after a restart, when its pause is over")
    func restart() async throws {
        try await EngineWorld.with(Self.charging) { world in
            let first = Self.bank(402)
            try await world.run(transport: first) { engine in
                async let answer = engine.callPage(
                    "f",
                    input: [:],
                    caller: .ann,
                    idempotencyKey: "k",
                    timeLimit: .zero
                )
                _ = try await answer
                let record = try await engine.record(RunID(1), being: .retrying)
                #expect(record.status == .retrying)
            }
            let second = Self.bank()
            try await world.run(transport: second) { engine in
                #expect(try await engine.record(RunID(1)).status == .retrying)
                #expect(second.sent.isEmpty)
                await world.clock.waitForSleeper(within: .seconds(10))
                world.clock.advance(by: .seconds(10))
                let answer = try await engine.call(key: "k")
                #expect(answer.body == ["status": 200])
                #expect(try await engine.entries(RunID(1)).map(\.address.attempt) == [1, 2])
                #expect(second.sent.first?.request.key != first.sent.first?.request.key)
            }
        }
    }

    @Test("a transaction is attempted again as a whole, and what a failed attempt did is undone")
    func transaction() async throws {
        let flow = Self.page(
            "{ why: '${ vars.why }' }",
            """
            - block: set-variables
              set: { why: fine }
            - id: both
              block: transaction
              do:
                - id: line
                  block: insert-record
                  table: lines
                  set: { text: one }
                - id: order
                  block: update-record
                  table: orders
                  where: { id: 1 }
                  set: { status: PAID }
                  expect: 1
              retry: { attempts: 3, first: 0s, on: "error.code == 'expectation_failed'" }
              fail:
                - block: set-variables
                  set: { why: '${ error.code }' }
            """
        )
        try await EngineWorld.with(flow) { world in
            try await world.run { engine in
                let answer = try await engine.call()
                #expect(answer.body == ["why": "expectation_failed"])
                let entries = try await engine.entries(RunID(1))
                #expect(entries.map(\.address.path.rawValue) == ["both", "both", "both"])
                #expect(entries.map(\.address.attempt) == [1, 2, 3])
                #expect(try await engine.rows("lines").isEmpty)
            }
        }
    }

    @Test("a jump backwards is taken as often as it may, then it is a failure")
    func jumps() async throws {
        let flow = Self.page(
            "{ turns: '${ vars.turns }' }",
            """
            - block: set-variables
              set: { turns: 0 }
            - id: again
              block: insert-record
              table: lines
              set: { text: 'turn ${ vars.turns }' }
            - block: set-variables
              set: { turns: '${ vars.turns + 1 }' }
            - block: conditional-branch
              branches:
                - when: vars.turns < 3
                  do:
                    - block: log
                      message: back
                      next: { to: again, max: MAX }
            """
        )
        try await EngineWorld.with(flow.replacing("MAX", with: "2")) { world in
            try await world.run { engine in
                let answer = try await engine.call()
                #expect(answer.body == ["turns": 3])
                #expect(try await engine.entries(RunID(1)).map(\.address.visit) == [1, 2, 3])
            }
        }
        try await EngineWorld.with(flow.replacing("MAX", with: "1")) { world in
            try await world.run { engine in
                _ = try await engine.call()
                #expect(try await engine.record(RunID(1)).failure?.code == "too_many_jumps")
                #expect(try await engine.rows("lines").count == 2)
            }
        }
    }
}

extension String {
    func replacing(_ part: String, with other: String) -> String {
        guard let range = range(of: part) else { return self }
        return replacingCharacters(in: range, with: other)
    }

    private func range(of part: String) -> Range<Index>? { ranges(of: part).first }

    private func replacingCharacters(in range: Range<Index>, with other: String) -> String {
        self[..<range.lowerBound] + other + self[range.upperBound...]
    }
}
