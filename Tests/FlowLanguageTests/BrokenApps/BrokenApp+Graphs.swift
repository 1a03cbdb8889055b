extension BrokenApp {
    /// Ways that lead nowhere, and blocks that have not run.
    static let graphs: [BrokenApp] = [
        .blocks(
            "a block that is used before it runs",
            """
            - block: log
              message: ${ blocks.1️⃣order.email }
            - id: order
              block: find-record
              table: orders
              where: { id: '${ input.orderId }' }
            """,
            ExpectedFinding("1️⃣", "expression.unavailable", saying: "runs only after")
        ),
        .blocks(
            "a block of a branch that may not have been taken",
            """
            - block: conditional-branch
              branches:
                - when: input.orderId > 0
                  do:
                    - id: order
                      block: find-record
                      table: orders
                      where: { id: '${ input.orderId }' }
            - block: log
              message: ${ blocks.1️⃣order.email }
            """,
            ExpectedFinding("1️⃣", "expression.may-be-missing", saying: "skipped")
        ),
        .blocks(
            "a block that may have been skipped by its when",
            """
            - id: order
              block: find-record
              when: input.orderId > 0
              table: orders
              where: { id: '${ input.orderId }' }
            - block: log
              message: ${ blocks.1️⃣order.email }
            """,
            ExpectedFinding("1️⃣", "expression.may-be-missing")
        ),
        .blocks(
            "the output of a block inside its own fail list",
            """
            - id: order
              block: find-record
              table: orders
              where: { id: '${ input.orderId }' }
              fail:
                - block: fail
                  error: { message: 'no ${ blocks.1️⃣order.email }' }
            """,
            ExpectedFinding("1️⃣", "expression.unavailable")
        ),
        .blocks(
            "a failed block that the flow went on from",
            """
            - id: order
              block: find-record
              table: orders
              where: { id: '${ input.orderId }' }
              fail: []
            - block: log
              message: ${ blocks.1️⃣order.email }
            """,
            ExpectedFinding("1️⃣", "expression.may-be-missing")
        ),
        .blocks(
            "error outside fail",
            """
            - block: log
              message: ${ 1️⃣error.message }
            """,
            ExpectedFinding("1️⃣", "flow.error.outside-fail")
        ),
        .blocks(
            "trigger in a page",
            """
            - block: log
              message: ${ 1️⃣trigger.body.id }
            """,
            ExpectedFinding("1️⃣", "flow.trigger.not-there")
        ),
        .blocks(
            "a variable that was never set",
            """
            - block: log
              message: ${ vars.1️⃣total }
            """,
            ExpectedFinding("1️⃣", "expression.unknown-field")
        ),
        .blocks(
            "a block behind fail",
            """
            - block: fail
              error: { message: stop }
            - block: 1️⃣log
              message: hello
            """,
            ExpectedFinding("1️⃣", "flow.block.unreachable")
        ),
        .blocks(
            "a block that every way jumps over",
            """
            - block: log
              message: a
              next: end
            - block: 1️⃣log
              message: b
            """,
            ExpectedFinding("1️⃣", "flow.block.unreachable")
        ),
        .blocks(
            "a jump backwards",
            """
            - id: first
              block: log
              message: a
            - block: log
              message: b
              next: 1️⃣first
            """,
            ExpectedFinding("1️⃣", "flow.next.backwards")
        ),
        .blocks(
            "a jump into another list",
            """
            - block: log
              message: a
              next: 1️⃣inner
            - block: conditional-branch
              branches:
                - when: input.orderId > 0
                  do:
                    - id: inner
                      block: log
                      message: b
            """,
            ExpectedFinding("1️⃣", "flow.next.elsewhere")
        ),
        .blocks(
            "a jump out of a transaction",
            """
            - block: transaction
              do:
                - id: mark
                  block: update-record
                  table: seats
                  where: { id: 1 }
                  set: { left: '${ record.left - 1 }' }
                  next: 1️⃣after
            - id: after
              block: log
              message: b
            """,
            ExpectedFinding("1️⃣", "flow.next.transaction")
        ),
        .blocks(
            "a command in a transaction",
            """
            - block: transaction
              do:
                - block: 1️⃣log
                  message: hello
            """,
            ExpectedFinding("1️⃣", "flow.transaction.block")
        ),
        .blocks(
            "next beside when",
            """
            - block: log
              message: a
              when: input.orderId > 0
              next: 1️⃣end
            """,
            ExpectedFinding("1️⃣", "flow.next.when")
        ),
        .blocks(
            "else before the last branch",
            """
            - block: conditional-branch
              branches:
                - 1️⃣else:
                  do: []
                - when: input.orderId > 0
                  do: []
            """,
            ExpectedFinding("1️⃣", "flow.branch.else")
        ),
        .blocks(
            "a callback handler in a page",
            """
            - id: handler
              block: 1️⃣callback-handler
            """,
            ExpectedFinding("1️⃣", "flow.callback.place")
        ),
        .flow(
            "a callback flow that never asks what happened",
            "flow: 1️⃣test\nkind: cloud\ntrigger: { payment: completed }\nblocks:\n  - { block: log, message: hello }",
            ExpectedFinding("1️⃣", "flow.callback.missing")
        ),
        .flow(
            "a callback flow that would do its work again for the same callback",
            """
            flow: test
            kind: cloud
            trigger: { payment: completed }
            blocks:
              - { id: handler, block: callback-handler }
              - id: mark
                block: 1️⃣update-record
                table: orders
                where: { id: '${ blocks.handler.orderId }' }
                set: { status: PAID }
            """,
            ExpectedFinding("1️⃣", "flow.callback.unguarded", saying: "callbackProcessed")
        ),
        .flow(
            "an output that may be missing at the end",
            """
            flow: test
            kind: page
            input: { orderId: { type: int } }
            output: { email: '${ blocks.1️⃣order.email }' }
            blocks:
              - block: conditional-branch
                branches:
                  - when: input.orderId > 0
                    do:
                      - { block: log, message: no, next: end }
              - id: order
                block: find-record
                table: orders
                where: { id: 1 }
            """,
            ExpectedFinding("1️⃣", "expression.may-be-missing")
        ),
        .flow(
            "an answer with an output that is not declared",
            """
            flow: test
            kind: page
            output: { email: hello }
            blocks:
              - block: respond
                output: { 1️⃣emial: hello }
            """,
            ExpectedFinding("1️⃣", "flow.output.unknown", saying: "did you mean 'email'?")
        ),
        .flow(
            "a page with a trigger",
            "flow: test\nkind: page\n1️⃣trigger: { manual: true }\nblocks: []",
            ExpectedFinding("1️⃣", "flow.trigger.page")
        ),
        .flow(
            "a cloud flow without a trigger",
            "flow: 1️⃣test\nkind: cloud\nblocks: []",
            ExpectedFinding("1️⃣", "flow.trigger.missing")
        ),
    ]

    /// Mistakes in app.yaml.
    static let apps: [BrokenApp] = [
        .app("an app without a name", "1️⃣currency: usd", ExpectedFinding("1️⃣", "key.missing", saying: "'app'")),
        .app(
            "a misspelt key of an app",
            "app: shop\n1️⃣tabels: {}",
            ExpectedFinding("1️⃣", "key.unknown", saying: "'tables'")
        ),
        .app("an unknown currency", "app: shop\ncurrency: 1️⃣uds", ExpectedFinding("1️⃣", "app.currency", saying: "'usd'")),
        .app(
            "an unknown type of a column",
            "app: shop\ntables:\n  orders:\n    columns:\n      total: { type: 1️⃣integer }",
            ExpectedFinding("1️⃣", "value.choice")
        ),
        .app(
            "a default outside its enum",
            "app: shop\ntables:\n  orders:\n    columns:\n      status: { type: string, enum: [NEW, PAID], default: 1️⃣NWE }",
            ExpectedFinding("1️⃣", "value.choice", saying: "did you mean 'NEW'?")
        ),
        .app(
            "a reference to no table",
            "app: shop\ntables:\n  seats:\n    columns:\n      order: { type: int, references: 1️⃣orders }",
            ExpectedFinding("1️⃣", "flow.table.unknown")
        ),
        .app(
            "an owner that is no column",
            """
            app: shop
            tables:
              orders:
                columns: { email: { type: string } }
                access: { owner: 1️⃣mail }
            """,
            ExpectedFinding("1️⃣", "flow.column.unknown", saying: "did you mean 'email'?")
        ),
        .app(
            "an index over no column",
            """
            app: shop
            tables:
              orders:
                columns: { email: { type: string, unique: true }, note: { type: json }, city: { type: string } }
                indexes: [1️⃣citi]
            """,
            ExpectedFinding("1️⃣", "flow.column.unknown", saying: "did you mean 'city'?")
        ),
        .app(
            "an index over JSON",
            """
            app: shop
            tables:
              orders:
                columns: { email: { type: string, unique: true }, note: { type: json }, city: { type: string } }
                indexes: [[city, 1️⃣note]]
            """,
            ExpectedFinding("1️⃣", "app.index.column")
        ),
        .app(
            "an index with the id, which ends each",
            """
            app: shop
            tables:
              orders:
                columns: { email: { type: string, unique: true }, note: { type: json }, city: { type: string } }
                indexes: [[city, 1️⃣id]]
            """,
            ExpectedFinding("1️⃣", "app.index.column")
        ),
        .app(
            "an index over nothing",
            """
            app: shop
            tables:
              orders:
                columns: { email: { type: string, unique: true }, note: { type: json }, city: { type: string } }
                indexes: [1️⃣[]]
            """,
            ExpectedFinding("1️⃣", "app.index.column")
        ),
        .app(
            "an index that names a column twice",
            """
            app: shop
            tables:
              orders:
                columns: { email: { type: string, unique: true }, note: { type: json }, city: { type: string } }
                indexes: [[city, 1️⃣city]]
            """,
            ExpectedFinding("1️⃣", "app.index.twice")
        ),
        .app(
            "an index that a unique column has already",
            """
            app: shop
            tables:
              orders:
                columns: { email: { type: string, unique: true }, note: { type: json }, city: { type: string } }
                indexes: [city, 1️⃣email]
            """,
            ExpectedFinding("1️⃣", "app.index.twice")
        ),
        .app(
            "a system table declared by the app",
            """
            app: shop
            connections: { stripe: { service: stripe } }
            tables:
              orders: { columns: { total: { type: int } } }
              1️⃣payments: { columns: { total: { type: int } } }
            payments: { connection: stripe, orderTable: orders }
            """,
            ExpectedFinding("1️⃣", "app.table.reserved")
        ),
        .app(
            "an invariant over no column",
            "app: shop\ntables:\n  orders: { columns: { total: { type: int } } }\ninvariants:\n  - tables.orders.all(o, o.1️⃣totl > 0)",
            ExpectedFinding("1️⃣", "expression.unknown-field", saying: "total")
        ),
        .app(
            "an unknown service",
            "app: shop\nconnections:\n  stripe: { service: 1️⃣strip }",
            ExpectedFinding("1️⃣", "app.service.unknown", saying: "did you mean 'stripe'?")
        ),
        .app(
            "a key in app.yaml",
            "app: shop\nconnections:\n  stripe: { service: stripe, currency: '1️⃣sk_"
                + "test_4eC39HqLyjWDarjtT1zdp7dc' }",
            ExpectedFinding("1️⃣", "file.secret", saying: "runnel secrets set")
        ),
        .app(
            "refunds for customers",
            "app: shop\nroles: [customer]\nconnections:\n  stripe: { service: stripe, access: { refund: [1️⃣customer] } }",
            ExpectedFinding("1️⃣", "app.access.refund")
        ),
        .app(
            "a missing setting",
            "app: shop\nconnections:\n  mail: { 1️⃣service: sendgrid }",
            ExpectedFinding("1️⃣", "key.missing", saying: "'from'")
        ),
        .app(
            "payments without an order table",
            "app: shop\nconnections: { stripe: { service: stripe } }\npayments: { connection: stripe, orderTable: 1️⃣orders }",
            ExpectedFinding("1️⃣", "flow.table.unknown")
        ),
        .app(
            "an amount that is no integer",
            """
            app: shop
            connections: { stripe: { service: stripe } }
            tables: { orders: { columns: { total: { type: int } } } }
            payments: { connection: stripe, orderTable: orders, widgets: { donation: { amount: 1️⃣5.00 } } }
            """,
            ExpectedFinding("1️⃣", "type.int")
        ),
        .app(
            "a misspelt yes",
            "app: shop\ntables:\n  orders: { columns: { email: { type: string, unique: 1️⃣yes } } }",
            ExpectedFinding("1️⃣", "type.bool", saying: "write true")
        ),
    ]
}
