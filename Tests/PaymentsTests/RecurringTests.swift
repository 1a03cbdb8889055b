import Expressions
import FlowEngine
import FlowLanguage
import Testing

@testable import Payments

@Suite("Recurring payments")
struct RecurringTests {
    let world: PaymentsWorld
    let stripe = SubscriptionDouble()

    init() throws { world = try PaymentsWorld() }

    // MARK: Playing commands

    private func run(_ data: ValueMap) throws -> CommandStep {
        var pending = try world.begin("recurring-payment", data)
        while let request = pending.request { pending = try world.receive(stripe.send(request), pending) }
        return pending.step
    }

    private func initiate(_ order: Int64, _ more: ValueMap = [:]) throws -> CommandStep {
        var data: ValueMap = ["type": "initiate", "orderId": .int(order), "priceId": "price_1"]
        for (key, value) in more { data[key] = value }
        return try run(data)
    }

    private func row(_ id: Int64 = 1) throws -> ValueMap {
        try #require(try world.rows("recurring_payments", where: [ResolvedCondition("id", equals: .int(id))]).first)
    }

    @Test("M8, E4: initiate gives the first invoice's client secret; again gives the same; cancel ends it")
    func lifeCycle() throws {
        let order = try world.insertOrder()
        let first = try #require(try initiate(order).output)
        #expect(first["client_secret"] == "pi_sub_secret_x" && first["subscription"] == "sub_1")
        #expect(first["publishable_key"] == .string(PaymentsWorld.publishableKey) && first["status"] == "INCOMPLETE")
        #expect(try initiate(order).output == first)
        #expect(stripe.posts == ["/v1/customers", "/v1/subscriptions"])
        #expect(try initiate(order, ["priceId": "price_2"]).failure?.code == "recurring_payment_differs")
        let ending = try run(["type": "cancel", "orderId": .int(order), "atPeriodEnd": true])
        #expect(ending.output?["status"] == "INCOMPLETE", "Stripe's event says when")
        let cancelled = try run(["type": "cancel", "orderId": .int(order)])
        #expect(cancelled.output?["status"] == "CANCELLED")
        #expect(try run(["type": "cancel", "orderId": .int(order)]).failure?.code == "recurring_payment_not_found")
        #expect(try initiate(order).output?["recurringPaymentId"] == 2)
    }

    @Test("20 calls at once, with answers in any order, make one customer and one subscription")
    func atOnce() throws {
        let order = try world.insertOrder()
        let data: ValueMap = ["type": "initiate", "orderId": .int(order), "priceId": "price_1"]
        var open = try (0..<20).map { _ in try world.begin("recurring-payment", data) }
        var random = SplitMix(seed: 11)
        var ids: Set<Value> = []
        while !open.isEmpty {
            let next = open.remove(at: Int(random.next() % UInt64(open.count)))
            guard let request = next.request else {
                ids.insert(try #require(next.step.output?["subscription"]))
                continue
            }
            open.append(try world.receive(stripe.send(request), next))
        }
        #expect(ids == ["sub_1"])
        #expect(stripe.made == ["customer": 1, "subscription": 1])
        #expect(try world.rows("recurring_payments").count == 1)
    }

    @Test("a refused price closes the row, so that another one can be tried; broken parameters send nothing")
    func refused() throws {
        let order = try world.insertOrder()
        stripe.refuseNext()
        #expect(try initiate(order).failure?.code == "resource_missing")
        #expect(try row()["status"] == "CANCELLED")
        #expect(try initiate(order, ["priceId": "nonsense"]).failure?.code == "price_malformed")
        #expect(try initiate(order, ["trialDays": 0]).failure?.code == "trial_malformed")
        #expect(try initiate(99).failure?.code == "order_not_found")
        #expect(try initiate(order, ["trialDays": 14]).output != nil)
    }

    // MARK: Events

    private static let story: [TestEvent] = [
        subscription("created", "incomplete", at: 10), invoice("paid", "in_1", reason: "subscription_create", at: 11),
        subscription("updated", "active", at: 11), link("in_1", "pi_first"),
        TestEvent.succeeded("pi_first", amount: 900),
        invoice("payment_failed", "in_2", reason: "subscription_cycle", at: 20),
        subscription("updated", "past_due", at: 20), invoice("paid", "in_2", reason: "subscription_cycle", at: 30),
        subscription("updated", "active", at: 30, ending: true), subscription("deleted", "canceled", at: 40),
    ]

    @Test("M13, M14: start, failed renewal, renewal and end in 400 seeded orders: same rows, each charge handled once")
    func anyOrder() throws {
        var random = SplitMix(seed: 2026)
        var expected: [String]?
        for round in 0..<400 {
            let order = try world.insertOrder()
            let name = "r\(round)"
            var events = Self.story.map { $0.renamed(name) }
            if round > 0 { events.shuffle(using: &random) }
            let (rows, handled) = try world.write { transaction throws(StoreError) in
                let ledger = RecurringLedger(transaction)
                let row = try ledger.insert(order: order, price: "price_1", mode: .test, key: name)
                try ledger.attach("subscription", "sub_\(name)", to: row)
                var handled: [String: Int] = [:]
                for event in events + events {
                    guard let parsed = StripeEvent(body: event.body) else { continue }
                    _ = try world.feature.accept(
                        parsed,
                        body: event.body,
                        at: PaymentsWorld.start,
                        in: transaction
                    )
                    if random.next() % 2 == 0 { try Self.play(world, transaction, &handled) }
                }
                try Self.play(world, transaction, &handled)
                return (try Self.ending(name, transaction), handled)
            }
            if expected == nil { expected = rows }
            #expect(rows == expected, "round \(round): \(events.map(\.type))")
            #expect(handled.values.allSatisfy { $0 == 1 }, "round \(round): \(handled)")
            #expect(handled["PAID in_1 first"] == 1 && handled["PAID in_2"] == 1 && handled["cancelled"] == 1)
        }
        #expect(expected?.first?.hasPrefix("CANCELLED") == true)
        #expect(expected?.count == 3)
    }

    @Test("M3, M7: a period's charge is a payment of the order and can be given back")
    func refundOfACharge() throws {
        let order = try world.insertOrder()
        #expect(try initiate(order).output?["subscription"] == "sub_1")
        for event in Self.story.prefix(5) { try world.deliver(event.renamed("1")) }
        let payment = try #require(try world.rows("payments").first)
        #expect(payment["recurringPaymentId"] == 1 && payment["received"] == 900 && payment["status"] == "SUCCEEDED")
        #expect(payment["intent"] == "pi_first1" && payment["charge"] == "ch_pi_first1")
        let refund = try world.run("refund", ["paymentId": payment["id"] ?? 0], against: StripeDouble())
        #expect(refund.output?["amount"] == 900)
    }

    @Test("events that came before the subscription was known are looked at again, all of them")
    func early() throws {
        let order = try world.insertOrder()
        for event in Self.story.prefix(5).reversed() { #expect(try world.deliver(event.renamed("1")) == .unmatched) }
        #expect(try initiate(order).output?["status"] == "ACTIVE")
        #expect(try world.rows("payments").first?["charge"] == "ch_pi_first1")
    }

    @Test("the templates of recurring payments compile, fitted to the order table, where a flow starts one")
    func templates() throws {
        let flow = """
            flow: subscribe
            kind: page
            access: [customer]
            input: { orderId: { type: int } }
            output: { clientSecret: '${ blocks.start.client_secret }' }
            blocks:
              - id: start
                block: execute-connection-command
                connection: stripe
                command: recurring-payment
                data: { type: initiate, orderId: '${ input.orderId }', priceId: price_1 }
            """
        let app = EngineTests.appText.replacing(
            "{ create-payment-intent",
            with: "{ recurring-payment: [customer], create-payment-intent"
        )
        .replacing("      status:   {", with: "      email:    { type: string }\n      status:   {")
        let compiler = AppCompiler(catalogue: PaymentsCatalogue.catalogue)
        var files = [
            SourceFile(path: "app.yaml", bytes: Array(app.utf8)),
            SourceFile(path: "flows/s.yaml", bytes: Array(flow.utf8)),
        ]
        let bare = try #require(compiler.compile(files).app)
        let steps = PaymentsActivation.steps(for: bare, files: [:])
        #expect(steps.count == 4)
        #expect(steps.last?.text?.contains("email: '${ blocks.initial.email }'") == true)
        for step in steps { files.append(SourceFile(path: step.path, bytes: Array((step.text ?? "").utf8))) }
        #expect(
            compiler.compile(files).diagnostics.map { "\($0.range.file):\($0.range.start.line): \($0.message)" } == []
        )
    }

    // MARK: Parts

    private static func play(
        _ world: PaymentsWorld,
        _ transaction: any StoreTransaction,
        _ handled: inout [String: Int]
    ) throws(StoreError) {
        for output in try world.runCallbacks(in: transaction) where output["callbackProcessed"] == .bool(false) {
            let object = output["event"]?["data"]?["object"]
            if let change = output["change"]?.stringValue {
                let mark = change == "updated" ? " \(output["event"]?["created"] ?? 0)" : ""
                handled[change + mark, default: 0] += 1
            } else {
                let id = object?["id"]?.stringValue?.prefix(4) ?? ""
                let first = output["firstInvoice"] == true ? " first" : ""
                handled["\(output["status"]?.stringValue ?? "") \(id)\(first)", default: 0] += 1
            }
        }
    }

    private static func ending(_ name: String, _ transaction: any StoreTransaction) throws(StoreError) -> [String] {
        let row = try transaction.find(
            RecordQuery(
                table: "recurring_payments",
                where: [ResolvedCondition("subscription", equals: .string("sub_\(name)"))],
                limit: 1
            )
        ).first
        let payments = try transaction.find(
            RecordQuery(
                table: "payments",
                where: [ResolvedCondition("recurringPaymentId", equals: row?["id"] ?? 0)],
                limit: 10
            )
        )
        let text = { (value: Value?) in
            switch value {
            case .string(let text): text.replacing(name, with: "")
            case .int(let number): String(number)
            default: "-"
            }
        }
        let columns = ["status", "received", "intent", "charge", "key", "statusAt"]
        return ["\(text(row?["status"])) \(text(row?["amount"])) \(text(row?["statusAt"]))"]
            + payments.map { payment in columns.map { text(payment[$0]) }.joined(separator: " ") }.sorted()
    }

    private static func subscription(_ change: String, _ status: String, at time: Int64, ending: Bool = false)
        -> TestEvent
    {
        TestEvent(
            id: "evt_sub_\(change)_\(status)_\(time)_",
            type: "customer.subscription.\(change)",
            object: SubscriptionDouble.subscription("sub_", status: status, ending: ending),
            created: time
        )
    }

    private static func invoice(_ change: String, _ id: String, reason: String, at time: Int64) -> TestEvent {
        TestEvent(
            id: "evt_\(id)_\(change)_",
            type: "invoice.\(change)",
            object: [
                "id": .string(id), "object": "invoice", "livemode": false, "currency": "usd", "amount_due": 900,
                "amount_paid": change == "paid" ? 900 : 0, "billing_reason": .string(reason), "period_start": 1,
                "period_end": 2, "parent": ["subscription_details": ["subscription": "sub_"]],
                "lines": ["data": [["period": ["start": 1, "end": 2]]]],
            ],
            created: time
        )
    }

    private static func link(_ invoice: String, _ intent: String) -> TestEvent {
        TestEvent(
            id: "evt_link_\(invoice)_",
            type: "invoice_payment.paid",
            object: [
                "id": .string("inpay_\(invoice)"), "object": "invoice_payment", "livemode": false,
                "invoice": .string(invoice), "payment": ["type": "payment_intent", "payment_intent": .string(intent)],
            ],
            created: 12
        )
    }
}

extension TestEvent {
    /// The same event of another subscription: every id of it ends in `suffix`.
    fileprivate func renamed(_ suffix: String) -> TestEvent {
        var event = self
        event.id += suffix
        event.object = Self.renamed(.map(object), suffix).mapValue ?? object
        return event
    }

    private static func renamed(_ value: Value, _ suffix: String) -> Value {
        switch value {
        case .string(let text) where ["sub_", "in_", "pi_", "ch_", "inpay_"].contains(where: text.hasPrefix):
            return .string(text + suffix)
        case .list(let list): return .list(list.map { renamed($0, suffix) })
        case .map(let map):
            var copy = ValueMap()
            for (key, value) in map { copy[key] = renamed(value, suffix) }
            return .map(copy)
        default: return value
        }
    }
}
