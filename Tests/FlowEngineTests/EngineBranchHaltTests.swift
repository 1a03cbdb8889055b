import Expressions
import FlowEngine
import FlowLanguage
import Foundation
import Synchronization
import Testing
import TestSupport

@Suite("Branches: cancel, pause, restart, again")
struct EngineBranchHaltTests {
    private static let two = EngineParallelTests.page(
        "{ sum: '${ blocks.both.a.one.status + blocks.both.b.two.status }' }",
        """
        - id: both
          block: parallel
          branches:
            a:
              - \(EngineParallelTests.charge("one", "1"))
              - { id: done, block: insert-record, table: lines, set: { text: a } }
            b:
              - \(EngineParallelTests.charge("two", "2"))
              - { id: over, block: insert-record, table: lines, set: { text: b } }
        """
    )

    private static func held(_ gate: Gate) -> ScriptedTransport {
        ScriptedTransport { _, _ in
            await gate.pass()
            return .answered(OutsideAnswer(status: 200))
        }
    }

    @Test("a cancel reaches all branches; the run ends behind them")
    func cancel() async throws {
        let gate = Gate()
        let transport = Self.held(gate)
        try await EngineWorld.with(Self.two) { world in
            try await world.run(transport: transport) { engine in
                async let answer = engine.call()
                await transport.waitForSent(2)
                #expect(try await engine.cancel(RunID(1)).status == .waiting)
                gate.open()
                #expect(try await answer.status == 409)
                let runs = try await engine.allRuns()
                #expect(runs.allSatisfy { $0.status == .cancelled })
                #expect(world.feature.finished.last == RunID(1))
                #expect(try await engine.rows("lines").isEmpty)
                // What was sent has its answer.
                #expect(try await engine.entries(RunID(2)).map(\.status) == [.succeeded])
            }
        }
    }

    @Test("a paused run's branches pause with it, once what they sent is answered, and go on with it")
    func pause() async throws {
        let gate = Gate()
        let transport = Self.held(gate)
        try await EngineWorld.with(Self.two) { world in
            try await world.run(transport: transport) { engine in
                async let answer = engine.callPage(
                    "f",
                    input: [:],
                    caller: .ann,
                    idempotencyKey: nil,
                    timeLimit: .seconds(60)
                )
                await transport.waitForSent(2)
                #expect(try await engine.pause(RunID(1)).status == .paused)
                gate.open()
                for branch in [RunID(2), RunID(3)] {
                    #expect(try await engine.record(branch, being: .paused).status == .paused)
                }
                #expect(try await engine.rows("lines").isEmpty)
                #expect(try await answer == .accepted(RunID(1)))
                try await engine.resume(RunID(1))
                let record = try await engine.finished(RunID(1))
                #expect(record.answer?.body == ["sum": 400])
                #expect(try await engine.rows("lines").count == 2)
            }
        }
    }

    @Test("branches go on after a restart, each with its own keys, and none is done twice")
    func restart() async throws {
        let gate = Gate()
        let hanging = Self.held(gate)
        try await EngineWorld.with(Self.two) { world in
            try await world.run(transport: hanging) { engine in
                _ = try await engine.callPage("f", input: [:], caller: .ann, idempotencyKey: "k", timeLimit: .zero)
                await hanging.waitForSent(2)
            }
            gate.open()
            let transport = ScriptedTransport()
            try await world.run(transport: transport) { engine in
                let answer = try await engine.call(key: "k")
                #expect(answer.body == ["sum": 400])
                #expect(Set(transport.sent.map(\.request.key)) == Set(hanging.sent.map(\.request.key)))
                #expect(Set(transport.sent.map(\.request.key)).count == 2)
                #expect(try await engine.allRuns().count == 3)
            }
        }
    }

    @Test("doing a run again lists what its branches would repeat; a branch alone cannot be done again")
    func again() async throws {
        try await EngineWorld.with(Self.two) { world in
            try await world.run { engine in
                _ = try await engine.call()
                let plan = try await engine.planRerun(of: RunID(1), from: .beginning)
                let repeats = plan.repeats.map(\.path.rawValue)
                #expect(repeats == ["both/a/one", "both/a/done", "both/b/two", "both/b/over"])
                let refused = await #expect(throws: EngineError.self) {
                    try await engine.planRerun(of: RunID(2), from: .beginning)
                }
                #expect(refused?.code == .wrongState)
                let again = try await engine.rerun(RunID(1), from: .beginning)
                #expect(try await engine.finished(again).status == .succeeded)
                #expect(try await engine.rows("lines").count == 4)
            }
        }
    }

    @Test("what is kept of a run that is done again holds the block with its branches")
    func kept() async throws {
        let flow =
            Self.two + "\n- id: last\n  block: execute-connection-command\n  connection: bank\n"
            + "  command: charge\n  data: { amount: 3 }\n"
        let transport = ScriptedTransport { request, number in
            .answered(OutsideAnswer(status: number == 3 ? 402 : 200))
        }
        try await EngineWorld.with(flow) { world in
            try await world.run(transport: transport) { engine in
                #expect(try await engine.call().status == 402)
                let again = try await engine.rerun(RunID(1), from: .failure)
                #expect(try await engine.finished(again).answer?.body == ["sum": 400])
                #expect(transport.sent.count == 4)
                #expect(try await engine.rows("lines").count == 2)
            }
        }
    }

    // MARK: Failing writes, crashes

    @Test("every write of a run with branches fails once, and the end is the same", arguments: OneFailedWrite.allCases)
    func everyWriteFailsOnce(failure: OneFailedWrite) async throws {
        let count = try await failure.strikeEach(upTo: 60, in: Self.two) { answer, engine, transport, fault in
            #expect(answer == RunAnswer(status: 200, body: ["sum": 400]), fault)
            #expect(try await engine.allRuns().map(\.status) == [.succeeded, .succeeded, .succeeded], fault)
            let lines = try await engine.rows("lines").compactMap { $0["text"]?.stringValue }
            #expect(lines.sorted() == ["a", "b"], fault)
            #expect(Set(transport.sent.map(\.request.key)).count == 2, fault)
            #expect(try await engine.entries(RunID(1)).map(\.sequence) == [1, 2, 3], fault)
        }
        #expect(count > 2)
    }

    // Goal: branches that are killed go on where they were, and no effect happens under two keys.
    // Method: a child process kills itself at a point of a later passage; then this one goes on with the same folder.
    @Test(
        "a process killed among branches goes on in each, with one key for each effect",
        arguments: [
            Failpoint.entryBeforeCommit, .keyOnDisk, .sendAfter, .receiveBeforeCommit, .receiveAfterCommit,
            .childBeforeCommit, .finishBeforeCommit, .finishAfterCommit, .claimBeforeCommit,
        ],
        [1, 2]
    )
    func killed(at point: Failpoint, passage: Int) async throws {
        let folder = FileManager.default.temporaryDirectory.path + "/runnel-branches-" + UUID().uuidString
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let failpoint = "\(point.rawValue):\(passage):kill"
        await #expect(processExitsWith: .signal(SIGKILL)) {
            [folder = folder as String, failpoint = failpoint as String] in
            setenv("RUNNEL_FAILPOINT", failpoint, 1)
            try await EngineBranchHaltTests.runToTheEnd(folder)
        }
        try await Self.runToTheEnd(folder)
        let sent = try String(contentsOfFile: folder + "/sent.log", encoding: .utf8).split(separator: "\n")
        #expect(Set(sent).count == 2)
    }

    static func runToTheEnd(_ folder: String) async throws {
        let world = EngineWorld(try SampleApp.compile(two), folder: folder)
        let transport = ScriptedTransport { request, _ in
            if let file = fopen(folder + "/sent.log", "a") {
                fputs("\(request.key ?? "none") \(String(decoding: request.body, as: UTF8.self))\n", file)
                fclose(file)
            }
            return .answered(OutsideAnswer(status: 200))
        }
        try await world.run(transport: transport) { engine in
            #expect(try await engine.call(key: "k") == RunAnswer(status: 200, body: ["sum": 400]))
            let lines = try await engine.rows("lines").compactMap { $0["text"]?.stringValue }
            #expect(lines.sorted() == ["a", "b"])
            #expect(try await engine.allRuns().count == 3)
        }
    }
}
