extension BlockKind {
    /// Lists that go on beside each other.
    static let branches = [
        BlockKind(
            "parallel",
            [.waitsForChild, .sendsRequest],
            blocks: """
                  - id: order
                    block: insert-record
                    table: orders
                    set: { name: 'run ${ run.id }', total: 500 }
                  - id: under
                    block: parallel
                    branches:
                      pay:
                        - id: intent
                          block: execute-connection-command
                          connection: stripe
                          command: create-payment-intent
                          data: { orderId: '${ blocks.order.id }', amount: 500 }
                      count:
                        - id: counted
                          block: update-record
                          table: counters
                          where: { name: only }
                          set: { value: '${ record.value + 1 }' }
                """
        ),
        BlockKind(
            "parallel-first",
            [.waitsForChild],
            blocks: """
                  - id: under
                    block: parallel
                    join: first
                    branches:
                      never:
                        - { id: long, block: wait, for: 1d }
                      quick:
                        - id: counted
                          block: update-record
                          table: counters
                          where: { name: only }
                          set: { value: '${ record.value + 1 }' }
                """
        ),
        BlockKind(
            "parallel-failing",
            [.waitsForChild],
            blocks: """
                  - id: under
                    block: parallel
                    branches:
                      never:
                        - { id: long, block: wait, for: 1d }
                      failing:
                        - { id: missing, block: find-record, table: lines, where: { text: nothing } }
                    fail:
                      - id: instead
                        block: insert-record
                        table: lines
                        set: { text: 'missed ${ run.id }' }
                """
        ),
        BlockKind(
            "for-each-concurrent",
            [.waitsForChild],
            blocks: """
                  - id: under
                    block: for-each
                    each: '[1, 2, 3, 4]'
                    as: item
                    concurrency: 2
                    do:
                      - id: turn
                        block: update-record
                        table: counters
                        where: { name: only }
                        set: { value: '${ record.value + item }' }
                    collect: '${ item }'
                """
        ),
    ]
}
