import Expressions
import FlowEngine
import FlowLanguage
import Testing
import TestSupport

@Suite("try")
struct EngineTryTests {
    /// Charges `amount` in a `try`; zero is refused by the bank before anything is sent.
    private static func flow(catches: String, finally: Bool = true) -> String {
        """
        flow: f
        kind: page
        access: [customer]
        input: { amount: { type: int } }
        output: { why: "${ vars.why }" }
        blocks:
          - block: set-variables
            set: { why: fine }
          - id: safe
            block: try
            do:
              - id: before
                block: insert-record
                table: lines
                set: { text: before }
              - id: pay
                block: execute-connection-command
                connection: bank
                command: charge
                data: { amount: '${ input.amount }' }
              - id: behind
                block: insert-record
                table: lines
                set: { text: behind }
            catch:
        \(catches)
        \(finally ? Self.finally : "")
        """
    }

    private static let finally = """
            finally:
              - id: last
                block: insert-record
                table: lines
                set: { text: finally }
        """

    private static let zero = """
              - when: error.code == 'other'
                do:
                  - block: fail
                    error: { message: wrong }
              - when: error.code == 'zero'
                do:
                  - block: set-variables
                    set: { why: '${ error.code } at ${ error.block }' }
        """

    private static let other = """
              - when: error.code == 'other'
                do: []
        """

    private static let failing = """
              - do:
                  - block: fail
                    error: { status: 409, code: mine, message: 'caught ${ error.code }' }
        """

    private func check(
        _ flow: String,
        amount: Int64,
        gives answer: RunAnswer,
        lines: [Value]
    ) async throws {
        try await EngineWorld.with(flow) { world in
            try await world.run { engine in
                let given = try await engine.call("f", ["amount": .int(amount)])
                #expect(given == answer)
                #expect(try await engine.rows("lines").map { $0["text"] } == lines)
            }
            // Read again from the journal alone, the run ends the same way.
            try await world.run { engine in
                let record = try await engine.record(RunID(1))
                #expect(record.status == (answer.status == 200 ? .succeeded : .failed))
            }
        }
    }

    @Test("nothing fails: no catch runs, finally does")
    func fine() async throws {
        let answer = RunAnswer(status: 200, body: ["why": "fine"])
        try await check(
            Self.flow(catches: Self.zero),
            amount: 1,
            gives: answer,
            lines: ["before", "behind", "finally"]
        )
    }

    @Test("the first catch that holds sees the error; the flow goes on behind the block")
    func caught() async throws {
        let answer = RunAnswer(status: 200, body: ["why": "zero at safe/do/pay"])
        try await check(Self.flow(catches: Self.zero), amount: 0, gives: answer, lines: ["before", "finally"])
    }

    @Test("a failure that no catch takes goes on after finally")
    func uncaught() async throws {
        let answer = RunAnswer(status: 500, body: ["code": "zero", "message": "The flow failed."])
        try await check(Self.flow(catches: Self.other), amount: 0, gives: answer, lines: ["before", "finally"])
    }

    @Test("a failure inside a catch runs finally and is the flow's")
    func failingCatch() async throws {
        let answer = RunAnswer(status: 409, body: ["code": "mine", "message": "caught zero"])
        try await check(Self.flow(catches: Self.failing), amount: 0, gives: answer, lines: ["before", "finally"])
        try await check(Self.flow(catches: Self.failing, finally: false), amount: 0, gives: answer, lines: ["before"])
    }

    @Test(
        "a transaction inside is undone before its failure is caught, and an outer try takes what an inner one leaves"
    )
    func nested() async throws {
        let flow = """
            flow: f
            kind: page
            access: [customer]
            output: { why: "${ vars.why }" }
            blocks:
              - block: set-variables
                set: { why: fine }
              - id: outer
                block: try
                do:
                  - id: inner
                    block: try
                    do:
                      - id: both
                        block: transaction
                        do:
                          - id: one
                            block: insert-record
                            table: lines
                            set: { text: undone }
                          - block: fail
                            error: { code: stop, message: stop }
                    finally:
                      - id: kept
                        block: insert-record
                        table: lines
                        set: { text: finally }
                catch:
                  - do:
                      - block: set-variables
                        set: { why: '${ error.code }' }
            """
        try await EngineWorld.with(flow) { world in
            try await world.run { engine in
                let answer = try await engine.call()
                #expect(answer == RunAnswer(status: 200, body: ["why": "stop"]))
                #expect(try await engine.rows("lines").map { $0["text"] } == ["finally"])
                let entries = try await engine.entries(RunID(1))
                #expect(
                    entries.map(\.address.path.rawValue) == ["outer/do/inner/do/both", "outer/do/inner/finally/kept"]
                )
            }
        }
    }
}
