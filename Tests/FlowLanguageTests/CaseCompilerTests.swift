import FlowLanguage
import Testing

/// What is wrong with a case is found before it is played, with its place and a way out.
@Suite("Case files")
struct CaseCompilerTests {
    private func findings(_ text: String) throws -> [String] {
        let app = SourceFile(
            path: "app.yaml",
            bytes: Array(
                """
                app: small
                tables:
                  orders:
                    columns:
                      total: { type: int }
                events:
                  parcel: {}
                """.utf8
            )
        )
        let nightly = SourceFile(
            path: "flows/nightly.yaml",
            bytes: Array(
                """
                flow: nightly
                kind: cloud
                trigger: { schedule: { every: 1h, missed: once } }
                blocks:
                  - block: log
                    message: night
                """.utf8
            )
        )
        let flow = SourceFile(
            path: "flows/place.yaml",
            bytes: Array(
                """
                flow: place
                kind: page
                blocks:
                  - block: log
                    message: placed
                """.utf8
            )
        )
        let compiled = AppCompiler(catalogue: Catalogue()).compile([app, flow, nightly])
        let checked = try #require(compiled.app)
        let cases = CaseCompiler(app: checked).compile([SourceFile(path: "tests/a.yaml", bytes: Array(text.utf8))])
        return cases.diagnostics.map { "\($0.range.start.line):\($0.range.start.column) \($0.code)" }
    }

    @Test(
        "each mistake is found at its place",
        arguments: [
            ("case: a\nsteps: [{ page: plac }]", ["2:17 flow.unknown"]),
            ("case: a\nsteps: [{ run: place }]", ["2:16 flow.not-callable"]),
            ("case: a\nsteps: [{ run: nightly }]", ["2:11 flow.not-callable"]),
            ("case: a\nsteps: [{ schedule: place }]", ["2:21 flow.not-callable"]),
            ("case: a\nsteps: [{ schedule: nightly, at: noon }]", ["2:34 case.time"]),
            ("case: a\nsteps: [{ send: parcl }]", ["2:17 flow.event.unknown"]),
            ("case: a\nsteps: [{ capsule: ../a.capsule }]", ["2:20 case.file"]),
            ("case: a\nsteps:\n- capsule: a.capsule\n- capsule: b.capsule", ["4:3 case.step"]),
            ("case: a\nsteps: [{ input: {} }]", ["2:11 case.step"]),
            ("case: a\nsteps: [{ page: place, pay: x }]", ["2:11 case.step"]),
            ("case: a\nsteps: [{ advance: 3 days }]", ["2:20 case.duration"]),
            ("case: a\nsteps: [{ event: ../secret.json }]", ["2:18 case.file"]),
            ("case: a\ngiven: { clock: noon }\nsteps: []", ["2:17 case.time"]),
            ("case: a\nsteps: []\nexpect: { table: {} }", ["3:11 key.unknown"]),
            ("case: a\nsteps: []\nexpect: { tables: { order: [] } }", ["3:21 flow.table.unknown"]),
            ("case: a\nsteps: []\nexpect: { tables: { orders: [{ totl: 1 }] } }", ["3:32 flow.column.unknown"]),
            ("case: a\nsteps: []\nexpect: { that: tables.ordrs.size() == 1 }", ["3:24 expression.unknown-field"]),
            ("cases:\n- { case: a, steps: [] }\n- { case: a, steps: [] }", ["3:11 case.twice"]),
            ("case: a\nsteps: []\ndisturb: [{ request: 1 }]", ["3:13 key.missing"]),
        ]
    )
    func mistakes(_ text: String, _ expected: [String]) throws {
        #expect(try findings(text) == expected)
    }

    @Test("a case with all that it may say has no findings")
    func everything() throws {
        let found = try findings(
            """
            case: a
            given:
              clock: 2026-11-20T12:00:00Z
              caller: { id: ann, roles: [admin] }
              tables: { orders: [{ total: 3 }] }
              secrets: { stock.token: fake }
              answers:
                - { block: place/0, fail: lost, times: 2 }
                - { to: GET /items/*, status: 404, headers: { X: y }, body: { a: 1 } }
            steps:
              - page: place
                id: placed
                as: { id: bob, roles: [admin] }
                key: k1
                expect: { status: 200, that: [status == 200] }
              - advance: 1d2h3m4s5ms
              - stripe: charge.succeeded
                with: { payment_intent: { amount: 100 } }
              - call: POST /v1/refunds
                with: { charge: '${ steps.placed.output.x }' }
            expect:
              tables: { orders: [{ total: 3 }] }
              runs: [{ flow: place }]
              emails: []
              that: tables.orders.all(o, o.total > 0)
            disturb:
              - { twice: charge.succeeded }
              - { late: charge.succeeded, by: 2 }
              - { request: 3, meets: lost }
              - { kill: 4, durable: true }
            """
        )
        #expect(found == [])
    }

    @Test("a file has so many cases, a case so many steps, and no more")
    func limits() throws {
        let steps = String(repeating: "  - advance: 1s\n", count: Limits.stepsPerCase)
        #expect(try findings("case: a\nsteps:\n" + steps) == [])
        #expect(try findings("case: a\nsteps:\n" + steps + "  - advance: 1s\n").count == 1)
        let cases = (1...Limits.casesPerFile).map { "  - { case: 'c\($0)', steps: [] }\n" }.joined()
        #expect(try findings("cases:\n" + cases) == [])
        #expect(try findings("cases:\n" + cases + "  - { case: more, steps: [] }\n").count == 1)
    }
}
