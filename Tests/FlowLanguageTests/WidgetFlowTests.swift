import Testing

@testable import FlowLanguage

@Suite("Widgets")
struct WidgetFlowTests {
    private func compile(_ orders: String, grant: String) -> AppCompilation {
        let app = """
            app: gifts
            roles: [customer]
            tables:
              gifts:
                columns: \(orders)
                access: { owner: email }
            connections:
              stripe: { service: stripe, access: { create-payment-intent: [\(grant)] } }
            payments:
              connection: stripe
              orderTable: gifts
              widgets:
                donation: { amount: 500, currency: jpy }

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
        guard case .insertRecord(let insert)? = flow.nodes.first?.action else {
            Issue.record("no order")
            return
        }
        let values = insert.set.map { assignment in
            if case .value(.constant(let value)) = assignment.value { "\(assignment.column) \(value)" } else { "?" }
        }
        #expect(Set(insert.set.map(\.column)) == ["email", "total", "currency", "open"])
        #expect(values.contains { $0.hasPrefix("total") && $0.contains("500") })
        #expect(values.contains { $0.hasPrefix("currency") && $0.contains("jpy") })
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
