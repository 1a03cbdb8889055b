import Expressions
import FlowEngine
import FlowLanguage
import TestSupport
import Testing

@Suite("Doing runs again")
struct EngineRerunTests {
    private static let flow = """
        flow: f
        kind: page
        access: [customer]
        input: { amount: { type: int }, name: { type: string, default: x } }
        output: { status: '${ blocks.pay.status }', order: '${ blocks.order.id }' }
        blocks:
          - id: order
            block: insert-record
            table: orders
            set: { name: '${ input.name }', total: '${ input.amount }' }
          - id: pay
            block: execute-connection-command
            connection: bank
            command: charge
            data: { amount: '${ input.amount }' }
          - id: line
            block: insert-record
            table: lines
            set: { text: '${ input.name }' }
        """

    /// Declines the first request.
    private static func declining() -> ScriptedTransport {
        ScriptedTransport { _, number in .answered(OutsideAnswer(status: number == 1 ? 402 : 200)) }
    }

    @Test("a failed run is retried from the block that failed: what succeeded before it is kept, and not done again")
    func retry() async throws {
        let transport = Self.declining()
        try await EngineWorld.with(Self.flow) { world in
            try await world.run(transport: transport) { engine in
                #expect(try await engine.call("f", ["amount": 5]).status == 402)
                let plan = try await engine.planRerun(of: RunID(1), from: .failure)
                #expect(plan.kept == 1)
                #expect(plan.repeats == [])
                let again = try await engine.rerun(RunID(1), from: .failure)
                let record = try await engine.finished(again)
                #expect(record.status == .succeeded)
                #expect(record.start.rerunOf == RunID(1))
                #expect(record.answer?.body == ["status": 200, "order": 1])
                #expect(try await engine.rows("orders").count == 1)
                #expect(transport.sent.count == 2)
                // A new business attempt: the refused one's key is not used again.
                #expect(Set(transport.sent.map(\.request.key)).count == 2)
                #expect(try await engine.record(RunID(1)).status == .failed)
            }
        }
    }

    @Test("a plan lists what retries have done since, and those that are under way")
    func retriedBefore() async throws {
        let gate = Gate()
        // The first is declined, the third waits.
        let transport = ScriptedTransport { _, number in
            if number == 3 { await gate.pass() }
            return .answered(OutsideAnswer(status: number == 1 ? 402 : 200))
        }
        try await EngineWorld.with(Self.flow) { world in
            try await world.run(transport: transport) { engine in
                #expect(try await engine.call("f", ["amount": 5]).status == 402)
                let first = try await engine.finished(try await engine.rerun(RunID(1), from: .failure))
                #expect(first.status == .succeeded)
                let plan = try await engine.planRerun(of: RunID(1), from: .failure)
                let charge = "bank: POST /charge/1 (run 2, 'f')"
                #expect(plan.repeats.map(\.what) == [charge, "lines (run 2, 'f')"])
                let second = try await engine.rerun(RunID(1), from: .failure)
                await transport.waitForSent(3)
                let next = try await engine.planRerun(of: RunID(1), from: .failure)
                #expect(
                    next.repeats.map { "\($0.path) \($0.what)" } == [
                        "pay \(charge)", "line lines (run 2, 'f')",
                        "run \(second) does it again already, and is not over",
                        "pay bank: POST /charge/1 (run 3, 'f')",
                    ]
                )
                gate.open()
                #expect(try await engine.finished(second).status == .succeeded)
                // What a sibling did is done as well.
                let whole = try await engine.planRerun(of: first.id, from: .beginning)
                #expect(whole.repeats.map(\.path.rawValue) == ["order", "pay", "line", "pay", "line"])
            }
        }
    }

    @Test(
        "a retry into a loop with a time limit has all of it again, and keeps what another limit ended"
    )
    func retryIntoLoop() async throws {
        let flow = EngineRetryTests.page(
            "{ count: '${ blocks.charges.count }', how: '${ vars.how }' }",
            """
            - { block: set-variables, set: { how: '' } }
            - id: patience
              block: for-each
              each: '[1]'
              as: n
              timeout: 5s
              do: [{ block: wait, for: 60s }]
              fail: [{ block: set-variables, set: { how: '${ error.code }' } }]
            - id: charges
              block: for-each
              each: '[1, 2]'
              as: n
              timeout: 30s
              do:
                - { id: line, block: insert-record, table: lines, set: { text: 'turn ${ n }' } }
                - id: pay
                  block: execute-connection-command
                  connection: bank
                  command: charge
                  data: { amount: '${ n }' }
            """
        )
        let transport = ScriptedTransport { _, number in .answered(OutsideAnswer(status: number < 3 ? 402 : 200)) }
        try await EngineWorld.with(flow) { world in
            try await world.run(transport: transport) { engine in
                async let answer = engine.call()
                _ = try await engine.record(RunID(1), being: .waiting)
                await world.clock.waitForSleeper(within: .seconds(5))
                world.clock.advance(by: .seconds(5))
                #expect(try await answer.status == 402)
                world.clock.advance(by: .seconds(3_600))
                let second = try await engine.finished(try await engine.rerun(RunID(1), from: .failure))
                #expect(second.failure?.code == "declined")
                world.clock.advance(by: .seconds(3_600))
                let third = try await engine.finished(try await engine.rerun(second.id, from: .failure))
                #expect(third.answer?.body == ["count": 2, "how": "timeout"])
                #expect(try await engine.rows("lines").map { $0["text"] } == ["turn 1", "turn 2"])
            }
        }
    }

    @Test("a plan names every effect that the run had behind the place, and does nothing")
    func plan() async throws {
        try await EngineWorld.with(Self.flow) { world in
            try await world.run { engine in
                _ = try await engine.call("f", ["amount": 5])
                let all = try await engine.planRerun(of: RunID(1), from: .beginning)
                #expect(all.repeats.map(\.path.rawValue) == ["order", "pay", "line"])
                #expect(all.repeats.map(\.what) == ["orders", "bank: POST /charge/1", "lines"])
                let part = try await engine.planRerun(of: RunID(1), from: .block(BlockPath("line")))
                #expect(part.kept == 2)
                #expect(part.repeats.map(\.path.rawValue) == ["line"])
                #expect(try await engine.allRuns().count == 1)
            }
        }
    }

    /// Charges, and fails behind that.
    private static let failingChild =
        SampleFlows.child
        + "\n  - { block: fail, when: 'input.amount == 5', error: { code: broken, message: broken } }\n"
    private static let childsCharge = "bank: POST /charge/1 (run 2, 'child')"

    @Test("a plan lists what a sub-flow did before it failed, and a retry does not do it again unasked")
    func failedSubflow() async throws {
        try await EngineWorld.with(SampleFlows.parent, Self.failingChild) { world in
            try await world.run { engine in
                _ = try await engine.call()
                #expect(try await engine.record(RunID(1)).status == .failed)
                for start in [RerunStart.failure, .beginning] {
                    let plan = try await engine.planRerun(of: RunID(1), from: start)
                    #expect(plan.repeats.map(\.what) == [Self.childsCharge])
                }
            }
        }
    }

    @Test("a plan lists what a sub-flow did that was out of time")
    func timedOutSubflow() async throws {
        let child = SampleFlows.child + "\n  - { block: wait, for: 2h }\n"
        let parent = SampleFlows.parent + "\n    timeout: 1h\n"
        try await EngineWorld.with(parent, child) { world in
            try await world.run { engine in
                async let answer = engine.call()
                _ = try await engine.record(RunID(2), being: .waiting)
                await world.clock.waitForSleeper(within: .seconds(3_600))
                world.clock.advance(by: .seconds(3_600))
                _ = try await answer
                let plan = try await engine.planRerun(of: RunID(1), from: .failure)
                #expect(plan.repeats.map(\.what) == [Self.childsCharge])
            }
        }
    }

    @Test("a plan lists what a sub-flow did that a branch ran")
    func subflowInBranch() async throws {
        let flow = EngineRetryTests.page(
            "{}",
            """
            - id: both
              block: parallel
              branches:
                left: [{ id: one, block: run-flow, flow: child, input: { amount: 5 } }]
                right: [{ id: two, block: insert-record, table: lines, set: { text: two } }]
            """
        )
        try await EngineWorld.with(flow, Self.failingChild) { world in
            try await world.run { engine in
                _ = try await engine.call()
                let plan = try await engine.planRerun(of: RunID(1), from: .failure)
                #expect(plan.repeats.count { $0.what.hasPrefix("bank: POST /charge/1") } == 1)
                #expect(plan.repeats.contains { $0.what == "lines" })
            }
        }
    }

    @Test("a plan lists what a sub-flow did that code ran")
    func subflowOfCode() async throws {
        let call = CodeQuestion(
            call: "runFlow",
            arguments: .list(["child", ["amount": 5]]),
            work: .runFlow(flow: "child", input: ["amount": 5], mode: .wait)
        )
        let flow = EngineCodeTests.flow("kind: page\naccess: [customer]")
        try await EngineWorld.with(flow, Self.failingChild) { world in
            try await world.run(code: ScriptedCode(calls: [call])) { engine in
                _ = try await engine.call()
                let plan = try await engine.planRerun(of: RunID(1), from: .beginning)
                #expect(plan.repeats.contains { $0.what == Self.childsCharge })
            }
        }
    }

    @Test("a run is done again from a block with other input, where the flow goes the same way until there")
    func editedInput() async throws {
        try await EngineWorld.with(Self.flow) { world in
            try await world.run { engine in
                _ = try await engine.call("f", ["amount": 5])
                let again = try await engine.rerun(
                    RunID(1),
                    from: .block(BlockPath("line")),
                    input: ["amount": 5, "name": "other"]
                )
                #expect(try await engine.finished(again).status == .succeeded)
                #expect(try await engine.rows("lines").map { $0["text"] } == ["x", "other"])
                #expect(try await engine.rows("orders").count == 1)
                let invalid = await #expect(throws: EngineError.self) {
                    try await engine.rerun(RunID(1), from: .beginning, input: ["amount": "five"])
                }
                guard case .invalidInput? = invalid?.code else {
                    Issue.record("not refused for its input: \(String(describing: invalid))")
                    return
                }
            }
        }
    }

    @Test("input that leads another way is refused, and leaves no run behind")
    func otherWay() async throws {
        let flow = """
            flow: f
            kind: page
            access: [customer]
            input: { amount: { type: int } }
            blocks:
              - block: conditional-branch
                branches:
                  - when: input.amount > 3
                    do:
                      - id: first
                        block: insert-record
                        table: lines
                        set: { text: big }
                  - else:
                    do:
                      - id: second
                        block: insert-record
                        table: lines
                        set: { text: small }
              - id: last
                block: insert-record
                table: lines
                set: { text: last }
            """
        try await EngineWorld.with(flow) { world in
            try await world.run { engine in
                _ = try await engine.call("f", ["amount": 5])
                let refused = await #expect(throws: EngineError.self) {
                    try await engine.rerun(RunID(1), from: .block(BlockPath("last")), input: ["amount": 1])
                }
                #expect(refused?.code == .wrongState)
                #expect(try await engine.allRuns().count == 1)
                _ = try await engine.finished(try await engine.rerun(RunID(1), from: .beginning, input: ["amount": 1]))
                let texts = try await engine.rows("lines").map { $0["text"] }
                #expect(texts == ["big", "last", "small", "last"])
            }
        }
    }

    @Test("a run that is under way, did not pass the block, or is of another version, is not done again from there")
    func refused() async throws {
        let gate = Gate()
        let transport = ScriptedTransport { _, number in
            if number == 1 { await gate.pass() }
            return .answered(OutsideAnswer(status: 200))
        }
        let changed = try SampleApp.compile(Self.flow.replacing("default: x", with: "default: y"))
        try await EngineWorld.with(Self.flow) { world in
            try await world.run(transport: transport) { engine in
                async let answer = engine.call("f", ["amount": 5])
                await transport.waitForSent(1)
                let early = await #expect(throws: EngineError.self) {
                    try await engine.planRerun(of: RunID(1), from: .beginning)
                }
                #expect(early?.code == .wrongState)
                gate.open()
                _ = try await answer
                let nowhere = await #expect(throws: EngineError.self) {
                    try await engine.planRerun(of: RunID(1), from: .block(BlockPath("nowhere")))
                }
                #expect(nowhere?.code == .wrongState)
                #expect(nowhere?.message.contains("no block 'nowhere'") == true)
                let missing = await #expect(throws: EngineError.self) {
                    try await engine.rerun(RunID(9), from: .beginning)
                }
                #expect(missing?.code == .unknownRun)
            }
            try await world.run(app: changed) { engine in
                let other = await #expect(throws: EngineError.self) {
                    try await engine.rerun(RunID(1), from: .block(BlockPath("line")))
                }
                #expect(other?.code == .wrongState)
                #expect(other?.message.contains("'f' has changed") == true)
                #expect(other?.message.contains("from the beginning only") == true)
                let again = try await engine.rerun(RunID(1), from: .beginning, input: ["amount": 5])
                let record = try await engine.finished(again)
                #expect(record.start.version == changed.flows["f"]?.version)
                #expect(record.status == .succeeded || record.failure?.code == "constraint")
            }
        }
    }

    @Test(
        "a sub-flow that was changed since does not hinder: what it did is kept, and what is done again takes the new one"
    )
    func changedSubflow() async throws {
        let parent = """
            flow: f
            kind: page
            access: [customer]
            output: { first: '${ blocks.first.said }', second: '${ blocks.second.said }' }
            blocks:
              - { id: first, block: run-flow, flow: child }
              - id: pay
                block: execute-connection-command
                connection: bank
                command: charge
                data: { amount: 5 }
              - { id: second, block: run-flow, flow: child }
            """
        let child = """
            flow: child
            kind: page
            access: [customer]
            output: { said: old }
            blocks: []
            """
        let today = try SampleApp.compile(parent, child.replacing("old", with: "new"))
        try await EngineWorld.with(parent, child) { world in
            try await world.run(transport: Self.declining()) { engine in
                let answer = try await engine.call()
                #expect(answer.status == 402)
            }
            try await world.run(app: today) { engine in
                let again = try await engine.rerun(RunID(1), from: .failure)
                let record = try await engine.finished(again)
                #expect(record.answer?.body == ["first": "old", "second": "new"])
                #expect(record.start.version == today.flows["f"]?.version)
            }
        }
    }

    @Test(
        "a block in a branch is no place to begin from: the refusal names the block that has the branches",
        arguments: ["both/left/one", "both/right/each/do/two"]
    )
    func branch(path: String) async throws {
        let flow = EngineRetryTests.page(
            "{}",
            """
            - id: both
              block: parallel
              branches:
                left:
                  - { id: one, block: insert-record, table: lines, set: { text: one } }
                right:
                  - id: each
                    block: for-each
                    each: "[1, 2]"
                    as: n
                    concurrency: 2
                    do:
                      - { id: two, block: insert-record, table: lines, set: { text: two } }
            - { id: behind, block: insert-record, table: lines, set: { text: behind } }
            - block: conditional-branch
              branches:
                - when: blocks.behind.text != 'behind'
                  do:
                    - { id: never, block: insert-record, table: lines, set: { text: never } }
            """
        )
        try await EngineWorld.with(flow) { world in
            try await world.run { engine in
                _ = try await engine.call()
                func plan(_ path: String) async throws -> RerunPlan {
                    try await engine.planRerun(of: RunID(1), from: .block(BlockPath(path)))
                }
                let refused = await #expect(throws: EngineError.self) { try await plan(path) }
                #expect(refused?.message.contains("lies in a branch of 'both'") == true)
                #expect(refused?.message.contains("begin from 'both'") == true)
                #expect(try await plan("both").kept == 0)
                #expect(try await plan("behind").kept > 0)
                let passed = await #expect(throws: EngineError.self) { try await plan("2/0/never") }
                #expect(passed?.message == "run 1 did not pass '2/0/never'")
            }
        }
    }

    @Test("a retry that waits for a place of its flow's 'concurrency' has all of its time from when it has the place")
    func heldRetry() async throws {
        let flow = """
            flow: f
            kind: page
            access: [customer]
            timeout: 10s
            concurrency: { limit: 1 }
            blocks:
              - { id: line, block: insert-record, table: lines, set: { text: here } }
              - id: pay
                block: execute-connection-command
                connection: bank
                command: charge
                data: { amount: 5 }
              - { id: pause, block: wait, for: 8s }
            """
        try await EngineWorld.with(flow) { world in
            try await world.run(transport: Self.declining()) { engine in
                #expect(try await engine.call().status == 402)
                async let holder = engine.call()
                _ = try await engine.record(RunID(2), being: .waiting)
                let again = try await engine.rerun(RunID(1), from: .failure)
                let held = try await engine.record(again)
                #expect(held.isHeld)
                #expect(held.startedAt == nil)
                await world.clock.waitForSleeper(within: .seconds(8))
                world.clock.advance(by: .seconds(8))
                #expect(try await holder.status == 200)
                let waiting = try await engine.record(again, being: .waiting)
                #expect(waiting.startedAt == world.clock.now())
                #expect(waiting.wakesAt == world.clock.now() + .seconds(8))
                await world.clock.waitForSleeper(within: .seconds(8))
                world.clock.advance(by: .seconds(8))
                #expect(try await engine.finished(again).status == .succeeded)
                #expect(try await engine.rows("lines").count == 2)
            }
        }
    }

    @Test("a plan names a run that is gone, whose effects nobody knows any more")
    func goneSubflow() async throws {
        let flow = """
            flow: f
            kind: page
            access: [customer]
            blocks:
              - { id: child, block: run-flow, flow: child, input: { amount: 5 } }
              - id: both
                block: parallel
                branches:
                  left: [{ id: one, block: insert-record, table: lines, set: { text: one } }]
              - id: pay
                block: execute-connection-command
                connection: bank
                command: charge
                data: { amount: 5 }
            """
        let transport = ScriptedTransport { _, number in .answered(OutsideAnswer(status: number == 2 ? 402 : 200)) }
        try await EngineWorld.with(flow, SampleFlows.child) { world in
            // Without the run whose entries it took over, the rerun cannot be replayed: no replay is asked for.
            try await world.run(transport: transport, app: world.app) { engine in
                #expect(try await engine.call().status == 402)
                world.clock.advance(by: .seconds(60 * 86_400))
                let again = try await engine.finished(try await engine.rerun(RunID(1), from: .failure))
                #expect(again.status == .succeeded)
                // The rerun took over what the first one recorded; that, its sub-flow and its branch go.
                world.clock.advance(by: .seconds(60 * 86_400))
                try await engine.prune()
                #expect(try await engine.allRuns().map(\.id) == [again.id])
                let plan = try await engine.planRerun(of: again.id, from: .beginning)
                #expect(
                    plan.repeats.map(\.what) == [
                        "runs 'child' (run 2 is gone: its effects are not known any more)",
                        "a branch (run 3 is gone: its effects are not known any more)",
                        "bank: POST /charge/1",
                    ]
                )
            }
        }
    }

    @Test("a plan lists no waits and no pauses between attempts: they change nothing")
    func planOfWaits() async throws {
        let flow = EngineRetryTests.page(
            "{}",
            """
            - { id: pause, block: wait, for: 1s }
            - id: list
              block: try
              retry: { attempts: 2, first: 1s, jitter: 0, on: 'true' }
              do:
                - { id: line, block: insert-record, table: lines, set: { text: here } }
                - { block: fail, error: { code: broken, message: broken } }
              catch:
                - { when: "error.code == 'other'", do: [{ block: log, message: other }] }
            """
        )
        try await EngineWorld.with(flow) { world in
            try await world.run { engine in
                async let answer = engine.call()
                for status in [RunStatus.waiting, .retrying] {
                    _ = try await engine.record(RunID(1), being: status)
                    await world.clock.waitForSleeper(within: .seconds(1))
                    world.clock.advance(by: .seconds(1))
                }
                #expect(try await answer.status == 500)
                let plan = try await engine.planRerun(of: RunID(1), from: .beginning)
                #expect(plan.repeats.map(\.block) == ["insert-record", "insert-record"])
            }
        }
    }
}
