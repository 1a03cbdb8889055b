import Expressions
import FlowEngine
import FlowLanguage
import Foundation
import Synchronization
import Testing
import TestSupport

@Suite("parallel")
struct EngineParallelTests {
    static func page(_ output: String, _ blocks: String) -> String {
        "flow: f\nkind: page\naccess: [customer]\noutput: \(output)\nblocks:\n\(blocks)\n"
    }

    static func charge(_ id: String, _ amount: String) -> String {
        """
        { id: \(id), block: execute-connection-command, connection: bank, command: charge, data: { amount: \(amount) } }
        """
    }

    private static let both = page(
        "{ left: '${ blocks.both.left.pay.status }', right: '${ blocks.both.right.line.text }', name: '${ vars.name }' }",
        """
        - block: set-variables
          set: { name: outer }
        - id: both
          block: parallel
          branches:
            left:
              - \(charge("pay", "1"))
            right:
              - \(charge("other", "2"))
              - block: set-variables
                set: { inner: '${ vars.name }' }
              - id: line
                block: insert-record
                table: lines
                set: { text: '${ vars.inner } in run ${ run.id }' }
        """
    )

    @Test("all branches go on at once, each sees what was known before, and the block gives what theirs gave, by name")
    func all() async throws {
        let gate = Gate()
        let transport = ScriptedTransport { _, _ in
            await gate.pass()
            return .answered(OutsideAnswer(status: 200))
        }
        try await EngineWorld.with(Self.both) { world in
            try await world.run(transport: transport) { engine in
                async let answer = engine.call()
                await transport.waitForSent(2)
                #expect(try await engine.record(RunID(1)).status == .waiting)
                gate.open()
                #expect(try await answer.body == ["left": 200, "right": "outer in run 1", "name": "outer"])
                let runs = try await engine.allRuns().sorted { $0.id < $1.id }
                #expect(runs.map(\.start.origin) == [.page, .branch, .branch])
                #expect(runs.allSatisfy { $0.status == .succeeded })
                let entries = try await engine.entries(RunID(1))
                #expect(entries.map(\.address.call) == [0, 1, 2])
                #expect(entries.map(\.branchPath) == [nil, "both/left", "both/right"])
                #expect(Set(transport.sent.map(\.request.key)).count == 2)
            }
        }
    }

    private static let failing =
        page(
            "{ why: '${ vars.why }' }",
            """
            - block: set-variables
              set: { why: none }
            - id: both
              block: parallel
              branches:
                slow:
                  - \(charge("one", "1"))
                  - { id: behind, block: insert-record, table: lines, set: { text: behind } }
                quick:
                  - \(charge("zero", "0"))
              fail:
                - block: set-variables
                  set: { why: '${ error.code } at ${ error.block }' }
            """
        )

    @Test("when a branch fails the others are cancelled, once what they sent is answered, and the block fails with it")
    func stop() async throws {
        let gate = Gate()
        let transport = ScriptedTransport { _, number in
            if number == 1 { await gate.pass() }
            return number == 1 ? .lost(reason: "reset") : .answered(OutsideAnswer(status: 200))
        }
        try await EngineWorld.with(Self.failing) { world in
            try await world.run(transport: transport) { engine in
                async let answer = engine.call()
                await transport.waitForSent(1)
                _ = try await engine.record(RunID(3), being: .failed)
                #expect(try await engine.record(RunID(1), being: .waiting).status == .waiting)
                gate.open()
                await world.clock.waitForSleeper(within: .seconds(60))
                world.clock.advance(by: .seconds(60))
                #expect(try await answer.body == ["why": "zero at both/quick/zero"])
                #expect(try await engine.record(RunID(2)).status == .cancelled)
                // The lost answer was asked for again with the same key: nobody has to guess what became of it.
                #expect(transport.sent.count == 2)
                #expect(Set(transport.sent.map(\.request.key)).count == 1)
                #expect(try await engine.rows("lines").isEmpty)
                let entries = try await engine.entries(RunID(1))
                #expect(entries.map(\.status) == [.failed, .failed, .failed])
            }
        }
    }

    @Test("with 'onFailure: continue' the others go on to their end, and the block tells who failed")
    func goOn() async throws {
        let flow = Self.page(
            "{ one: '${ blocks.both.?slow.one.status.orValue(0) }', zero: '${ blocks.both.?quick.hasValue() }', "
                + "failures: '${ blocks.both.failures }' }",
            """
            - id: both
              block: parallel
              onFailure: continue
              branches:
                slow:
                  - \(Self.charge("one", "1"))
                  - { id: behind, block: insert-record, table: lines, set: { text: behind } }
                quick:
                  - \(Self.charge("zero", "0"))
            """
        )
        try await EngineWorld.with(flow) { world in
            try await world.run { engine in
                let body = try await engine.call().body
                #expect(body["one"] == 200)
                #expect(body["zero"] == false)
                let failures = try #require(body["failures"]?.listValue)
                #expect(failures.map { $0["branch"] } == ["quick"])
                #expect(failures.map { $0["error"]?["code"] } == ["zero"])
                #expect(try await engine.rows("lines").count == 1)
            }
        }
    }

    @Test("a branch that is declined while it is being stopped was cancelled: the block's failure is the other's")
    func declinedWhileStopping() async throws {
        let flow = Self.page(
            "{ why: '${ vars.why }' }",
            """
            - block: set-variables
              set: { why: none }
            - id: both
              block: parallel
              branches:
                a:
                  - \(Self.charge("one", "1"))
                b:
                  - \(Self.charge("two", "2"))
              fail:
                - block: set-variables
                  set: { why: '${ error.block }' }
            """
        )
        let gate = Gate()
        let transport = ScriptedTransport { request, _ in
            if request.body == Array("amount=1".utf8) { await gate.pass() }
            return .answered(OutsideAnswer(status: 402))
        }
        try await EngineWorld.with(flow) { world in
            try await world.run(transport: transport) { engine in
                async let answer = engine.call()
                await transport.waitForSent(2)
                _ = try await engine.record(RunID(3), being: .failed)
                gate.open()
                #expect(try await answer.body == ["why": "both/b/two"])
                #expect(try await engine.record(RunID(2)).status == .cancelled)
            }
        }
    }

    // MARK: first

    private static let race = page(
        "{ first: '${ blocks.race.first }', status: '${ blocks.race.?quick.pay.status.orValue(0) }' }",
        """
        - id: race
          block: parallel
          join: first
          branches:
            slow:
              - \(charge("late", "1"))
              - { id: behind, block: insert-record, table: lines, set: { text: behind } }
            quick:
              - \(charge("pay", "2"))
            never:
              - { id: long, block: wait, for: 1d }
        """
    )

    @Test("the first branch that succeeds wins; the others are cancelled, and what they sent is settled before")
    func first() async throws {
        let gate = Gate()
        let transport = ScriptedTransport { request, _ in
            if request.body == Array("amount=1".utf8) { await gate.pass() }
            return .answered(OutsideAnswer(status: 200))
        }
        try await EngineWorld.with(Self.race) { world in
            try await world.run(transport: transport) { engine in
                async let answer = engine.call()
                await transport.waitForSent(2)
                _ = try await engine.record(RunID(4), being: .cancelled)
                #expect(try await engine.record(RunID(2)).halt == .cancel)
                #expect(try await engine.record(RunID(1)).status == .waiting)
                gate.open()
                #expect(try await answer.body == ["first": "quick", "status": 200])
                #expect(try await engine.record(RunID(2)).status == .cancelled)
                // What the loser did is recorded, and goes no further.
                #expect(try await engine.entries(RunID(2)).map(\.status) == [.succeeded])
                #expect(try await engine.rows("lines").isEmpty)
            }
        }
    }

    @Test("a loser that may have had its effect and must not repeat it waits for a person, and so does the block")
    func loserUnknown() async throws {
        let flow = Self.race.replacing(
            "command: charge, data: { amount: 1 }",
            with: "command: letter, data: { amount: 1 }"
        )
        let gate = Gate()
        let transport = ScriptedTransport { request, _ in
            guard request.body == Array("amount=1".utf8) else { return .answered(OutsideAnswer(status: 200)) }
            await gate.pass()
            return .lost(reason: "reset")
        }
        try await EngineWorld.with(flow) { world in
            try await world.run(transport: transport) { engine in
                async let answer = engine.call()
                await transport.waitForSent(2)
                _ = try await engine.record(RunID(4), being: .cancelled)
                gate.open()
                #expect(try await engine.record(RunID(2), being: .outcomeUnknown).status == .outcomeUnknown)
                #expect(try await engine.record(RunID(1)).status == .waiting)
                try await engine.decide(RunID(2), .succeeded(output: ["status": 200, "exchanges": 1]))
                #expect(try await answer.body == ["first": "quick", "status": 200])
                #expect(try await engine.record(RunID(2)).status == .cancelled)
                #expect(transport.sent.count == 2)
            }
        }
    }

    @Test("the block fails when no branch succeeds")
    func nobodyWins() async throws {
        let transport = ScriptedTransport { _, _ in .answered(OutsideAnswer(status: 402)) }
        let flow = Self.race.replacing("{ id: long, block: wait, for: 1d }", with: Self.charge("long", "0"))
        try await EngineWorld.with(flow) { world in
            try await world.run(transport: transport) { engine in
                let answer = try await engine.call()
                #expect(answer.status == 402)
                #expect(try await engine.record(RunID(1)).failure?.block == "race/slow/late")
            }
        }
    }

    // MARK: Around and inside

    @Test("branches stand within branches, turns and tries; catch and finally see their failure")
    func nested() async throws {
        let flow = Self.page(
            "{ all: '${ blocks.each.items }', caught: '${ vars.caught }' }",
            """
            - block: set-variables
              set: { caught: [] }
            - id: each
              block: for-each
              each: '[1, 2]'
              as: number
              do:
                - block: try
                  do:
                    - id: outer
                      block: parallel
                      branches:
                        a:
                          - id: inner
                            block: parallel
                            branches:
                              x:
                                - { id: x, block: insert-record, table: lines, set: { text: 'x${ number }' } }
                              y:
                                - { id: y, block: insert-record, table: lines, set: { text: 'y${ index }' } }
                        b:
                          - block: conditional-branch
                            branches:
                              - when: number == 2
                                do:
                                  - block: fail
                                    error: { code: second, message: no }
                  catch:
                    - when: error.code == 'second'
                      do:
                        - block: set-variables
                          set: { caught: '${ vars.caught + [number] }' }
                  finally:
                    - { id: behind, block: insert-record, table: lines, set: { text: 'finally ${ number }' } }
              collect: "${ blocks.?outer.a.inner.y.y.text.orValue('none') }"
            """
        )
        try await EngineWorld.with(flow) { world in
            try await world.run { engine in
                #expect(try await engine.call().body == ["all": ["y0", "none"], "caught": [2]])
                let lines = try await engine.rows("lines").compactMap { $0["text"]?.stringValue }
                #expect(lines.filter { $0.hasPrefix("finally") } == ["finally 1", "finally 2"])
            }
        }
    }

    @Test("a time limit of the block cancels the branches that are not over by then")
    func timeout() async throws {
        let flow = Self.page(
            "{ why: '${ vars.why }' }",
            """
            - block: set-variables
              set: { why: none }
            - id: both
              block: parallel
              timeout: 1m
              branches:
                quick:
                  - { id: line, block: insert-record, table: lines, set: { text: quick } }
                slow:
                  - { block: wait, event: shipped }
              fail:
                - block: set-variables
                  set: { why: '${ error.code } at ${ error.block }' }
            """
        )
        try await EngineWorld.with(flow) { world in
            try await world.run { engine in
                async let answer = engine.call()
                _ = try await engine.record(RunID(3), being: .waiting)
                await world.clock.waitForSleeper(within: .seconds(60))
                world.clock.advance(by: .seconds(60))
                #expect(try await answer.body == ["why": "timeout at both"])
                #expect(try await engine.record(RunID(3)).status == .cancelled)
            }
        }
    }

    @Test("an event that came before its branch began is not lost, and each branch sees it")
    func events() async throws {
        let flow = Self.page(
            "{ a: '${ blocks.both.a.one.data }', b: '${ blocks.both.b.two.data }' }",
            """
            - { block: wait, for: 1m }
            - id: both
              block: parallel
              branches:
                a:
                  - { id: one, block: wait, event: shipped }
                b:
                  - { id: two, block: wait, event: shipped }
            """
        )
        try await EngineWorld.with(flow) { world in
            try await world.run { engine in
                async let answer = engine.call()
                _ = try await engine.record(RunID(1), being: .waiting)
                _ = try await engine.receive(event: "shipped", key: nil, data: "early", caller: .ann)
                await world.clock.waitForSleeper(within: .seconds(60))
                world.clock.advance(by: .seconds(60))
                #expect(try await answer.body == ["a": "early", "b": "early"])
            }
        }
    }

    @Test("branches need no place of their flow's concurrency, and sub-flows in them none that their run holds")
    func concurrency() async throws {
        let flow = Self.both.replacing("access: [customer]", with: "access: [customer]\nconcurrency: { limit: 1 }")
        try await EngineWorld.with(flow) { world in
            try await world.run { engine in
                async let first = engine.call()
                async let second = engine.call()
                let statuses = try await [first.status, second.status]
                #expect(statuses == [200, 200])
            }
        }
    }
}
