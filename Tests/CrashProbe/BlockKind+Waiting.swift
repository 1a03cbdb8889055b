/// Kinds that wait for something, run out of time, or do their work elsewhere.
extension BlockKind {
    static let further = waiting + outOfTime + elsewhere

    private static let waiting = [
        BlockKind(
            "wait-event",
            [.awaitsEvent],
            blocks: """
                  - id: under
                    block: wait
                    event: shipped
                    key: '${ run.id }'
                """
        ),
        BlockKind(
            "jump-backwards",
            blocks: """
                  - block: set-variables
                    set: { left: 2 }
                  - id: under
                    block: update-record
                    table: counters
                    where: { name: only }
                    set: { value: '${ record.value + 1 }' }
                  - block: set-variables
                    set: { left: '${ vars.left - 1 }' }
                  - block: conditional-branch
                    branches:
                      - when: vars.left > 0
                        do:
                          - block: log
                            message: once more
                            next: { to: under, max: 3 }
                """
        ),
        BlockKind(
            "fail",
            blocks: """
                  - block: conditional-branch
                    branches:
                      - when: blocks.before.id > 0
                        do:
                          - block: fail
                            error: { status: 409, code: closed, message: 'closed for ${ run.id }' }
                """
        ),
    ]

    /// Each waits far longer than its limit, so that a later start of the process finds it out of time as well.
    private static let outOfTime = [
        BlockKind(
            "timeout-of-wait",
            [.sleeps],
            blocks: """
                  - id: under
                    block: wait
                    event: never
                    timeout: 1m
                    fail:
                      - id: late
                        block: insert-record
                        table: lines
                        set: { text: 'late ${ run.id }' }
                """
        ),
        BlockKind(
            "timeout-of-loop",
            [.sleeps],
            blocks: """
                  - id: under
                    block: for-each
                    each: '[1, 2]'
                    as: item
                    timeout: 30s
                    do:
                      - id: turn
                        block: update-record
                        table: counters
                        where: { name: only }
                        set: { value: '${ record.value + item }' }
                      - block: wait
                        for: 9h
                    fail:
                      - id: late
                        block: insert-record
                        table: lines
                        set: { text: 'late ${ run.id }' }
                """
        ),
        BlockKind(
            "timeout-of-run",
            [.sleeps],
            settings: "timeout: 45s",
            blocks: """
                  - id: under
                    block: wait
                    for: 9h
                """
        ),
        BlockKind(
            "retry-exhausted",
            [.retries],
            blocks: """
                  - id: under
                    block: update-record
                    table: counters
                    where: { name: nobody }
                    set: { value: 1 }
                    expect: 1
                    retry: { attempts: 3, first: 2s, factor: 3, max: 5s, on: 'true' }
                """
        ),
        BlockKind(
            "retry-of-list",
            [.retries],
            blocks: """
                  - id: under
                    block: try
                    retry: { attempts: 3, first: 20s, on: "error.code == 'not_found'" }
                    do:
                      - id: kept
                        block: insert-record
                        table: lines
                        set: { text: 'kept ${ run.id }' }
                      - id: missing
                        block: find-record
                        table: lines
                        where: { text: nothing }
                    finally:
                      - id: left
                        block: insert-record
                        table: lines
                        set: { text: 'left ${ run.id }' }
                    fail:
                      - id: missed
                        block: insert-record
                        table: lines
                        set: { text: 'missed ${ run.id }' }
                """
        ),
    ]

    /// Its page makes a payment; the block itself stands in `payment-callback`, which the event about it starts.
    static let callbackHandler = "callback-handler"

    /// Sends what must not be sent again, so that a death leaves it to a person: not in the matrix, whose ends are alike.
    package static let once = BlockKind(
        "http-request-once",
        [.sendsRequest],
        blocks: """
              - id: under
                block: http-request
                connection: other
                method: POST
                path: /v1/payment_intents
                headers: { content-type: application/x-www-form-urlencoded }
                body: { amount: 700, currency: usd, 'metadata[run]': '${ run.id }' }
                effect: once
            """
    )

    private static let elsewhere = [
        BlockKind(
            callbackHandler,
            [.sendsRequest],
            blocks: """
                  - id: order
                    block: insert-record
                    table: orders
                    set: { name: 'run ${ run.id }', total: 500 }
                  - id: under
                    block: execute-connection-command
                    connection: stripe
                    command: create-payment-intent
                    data: { orderId: '${ blocks.order.id }', amount: 500 }
                """
        ),
        BlockKind(
            "http-request",
            [.sendsRequest],
            blocks: """
                  - id: under
                    block: http-request
                    connection: other
                    method: POST
                    path: /v1/payment_intents
                    headers: { content-type: application/x-www-form-urlencoded }
                    body: { amount: 700, currency: usd, 'metadata[run]': 'run ${ run.id }' }
                    effect: keyed
                """
        ),
        BlockKind(
            "custom-code",
            blocks: """
                  - id: under
                    block: custom-code
                    args: { line: '${ blocks.before.id }', run: '${ run.id }' }
                    code: |
                      const order = await records.insert('orders', { name: 'run ' + args.run, total: 5 });
                      const { changed } = await records.update('counters', { name: 'only' }, { value: 7 });
                      return { order: order.name, changed, random: Math.random() };
                """
        ),
        BlockKind(
            "custom-code-stripe",
            [.sendsRequest, .waitsForChild],
            blocks: """
                  - id: under
                    block: run-flow
                    flow: code-child
                    input: { run: '${ run.id }' }
                    mode: wait
                """
        ),
    ]
}
