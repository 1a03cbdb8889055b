import Expressions
import FlowEngine
import FlowLanguage
import TestSupport
import Testing

@Suite("A run's share of the writer's thread", .timeLimit(.minutes(5)))
struct EngineShareTests {
    /// Begins `quick`, computes in a loop of so many turns, which change nothing, and then writes a line.
    private static func spin(turns: Int) -> String {
        """
        flow: spin
        kind: cloud
        trigger: { manual: true }
        blocks:
          - id: other
            block: run-flow
            flow: quick
            mode: start
          - block: set-variables
            set: { n: 0, first: '${ now }', last: '${ now }' }
          - block: while
            while: vars.n < \(turns)
            max: 10000
            do:
              - block: set-variables
                set: { n: '${ vars.n + 1 }', last: '${ now }' }
              - block: conditional-branch
                branches:
                  - when: vars.n > 0
                    do:
                      - block: set-variables
                        set: { last: '${ now }' }
          - id: line
            block: insert-record
            table: lines
            set: { text: '${ string(vars.n) + (vars.first == vars.last ? " at one moment" : " at several") }' }
        """
    }

    private static let quick = """
        flow: quick
        kind: cloud
        trigger: { manual: true }
        blocks:
          - id: line
            block: insert-record
            table: lines
            set: { text: quick }
        """

    private func start(_ engine: Engine) async throws -> RunID {
        try await engine.start("spin", input: [:], trigger: .null, origin: .manual, caller: .system)
    }

    private func lines(_ engine: Engine) async throws -> [String] {
        try await engine.rows("lines").compactMap { $0["text"]?.stringValue }
    }

    @Test("who computes for long lets others at the writer in between, and sees one moment all the while")
    func others() async throws {
        try await EngineWorld.with(Self.spin(turns: 300), Self.quick) { world in
            var ticking = EngineWorld(world.app, folder: world.folder, clock: ManualClock(tick: .milliseconds(1)))
            ticking.sources = world.sources
            try await ticking.run(stepsPerTurn: 1_000) { engine in
                let run = try await start(engine)
                #expect(try await engine.finished(run).status == .succeeded)
                // Without a rest there would be no group for `quick` before the end.
                #expect(try await lines(engine) == ["quick", "300 at one moment"])
            }
        }
    }

    @Test("one that computes can be paused and cancelled, and passes anew what it had computed when it is resumed")
    func halted() async throws {
        try await EngineWorld.with(Self.spin(turns: 4_000), Self.quick) { world in
            // It rests at each of its blocks: it is far from its end when it is told to stop.
            let paused = try await world.run(stepsPerTurn: 1) { engine in
                let run = try await start(engine)
                _ = try await engine.record(run, being: .running)
                _ = try await engine.pause(run)
                #expect(try await engine.record(run, being: .paused).status == .paused)
                #expect(try await engine.entries(run).map(\.block) == ["run-flow"])
                let other = try await start(engine)
                _ = try await engine.record(other, being: .running)
                _ = try await engine.cancel(other)
                #expect(try await engine.finished(other).status == .cancelled)
                return run
            }
            try await world.run { engine in
                try await engine.resume(paused)
                #expect(try await engine.finished(paused).status == .succeeded)
                #expect(try await lines(engine).contains("4000 at one moment"))
            }
        }
    }

    @Test("one that was computing when the process ended begins again behind its last entry")
    func ended() async throws {
        try await EngineWorld.with(Self.spin(turns: 4_000), Self.quick) { world in
            let run = try await world.run(stepsPerTurn: 1) { engine in
                let run = try await start(engine)
                _ = try await engine.record(run, being: .running)
                return run
            }
            try await world.run { engine in
                let record = try await engine.finished(run)
                #expect(record.status == .succeeded)
                #expect(try await lines(engine) == ["quick", "4000 at one moment"])
            }
        }
    }
}
