import Connections
import Expressions
import FlowEngine
import FlowLanguage
import Testing

@testable import Payments

@Suite("create-payment-intent")
struct CreatePaymentIntentTests {
    let world: PaymentsWorld
    let stripe = StripeDouble()

    init() throws { world = try PaymentsWorld() }

    private func create(_ order: Int64, _ amount: Int64 = 1000, _ more: ValueMap = [:]) throws -> CommandStep {
        var data: ValueMap = ["orderId": .int(order), "amount": .int(amount)]
        for (key, value) in more { data[key] = value }
        return try world.run("create-payment-intent", data, against: stripe)
    }

    @Test("Z11, Z12, M6: gives the client secret and the publishable key of the mode")
    func gives() throws {
        let output = try #require(try create(try world.insertOrder()).output)
        #expect(output["client_secret"]?.stringValue?.hasPrefix("pi_") == true)
        #expect(output["publishable_key"] == .string(PaymentsWorld.publishableKey))
        #expect(output["paymentId"] == 1)
        let row = try #require(try world.rows("payments").first)
        #expect(row["status"] == "CREATED" && row["amount"] == 1000 && row["mode"] == "test")
        #expect(row["request"] == .null, "the body is kept only until Stripe has answered")
    }

    @Test("50 checkouts at once send one key and one body, and get one intent")
    func fiftyAtOnce() throws {
        let order = try world.insertOrder()
        var pending = try (0..<50).map { number in
            try world.begin(
                "create-payment-intent",
                ["orderId": .int(order), "amount": 1000, "customProps": ["description": .string("caller \(number)")]]
            )
        }
        #expect(Set(pending.compactMap { $0.request?.key }).count == 1)
        #expect(Set(pending.compactMap { $0.request?.body }).count == 1)
        var random = SplitMix(seed: 7)
        pending.shuffle(using: &random)
        var secrets: Set<String> = []
        for one in pending {
            let request = try #require(one.request)
            guard case .answered(let answer) = stripe.send(request) else { continue }
            secrets.insert(try #require(try world.receive(answer, one).step.output?["client_secret"]?.stringValue))
        }
        #expect(secrets.count == 1)
        #expect(stripe.intents.count == 1)
        #expect(try world.rows("payments").count == 1)
    }

    @Test("asking again gives the open intent back, fetched from Stripe")
    func again() throws {
        let order = try world.insertOrder()
        let first = try create(order).output
        let second = try create(order).output
        #expect(first == second)
        #expect(stripe.intents.count == 1)
    }

    @Test("a declined payment stays open: the next checkout gets the same intent")
    func afterDecline() throws {
        let (order, _, intent) = try world.openPayment(stripe: stripe)
        try world.deliver(.failed(intent))
        #expect(try create(order).output?["intent"] == .string(intent))
    }

    @Test("M16: the amount is held against the order's total and currency; a part must be meant")
    func total() throws {
        let order = try world.insertOrder(total: 1000)
        #expect(try create(order, 100).failure?.code == "amount_differs")
        #expect(try create(order, 1100).failure?.code == "amount_differs")
        #expect(try create(order, 1100, ["partial": true]).failure?.code == "amount_differs")
        #expect(try create(order, 1000, ["currency": "eur"]).failure?.code == "currency_differs")
        #expect(stripe.intents.isEmpty)
        #expect(try create(order, 400, ["partial": true]).output != nil)
        #expect(try create(order, 1000).failure?.code == "open_payment_differs")
        #expect(stripe.intents.count == 1)
    }

    @Test("M16: the parts of an order add up to its total and never beyond it")
    func parts() throws {
        let order = try world.insertOrder(total: 1000)
        let part = { (amount: Int64) in try create(order, amount, ["partial": true]) }
        let first = try #require(try part(600).output?["intent"]?.stringValue)
        try world.deliver(.succeeded(first, amount: 600))
        for more in [Int64(401), 600, 999, 1000] {
            #expect(try part(more).failure?.code == "amount_differs", "600 and \(more)")
        }
        #expect(try create(order, 1000).failure?.code == "order_already_paid")
        let second = try #require(try part(400).output?["intent"]?.stringValue)
        try world.deliver(.succeeded(second, amount: 400))
        #expect(try part(50).failure?.code == "amount_differs")
        #expect(stripe.intents.count == 2)
    }

    @Test("E11: an order's currency is asked for in lower case, and what the page names cannot change it")
    func currency() throws {
        let order = try world.insertOrder(total: 500, currency: "JPY")
        #expect(try create(order, 500, ["currency": "usd"]).failure?.code == "currency_differs")
        #expect(try create(order, 500, ["currency": "jpy"]).output != nil)
        #expect(stripe.intents.first?["currency"] == "jpy")
    }

    @Test("Z6, E11: currency is the order's, else the command's, else the connection's, else the app's, else usd")
    func currencyOrder() throws {
        let compiled = AppCompiler(catalogue: PaymentsCatalogue.catalogue).compile([
            SourceFile(path: "app.yaml", bytes: Array("app: bare\n".utf8))
        ])
        #expect(compiled.app?.currency == "usd")
        let withCurrency = try money(order: "EUR", given: "eur", connection: "chf", app: "gbp")
        #expect(withCurrency == Money(1000, "eur"))
        #expect(try money(order: nil, given: "SEK", connection: "chf", app: "gbp") == Money(1000, "sek"))
        #expect(try money(order: nil, given: nil, connection: "CHF", app: "gbp") == Money(1000, "chf"))
        #expect(try money(order: nil, given: nil, connection: nil, app: "GBP") == Money(1000, "gbp"))
    }

    /// What would be charged, of an order table with a currency of its own or without.
    private func money(order: String?, given: String?, connection: String?, app currency: String) throws -> Money {
        let bare = Table(name: "orders", columns: [Column(name: "total", type: .int)])
        let like = PaymentsWorld.app(orders: order == nil ? bare : PaymentsWorld.orders())
        let app = App(
            name: like.name,
            currency: currency,
            roles: like.roles,
            tables: like.tables,
            connections: like.connections,
            payments: like.payments,
            flows: like.flows
        )
        let settings = PaymentsSettings(app: app, credentials: StripeCredentials(world.secrets))
        let command = CreatePaymentIntent(settings: settings, declaration: CreatePaymentIntent.declaration) {
            _,
            _,
            _ throws(StoreError) in
        }
        var call = world.call(given.map { ["amount": 1000, "currency": .string($0)] } ?? ["amount": 1000])
        call.connection = ConnectionDeclaration(
            name: "stripe",
            service: "stripe",
            settings: connection.map { ["currency": .string($0)] } ?? [:],
            range: call.connection.range
        )
        return try command.money(
            call,
            order: order.map { ["total": 1000, "currency": .string($0)] } ?? ["total": 1000]
        )
    }

    @Test("an unknown order, no order, another connection, a broken money rule: nothing is sent or stored")
    func refused() throws {
        let order = try world.insertOrder(total: 49)
        #expect(try create(99).failure?.code == "order_not_found")
        #expect(try create(order, 49).failure?.code == "amount_too_small")
        let step = try world.run("create-payment-intent", ["amount": 1000], against: stripe)
        #expect(step.failure?.code == "order_required")
        let tenDollars = try world.insertOrder()
        let fraction = try world.run(
            "create-payment-intent",
            ["orderId": .int(tenDollars), "amount": .double(10.5)],
            against: stripe
        )
        #expect(fraction.failure?.code == "amount_not_integer")
        #expect(stripe.intents.isEmpty)
        #expect(try world.rows("payments").isEmpty)
    }

    @Test(
        "Z11: customProps cannot set what is decided elsewhere",
        arguments: ["amount", "currency", "confirm", "payment_method_data", "off_session", "expand", "A", "a[b]", ""]
    )
    func reservedProperties(name: String) throws {
        let order = try world.insertOrder()
        let step = try create(order, 1000, ["customProps": .map([.string(name): 1])])
        #expect(step.failure?.code == "custom_property_refused")
        #expect(stripe.intents.isEmpty)
        #expect(try create(order).output != nil, "the order can still be paid")
    }

    @Test("metadata of the flow and of the runtime go together, the flow's within Stripe's bounds")
    func metadata() throws {
        let order = try world.insertOrder()
        let pending = try world.begin(
            "create-payment-intent",
            ["orderId": .int(order), "amount": 1000, "customProps": ["metadata": ["colour": "red"]]]
        )
        let fields = StripeDouble.fields(try #require(pending.request?.body))
        #expect(fields["metadata[colour]"] == "red")
        #expect(fields["metadata[runnel_order]"] == "\(order)")
        #expect(fields["metadata[runnel_payment]"] == "1")
        for bad in [["runnel_order": "9"], ["a[b]": "x"], ["long": .string(String(repeating: "x", count: 501))]]
            as [Value]
        {
            let other = try world.insertOrder()
            #expect(
                try create(other, 1000, ["customProps": ["metadata": bad]]).failure?.code == "custom_property_refused"
            )
        }
    }

    @Test("a refusal that Stripe executed closes the row; the next call makes a new one with a new key")
    func executedRefusal() throws {
        let order = try world.insertOrder()
        stripe.fail(.answer(status: 400, code: "parameter_unknown"))
        #expect(try create(order).failure?.code == "parameter_unknown")
        #expect(try world.rows("payments").map { $0["status"] } == ["CANCELLED"])
        #expect(try create(order).output != nil)
        #expect(try world.rows("payments").count == 2)
    }

    @Test("a lost answer keeps row, key and body: the next call gets the intent that was made")
    func lostAnswer() throws {
        let order = try world.insertOrder()
        stripe.fail(.loseAnswer)
        #expect(try create(order).failure == PaymentsWorld.lost)
        #expect(try create(order).output != nil)
        #expect(stripe.intents.count == 1)
        #expect(try world.rows("payments").count == 1)
    }

    @Test("a rate limit leaves the row open, and is worth a retry")
    func rateLimit() throws {
        let order = try world.insertOrder()
        stripe.fail(.answer(status: 429, code: "rate_limit"))
        #expect(try create(order).failure?.retryable == true)
        #expect(try create(order).output?["paymentId"] == 1)
    }

    @Test("an intent that is gone or cancelled at Stripe is replaced; one that succeeded is not")
    func intentGone() throws {
        let order = try world.insertOrder()
        let first = try #require(try create(order).output?["intent"]?.stringValue)
        stripe.forget(first)
        let second = try #require(try create(order).output?["intent"]?.stringValue)
        stripe.change(second, "status", "canceled")
        let third = try #require(try create(order).output?["intent"]?.stringValue)
        #expect(Set([first, second, third]).count == 3)
        #expect(try world.rows("payments").map { $0["status"] } == ["CANCELLED", "CANCELLED", "CREATED"])
        stripe.change(third, "status", "succeeded")
        #expect(try create(order).failure?.code == "order_already_paid")
        #expect(try world.rows("payments").last?["status"] == "CREATED", "the web hook says so, nobody else")
    }

    @Test("a paid order gets no second intent, unless parts are meant or all was given back")
    func paidOrder() throws {
        let (order, id, intent) = try world.openPayment(stripe: stripe)
        try world.deliver(.succeeded(intent))
        #expect(try create(order).failure?.code == "order_already_paid")
        #expect(try world.run("refund", ["paymentId": .int(id)], against: stripe).output?["status"] == "REFUNDED")
        #expect(try create(order).output != nil)
    }

    @Test("what came before the intent was known keeps the run that it started: each event is settled once")
    func earlyEvents() throws {
        let order = try world.insertOrder()
        let pending = try world.begin("create-payment-intent", ["orderId": .int(order), "amount": 1000])
        for event in [
            TestEvent.succeeded("pi_d1"),
            .refund("refund.created", "re_1", of: "pi_d1", status: "succeeded", amount: 400),
            .charge("charge.succeeded", "pi_d1", status: "succeeded"),
        ] { #expect(try world.deliver(event) == .unmatched) }
        guard case .answered(let answer) = stripe.send(try #require(pending.request)) else { return }
        #expect(try world.receive(answer, pending).step.output?["intent"] == "pi_d1")
        let (deliveries, runs) = try world.write { transaction throws(StoreError) in
            (try transaction.deliveries(matching: DeliveryFilter()), try transaction.runs(matching: RunFilter()))
        }
        #expect(runs.count == 2)
        #expect(Set(deliveries.compactMap(\.run)) == Set(runs.map(\.id)))
        #expect(!deliveries.contains { $0.status == .unmatched })
    }

    @Test("an event that came before the intent was known is looked at again, and starts its run")
    func earlyEvent() throws {
        let order = try world.insertOrder()
        let pending = try world.begin("create-payment-intent", ["orderId": .int(order), "amount": 1000])
        #expect(try world.deliver(.succeeded("pi_d1")) == .unmatched)
        #expect(try world.runCallbacks().isEmpty)
        guard case .answered(let answer) = stripe.send(try #require(pending.request)) else { return }
        #expect(try world.receive(answer, pending).step.output?["intent"] == "pi_d1")
        #expect(try world.rows("payments").first?["status"] == "SUCCEEDED")
        #expect(try world.runCallbacks().map { $0["paymentStatus"] } == ["SUCCEEDED"])
    }

    @Test("Z2, Z18: a secret key entered as the publishable one never reaches a page")
    func swappedKeys() throws {
        world.secrets.set("stripe.test.publishableKey", "sk_test_canary")
        let failure = try #require(try create(try world.insertOrder()).failure)
        #expect(failure.code == "publishable_key_missing")
        #expect(!failure.message.contains("sk_test_canary"))
        #expect(stripe.intents.isEmpty, "nothing is asked of Stripe before the page could use it")
        world.secrets.set("stripe.test.publishableKey", "pk_live_canary")
        #expect(try create(try world.insertOrder()).failure?.message.contains("live key") == true)
    }

    @Test("without payments an amount alone makes an intent, keyed by the block")
    func withoutPayments() throws {
        var app = world.app
        app.payments = nil
        let feature = PaymentsFeature(app: app, mode: .test, credentials: StripeCredentials(world.secrets))
        let command = try #require(feature.command("create-payment-intent", of: "stripe"))
        let call = world.call(["amount": 700])
        let step = try world.write { transaction throws(StoreError) in try command.begin(call, in: transaction) }
        guard case .send(let request) = step, case .answered(let answer) = stripe.send(request) else {
            Issue.record("nothing was sent")
            return
        }
        #expect(request.key == call.key)
        let end = try world.write { transaction throws(StoreError) in
            try command.receive(answer, to: request, of: call, in: transaction)
        }
        #expect(end.output?["paymentId"] == 0)
    }
}

extension CommandStep {
    var output: ValueMap? { if case .succeed(let output) = self { output } else { nil } }
    var failure: BlockFailure? { if case .fail(let failure) = self { failure } else { nil } }
}
