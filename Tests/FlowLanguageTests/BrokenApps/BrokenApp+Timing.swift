extension BrokenApp {
    /// Waiting, repetition and time limits.
    static let timing: [BrokenApp] = [
        .blocks(
            "a span of time without a unit",
            """
            - block: wait
              for: 1️⃣30
            """,
            ExpectedFinding("1️⃣", "type.duration", saying: "1h30m")
        ),
        .blocks(
            "a span whose units stand in the wrong order",
            """
            - block: wait
              for: 1️⃣5m2h
            """,
            ExpectedFinding("1️⃣", "type.duration")
        ),
        .blocks(
            "a wait for nothing",
            """
            - 1️⃣block: wait
            """,
            ExpectedFinding("1️⃣", "flow.wait.shape", saying: "event")
        ),
        .blocks(
            "a wait for two things",
            """
            - 1️⃣block: wait
              for: 5m
              event: shipped
            """,
            ExpectedFinding("1️⃣", "flow.wait.shape")
        ),
        .blocks(
            "a wait until something that is no time",
            """
            - block: wait
              until: 1️⃣input.orderId
            """,
            ExpectedFinding("1️⃣", "type.mismatch", saying: "a time")
        ),
        .blocks(
            "an event that app.yaml does not declare",
            """
            - id: parcel
              block: wait
              event: 1️⃣shiped
              key: '${ input.orderId }'
            """,
            ExpectedFinding("1️⃣", "flow.event.unknown", saying: "shipped")
        ),
        .blocks(
            "a retry inside a transaction, which cannot wait",
            """
            - id: both
              block: transaction
              do:
                - id: order
                  block: find-record
                  table: orders
                  where: { id: 1 }
                  1️⃣retry: { attempts: 3 }
            """,
            ExpectedFinding("1️⃣", "flow.retry.block", saying: "transaction")
        ),
        .blocks(
            "a list with a charge that is tried again when a block behind the charge fails",
            """
            - block: try
              1️⃣retry: { attempts: 3 }
              do:
                - id: intent
                  block: execute-connection-command
                  connection: stripe
                  command: create-payment-intent
                  data: { orderId: '${ input.orderId }', amount: 500 }
                - id: paid
                  block: update-record
                  table: orders
                  where: { id: '${ input.orderId }' }
                  set: { note: open }
              catch:
                - when: 'false'
                  do:
                    - block: log
                      message: never
            """,
            ExpectedFinding("1️⃣", "flow.retry.repeats", saying: "'intent'")
        ),
        .blocks(
            "a loop of charges that is tried again when one of them fails",
            """
            - block: for-each
              each: '[1, 2]'
              as: number
              1️⃣retry: { attempts: 3 }
              do:
                - id: intent
                  block: execute-connection-command
                  connection: stripe
                  command: create-payment-intent
                  data: { orderId: 1, amount: 500 }
            """,
            ExpectedFinding("1️⃣", "flow.retry.repeats", saying: "alone")
        ),
        .blocks(
            "a retry without a number of attempts",
            """
            - block: find-record
              table: orders
              where: { id: 1 }
              retry: { 1️⃣first: 1s }
            """,
            ExpectedFinding("1️⃣", "key.missing", saying: "attempts")
        ),
        .blocks(
            "a retry whose longest pause is shorter than its first",
            """
            - block: find-record
              table: orders
              where: { id: 1 }
              retry: { attempts: 3, first: 1m, max: 1️⃣10s }
            """,
            ExpectedFinding("1️⃣", "value.range", saying: "at least")
        ),
        .blocks(
            "a retry whose factor is a text",
            """
            - block: find-record
              table: orders
              where: { id: 1 }
              retry: { attempts: 3, factor: 1️⃣twice }
            """,
            ExpectedFinding("1️⃣", "type.number")
        ),
        .blocks(
            "a retry on something that is no condition",
            """
            - block: find-record
              table: orders
              where: { id: 1 }
              retry: { attempts: 3, on: 1️⃣error.code }
            """,
            ExpectedFinding("1️⃣", "type.mismatch", saying: "true or false")
        ),
        .flow(
            "a time limit of a flow that is longer than a year",
            """
            flow: test
            kind: page
            timeout: 1️⃣9999d
            blocks: []
            """,
            ExpectedFinding("1️⃣", "value.range")
        ),
        .blocks(
            "a bound for a jump that leads forward",
            """
            - block: log
              message: a
              next: { to: last, max: 1️⃣3 }
            - id: last
              block: log
              message: b
            """,
            ExpectedFinding("1️⃣", "flow.next.backwards", saying: "forward")
        ),
        .blocks(
            "a jump back to a block that counts on one that was jumped over",
            """
            - block: conditional-branch
              branches:
                - when: input.orderId > 0
                  do:
                    - block: log
                      message: over it
                      next: last
            - id: order
              block: find-record
              table: orders
              where: { id: 1 }
            - id: middle
              block: log
              message: ${ blocks.order.email }
            - id: last
              block: conditional-branch
              branches:
                - when: input.orderId == 7
                  do:
                    - block: log
                      message: back
                      next: { to: 1️⃣middle, max: 3 }
            """,
            ExpectedFinding("1️⃣", "flow.next.backwards", saying: "order")
        ),
        .app(
            "an event for a role that there is not",
            """
            app: shop
            events:
              shipped: { access: [1️⃣clerk] }
            """,
            ExpectedFinding("1️⃣", "app.role.unknown")
        ),
    ]
}
