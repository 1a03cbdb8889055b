import Expressions
import FlowEngine
import FlowLanguage
import Foundation
import Logging
import Synchronization
import Testing
import TestSupport

@Suite("Groups: many runs in one transaction, and none pays for another")
struct EngineGroupTests {
    // Goal: a group that fails harms none of the runs in it.
    // Method: eight calls at once; the n-th write of all fails and takes its group along, for n = 1, 2, 3 …
    @Test(
        "whatever write breaks a group of eight runs, all eight end as if nothing had happened",
        arguments: [
            StoreError.Code.groupFailed, .unavailable,
        ]
    )
    func eightRuns(code: StoreError.Code) async throws {
        for number in stride(from: 1, through: 48, by: 3) {
            let box = Mutex<FaultInjectingStore?>(nil)
            try await EngineWorld.with(SampleFlows.threeBlocks) { world in
                try await world.run { base in
                    let store = FaultInjectingStore(base)
                    box.withLock { $0 = store }
                    return store
                } body: { engine in
                    let store = try #require(box.withLock { $0 })
                    store.arm(.afterWrite(number, code))
                    try await withThrowingTaskGroup(of: RunAnswer.self) { group in
                        for name in 1...8 {
                            group.addTask {
                                try await Self.insist(engine, ["name": .string("n\(name)")], key: "k\(name)")
                            }
                        }
                        for try await answer in group { #expect(answer.status == 200) }
                    }
                    #expect(store.hasStruck == (number <= 48))
                    let runs = try await engine.allRuns()
                    #expect(runs.map(\.status) == Array(repeating: .succeeded, count: 8), "write \(number)")
                    let orders = try await engine.rows("orders")
                    #expect(orders.count == 8, "write \(number)")
                    #expect(orders.allSatisfy { $0["status"] == "PAID" }, "write \(number)")
                }
            }
        }
    }

    /// Calls until the engine could say something: with its key a call may be repeated.
    private static func insist(_ engine: Engine, _ input: Value, key: String) async throws -> RunAnswer {
        for _ in 1...10 {
            await engine.waitUntilReady()
            do {
                return try await engine.call("f", input, key: key)
            } catch let error as EngineError {
                guard error.code == .notReady || error.code == .store(.unavailable) else { throw error }
            }
        }
        return try await engine.call("f", input, key: key)
    }

    @Test("where too much waits for the writer, a call is refused before it takes memory, and told so")
    func backPressure() async throws {
        try await EngineWorld.with(SampleFlows.threeBlocks) { world in
            try await world.run {
                $0
            } body: { engine in
                try await withThrowingTaskGroup(of: Void.self) { group in
                    try await engine.holdingWriter {
                        for _ in 0..<Limits.waitingJobs {
                            group.addTask { try await engine.write { (_) throws(StoreError) in } }
                        }
                        await engine.waitForJobs(Limits.waitingJobs)
                        let error = await #expect(throws: EngineError.self) {
                            _ = try await engine.call("f", ["name": "one too many"], key: "k")
                        }
                        #expect(error?.code == .overloaded)
                        #expect(engine.counters.figures.refusals[.overloaded] == 1)
                    }
                    try await group.waitForAll()
                }
                #expect(try await engine.rows("orders").isEmpty)
                #expect(try await engine.call("f", ["name": "one"], key: "k").status == 200)
            }
        }
    }

    @Test("the calls that come while a group is being written share the next one")
    func grouping() async throws {
        try await EngineWorld.with(SampleFlows.threeBlocks) { world in
            let box = Mutex<CountingStore?>(nil)
            try await world.run { base in
                let store = CountingStore(base)
                box.withLock { $0 = store }
                return store
            } body: { engine in
                let store = try #require(box.withLock { $0 })
                try await withThrowingTaskGroup(of: Void.self) { group in
                    try await engine.holdingWriter {
                        store.reset()
                        for name in 1...100 {
                            group.addTask { _ = try await engine.call("f", ["name": .string("n\(name)")]) }
                        }
                        await engine.waitForJobs(100)
                    }
                    try await group.waitForAll()
                }
                #expect(store.counts.commits == 1)
                #expect(store.counts.writes[.insertRun] == 100)
            }
        }
    }

    @Test("a caller that goes away changes nothing for its run")
    func cancelledCaller() async throws {
        let gate = Gate()
        let transport = ScriptedTransport { _, _ in
            await gate.pass()
            return .answered(OutsideAnswer(status: 200))
        }
        try await EngineWorld.with(SampleFlows.charge) { world in
            try await world.run(transport: transport) { engine in
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
                gate.open()
                let record = try await engine.answer(of: RunID(1), timeLimit: .seconds(86_400))
                #expect(record.status == .succeeded)
            }
        }
    }

    @Test("a long run gives the writer back and goes on in a later group")
    func yielding() async throws {
        var flow = "flow: f\nkind: page\naccess: [customer]\nblocks:\n"
        for number in 1...(Limits.effectsPerTurn + 50) {
            flow += "  - id: b\(number)\n    block: insert-record\n    table: lines\n    set: { text: 't\(number)' }\n"
        }
        try await EngineWorld.with(flow) { world in
            let box = Mutex<CountingStore?>(nil)
            try await world.run { base in
                let store = CountingStore(base)
                box.withLock { $0 = store }
                return store
            } body: { engine in
                let store = try #require(box.withLock { $0 })
                store.reset()
                let answer = try await engine.call()
                #expect(answer.status == 200)
                #expect(store.counts.commits == 2)
                #expect(try await engine.rows("lines").count == Limits.effectsPerTurn + 50)
            }
        }
    }

    @Test("sub-flows that run each other end in a failure, not in an endless row of runs")
    func depth() async throws {
        func flow(_ name: String, runs other: String) -> String {
            """
            flow: \(name)
            kind: page
            access: [customer]
            blocks:
              - id: other
                block: run-flow
                flow: \(other)
                mode: wait
            """
        }
        try await EngineWorld.with(flow("f", runs: "g"), flow("g", runs: "f")) { world in
            try await world.run { engine in
                let answer = try await engine.call()
                #expect(answer.body["code"] == "too_deep")
                let runs = try await engine.allRuns()
                #expect(runs.count == Limits.subflowDepth + 1)
                #expect(runs.allSatisfy { $0.status == .failed })
            }
        }
    }

    @Test("a started sub-flow is another run, and the block gives its id")
    func startedSubflow() async throws {
        let parent = SampleFlows.parent
            .replacing("mode: wait", with: "mode: start")
            .replacing("blocks.child.status", with: "blocks.child.run")
        try await EngineWorld.with(parent, SampleFlows.child) { world in
            try await world.run { engine in
                let answer = try await engine.call()
                #expect(answer.body == ["child": 2])
                let child = try await engine.answer(of: RunID(2), timeLimit: .seconds(86_400))
                #expect(child.status == .succeeded)
            }
        }
    }

    @Test("a person's decision ends the uncertainty", arguments: ["send", "done", "failed"])
    func decision(kind: String) async throws {
        let transport = ScriptedTransport { _, number in
            number == 1 ? .lost(reason: "reset") : .answered(OutsideAnswer(status: 200))
        }
        try await EngineWorld.with(SampleFlows.command("letter")) { world in
            try await world.run(transport: transport) { engine in
                _ = try await engine.callPage(
                    "f",
                    input: [:],
                    caller: .ann,
                    idempotencyKey: nil,
                    timeLimit: .seconds(86_400)
                )
                switch kind {
                case "send": try await engine.decide(RunID(1), .sendAgain)
                case "done":
                    try await engine.decide(RunID(1), .succeeded(output: ["status": 299, "exchanges": 1]))
                default:
                    let failure = BlockFailure(code: "undone", type: "operator", message: "taken back")
                    try await engine.decide(RunID(1), .failed(failure))
                }
                let record = try await engine.finished(RunID(1))
                #expect(record.status == (kind == "failed" ? .failed : .succeeded))
                #expect(transport.sent.count == (kind == "send" ? 2 : 1))
                if kind == "done" { #expect(record.answer?.body["status"] == 299) }
                let again = await #expect(throws: EngineError.self) { try await engine.decide(RunID(1), .sendAgain) }
                #expect(again?.code == .wrongState)
            }
        }
    }
}

@Suite("What the README says")
struct ReadmeTests {
    @Test("the state diagram shows every state of a run, and no other")
    func stateDiagram() throws {
        let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../../Sources/FlowEngine/README.md")
        let text = try String(contentsOf: file, encoding: .utf8)
        let lines = text.split(separator: "\n").filter { $0.contains("-->") }
        let names = lines.flatMap { $0.split(separator: " ").filter { $0 != "-->" && $0 != "[*]" }.map(String.init) }
        #expect(Set(names) == Set(RunStatus.allCases.map(\.rawValue)))
    }
}
