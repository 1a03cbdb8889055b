extension BrokenApp {
    /// Variables that later turns of a loop find as something else.
    static let loops: [BrokenApp] = [
        .blocks(
            "a variable that is a number in the first turn of a for-each and a text in the second",
            """
            - block: set-variables
              set: { x: 1 }
            - block: for-each
              each: '[1, 2]'
              as: it
              do:
                - block: set-variables
                  set: { y: '${ vars.x 1️⃣+ 1 }' }
                - block: set-variables
                  set: { x: 'text' }
            """,
            ExpectedFinding("1️⃣", "flow.loop.variable", saying: "'vars.x' is a text")
        ),
        .blocks(
            "a while whose condition its own turns spoil",
            """
            - block: set-variables
              set: { z: 0 }
            - block: while
              while: vars.z 1️⃣< 3
              max: 5
              do:
                - block: set-variables
                  set: { z: '${ string(vars.z) }' }
            """,
            ExpectedFinding("1️⃣", "flow.loop.variable", saying: "'vars.z' is a text")
        ),
        .blocks(
            "a variable that is a text from the third turn on, since it takes over what another was",
            """
            - block: set-variables
              set: { a: 1, b: 2 }
            - block: for-each
              each: '[1, 2, 3]'
              as: it
              do:
                - block: set-variables
                  set: { c: '${ vars.b 1️⃣* 2 }' }
                - block: set-variables
                  set: { b: '${ vars.a }', a: 'text' }
            """,
            ExpectedFinding("1️⃣", "flow.loop.variable", saying: "'vars.b' is a text")
        ),
        .blocks(
            "a number that collect adds to at the end of a turn, which took a text over in the second",
            """
            - block: set-variables
              set: { a: 1, b: 2 }
            - block: for-each
              each: '[1, 2, 3]'
              as: it
              collect: ${ vars.b 1️⃣* 2 }
              do:
                - block: set-variables
                  set: { b: '${ vars.a }', a: 'text' }
            """,
            ExpectedFinding("1️⃣", "flow.loop.variable", saying: "'vars.a' is a text")
        ),
        .blocks(
            "a loop inside another whose turns leave a list where a function wants a text",
            """
            - block: set-variables
              set: { name: one }
            - block: for-each
              each: '[1, 2]'
              as: outer
              do:
                - block: while
                  while: vars.name.1️⃣startsWith('o')
                  max: 5
                  do:
                    - block: log
                      message: hello
                - block: set-variables
                  set: { name: '${ [outer] }' }
            """,
            ExpectedFinding("1️⃣", "flow.loop.variable", saying: "'vars.name' is a list")
        ),
        .blocks(
            "a fail list that counts on what its loop may not have set",
            """
            - block: for-each
              each: '[1, 2]'
              as: it
              do:
                - block: set-variables
                  set: { y: '${ it }' }
                - block: fail
                  error: { message: stop }
              fail:
                - block: log
                  message: ${ vars.1️⃣y }
            """,
            ExpectedFinding("1️⃣", "expression.may-be-missing", saying: ".?y")
        ),
        .blocks(
            "a fail list that asks for a block of one turn",
            """
            - block: for-each
              each: '[1, 2]'
              as: it
              do:
                - id: order
                  block: find-record
                  table: orders
                  where: { id: '${ it }' }
                - block: fail
                  error: { message: stop }
              fail:
                - block: log
                  message: ${ blocks.1️⃣order.email }
            """,
            ExpectedFinding("1️⃣", "expression.unavailable")
        ),
    ]
}
