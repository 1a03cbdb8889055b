import FlowLanguage
import Testing

@Suite("Loops: what their turns know")
struct LoopTests {
    private func check(_ blocks: String) {
        let head = "flow: test\nkind: page\ninput: { n: { type: int }, any: { type: json } }\nblocks:\n"
        expectDiagnostics(flow: head + blocks + "\n", [])
    }

    @Test(
        "a variable may change its type in a loop where no turn minds",
        arguments: [
            // It becomes what it was.
            """
            - { block: set-variables, set: { x: 1 } }
            - block: for-each
              each: '[1, 2]'
              as: it
              do:
                - { block: set-variables, set: { x: '${ string(vars.x) }' } }
                - { block: set-variables, set: { x: '${ int(vars.x) + it }' } }
            """,
            // Each turn sets it before it looks.
            """
            - { block: set-variables, set: { x: 1 } }
            - block: for-each
              each: '[1, 2]'
              as: it
              do:
                - { block: set-variables, set: { x: 'a' } }
                - { block: log, message: "${ vars.x + 'b' }" }
            """,
            // What is done with it takes both.
            """
            - { block: set-variables, set: { x: 1 } }
            - block: while
              while: int(vars.x) < 3
              max: 5
              do:
                - { block: set-variables, set: { x: '${ string(int(vars.x) + 1) }' } }
            """,
            // Nobody knows what it becomes.
            """
            - { block: set-variables, set: { x: 1 } }
            - block: for-each
              each: '[1, 2]'
              as: it
              do:
                - { block: set-variables, set: { y: '${ vars.x + 1 }' } }
                - { block: set-variables, set: { x: '${ input.any }' } }
            """,
            // Values of two types are compared: they are not equal.
            """
            - { block: set-variables, set: { last: null } }
            - block: for-each
              each: '[1, 2]'
              as: it
              do:
                - { block: log, message: "${ vars.last == null ? 'first' : 'then' }" }
                - { block: set-variables, set: { last: '${ it }' } }
            """,
            """
            - { block: set-variables, set: { last: '' } }
            - block: for-each
              each: '[1, 2]'
              as: it
              do:
                - { block: log, message: "${ vars.last == '' ? 'first' : 'then' }" }
                - { block: set-variables, set: { last: '${ it }' } }
            """,
            // It is there behind the first turn's end alone.
            """
            - block: for-each
              each: '[1, 2]'
              as: it
              do:
                - { block: set-variables, set: { x: '${ it }' } }
                - { block: set-variables, set: { x: '${ string(vars.x) }' } }
            - { block: log, message: "${ string(vars.?x.orValue('none')) }" }
            """,
            // A list that begins empty.
            """
            - { block: set-variables, set: { all: [] } }
            - block: for-each
              each: '[1, 2]'
              as: it
              do:
                - { block: set-variables, set: { all: '${ vars.all + [it] }' } }
            """,
        ]
    )
    func types(_ blocks: String) { check(blocks) }

    @Test(
        "the fail list of a loop or a try may ask for what was set inside, which may be missing",
        arguments: [
            """
            - block: for-each
              each: '[1, 2]'
              as: it
              do:
                - { block: set-variables, set: { y: '${ it }' } }
                - { block: fail, error: { message: no } }
              fail:
                - { block: log, message: 'y ${ vars.?y.orValue(0) }' }
            """,
            """
            - block: while
              while: input.n > 0
              max: 3
              do:
                - { block: set-variables, set: { y: 1 } }
                - { block: fail, error: { message: no } }
              fail:
                - { block: log, message: 'y ${ vars.?y.orValue(0) }' }
            """,
            """
            - block: try
              do:
                - { block: set-variables, set: { y: 1 } }
                - { block: fail, error: { message: no } }
              finally:
                - { block: set-variables, set: { z: 1 } }
              fail:
                - { block: log, message: 'sum ${ vars.?y.orValue(0) + vars.?z.orValue(0) }' }
            """,
            """
            - block: try
              do:
                - { block: fail, error: { message: no } }
              catch:
                - do:
                    - { block: set-variables, set: { y: 1 } }
                    - { block: fail, error: { message: again } }
              fail:
                - { block: log, message: 'y ${ vars.?y.orValue(0) }' }
            """,
        ]
    )
    func failLists(_ blocks: String) { check(blocks) }

    @Test("loops within loops whose variables change their types come to an end, and fail in none")
    func nested() {
        var blocks = "- { block: set-variables, set: { \((0..<20).map { "v\($0): 1" }.joined(separator: ", ")) } }\n"
        for depth in 0..<20 {
            let space = String(repeating: "  ", count: depth * 2)
            blocks += """
                \(space)- block: while
                \(space)  while: 1 < 2
                \(space)  max: 2
                \(space)  do:
                \(space)    - { block: set-variables, set: { v\(depth): '${ string(vars.v\(depth)) }' } }

                """
        }
        check(blocks)
    }

    @Test("a further turn is checked and not drawn: the graph and the version stay those of the first")
    func drawn() throws {
        func flow(_ then: String) -> String {
            """
            flow: test
            kind: page
            access: [customer]
            blocks:
              - { block: set-variables, set: { x: 1 } }
              - block: for-each
                each: '[1, 2]'
                as: it
                do:
                  - { id: c, block: custom-code, code: 'return {}' }
                  - block: try
                    do: [{ block: log, message: 'now ${ vars.x }' }]
                    finally: [{ block: log, message: last }]
                  - { block: set-variables, set: { x: \(then) } }

            """
        }
        let (changing, same) = (try TestApp.graph(flow("text")), try TestApp.graph(flow("2")))
        #expect(FlowGraphText.render(changing) == FlowGraphText.render(same))
        #expect(changing.finals.count == 1)
    }
}
