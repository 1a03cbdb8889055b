import Expressions
import FlowEngine
import FlowLanguage
import Foundation
import Testing
import TestSupport

@Suite("Commands: on disk before they leave, with a key that stays")
struct EngineCommandTests {
    @Test("a command's entry is on disk with its key before the request leaves")
    func keyOnDisk() async throws {
        let gate = Gate()
        let transport = ScriptedTransport { _, _ in
            await gate.pass()
            return .answered(OutsideAnswer(status: 200))
        }
        try await EngineWorld.with(SampleFlows.charge) { world in
            try await world.run(transport: transport) { engine in
                async let answer = engine.call()
                await transport.waitForSent(1)
                let entry = try #require(try await engine.entries(RunID(1)).last)
                #expect(entry.status == .started)
                #expect(entry.key == transport.sent.first?.request.key)
                #expect(entry.key?.hasPrefix("rnl_") == true)
                #expect(entry.sends == 1)
                gate.open()
                #expect(try await answer.body == ["status": 200])
                #expect(try await engine.rows("orders").map { $0["status"] } == ["PAID"])
                #expect(try await engine.entries(RunID(1)).map(\.status) == [.succeeded, .succeeded, .succeeded])
            }
        }
    }

    @Test("a command of two requests records each, with a key of its own")
    func twoRequests() async throws {
        let transport = ScriptedTransport()
        try await EngineWorld.with(SampleFlows.command("pair")) { world in
            try await world.run(transport: transport) { engine in
                #expect(try await engine.call().body == ["status": 200, "exchanges": 2])
                let entries = try await engine.entries(RunID(1))
                #expect(entries.map(\.address.call) == [0, 1])
                #expect(entries.map(\.key) == transport.sent.map(\.request.key))
                #expect(Set(entries.compactMap(\.key)).count == 2)
            }
        }
    }

    @Test("a decline is the block's failure, with the service's status for the caller")
    func decline() async throws {
        let transport = ScriptedTransport { _, _ in .answered(OutsideAnswer(status: 402)) }
        try await EngineWorld.with(SampleFlows.charge) { world in
            try await world.run(transport: transport) { engine in
                let answer = try await engine.call()
                #expect(answer == RunAnswer(status: 402, body: ["code": "declined", "message": "The flow failed."]))
                #expect(try await engine.rows("orders").map { $0["status"] } == ["NEW"])
            }
        }
    }

    @Test(
        "a lost answer is asked for again later, with the same key",
        arguments: [
            TransportResult.lost(reason: "reset"), .notSent(reason: "refused", retryable: true),
            .answered(OutsideAnswer(status: 500)), .answered(OutsideAnswer(status: 409)),
            .answered(OutsideAnswer(status: 429)),
        ]
    )
    func repetition(first: TransportResult) async throws {
        let transport = ScriptedTransport { _, number in
            number == 1 ? first : .answered(OutsideAnswer(status: 200))
        }
        try await EngineWorld.with(SampleFlows.charge) { world in
            try await world.run(transport: transport) { engine in
                async let answer = engine.call()
                await world.clock.waitForSleeper(within: .seconds(2))
                let record = try await engine.record(RunID(1))
                #expect(record.status == .retrying)
                #expect(record.wakesAt != nil)
                world.clock.advance(by: .seconds(2))
                #expect(try await answer.body == ["status": 200])
                #expect(transport.sent.count == 2)
                #expect(Set(transport.sent.map(\.request.key)).count == 1)
                #expect(try await engine.entries(RunID(1))[1].sends == 2)
            }
        }
    }

    /// Goal: a run that is due does not hide when the next one is.
    ///
    /// Method: two runs wait for different times; the first is taken up and ends, and nothing else happens until the
    /// second is due.
    @Test("a run that waits longer is woken after one that waited less long has ended", .timeLimit(.minutes(5)))
    func laterWake() async throws {
        let transport = ScriptedTransport { _, number in
            guard number <= 2 else { return .answered(OutsideAnswer(status: 200)) }
            return .answered(OutsideAnswer(status: 429, headers: ["retry-after": number == 1 ? "5" : "20"]))
        }
        try await EngineWorld.with(SampleFlows.charge) { world in
            try await world.run(transport: transport) { engine in
                async let first = engine.call()
                await world.clock.waitForSleeper(within: .seconds(6))
                async let second = engine.call()
                await transport.waitForSent(2)
                while try await engine.record(RunID(2)).status != .retrying { await Task.yield() }
                world.clock.advance(by: .seconds(6))
                #expect(try await first.body == ["status": 200])
                await world.clock.waitForSleeper(within: .seconds(30))
                world.clock.advance(by: .seconds(30))
                #expect(try await second.body == ["status": 200])
            }
        }
    }

    @Test(
        "a request that never left fails its block; one that may have been executed parks the run",
        arguments: [
            (TransportResult.notSent(reason: "refused", retryable: true), RunStatus.failed),
            (.lost(reason: "reset"), .outcomeUnknown),
        ]
    )
    func givingUp(result: TransportResult, status: RunStatus) async throws {
        let transport = ScriptedTransport { _, _ in result }
        try await EngineWorld.with(SampleFlows.charge) { world in
            try await world.run(transport: transport) { engine in
                async let record = {
                    let answer = try await engine.callPage(
                        "f",
                        input: [:],
                        caller: .ann,
                        idempotencyKey: nil,
                        timeLimit: .seconds(86_400)
                    )
                    if status == .outcomeUnknown { #expect(answer == .accepted(RunID(1))) }
                    return try await engine.record(RunID(1))
                }()
                for _ in 2...Limits.sends {
                    await world.clock.waitForSleeper(within: .seconds(75))
                    world.clock.advance(by: .seconds(75))
                }
                #expect(try await record.status == status)
                #expect(transport.sent.count == Limits.sends)
                #expect(Set(transport.sent.map(\.request.key)).count == 1)
                let entry = try #require(try await engine.entries(RunID(1)).last)
                #expect(entry.failure?.code == (status == .failed ? "not_sent" : "outcome_unknown"))
                #expect(world.feature.abandoned == (status == .failed ? ["/charge/1 notSent"] : []))
            }
        }
    }

    @Test("what a feature gives back for a request that was not sent is seen by the blocks behind, and by a replay")
    func givenBack() async throws {
        let flow = """
            flow: f
            kind: page
            access: [customer]
            output: { rows: '${ blocks.rows.count }' }
            blocks:
              - id: guarded
                block: try
                do:
                  - { id: pay, block: execute-connection-command, connection: bank, command: pair, data: { amount: 1 } }
                catch: [{ do: [{ block: log, message: not sent }] }]
              - { id: rows, block: find-records, table: lines }
            """
        let transport = ScriptedTransport { _, _ in .notSent(reason: "no key", retryable: false) }
        try await EngineWorld.with(flow) { world in
            try await world.run(transport: transport) { engine in
                let answer = try await engine.call()
                #expect(answer.body == ["rows": 1])
                #expect(world.feature.abandoned == ["/pair/1 notSent"])
            }
        }
    }

    /// Goal: what was done once is not done a second time because the other side has forgotten its key.
    ///
    /// Method: the answer is lost, and the engine is away for 23 hours and a second, or for a little less.
    @Test("a request that may have been executed is not sent again by itself after 23 hours", arguments: [true, false])
    func oldKey(isTooOld: Bool) async throws {
        let transport = ScriptedTransport { _, number in
            number == 1 ? .lost(reason: "reset") : .answered(OutsideAnswer(status: 200))
        }
        let flow = """
            flow: f
            kind: cloud
            trigger: { manual: true }
            blocks:
              - { id: pay, block: execute-connection-command, connection: bank, command: charge, data: { amount: 1 } }
            """
        try await EngineWorld.with(flow) { world in
            let run = try await world.run(transport: transport) { engine in
                let run = try await engine.start("f", input: [:], trigger: .null, origin: .manual, caller: .system)
                await world.clock.waitForSleeper(within: .seconds(2))
                return run
            }
            world.clock.advance(by: .seconds(23 * 3_600 + (isTooOld ? 1 : -60)))
            try await world.run(transport: transport) { engine in
                let record = try await engine.answer(of: run, timeLimit: .seconds(86_400))
                #expect(record.status == (isTooOld ? .outcomeUnknown : .succeeded))
                #expect(transport.sent.count == (isTooOld ? 1 : 2))
                guard isTooOld else { return }
                try await engine.decide(run, .sendAgain)
                #expect(try await engine.finished(run).status == .succeeded, "a person may have it sent all the same")
                #expect(Set(transport.sent.map(\.request.key)).count == 1)
            }
        }
    }

    @Test("an effect that must happen at most once is not sent again when its answer is lost")
    func onceLost() async throws {
        let transport = ScriptedTransport { _, _ in .lost(reason: "reset") }
        try await EngineWorld.with(SampleFlows.command("letter")) { world in
            try await world.run(transport: transport) { engine in
                let answer = try await engine.callPage(
                    "f",
                    input: [:],
                    caller: .ann,
                    idempotencyKey: nil,
                    timeLimit: .seconds(86_400)
                )
                #expect(answer == .accepted(RunID(1)))
                #expect(try await engine.record(RunID(1)).status == .outcomeUnknown)
                #expect(transport.sent.count == 1)
            }
        }
    }

    @Test("a caller whose roles the connection does not name may not use the command")
    func commandAccess() async throws {
        let flow = SampleFlows.command("charge").replacingOccurrences(of: "[customer]", with: "[public]")
        let transport = ScriptedTransport()
        try await EngineWorld.with(flow) { world in
            try await world.run(transport: transport) { engine in
                let answer = try await engine.call(caller: .anonymous)
                #expect(answer == RunAnswer(status: 403, body: ["code": "forbidden", "message": "The flow failed."]))
                #expect(transport.sent.isEmpty)
            }
        }
    }
}
