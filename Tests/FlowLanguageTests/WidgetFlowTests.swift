import Testing

@testable import FlowLanguage

@Suite("Widgets")
struct WidgetFlowTests {
    private func compile(
        _ orders: String,
        grant: String,
        setting: String = "",
        widget: String = "{ amount: 500, currency: jpy }"
    ) -> AppCompilation {
        let app = """
            app: gifts
            roles: [customer]
            tables:
              gifts:
                columns: \(orders)
                access: { owner: email }
            connections:
              stripe: { service: stripe\(setting), access: { create-payment-intent: [\(grant)] } }
            payments:
              connection: stripe
              orderTable: gifts
              widgets:
                donation: \(widget)

            """
        return AppCompiler(catalogue: TestApp.catalogue).compile([TestApp.file("app.yaml", app)])
    }

    private static let columns =
        "{ email: { type: string }, total: { type: int, min: 1 }, currency: { type: string }, open: { type: bool } }"

    @Test("a widget is a page flow that takes nothing and fixes the amount, for whom the command is granted")
    func flow() throws {
        let compilation = compile(Self.columns, grant: "public")
        #expect(compilation.diagnostics.isEmpty, "\(compilation.diagnostics)")
        let flow = try #require(compilation.app?.flows["widget-donation"])
        #expect(flow.kind == .page && flow.access == ["public"] && flow.inputs.isEmpty)
        let values = try Self.order(of: compilation)
        #expect(values.count == 4)
        #expect(["email", "open"].allSatisfy { column in values.contains { $0.hasPrefix(column) } })
        #expect(values.contains { $0.hasPrefix("total") && $0.contains("500") })
        #expect(values.contains { $0.hasPrefix("currency") && $0.contains("jpy") })
    }

    /// What the widget writes into the order: `total 500`.
    private static func order(of compilation: AppCompilation) throws -> [String] {
        let flow = try #require(compilation.app?.flows["widget-donation"])
        guard case .insertRecord(let insert)? = flow.nodes.first?.action else {
            Issue.record("no order")
            return []
        }
        return insert.set.map { assignment in
            if case .value(.constant(let value)) = assignment.value {
                "\(assignment.column) \(value)"
            } else {
                "\(assignment.column) ?"
            }
        }
    }

    @Test(
        "a widget without a currency charges in the connection's, else in the app's",
        arguments: [(", currency: EUR", "eur"), ("", "usd")]
    )
    func defaultCurrency(setting: String, currency: String) throws {
        let compilation = compile(Self.columns, grant: "public", setting: setting, widget: "{ amount: 500 }")
        #expect(compilation.diagnostics.isEmpty, "\(compilation.diagnostics)")
        let values = try Self.order(of: compilation)
        #expect(values.contains { $0.hasPrefix("currency") && $0.contains(currency) }, "\(values)")
    }

    @Test("what an order needs and a widget cannot know is a finding at its name")
    func needs() {
        let columns = "{ total: { type: int }, size: { type: string, enum: [S, L] }, email: { type: string } }"
        let compilation = compile(columns, grant: "customer")
        #expect(compilation.diagnostics.map(\.code) == ["app.widget.order"])
        #expect(compilation.diagnostics.first?.message.contains("'size'") == true)
    }

    @Test("for customers alone, the order belongs to who calls")
    func owner() throws {
        let flow = try #require(compile(Self.columns, grant: "customer").app?.flows["widget-donation"])
        #expect(flow.access == ["customer"])
    }
}
