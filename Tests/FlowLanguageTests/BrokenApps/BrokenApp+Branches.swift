extension BrokenApp {
    /// `parallel`, and `for-each` with `concurrency`.
    static let branches: [BrokenApp] = [
        .blocks(
            "a parallel without branches",
            """
            - block: parallel
              branches: 1️⃣{}
            """,
            ExpectedFinding("1️⃣", "flow.branch.empty")
        ),
        .blocks(
            "a branch that is called like what the block gives",
            """
            - block: parallel
              branches:
                1️⃣first: []
            """,
            ExpectedFinding("1️⃣", "flow.parallel.name")
        ),
        .blocks(
            "a rule for failures where failures do not matter",
            """
            - block: parallel
              join: first
              onFailure: 1️⃣continue
              branches:
                a: []
                b: []
            """,
            ExpectedFinding("1️⃣", "flow.parallel.join")
        ),
        .blocks(
            "an answer in a branch",
            """
            - block: parallel
              branches:
                a:
                  - block: 1️⃣respond
            """,
            ExpectedFinding("1️⃣", "flow.branch.block")
        ),
        .blocks(
            "a variable of the flow that a turn would only seem to change",
            """
            - block: set-variables
              set: { sum: 0 }
            - block: for-each
              each: '[1, 2]'
              as: number
              concurrency: 2
              do:
                - block: set-variables
                  set: { 1️⃣sum: '${ vars.sum + number }' }
            """,
            ExpectedFinding("1️⃣", "flow.branch.variable")
        ),
        .blocks(
            "a jump out of a branch",
            """
            - block: parallel
              branches:
                a:
                  - { block: log, message: a, next: 1️⃣behind }
            - { id: behind, block: log, message: b }
            """,
            ExpectedFinding("1️⃣", "flow.next.leaves")
        ),
        .blocks(
            "a block of one branch, in another",
            """
            - block: parallel
              branches:
                a:
                  - { id: seat, block: find-record, table: seats }
                b:
                  - { block: log, message: '${ blocks.1️⃣seat.left }' }
            """,
            ExpectedFinding("1️⃣", "expression.unavailable")
        ),
        .blocks(
            "a block of a branch, behind it, without the branch's name",
            """
            - id: both
              block: parallel
              branches:
                a:
                  - { id: seat, block: find-record, table: seats }
            - { block: log, message: '${ blocks.both.a.seat.left } ${ blocks.1️⃣seat.left }' }
            """,
            ExpectedFinding("1️⃣", "expression.unavailable")
        ),
        .blocks(
            "what a branch gives that may have lost",
            """
            - id: race
              block: parallel
              join: first
              branches:
                a:
                  - { id: seat, block: find-record, table: seats }
                b: []
            - { block: log, message: '${ blocks.race.1️⃣a.seat.left }' }
            """,
            ExpectedFinding("1️⃣", "expression.may-be-missing")
        ),
        .blocks(
            "more turns at once than there is room for",
            """
            - block: for-each
              each: '[1, 2]'
              as: number
              concurrency: 1️⃣1000
              do: []
            """,
            ExpectedFinding("1️⃣", "value.range")
        ),
        .blocks(
            "branches in a transaction",
            """
            - block: transaction
              do:
                - block: 1️⃣parallel
                  branches:
                    a: []
            """,
            ExpectedFinding("1️⃣", "flow.transaction.block")
        ),
    ]
}
