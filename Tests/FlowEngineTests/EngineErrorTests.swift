import Expressions
import FlowEngine
import FlowLanguage
import Testing

@Suite("error: what a fail list or a catch shows of the failure that it handles")
struct EngineErrorTests {
    /// Runs the blocks, whose `vars.seen` is the answer.
    private func check(_ blocks: String, gives seen: Value) async throws {
        let flow = EngineRetryTests.page(
            "{ seen: '${ vars.seen }' }",
            "- block: set-variables\n  set: { seen: '' }\n" + blocks
        )
        try await EngineWorld.with(flow) { world in
            try await world.run { engine in
                let answer = try await engine.call()
                #expect(answer.body == ["seen": seen])
            }
        }
    }

    @Test("a block that fails in a fail list and handles that itself leaves the list its own error")
    func failList() async throws {
        try await check(
            """
            - id: order
              block: find-record
              table: orders
              where: { id: 7 }
              fail:
                - id: change
                  block: update-record
                  table: orders
                  where: { id: 7 }
                  set: { total: 1 }
                  expect: 1
                  fail:
                    - block: set-variables
                      set: { seen: '${ error.code }' }
                - block: set-variables
                  set: { seen: '${ vars.seen } ${ error.code } at ${ error.block }' }
            """,
            gives: "expectation_failed not_found at order"
        )
    }

    @Test("a try in a catch leaves the catch its own error, also behind a loop and a transaction that is undone")
    func catchList() async throws {
        try await check(
            """
            - block: try
              do:
                - { block: fail, error: { code: outer, message: outer } }
              catch:
                - do:
                    - block: for-each
                      each: '[1, 2]'
                      as: turn
                      do:
                        - block: try
                          do:
                            - block: transaction
                              do:
                                - { block: fail, error: { code: 'inner${ turn }', message: inner } }
                          catch:
                            - when: error.code == 'outer'
                              do: [{ block: fail, error: { message: wrong } }]
                            - do:
                                - block: set-variables
                                  set: { seen: '${ vars.seen }${ error.code } ' }
                          finally:
                            - block: set-variables
                              set: { seen: '${ vars.seen }${ error.code } ' }
                    - block: set-variables
                      set: { seen: '${ vars.seen }${ error.code }' }
            """,
            gives: "inner1 outer inner2 outer outer"
        )
    }

    @Test("a branch that begins in a fail list sees the error of that list, whatever fails in another branch")
    func branches() async throws {
        try await check(
            """
            - id: order
              block: find-record
              table: orders
              where: { id: 7 }
              fail:
                - id: both
                  block: parallel
                  onFailure: continue
                  branches:
                    one:
                      - { block: fail, error: { code: one, message: one } }
                    two:
                      - id: line
                        block: insert-record
                        table: lines
                        set: { text: '${ error.code }' }
                - block: set-variables
                  set: { seen: '${ error.code } ${ blocks.both.?two.line.text.orValue("none") }' }
            """,
            gives: "not_found not_found"
        )
    }

    @Test("the fail list of a conditional-branch handles what fails in its lists, in either mode and in a transaction")
    func branchList() async throws {
        let failing = """
              branches:
                - when: 'true'
                  do:
                    - { block: fail, error: { code: inside, message: inside } }
              fail:
                - block: set-variables
                  set: { seen: '${ error.code }' }
            - block: set-variables
              set: { seen: '${ vars.seen } ${ blocks.?choice.hasValue() }' }
            """
        try await check("- id: choice\n  block: conditional-branch\n\(failing)", gives: "inside false")
        try await check("- id: choice\n  block: conditional-branch\n  mode: all\n\(failing)", gives: "inside false")
        let inner = "- id: choice\n  block: conditional-branch\n\(failing)".split(separator: "\n")
            .map { "    \($0)" }.joined(separator: "\n")
        try await check("- block: transaction\n  do:\n\(inner)", gives: "inside false")
    }

    @Test("what a conditional-branch had taken is gone when a 'when' of it fails, in either mode")
    func branchCondition() async throws {
        let failing = """
              branches:
                - { when: 1 < 2, do: [] }
                - { when: 1 / size(vars.seen) > 0, do: [] }
              fail:
                - block: set-variables
                  set: { seen: '${ error.code }' }
            - block: set-variables
              set: { seen: '${ vars.seen } ${ blocks.?choice.hasValue() }' }
            """
        let divided = "divide_by_zero false"
        try await check("- id: choice\n  block: conditional-branch\n  mode: all\n\(failing)", gives: .string(divided))
        let first = failing.split(separator: "\n").filter { !$0.contains("1 < 2") }.joined(separator: "\n")
        try await check("- id: choice\n  block: conditional-branch\n\(first)", gives: .string(divided))
        // Without a list of its own, what an outer catch sees.
        try await check(
            """
            - block: try
              do:
                - id: choice
                  block: conditional-branch
                  mode: all
                  branches:
                    - { when: 1 < 2, do: [] }
                    - { when: 1 / size(vars.seen) > 0, do: [] }
                - { block: log, message: behind }
              catch:
                - do:
                    - block: set-variables
                      set: { seen: '${ error.code } ${ blocks.?choice.hasValue() }' }
            """,
            gives: .string(divided)
        )
    }

    @Test("the fail list of a loop sees the variables as the failing turn left them")
    func loopVariables() async throws {
        try await check(
            """
            - block: for-each
              each: '[1, 2]'
              as: turn
              do:
                - { block: set-variables, set: { last: '${ turn }' } }
                - block: conditional-branch
                  branches:
                    - when: turn == 2
                      do: [{ block: fail, error: { message: stop } }]
              fail:
                - block: set-variables
                  set: { seen: '${ vars.?last.orValue(0) }' }
            """,
            gives: 2
        )
    }

    @Test("with 'mode: all' taken lists the branches that were taken")
    func taken() async throws {
        try await check(
            """
            - id: choice
              block: conditional-branch
              mode: all
              branches:
                - { when: 1 < 2, do: [] }
                - { when: 1 > 2, do: [] }
                - { when: 2 < 3, do: [] }
            - id: none
              block: conditional-branch
              mode: all
              branches:
                - { when: 1 > 2, do: [] }
            - block: set-variables
              set: { seen: '${ [blocks.choice.taken, blocks.none.taken] }' }
            """,
            gives: [[0, 2], []]
        )
    }

    @Test("set-variables is one step: its values see what was before it, and a failure sets none of them")
    func oneStep() async throws {
        try await check(
            """
            - block: set-variables
              set: { a: 1, b: 2 }
            - block: set-variables
              set: { a: '${ vars.b }', b: '${ vars.a }' }
            - block: try
              do:
                - block: set-variables
                  set: { a: 7, b: '${ 1 / (vars.a - 2) }' }
              catch: [{ do: [] }]
            - block: set-variables
              set: { seen: '${ [vars.a, vars.b] }' }
            """,
            gives: [2, 1]
        )
    }
}
