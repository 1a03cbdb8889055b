import Expressions
import FlowEngine
import FlowLanguage
import Testing
import TestSupport

/// A block that holds others, around the list that `body` gives at that depth.
struct HoldingBlock: Sendable, CustomTestStringConvertible {
    var word: String
    var before: String
    var after = ""
    /// Whether it holds the list in its own run: what is set there is seen behind it.
    var isSameRun = true

    var testDescription: String { word }

    static let all = [
        HoldingBlock(word: "for-each", before: "each: '[1]'\n  as: turn\n  do:"),
        HoldingBlock(
            word: "for-each, two at once",
            before: "each: '[1]'\n  as: turn\n  concurrency: 2\n  do:",
            isSameRun: false
        ),
        HoldingBlock(
            word: "while",
            before:
                "while: '!vars.turned'\n  max: 1\n  do:\n        - block: set-variables\n          set: { turned: true }"
        ),
        HoldingBlock(word: "parallel", before: "branches:\n    only:", isSameRun: false),
        HoldingBlock(word: "try", before: "do:", after: "\n  finally:\n    - block: log\n      message: left"),
        HoldingBlock(word: "conditional-branch", before: "branches:\n    - else:\n      do:"),
        HoldingBlock(
            word: "conditional-branch, all",
            before: "mode: all\n  branches:\n    - when: 'true'\n      do:"
        ),
    ]

    /// `settings` are keys of the block itself.
    func text(_ settings: String, around body: String) -> String {
        let name = word.split(separator: ",")[0]
        let keys = settings.split(separator: "\n").map { "  " + $0 }.joined(separator: "\n")
        let inner = body.split(separator: "\n").map { "        " + $0 }.joined(separator: "\n")
        return "- id: whole\n  block: \(name)\n\(keys)\n  \(before)\n\(inner)\(after)"
    }
}

@Suite("retry and timeout of blocks that are no one effect")
struct EngineRepeatTests {
    /// A line, and a charge that the bank may decline.
    private static let list = """
        - id: line
          block: insert-record
          table: lines
          set: { text: 'one' }
        - id: pay
          block: execute-connection-command
          connection: bank
          command: charge
          data: { amount: 5 }
        """

    private static func bank(declining: Int) -> ScriptedTransport {
        ScriptedTransport { _, number in .answered(OutsideAnswer(status: number <= declining ? 402 : 200)) }
    }

    private static func flow(_ block: HoldingBlock, _ settings: String, list: String = list) -> String {
        EngineRetryTests.page(
            "{ how: '${ vars.how }' }",
            "- block: set-variables\n  set: { how: done, turned: false }\n" + block.text(settings, around: list)
        )
    }

    private static let retry =
        "retry: { attempts: 3, first: 10s, factor: 2, jitter: 0, on: \"error.code == 'declined'\" }"

    @Test(
        "what a block holds is done again from its beginning, after pauses that are on disk",
        arguments: HoldingBlock.all
    )
    func attempts(_ block: HoldingBlock) async throws {
        let transport = Self.bank(declining: 2)
        try await EngineWorld.with(Self.flow(block, Self.retry)) { world in
            try await world.run(transport: transport) { engine in
                async let answer = engine.call()
                for (attempt, pause) in [(1, 10), (2, 20)] {
                    await transport.waitForSent(attempt)
                    await world.clock.waitForSleeper(within: .seconds(pause))
                    let record = try await engine.record(RunID(1), being: .retrying)
                    #expect(record.wakesAt == world.clock.now() + .seconds(pause))
                    world.clock.advance(by: .seconds(pause))
                }
                let body = try await answer.body
                #expect(body == ["how": "done"])
                #expect(transport.sent.count == 3)
                #expect(Set(transport.sent.compactMap(\.request.key)).count == 3)
                let rows = try await engine.rows("lines")
                #expect(rows.count == 3)
                let pauses = try await engine.entries(RunID(1)).filter { $0.block == "retry" }
                #expect(pauses.map(\.address.path.rawValue) == ["whole/retry", "whole/retry"])
            }
        }
    }

    @Test(
        "with the attempts used up the last failure is the block's, and its own 'fail' handles it",
        arguments: HoldingBlock.all
    )
    func exhausted(_ block: HoldingBlock) async throws {
        let transport = Self.bank(declining: 9)
        let settings = """
            \(Self.retry.replacing("first: 10s", with: "first: 0s"))
            fail:
              - block: set-variables
                set: { how: '${ error.code }' }
            """
        try await EngineWorld.with(Self.flow(block, settings)) { world in
            try await world.run(transport: transport) { engine in
                let answer = try await engine.call()
                #expect(answer.body == ["how": "declined"])
                #expect(transport.sent.count == 3)
            }
        }
    }

    @Test("a run that stopped in such a pause goes on after a restart", arguments: HoldingBlock.all)
    func restart(_ block: HoldingBlock) async throws {
        try await EngineWorld.with(Self.flow(block, Self.retry)) { world in
            try await world.run(transport: Self.bank(declining: 1)) { engine in
                async let answer = engine.callPage(
                    "f",
                    input: [:],
                    caller: .ann,
                    idempotencyKey: "k",
                    timeLimit: .zero
                )
                _ = try await answer
                await world.clock.waitForSleeper(within: .seconds(10))
                _ = try await engine.record(RunID(1), being: .retrying)
            }
            let second = Self.bank(declining: 0)
            try await world.run(transport: second) { engine in
                await world.clock.waitForSleeper(within: .seconds(10))
                #expect(second.sent.isEmpty)
                world.clock.advance(by: .seconds(10))
                let answer = try await engine.call(key: "k")
                #expect(answer.body == ["how": "done"])
                let rows = try await engine.rows("lines")
                #expect(rows.count == 2)
            }
        }
    }

    @Test("each attempt begins with the variables of the first, and each turn of a loop around has all attempts")
    func state() async throws {
        let transport = ScriptedTransport { _, number in
            .answered(OutsideAnswer(status: number.isMultiple(of: 2) ? 200 : 402))
        }
        let flow = EngineRetryTests.page(
            "{ how: '${ vars.n }' }",
            """
            - block: set-variables
              set: { n: 0 }
            - block: for-each
              each: '[1, 2, 3]'
              as: turn
              do:
                - block: try
                  retry: { attempts: 2, first: 0s, on: "error.code == 'declined'" }
                  finally:
                    - block: log
                      message: left
                  do:
                    - block: set-variables
                      set: { n: '${ vars.n + 1 }' }
                    - id: pay
                      block: execute-connection-command
                      connection: bank
                      command: charge
                      data: { amount: 5 }
            """
        )
        try await EngineWorld.with(flow) { world in
            try await world.run(transport: transport) { engine in
                let answer = try await engine.call()
                #expect(answer.body == ["how": 3])
                #expect(transport.sent.count == 6)
            }
        }
    }

    @Test(
        "an empty 'fail' at the end of a flow ends it; the attempts are as many as were allowed",
        arguments: HoldingBlock.all
    )
    func emptyFail(_ block: HoldingBlock) async throws {
        let transport = Self.bank(declining: 9)
        let settings = "\(Self.retry.replacing("first: 10s", with: "first: 0s"))\nfail: []"
        try await EngineWorld.with(Self.flow(block, settings)) { world in
            try await world.run(transport: transport) { engine in
                let answer = try await engine.call()
                #expect(answer.body == ["how": "done"])
                #expect(transport.sent.count == 3)
            }
        }
    }

    @Test("jumps count for each attempt, and 'on' sees what the block began with")
    func jumps() async throws {
        let flow = EngineRetryTests.page(
            "{ how: '${ vars.how }' }",
            """
            - block: set-variables
              set: { how: done, n: 0 }
            - id: whole
              block: conditional-branch
              retry: { attempts: 3, first: 0s, on: "vars.n == 0 && error.code == 'nope'" }
              branches:
                - else:
                  do:
                    - id: count
                      block: set-variables
                      set: { n: '${ vars.n + 1 }' }
                    - id: line
                      block: insert-record
                      table: lines
                      set: { text: 'turn' }
                    - block: conditional-branch
                      branches:
                        - when: vars.n < 3
                          do:
                            - block: log
                              message: again
                              next: { to: count, max: 2 }
                    - block: set-variables
                      set: { n: text }
                    - block: fail
                      error: { code: nope, message: no }
              fail:
                - block: set-variables
                  set: { how: '${ error.code }' }
            """
        )
        try await EngineWorld.with(flow) { world in
            try await world.run { engine in
                let answer = try await engine.call()
                #expect(answer.body == ["how": "nope"])
                let rows = try await engine.rows("lines")
                #expect(rows.count == 9)
            }
        }
    }

    @Test("a block that only computes is tried again too, and fails as before")
    func pure() async throws {
        let flow = EngineRetryTests.page(
            "{ how: '${ vars.how }' }",
            """
            - block: set-variables
              set: { how: done }
            - id: no
              block: fail
              error: { code: no, message: no }
              retry: { attempts: 3, first: 1m, factor: 1, jitter: 0, on: 'true' }
              fail:
                - block: set-variables
                  set: { how: '${ error.code }' }
            """
        )
        try await EngineWorld.with(flow) { world in
            let start = world.clock.now()
            try await world.run { engine in
                async let answer = engine.call()
                for _ in 1...2 {
                    await world.clock.waitForSleeper(within: .seconds(60))
                    world.clock.advance(by: .seconds(60))
                }
                let body = try await answer.body
                #expect(body == ["how": "no"])
            }
            #expect(world.clock.now() == start + .seconds(120))
        }
    }

    @Test("what a block holds ends at its time limit, and its own 'fail' handles that", arguments: HoldingBlock.all)
    func timeout(_ block: HoldingBlock) async throws {
        let list = """
            - block: wait
              for: 10s
              fail:
                - block: set-variables
                  set: { never: true }
            - id: line
              block: insert-record
              table: lines
              set: { text: 'one' }
            - block: wait
              for: 10s
            - id: late
              block: insert-record
              table: lines
              set: { text: 'two' }
            """
        let settings = """
            timeout: 15s
            fail:
              - block: set-variables
                set: { how: '${ error.code }' }
            """
        try await EngineWorld.with(Self.flow(block, settings, list: list)) { world in
            try await world.run { engine in
                async let answer = engine.call()
                await world.clock.waitForSleeper(within: .seconds(10))
                world.clock.advance(by: .seconds(10))
                while try await engine.rows("lines").isEmpty { await Task.yield() }
                await world.clock.waitForSleeper(within: .seconds(5))
                world.clock.advance(by: .seconds(5))
                let body = try await answer.body
                #expect(body == ["how": "timeout"])
                let rows = try await engine.rows("lines")
                #expect(rows.map { $0["text"] } == ["one"])
            }
        }
    }

    @Test("a wait for a span of time ends at its own limit; blocks that take no time keep theirs")
    func small() async throws {
        let flow = EngineRetryTests.page(
            "{ how: '${ vars.how }' }",
            """
            - block: set-variables
              set: { how: done }
              timeout: 1s
            - id: line
              block: insert-record
              table: lines
              set: { text: 'one' }
              timeout: 1s
            - block: transaction
              timeout: 1s
              do:
                - id: again
                  block: insert-record
                  table: lines
                  set: { text: 'two' }
                  timeout: 1s
            - block: wait
              for: 1h
              timeout: 5s
              fail:
                - block: set-variables
                  set: { how: '${ error.code }' }
            """
        )
        try await EngineWorld.with(flow) { world in
            try await world.run { engine in
                async let answer = engine.call()
                await world.clock.waitForSleeper(within: .seconds(5))
                world.clock.advance(by: .seconds(5))
                let body = try await answer.body
                #expect(body == ["how": "timeout"])
                let rows = try await engine.rows("lines")
                #expect(rows.count == 2)
            }
        }
    }

    // MARK: Code

    private static func code(_ settings: String) -> String {
        EngineRetryTests.page(
            "{ how: '${ vars.how }' }",
            """
            - block: set-variables
              set: { how: done }
            - id: code
              block: custom-code
              code: return 1
              \(settings)
              fail:
                - block: set-variables
                  set: { how: '${ error.code }' }
            """
        )
    }

    @Test("code that failed is run again, and makes its host calls anew")
    func codeAgain() async throws {
        let flow = Self.code("retry: { attempts: 2, first: 0s, on: 'true' }")
        try await EngineWorld.with(flow) { world in
            let code = FailingCode(failures: 1)
            try await world.run(code: code) { engine in
                let answer = try await engine.call()
                #expect(answer.body == ["how": "done"])
                let rows = try await engine.rows("orders")
                #expect(rows.count == 2)
                let attempts = try await engine.entries(RunID(1)).filter { $0.address.path.rawValue == "code" }
                #expect(attempts.map(\.address.attempt) == [1, 1, 2, 2])
            }
        }
    }

    @Test(
        "code that waits for a sub-flow beyond its time is told so, its sub-flow is cancelled, and it asks for no more"
    )
    func codeTimeout() async throws {
        let slow = """
            flow: slow
            kind: cloud
            trigger: { manual: true }
            blocks:
              - block: wait
                for: 1h
            """
        let question = CodeQuestion(
            call: "runFlow",
            arguments: .list([.string("slow"), [:], .string("wait")]),
            work: .runFlow(flow: "slow", input: [:], mode: .wait)
        )
        try await EngineWorld.with(Self.code("timeout: 20s"), slow) { world in
            let code = ScriptedCode(calls: [question, question])
            try await world.run(code: code) { engine in
                async let answer = engine.call()
                await world.clock.waitForSleeper(within: .seconds(20))
                world.clock.advance(by: .seconds(20))
                let body = try await answer.body
                #expect(body == ["how": "timeout"])
                let entries = try await engine.entries(RunID(1))
                #expect(entries.map(\.failure?.code) == ["timeout", "timeout"])
                let slow = try await engine.allRuns().filter { $0.start.flow == "slow" }
                #expect(slow.map(\.status) == [.cancelled])
            }
        }
    }
}

/// Code that inserts an order and then fails, so often; runs no JavaScript.
private final class FailingCode: CodeRunner {
    let failures: Int

    init(failures: Int) { self.failures = failures }

    func advance(_ job: CodeJob, answers: [CodeAnswer]) async -> CodeProgress {
        let order: Value = ["name": .string("order \(job.address.attempt)"), "total": 100]
        let arguments: [Value] = [.string("orders"), order]
        guard !answers.isEmpty else {
            let question = CodeQuestion(
                call: "records.insert",
                arguments: .list(arguments),
                work: .records(operation: "insert", arguments: arguments)
            )
            return CodeProgress(.asks(question))
        }
        guard job.address.attempt > failures else {
            return CodeProgress(.failed(BlockFailure(code: "code-threw", type: "code", message: "no")))
        }
        return CodeProgress(.returned(.null))
    }

    func forget(_ job: CodeJob) {}
}
