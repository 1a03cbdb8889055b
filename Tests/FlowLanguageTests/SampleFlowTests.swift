import Expressions
import FlowLanguage
import Testing

@Suite("The flows of the design")
struct SampleFlowTests {
    @Test("the page flow of the design compiles to its graph")
    func checkout() throws {
        let graph = try TestApp.graph(TestApp.checkout)
        let expected = """
            page flow checkout
            input orderId: int
            entry order
            order find-record orders fail → order/fail/0; → open
                order/fail/0 fail
            open conditional-branch [blocks.order.status != 'NEW'] → open/0/0; → intent
                open/0/0 fail
            intent execute-connection-command stripe.create-payment-intent → end
            output clientSecret, publishableKey

            """
        #expect(FlowGraphText.render(graph) == expected)
        #expect(graph.access == ["customer", "admin"])
        #expect(graph.title == "Start the card payment of an order")
    }

    @Test("the payment callback of the design compiles to its graph")
    func paymentCallback() throws {
        let graph = try TestApp.graph(TestApp.paymentCallback)
        let expected = """
            cloud flow payment-callback on payment: completed
            entry handler
            handler callback-handler → outcome
            outcome conditional-branch \
            [blocks.handler.paymentStatus == 'SUCCEEDED' && !blocks.handler.callbackProcessed] → outcome/0/markPaid; \
            [else] → outcome/1/0; → end
                outcome/0/markPaid update-record orders → end
                outcome/1/0 log → end

            """
        #expect(FlowGraphText.render(graph) == expected)
        #expect(graph.trigger == .callback(.paymentCompleted))
    }

    @Test("an app is compiled whole: tables, payments, roles, connections, flows")
    func app() throws {
        let compilation = AppCompiler(catalogue: TestApp.catalogue).compile([
            TestApp.file("shop/app.yaml", TestApp.app),
            TestApp.file("shop/flows/checkout.yaml", TestApp.checkout),
            TestApp.file("shop/flows/payment-callback.yaml", TestApp.paymentCallback),
        ])
        #expect(compilation.diagnostics == [])
        let app = try #require(compilation.app)
        #expect(app.name == "shop")
        #expect(app.roles == ["admin", "public", "customer"])
        #expect(app.tables.map(\.name) == ["orders", "seats", "payments"])
        #expect(app.table(named: "orders")?.column(named: "status")?.defaultValue == .string("NEW"))
        #expect(app.table(named: "orders")?.access.owner == "email")
        // The rows of one customer are found beside those of all the others.
        #expect(app.table(named: "orders")?.indexes == [TableIndex(columns: ["email"], isUnique: false)])
        #expect(app.payments?.orderTable == "orders")
        #expect(app.payments?.widgets.first?.amount == 500)
        #expect(app.invariants.count == 1)
        #expect(app.connection(named: "mail")?.settings["from"] == .string("shop@example.com"))
        #expect(app.flows(on: .paymentCompleted).map(\.name) == ["payment-callback"])
    }

    @Test("comments, titles and the order of keys do not change a flow's version; what it does and its columns do")
    func version() throws {
        let base = try TestApp.graph(TestApp.checkout).version
        #expect(base.rawValue.count == 64)
        let retitled = TestApp.checkout.replacing("Start the card payment of an order", with: "Pay   # now")
        #expect(try TestApp.graph(retitled).version == base)
        let reordered = TestApp.checkout.replacing("flow: checkout\nkind: page\n", with: "kind: page\nflow: checkout\n")
        #expect(try TestApp.graph(reordered).version == base)
        let changed = TestApp.checkout.replacing("status: 409", with: "status: 410")
        #expect(try TestApp.graph(changed).version != base)
        let otherApp = TestApp.app.replacing("total:    { type: int, min: 1 }", with: "total:    { type: int, min: 2 }")
        let compilation = TestApp.compile(flow: TestApp.checkout, app: otherApp)
        #expect(try #require(compilation.app).flows["checkout"]?.version != base)
    }
}
