import Expressions
import FlowEngine
import FlowLanguage
import Synchronization
import Testing
import TestSupport

@Suite("Lanes, sub-flows, failing stores")
struct EngineScheduleTests {
    @Test("runs of one lane go one at a time, in the order of their start; other lanes pass them")
    func lanes() async throws {
        let flow = """
            flow: f
            kind: cloud
            trigger: { manual: true }
            input: { name: { type: string } }
            blocks:
              - id: pay
                block: execute-connection-command
                connection: bank
                command: charge
                data: { amount: 1 }
              - id: line
                block: insert-record
                table: lines
                set: { text: '${ input.name }' }
            """
        let gate = Gate()
        let transport = ScriptedTransport { _, number in
            if number <= 2 { await gate.pass() }
            return .answered(OutsideAnswer(status: 200))
        }
        try await EngineWorld.with(flow) { world in
            let graph = try #require(world.app.flows["f"])
            try await world.run(transport: transport) { engine in
                let runs = try await engine.write { (transaction) throws(StoreError) -> [RunID] in
                    var runs: [RunID] = []
                    for (name, lane) in [("a1", "a"), ("a2", "a"), ("a3", "a"), ("b1", "b")] {
                        let start = RunStart(
                            flow: "f",
                            version: graph.version,
                            origin: .manual,
                            input: ["name": .string(name)],
                            caller: .system,
                            mode: .test,
                            lane: lane
                        )
                        runs.append(try transaction.insertRun(start, at: world.clock.now()))
                    }
                    return runs
                }
                await transport.waitForSent(2)
                let statuses = try await engine.allRuns().sorted { $0.id < $1.id }.map(\.status)
                #expect(statuses == [.running, .queued, .queued, .running])
                gate.open()
                for run in runs { _ = try await engine.answer(of: run, timeLimit: .seconds(86_400)) }
                let lines = try await engine.rows("lines").compactMap { $0["text"]?.stringValue }
                #expect(lines.filter { $0.hasPrefix("a") } == ["a1", "a2", "a3"])
                #expect(lines.count == 4)
            }
        }
    }

    @Test("a parent waits on disk for its sub-flow and gets its output")
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
                let waiting = try await engine.record(RunID(1))
                #expect(waiting.status == .waiting)
                gate.open()
                #expect(try await answer.body == ["child": 200])
                #expect(try await engine.entries(RunID(1)).map(\.status) == [.succeeded])
            }
        }
    }

    @Test("a sub-flow's failure is the failure of the block that ran it")
    func failingSubflow() async throws {
        let transport = ScriptedTransport { _, _ in .answered(OutsideAnswer(status: 402)) }
        try await EngineWorld.with(SampleFlows.parent, SampleFlows.child) { world in
            try await world.run(transport: transport) { engine in
                let answer = try await engine.call()
                #expect(answer.status == 402)
                let record = try await engine.record(RunID(1))
                #expect(record.status == .failed)
                #expect(record.failure?.code == "declined")
                #expect(record.failure?.block == "child")
            }
        }
    }

    @Test("a sub-flow is checked against the first caller's roles")
    func subflowAccess() async throws {
        let child = SampleFlows.child.replacing("access: [customer]", with: "access: [admin]")
        try await EngineWorld.with(SampleFlows.parent, child) { world in
            try await world.run { engine in
                let answer = try await engine.call()
                #expect(answer.status == 403)
                #expect(try await engine.allRuns().count == 1)
            }
        }
    }

    @Test(
        "every write fails once, before and after it took effect, and the end is the same",
        arguments: OneFailedWrite.allCases
    )
    func everyWriteFailsOnce(failure: OneFailedWrite) async throws {
        let count = try await failure.strikeEach(upTo: 40, in: SampleFlows.charge) { answer, engine, transport, fault in
            #expect(answer == RunAnswer(status: 200, body: ["status": 200]), fault)
            #expect(try await engine.allRuns().map(\.status) == [.succeeded], fault)
            #expect(try await engine.rows("orders").map { $0["status"] } == ["PAID"], fault)
            #expect(Set(transport.sent.map(\.request.key)).count == 1, fault)
            let entries = try await engine.entries(RunID(1))
            #expect(entries.map(\.sequence) == [1, 2, 3], fault)
            #expect(entries.allSatisfy { $0.status == .succeeded }, fault)
        }
        #expect(count > 1)
    }

    @Test("while the disk is full nothing is taken in; when there is space again the engine goes on by itself")
    func diskFull() async throws {
        let box = Mutex<FaultInjectingStore?>(nil)
        try await EngineWorld.with(SampleFlows.threeBlocks) { world in
            try await world.run { base in
                let store = FaultInjectingStore(base)
                box.withLock { $0 = store }
                return store
            } body: { engine in
                let store = try #require(box.withLock { $0 })
                store.arm(.beforeGroup(1, .full))
                let full = await #expect(throws: EngineError.self) { try await engine.call("f", ["name": "x"]) }
                #expect(full?.code == .store(.full))
                #expect(!engine.isReady)
                let refused = await #expect(throws: EngineError.self) { try await engine.call("f", ["name": "x"]) }
                #expect(refused?.code == .notReady)
                await world.clock.waitForSleeper(within: .seconds(2))
                world.clock.advance(by: .seconds(2))
                await engine.waitUntilReady()
                #expect(try await engine.call("f", ["name": "x"]).status == 200)
                #expect(try await engine.allRuns().count == 1)
            }
        }
    }
}
