import Expressions
import FlowEngine
import FlowLanguage
import Foundation
import Payments
import TestSupport
import Testing

@testable import Payments

@Suite("The commands against the simulator")
struct CommandTests {
    private static let app = """
        app: desk
        roles: [customer]
        tables:
          orders:
            columns:
              total:    { type: int, min: 1 }
              currency: { type: string, default: usd }
              status:   { type: string, enum: [NEW, PAID], default: NEW }
        connections:
          stripe: { service: stripe }
        payments: { connection: stripe, orderTable: orders }
        """

    private static let callback = """
        flow: payment-callback
        kind: cloud
        trigger: { payment: completed }
        blocks:
          - id: handler
            block: callback-handler
          - id: outcome
            block: conditional-branch
            branches:
              - when: blocks.handler.paymentStatus == 'SUCCEEDED' && !blocks.handler.callbackProcessed
                do:
                  - id: markPaid
                    block: update-record
                    table: orders
                    where: { id: '${ blocks.handler.orderId }' }
                    set: { status: PAID }
        """

    /// A page that gives its command's whole output.
    private static func page(_ name: String, _ command: String, _ data: String, _ inputs: String = "{}") -> String {
        """
        flow: \(name)
        kind: page
        input: \(inputs)
        output: { result: '${ blocks.it }' }
        blocks:
          - id: it
            block: execute-connection-command
            connection: stripe
            command: \(command)
            data: \(data)
        """
    }

    private static func compile(_ pages: [String]) -> AppCompilation {
        var sources = [
            SourceFile(path: "app.yaml", bytes: Array(app.utf8)),
            SourceFile(path: "flows/payment-callback.yaml", bytes: Array(callback.utf8)),
            SourceFile(
                path: "flows/order.yaml",
                bytes: Array(
                    """
                    flow: order
                    kind: page
                    input: { total: { type: int } }
                    output: { id: '${ blocks.row.id }' }
                    blocks:
                      - { id: row, block: insert-record, table: orders, set: { total: '${ input.total }' } }
                    """.utf8
                )
            ),
        ]
        for (number, page) in pages.enumerated() {
            sources.append(SourceFile(path: "flows/page\(number).yaml", bytes: Array(page.utf8)))
        }
        return AppCompiler(catalogue: PaymentsCatalogue.catalogue).compile(sources)
    }

    private static func with(_ pages: [String], _ body: (SimulatedWorld) async throws -> Void) async throws {
        let compilation = compile(pages)
        #expect(compilation.diagnostics.map(\.message) == [])
        try await SimulatedWorld.with(try #require(compilation.app), body)
    }

    private static func result(_ answer: RunAnswer) -> Value { answer.body["result"] ?? answer.body }

    @Test("M6: single-payment starts the payment of an order")
    func singlePayment() async throws {
        let pages = [
            Self.page(
                "pay",
                "single-payment",
                "{ orderId: '${ input.id }', amount: 1000, currency: usd }",
                "{ id: { type: int } }"
            )
        ]
        try await Self.with(pages) { world in
            try await world.page("order", ["total": 1000], as: SimulatedWorld.admin)
            let started = Self.result(try await world.page("pay", ["id": 1], as: SimulatedWorld.admin))
            try world.stripe.confirm(try #require(started["client_secret"]?.stringValue), card: "pm_card_visa")
            try await world.deliver()
            #expect(try await world.column("status", of: "orders") == ["PAID"])
        }
    }

    @Test("a checkout session: one for an order, paid on Stripe's page, and the order is paid by the event")
    func checkoutSession() async throws {
        let data = """
            { orderId: '${ input.id }', amount: 1000, name: Mug, successUrl: 'https://shop.example.com/done' }
            """
        let pages = [
            Self.page("pay", "create-checkout-session", data, "{ id: { type: int } }"),
            Self.page("intent", "create-payment-intent", "{ orderId: 1, amount: 1000 }"),
        ]
        try await Self.with(pages) { world in
            try await world.page("order", ["total": 1000], as: SimulatedWorld.admin)
            let first = Self.result(try await world.page("pay", ["id": 1], as: SimulatedWorld.admin))
            let again = Self.result(try await world.page("pay", ["id": 1], as: SimulatedWorld.admin))
            #expect(first["session"] == again["session"] && first["url"]?.stringValue?.isEmpty == false)
            let other = try await world.page("intent", [:], as: SimulatedWorld.admin)
            #expect(other.body["code"] == "open_checkout_session")
            try world.stripe.payCheckout(try #require(first["url"]?.stringValue), card: "4242424242424242")
            try await world.deliver()
            #expect(try await world.column("status", of: "orders") == ["PAID"])
            #expect(try await world.column("status", of: "payments") == ["SUCCEEDED"])
            let refused = try await world.page("pay", ["id": 1], as: SimulatedWorld.admin)
            #expect(refused.body["code"] == "order_already_paid")
        }
    }

    @Test("a checkout session goes on after a decline, and runs out all the same")
    func declinedSession() async throws {
        let data = "{ orderId: 1, amount: 1000, name: Mug, successUrl: 'https://shop.example.com/done' }"
        let pages = [
            Self.page("pay", "create-checkout-session", data),
            Self.page("intent", "create-payment-intent", "{ orderId: 1, amount: 1000 }"),
        ]
        try await Self.with(pages) { world in
            try await world.page("order", ["total": 1000], as: SimulatedWorld.admin)
            let first = Self.result(try await world.page("pay", [:], as: SimulatedWorld.admin))
            try? world.stripe.payCheckout(try #require(first["url"]?.stringValue), card: "4000000000000002")
            try await world.deliver()
            #expect(try await world.column("status", of: "payments") == ["FAILED"])
            let again = Self.result(try await world.page("pay", [:], as: SimulatedWorld.admin))
            #expect(first["session"] != nil && first["session"] == again["session"])
            let other = try await world.page("intent", [:], as: SimulatedWorld.admin)
            #expect(other.body["code"] == "open_checkout_session")
            try await world.advance(days: 2)
            #expect(try await world.column("status", of: "payments") == ["CANCELLED"])
            #expect(try await world.page("pay", [:], as: SimulatedWorld.admin).status == 200)
        }
    }

    @Test(
        "a checkout session that is cancelled cannot be paid any more, tried before or not",
        arguments: [false, true]
    )
    func cancelledSession(isTried: Bool) async throws {
        let data = "{ orderId: 1, amount: 1000, name: Mug, successUrl: 'https://shop.example.com/done' }"
        let pages = [
            Self.page("pay", "create-checkout-session", data),
            Self.page("cancel", "cancel-payment-intent", "{ paymentId: 1 }"),
            Self.page("intent", "create-payment-intent", "{ orderId: 1, amount: 1000 }"),
        ]
        try await Self.with(pages) { world in
            try await world.page("order", ["total": 1000], as: SimulatedWorld.admin)
            let first = Self.result(try await world.page("pay", [:], as: SimulatedWorld.admin))
            let url = try #require(first["url"]?.stringValue)
            if isTried { try? world.stripe.payCheckout(url, card: "4000000000000002") }
            try await world.deliver()
            let cancelled = Self.result(try await world.page("cancel", [:], as: SimulatedWorld.admin))
            #expect(cancelled["status"] == "canceled", "\(cancelled)")
            #expect(try await world.page("intent", [:], as: SimulatedWorld.admin).status == 200)
            #expect(throws: (any Error).self) { try world.stripe.payCheckout(url, card: "4242424242424242") }
            try await world.deliver()
            #expect(try await world.column("status", of: "payments") == ["CANCELLED", "CREATED"])
        }
    }

    @Test("a checkout session that was paid unheard is not cancelled: its success counts when it is told")
    func paidSession() async throws {
        let data = "{ orderId: 1, amount: 1000, name: Mug, successUrl: 'https://shop.example.com/done' }"
        let pages = [
            Self.page("pay", "create-checkout-session", data),
            Self.page("cancel", "cancel-payment-intent", "{ paymentId: 1 }"),
        ]
        try await Self.with(pages) { world in
            try await world.page("order", ["total": 1000], as: SimulatedWorld.admin)
            let first = Self.result(try await world.page("pay", [:], as: SimulatedWorld.admin))
            try world.stripe.payCheckout(try #require(first["url"]?.stringValue), card: "4242424242424242")
            #expect(try await world.page("cancel", [:], as: SimulatedWorld.admin).status != 200)
            try await world.deliver()
            #expect(try await world.column("status", of: "orders") == ["PAID"])
        }
    }

    @Test(
        "a checkout session that nobody uses runs out, and the order can be paid anew, also when nobody was told",
        arguments: [false, true]
    )
    func expiredSession(isLost: Bool) async throws {
        let data = "{ orderId: 1, amount: 1000, name: Mug, successUrl: 'https://shop.example.com/done' }"
        let pages = [
            Self.page("pay", "create-checkout-session", data),
            Self.page("intent", "create-payment-intent", "{ orderId: 1, amount: 1000 }"),
        ]
        try await Self.with(pages) { world in
            try await world.page("order", ["total": 1000], as: SimulatedWorld.admin)
            try await world.page("pay", [:], as: SimulatedWorld.admin)
            if isLost {
                world.stripe.advance(bySeconds: 2 * 86_400)
                world.clock.advance(by: .seconds(2 * 86_400))
                _ = world.stripe.takeHooks()
                let reconciler = PaymentsReconciler(
                    engine: world.engine,
                    payments: world.payments,
                    transport: world.transport
                )
                let report = try await reconciler.reconcile()
                #expect(report.missedEvents.map(\.type) == ["checkout.session.expired"])
            } else {
                try await world.advance(days: 2)
            }
            #expect(try await world.column("status", of: "payments") == ["CANCELLED"])
            #expect(try await world.page("intent", [:], as: SimulatedWorld.admin).status == 200)
        }
    }

    /// Goal: no order is blocked, and none paid in vain, by a page of which nothing was told.
    ///
    /// Method: what Stripe tells is lost for longer than it lists events; the page was paid, left, or never made.
    @Test(
        "a page of which nothing was told is found by its payment",
        arguments: [("paid", "SUCCEEDED"), ("declined", "CANCELLED"), ("left", "CANCELLED"), ("refused", "CANCELLED")]
    )
    func untoldPage(end: String, status: String) async throws {
        let data = "{ orderId: 1, amount: 1000, name: Mug, successUrl: 'https://shop.example.com/done' }"
        let pages = [Self.page("pay", "create-checkout-session", data)]
        try await Self.with(pages) { world in
            try await world.page("order", ["total": 1000], as: SimulatedWorld.admin)
            if end == "refused" { world.secrets.set("stripe.test.secretKey", "sk_test_anotherOfNobody") }
            let made = Self.result(try await world.page("pay", [:], as: SimulatedWorld.admin))
            world.secrets.set("stripe.test.secretKey", SimulatedStripe.secretKey)
            let cards = ["paid": "4242424242424242", "declined": "4000000000000002"]
            if let card = cards[end] {
                try? world.stripe.payCheckout(try #require(made["url"]?.stringValue), card: card)
            }
            world.stripe.advance(bySeconds: 32 * 86_400)
            world.clock.advance(by: .seconds(32 * 86_400))
            _ = world.stripe.takeHooks()
            #expect(try await world.column("status", of: "payments") == ["CREATED"])
            let reconciler = PaymentsReconciler(
                engine: world.engine,
                payments: world.payments,
                transport: world.transport
            )
            let report = try await reconciler.reconcile()
            #expect(report.missedEvents.isEmpty && !report.repairs.isEmpty, "\(report)")
            try await world.finish(report.runs)
            #expect(try await world.column("status", of: "payments") == [.string(status)])
            #expect(try await world.column("status", of: "orders") == [end == "paid" ? "PAID" : "NEW"])
            #expect(try await reconciler.reconcile().isClean)
        }
    }

    @Test("who unsubscribes before the first charge has no period to run out: it ends at once, and nobody pays it then")
    func unpaidAtPeriodEnd() async throws {
        let pages = [
            Self.page(
                "subscribe",
                "recurring-payment",
                "{ type: initiate, orderId: 1, priceId: '${ input.price }' }",
                "{ price: { type: string } }"
            ), Self.page("leave", "recurring-payment", "{ type: cancel, orderId: 1, atPeriodEnd: true }"),
        ]
        try await Self.with(pages) { world in
            try await world.page("order", ["total": 1000], as: SimulatedWorld.admin)
            let product = try world.stripe.call("POST", "/v1/products", "name=Paper")["id"]?.stringValue ?? ""
            let price = try world.stripe.call(
                "POST",
                "/v1/prices",
                "product=\(product)&unit_amount=1000&currency=usd&recurring[interval]=month"
            )
            let input: Value = ["price": price["id"] ?? .null]
            let begun = Self.result(try await world.page("subscribe", input, as: SimulatedWorld.admin))
            let left = Self.result(try await world.page("leave", [:], as: SimulatedWorld.admin))
            #expect(left["status"] == "CANCELLED", "\(left)")
            let secret = try #require(begun["client_secret"]?.stringValue)
            let late = try world.stripe.confirm(secret, card: "pm_card_visa")
            #expect(late["error"] != nil, "\(late)")
        }
    }

    @Test("customers and payment links are made and asked for; long and malformed parameters are refused here")
    func objects() async throws {
        let long = String(repeating: "x", count: 300)
        let pages = [
            Self.page("new", "create-customer", "{ email: ann@example.com, name: Ann, metadata: { vip: true } }"),
            Self.page("long", "create-customer", "{ name: \(long) }"),
            Self.page("old", "retrieve-customer", "{ customer: '${ input.id }' }", "{ id: { type: string } }"),
            Self.page("link", "create-payment-link", "{ priceId: '${ input.id }' }", "{ id: { type: string } }"),
        ]
        try await Self.with(pages) { world in
            let made = Self.result(try await world.page("new", [:], as: SimulatedWorld.admin))
            let id = try #require(made["customer"])
            let found = Self.result(try await world.page("old", ["id": id], as: SimulatedWorld.admin))
            #expect(found["email"] == "ann@example.com" && found["deleted"] == false)
            #expect(try await world.page("long", [:], as: SimulatedWorld.admin).body["code"] == "parameter_too_long")
            #expect(
                try await world.page("old", ["id": "../v1/x"], as: SimulatedWorld.admin).body["code"]
                    == "customer_malformed"
            )
            let product = try world.stripe.call("POST", "/v1/products", "name=Mug")
            let price = try world.stripe.call(
                "POST",
                "/v1/prices",
                "product=\(product["id"]?.stringValue ?? "")&unit_amount=900&currency=usd"
            )
            let link = Self.result(try await world.page("link", ["id": price["id"] ?? .null], as: SimulatedWorld.admin))
            #expect(link["url"]?.stringValue?.isEmpty == false, "\(link)")
        }
    }

    @Test("request calls an operation by its name, with ids in the path and parameters in query or form")
    func request() async throws {
        let pages = [
            Self.page("new", "request", "{ operation: products.create, parameters: { name: Mug } }"),
            Self.page(
                "change",
                "request",
                "{ operation: products.update, path: { id: '${ input.id }' }, parameters: { name: Cup } }",
                "{ id: { type: string } }"
            ),
            Self.page("all", "request", "{ operation: products.list, parameters: { limit: 1 } }"),
            Self.page(
                "gone",
                "request",
                "{ operation: products.del, path: { id: '${ input.id }' } }",
                "{ id: { type: string } }"
            ),
        ]
        try await Self.with(pages) { world in
            let made = Self.result(try await world.page("new", [:], as: SimulatedWorld.admin))
            let id = try #require(made["id"])
            #expect(made["name"] == "Mug")
            let changed = Self.result(try await world.page("change", ["id": id], as: SimulatedWorld.admin))
            #expect(changed["name"] == "Cup")
            let list = Self.result(try await world.page("all", [:], as: SimulatedWorld.admin))
            #expect(list["data"]?.listValue?.count == 1)
            let gone = Self.result(try await world.page("gone", ["id": id], as: SimulatedWorld.admin))
            #expect(gone["deleted"] == true)
            #expect(
                try await world.page("gone", ["id": "../../x"], as: SimulatedWorld.admin).body["code"]
                    == "path_incomplete"
            )
        }
    }

    @Test(
        "check knows the operations of request: names, paths, what is required, what is refused",
        arguments: [
            ("{ operation: prodcuts.list }", "Stripe has no core operation 'prodcuts.list'"),
            ("{ operation: products.retrieve }", "'products.retrieve' is GET /v1/products/{id}: 'path' needs 'id'"),
            ("{ operation: products.list, path: { id: x } }", "'products.list' takes no ids in its path, not 'id'"),
            ("{ operation: products.create }", "'products.create' needs name"),
            (
                "{ operation: refunds.create, parameters: { charge: ch_1 } }",
                "'refunds.create': the command `refund` does it, and never gives back more than came in"
            ),
        ]
    )
    func checked(data: String, message: String) {
        let diagnostics = Self.compile([Self.page("x", "request", data)]).diagnostics
        #expect(diagnostics.map(\.message) == [message])
        #expect(diagnostics.allSatisfy { $0.code == "flow.command.data" })
    }

    @Test("card data in a request is refused, and nothing is sent")
    func cardData() async throws {
        let data =
            "{ operation: paymentMethods.create, parameters: { type: card, card: { number: '4242424242424242' } } }"
        try await Self.with([Self.page("x", "request", data)]) { world in
            let answer = try await world.page("x", [:], as: SimulatedWorld.admin)
            #expect(answer.body["code"] == "card_data_refused")
            #expect(world.stripe.requests.isEmpty)
        }
    }

    /// The list of Stripe's own libraries, where it is at hand.
    @Test(
        "the 177 operations are Stripe's, with verb, path and required parameters",
        .enabled(if: FileManager.default.fileExists(atPath: SharedOperations.path), "../shared/data is not here")
    )
    func operations() throws {
        let bytes = try #require(FileManager.default.contents(atPath: SharedOperations.path))
        let text = try JSON.parse(Array(bytes), limits: .journal)
        let core = (text["operations"]?.listValue ?? []).filter { $0["core"] == true }
        #expect(core.count == 177 && StripeOperations.all.count == 177)
        for operation in core {
            let name = operation["key"]?.stringValue ?? ""
            let known = StripeOperations.all[name]
            #expect(known?.verb == operation["verb"]?.stringValue, "\(name)")
            #expect(known?.path == operation["path"]?.stringValue, "\(name)")
            #expect(known?.required == (operation["required"]?.listValue ?? []).compactMap(\.stringValue), "\(name)")
        }
    }
}

enum SharedOperations {
    static let path = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "shared/data/stripe/stripe-operations.json").path
}
