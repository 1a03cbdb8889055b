import Expressions
import FlowEngine
import FlowLanguage
import Testing
import TestSupport

@Suite("timeout: of commands, loops and whole runs")
struct EngineTimeoutTests {
    private static let charging = EngineRetryTests.page(
        "{ how: '${ vars.how }' }",
        """
        - block: set-variables
          set: { how: charged }
        - id: pay
          block: execute-connection-command
          connection: bank
          command: charge
          data: { amount: 5 }
          timeout: 30s
          fail:
            - block: set-variables
              set: { how: '${ error.code }' }
        """
    )

    @Test("a request that was never sent is given up at the time limit, and not sent behind it")
    func notSent() async throws {
        let transport = ScriptedTransport { _, _ in .notSent(reason: "no connection", retryable: true) }
        try await EngineWorld.with(Self.charging) { world in
            try await world.run(transport: transport) { engine in
                async let answer = engine.call()
                _ = try await engine.record(RunID(1), being: .retrying)
                await world.clock.waitForSleeper(within: .seconds(30))
                world.clock.advance(by: .seconds(31))
                #expect(try await answer.body == ["how": "timeout"])
                #expect(transport.sent.count == 1)
            }
        }
    }

    @Test(
        "a request that may have been executed is repeated with its key beyond the time limit, and its outcome counts"
    )
    func lost() async throws {
        let transport = ScriptedTransport { _, number in
            number < 4 ? .lost(reason: "reset") : .answered(OutsideAnswer(status: 200))
        }
        try await EngineWorld.with(Self.charging) { world in
            try await world.run(transport: transport) { engine in
                async let answer = engine.call()
                for sent in 1...3 {
                    await transport.waitForSent(sent)
                    _ = try await engine.record(RunID(1), being: .retrying)
                    await world.clock.waitForSleeper(within: .seconds(20))
                    world.clock.advance(by: .seconds(20))
                }
                #expect(try await answer.body == ["how": "charged"])
                #expect(transport.sent.count == 4)
                #expect(Set(transport.sent.map(\.request.key)).count == 1)
            }
        }
    }

    @Test("an answer that does not come in time is lost, so the request is sent again with its key")
    func patience() async throws {
        let gate = Gate()
        let transport = ScriptedTransport { _, number in
            if number == 1 { await gate.pass() }
            return .answered(OutsideAnswer(status: 200))
        }
        try await EngineWorld.with(Self.charging) { world in
            try await world.run(transport: transport) { engine in
                async let answer = engine.call()
                await transport.waitForSent(1)
                let record = try await engine.record(RunID(1), being: .running)
                #expect(record.wakesAt == nil)
                await world.clock.waitForSleeper(within: .seconds(30))
                world.clock.advance(by: .seconds(30))
                await world.clock.waitForSleeper(within: .seconds(1))
                world.clock.advance(by: .seconds(1))
                #expect(try await answer.body == ["how": "charged"])
                #expect(transport.sent.count == 2)
                #expect(Set(transport.sent.map(\.request.key)).count == 1)
            }
        }
    }

    @Test("a loop out of time fails as a whole, where its next block would begin or its run waits")
    func loop() async throws {
        let flow = EngineRetryTests.page(
            "{ how: '${ vars.how }' }",
            """
            - block: set-variables
              set: { how: done }
            - id: each
              block: for-each
              each: "[1, 2, 3, 4]"
              as: n
              timeout: 25s
              do:
                - block: wait
                  for: 10s
                  fail:
                    - block: set-variables
                      set: { how: never }
                - id: line
                  block: insert-record
                  table: lines
                  set: { text: 'turn ${ n }' }
              fail:
                - block: set-variables
                  set: { how: '${ error.code } at ${ error.block }' }
            """
        )
        try await EngineWorld.with(flow) { world in
            try await world.run { engine in
                async let answer = engine.call()
                for span in [10, 10, 5] {
                    _ = try await engine.record(RunID(1), being: .waiting)
                    await world.clock.waitForSleeper(within: .seconds(span))
                    world.clock.advance(by: .seconds(span))
                }
                #expect(try await answer.body == ["how": "timeout at each"])
                #expect(try await engine.rows("lines").count == 2)
            }
        }
    }

    /// What waits too long in a run, in a loop, in a branch and in a sub-flow, and has its own failure handled by nothing
    /// that does anything.
    static let swallowing: [String] = [
        """
        - block: try
          do:
            - { block: wait, for: 60s }
          catch: [{ do: [] }]
        """,
        "- { block: wait, for: 60s, fail: [] }",
        "- { block: wait, event: shipped, fail: [] }",
        """
        - id: both
          block: parallel
          branches:
            one: [{ block: wait, for: 60s, fail: [] }]
          fail: []
        """,
        "- { id: sub, block: run-flow, flow: child, retry: { attempts: 3, first: 1s }, fail: [] }",
    ]

    @Test(
        "no fail and no catch takes the time limit of the run around it, also where nothing comes behind",
        arguments: swallowing
    )
    func swallowedByRun(_ blocks: String) async throws {
        let flow = "flow: f\nkind: page\naccess: [customer]\ntimeout: 10s\nblocks:\n\(blocks)\n"
        try await EngineWorld.with(flow, Self.child) { world in
            try await world.run { engine in
                async let answer = engine.call()
                _ = try await engine.record(RunID(1), being: .waiting)
                await world.clock.waitForSleeper(within: .seconds(10))
                world.clock.advance(by: .seconds(10))
                let given = try await answer
                #expect(given.body["code"] == "timeout")
                let message = try await engine.record(RunID(1)).failure?.message
                #expect(message == "the run did not end within 10s")
            }
            // From the journal alone it is the same.
            try await world.run { engine in
                let record = try await engine.record(RunID(1))
                #expect(record.status == .failed)
            }
        }
    }

    @Test(
        "no fail and no catch takes the time limit of the loop around it: that fails, and its own fail handles it",
        arguments: swallowing
    )
    func swallowedByLoop(_ blocks: String) async throws {
        let inner = blocks.split(separator: "\n").map { "    \($0)" }.joined(separator: "\n")
        let flow = EngineRetryTests.page(
            "{ how: '${ vars.how }' }",
            """
            - block: set-variables
              set: { how: done }
            - id: each
              block: for-each
              each: '[1]'
              as: n
              timeout: 10s
              do:
            \(inner)
              fail:
                - block: set-variables
                  set: { how: '${ error.code } at ${ error.block }' }
            """
        )
        try await EngineWorld.with(flow, Self.child) { world in
            try await world.run { engine in
                async let answer = engine.call()
                _ = try await engine.record(RunID(1), being: .waiting)
                await world.clock.waitForSleeper(within: .seconds(10))
                world.clock.advance(by: .seconds(10))
                #expect(try await answer.body == ["how": "timeout at each"])
            }
        }
    }

    private static let parent = EngineRetryTests.page(
        "{ how: '${ vars.how }' }",
        """
        - block: set-variables
          set: { how: done }
        - id: child
          block: run-flow
          flow: child
          timeout: 30s
          fail:
            - block: set-variables
              set: { how: '${ error.code }' }
        """
    )

    private static let child = """
        flow: child
        kind: page
        access: [customer]
        blocks:
          - id: pay
            block: execute-connection-command
            connection: bank
            command: charge
            data: { amount: 5 }
          - id: parcel
            block: wait
            event: shipped
        """

    @Test("a sub-flow out of time is cancelled, and that is the failure of the block that waited")
    func subflow() async throws {
        try await EngineWorld.with(Self.parent, Self.child) { world in
            try await world.run { engine in
                async let answer = engine.call()
                _ = try await engine.record(RunID(2), being: .waiting)
                await world.clock.waitForSleeper(within: .seconds(30))
                world.clock.advance(by: .seconds(30))
                #expect(try await answer.body == ["how": "timeout"])
                #expect(try await engine.record(RunID(2)).status == .cancelled)
                #expect(try await engine.entries(RunID(1)).map(\.status) == [.failed])
            }
        }
    }

    @Test(
        "a sub-flow with a request on its way is waited for beyond the time limit: nobody says failed before its answer"
    )
    func subflowSending() async throws {
        let gate = Gate()
        let transport = ScriptedTransport { _, _ in
            await gate.pass()
            return .answered(OutsideAnswer(status: 200))
        }
        try await EngineWorld.with(Self.parent, Self.child) { world in
            try await world.run(transport: transport) { engine in
                async let answer = engine.call()
                await transport.waitForSent(1)
                await world.clock.waitForSleeper(within: .seconds(30))
                world.clock.advance(by: .seconds(30))
                while try await engine.record(RunID(2)).halt != .cancel {
                    try await engine.write { (_) throws(StoreError) in }
                }
                let parent = try await engine.record(RunID(1))
                #expect(parent.status == .waiting)
                gate.open()
                #expect(try await answer.body == ["how": "timeout"])
                let child = try await engine.record(RunID(2))
                #expect(child.status == .cancelled)
                #expect(try await engine.entries(RunID(2)).map(\.status) == [.succeeded])
            }
        }
    }
}
