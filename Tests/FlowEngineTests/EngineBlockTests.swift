import Expressions
import FlowEngine
import FlowLanguage
import Synchronization
import Testing
import TestSupport

@Suite("Blocks on a real store")
struct EngineBlockTests {
    @Test("a three-block flow makes exactly one commit")
    func oneCommit() async throws {
        try await EngineWorld.with(SampleFlows.threeBlocks) { world in
            let counting = Mutex<CountingStore?>(nil)
            try await world.run { base in
                let store = CountingStore(base)
                counting.withLock { $0 = store }
                return store
            } body: { engine in
                let store = try #require(counting.withLock { $0 })
                store.reset()
                let answer = try await engine.call("f", ["name": "one"])
                #expect(answer == RunAnswer(status: 200, body: ["status": "PAID"]))
                #expect(store.counts.commits == 1)
                #expect(store.counts.writes == [.insertRun: 1, .insertEntry: 3, .table: 2, .updateRun: 1])
            }
        }
    }

    @Test("a flow of ten record blocks makes one commit as well")
    func tenBlocks() async throws {
        var flow = "flow: f\nkind: page\naccess: [customer]\nblocks:\n"
        for number in 1...10 {
            flow += "  - id: b\(number)\n    block: insert-record\n    table: lines\n    set: { text: 't\(number)' }\n"
        }
        try await EngineWorld.with(flow) { world in
            let counting = Mutex<CountingStore?>(nil)
            try await world.run { base in
                let store = CountingStore(base)
                counting.withLock { $0 = store }
                return store
            } body: { engine in
                let store = try #require(counting.withLock { $0 })
                store.reset()
                _ = try await engine.call()
                #expect(store.counts.commits == 1)
                #expect(try await engine.rows("lines").count == 10)
            }
        }
    }

    @Test(
        "find-records without a limit gives all rows there are, and fails where they are more than it may give",
        arguments: [(rows: 101, status: 200), (1_000, 200), (1_001, 500)]
    )
    func findAll(rows: Int, status: Int) async throws {
        let flow = """
            flow: f
            kind: page
            access: [customer]
            output: { found: '${ blocks.all.count }' }
            blocks:
              - block: for-each
                each: lists.range(\(rows))
                as: number
                do:
                  - { id: line, block: insert-record, table: lines, set: { text: 'line ${ number }' } }
              - { id: all, block: find-records, table: lines }
            """
        try await EngineWorld.with(flow) { world in
            try await world.run { engine in
                let answer = try await engine.call()
                #expect(answer.status == status)
                let failure = try await engine.record(RunID(1)).failure
                #expect(failure?.code == (status == 200 ? nil : "too_many_records"))
                if status == 200 { #expect(answer.body == ["found": .int(Int64(rows))]) }
            }
        }
    }

    @Test("a failed transaction leaves no row and no inner entry, and its failure can be handled")
    func transaction() async throws {
        try await EngineWorld.with(SampleFlows.transaction) { world in
            try await world.run { engine in
                let answer = try await engine.call()
                #expect(answer.body == ["why": "expectation_failed at both/do/second"])
                #expect(try await engine.rows("lines").map { $0["text"] } == ["behind"])
                let entries = try await engine.entries(RunID(1))
                #expect(entries.map(\.address.path.rawValue) == ["both", "behind"])
                #expect(entries.map(\.status) == [.failed, .succeeded])
                #expect(entries.map(\.sequence) == [1, 2])
            }
        }
    }

    @Test("a refused row is the block's failure; what came before it stays")
    func constraint() async throws {
        try await EngineWorld.with(SampleFlows.threeBlocks) { world in
            try await world.run { engine in
                _ = try await engine.call("f", ["name": "same"])
                let second = try await engine.call("f", ["name": "same"])
                #expect(second.status == 409)
                #expect(second.body == ["code": "constraint", "message": "The flow failed."])
                let entries = try await engine.entries(RunID(2))
                #expect(entries.map(\.status) == [.failed])
                #expect(try await engine.record(RunID(2)).status == .failed)
                #expect(try await engine.rows("orders").count == 1)
            }
        }
    }

    @Test("an author's failure says what the author said, with its status")
    func authorsFailure() async throws {
        let flow = """
            flow: f
            kind: page
            access: [customer]
            blocks:
              - id: order
                block: find-record
                table: orders
                where: { id: 1 }
                fail:
                  - block: fail
                    error: { status: 410, code: gone, message: 'No order ${ 1 }' }
            """
        try await EngineWorld.with(flow) { world in
            try await world.run { engine in
                let answer = try await engine.call()
                #expect(answer == RunAnswer(status: 410, body: ["code": "gone", "message": "No order 1"]))
            }
        }
    }

    @Test("a run that responds answers at once and goes on")
    func respond() async throws {
        let flow = """
            flow: f
            kind: page
            access: [customer]
            output: { early: { type: bool } }
            blocks:
              - block: respond
                output: { early: true }
              - id: pay
                block: execute-connection-command
                connection: bank
                command: charge
                data: { amount: 1 }
            """
        let gate = Gate()
        let transport = ScriptedTransport { _, _ in
            await gate.pass()
            return .answered(OutsideAnswer(status: 200))
        }
        try await EngineWorld.with(flow) { world in
            try await world.run(transport: transport) { engine in
                let answer = try await engine.call()
                #expect(answer == RunAnswer(status: 200, body: ["early": true]))
                #expect(try await engine.record(RunID(1)).status == .running)
                gate.open()
            }
        }
    }

    @Test("a run that has responded ends well, whatever the outputs name that did not run on its way")
    func respondAndEnd() async throws {
        let flow = """
            flow: f
            kind: page
            access: [customer]
            input: { isShort: { type: bool } }
            output: { x: '${ blocks.counted.count }' }
            blocks:
              - block: conditional-branch
                branches:
                  - when: input.isShort
                    do:
                      - block: respond
                        output: { x: 7 }
                        next: end
              - id: counted
                block: find-records
                table: orders
            """
        try await EngineWorld.with(flow) { world in
            try await world.run { engine in
                let answer = try await engine.call("f", ["isShort": true])
                #expect(answer == RunAnswer(status: 200, body: ["x": 7]))
                let record = try await engine.finished(RunID(1))
                #expect(record.status == .succeeded)
            }
        }
    }

    @Test("a caller without the role, an unknown flow, and a wrong input are refused, and nothing is stored")
    func refusals() async throws {
        try await EngineWorld.with(SampleFlows.threeBlocks) { world in
            try await world.run { engine in
                let stranger = await #expect(throws: EngineError.self) {
                    try await engine.call("f", ["name": "x"], caller: .anonymous)
                }
                #expect(stranger?.code == .forbidden)
                let unknown = await #expect(throws: EngineError.self) { try await engine.call("g") }
                #expect(unknown?.code == .unknownFlow)
                let wrong = await #expect(throws: EngineError.self) {
                    try await engine.call("f", ["name": 1, "more": 2])
                }
                let findings = [
                    InputFinding(path: "name", message: "must be string, is int"),
                    InputFinding(path: "more", message: "is not an input of this flow"),
                ]
                #expect(wrong?.code == .invalidInput(findings))
                let runs = try await engine.allRuns()
                #expect(runs.isEmpty)
            }
        }
    }

    @Test("fifty calls at once with one key make one run and get one answer; another input is refused")
    func idempotencyKey() async throws {
        try await EngineWorld.with(SampleFlows.threeBlocks) { world in
            try await world.run { engine in
                let answers = try await withThrowingTaskGroup(of: RunAnswer.self) { group in
                    for _ in 1...50 {
                        group.addTask { try await engine.call("f", ["name": "once"], key: "k") }
                    }
                    return try await group.reduce(into: []) { $0.append($1) }
                }
                #expect(Set(answers).count == 1)
                #expect(answers.count == 50)
                #expect(try await engine.allRuns().count == 1)
                #expect(try await engine.rows("orders").count == 1)
                let reused = await #expect(throws: EngineError.self) {
                    try await engine.call("f", ["name": "other"], key: "k")
                }
                #expect(reused?.code == .keyReused)
            }
        }
    }

    @Test("a final state is final: the store refuses to change it")
    func finalIsFinal() async throws {
        try await EngineWorld.with(SampleFlows.threeBlocks) { world in
            try await world.run { engine in
                _ = try await engine.call("f", ["name": "x"])
                var record = try await engine.record(RunID(1))
                #expect(record.status == .succeeded)
                record.status = .failed
                let changed = record
                let refusal = await #expect(throws: StoreError.self) {
                    try await engine.write { (transaction) throws(StoreError) in try transaction.updateRun(changed) }
                }
                #expect(refusal?.code == .finalState)
                #expect(try await engine.record(RunID(1)).status == .succeeded)
            }
        }
    }

    @Test("a repeated web-hook delivery starts one run and is counted")
    func hook() async throws {
        let flow = """
            flow: hook
            kind: cloud
            trigger:
              webhook: { method: POST, auth: none, eventId: trigger.body.id }
            blocks:
              - id: line
                block: insert-record
                table: lines
                set: { text: '${ trigger.body.id }' }
            """
        try await EngineWorld.with(flow) { world in
            try await world.run { engine in
                let trigger: Value = ["body": ["id": "evt_1"]]
                let runs = try await withThrowingTaskGroup(of: RunID?.self) { group in
                    for _ in 1...20 {
                        group.addTask {
                            try await engine.receive(hook: "hook", eventID: "evt_1", trigger: trigger, body: [1])
                        }
                    }
                    var runs: [RunID] = []
                    for try await run in group { if let run { runs.append(run) } }
                    return runs
                }
                let run = try #require(runs.first)
                #expect(runs.count == 1)
                let record = try await engine.answer(of: run, timeLimit: .seconds(86_400))
                #expect(record.status == .succeeded)
                #expect(try await engine.rows("lines").map { $0["text"] } == ["evt_1"])
                let counts = try await engine.store.read { (reader) throws(StoreError) in
                    try reader.deliveryCounts()
                }
                #expect(counts["hook"] == DeliveryCounts(accepted: 1, repeated: 19))
            }
        }
    }
}
