import Expressions
import FlowLanguage
import Testing

@Suite("Graphs")
struct GraphTests {
    /// One of each block, with every list a block can have.
    static let everything = """
        flow: everything
        kind: cloud
        trigger:
          webhook: { method: POST, auth: hmac, eventId: 'string(trigger.body.id)', answer: when-finished }
        blocks:
          - id: start
            block: set-variables
            set: { count: 1, who: '${ trigger.body.who }', all: [1, '${ trigger.method }'] }
          - block: log
            level: debug
            message: 'from ${ string(vars.who) }: ${ vars.count + 1 }'
            fields: { body: '${ trigger.body }' }
          - id: seats
            block: find-records
            table: seats
            where: { left: { gte: 1, not: 7 }, order: { in: [1, 2] } }
            order: { left: desc }
            limit: 10
          - id: book
            block: transaction
            do:
              - id: take
                block: update-record
                table: seats
                where: { id: 1, left: { gte: '${ vars.count }' } }
                set: { left: '${ record.left - vars.count * 2 }' }
                expect: 1
              - id: note
                block: insert-record
                table: orders
                set: { email: a@example.com, total: '${ blocks.seats.count + 1 }', note: null }
            fail:
              - block: log
                level: warning
                message: '${ error.code }: ${ error.message }'
                next: answer
          - id: pay
            block: execute-connection-command
            connection: stripe
            command: create-payment-intent
            when: blocks.?note.hasValue()
            data: { orderId: 1, amount: 100, customProps: { a: { b: [1, x] } } }
            effect: once
            success:
              - { block: log, message: '${ blocks.pay.client_secret }' }
            fail: []
          - id: each
            block: conditional-branch
            mode: all
            branches:
              - when: vars.count > 0
                do: [{ block: log, message: one }]
              - when: vars.count > 1
                do: []
          - id: other
            block: run-flow
            flow: everything
            mode: start
            when: 'false'
          - id: gone
            block: delete-record
            table: seats
            where: { id: '${ blocks.?other.run.orValue(0) }' }
          - id: answer
            block: respond
            status: 201
            headers: { X-Count: '${ string(vars.count) }' }
            body: { ok: true, taken: '${ vars.count }' }
          - { id: last, block: fail, error: { message: over, code: over, status: 418 } }

        """

    @Test("each block becomes a node, and nested lists rejoin behind their owner")
    func lists() throws {
        let text = Self.everything.replacing("flow: everything\n    mode", with: "flow: manual\n    mode")
        let app = AppCompiler(catalogue: TestApp.catalogue).compile([
            TestApp.file("app.yaml", TestApp.app),
            TestApp.file("flows/everything.yaml", text),
            TestApp.file("flows/manual.yaml", "flow: manual\nkind: cloud\ntrigger: { manual: true }\nblocks: []\n"),
        ])
        #expect(app.diagnostics == [])
        let graph = try #require(app.app?.flows["everything"])
        let expected = """
            cloud flow everything on webhook POST hmac
            entry start
            start set-variables → 1
            1 log → seats
            seats find-records seats → book
            book transaction → book/do/take; fail → book/fail/0; → pay
                book/do/take update-record seats → book/do/note
                book/do/note insert-record orders → book(end)
            book transaction (end) → pay
                book/fail/0 log → answer
            pay execute-connection-command stripe.create-payment-intent when(blocks.?note.hasValue()) \
            success → pay/success/0; fail → each; → each
                pay/success/0 log → each
            each conditional-branch [else] → each/0; → other
              each/0 conditional-branch [vars.count > 0] → each/0/0; → each/1
                each/0/0 log → each/1
              each/1 conditional-branch [vars.count > 1] → other; → other
            other run-flow manual when(false) → gone
            gone delete-record seats → answer
            answer respond → last
            last fail

            """
        #expect(FlowGraphText.render(graph) == expected)
    }

    @Test("branches are lists of their own that end in nodes of theirs; what fails inside fails the branch alone")
    func branches() throws {
        let graph = try TestApp.graph(
            """
            flow: test
            kind: page
            input: { n: { type: int } }
            blocks:
              - id: both
                block: parallel
                join: first
                branches:
                  a:
                    - { id: seat, block: find-record, table: seats }
                  b: []
                fail:
                  - { block: log, message: neither }
              - id: each
                block: for-each
                each: '[1, 2]'
                as: number
                concurrency: 5
                onFailure: continue
                do:
                  - { block: log, message: '${ number } ${ index }' }

            """
        )
        let expected = """
            page flow test
            input n: int
            entry both
            both parallel first a → both/a/seat; b → both(end); fail → both/fail/0; → each
                both/a/seat find-record seats → both(end)
            both branch (end) → each
            both branch (end) → each
                both/fail/0 log → each
            each for-each onFailure(continue) [[1, 2]] 5 at once → each/do/0; → end
                each/do/0 log → each(end)
            each branch (end) → end

            """
        #expect(FlowGraphText.render(graph) == expected)
        #expect(graph.nodes[1].failure == .propagates)
    }

    @Test("arithmetic on the row's own columns becomes an expression over columns")
    func recordArithmetic() throws {
        let graph = try TestApp.graph(
            """
            flow: test
            kind: page
            input: { n: { type: int } }
            blocks:
              - id: take
                block: update-record
                table: seats
                where: { id: '${ input.n }', left: { gte: '${ input.n }' } }
                set: { left: '${ (record.left - input.n * 2) * 3 }' }

            """
        )
        guard case .updateRecord(let update) = graph.nodes[0].action,
            case .multiply(
                .subtract(.column("left"), .value(.expression(let amount))),
                .value(.expression(let three))
            )? =
                update.set.first?.value
        else {
            Issue.record("another shape: \(graph.nodes[0].action)")
            return
        }
        #expect(amount.expression.text.contains("input.n * 2"))
        #expect(three.expression.text == "3")
        #expect(update.conditions.map(\.operator) == [.equals, .gte])
    }

    @Test("a scalar that is exactly ${ } keeps its type; text around it makes a text; constants are folded")
    func templates() throws {
        let graph = try TestApp.graph(
            """
            flow: test
            kind: page
            input: { n: { type: int } }
            blocks:
              - block: set-variables
                set: { a: '${ input.n }', b: 'n ${ input.n }', c: [1, { d: no }], e: '$${ literal }', f: ['${ input.n }'] }

            """
        )
        guard case .setVariables(let set) = graph.nodes[0].action else { return }
        guard case .expression(let a) = set[0].value, case .text(let b) = set[1].value,
            case .constant(let c) = set[2].value, case .constant(let e) = set[3].value, case .list(let f) = set[4].value
        else {
            Issue.record("other shapes: \(set)")
            return
        }
        #expect(a.expression.type == .int)
        #expect(a.range.start.line == 6)
        #expect(b.count == 2)
        #expect(c == .list([.int(1), .map(["d": .string("no")])]))
        #expect(e == .string("${ literal }"))
        #expect(f.count == 1)
    }

    @Test(
        "a block that has run on every way may be used; one that may have been skipped with .?",
        arguments: [
            """
            - id: a
              block: conditional-branch
              branches:
                - when: input.n > 0
                  do: [{ id: x, block: find-record, table: orders, where: { id: 1 } }]
                - else:
                  do: [{ block: fail, error: { message: no } }]
            - { block: log, message: '${ blocks.x.email }' }
            """,
            """
            - { id: x, block: find-record, table: orders, where: { id: 1 }, fail: [{ block: log, message: no, next: end }] }
            - { block: log, message: '${ blocks.x.email }' }
            """,
            """
            - { id: x, block: find-record, table: orders, where: { id: 1 }, when: input.n > 0 }
            - { block: log, message: "${ blocks.?x.email.orValue('nobody') }" }
            """,
            """
            - block: conditional-branch
              branches:
                - when: input.n > 0
                  do: [{ block: log, message: hi, next: last }]
            - { id: x, block: find-record, table: orders, where: { id: 1 } }
            - { id: last, block: log, message: "${ blocks.?x.email.orValue('nobody') }" }
            """,
            """
            - block: conditional-branch
              branches:
                - { when: input.n > 0, do: [{ block: set-variables, set: { v: 1 } }] }
                - { else: , do: [{ block: set-variables, set: { v: 2 } }] }
            - { block: log, message: 'v ${ vars.v + 1 }' }
            """,
        ]
    )
    func definiteAssignment(_ blocks: String) {
        let head = "flow: test\nkind: page\ninput: { n: { type: int } }\nblocks:\n"
        expectDiagnostics(flow: head + blocks + "\n", [])
    }

    @Test("a page that has answered on a way owes its outputs on the others alone")
    func answered() {
        expectDiagnostics(
            flow: """
                flow: test
                kind: page
                input: { n: { type: int } }
                output: { email: '${ blocks.x.email }' }
                blocks:
                  - block: conditional-branch
                    branches:
                      - when: input.n > 0
                        do: [{ block: respond, output: { email: none }, next: end }]
                  - { id: x, block: find-record, table: orders, where: { id: 1 } }

                """,
            []
        )
    }
}
