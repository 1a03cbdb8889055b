import Expressions
import FlowEngine
import FlowLanguage
import Foundation
import TestSupport
import Testing

@Suite("Schedules")
struct EngineTickTests {
    private static func flow(_ schedule: String) -> String {
        """
        flow: f
        kind: cloud
        trigger: { schedule: { \(schedule) } }
        blocks:
          - id: line
            block: insert-record
            table: lines
            set: { text: 'due ${ trigger.scheduledAt }' }
        """
    }

    private func ticks(_ engine: Engine) async throws -> [String] {
        try await engine.allRuns().sorted { $0.id < $1.id }.compactMap { run in
            guard case .timestamp(let moment)? = run.start.trigger["scheduledAt"] else { return nil }
            return moment.rfc3339
        }
    }

    /// Moves the clock to each moment for which a timer is set, until `count` runs are over.
    private func pass(_ step: Duration, _ count: Int, _ world: EngineWorld, _ engine: Engine) async throws {
        for number in 1...count {
            await world.clock.waitForSleeper(within: step)
            world.clock.advance(by: step)
            while try await engine.allRuns().count(where: \.status.isFinal) < number {
                try await engine.write { (_) throws(StoreError) in }
            }
        }
    }

    @Test("a schedule starts a run at each of its moments, with the moment as the trigger")
    func every() async throws {
        try await EngineWorld.with(Self.flow("every: 15m")) { world in
            try await world.run { engine in
                try await pass(.seconds(900), 3, world, engine)
                #expect(
                    try await ticks(engine) == ["2026-11-20T10:15:00Z", "2026-11-20T10:30:00Z", "2026-11-20T10:45:00Z"]
                )
                #expect(try await engine.rows("lines").first?["text"] == "due 2026-11-20T10:15:00Z")
                #expect(try await engine.allRuns().allSatisfy { $0.start.origin == .schedule })
            }
        }
    }

    @Test(
        "what was missed while nobody was there is skipped, made up for once, or made up for in full",
        arguments: [
            ("skip", []), ("once", ["2026-11-20T13:00:00Z"]),
            ("all", ["2026-11-20T11:00:00Z", "2026-11-20T12:00:00Z", "2026-11-20T13:00:00Z"]),
        ] as [(String, [String])]
    )
    func missed(policy: String, expected: [String]) async throws {
        try await EngineWorld.with(Self.flow("cron: '0 * * * *', missed: \(policy)")) { world in
            try await world.run { engine in await world.clock.waitForSleeper(within: .seconds(3_600)) }
            world.clock.advance(by: .seconds(3 * 3_600 + 1_800))
            try await world.run { engine in
                await world.clock.waitForSleeper(within: .seconds(1_800))
                #expect(try await ticks(engine) == expected)
                // The next one comes at its time again.
                world.clock.advance(by: .seconds(1_800))
                while try await ticks(engine).count <= expected.count {
                    try await engine.write { (_) throws(StoreError) in }
                }
                #expect(try await ticks(engine).last == "2026-11-20T14:00:00Z")
            }
        }
    }

    @Test("a moment that comes a little late is not a missed one")
    func late() async throws {
        try await EngineWorld.with(Self.flow("cron: '0 * * * *'")) { world in
            try await world.run { engine in
                // The first moment is on disk before it comes.
                while try await engine.store.read({ (reader) throws(StoreError) in try reader.schedules().count }) == 0
                {
                    try await engine.write { (_) throws(StoreError) in }
                }
                world.clock.advance(by: .seconds(3_640))
                while try await ticks(engine).isEmpty { try await engine.write { (_) throws(StoreError) in } }
                let found = try await ticks(engine)
                #expect(found == ["2026-11-20T11:00:00Z"])
            }
        }
    }

    @Test("a moment shortly before the process began is one at which nobody was there: it is left out")
    func beforeTheStart() async throws {
        try await EngineWorld.with(Self.flow("cron: '0 * * * *'")) { world in
            try await world.run { engine in await world.clock.waitForSleeper(within: .seconds(3_600)) }
            world.clock.advance(by: .seconds(3_640))
            try await world.run { engine in
                await world.clock.waitForSleeper(within: .seconds(3_600))
                let found = try await ticks(engine)
                #expect(found == [])
            }
        }
    }

    @Test("a long absence from a fast schedule is made up for in portions, oldest first")
    func manyMissed() async throws {
        try await EngineWorld.with(Self.flow("every: 10s, missed: all")) { world in
            try await world.run { engine in await world.clock.waitForSleeper(within: .seconds(10)) }
            world.clock.advance(by: .seconds(20_000))
            try await world.run { engine in
                while try await engine.rows("lines").count < 1_000 {
                    try await engine.write { (_) throws(StoreError) in }
                }
                let ticks = try await engine.store.read { (reader) throws(StoreError) in
                    try reader.runs(matching: RunFilter(limit: 5_000)).count
                }
                #expect(ticks >= 1_000)
            }
        }
    }

    @Test("another rhythm begins anew; it makes up for nothing of the old one")
    func changed() async throws {
        let changed = try SampleApp.compile(Self.flow("every: 30m, missed: all"))
        try await EngineWorld.with(Self.flow("every: 15m, missed: all")) { world in
            try await world.run { engine in await world.clock.waitForSleeper(within: .seconds(900)) }
            world.clock.advance(by: .seconds(3_000))
            try await world.run(app: changed) { engine in
                await world.clock.waitForSleeper(within: .seconds(600))
                #expect(try await engine.allRuns().isEmpty)
                world.clock.advance(by: .seconds(600))
                while try await engine.allRuns().isEmpty { try await engine.write { (_) throws(StoreError) in } }
                #expect(try await ticks(engine) == ["2026-11-20T11:00:00Z"])
            }
        }
    }

    // Goal: one run for each moment, whatever fails. Method: fail the n-th group or write of a start that makes up for
    // three moments, then start again.
    @Test("each moment has one run, whichever write fails", arguments: 1...12)
    func failingWrites(number: Int) async throws {
        try await EngineWorld.with(Self.flow("cron: '0 * * * *', missed: all")) { world in
            try await world.run { engine in await world.clock.waitForSleeper(within: .seconds(3_600)) }
            world.clock.advance(by: .seconds(3 * 3_600))
            // A start that cannot read its store ends by itself; then there is nothing to wait for.
            _ = try? await world.run { base in
                let store = FaultInjectingStore(base)
                store.arm(number.isMultiple(of: 2) ? .afterCommit(number) : .beforeWrite(number, .groupFailed))
                return store
            } body: { engine in
                guard engine.isReady else { return }
                await world.clock.waitForSleeper(within: .seconds(3_600))
            }
            try await world.run { engine in
                await world.clock.waitForSleeper(within: .seconds(3_600))
                let found = try await ticks(engine)
                #expect(found == ["2026-11-20T11:00:00Z", "2026-11-20T12:00:00Z", "2026-11-20T13:00:00Z"])
            }
        }
    }

    // Goal: one run for each moment, wherever the process dies. Method: a child makes up for three missed moments and
    // kills itself at a named point; then this process looks.
    @Test(
        "a process that is killed while it makes up for moments leaves none out and starts none twice",
        arguments: [
            "ingest-before-commit:1", "ingest-before-commit:3", "claim-before-commit:1", "claim-after-commit:1",
            "finish-after-commit:2", "timer-before:1",
        ]
    )
    func killed(at point: String) async throws {
        let folder = CrashTests.newFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try await Self.world(folder, "2026-11-20T10:00:00Z").run { engine in
            await (engine.clock as? ManualClock)?.waitForSleeper(within: .seconds(3_600))
        }
        await #expect(processExitsWith: .signal(SIGKILL)) { [folder = folder as String, point = point as String] in
            setenv("RUNNEL_FAILPOINT", point + ":kill", 1)
            let world = try EngineTickTests.world(folder, "2026-11-20T12:30:00Z")
            try await world.run { engine in
                await world.clock.waitForSleeper(within: .seconds(1_800))
                world.clock.advance(by: .seconds(1_800))
                while try await engine.rows("lines").count < 3 { try await engine.write { (_) throws(StoreError) in } }
            }
        }
        let world = try Self.world(folder, "2026-11-20T13:10:00Z")
        try await world.run { engine in
            while try await engine.rows("lines").count < 3 { try await engine.write { (_) throws(StoreError) in } }
            let found = try await ticks(engine)
            #expect(found == ["2026-11-20T11:00:00Z", "2026-11-20T12:00:00Z", "2026-11-20T13:00:00Z"])
            #expect(try await engine.rows("lines").count == 3)
        }
    }

    private static func world(_ folder: String, _ time: String) throws -> EngineWorld {
        EngineWorld(
            try SampleApp.compile(flow("cron: '0 * * * *', missed: all")),
            folder: folder,
            clock: ManualClock(time)
        )
    }
}
