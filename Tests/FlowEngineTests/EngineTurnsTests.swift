import Expressions
import FlowEngine
import FlowLanguage
import Testing
import TestSupport

@Suite("for-each with concurrency")
struct EngineTurnsTests {
    private static func each(_ items: String, _ keys: String, output: String) -> String {
        EngineParallelTests.page(
            output,
            """
            - id: each
              block: for-each
              each: '\(items)'
              as: amount
              \(keys)
              do:
                - \(EngineParallelTests.charge("pay", "'${ amount }'"))
                - { id: line, block: insert-record, table: lines, set: { text: '${ index }: ${ amount }' } }
              collect: '${ [index, amount, blocks.pay.status] }'
              fail:
                - block: fail
                  error: { code: '${ error.code }', message: '${ error.block }' }
            """
        )
    }

    @Test("so many turns go on at once and no more; the next one begins when one is over; items stand in their order")
    func bounded() async throws {
        let (first, rest) = (Gate(), Gate())
        let transport = ScriptedTransport { request, number in
            // The second item is the first one to be answered.
            await (request.body == Array("amount=2".utf8) ? first : rest).pass()
            return .answered(OutsideAnswer(status: 200))
        }
        let flow = Self.each("[1, 2, 3, 4, 5, 6, 7]", "concurrency: 3", output: "{ all: '${ blocks.each.items }' }")
        try await EngineWorld.with(flow) { world in
            try await world.run(transport: transport) { engine in
                async let answer = engine.call()
                await transport.waitForSent(3)
                // Nobody waits in a row for a turn that has not begun.
                #expect(try await engine.allRuns().count == 4)
                first.open()
                await transport.waitForSent(4)
                #expect(try await engine.allRuns().count == 5)
                rest.open()
                let expected = (1...7).map { Value.list([.int($0 - 1), .int($0), 200]) }
                #expect(try await answer.body == ["all": .list(expected)])
                let entries = try await engine.entries(RunID(1))
                #expect(entries.map(\.sequence) == Array(1...8))
                #expect(entries.last?.branchPath == "each[6]")
                #expect(Set(transport.sent.map(\.request.key)).count == 7)
            }
        }
    }

    @Test("a turn that fails stops the others, and those behind them never begin")
    func stop() async throws {
        let flow = Self.each("[1, 2, 0, 4, 5, 6]", "concurrency: 2", output: "{ count: '${ blocks.each.count }' }")
        try await EngineWorld.with(flow) { world in
            try await world.run { engine in
                let answer = try await engine.call()
                #expect(answer.body["code"] == "zero")
                #expect(answer.body["message"] == "each/do/pay")
                let begun = try await engine.allRuns().count - 1
                #expect((3...5).contains(begun))
            }
        }
    }

    @Test("with 'onFailure: continue' each turn comes to its end; what failed is null among the items, and is listed")
    func goOn() async throws {
        let flow = Self.each(
            "[1, 0, 3, 0]",
            "onFailure: continue",
            output: "{ all: '${ blocks.each.items.map(i, type(i) == list) }', "
                + "failed: '${ blocks.each.failures.map(f, f.index) }', "
                + "codes: '${ blocks.each.failures.map(f, f.error.code) }' }"
        )
        try await EngineWorld.with(flow) { world in
            try await world.run { engine in
                let expected: Value = [
                    "all": [true, false, true, false], "failed": [1, 3], "codes": ["zero", "zero"],
                ]
                let answer = try await engine.call()
                #expect(answer.body == expected)
                #expect(try await engine.rows("lines").map { $0["text"] } == ["0: 1", "2: 3"])
            }
        }
    }

    @Test("a list without items takes no turn")
    func empty() async throws {
        let output = "{ all: '${ blocks.each.items }', n: '${ blocks.each.count }' }"
        let flow = Self.each("[]", "concurrency: 4", output: output)
        try await EngineWorld.with(flow) { world in
            try await world.run { engine in
                let answer = try await engine.call()
                #expect(answer.body == ["all": [], "n": 0])
                #expect(try await engine.allRuns().count == 1)
            }
        }
    }

    @Test("at its time limit the loop begins no further turn, and cancels those that go on")
    func timeout() async throws {
        let flow = EngineParallelTests.page(
            "{ count: '${ blocks.each.count }' }",
            """
            - id: each
              block: for-each
              each: '[1, 2, 3, 4, 5]'
              as: number
              concurrency: 2
              onFailure: continue
              timeout: 90s
              do:
                - { block: wait, for: 1m }
            """
        )
        try await EngineWorld.with(flow) { world in
            try await world.run { engine in
                async let answer = engine.call()
                _ = try await engine.record(RunID(3), being: .waiting)
                await world.clock.waitForSleeper(within: .seconds(60))
                world.clock.advance(by: .seconds(60))
                _ = try await engine.record(RunID(5), being: .waiting)
                await world.clock.waitForSleeper(within: .seconds(30))
                world.clock.advance(by: .seconds(30))
                #expect(try await answer.status == 500)
                #expect(try await engine.record(RunID(1)).failure?.code == "timeout")
                let statuses = try await engine.allRuns().sorted { $0.id < $1.id }.map(\.status)
                #expect(statuses == [.failed, .succeeded, .succeeded, .cancelled, .cancelled])
            }
        }
    }

    @Test("many turns pass in order, and a run that waits for them is woken once")
    func many() async throws {
        let flow = EngineParallelTests.page(
            "{ last: '${ blocks.each.items[59] }', count: '${ blocks.each.count }' }",
            """
            - id: each
              block: for-each
              each: 'lists.range(60)'
              as: number
              concurrency: 8
              do:
                - { id: line, block: insert-record, table: lines, set: { text: '${ string(number) }' } }
              collect: '${ blocks.line.text }'
            """
        )
        try await EngineWorld.with(flow) { world in
            try await world.run { engine in
                #expect(try await engine.call().body == ["last": "59", "count": 60])
                let runs = try await engine.allRuns()
                #expect(runs.count == 61)
                #expect(runs.allSatisfy { $0.status == .succeeded })
                #expect(try await engine.entries(RunID(1)).map(\.sequence) == Array(1...61))
                #expect(try await engine.rows("lines").count == 60)
            }
        }
    }
}
