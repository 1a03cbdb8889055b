import Expressions
import FlowEngine
import FlowLanguage
import Testing
import TestSupport

@Suite("wait: for a time, for an event")
struct EngineWaitTests {
    private static let parcel = EngineRetryTests.page(
        "{ seen: '${ vars.seen }' }",
        """
        - id: order
          block: insert-record
          table: orders
          set: { name: 'run ${ run.id }', total: 1 }
        - id: parcel
          block: wait
          event: shipped
          key: '${ blocks.order.id }'
          timeout: 1h
          fail:
            - block: set-variables
              set: { seen: '${ error.code }' }
              next: last
        - block: set-variables
          set: { seen: '${ blocks.parcel.data.by }' }
        - id: last
          block: log
          message: over
        """
    )

    @Test(
        "a run waits for a span of time on disk and sees a later now behind it; a moment that has passed holds nobody"
    )
    func time() async throws {
        let flow = EngineRetryTests.page(
            "{ waited: '${ now - vars.start }' }",
            """
            - block: set-variables
              set: { start: '${ now }' }
            - block: wait
              until: now - duration('1h')
            - block: wait
              for: 1h30m
            """
        )
        try await EngineWorld.with(flow) { world in
            let start = world.clock.now()
            try await world.run { engine in
                _ = try await engine.callPage("f", input: [:], caller: .ann, idempotencyKey: "k", timeLimit: .zero)
                let record = try await engine.record(RunID(1), being: .waiting)
                #expect(record.wakesAt == start + .seconds(5_400))
            }
            world.clock.advance(by: .seconds(5_400))
            try await world.run { engine in
                let answer = try await engine.call(key: "k")
                #expect(answer.body == ["waited": .duration(.seconds(5_400))])
                #expect(try await engine.entries(RunID(1)).map(\.status) == [.succeeded, .succeeded])
            }
        }
    }

    @Test("an event wakes the run that waits for its key, and no other; its data is the block's output")
    func event() async throws {
        try await EngineWorld.with(Self.parcel) { world in
            try await world.run { engine in
                async let first = engine.call(key: "a")
                let one = try await engine.record(RunID(1), being: .waiting)
                #expect(one.wakesAt == world.clock.now() + .seconds(3_600))
                async let second = engine.call(key: "b")
                _ = try await engine.record(RunID(2), being: .waiting)
                _ = try await engine.receive(event: "shipped", key: "2", data: ["by": "train"], caller: .ann)
                #expect(try await second.body == ["seen": "train"])
                #expect(try await engine.record(RunID(1)).status == .waiting)
                _ = try await engine.receive(event: "shipped", key: "1", data: ["by": "mail"], caller: .ann)
                #expect(try await first.body == ["seen": "mail"])
            }
        }
    }

    @Test("an event that comes while nobody runs is there after the restart")
    func restart() async throws {
        try await EngineWorld.with(Self.parcel) { world in
            try await world.run { engine in
                _ = try await engine.callPage("f", input: [:], caller: .ann, idempotencyKey: "k", timeLimit: .zero)
                _ = try await engine.record(RunID(1), being: .waiting)
                _ = try await engine.receive(event: "shipped", key: "1", data: ["by": "mail"], caller: .ann)
            }
            try await world.run { engine in
                let answer = try await engine.call(key: "k")
                #expect(answer.body == ["seen": "mail"])
            }
        }
    }

    @Test("an event that does not come is a failure of the block, at its time limit")
    func timeLimit() async throws {
        try await EngineWorld.with(Self.parcel) { world in
            try await world.run { engine in
                async let answer = engine.call()
                _ = try await engine.record(RunID(1), being: .waiting)
                _ = try await engine.receive(event: "shipped", key: "7", data: .null, caller: .ann)
                await world.clock.waitForSleeper(within: .seconds(3_600))
                world.clock.advance(by: .seconds(3_600))
                #expect(try await answer.body == ["seen": "timeout"])
            }
        }
    }

    @Test("events that come before the wait are not lost: the run sees each once, in order; older ones it never sees")
    func earlyEvents() async throws {
        let flow = EngineRetryTests.page(
            "{ all: '${ blocks.each.items }' }",
            """
            - block: wait
              for: 1m
            - id: each
              block: for-each
              each: "[1, 2, 3]"
              as: turn
              do:
                - id: parcel
                  block: wait
                  event: shipped
              collect: '${ blocks.parcel.data }'
            """
        )
        try await EngineWorld.with(flow) { world in
            try await world.run { engine in
                _ = try await engine.receive(event: "shipped", key: nil, data: 0, caller: .ann)
                world.clock.advance(by: .seconds(1))
                async let answer = engine.call()
                _ = try await engine.record(RunID(1), being: .waiting)
                for data: Int64 in 1...2 {
                    _ = try await engine.receive(event: "shipped", key: nil, data: .int(data), caller: .ann)
                }
                await world.clock.waitForSleeper(within: .seconds(60))
                world.clock.advance(by: .seconds(60))
                let two = JournalEntry.Status.succeeded
                while try await engine.entries(RunID(1)).map(\.status) != [two, two, two, .started] {
                    try await engine.write { (_) throws(StoreError) in }
                }
                _ = try await engine.receive(event: "shipped", key: nil, data: 3, caller: .ann)
                #expect(try await answer.body == ["all": [1, 2, 3]])
            }
        }
    }

    @Test("an event is checked, and sent again with its idempotency key it is not sent twice")
    func sending() async throws {
        try await EngineWorld.with(Self.parcel) { world in
            try await world.run { engine in
                func code(_ name: String, key: String? = nil, caller: Caller = .ann) async -> EngineError.Code? {
                    do throws(EngineError) {
                        _ = try await engine.receive(
                            event: name,
                            key: key,
                            data: 1,
                            caller: caller,
                            idempotencyKey: "k"
                        )
                        return nil
                    } catch {
                        return error.code
                    }
                }
                #expect(await code("lost") == .unknownEvent)
                #expect(await code("recalled") == .forbidden)
                #expect(await code("shipped", caller: .anonymous) == .forbidden)
                let key = String(repeating: "k", count: 256)
                #expect(
                    await code("shipped", key: key)
                        == .invalidInput([.init(path: "key", message: "has 1 to 255 bytes")])
                )
                #expect(await code("shipped") == nil)
                let again = try await engine.receive(
                    event: "shipped",
                    key: nil,
                    data: 1,
                    caller: .ann,
                    idempotencyKey: "k"
                )
                #expect(again == EventReceipt(id: 1, isRepeated: true))
                do throws(EngineError) {
                    _ = try await engine.receive(
                        event: "shipped",
                        key: nil,
                        data: 2,
                        caller: .ann,
                        idempotencyKey: "k"
                    )
                    Issue.record("other data was taken under a used key")
                } catch {
                    #expect(error.code == .keyReused)
                }
            }
        }
    }

    @Test("however often an earlier moment comes beside a far one, one sleeper is left for each that counts")
    func sleepers() async throws {
        let start = """
            flow: f
            kind: page
            access: [customer]
            blocks:
              - { id: far, block: run-flow, flow: far, mode: start }
              - { id: near, block: run-flow, flow: near, mode: start }
            """
        let far = """
            flow: far
            kind: cloud
            trigger: { manual: true }
            blocks:
              - { block: wait, for: 720h }
            """
        let near = """
            flow: near
            kind: cloud
            trigger: { manual: true }
            blocks:
              - id: turns
                block: while
                while: 'true'
                max: 30
                do:
                  - { block: wait, for: 1s }
            """
        try await EngineWorld.with(start, far, near) { world in
            try await world.run { engine in
                let answer = try await engine.call()
                #expect(answer.status == 200)
                var most = 0
                for _ in 1...20 {
                    await world.clock.waitForSleeper(within: .seconds(1))
                    most = max(most, world.clock.sleeperCount)
                    world.clock.advance(by: .seconds(1))
                }
                // The engine's own, and what prunes.
                #expect(most <= 3)
            }
        }
    }

    @Test(
        "a wait whose time limit was over before its time has failed, also where both are over when somebody looks",
        arguments: ["own", "each", "run"]
    )
    func lateLook(limit: String) async throws {
        let flow = """
            flow: f
            kind: page
            access: [customer]
            output: { how: '${ vars.how }' }
            \(limit == "run" ? "timeout: 30m" : "")
            blocks:
              - { block: set-variables, set: { how: slept } }
              - id: each
                block: for-each
                each: '[1]'
                as: n
                \(limit == "each" ? "timeout: 30m" : "")
                do:
                  - id: nap
                    block: wait
                    for: "${ duration('1h') }"
                    \(limit == "own" ? "timeout: 30m" : "")
                fail:
                  - { block: set-variables, set: { how: '${ error.code } at ${ error.block }' } }
            """
        try await EngineWorld.with(flow) { world in
            try await world.run { engine in
                _ = try await engine.callPage("f", input: [:], caller: .ann, idempotencyKey: "k", timeLimit: .zero)
                _ = try await engine.record(RunID(1), being: .waiting)
            }
            world.clock.advance(by: .seconds(7_200))
            try await world.run { engine in
                let record = try await engine.finished(RunID(1))
                #expect(try await engine.entries(RunID(1)).map(\.status) == [.failed])
                if limit == "run" {
                    #expect(record.failure?.code == "timeout")
                } else {
                    let block = limit == "own" ? "each/do/nap" : "each"
                    #expect(record.answer?.body == ["how": .string("timeout at \(block)")])
                }
            }
        }
    }

    @Test("a wait whose time limit is the end of its time has slept, whenever somebody looks")
    func limitAtItsTime() async throws {
        let flow = EngineRetryTests.page(
            "{}",
            """
            - { id: nap, block: wait, for: "${ duration('1h') }", timeout: 1h }
            """
        )
        try await EngineWorld.with(flow) { world in
            try await world.run { engine in
                _ = try await engine.callPage("f", input: [:], caller: .ann, idempotencyKey: "k", timeLimit: .zero)
                _ = try await engine.record(RunID(1), being: .waiting)
            }
            world.clock.advance(by: .seconds(7_200))
            try await world.run { engine in
                let record = try await engine.finished(RunID(1))
                #expect(record.status == .succeeded)
            }
        }
    }
}
