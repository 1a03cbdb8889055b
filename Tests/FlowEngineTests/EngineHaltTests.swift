import Expressions
import FlowEngine
import FlowLanguage
import TestSupport
import Testing

@Suite("Cancelling, pausing, resuming")
struct EngineHaltTests {
    private static let manual = """
        flow: f
        kind: cloud
        trigger: { manual: true }
        blocks:
          - id: guarded
            block: try
            do:
              - id: pay
                block: execute-connection-command
                connection: bank
                command: charge
                data: { amount: 1 }
              - id: line
                block: insert-record
                table: lines
                set: { text: behind }
            finally:
              - id: cleanup
                block: insert-record
                table: lines
                set: { text: finally }
        """

    private func start(_ engine: Engine) async throws -> RunID {
        try await engine.start("f", input: [:], trigger: .null, origin: .manual, caller: .system)
    }

    @Test("a cancel lets a request on its way be answered, and no block passes after it, not even 'finally'")
    func requestOnItsWay() async throws {
        let gate = Gate()
        let transport = ScriptedTransport { _, _ in
            await gate.pass()
            return .answered(OutsideAnswer(status: 200))
        }
        try await EngineWorld.with(Self.manual) { world in
            try await world.run(transport: transport) { engine in
                let run = try await start(engine)
                await transport.waitForSent(1)
                let wished = try await engine.cancel(run)
                #expect(wished.status == .running)
                #expect(wished.halt == .cancel)
                gate.open()
                let record = try await engine.finished(run)
                #expect(record.status == .cancelled)
                let entries = try await engine.entries(run)
                #expect(entries.map(\.address.path.rawValue) == ["guarded/do/pay"])
                #expect(entries.map(\.status) == [.succeeded])
                #expect(try await engine.rows("lines").isEmpty)
                #expect(world.feature.finished == [run])
            }
        }
    }

    @Test("a cancel repeats a lost request with its key until there is an answer, then ends the run")
    func lostRequest() async throws {
        let gate = Gate()
        let transport = ScriptedTransport { _, number in
            if number == 1 { await gate.pass() }
            return number == 1 ? .lost(reason: "reset") : .answered(OutsideAnswer(status: 200))
        }
        try await EngineWorld.with(Self.manual) { world in
            try await world.run(transport: transport) { engine in
                let run = try await start(engine)
                await transport.waitForSent(1)
                _ = try await engine.cancel(run)
                gate.open()
                await world.clock.waitForSleeper(within: .seconds(60))
                #expect(try await engine.record(run).status == .retrying)
                // Again: it changes nothing, since the request is still without its answer.
                #expect(try await engine.cancel(run).status == .retrying)
                world.clock.advance(by: .seconds(60))
                #expect(try await engine.finished(run).status == .cancelled)
                #expect(transport.sent.count == 2)
                #expect(Set(transport.sent.map(\.request.key)).count == 1)
            }
        }
    }

    @Test("a request that certainly never left is not tried again for a run that is to be cancelled")
    func neverSent() async throws {
        let transport = ScriptedTransport { _, _ in .notSent(reason: "refused", retryable: true) }
        try await EngineWorld.with(Self.manual) { world in
            try await world.run(transport: transport) { engine in
                let run = try await start(engine)
                await world.clock.waitForSleeper(within: .seconds(60))
                let record = try await engine.cancel(run)
                #expect(record.status == .cancelled)
                #expect(try await engine.entries(run).map(\.status) == [.failed])
                #expect(try await engine.entries(run).first?.failure?.code == "cancelled")
                #expect(world.feature.abandoned == ["/charge/1 notSent"])
            }
        }
    }

    @Test("a run of unknown outcome is cancelled once a person has decided")
    func unknownOutcome() async throws {
        let transport = ScriptedTransport { _, _ in .lost(reason: "reset") }
        let flow = Self.manual.replacing("command: charge", with: "command: letter")
        try await EngineWorld.with(flow) { world in
            try await world.run(transport: transport) { engine in
                let run = try await start(engine)
                _ = try await engine.answer(of: run, timeLimit: .seconds(86_400))
                let record = try await engine.cancel(run)
                #expect(record.status == .outcomeUnknown)
                try await engine.decide(run, .succeeded(output: ["status": 200, "exchanges": 1]))
                #expect(try await engine.finished(run).status == .cancelled)
                #expect(try await engine.entries(run).map(\.status) == [.succeeded])
                #expect(try await engine.rows("lines").isEmpty)
            }
        }
    }

    @Test("a feature is told when a person says that a request was not executed, and not when they say it was")
    func declaredFailed() async throws {
        let transport = ScriptedTransport { _, _ in .lost(reason: "reset") }
        let flow = Self.manual.replacing("command: charge", with: "command: letter")
        try await EngineWorld.with(flow) { world in
            try await world.run(transport: transport) { engine in
                let first = try await start(engine)
                _ = try await engine.answer(of: first, timeLimit: .seconds(86_400))
                try await engine.decide(first, .succeeded(output: ["status": 200, "exchanges": 1]))
                #expect(try await engine.finished(first).status == .succeeded)
                #expect(world.feature.abandoned == [])
                let second = try await start(engine)
                _ = try await engine.answer(of: second, timeLimit: .seconds(86_400))
                try await engine.decide(second, .failed(BlockFailure(code: "none", type: "operator", message: "no")))
                #expect(try await engine.finished(second).status == .failed)
                #expect(world.feature.abandoned == ["/letter/1 declaredFailed"])
            }
        }
    }

    @Test("a cancel reaches the sub-flow that a run waits for; the run ends behind it")
    func subflow() async throws {
        let gate = Gate()
        let transport = ScriptedTransport { _, _ in
            await gate.pass()
            return .answered(OutsideAnswer(status: 200))
        }
        try await EngineWorld.with(SampleFlows.parent, SampleFlows.child) { world in
            try await world.run(transport: transport) { engine in
                async let answer = engine.call()
                await transport.waitForSent(1)
                #expect(try await engine.cancel(RunID(1)).status == .waiting)
                #expect(try await engine.record(RunID(2)).halt == .cancel)
                gate.open()
                let given = try await answer
                #expect(given.status == 409)
                #expect(given.body["code"] == "cancelled")
                #expect(try await engine.record(RunID(1)).status == .cancelled)
                #expect(try await engine.record(RunID(2)).status == .cancelled)
                #expect(world.feature.finished == [RunID(2), RunID(1)])
            }
        }
    }

    @Test("a cancelled sub-flow is a failure of the block that ran it")
    func cancelledChild() async throws {
        let gate = Gate()
        let transport = ScriptedTransport { _, _ in
            await gate.pass()
            return .answered(OutsideAnswer(status: 200))
        }
        try await EngineWorld.with(SampleFlows.parent, SampleFlows.child) { world in
            try await world.run(transport: transport) { engine in
                async let answer = engine.call()
                await transport.waitForSent(1)
                _ = try await engine.cancel(RunID(2))
                gate.open()
                #expect(try await answer.status == 500)
                #expect(try await engine.record(RunID(1)).failure?.code == "cancelled")
            }
        }
    }

    @Test(
        "a wish outlives the process: the next start settles the request, then cancels",
        arguments: ["keyed", "once"]
    )
    func restart(effect: String) async throws {
        let flow = effect == "keyed" ? Self.manual : Self.manual.replacing("command: charge", with: "command: letter")
        let gate = Gate()
        let hanging = ScriptedTransport { _, _ in
            await gate.pass()
            return .lost(reason: "closed")
        }
        try await EngineWorld.with(flow) { world in
            let run = try await world.run(transport: hanging) { engine in
                let run = try await start(engine)
                await hanging.waitForSent(1)
                #expect(try await engine.cancel(run).status == .running)
                return run
            }
            let transport = ScriptedTransport { _, _ in .answered(OutsideAnswer(status: 200)) }
            try await world.run(transport: transport) { engine in
                let record = try await engine.answer(of: run, timeLimit: .seconds(86_400))
                #expect(record.status == (effect == "keyed" ? .cancelled : .outcomeUnknown))
                #expect(transport.sent.count == (effect == "keyed" ? 1 : 0))
                #expect(transport.sent.allSatisfy { $0.request.key == hanging.sent.first?.request.key })
            }
        }
    }

    @Test("a final run cannot be cancelled, and a run that is not there cannot be paused")
    func finalRun() async throws {
        try await EngineWorld.with(Self.manual) { world in
            try await world.run { engine in
                _ = try await engine.write { (transaction) throws(StoreError) in
                    let graph = engine.app.flows["f"]
                    let start = RunStart(
                        flow: "f",
                        version: graph?.version ?? FlowVersion(""),
                        origin: .manual,
                        caller: .system,
                        mode: .test
                    )
                    return try transaction.insertRun(start, at: world.clock.now())
                }
                let run = RunID(1)
                _ = try await engine.finished(run)
                let refused = await #expect(throws: EngineError.self) { try await engine.cancel(run) }
                #expect(refused?.code == .wrongState)
                let missing = await #expect(throws: EngineError.self) { try await engine.pause(RunID(99)) }
                #expect(missing?.code == .unknownRun)
            }
        }
    }

    @Test("a paused run waits for resume, its answered request is not sent again")
    func pause() async throws {
        let gate = Gate()
        let transport = ScriptedTransport { _, _ in
            await gate.pass()
            return .answered(OutsideAnswer(status: 200))
        }
        try await EngineWorld.with(Self.manual) { world in
            try await world.run(transport: transport) { engine in
                let run = try await start(engine)
                await transport.waitForSent(1)
                #expect(try await engine.pause(run).status == .running)
                gate.open()
                #expect(try await engine.answer(of: run, timeLimit: .seconds(86_400)).status == .paused)
                #expect(try await engine.entries(run).map(\.status) == [.succeeded])
                try await engine.resume(run)
                #expect(try await engine.finished(run).status == .succeeded)
                #expect(transport.sent.count == 1)
                #expect(try await engine.rows("lines").map { $0["text"] } == ["behind", "finally"])
            }
        }
    }

    @Test("a run that is paused between two attempts waits, when it is resumed, for the rest of the time between them")
    func pausedRetry() async throws {
        let transport = ScriptedTransport { _, number in .answered(OutsideAnswer(status: number < 3 ? 402 : 200)) }
        let flow = """
            flow: f
            kind: cloud
            trigger: { manual: true }
            blocks:
              - id: pay
                block: execute-connection-command
                connection: bank
                command: charge
                data: { amount: 1 }
                retry: { attempts: 3, first: 20s, factor: 1, jitter: 0, on: 'true' }
            """
        try await EngineWorld.with(flow) { world in
            try await world.run(transport: transport) { engine in
                let run = try await start(engine)
                let end = try await engine.record(run, being: .retrying).wakesAt
                world.clock.advance(by: .seconds(5))
                #expect(try await engine.pause(run).status == .paused)
                try await engine.resume(run)
                let resumed = try await engine.record(run)
                #expect(resumed.status == .retrying)
                #expect(resumed.wakesAt == end)
                #expect(transport.sent.count == 1)
                await world.clock.waitForSleeper(within: .seconds(15))
                world.clock.advance(by: .seconds(15))
                await transport.waitForSent(2)
                // What was over meanwhile is not waited for again.
                _ = try await engine.record(run, being: .retrying)
                _ = try await engine.pause(run)
                world.clock.advance(by: .seconds(60))
                try await engine.resume(run)
                #expect(try await engine.finished(run).status == .succeeded)
            }
        }
    }

    @Test("a wish to pause can be taken back before it is carried out")
    func takenBack() async throws {
        let gate = Gate()
        let transport = ScriptedTransport { _, _ in
            await gate.pass()
            return .answered(OutsideAnswer(status: 200))
        }
        try await EngineWorld.with(Self.manual) { world in
            try await world.run(transport: transport) { engine in
                let run = try await start(engine)
                await transport.waitForSent(1)
                _ = try await engine.pause(run)
                try await engine.resume(run)
                let refused = await #expect(throws: EngineError.self) { try await engine.resume(run) }
                #expect(refused?.code == .wrongState)
                gate.open()
                #expect(try await engine.finished(run).status == .succeeded)
            }
        }
    }

    @Test("a paused parent gets its sub-flow's output when it is resumed")
    func pausedParent() async throws {
        let gate = Gate()
        let transport = ScriptedTransport { _, _ in
            await gate.pass()
            return .answered(OutsideAnswer(status: 200))
        }
        try await EngineWorld.with(SampleFlows.parent, SampleFlows.child) { world in
            try await world.run(transport: transport) { engine in
                async let first = engine.callPage(
                    "f",
                    input: [:],
                    caller: .ann,
                    idempotencyKey: nil,
                    timeLimit: .seconds(86_400)
                )
                await transport.waitForSent(1)
                #expect(try await engine.pause(RunID(1)).status == .paused)
                #expect(try await first == .accepted(RunID(1)))
                gate.open()
                _ = try await engine.finished(RunID(2))
                #expect(try await engine.record(RunID(1)).status == .paused)
                try await engine.resume(RunID(1))
                #expect(try await engine.finished(RunID(1)).answer?.body == ["child": 200])
            }
        }
    }

    @Test(
        "a run that is to be cancelled and stands still until then is not resumed, and ends as it should",
        arguments: [RunStatus.paused, .quarantined]
    )
    func resumedThoughCancelled(status: RunStatus) async throws {
        let gate = Gate()
        let transport = ScriptedTransport { _, _ in
            await gate.pass()
            return .answered(OutsideAnswer(status: 200))
        }
        let parent = """
            flow: f
            kind: cloud
            trigger: { manual: true }
            blocks:
              - { id: child, block: run-flow, flow: child, input: { amount: 5 } }
              - { id: line, block: insert-record, table: lines, set: { text: behind } }
            """
        try await EngineWorld.with(parent, SampleFlows.child) { world in
            try await world.run(transport: transport) { engine in
                let run = try await start(engine)
                await transport.waitForSent(1)
                try await engine.write { (transaction) throws(StoreError) in
                    guard var record = try transaction.run(run) else { return }
                    record.status = status
                    try transaction.updateRun(record)
                }
                let wished = try await engine.cancel(run)
                #expect(wished.status == status)
                #expect(wished.halt == .cancel)
                let refused = await #expect(throws: EngineError.self) { try await engine.resume(run) }
                #expect(refused?.message == "run 1 is \(status.rawValue) and to be cancelled")
                gate.open()
                #expect(try await engine.finished(run).status == .cancelled)
                #expect(try await engine.rows("lines").isEmpty)
            }
        }
    }
}
