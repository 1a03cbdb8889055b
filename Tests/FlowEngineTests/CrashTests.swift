import Expressions
import FlowEngine
import FlowLanguage
import FlowStores
import Foundation
import Testing
import TestSupport

// Goal: wherever the process dies, nothing is lost and nothing outside happens twice.
// Method: a child process runs a flow with every kind of effect and kills itself at a named point; then this process
// opens the same folder, lets the run go on, calls again with the same key, and looks at what is there and what was
// sent. Keys and answers of the fake service are in a file, which survives the child.
@Suite("Crashes: the process dies at each named point, and the end is the same")
struct CrashTests {
    static let flow = """
        flow: f
        kind: page
        access: [customer]
        output: { status: '${ blocks.child.status }' }
        blocks:
          - id: order
            block: insert-record
            table: orders
            set: { name: only, total: 100 }
          - id: pay
            block: execute-connection-command
            connection: bank
            command: charge
            data: { amount: 100 }
          - id: child
            block: run-flow
            flow: child
            input: { amount: 5 }
            mode: wait
          - id: both
            block: transaction
            do:
              - id: line
                block: insert-record
                table: lines
                set: { text: paid }
              - id: paid
                block: update-record
                table: orders
                where: { id: '${ blocks.order.id }' }
                set: { status: PAID }
                expect: 1
        """

    @Test("the flow ends well when nothing dies")
    func undisturbed() async throws {
        let world = try Self.world(Self.newFolder())
        defer { try? FileManager.default.removeItem(atPath: world.folder) }
        try await Self.runToTheEnd(world) { engine in
            let runs = try await engine.allRuns()
            #expect(runs.map(\.status) == [.succeeded, .succeeded])
        }
    }

    /// Pruning is no part of a run; the crash matrix kills there.
    private static let points = Failpoint.allCases.filter { ![.pruneBeforeCommit, .pruneAfterCommit].contains($0) }

    @Test("a process killed at a point", arguments: points, [1, 2])
    func killed(at point: Failpoint, passage: Int) async throws {
        let folder = Self.newFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let failpoint = "\(point.rawValue):\(passage):kill"
        await #expect(processExitsWith: Self.reaches(point, passage) ? .signal(SIGKILL) : .success) {
            [folder = folder as String, failpoint = failpoint as String] in
            setenv("RUNNEL_FAILPOINT", failpoint, 1)
            try await CrashTests.runToTheEnd(CrashTests.world(folder)) { _ in }
        }
        // An hour later: what the dead process set timers for is due.
        let later = try Self.world(folder, clock: ManualClock("2026-11-20T11:00:00Z"))
        try await Self.runToTheEnd(later) { engine in
            let runs = try await engine.allRuns()
            #expect(runs.count == 2)
            #expect(runs.allSatisfy { $0.status == .succeeded })
            #expect(try await engine.rows("orders").map { $0["status"] } == ["PAID"])
            #expect(try await engine.rows("lines").map { $0["text"] } == ["paid"])
            #expect(try await engine.entries(RunID(1)).map(\.sequence) == [1, 2, 3, 4, 5, 6])
        }
        // One key for each of the two charges, however often it was sent.
        #expect(Set(try Self.sentKeys(folder)).count == 2)
    }

    // Goal: a run that kills the process each time it is taken up does not do so for ever, and harms no other run.
    // Method: one such run and an innocent one are queued together; the process is started until it survives.
    @Test("a queued run that kills the process is tried alone, and quarantined after its third strike")
    func poison() async throws {
        let folder = Self.newFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        // The first crash is nobody's strike: the run was not alone then.
        for _ in 1...4 {
            await #expect(processExitsWith: .failure) { [folder = folder as String] in
                try await CrashTests.poisonWorld(folder).run { engine in
                    try await CrashTests.queuePoison(engine)
                    _ = try await engine.finished(RunID(1))
                }
            }
        }
        try await Self.poisonWorld(folder).run { engine in
            let poison = try await engine.record(RunID(1))
            #expect(poison.status == .quarantined)
            #expect(poison.strikes == 3)
            let innocent = try await engine.finished(RunID(2))
            #expect(innocent.status == .succeeded)
            #expect(innocent.strikes == 0)
        }
    }

    private static func poisonWorld(_ folder: String) throws -> EngineWorld {
        let flow = """
            flow: f
            kind: cloud
            trigger: { manual: true }
            input: { amount: { type: int } }
            blocks:
              - id: pay
                block: execute-connection-command
                connection: bank
                command: charge
                data: { amount: '${ input.amount }' }
            """
        return EngineWorld(try SampleApp.compile(flow), folder: folder)
    }

    private static func queuePoison(_ engine: Engine) async throws {
        guard try await engine.allRuns().isEmpty, let graph = engine.app.flows["f"] else { return }
        let now = engine.clock.now()
        try await engine.write { (transaction) throws(StoreError) in
            for amount: Int64 in [666, 1] {
                let start = RunStart(
                    flow: "f",
                    version: graph.version,
                    origin: .manual,
                    input: ["amount": .int(amount)],
                    caller: .system,
                    mode: .test
                )
                _ = try transaction.insertRun(start, at: now)
            }
        }
    }

    /// Points that the flow passes only once.
    private static func reaches(_ point: Failpoint, _ passage: Int) -> Bool {
        let once: Set<Failpoint> = [
            .ingestBeforeCommit, .ingestAfterCommit, .answerBefore, .childBeforeCommit, .childAfterCommit,
        ]
        return passage == 1 || !once.contains(point)
    }

    static func newFolder() -> String {
        FileManager.default.temporaryDirectory.path + "/runnel-crash-" + UUID().uuidString
    }

    private static func world(_ folder: String, clock: ManualClock = ManualClock()) throws -> EngineWorld {
        EngineWorld(try SampleApp.compile(flow, SampleFlows.child), folder: folder, clock: clock)
    }

    /// Calls the page with its key until it answers, while the clock runs by itself.
    private static func runToTheEnd(_ world: EngineWorld, body: (Engine) async throws -> Void) async throws {
        let folder = world.folder
        let transport = ScriptedTransport { request, _ in
            let isNew = Self.note(request.key ?? "none", in: folder)
            // Each request's first answer is lost, so that it is sent again.
            return isNew ? .lost(reason: "reset") : .answered(OutsideAnswer(status: 200))
        }
        let time = Task {
            while !Task.isCancelled {
                await world.clock.waitForSleeper(within: .seconds(75))
                world.clock.advance(by: .seconds(75))
            }
        }
        defer { time.cancel() }
        try await world.run(transport: transport) { engine in
            let answer = try await engine.call(key: "k")
            #expect(answer == RunAnswer(status: 200, body: ["status": 200]))
            try await body(engine)
        }
    }

    // MARK: The fake service's memory

    /// Writes a key down.
    ///
    /// - Returns: Whether it was not there before.
    private static func note(_ key: String, in folder: String) -> Bool {
        let isNew = ((try? sentKeys(folder)) ?? []).contains(key) == false
        guard let file = fopen(folder + "/sent.log", "a") else { return isNew }
        fputs(key + "\n", file)
        fclose(file)
        return isNew
    }

    private static func sentKeys(_ folder: String) throws -> [String] {
        try String(contentsOfFile: folder + "/sent.log", encoding: .utf8).split(separator: "\n").map(String.init)
    }
}
