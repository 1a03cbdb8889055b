extension BrokenApp {
    /// Names that nothing has.
    static let names: [BrokenApp] = [
        .blocks(
            "a misspelt block",
            """
            - id: order
              block: 1️⃣find-recrod
              table: orders
            """,
            ExpectedFinding("1️⃣", "flow.block.unknown", saying: "did you mean 'find-record'?")
        ),
        .blocks(
            "a misspelt 'block' is one mistake, not two",
            """
            - id: order
              1️⃣blok: find-record
              table: orders
            """,
            ExpectedFinding("1️⃣", "key.unknown", saying: "did you mean 'block'?")
        ),
        .blocks(
            "a block that says not what it is",
            """
            - 1️⃣id: order
              table: orders
            """,
            ExpectedFinding("1️⃣", "key.missing", saying: "'block'")
        ),
        .flow(
            "a misspelt 'flow' is one mistake, not two",
            "1️⃣flwo: test\nkind: page\nblocks: []",
            ExpectedFinding("1️⃣", "key.unknown", saying: "did you mean 'flow'?")
        ),
        .blocks(
            "a jump out of a try that has something to do at its end",
            """
            - id: safe
              block: try
              do:
                - block: log
                  message: a
                  next: 1️⃣behind
              finally: []
            - id: behind
              block: log
              message: b
            """,
            ExpectedFinding("1️⃣", "flow.next.leaves")
        ),
        .blocks(
            "what a try may not have come to, inside its catch",
            """
            - id: safe
              block: try
              do:
                - id: seat
                  block: find-record
                  table: seats
                - block: fail
                  error: { message: stop }
              catch:
                - do:
                    - block: log
                      message: '${ blocks.1️⃣seat.left }'
            """,
            ExpectedFinding("1️⃣", "expression.may-be-missing")
        ),
        .blocks(
            "a block of a turn, behind its loop",
            """
            - block: for-each
              each: '[1, 2]'
              as: number
              do:
                - { id: seat, block: find-record, table: seats, where: { id: '${ number + index }' } }
            - block: log
              message: '${ blocks.1️⃣seat.left }'
            """,
            ExpectedFinding("1️⃣", "expression.unavailable")
        ),
        .blocks(
            "a jump out of a loop over a list",
            """
            - block: for-each
              each: '[1, 2]'
              as: number
              do:
                - { block: log, message: a, next: 1️⃣end }
            """,
            ExpectedFinding("1️⃣", "flow.next.leaves")
        ),
        .blocks(
            "a jump back out of a while, whose turns would all begin anew",
            """
            - { id: first, block: log, message: a }
            - block: while
              while: input.orderId > 0
              max: 2
              do:
                - { block: log, message: a, next: { to: 1️⃣first, max: 3 } }
            """,
            ExpectedFinding("1️⃣", "flow.next.leaves")
        ),
        .blocks(
            "an item whose name means something else",
            """
            - block: for-each
              each: '[1, 2]'
              as: 1️⃣input
              do: []
            """,
            ExpectedFinding("1️⃣", "flow.loop.name")
        ),
        .blocks(
            "a loop without a bound",
            """
            - 1️⃣block: while
              while: input.orderId > 0
              do: []
            """,
            ExpectedFinding("1️⃣", "key.missing", saying: "'max'")
        ),
        .blocks(
            "a try with nothing to try for",
            """
            - block: 1️⃣try
              do: []
            """,
            ExpectedFinding("1️⃣", "key.missing", saying: "'catch' or 'finally'")
        ),
        .blocks(
            "an upsert on a column that does not tell rows apart",
            """
            - id: order
              block: upsert-record
              table: orders
              set: { email: a@example.com, total: 1 }
              on: 1️⃣email
            """,
            ExpectedFinding("1️⃣", "flow.upsert.column", saying: "unique: true")
        ),
        .blocks(
            "a misspelt key of a block",
            """
            - block: log
              message: hello
              1️⃣levle: info
            """,
            ExpectedFinding("1️⃣", "key.unknown", saying: "did you mean 'level'?")
        ),
        .blocks(
            "a key of a later version",
            """
            - block: log
              message: hello
              1️⃣effect: safe
            """,
            ExpectedFinding("1️⃣", "key.unavailable")
        ),
        .blocks(
            "an unknown table",
            """
            - id: order
              block: find-record
              table: 1️⃣oders
            """,
            ExpectedFinding("1️⃣", "flow.table.unknown", saying: "did you mean 'orders'?")
        ),
        .blocks(
            "an unknown column in where",
            """
            - id: order
              block: find-record
              table: orders
              where: { 1️⃣emial: ann@example.com }
            """,
            ExpectedFinding("1️⃣", "flow.column.unknown", saying: "did you mean 'email'?")
        ),
        .blocks(
            "an unknown column in set, and its required column is not called missing",
            """
            - id: order
              block: insert-record
              table: orders
              set: { email: a@example.com, 1️⃣totl: 5 }
            """,
            ExpectedFinding("1️⃣", "flow.column.unknown", saying: "did you mean 'total'?")
        ),
        .blocks(
            "an unknown field of a record",
            """
            - id: order
              block: find-record
              table: orders
              where: { id: '${ input.orderId }' }
            - block: log
              message: total ${ blocks.order.1️⃣totl }
            """,
            ExpectedFinding("1️⃣", "expression.unknown-field", saying: "total")
        ),
        .blocks(
            "an unknown input",
            """
            - block: log
              message: "it is\\t${ input.1️⃣orderid }"
            """,
            ExpectedFinding("1️⃣", "expression.unknown-field", saying: "orderId")
        ),
        .blocks(
            "an unknown variable of an expression",
            """
            - block: log
              message: ${ 1️⃣inputs.name }
            """,
            ExpectedFinding("1️⃣", "expression.unknown-name", saying: "input")
        ),
        .blocks(
            "an unknown function",
            """
            - block: log
              message: ${ 1️⃣sise(input.name) }
            """,
            ExpectedFinding("1️⃣", "expression.unknown-function", saying: "size")
        ),
        .blocks(
            "an unknown connection",
            """
            - id: intent
              block: execute-connection-command
              connection: 1️⃣strpe
              command: create-payment-intent
            """,
            ExpectedFinding("1️⃣", "flow.connection.unknown", saying: "did you mean 'stripe'?")
        ),
        .blocks(
            "an unknown command",
            """
            - id: intent
              block: execute-connection-command
              connection: stripe
              command: 1️⃣create-payment-intend
            """,
            ExpectedFinding("1️⃣", "flow.command.unknown", saying: "did you mean 'create-payment-intent'?")
        ),
        .blocks(
            "an unknown parameter",
            """
            - id: intent
              block: execute-connection-command
              connection: stripe
              command: create-payment-intent
              data: { orderId: 1, 1️⃣ammount: 5 }
            """,
            ExpectedFinding("1️⃣", "flow.parameter.unknown", saying: "did you mean 'amount'?")
        ),
        .blocks(
            "an unknown flow",
            """
            - id: sub
              block: run-flow
              flow: 1️⃣tets
            """,
            ExpectedFinding("1️⃣", "flow.unknown", saying: "did you mean 'test'?")
        ),
        .blocks(
            "a dangling next",
            """
            - block: log
              message: hello
              next: 1️⃣finsh
            - id: finish
              block: log
              message: bye
            """,
            ExpectedFinding("1️⃣", "flow.next.unknown", saying: "did you mean 'finish'?")
        ),
        .blocks(
            "an id that is no identifier",
            """
            - id: 1️⃣mark-paid
              block: log
              message: hello
            """,
            ExpectedFinding("1️⃣", "name.identifier", saying: "'markPaid'")
        ),
        .blocks(
            "an id given twice",
            """
            - id: a
              block: log
              message: hello
            - id: 1️⃣a
              block: log
              message: world
            """,
            ExpectedFinding("1️⃣", "flow.id.twice", saying: "line 8")
        ),
        .blocks(
            "a comparison that does not exist",
            """
            - id: order
              block: find-records
              table: orders
              where: { total: { 1️⃣greater: 5 } }
            """,
            ExpectedFinding("1️⃣", "flow.where.operator")
        ),
        .flow(
            "a misspelt kind",
            "flow: test\nkind: 1️⃣pgae\nblocks: []",
            ExpectedFinding("1️⃣", "value.choice", saying: "did you mean 'page'?")
        ),
        .flow(
            "a misspelt key of a flow",
            "flow: test\nkind: page\n1️⃣acess: [customer]\nblocks: []",
            ExpectedFinding("1️⃣", "key.unknown", saying: "did you mean 'access'?")
        ),
        .flow(
            "a role nobody has",
            "flow: test\nkind: page\naccess: [1️⃣custommer]\nblocks: []",
            ExpectedFinding("1️⃣", "app.role.unknown", saying: "did you mean 'customer'?")
        ),
        .flow(
            "an unknown trigger",
            "flow: test\nkind: cloud\ntrigger: { 1️⃣webhok: {} }\nblocks: []",
            ExpectedFinding("1️⃣", "flow.trigger.unknown", saying: "did you mean 'webhook'?")
        ),
        .flow(
            "a web hook without auth",
            "flow: test\nkind: cloud\ntrigger:\n  1️⃣webhook: { method: POST }\nblocks: []",
            ExpectedFinding("1️⃣", "flow.webhook.auth")
        ),
        .flow(
            "a web hook whose senders sign a body that is not there",
            "flow: test\nkind: cloud\ntrigger:\n  webhook: { auth: hmac, method: 1️⃣GET }\nblocks: []",
            ExpectedFinding("1️⃣", "flow.webhook.method", saying: "signs the body")
        ),
        .flow(
            "a flow called like a route of the server",
            "flow: 1️⃣stripe\nkind: page\nblocks: []",
            ExpectedFinding("1️⃣", "name.reserved")
        ),
        .flow(
            "a flow without blocks",
            "1️⃣flow: test\nkind: page",
            ExpectedFinding("1️⃣", "key.missing", saying: "'blocks'")
        ),
    ]
}
