import Expressions
import FlowEngine
import TestSupport
import Testing

// Goal: a run whose transaction was undone once and went through later replays as it ran: each run that ends here is
// exported and replayed by `EngineWorld`. What the undone blocks recorded is at no address: the blocks that went through
// later have theirs.
@Suite("Transactions that are undone first, and go through later")
struct EngineUndoneTests {
    private func insert(order name: String, _ engine: Engine) async throws {
        try await engine.write { (transaction) throws(StoreError) in
            _ = try transaction.insert(into: "orders", [("name", .string(name)), ("total", 1)])
        }
    }

    @Test("a transaction that is tried again and finds then what was missing")
    func retry() async throws {
        let flow = EngineRetryTests.page(
            "{ found: '${ blocks.late.id }', first: '${ blocks.one.text }' }",
            """
            - id: both
              block: transaction
              retry: { attempts: 3, first: 10s, factor: 1, jitter: 0, on: 'true' }
              do:
                - { id: one, block: insert-record, table: lines, set: { text: 'at ${ now }' } }
                - { id: late, block: find-record, table: orders, where: { name: late } }
            - { id: pause, block: wait, for: 10s }
            - { id: last, block: insert-record, table: lines, set: { text: last } }
            """
        )
        try await EngineWorld.with(flow) { world in
            try await world.run { engine in
                async let answer = engine.call()
                // Each attempt has an entry.
                for attempt in 1...2 {
                    while try await engine.entries(RunID(1)).count < attempt {
                        try await engine.write { (_) throws(StoreError) in }
                    }
                    if attempt == 2 { try await insert(order: "late", engine) }
                    await world.clock.waitForSleeper(within: .seconds(10))
                    world.clock.advance(by: .seconds(10))
                }
                _ = try await engine.record(RunID(1), being: .waiting)
                await world.clock.waitForSleeper(within: .seconds(10))
                world.clock.advance(by: .seconds(10))
                #expect(try await answer.body["found"] == 1)
                let entries = try await engine.entries(RunID(1))
                #expect(entries.count { $0.block == "transaction" && $0.status == .failed } == 2)
                #expect(try await engine.rows("lines").count == 2)
            }
        }
    }

    @Test("a transaction in a loop that goes through at its second turn, with and without a pause between the turns")
    func loop() async throws {
        for pause in ["0s", "10s"] {
            let flow = EngineRetryTests.page(
                "{ turns: '${ vars.turns }' }",
                """
                - block: set-variables
                  set: { turns: '${ 0 }' }
                - id: turns
                  block: while
                  while: vars.turns < 2
                  max: 3
                  do:
                    - block: set-variables
                      set: { turns: '${ vars.turns + 1 }' }
                    - id: both
                      block: transaction
                      do:
                        - { id: one, block: insert-record, table: lines, set: { text: 'turn ${ vars.turns }' } }
                        - { id: changed, block: update-record, table: lines, where: { id: { gte: 1 } }, set: { text: changed } }
                        - block: fail
                          when: vars.turns < 2
                          error: { code: early, message: early }
                        - { id: two, block: insert-record, table: lines, set: { text: two } }
                      fail:
                        - { id: undone, block: insert-record, table: lines, set: { text: undone } }
                    - { id: pause, block: wait, for: '${ duration("\(pause)") }' }
                """
            )
            try await EngineWorld.with(flow) { world in
                try await world.run { engine in
                    async let answer = engine.call()
                    if pause != "0s" {
                        for _ in 1...2 {
                            _ = try await engine.record(RunID(1), being: .waiting)
                            await world.clock.waitForSleeper(within: .seconds(10))
                            world.clock.advance(by: .seconds(10))
                        }
                    }
                    #expect(try await answer.body == ["turns": 2])
                    #expect(try await engine.rows("lines").map { $0["text"] } == ["changed", "changed", "two"])
                }
            }
        }
    }
}
