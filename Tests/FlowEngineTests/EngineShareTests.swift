import Expressions
import FlowEngine
import FlowLanguage
import Synchronization
import TestSupport
import Testing

@Suite("A run's share of the writer's thread", .timeLimit(.minutes(3)))
struct EngineShareTests {
    /// Computes in 10,000 turns, which change nothing, and then writes a line.
    private static let spin = """
        flow: spin
        kind: cloud
        trigger: { manual: true }
        blocks:
          - block: set-variables
            set: { n: 0, first: '${ now }', last: '${ now }' }
          - block: while
            while: vars.n < 10000
            max: 10000
            do:
              - block: set-variables
                set: { n: '${ vars.n + 1 }', last: '${ now }' }
          - id: line
            block: insert-record
            table: lines
            set: { text: '${ string(vars.n) + (vars.first == vars.last ? " at one moment" : " at several") }' }
        """
    private static let quick = """
        flow: quick
        kind: page
        access: [customer]
        blocks:
          - id: line
            block: insert-record
            table: lines
            set: { text: quick }
        """

    /// Starts `spin` and returns once it has given the writer back for the first time.
    private func spin(_ engine: Engine) async throws -> RunID {
        let run = try await engine.start("spin", input: [:], trigger: .null, origin: .manual, caller: .system)
        #expect(try await engine.record(run, being: .running).status == .running)
        return run
    }

    @Test("who computes for long lets others at the writer in between, and sees one moment all the while")
    func others() async throws {
        try await EngineWorld.with(Self.spin, Self.quick) { world in
            let ticking = EngineWorld(world.app, folder: world.folder, clock: ManualClock(tick: .milliseconds(1)))
            try await ticking.run(stepsPerTurn: 2_000) { engine in
                let run = try await spin(engine)
                #expect(try await engine.call("quick").status == 200)
                #expect(try await engine.record(run).status == .running)
                #expect(try await engine.finished(run).status == .succeeded)
                let lines = try await engine.rows("lines").compactMap { $0["text"]?.stringValue }
                #expect(lines == ["quick", "10000 at one moment"])
            }
        }
    }

    @Test("one that computes can be paused, resumed and cancelled, and is the same again from its capsule")
    func halted() async throws {
        try await EngineWorld.with(Self.spin) { world in
            try await world.run(stepsPerTurn: 2_000) { engine in
                let run = try await spin(engine)
                _ = try await engine.pause(run)
                #expect(try await engine.record(run, being: .paused).status == .paused)
                #expect(try await engine.entries(run).isEmpty)
                world.clock.advance(by: .seconds(1))
                _ = try await engine.resume(run)
                #expect(try await engine.finished(run).status == .succeeded)
                let other = try await spin(engine)
                _ = try await engine.cancel(other)
                #expect(try await engine.finished(other).status == .cancelled)
                let lines = try await engine.rows("lines").compactMap { $0["text"]?.stringValue }
                #expect(lines == ["10000 at one moment"])
            }
        }
    }

    @Test("one that was computing when the process ended begins again behind its last entry")
    func ended() async throws {
        try await EngineWorld.with(Self.spin) { world in
            let run = try await world.run(stepsPerTurn: 2_000) { engine in try await spin(engine) }
            try await world.run { engine in
                let record = try await engine.finished(run)
                #expect(record.status == .succeeded)
                #expect(try await engine.rows("lines").count == 1)
            }
        }
    }
}
