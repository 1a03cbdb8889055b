extension BrokenApp {
    /// Values of the wrong type, and what is missing.
    static let types: [BrokenApp] = [
        .blocks(
            "bad CEL",
            """
            - block: log
              message: ${ input.name +1️⃣ }
            """,
            ExpectedFinding("1️⃣", "expression.syntax")
        ),
        .blocks(
            "an expression that is never closed",
            """
            - block: log
              message: hello 1️⃣${ input.name
            """,
            ExpectedFinding("1️⃣", "expression.template")
        ),
        .blocks(
            "a text with what an error may lack",
            """
            - id: order
              block: find-record
              table: orders
              where: { id: '${ input.orderId }' }
              fail:
                - block: log
                  message: '${ error.code }${1️⃣ error.declineCode }'
            - id: again
              block: find-record
              table: orders
              where: { id: '${ input.orderId }' }
              fail:
                - block: log
                  message: 'status ${ error.status == null ? 0 : error.status }'
            """,
            ExpectedFinding("1️⃣", "type.text-null", saying: "error.declineCode == null ? 'none' : error.declineCode")
        ),
        .blocks(
            "operands that do not fit",
            """
            - block: log
              when: input.orderId 1️⃣== input.name
              message: hello
            """,
            ExpectedFinding("1️⃣", "expression.type-mismatch")
        ),
        .blocks(
            "a condition that is no boolean",
            """
            - block: log
              when: 1️⃣input.orderId
              message: hello
            """,
            ExpectedFinding("1️⃣", "type.mismatch", saying: "true or false")
        ),
        .blocks(
            "a condition inside ${ }",
            """
            - block: log
              when: 1️⃣${ input.name == 'a' }
              message: hello
            """,
            ExpectedFinding("1️⃣", "flow.expression.wrapped")
        ),
        .blocks(
            "missing required data",
            """
            - id: intent
              block: execute-connection-command
              connection: stripe
              command: create-payment-intent
              data: { 1️⃣orderId: '${ input.orderId }' }
            """,
            ExpectedFinding("1️⃣", "flow.parameter.missing", saying: "'amount'")
        ),
        .blocks(
            "a text for an integer parameter",
            """
            - id: intent
              block: execute-connection-command
              connection: stripe
              command: create-payment-intent
              data: { orderId: 1, amount: '${ 1️⃣input.name }' }
            """,
            ExpectedFinding("1️⃣", "type.mismatch", saying: "int(…)")
        ),
        .blocks(
            "a fraction for an amount",
            """
            - id: intent
              block: execute-connection-command
              connection: stripe
              command: create-payment-intent
              data: { orderId: 1, amount: 1️⃣19.99 }
            """,
            ExpectedFinding("1️⃣", "type.constant", saying: "an integer")
        ),
        .blocks(
            "a parameter outside its few values",
            """
            - id: intent
              block: execute-connection-command
              connection: stripe
              command: create-payment-intent
              data: { orderId: 1, amount: 5, captureMethod: 1️⃣manuel }
            """,
            ExpectedFinding("1️⃣", "value.choice", saying: "did you mean 'manual'?")
        ),
        .blocks(
            "an expression whose ${ } was forgotten",
            """
            - id: intent
              block: execute-connection-command
              connection: stripe
              command: create-payment-intent
              data: { orderId: 1️⃣input.orderId, amount: 5 }
            """,
            ExpectedFinding("1️⃣", "type.constant", saying: "${ … }")
        ),
        .blocks(
            "a value outside an enum",
            """
            - id: order
              block: insert-record
              table: orders
              set: { email: a@example.com, total: 5, status: 1️⃣PAYED }
            """,
            ExpectedFinding("1️⃣", "value.choice", saying: "did you mean 'PAID'?")
        ),
        .blocks(
            "a value below a column's minimum",
            """
            - id: order
              block: insert-record
              table: orders
              set: { email: a@example.com, total: 1️⃣0 }
            """,
            ExpectedFinding("1️⃣", "value.range")
        ),
        .blocks(
            "an integer for a column of type double",
            """
            - id: order
              block: insert-record
              table: orders
              set: { email: a@example.com, total: 5, weight: '${ 1️⃣input.orderId }' }
            """,
            ExpectedFinding("1️⃣", "type.mismatch", saying: "double(…)")
        ),
        .blocks(
            "an insert that leaves out a required column",
            """
            - id: order
              block: insert-record
              table: orders
              set: { 1️⃣email: a@example.com }
            """,
            ExpectedFinding("1️⃣", "flow.set.missing", saying: "'total'")
        ),
        .blocks(
            "an insert that sets the id",
            """
            - id: order
              block: insert-record
              table: orders
              set: { email: a@example.com, total: 5, 1️⃣id: 7 }
            """,
            ExpectedFinding("1️⃣", "app.column.reserved")
        ),
        .blocks(
            "an update without where",
            """
            - id: mark
              block: 1️⃣update-record
              table: orders
              set: { note: hi }
            """,
            ExpectedFinding("1️⃣", "flow.where.missing")
        ),
        .blocks(
            "a delete with an empty where",
            """
            - id: gone
              block: delete-record
              table: orders
              where: 1️⃣{}
            """,
            ExpectedFinding("1️⃣", "flow.where.missing")
        ),
        .blocks(
            "a null in where",
            """
            - id: order
              block: find-record
              table: orders
              where: { note: 1️⃣null }
            """,
            ExpectedFinding("1️⃣", "flow.where.null", saying: "isNull")
        ),
        .blocks(
            "a write to a system table",
            """
            - id: cheat
              block: update-record
              table: 1️⃣payments
              where: { orderId: 1 }
              set: { status: SUCCEEDED }
            """,
            ExpectedFinding("1️⃣", "flow.table.system")
        ),
        .blocks(
            "arithmetic on a row's column that is no int",
            """
            - id: mark
              block: update-record
              table: orders
              where: { id: 1 }
              set: { weight: '${ 1️⃣record.weight * 2.0 }' }
            """,
            ExpectedFinding("1️⃣", "flow.record.arithmetic", saying: "find-record")
        ),
        .blocks(
            "a row's column in a function",
            """
            - id: mark
              block: update-record
              table: seats
              where: { id: 1 }
              set: { left: '${ 1️⃣math.greatest(record.left, 0) }' }
            """,
            ExpectedFinding("1️⃣", "flow.record.arithmetic")
        ),
        .blocks(
            "a record inside a text",
            """
            - id: order
              block: find-record
              table: orders
              where: { id: '${ input.orderId }' }
            - block: log
              message: it is ${1️⃣ blocks.order }
            """,
            ExpectedFinding("1️⃣", "type.text-value")
        ),
        .blocks(
            "a fail without a message",
            """
            - block: fail
              error: { 1️⃣code: oops }
            """,
            ExpectedFinding("1️⃣", "key.missing", saying: "'message'")
        ),
        .blocks(
            "a status that is none",
            """
            - block: fail
              error: { message: oops, status: 1️⃣200 }
            """,
            ExpectedFinding("1️⃣", "value.range")
        ),
        .blocks(
            "an effect without an id",
            """
            - block: 1️⃣insert-record
              table: orders
              set: { email: a@example.com, total: 5 }
            """,
            ExpectedFinding("1️⃣", "flow.id.missing")
        ),
        .blocks(
            "a page that changes the state of an order",
            """
            - id: cheat
              block: update-record
              table: orders
              where: { id: '${ input.orderId }' }
              set: { 1️⃣status: PAID }
            """,
            ExpectedFinding("1️⃣", "flow.page.payment-state")
        ),
        .blocks(
            "a page open to those who may not use its command",
            """
            - id: back
              block: execute-connection-command
              connection: stripe
              command: 1️⃣refund
              data: { paymentId: 1 }
            """,
            ExpectedFinding("1️⃣", "flow.access.command", saying: "'customer'")
        ),
    ]
}
