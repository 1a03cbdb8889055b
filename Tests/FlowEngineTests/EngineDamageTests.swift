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
        "failure = '1'", "trace = 'null'", "halt = 'never'",
    ]

    private func damage(_ world: EngineWorld, _ change: String, of run: Int64) throws {
        let file = try DatabaseQueue(path: world.folder + "/runnel.sqlite")
        try file.write { try $0.execute(sql: "UPDATE runs SET \(change) WHERE id = \(run)") }
        try file.close()
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
}
