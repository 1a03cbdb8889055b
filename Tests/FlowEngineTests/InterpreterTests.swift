import Expressions
@testable import FlowEngine
import FlowLanguage
import Testing

@Suite("The interpreter decides and does nothing")
struct InterpreterTests {
    private static let noon = Timestamp(rfc3339: "2026-11-20T12:00:00Z") ?? .distantPastForTests

    private func interpreter(_ flow: String, input: ValueMap = [:]) throws -> Interpreter {
        let graph = try SampleApp.graph(flow)
        let start = RunStart(
            flow: graph.name,
            version: graph.version,
            origin: .page,
            input: input,
            caller: Caller(id: "ann", roles: ["customer"]),
            mode: .test
        )
        return Interpreter(graph: graph, run: RunID(7), start: start, startedAt: Self.noon)
    }

    private func performed(_ action: InterpreterAction) throws -> BlockCall {
        guard case .perform(let call) = action else {
            Issue.record("expected an effect, got \(action)")
            throw NondeterminismError(message: "\(action)")
        }
        return call
    }

    @Test("pure blocks are passed inside, and their trace goes with the next effect")
    func pureBlocks() throws {
        var run = try interpreter(
            """
            flow: f
            kind: page
            input: { n: { type: int } }
            blocks:
              - block: set-variables
                set: { twice: '${ input.n * 2 }' }
              - id: size
                block: conditional-branch
                branches:
                  - when: vars.twice > 10
                    do:
                      - block: log
                        message: 'big ${ vars.twice }'
                  - else:
                    do:
                      - block: log
                        message: small
              - id: line
                block: insert-record
                table: lines
                set: { text: 'n is ${ vars.twice }' }
            """,
            input: ["n": 6]
        )
        let call = try performed(run.next(now: Self.noon))
        #expect(call.path == BlockPath("line"))
        #expect(call.trace.map(\.block) == ["set-variables", "conditional-branch", "log"])
        #expect(run.takeLines().map(\.message) == ["big 12"])
        guard case .insert(let table, let values) = call.work else { return #expect(Bool(false), "\(call.work)") }
        #expect(table == "lines")
        #expect(values.map(\.value) == ["n is 12"])
        run.succeeded(call, output: ["id": 1])
        guard case .finish(.succeeded(let output)) = run.next(now: Self.noon) else {
            return #expect(Bool(false), "not finished")
        }
        #expect(output?.isEmpty == true)
    }

    @Test("a null inside text is a failure with a place")
    func nullInText() throws {
        var run = try interpreter(
            """
            flow: f
            kind: page
            input: { note: { type: string, optional: true } }
            blocks:
              - block: log
                message: 'note ${ input.note }'
            """,
            input: ["note": .null]
        )
        guard case .finish(.failed(let failure)) = run.next(now: Self.noon) else {
            return #expect(Bool(false), "not failed")
        }
        #expect(failure.code == "null_in_text")
        #expect(failure.type == "expression")
        #expect(failure.message.hasPrefix("flows/flow0.yaml:6:"))
        #expect(failure.block == "0")
    }

    @Test("a failure that is handled goes on in fail with error set, then behind the block")
    func handledFailure() throws {
        var run = try interpreter(
            """
            flow: f
            kind: page
            blocks:
              - id: order
                block: find-record
                table: orders
                where: { id: 1 }
                fail:
                  - block: set-variables
                    set: { why: '${ error.code }' }
              - id: line
                block: insert-record
                table: lines
                set: { text: "${ vars.?why.orValue('none') }" }
            """
        )
        let find = try performed(run.next(now: Self.noon))
        run.failed(find, BlockFailure(code: "not_found", type: "record", message: "none"), at: Self.noon)
        let insert = try performed(run.next(now: Self.noon))
        guard case .insert(_, let values) = insert.work else { return #expect(Bool(false), "\(insert.work)") }
        #expect(values.map(\.value) == ["not_found"])
    }

    @Test("a failure inside a transaction rolls back and is the transaction's own")
    func transactionRollsBack() throws {
        var run = try interpreter(Self.transaction)
        guard case .openTransaction(let transaction) = run.next(now: Self.noon) else {
            return #expect(Bool(false), "no transaction")
        }
        let first = try performed(run.next(now: Self.noon))
        _ = run.takeSequence()
        run.succeeded(first, output: ["id": 1])
        let second = try performed(run.next(now: Self.noon))
        run.failed(second, BlockFailure(code: "constraint", type: "record", message: "no"), at: Self.noon)
        guard case .rollBack(let undone, let failure) = run.next(now: Self.noon) else {
            return #expect(Bool(false), "no rollback")
        }
        #expect(undone.path == transaction.path)
        #expect(failure.block == "both/do/second")
        #expect(run.takeSequence() == 1)
        run.failed(undone, failure, at: Self.noon)
        guard case .finish(.failed(let end)) = run.next(now: Self.noon) else {
            return #expect(Bool(false), "not failed")
        }
        #expect(end.code == "constraint")
    }

    static let transaction = """
        flow: f
        kind: page
        blocks:
          - id: both
            block: transaction
            do:
              - id: first
                block: insert-record
                table: lines
                set: { text: one }
              - id: second
                block: insert-record
                table: lines
                set: { text: two }
        """

    @Test("backward jumps without an effect end in a failure, not in a loop")
    func endlessLoop() throws {
        var graph = try SampleApp.graph(
            """
            flow: f
            kind: page
            blocks:
              - block: set-variables
                set: { n: 1 }
              - block: set-variables
                set: { n: 2 }
            """
        )
        // The language has no backward jumps yet; the graph can say them.
        graph.nodes[1].next = graph.entry
        let start = RunStart(flow: "f", version: graph.version, origin: .page, caller: .system, mode: .test)
        var run = Interpreter(graph: graph, run: RunID(7), start: start, startedAt: Self.noon)
        guard case .finish(.failed(let failure)) = run.next(now: Self.noon) else {
            return #expect(Bool(false), "not failed")
        }
        #expect(failure.code == "too_many_blocks")
    }

    @Test("a loop over the rows that one find-records may give has room for blocks without an effect")
    func longPureLoop() throws {
        let graph = try SampleApp.graph(
            """
            flow: f
            kind: page
            output: { sum: '${ vars.sum }' }
            blocks:
              - { block: set-variables, set: { sum: 0 } }
              - block: for-each
                each: lists.range(\(FlowLanguage.Limits.rowsPerFind))
                as: row
                do:
                  - block: conditional-branch
                    branches:
                      - when: row % 2 == 1
                        do: [{ block: set-variables, set: { sum: '${ vars.sum + row }' } }]
                  - { block: log, message: 'row ${ row }' }

            """
        )
        let start = RunStart(flow: "f", version: graph.version, origin: .page, caller: .system, mode: .test)
        var run = Interpreter(graph: graph, run: RunID(7), start: start, startedAt: Self.noon)
        guard case .finish(.succeeded(let output)) = run.next(now: Self.noon) else {
            return #expect(Bool(false), "not succeeded")
        }
        #expect(output?["sum"] == 250_000)
    }

    @Test("a loop with as many turns as may be comes to its end without an effect")
    func longestPureLoop() throws {
        let turns = FlowLanguage.Limits.turnsPerLoop
        var run = try interpreter(
            """
            flow: f
            kind: page
            output: { n: '${ vars.n }' }
            blocks:
              - { block: set-variables, set: { n: 0 } }
              - block: while
                while: vars.n < \(turns)
                max: \(turns)
                do:
                  - block: conditional-branch
                    branches:
                      - when: vars.n >= 0
                        do: [{ block: set-variables, set: { n: '${ vars.n + 1 }' } }]
                  - { block: set-variables, set: { m: '${ vars.n }' } }
            """
        )
        guard case .finish(.succeeded(let output)) = run.next(now: Self.noon) else {
            return #expect(Bool(false), "not succeeded")
        }
        #expect(output?["n"] == .int(Int64(turns)))
    }

    // MARK: Replay

    @Test("replay takes the recorded way, sees the recorded now, and goes on live")
    func replay() throws {
        let flow = """
            flow: f
            kind: page
            blocks:
              - id: first
                block: insert-record
                table: lines
                set: { text: 'at ${ now }' }
              - id: second
                block: insert-record
                table: lines
                set: { text: 'after ${ blocks.first.id }' }
            """
        let fresh = try interpreter(flow)
        let entry = JournalEntry(
            address: EntryAddress(run: RunID(7), path: BlockPath("first"), visit: 1, attempt: 1),
            sequence: 1,
            block: "insert-record",
            status: .succeeded,
            startedAt: Self.noon,
            output: ["id": 41]
        )
        var replayed = try JournalReplay(fresh, entries: [entry]).interpreter
        let call = try performed(replayed.next(now: Self.noon))
        guard case .insert(_, let values) = call.work else { return #expect(Bool(false), "\(call.work)") }
        #expect(values.map(\.value) == ["after 41"])
        #expect(replayed.takeSequence() == 2)
    }

    @Test("an entry that this flow cannot have written is told, not followed")
    func nondeterminism() throws {
        let fresh = try interpreter(Self.transaction)
        let stranger = JournalEntry(
            address: EntryAddress(run: RunID(7), path: BlockPath("elsewhere"), visit: 1, attempt: 1),
            sequence: 1,
            block: "update-record",
            status: .succeeded,
            startedAt: Self.noon
        )
        #expect(throws: NondeterminismError.self) { try JournalReplay(fresh, entries: [stranger]) }
    }
}

extension Timestamp {
    /// Stands in where a constant text would not parse; a test with it fails anyway.
    static var distantPastForTests: Timestamp {
        guard let timestamp = Timestamp(microseconds: 0) else { preconditionFailure("the epoch is a time") }
        return timestamp
    }
}
