import Expressions
import FlowEngine
import FlowLanguage
import FlowStores
import TestSupport
import Testing

@Suite("Places: fairness, priorities, limits")
struct EngineFairnessTests {
    private static func flow(_ name: String, _ more: String = "") -> String {
        """
        flow: \(name)
        kind: cloud
        trigger: { manual: true }
        \(more)
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
            set: { text: '\(name) ${ input.name }' }
        """
    }

    private func start(_ engine: Engine, _ flow: String, _ name: String = "x") async throws -> RunID {
        try await engine.start(flow, input: ["name": .string(name)], trigger: .null, origin: .manual, caller: .system)
    }

    private static func starts(_ graph: FlowGraph, _ count: Int) -> [RunStart] {
        (0..<count).map { number in
            RunStart(
                flow: graph.name,
                version: graph.version,
                origin: .manual,
                input: ["name": .string("\(number)")],
                caller: .system,
                mode: .test
            )
        }
    }

    /// Queues many runs of a flow in one transaction.
    private func fill(_ engine: Engine, _ flow: String, _ count: Int) async throws {
        let starts = Self.starts(try #require(engine.app.flows[flow]), count)
        let now = engine.clock.now()
        try await engine.write { (transaction) throws(StoreError) in
            for start in starts { _ = try transaction.insertRun(start, at: now) }
        }
    }

    @Test("ten thousand waiting runs of one flow, none of which ends, do not keep another flow's run from its place")
    func starvation() async throws {
        let gate = Gate()
        let transport = ScriptedTransport { request, _ in
            if request.path.hasPrefix("/charge") { await gate.pass() }
            return .answered(OutsideAnswer(status: 200))
        }
        let small = Self.flow("small").replacing("command: charge", with: "command: balance")
        try await EngineWorld.with(Self.flow("big"), small) { world in
            try await world.run(transport: transport) { engine in
                try await fill(engine, "big", 10_000)
                await transport.waitForSent(192)
                let run = try await start(engine, "small")
                #expect(try await engine.finished(run).status == .succeeded)
                #expect(transport.sent.count == 193)
                gate.open()
            }
        }
    }

    @Test("free places go to flows in turn; of a higher priority first; every eighth to the oldest run of all")
    func order() {
        func ids(_ range: ClosedRange<Int64>) -> [RunID] { range.map { RunID($0) } }
        let candidates = ["a": ids(1...100), "b": ids(101...103), "c": ids(104...200)]
        let even = ClaimOrder().choose(candidates, places: 7)
        #expect(even.map(\.rawValue) == [1, 101, 104, 2, 102, 105, 3])
        // The turn goes on where it ended.
        let later = ClaimOrder(after: "a").choose(candidates, places: 3)
        #expect(later.map(\.rawValue) == [101, 104, 1])
        let high = ClaimOrder(priorities: ["c": 10, "b": -1]).choose(candidates, places: 16)
        #expect(high.map(\.rawValue) == [104, 105, 106, 107, 108, 109, 110, 1, 111, 112, 113, 114, 115, 116, 117, 2])
        let low = ClaimOrder(priorities: ["b": -1]).choose(["a": ids(1...2), "b": ids(3...4)], places: 9)
        #expect(low.map(\.rawValue) == [1, 2, 3, 4])
        #expect(ClaimOrder(held: ["a": 5], perFlow: 6).share(of: "a", of: 10) == 1)
        #expect(ClaimOrder(held: ["a": 7], perFlow: 6).share(of: "a", of: 10) == 0)
    }

    @Test("of two flows with waiting runs the one of higher priority is taken up first")
    func priority() async throws {
        let gate = Gate()
        let transport = ScriptedTransport { _, _ in
            await gate.pass()
            return .answered(OutsideAnswer(status: 200))
        }
        try await EngineWorld.with(Self.flow("low", "priority: -5"), Self.flow("high", "priority: 5")) { world in
            // Queued while no engine runs.
            let store = try world.openStore()
            for (flow, count) in [("low", 300), ("high", 100)] {
                let graph = try #require(world.app.flows[flow])
                try store.writeGroup { (transaction) throws(StoreError) in
                    for start in Self.starts(graph, count) {
                        _ = try transaction.insertRun(start, at: world.clock.now())
                    }
                }
            }
            store.close()
            try await world.run(transport: transport) { engine in
                await transport.waitForSent(256)
                let taken = try await engine.store.read { (reader) throws(StoreError) in
                    try reader.runs(matching: RunFilter(flow: "high", statuses: [.running, .succeeded], limit: 1_000))
                }
                #expect(taken.count == 100)
                gate.open()
            }
        }
    }

    @Test("with a key only one run of it goes at a time, in their order; other keys pass them; a restart keeps it so")
    func concurrency() async throws {
        let gate = Gate()
        let hanging = ScriptedTransport { _, _ in
            await gate.pass()
            return .lost(reason: "closed")
        }
        let flow = Self.flow("f", "concurrency: { key: input.name, limit: 1 }")
        try await EngineWorld.with(flow) { world in
            try await world.run(transport: hanging) { engine in
                for name in ["a", "a", "b", "a"] { _ = try await start(engine, "f", name) }
                await hanging.waitForSent(2)
                let runs = try await engine.allRuns().sorted { $0.id < $1.id }
                #expect(runs.map(\.status) == [.running, .queued, .running, .queued])
                #expect(runs.map(\.isHeld) == [false, true, false, true])
            }
            try await world.run { engine in
                for run in 1...4 { _ = try await engine.finished(RunID(Int64(run))) }
                let ends = try await engine.allRuns().filter { $0.start.input["name"] == "a" }.sorted { $0.id < $1.id }
                // Each began when the one before it was over.
                for (first, second) in zip(ends, ends.dropFirst()) {
                    let (end, begin) = (try #require(first.finishedAt), try #require(second.startedAt))
                    #expect(end <= begin)
                }
                #expect(
                    try await engine.rows("lines").compactMap { $0["text"]?.stringValue }.sorted() == [
                        "f a", "f a", "f a", "f b",
                    ]
                )
            }
        }
    }

    @Test("a limit without a key holds for the whole flow; a cancelled run gives its place to the next")
    func limit() async throws {
        let gate = Gate()
        let transport = ScriptedTransport { _, _ in
            await gate.pass()
            return .answered(OutsideAnswer(status: 200))
        }
        try await EngineWorld.with(Self.flow("f", "concurrency: { limit: 2 }")) { world in
            try await world.run(transport: transport) { engine in
                for _ in 1...5 { _ = try await start(engine, "f") }
                await transport.waitForSent(2)
                func held() async throws -> [Bool] {
                    try await engine.allRuns().sorted { $0.id < $1.id }.map(\.isHeld)
                }
                #expect(try await held() == [false, false, true, true, true])
                let waiting = try await engine.store.read { (reader) throws(StoreError) in try reader.heldRuns() }
                #expect(waiting == ["f": HeldRuns(count: 3, since: try await engine.record(RunID(3)).createdAt)])
                // Of those that wait nobody moves up when one of them goes.
                #expect(try await engine.cancel(RunID(3)).status == .cancelled)
                #expect(try await held() == [false, false, true, true, true])
                gate.open()
                for run in [1, 2, 4, 5] { _ = try await engine.finished(RunID(Int64(run))) }
                #expect(try await engine.rows("lines").count == 4)
            }
        }
    }

    @Test("a run that is paused before its turn takes no place: those behind it go on, and it goes once it is resumed")
    func pausedBeforeItsTurn() async throws {
        let gate = Gate()
        let transport = ScriptedTransport { _, _ in
            await gate.pass()
            return .answered(OutsideAnswer(status: 200))
        }
        try await EngineWorld.with(Self.flow("f", "concurrency: { limit: 1 }")) { world in
            try await world.run(transport: transport) { engine in
                for _ in 1...3 { _ = try await start(engine, "f") }
                await transport.waitForSent(1)
                #expect(try await engine.pause(RunID(2)).status == .paused)
                gate.open()
                #expect(try await engine.finished(RunID(1)).status == .succeeded)
                #expect(try await engine.finished(RunID(3)).status == .succeeded)
                #expect(try await engine.record(RunID(2)).status == .paused)
                try await engine.resume(RunID(2))
                #expect(try await engine.finished(RunID(2)).status == .succeeded)
            }
        }
    }

    @Test("a run of test mode that is left over takes no place from those of live mode")
    func otherMode() async throws {
        let gate = Gate()
        let held = ScriptedTransport { _, _ in
            await gate.pass()
            return .answered(OutsideAnswer(status: 200))
        }
        try await EngineWorld.with(Self.flow("f", "concurrency: { limit: 1 }")) { world in
            try await world.run(transport: held) { engine in
                _ = try await start(engine, "f")
                await held.waitForSent(1)
            }
            gate.open()
            try await world.run(mode: .live) { engine in
                let live = try await engine.finished(try await start(engine, "f"))
                #expect(live.status == .succeeded)
                let left = try await engine.record(RunID(1))
                #expect(left.status == .paused)
            }
        }
    }

    @Test("a run that waits for a sub-flow of the same key lets it pass")
    func ownPlace() async throws {
        let flow = """
            flow: f
            kind: page
            access: [customer]
            concurrency: { limit: 1 }
            input: { depth: { type: int } }
            output: { depth: '${ input.depth }' }
            blocks:
              - id: again
                block: run-flow
                when: input.depth > 0
                flow: g
                input: { depth: '${ input.depth - 1 }' }
                mode: wait
            """
        let other = """
            flow: g
            kind: page
            access: [customer]
            input: { depth: { type: int } }
            output: { depth: '${ input.depth }' }
            blocks:
              - id: again
                block: run-flow
                flow: f
                input: { depth: 0 }
                mode: wait
            """
        try await EngineWorld.with(flow, other) { world in
            try await world.run { engine in
                let answer = try await engine.call("f", ["depth": 1])
                #expect(answer.body == ["depth": 1])
                #expect(try await engine.allRuns().map(\.status) == [.succeeded, .succeeded, .succeeded])
            }
        }
    }

    @Test("a limit that was taken away lets those go that it held")
    func limitGone() async throws {
        let gate = Gate()
        let hanging = ScriptedTransport { _, _ in
            await gate.pass()
            return .lost(reason: "closed")
        }
        try await EngineWorld.with(Self.flow("f", "concurrency: { limit: 1 }")) { world in
            try await world.run(transport: hanging) { engine in
                for _ in 1...3 { _ = try await start(engine, "f") }
                await hanging.waitForSent(1)
                _ = try await engine.cancel(RunID(1))
            }
            let app = try SampleApp.compile(Self.flow("f"))
            try await world.run(app: app) { engine in
                for run in 2...3 {
                    // Another version: they are paused and say so, instead of waiting for nothing.
                    let record = try await engine.answer(of: RunID(Int64(run)), timeLimit: .seconds(86_400))
                    #expect(record.isHeld == false)
                    #expect(record.status == .paused)
                }
            }
        }
    }

    @Test("a key that cannot be evaluated is a failed run, not an unlimited one")
    func brokenKey() async throws {
        let flow = Self.flow("f", "concurrency: { key: '1 / (size(input.name) - 1)' }")
        try await EngineWorld.with(flow) { world in
            try await world.run { engine in
                let run = try await start(engine, "f")
                let record = try await engine.finished(run)
                #expect(record.status == .failed)
                #expect(record.failure?.type == "expression")
            }
        }
    }
}
