import Expressions
import FlowLanguage
import Foundation
import Synchronization
import TestSupport
import Testing

@testable import FlowEngine

// Goal: what the engine believes from memory is never older than the disk, in whatever order things meet.
// Method: the writer is held, jobs are put behind it in the unlucky order, and then it is let go.
@Suite("An unlucky order: what meets in one group, what comes late, what was decided before")
struct EngineOrderTests {
    private static func manual(_ command: String = "charge") -> String {
        """
        flow: f
        kind: cloud
        trigger: { manual: true }
        blocks:
          - id: pay
            block: execute-connection-command
            connection: bank
            command: \(command)
            data: { amount: 1 }
        """
    }

    private func start(_ engine: Engine) async throws -> RunID {
        try await engine.start("f", input: [:], trigger: .null, origin: .manual, caller: .system)
    }

    /// Holds the writer until `body` has put jobs behind it; looks for nothing afterwards.
    private func holding(_ engine: Engine, _ body: () async throws -> Void) async throws {
        let entered = Gate()
        let release = DispatchSemaphore(value: 0)
        await engine.writer.idle()
        async let blocker: Void = engine.writer.perform { (_, _) throws(StoreError) in
            entered.open()
            release.wait()
        }
        await entered.pass()
        do {
            try await body()
        } catch {
            release.signal()
            throw error
        }
        release.signal()
        try await blocker
    }

    @Test("a run that a look finds beside another turn of it, in one group, sends its request once")
    func lookBesideTurn() async throws {
        let transport = ScriptedTransport()
        try await EngineWorld.with(Self.manual()) { world in
            try await world.run(transport: transport) { engine in
                let started = Mutex<Task<RunID, any Error>?>(nil)
                try await holding(engine) {
                    started.withLock { $0 = Task { try await start(engine) } }
                    while engine.waitingJobs < 1 { await Task.yield() }
                    engine.requestLook()
                    engine.submitTurn(of: RunID(1), .takeUp(isUnsent: false))
                }
                let run = try #require(try await started.withLock { $0 }?.value)
                #expect(try await engine.finished(run).status == .succeeded)
                #expect(transport.sent.count == 1)
                #expect(try await engine.entries(run).map(\.sends) == [1])
            }
        }
    }

    @Test("two looks in one group take a run up once")
    func twoLooks() async throws {
        let transport = ScriptedTransport()
        try await EngineWorld.with(Self.manual()) { world in
            try await world.run(transport: transport) { engine in
                let tasks = Mutex<[Task<Void, any Error>]>([])
                try await holding(engine) {
                    engine.requestLook()
                    // It fails, so that its group is undone and done again, and each time it wishes for a look.
                    let failing = Task {
                        try await engine.writer.perform { (_, _) throws(StoreError) in
                            engine.requestLook()
                            throw StoreError(.constraint, "on purpose")
                        }
                    }
                    tasks.withLock { $0.append(failing) }
                    while engine.waitingJobs < 2 { await Task.yield() }
                    let starting = Task { _ = try await start(engine) }
                    tasks.withLock { $0.append(starting) }
                    while engine.waitingJobs < 3 { await Task.yield() }
                }
                for task in tasks.withLock({ $0 }) { _ = await task.result }
                #expect(try await engine.finished(RunID(1)).status == .succeeded)
                #expect(transport.sent.count == 1)
            }
        }
    }

    @Test("a run that is resumed waits for its lane as it did before")
    func resumedIntoLane() async throws {
        let gate = Gate()
        let transport = ScriptedTransport { _, _ in
            await gate.pass()
            return .answered(OutsideAnswer(status: 200))
        }
        try await EngineWorld.with(Self.manual()) { world in
            let graph = try #require(world.app.flows["f"])
            try await world.run(transport: transport) { engine in
                let start = RunStart(
                    flow: "f",
                    version: graph.version,
                    origin: .manual,
                    caller: .system,
                    mode: .test,
                    lane: "a"
                )
                for status in [RunStatus.paused, .queued] {
                    try await engine.write { (transaction) throws(StoreError) in
                        let run = try transaction.insertRun(start, at: world.clock.now())
                        guard var record = try transaction.run(run) else { return }
                        record.status = status
                        try transaction.updateRun(record)
                    }
                }
                await transport.waitForSent(1)
                try await engine.resume(RunID(1))
                for _ in 1...3 { try await engine.write { (_) throws(StoreError) in } }
                #expect(try await engine.record(RunID(1)).status == .queued)
                #expect(transport.sent.count == 1)
                gate.open()
                #expect(try await engine.finished(RunID(1)).status == .succeeded)
                #expect(try await engine.finished(RunID(2)).status == .succeeded)
                #expect(transport.sent.count == 2)
            }
        }
    }

    @Test(
        "a request that may have been executed stays so, when the one that a person asked for is not even sent",
        arguments: [true, false]
    )
    func sentAgainInVain(isRetryable: Bool) async throws {
        let transport = ScriptedTransport { _, number in
            number == 1 ? .lost(reason: "reset") : .notSent(reason: "refused", retryable: isRetryable)
        }
        try await EngineWorld.with(Self.manual("letter")) { world in
            try await world.run(transport: transport) { engine in
                let run = try await start(engine)
                #expect(try await engine.record(run, being: .outcomeUnknown).status == .outcomeUnknown)
                try await engine.decide(run, .sendAgain)
                await transport.waitForSent(2)
                let record = try await engine.record(run, being: .outcomeUnknown)
                #expect(record.status == .outcomeUnknown)
                #expect(try await engine.entries(run).map(\.status) == [.started])
                #expect(try await engine.cancel(run).status == .outcomeUnknown)
                try await engine.decide(run, .failed(BlockFailure(code: "lost", type: "bank", message: "lost")))
                #expect(try await engine.finished(run).status == .cancelled)
            }
        }
    }

    @Test(
        "a request on its way may have been executed, also when an earlier sending of it certainly was not",
        arguments: ["charge", "letter"]
    )
    func sentAfterFailing(command: String) async throws {
        let flow = Self.manual(command)
        let changed = try SampleApp.compile(flow.replacing("amount: 1", with: "amount: 2"))
        let gate = Gate()
        let transport = ScriptedTransport { _, number in
            if number > 1 { await gate.pass() }
            return .notSent(reason: "refused", retryable: true)
        }
        try await EngineWorld.with(flow) { world in
            try await world.run(transport: transport) { engine in
                _ = try await start(engine)
                await world.clock.waitForSleeper(within: .seconds(60))
                world.clock.advance(by: .seconds(60))
                await transport.waitForSent(2)
            }
            gate.open()
            // Its version is gone: it is paused as the process left it.
            let cancelled = try await world.run(app: changed) { engine in
                #expect(try await engine.record(RunID(1), being: .paused).status == .paused)
                return command == "charge" ? try await engine.cancel(RunID(1)) : nil
            }
            if let cancelled { #expect(cancelled.status == .outcomeUnknown) }
            guard command == "letter" else { return }
            let later = ScriptedTransport()
            try await world.run(transport: later) { engine in
                try await engine.resume(RunID(1))
                let record = try await engine.record(RunID(1), being: .outcomeUnknown)
                #expect(record.status == .outcomeUnknown)
                #expect(later.sent.isEmpty)
            }
        }
    }

    @Test(
        "a request that is committed while the engine stops has not left, and the next start sends it",
        arguments: ["charge", "letter"]
    )
    func committedWhileStopping(command: String) async throws {
        try await EngineWorld.with(Self.manual(command)) { world in
            let silent = ScriptedTransport()
            try await world.run(transport: silent) { engine in
                let started = Mutex<Task<RunID, any Error>?>(nil)
                try await holding(engine) {
                    started.withLock { $0 = Task { try await start(engine) } }
                    while engine.waitingJobs < 1 { await Task.yield() }
                    engine.submitTurn(of: RunID(1), .takeUp(isUnsent: false))
                    engine.stop()
                }
                _ = try await started.withLock { $0 }?.value
            }
            #expect(silent.sent.isEmpty)
            let later = ScriptedTransport()
            try await world.run(transport: later) { engine in
                #expect(try await engine.finished(RunID(1)).status == .succeeded)
                let entries = try await engine.entries(RunID(1))
                #expect(entries.map(\.status) == [.succeeded])
            }
            #expect(later.sent.count == 1)
        }
    }

    @Test("a paused run that is cancelled ends behind its sub-flow, which had a request on its way")
    func pausedParentIsCancelled() async throws {
        let gate = Gate()
        let transport = ScriptedTransport { _, _ in
            await gate.pass()
            return .answered(OutsideAnswer(status: 200))
        }
        try await EngineWorld.with(SampleFlows.parent, SampleFlows.child) { world in
            try await world.run(transport: transport) { engine in
                async let answer = engine.callPage(
                    "f",
                    input: [:],
                    caller: .ann,
                    idempotencyKey: nil,
                    timeLimit: .seconds(86_400)
                )
                await transport.waitForSent(1)
                #expect(try await engine.pause(RunID(1)).status == .paused)
                _ = try await answer
                _ = try await engine.cancel(RunID(1))
                gate.open()
                #expect(try await engine.finished(RunID(2)).status == .cancelled)
                for _ in 1...3 { try await engine.write { (_) throws(StoreError) in } }
                #expect(try await engine.record(RunID(1)).status == .cancelled)
            }
        }
    }

    @Test("code that is to be cancelled makes no further host call; code that is to be paused makes it once resumed")
    func haltedCode() async throws {
        for isCancelled in [true, false] {
            try await EngineWorld.with(EngineCodeTests.flow("kind: cloud\ntrigger: { manual: true }")) { world in
                let code = ScriptedCode(orders: ["a", "b"], from: Gate())
                try await world.run(code: code) { engine in
                    let run = try await start(engine)
                    await code.entered.pass()
                    _ = isCancelled ? try await engine.cancel(run) : try await engine.pause(run)
                    code.gate.open()
                    if isCancelled {
                        #expect(try await engine.finished(run).status == .cancelled)
                        #expect(try await engine.rows("orders").isEmpty)
                        return
                    }
                    #expect(try await engine.record(run, being: .paused).status == .paused)
                    #expect(try await engine.rows("orders").isEmpty)
                    try await engine.resume(run)
                    #expect(try await engine.finished(run).status == .succeeded)
                    #expect(try await engine.rows("orders").map { $0["name"] } == ["a", "b"])
                }
            }
        }
    }
}
