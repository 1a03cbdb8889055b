extension BrokenApp {
    /// What was written a little otherwise than it was meant.
    static let slips: [BrokenApp] = [
        .blocks(
            "a text cut before #${",
            """
            - block: log
              message: order 1️⃣#${ input.orderId } paid
            - block: log
              message: Order 2️⃣#7 is paid
            - block: log
              message: Order 7 # is paid
            - block: log
              title: greets #note
              message: hello
            """,
            ExpectedFinding("1️⃣", "yaml.trap.comment", saying: "'order #${ input.orderId } paid'"),
            ExpectedFinding("2️⃣", "yaml.trap.comment", saying: "'Order #7 is paid'")
        ),
        .blocks(
            "a list's dash without a space, where the list is read on",
            """
            - block: log
              message: a
            1️⃣-block: log
              message: b
            """,
            ExpectedFinding("1️⃣", "yaml.syntax", saying: "needs a space")
        ),
        .blocks(
            "a list's dash without a space, where the line below is refused",
            """
            1️⃣-block: log
              message: b
            """,
            ExpectedFinding("1️⃣", "yaml.syntax", saying: "needs a space")
        ),
        .blocks(
            "a list's dash without a space, where it makes a mapping",
            """
            1️⃣-block: log
            message: b
            """,
            ExpectedFinding("1️⃣", "type.list", saying: "'- block:'")
        ),
        .blocks(
            "times as they stand where an expression is wanted",
            """
            - block: wait
              until: 1️⃣'2026-11-20T12:00:00Z'
            - block: wait
              until: 2️⃣2026-11-20
            """,
            ExpectedFinding("1️⃣", "type.expression", saying: "timestamp('2026-11-20T12:00:00Z')"),
            ExpectedFinding("2️⃣", "type.expression", saying: "timestamp('2026-11-20T00:00:00Z')")
        ),
        .blocks(
            "a block behind next beside when",
            """
            - block: log
              message: a
              when: input.orderId > 0
              next: 1️⃣end
            - block: log
              message: b
            """,
            ExpectedFinding("1️⃣", "flow.next.when")
        ),
        .flow(
            "headers with capitals",
            """
            flow: test
            kind: cloud
            trigger: { webhook: { method: POST, auth: none } }
            blocks:
              - id: asked
                block: http-request
                connection: stock
                path: /items
              - block: log
                when: trigger.headers["1️⃣X-Event-Id"] == 'a' && trigger.headers["x-event-id"] == 'a'
                message: '${ trigger.headers[?"2️⃣X-Id"].orValue("") }${ trigger.query["Id"] }'
              - block: log
                message: '${ blocks.asked.headers["3️⃣ETag"] }${ trigger.body.headers["X"] }'
            """,
            ExpectedFinding("1️⃣", "expression.unknown-field", saying: "\"x-event-id\""),
            ExpectedFinding("2️⃣", "expression.unknown-field"),
            ExpectedFinding("3️⃣", "expression.unknown-field", saying: "\"etag\"")
        ),
        .flow(
            "texts that look like expressions",
            """
            flow: test
            kind: page
            input:
              name: { type: string }
              list: { type: json }
            output:
              name: 1️⃣input.name
            blocks:
              - block: set-variables
                set: { other: 2️⃣input.name, file: input.csv, word: input, quoted: 'input.name' }
              - id: order
                block: insert-record
                table: orders
                set: { email: 3️⃣input.name, total: 5 }
              - id: each
                block: for-each
                each: input.list
                as: item
                do:
                  - block: log
                    message: input.name
                    fields: { kind: item }
                collect: 4️⃣item * 2
              - id: waited
                block: wait
                event: shipped
                key: 5️⃣blocks.order.id
                timeout: 1h
              - id: computed
                block: custom-code
                code: return {};
                args: { name: 6️⃣vars.other }
            """,
            ExpectedFinding("1️⃣", "type.text-expression", saying: "'${ input.name }'"),
            ExpectedFinding("2️⃣", "type.text-expression"),
            ExpectedFinding("3️⃣", "type.text-expression"),
            ExpectedFinding("4️⃣", "type.text-expression", saying: "'${ item * 2 }'"),
            ExpectedFinding("5️⃣", "type.text-expression"),
            ExpectedFinding("6️⃣", "type.text-expression")
        ),
        .flow(
            "headers that an answer never carries",
            """
            flow: test
            kind: cloud
            trigger: { webhook: { method: POST, auth: none } }
            blocks:
              - block: respond
                headers: { 1️⃣'X Y': a, 2️⃣Content-Length: '5', X-Id: b }
                body: ok
            """,
            ExpectedFinding("1️⃣", "flow.http.header"),
            ExpectedFinding("2️⃣", "flow.http.header")
        ),
        .flow(
            "an answer behind another one",
            """
            flow: test
            kind: cloud
            trigger: { webhook: { method: POST, auth: none } }
            blocks:
              - block: conditional-branch
                branches:
                  - when: trigger.method == 'POST'
                    do:
                      - block: respond
                        status: 400
              - block: respond
                body: ok
              - block: 1️⃣respond
                body: again
            """,
            ExpectedFinding("1️⃣", "flow.respond.nobody")
        ),
        .blocks(
            "addresses inside that nothing opens",
            """
            - id: own
              block: http-request
              url: 1️⃣http://127.0.0.1:8080/a
            - id: named
              block: http-request
              url: 2️⃣http://localhost/a
            - id: private
              block: http-request
              connection: 4️⃣any
              url: 3️⃣http://10.2.0.1/a
            - id: public
              block: http-request
              url: https://example.com/a
            """,
            ExpectedFinding("1️⃣", "app.http.allow", saying: "allow: [127.0.0.0/8]"),
            ExpectedFinding("2️⃣", "app.http.allow", saying: "allow: [127.0.0.0/8]"),
            ExpectedFinding("3️⃣", "app.http.allow", saying: "allow: [10.2.0.1]"),
            ExpectedFinding("4️⃣", "flow.access.command")
        ),
        .app(
            "connections inside, one of them opened",
            """
            app: shop
            connections:
              one: { service: http, url: 1️⃣'http://127.0.0.1:8080' }
              two: { service: http, url: 'http://127.0.0.1:8080', allow: [127.0.0.0/8] }
              three: { service: http, url: 'http://[::1]:8080', allow: ['::1'] }
              four: { service: http, url: 'https://example.com' }
            """,
            ExpectedFinding("1️⃣", "app.http.allow", saying: "'allow: [127.0.0.0/8]'")
        ),
    ]
}
