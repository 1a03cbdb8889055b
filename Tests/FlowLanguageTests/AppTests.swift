import Expressions
import FlowLanguage
import Testing

@Suite("Apps of several files")
struct AppTests {
    private func compile(_ files: (String, String)...) -> AppCompilation {
        AppCompiler(catalogue: TestApp.catalogue).compile(files.map { TestApp.file($0.0, $0.1) })
    }

    private func found(_ compilation: AppCompilation) -> [String] {
        compilation.diagnostics.map { "\($0.range.file):\($0.range.start.line) \($0.code)" }
    }

    @Test("all findings of all files come at once, in the order of files and places")
    func order() {
        let broken = "flow: b\nkind: page\nblocks:\n- block: nope\n- block: lgo\n  message: hi\n"
        let compilation = compile(
            ("app.yaml", "app: shop\ncurrency: xyz\n"),
            ("flows/a.yaml", "flow: a\nkind: page\nblocks: *x\n"),
            ("flows/b.yaml", broken)
        )
        #expect(
            found(compilation) == [
                "app.yaml:2 app.currency", "flows/a.yaml:3 yaml.alias-unknown", "flows/b.yaml:4 flow.block.unknown",
                "flows/b.yaml:5 flow.block.unknown",
            ]
        )
        #expect(compilation.app == nil)
    }

    @Test("when app.yaml cannot be read, the flows are not blamed for names it would have declared")
    func unreadableApp() {
        let compilation = compile(
            ("app.yaml", "app: [\n"),
            ("flows/a.yaml", TestApp.checkout),
            ("flows/b.yaml", "a: 'b\n")
        )
        #expect(found(compilation) == ["app.yaml:2 yaml.syntax", "flows/b.yaml:1 yaml.quote"])
    }

    @Test("an output that a 'respond' of a flow leaves out may be missing where another flow runs it")
    func lackingOutput() throws {
        let callee = """
            flow: callee
            kind: page
            input: { a: { type: int } }
            output: { x: 1, y: 2, z: 3 }
            blocks:
              - block: conditional-branch
                branches:
                  - when: input.a > 0
                    do:
                      - block: respond
                        output: { x: 7, z: 4 }

            """
        func caller(_ value: String) -> String {
            """
            flow: caller
            kind: page
            output: { all: '${ [blocks.s.x, blocks.s.z] }', y: '${ \(value) }' }
            blocks:
              - { id: s, block: run-flow, flow: callee, input: { a: 1 } }

            """
        }
        let missing = compile(
            ("app.yaml", "app: shop\n"),
            ("flows/callee.yaml", callee),
            ("flows/caller.yaml", caller("blocks.s.y"))
        )
        #expect(found(missing) == ["flows/caller.yaml:3 expression.may-be-missing"])
        let finding = try #require(missing.diagnostics.first)
        #expect(finding.message.contains("'callee' may have answered without 'y' (flows/callee.yaml, line 10)"))
        #expect(finding.range.start.column == 65)
        let fine = compile(
            ("app.yaml", "app: shop\n"),
            ("flows/callee.yaml", callee),
            ("flows/caller.yaml", caller("blocks.s.?y.orValue(0)"))
        )
        #expect(found(fine) == [])
        // A flow that answers with all of them, or at its end, lacks nothing.
        let whole = compile(
            ("app.yaml", "app: shop\n"),
            ("flows/callee.yaml", callee.replacing("{ x: 7, z: 4 }", with: "{ x: 7, y: 5, z: 4 }")),
            ("flows/caller.yaml", caller("blocks.s.y"))
        )
        #expect(found(whole) == [])
    }

    @Test("a table whose declaration is broken is not unknown as well")
    func brokenTable() {
        let app = "app: shop\ntables:\n  orders: 5\n"
        let flow = "flow: a\nkind: page\nblocks:\n- { id: x, block: find-record, table: orders }\n"
        #expect(found(compile(("app.yaml", app), ("flows/a.yaml", flow))) == ["app.yaml:3 type.mapping"])
    }

    @Test("indexes are declared by a column's name or a list of names, beside the owner's")
    func indexes() throws {
        let app = """
            app: shop
            tables:
              orders:
                columns: { email: { type: string }, city: { type: string }, placedAt: { type: timestamp } }
                access: { owner: email }
                indexes: [city, [city, placedAt]]

            """
        let compilation = compile(("app.yaml", app))
        #expect(found(compilation) == [])
        let table = try #require(compilation.app?.table(named: "orders"))
        #expect(table.indexes.map(\.columns) == [["email"], ["city"], ["city", "placedAt"]])
        #expect(table.indexes.allSatisfy { !$0.isUnique })
    }

    @Test("an app needs app.yaml, flows have one name each, and files end in .yaml")
    func files() {
        #expect(found(compile(("flows/a.yaml", "flow: a\nkind: page\nblocks: []\n"))) == ["app.yaml:1 app.missing"])
        let flow = "flow: a\nkind: page\nblocks: []\n"
        #expect(
            found(compile(("app.yaml", "app: x\n"), ("flows/a.yaml", flow), ("flows/b.yml", flow)))
                == ["flows/b.yml:1 flow.extension", "flows/b.yml:1 flow.twice"]
        )
    }

    @Test("warnings do not stop an app")
    func warnings() {
        let app = "app: x\nroles: [c]\nconnections: { s: { service: stripe, access: { refund: [c] } } }\n"
        let compilation = compile(("app.yaml", app))
        #expect(compilation.diagnostics.map(\.severity) == [.warning])
        #expect(compilation.app?.connection(named: "s")?.access == ["refund": ["c"]])
    }

    @Test("a retry that repeats no charge that was made is no finding")
    func harmlessRetry() throws {
        let charge = """
            id: intent
                        block: execute-connection-command
                        connection: stripe
                        command: create-payment-intent
                        data: { orderId: 1, amount: 500 }
            """
        let flow = """
            flow: a
            kind: page
            access: [customer]
            blocks:
              - block: conditional-branch
                retry: { attempts: 2 }
                branches:
                  - when: 'true'
                    do:
                      - \(charge)
                  - else:
                    do:
                      - id: open
                        block: update-record
                        table: orders
                        where: { id: 1 }
                        set: { note: open }
              - id: both
                block: try
                retry: { attempts: 2 }
                do:
                  - block: find-record
                    id: order
                    table: orders
                    where: { id: 1 }
                  - block: conditional-branch
                    branches:
                      - when: 'true'
                        do:
                          - block: log
                            message: x
                finally:
                  - block: log
                    message: y

            """
        let files = [TestApp.file("app.yaml", TestApp.app), TestApp.file("flows/a.yaml", flow)]
        #expect(found(AppCompiler(catalogue: TestApp.catalogue).compile(files)) == [])
    }

    @Test("the same files give the same findings and the same versions")
    func deterministic() {
        let files = [
            TestApp.file("app.yaml", TestApp.app), TestApp.file("flows/a.yaml", TestApp.checkout),
            TestApp.file("flows/b.yaml", GraphTests.everything),
        ]
        let compiler = AppCompiler(catalogue: TestApp.catalogue)
        #expect(compiler.compile(files).diagnostics == compiler.compile(files).diagnostics)
    }

    @Test("a web hook keeps what it says, and a page without access is for admin alone")
    func declarations() throws {
        let hook = try TestApp.graph(
            "flow: a\nkind: cloud\ntrigger:\n  webhook: { auth: hmac, eventId: string(trigger.body.id), answer: when-finished }\nblocks: []\n"
        )
        guard case .webhook(let trigger)? = hook.trigger else {
            Issue.record("no web hook")
            return
        }
        #expect(trigger.method == "POST" && trigger.authentication == .hmac && trigger.answer == .whenFinished)
        #expect(trigger.eventID?.text == "string(trigger.body.id)")
        let page = try TestApp.graph("flow: a\nkind: page\nblocks: []\n")
        #expect(page.access == ["admin"])
        #expect(page.entry == nil)
    }
}
