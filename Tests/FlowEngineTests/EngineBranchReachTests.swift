import Expressions
import FlowEngine
import FlowLanguage
import Synchronization
import Testing
import TestSupport

/// What branches set off beyond their own run: chains of changes, sub-flows that share a limit, a retry.
@Suite("Branches: changes, sub-flows, retry")
struct EngineBranchReachTests {
    private static func insert(_ table: String, _ set: String) -> String {
        "{ id: \(table)Row, block: insert-record, table: \(table), set: \(set) }"
    }

    private static func watcher(_ name: String, _ table: String, when: String = "true", _ blocks: String) -> String {
        """
        flow: \(name)
        kind: cloud
        trigger: { table: { name: \(table), on: [insert], when: "\(when)" } }
        blocks:
        \(blocks)
        """
    }

    private func settled(_ engine: Engine, _ flow: String, count: Int) async throws -> [RunRecord] {
        while true {
            let runs = try await engine.allRuns().filter { $0.start.flow == flow && $0.start.origin != .branch }
            if runs.count >= count, runs.allSatisfy(\.status.isFinal) { return runs.sorted { $0.id < $1.id } }
            try await engine.write { (_) throws(StoreError) in }
        }
    }

    // MARK: Changes

    @Test(
        "a branch's change starts a flow whose branch's change starts the next one, each once and one behind the other"
    )
    func chain() async throws {
        let flow = EngineParallelTests.page(
            "{ done: true }",
            """
            - id: both
              block: parallel
              branches:
                left:
                  - \(Self.insert("lines", "{ text: left }"))
                right:
                  - { id: rightRow, block: insert-record, table: lines, set: { text: right } }
            """
        )
        let first = Self.watcher(
            "first",
            "lines",
            when: "trigger.new.text in ['left', 'right']",
            """
            - id: each
              block: for-each
              each: '[1, 2]'
              as: number
              concurrency: 2
              do:
                - \(Self.insert("orders", "{ name: '${ trigger.new.text } ${ number }', total: '${ number }' }"))
            """
        )
        let second = Self.watcher(
            "second",
            "orders",
            "- \(Self.insert("lines", "{ text: 'order ${ trigger.new.name }' }"))"
        )
        try await EngineWorld.with(flow, first, second) { world in
            try await world.run { engine in
                #expect(try await engine.call().status == 200)
                let firsts = try await settled(engine, "first", count: 2)
                let seconds = try await settled(engine, "second", count: 4)
                #expect(firsts.map(\.start.generation.changes) == [1, 1])
                #expect(seconds.map(\.start.generation.changes) == [2, 2, 2, 2])
                #expect((firsts + seconds).allSatisfy { $0.status == .succeeded })
                let texts = try await engine.rows("lines").compactMap { $0["text"]?.stringValue }.sorted()
                #expect(
                    texts == ["left", "order left 1", "order left 2", "order right 1", "order right 2", "right"]
                )
            }
        }
    }

    @Test("a loop of changes through branches ends after sixteen runs, as a failure of the branch that would go on")
    func loop() async throws {
        let flow = EngineParallelTests.page("{ done: true }", "- \(Self.insert("lines", "{ text: a }"))")
        let loop = Self.watcher(
            "loop",
            "lines",
            """
            - id: only
              block: parallel
              branches:
                next:
                  - \(Self.insert("lines", "{ text: '${ trigger.new.text }' }"))
            """
        )
        try await EngineWorld.with(flow, loop) { world in
            try await world.run { engine in
                #expect(try await engine.call().status == 200)
                let runs = try await settled(engine, "loop", count: 16)
                #expect(runs.map(\.start.generation.changes) == Array(1...16))
                #expect(runs.map(\.status) == Array(repeating: .succeeded, count: 15) + [.failed])
                #expect(runs.last?.failure?.message.contains("would start 'loop'") == true)
                #expect(try await engine.rows("lines").count == 16)
            }
        }
    }

    @Test("what a branch's transaction undoes starts nothing, and what the branch beside it changed does")
    func undone() async throws {
        let flow = EngineParallelTests.page(
            "{ failures: '${ blocks.both.failures.size() }' }",
            """
            - id: both
              block: parallel
              onFailure: continue
              branches:
                undone:
                  - id: all
                    block: transaction
                    do:
                      - \(Self.insert("lines", "{ text: undone }"))
                      - { block: fail, error: { code: no, message: no } }
                kept:
                  - { id: keptRow, block: insert-record, table: lines, set: { text: kept } }
            """
        )
        let watcher = Self.watcher(
            "watcher",
            "lines",
            "- \(Self.insert("orders", "{ name: '${ trigger.new.text }', total: 1 }"))"
        )
        try await EngineWorld.with(flow, watcher) { world in
            try await world.run { engine in
                let answer = try await engine.call()
                #expect(answer.body == ["failures": 1])
                #expect(try await settled(engine, "watcher", count: 1).count == 1)
                #expect(try await engine.rows("orders").map { $0["name"] } == ["kept"])
            }
        }
    }

    // MARK: Sub-flows

    private static let limited = """
        flow: sub
        kind: cloud
        trigger: { manual: true }
        input: { amount: { type: int } }
        concurrency: { limit: 1 }
        output: { status: '${ blocks.pay.status }' }
        blocks:
          - \(EngineParallelTests.charge("pay", "'${ input.amount }'"))
        """

    /// Notes how many requests were on their way at once.
    private final class Crowd: Sendable {
        private let state = Mutex((now: 0, most: 0))

        var most: Int { state.withLock { $0.most } }

        func pass() async {
            state.withLock { state in
                state.now += 1
                state.most = max(state.most, state.now)
            }
            for _ in 0..<20 { await Task.yield() }
            state.withLock { $0.now -= 1 }
        }
    }

    @Test("sub-flows that share a limit go one at a time, though the turns that wait for them go on together")
    func sharedLimit() async throws {
        let crowd = Crowd()
        let transport = ScriptedTransport { _, _ in
            await crowd.pass()
            return .answered(OutsideAnswer(status: 200))
        }
        let flow = EngineParallelTests.page(
            "{ all: '${ blocks.each.items }' }",
            """
            - id: each
              block: for-each
              each: 'lists.range(12)'
              as: number
              concurrency: 6
              do:
                - { id: sub, block: run-flow, flow: sub, mode: wait, input: { amount: '${ number + 1 }' } }
              collect: ${ blocks.sub.status }
            """
        )
        try await EngineWorld.with(flow, Self.limited) { world in
            try await world.run(transport: transport) { engine in
                let answer = try await engine.call()
                #expect(answer.body == ["all": .list(Array(repeating: 200, count: 12))])
                #expect(crowd.most == 1)
                #expect(transport.sent.count == 12)
                let subs = try await engine.allRuns().filter { $0.start.flow == "sub" }
                #expect(subs.count == 12 && subs.allSatisfy { $0.status == .succeeded })
            }
        }
    }

    @Test("a branch that starts a sub-flow goes on at once, also when the sub-flow has to wait for its place")
    func started() async throws {
        let gate = Gate()
        let transport = ScriptedTransport { _, _ in
            await gate.pass()
            return .answered(OutsideAnswer(status: 200))
        }
        let flow = EngineParallelTests.page(
            "{ left: '${ blocks.both.left.one.run > 0 }', right: '${ blocks.both.right.two.run > 0 }' }",
            """
            - id: both
              block: parallel
              branches:
                left:
                  - { id: one, block: run-flow, flow: sub, mode: start, input: { amount: 1 } }
                right:
                  - { id: two, block: run-flow, flow: sub, mode: start, input: { amount: 2 } }
            """
        )
        try await EngineWorld.with(flow, Self.limited) { world in
            try await world.run(transport: transport) { engine in
                let answer = try await engine.call()
                #expect(answer.body == ["left": true, "right": true])
                await transport.waitForSent(1)
                gate.open()
                #expect(try await settled(engine, "sub", count: 2).allSatisfy { $0.status == .succeeded })
                #expect(transport.sent.count == 2)
            }
        }
    }

    @Test("a cancel reaches the sub-flow that a branch waits for, running or held; the place goes to the next one")
    func cancelled() async throws {
        let gate = Gate()
        let transport = ScriptedTransport { _, _ in
            await gate.pass()
            return .answered(OutsideAnswer(status: 200))
        }
        let flow = EngineParallelTests.page(
            "{ done: true }",
            """
            - id: each
              block: for-each
              each: '[1, 2, 3]'
              as: number
              concurrency: 3
              do:
                - { id: sub, block: run-flow, flow: sub, mode: wait, input: { amount: '${ number }' } }
            """
        )
        try await EngineWorld.with(flow, Self.limited) { world in
            try await world.run(transport: transport) { engine in
                async let answer = engine.call()
                await transport.waitForSent(1)
                _ = try await settledBranches(engine, count: 3)
                #expect(try await engine.cancel(RunID(1)).status == .waiting)
                let held = try await engine.allRuns().filter { $0.start.flow == "sub" }
                #expect(held.count { $0.status == .cancelled } == 2)
                gate.open()
                #expect(try await answer.status == 409)
                #expect(try await engine.allRuns().allSatisfy { $0.status == .cancelled })
                #expect(transport.sent.count == 1)
                // The place that the cancelled ones wanted is free.
                let next = try await engine.start(
                    "sub",
                    input: ["amount": 9],
                    trigger: .null,
                    origin: .manual,
                    caller: .system
                )
                #expect(try await engine.finished(next).status == .succeeded)
            }
        }
    }

    /// Returns once so many sub-flows are there.
    private func settledBranches(_ engine: Engine, count: Int) async throws -> [RunRecord] {
        while true {
            let runs = try await engine.allRuns().filter { $0.start.flow == "sub" }
            if runs.count == count { return runs }
            try await engine.write { (_) throws(StoreError) in }
        }
    }

    @Test("a paused run's sub-flow goes on to its end; the branch takes its output up once the run is resumed")
    func paused() async throws {
        let gate = Gate()
        let transport = ScriptedTransport { _, _ in
            await gate.pass()
            return .answered(OutsideAnswer(status: 200))
        }
        let flow = EngineParallelTests.page(
            "{ status: '${ blocks.only.it.sub.status }' }",
            """
            - id: only
              block: parallel
              branches:
                it:
                  - { id: sub, block: run-flow, flow: sub, mode: wait, input: { amount: 1 } }
            """
        )
        try await EngineWorld.with(flow, Self.limited) { world in
            try await world.run(transport: transport) { engine in
                _ = try await engine.callPage("f", input: [:], caller: .ann, idempotencyKey: nil, timeLimit: .zero)
                await transport.waitForSent(1)
                #expect(try await engine.pause(RunID(1)).status == .paused)
                gate.open()
                #expect(try await engine.finished(RunID(3)).status == .succeeded)
                #expect(try await engine.record(RunID(2)).status == .paused)
                #expect(try await engine.record(RunID(1)).status == .paused)
                try await engine.resume(RunID(1))
                #expect(try await engine.finished(RunID(1)).answer?.body == ["status": 200])
            }
        }
    }

    // MARK: Retry

    @Test("a run that failed in a branch is retried from the block with the branches, with keys of its own")
    func retry() async throws {
        let isMended = Mutex(false)
        let transport = ScriptedTransport { request, _ in
            let declines = request.body == Array("amount=2".utf8) && !isMended.withLock { $0 }
            return .answered(OutsideAnswer(status: declines ? 402 : 200))
        }
        let flow = EngineParallelTests.page(
            "{ sum: '${ blocks.both.left.one.status + blocks.both.right.two.status }' }",
            """
            - \(Self.insert("lines", "{ text: before }"))
            - id: both
              block: parallel
              onFailure: stop
              branches:
                left:
                  - \(EngineParallelTests.charge("one", "1"))
                right:
                  - \(EngineParallelTests.charge("two", "2"))
            """
        )
        try await EngineWorld.with(flow) { world in
            try await world.run(transport: transport) { engine in
                #expect(try await engine.call().status == 402)
                #expect(try await engine.record(RunID(1)).failure?.block == "both/right/two")
                let plan = try await engine.planRerun(of: RunID(1), from: .failure)
                #expect(plan.kept == 1)
                #expect(plan.repeats.allSatisfy { $0.path.rawValue == "both/left/one" })
                isMended.withLock { $0 = true }
                let again = try await engine.rerun(RunID(1), from: .failure)
                #expect(try await engine.finished(again).answer?.body == ["sum": 400])
                #expect(try await engine.rows("lines").count == 1)
                let keys = transport.sent.filter { $0.request.body == Array("amount=2".utf8) }.map(\.request.key)
                #expect(Set(keys).count == 2)
            }
        }
    }
}
