import Expressions
import FlowEngine
import FlowLanguage
import FlowStores
import Synchronization
import Testing
import TestSupport

@Suite("Restarts: what is on disk goes on, what is done is not done again")
struct EngineRestartTests {
    /// Starts a page call on an engine that goes away while the request is on its way.
    ///
    /// - Returns: The request that was on its way.
    private func crashWhileSending(_ world: EngineWorld) async throws -> OutsideRequest {
        let gate = Gate()
        let transport = ScriptedTransport { _, _ in
            await gate.pass()
            return .lost(reason: "the process is gone")
        }
        defer { gate.open() }
        return try await world.run(transport: transport) { engine in
            let call = Task {
                try await engine.callPage(
                    "f",
                    input: [:],
                    caller: .ann,
                    idempotencyKey: nil,
                    timeLimit: .seconds(86_400)
                )
            }
            await transport.waitForSent(1)
            call.cancel()
            return try #require(transport.sent.first?.request)
        }
    }

    @Test("a request without a recorded answer is sent again with the same key, and blocks before it are not repeated")
    func sameKey() async throws {
        try await EngineWorld.with(SampleFlows.charge) { world in
            let lost = try await crashWhileSending(world)
            let transport = ScriptedTransport()
            try await world.run(transport: transport) { engine in
                let record = try await engine.answer(of: RunID(1), timeLimit: .seconds(86_400))
                #expect(record.status == .succeeded)
                #expect(record.answer == RunAnswer(status: 200, body: ["status": 200]))
                #expect(transport.sent.map(\.request) == [lost])
                #expect(lost.key != nil)
                #expect(try await engine.rows("orders").map { $0["status"] } == ["PAID"])
                #expect(try await engine.entries(RunID(1)).map(\.sends) == [0, 2, 0])
            }
        }
    }

    // Goal: a run is not forgotten when the group that takes it up again is on disk, and is said to have failed.
    // Method: the n-th group of a start is such a one, for n = 2, 3, 4 …; the first one is the start itself.
    @Test("whatever group of a start is said to have failed, the run that was left goes on", arguments: 2...8)
    func failingRecovery(number: Int) async throws {
        try await EngineWorld.with(SampleFlows.charge) { world in
            let lost = try await crashWhileSending(world)
            let transport = ScriptedTransport()
            try await world.run(transport: transport) { base in
                FaultInjectingStore(base, fault: .afterCommit(number))
            } body: { engine in
                for _ in 1...2_000 where try await !engine.record(RunID(1)).status.isFinal {
                    // Refused while the store is being looked after.
                    try? await engine.write { (_) throws(StoreError) in }
                }
                #expect(try await engine.record(RunID(1)).status == .succeeded)
                #expect(Set(transport.sent.map(\.request.key)) == [lost.key])
            }
        }
    }

    @Test("an effect that must happen at most once is not repeated by a restart")
    func once() async throws {
        try await EngineWorld.with(SampleFlows.command("letter")) { world in
            _ = try await crashWhileSending(world)
            let transport = ScriptedTransport()
            try await world.run(transport: transport) { engine in
                let record = try await engine.answer(of: RunID(1), timeLimit: .seconds(86_400))
                #expect(record.status == .outcomeUnknown)
                #expect(record.failure?.code == "outcome_unknown")
                #expect(transport.sent.isEmpty)
            }
        }
    }

    @Test("a test run is paused under a server of live mode, which sends nothing for it, and goes on in its own mode")
    func otherMode() async throws {
        try await EngineWorld.with(SampleFlows.charge) { world in
            let lost = try await crashWhileSending(world)
            let live = ScriptedTransport()
            try await world.run(transport: live, mode: .live) { engine in
                let record = try await engine.answer(of: RunID(1), timeLimit: .seconds(86_400))
                #expect(record.status == .paused)
                #expect(record.failure?.code == "other_mode")
                #expect(record.failure?.message.contains("serve in test mode and resume") == true)
                // Resumed in the wrong mode it is paused again.
                try await engine.resume(RunID(1))
                #expect(try await engine.record(RunID(1), being: .paused).failure?.code == "other_mode")
                #expect(live.sent.isEmpty)
            }
            let test = ScriptedTransport()
            try await world.run(transport: test) { engine in
                try await engine.resume(RunID(1))
                let record = try await engine.answer(of: RunID(1), timeLimit: .seconds(86_400))
                #expect(record.status == .succeeded)
                #expect(test.sent.map(\.request.key) == [lost.key])
                #expect(test.sent.map(\.mode) == [.test])
            }
        }
    }

    @Test("a sub-flow and a branch of a test run send nothing in live mode either")
    func otherModeBelow() async throws {
        let parent = """
            flow: f
            kind: page
            access: [customer]
            blocks:
              - id: both
                block: parallel
                branches:
                  left: [{ id: one, block: run-flow, flow: child, input: { amount: 1 } }]
                  right:
                    - id: two
                      block: execute-connection-command
                      connection: bank
                      command: charge
                      data: { amount: 2 }
            """
        let gate = Gate()
        let hanging = ScriptedTransport { _, _ in
            await gate.pass()
            return .lost(reason: "the process is gone")
        }
        try await EngineWorld.with(parent, SampleFlows.child) { world in
            try await world.run(transport: hanging) { engine in
                _ = try await engine.start("f", input: [:], trigger: .null, origin: .manual, caller: .ann)
                await hanging.waitForSent(2)
            }
            let live = ScriptedTransport()
            let sending = try await world.run(transport: live, mode: .live) { engine in
                var sending: [RunID] = []
                for run in try await engine.allRuns() where run.status == .running || run.status == .paused {
                    #expect(try await engine.record(run.id, being: .paused).failure?.code == "other_mode")
                    sending.append(run.id)
                }
                #expect(sending.count == 2)
                #expect(live.sent.isEmpty)
                return sending
            }
            try await world.run { engine in
                for run in sending { try await engine.resume(run) }
                #expect(try await engine.finished(RunID(1)).status == .succeeded)
            }
        }
    }

    @Test("a run whose version is gone is paused and says so, and goes on when the version is back")
    func versionGone() async throws {
        let other = SampleFlows.charge.replacing("total: 100", with: "total: 200")
        let changed = try SampleApp.compile(other)
        try await EngineWorld.with(SampleFlows.charge) { world in
            _ = try await crashWhileSending(world)
            try await world.run(app: changed) { engine in
                let record = try await engine.answer(of: RunID(1), timeLimit: .seconds(86_400))
                #expect(record.status == .paused)
                #expect(record.failure?.code == "version_gone")
            }
            try await world.run { engine in
                try await engine.resume(RunID(1))
                let record = try await engine.answer(of: RunID(1), timeLimit: .seconds(86_400))
                #expect(record.status == .succeeded)
            }
        }
    }

    @Test(
        "a run goes on with the version that it began with, its sub-flow and its branches with it",
        arguments: ["45m", "30m"]
    )
    func earlierVersion(wait: String) async throws {
        let (parent, child) = (
            """
            flow: f
            kind: cloud
            trigger: { manual: true }
            output: { version: '${ blocks.sub.version }' }
            blocks:
              - { id: each, block: for-each, each: '[1]', as: n, concurrency: 1, do: [{ block: wait, for: 30m }] }
              - { id: sub, block: run-flow, flow: child }

            """,
            """
            flow: child
            kind: cloud
            trigger: { manual: true }
            output: { version: old }
            blocks: [{ block: log, message: hello }]

            """
        )
        try await EngineWorld.with(parent, child) { world in
            let old = world.app
            let declaration = SourceFile(path: "app.yaml", bytes: Array(SampleApp.declaration.utf8))
            let files = [parent, child].enumerated().map { number, flow in
                let text = flow.replacing("30m", with: wait).replacing("old", with: "new")
                return SourceFile(path: "flows/flow\(number).yaml", bytes: Array(text.utf8))
            }
            let changed = try SampleApp.compile(files: [declaration] + files)
            let loads = Mutex(0)
            let earlier = EarlierVersions { version, _ in
                loads.withLock { $0 += 1 }
                return old.flows.values.contains { $0.version == version } ? .found(old) : .gone("unknown")
            }
            try await world.run { engine in
                _ = try await engine.start("f", input: [:], trigger: .null, origin: .manual, caller: .system)
                await world.clock.waitForSleeper(within: .seconds(1_800))
            }
            world.clock.advance(by: .seconds(1_800))
            try await world.run(app: changed, earlier: earlier) { engine in
                let record = try await engine.answer(of: RunID(1), timeLimit: .seconds(86_400))
                #expect(record.status == .succeeded, "\(String(describing: record.failure))")
                #expect(record.answer?.body == ["version": "old"])
                #expect(loads.withLock { $0 } <= 2)
            }
        }
    }

    @Test("a journal that this flow cannot have written fails its run alone")
    func foreignJournal() async throws {
        try await EngineWorld.with(SampleFlows.charge) { world in
            _ = try await crashWhileSending(world)
            let store = try world.openStore()
            try store.writeGroup { (transaction) throws(StoreError) in
                let stranger = JournalEntry(
                    address: EntryAddress(run: RunID(1), path: BlockPath("elsewhere"), visit: 1, attempt: 1),
                    sequence: 3,
                    block: "update-record",
                    status: .succeeded,
                    startedAt: world.clock.now()
                )
                try transaction.insertEntry(stranger, epoch: store.bootEpoch)
            }
            store.close()
            try await world.run { engine in
                // The charge that was on its way may have been made: nobody but a person may call that failed.
                let parked = try await engine.answer(of: RunID(1), timeLimit: .seconds(86_400))
                #expect(parked.status == .outcomeUnknown)
                #expect(parked.failure?.message.contains("cannot go on") == true)
                try await engine.decide(RunID(1), .succeeded(output: ["id": "ch_1"]))
                let record = try await engine.finished(RunID(1))
                #expect(record.status == .failed)
                #expect(record.failure?.code == "nondeterminism")
                #expect(try await engine.call().status == 200)
            }
        }
    }

    @Test("a run that was alone when the process died three times is quarantined; others go on")
    func quarantine() async throws {
        try await EngineWorld.with(SampleFlows.charge) { world in
            _ = try await crashWhileSending(world)
            for strike in 1...3 {
                let store = try world.openStore()
                try store.writeGroup { (transaction) throws(StoreError) in
                    try transaction.setSetting("engine.suspect", Array("1".utf8))
                }
                store.close()
                // Lost again before it made progress: the transport never answers.
                let gate = Gate()
                let transport = ScriptedTransport { _, _ in
                    await gate.pass()
                    return .lost(reason: "the process is gone")
                }
                try await world.run(transport: transport) { engine in
                    let record = try await engine.record(RunID(1))
                    #expect(record.strikes == strike)
                    #expect(record.status == (strike < 3 ? .running : .quarantined))
                    if strike < 3 { await transport.waitForSent(1) }
                }
                gate.open()
            }
            try await world.run { engine in
                let answer = try await engine.call()
                #expect(answer.status == 200)
                #expect(try await engine.record(RunID(1)).status == .quarantined)
            }
        }
    }

    @Test("a parent that waits for a sub-flow goes on after a restart with the sub-flow's result")
    func parent() async throws {
        try await EngineWorld.with(SampleFlows.parent, SampleFlows.child) { world in
            _ = try await crashWhileSending(world)
            try await world.run { engine in
                let record = try await engine.answer(of: RunID(1), timeLimit: .seconds(86_400))
                #expect(record.status == .succeeded)
                #expect(record.answer?.body == ["child": 200])
            }
        }
    }
}
