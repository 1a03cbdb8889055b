import Expressions
import FlowEngine
import FlowLanguage
import FlowStores
import GRDB
import Testing
import TestSupport

// Goal: a row that was damaged on disk costs its own run and nothing else, wherever the process was when it stopped.
// Method: while no engine runs, one column of one row is overwritten in the file itself.
@Suite("Rows that cannot be read")
struct EngineDamageTests {
    private static let columns = [
        "input = '{broken'", "input = '[]'", "trigger_value = 'x'", "caller_roles = '{}'", "answer = '{'",
        "failure = '1'", "trace = 'null'", "halt = 'never'", "lane = CAST(x'e572' AS TEXT)",
        "concurrency = CAST(x'e572' AS TEXT)",
    ]

    private func damage(_ world: EngineWorld, _ change: String, of run: Int64) throws {
        try damage(world, "UPDATE runs SET \(change) WHERE id = \(run)")
    }

    private func damage(_ world: EngineWorld, _ statement: String) throws {
        let file = try DatabaseQueue(path: world.folder + "/runnel.sqlite")
        try file.write { try $0.execute(sql: statement) }
        try file.close()
    }

    private func runs(in world: EngineWorld) throws -> [Int64] {
        let file = try DatabaseQueue(path: world.folder + "/runnel.sqlite")
        defer { try? file.close() }
        return try file.read { try Int64.fetchAll($0, sql: "SELECT id FROM runs") }
    }

    /// Leaves a run in the middle of a request, and one behind it, as a killed process does.
    private func leaveTwo(in world: EngineWorld) async throws {
        let gate = Gate()
        let transport = ScriptedTransport { _, _ in
            await gate.pass()
            return .answered(OutsideAnswer(status: 200))
        }
        try await world.run(transport: transport) { engine in
            for key in ["first", "second"] {
                _ = try await engine.callPage("f", input: [:], caller: .ann, idempotencyKey: key, timeLimit: .zero)
            }
            await transport.waitForSent(2)
        }
        gate.open()
    }

    @Test(
        "a run whose row is damaged fails alone: the engine starts, others go on, and it can be listed",
        arguments: columns,
        // The newest run is looked at by the start itself.
        [1, 2] as [Int64]
    )
    func running(change: String, run: Int64) async throws {
        try await EngineWorld.with(SampleFlows.charge) { world in
            try await leaveTwo(in: world)
            try damage(world, change, of: run)
            // What is damaged has no capsule.
            var world = world
            world.sources = []
            try await world.run { engine in
                // Its charge was on its way: nobody but a person may call that failed.
                let parked = try await engine.record(RunID(run), being: .outcomeUnknown)
                #expect(parked.failure?.message.contains("cannot go on") == true)
                let undone = BlockFailure(code: "undone", type: "bank", message: "it was not made")
                try await engine.decide(RunID(run), .failed(undone))
                let damaged = try await engine.finished(RunID(run))
                #expect(damaged.status == .failed)
                // What the park has written anew is whole again.
                #expect(["engine_corrupt", "undone"].contains(damaged.failure?.code ?? ""))
                #expect(try await engine.finished(RunID(3 - run)).status == .succeeded)
                #expect(try await engine.call().status == 200)
                #expect(try await engine.allRuns().map(\.id) == [RunID(3), RunID(2), RunID(1)])
                // What the end has written anew is whole again; what the run began with is not.
                guard damaged.damage != nil else { return }
                await #expect(throws: EngineError.self) { try await engine.rerun(RunID(run), from: .beginning) }
            }
        }
    }

    @Test("a row whose flow has no name any more keeps nobody from anything", arguments: [1, 2] as [Int64])
    func nameless(run: Int64) async throws {
        try await EngineWorld.with(SampleFlows.charge) { world in
            try await leaveTwo(in: world)
            try damage(world, "flow = CAST(x'6c6174e572' AS TEXT), status = 'queued'", of: run)
            var world = world
            world.sources = []
            try await world.run { engine in
                let other = try await engine.finished(RunID(3 - run))
                #expect(other.status == .succeeded)
                let answer = try await engine.call()
                #expect(answer.status == 200)
            }
            // Nobody sees it in a list; whoever checks the store is told.
            let store = try world.openStore()
            defer { store.close() }
            let findings = try await store.integrityCheck()
            #expect(findings.count == 1 && findings[0].hasPrefix("run \(run), which no list shows: "), "\(findings)")
        }
    }

    @Test("a row whose status is no word is left out, and keeps nobody from anything", arguments: [1, 2] as [Int64])
    func status(run: Int64) async throws {
        try await EngineWorld.with(SampleFlows.charge) { world in
            try await leaveTwo(in: world)
            try damage(world, "status = 'dreaming'", of: run)
            var world = world
            world.sources = []
            try await world.run { engine in
                let other = try await engine.finished(RunID(3 - run))
                #expect(other.status == .succeeded)
                #expect(try await engine.allRuns().map(\.id) == [RunID(3 - run)])
                #expect(try await engine.call().status == 200)
            }
        }
    }

    private static let sleeper = """
        flow: f
        kind: page
        access: [customer]
        input: { time: { type: string } }
        blocks:
          - { block: wait, for: '${ duration(input.time) }' }
        """

    @Test("a moment that is none keeps no other run from becoming due")
    func moment() async throws {
        try await EngineWorld.with(Self.sleeper) { world in
            try await world.run { engine in
                for (key, time) in [("first", "60s"), ("second", "3600s")] {
                    let input: Value = ["time": .string(time)]
                    _ = try await engine.callPage(
                        "f",
                        input: input,
                        caller: .ann,
                        idempotencyKey: key,
                        timeLimit: .zero
                    )
                }
            }
            try damage(world, "wakes_at = wakes_at | (1 << 60)", of: 1)
            var world = world
            world.sources = []
            try await world.run { engine in
                await world.clock.waitForSleeper(within: .seconds(3_600))
                world.clock.advance(by: .seconds(3_600))
                let other = try await engine.finished(RunID(2))
                #expect(other.status == .succeeded)
                let damaged = try await engine.record(RunID(1))
                #expect(damaged.damage != nil)
            }
        }
    }

    @Test("a run whose concurrency key is no text keeps the engine from nothing")
    func concurrencyKey() async throws {
        let flow = Self.sleeper + "\nconcurrency: { limit: 1 }\n"
        try await EngineWorld.with(flow) { world in
            try await world.run { engine in
                for key in ["first", "second", "third"] {
                    let input: Value = ["time": "60s"]
                    _ = try await engine.callPage(
                        "f",
                        input: input,
                        caller: .ann,
                        idempotencyKey: key,
                        timeLimit: .zero
                    )
                }
                let second = try await engine.record(RunID(2))
                #expect(second.isHeld)
            }
            try damage(world, "concurrency = CAST(x'6f6eff' AS TEXT)", of: 2)
            var world = world
            world.sources = []
            try await world.run { engine in
                for _ in 1...2 {
                    await world.clock.waitForSleeper(within: .seconds(60))
                    world.clock.advance(by: .seconds(60))
                }
                let first = try await engine.finished(RunID(1))
                #expect(first.status == .succeeded)
                let third = try await engine.finished(RunID(3))
                #expect(third.status == .succeeded)
            }
        }
    }

    @Test("the run that was alone at a crash may be one that cannot be read")
    func suspect() async throws {
        try await EngineWorld.with(SampleFlows.charge) { world in
            try await leaveTwo(in: world)
            try damage(world, "flow = CAST(x'6c6174e572' AS TEXT)", of: 1)
            try damage(world, "INSERT OR REPLACE INTO settings (name, value) VALUES ('engine.suspect', x'31')")
            var world = world
            world.sources = []
            try await world.run { engine in
                let other = try await engine.finished(RunID(2))
                #expect(other.status == .succeeded)
            }
        }
    }

    @Test("a schedule that cannot be read is planned anew, and keeps no run waiting")
    func schedule() async throws {
        let tick = """
            flow: tick
            kind: cloud
            trigger: { schedule: { every: 1h } }
            blocks:
              - { id: line, block: insert-record, table: lines, set: { text: tick } }
            """
        try await EngineWorld.with(tick, SampleFlows.charge) { world in
            try await leaveTwo(in: world)
            try damage(world, "UPDATE schedules SET next_at = next_at | (1 << 60)")
            var world = world
            world.sources = []
            try await world.run { engine in
                let other = try await engine.finished(RunID(1))
                #expect(other.status == .succeeded)
                await world.clock.waitForSleeper(within: .seconds(3_600))
                world.clock.advance(by: .seconds(3_600))
                while try await engine.rows("lines").isEmpty { try await engine.write { (_) throws(StoreError) in } }
            }
        }
    }

    @Test("a run whose caller's row cannot be read ends all the same", arguments: ["run-flow", "parallel"])
    func caller(block: String) async throws {
        let waiting =
            block == "run-flow"
            ? "- { id: inner, block: run-flow, flow: inner, mode: wait, input: { time: 60s } }"
            : "- { id: inner, block: parallel, branches: { a: [{ block: wait, for: 60s }] } }"
        let outer = """
            flow: outer
            kind: page
            access: [customer]
            blocks:
              \(waiting)
            """
        let inner = Self.sleeper.replacing("flow: f", with: "flow: inner")
        try await EngineWorld.with(outer, inner) { world in
            try await world.run { engine in
                _ = try await engine.callPage("outer", input: [:], caller: .ann, idempotencyKey: "k", timeLimit: .zero)
            }
            try damage(world, "flow = CAST(x'6c6174e572' AS TEXT)", of: 1)
            var world = world
            world.sources = []
            try await world.run { engine in
                await world.clock.waitForSleeper(within: .seconds(60))
                world.clock.advance(by: .seconds(60))
                // A branch cannot be told from another's without its parent, and is failed; neither is lost.
                let inner = try await engine.finished(RunID(2))
                #expect(inner.status == (block == "run-flow" ? .succeeded : .failed))
            }
        }
    }

    @Test("a run that began at no moment keeps no other from being removed")
    func retention() async throws {
        try await EngineWorld.with(Self.sleeper) { world in
            try await world.run { engine in
                for (key, time) in [("first", "0s"), ("second", "86400s"), ("third", "0s")] {
                    let input: Value = ["time": .string(time)]
                    _ = try await engine.callPage(
                        "f",
                        input: input,
                        caller: .ann,
                        idempotencyKey: key,
                        timeLimit: .zero
                    )
                }
                for run in [1, 3] as [Int64] { _ = try await engine.finished(RunID(run)) }
            }
            try damage(world, "created_at = created_at | (1 << 60)", of: 2)
            world.clock.advance(by: .seconds(400 * 86_400))
            var world = world
            world.sources = []
            try await world.run { engine in
                try await engine.prune()
                let readable = try await engine.allRuns()
                #expect(readable.isEmpty)
            }
            #expect(try runs(in: world) == [2])
        }
    }
}
