import BuiltinFlows
import Connections
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

    func run(_ data: ValueMap) throws -> CommandStep {
        var pending = try world.begin("recurring-payment", data)
        while let request = pending.request { pending = try world.receive(stripe.send(request), pending) }
        return pending.step
    }

    func initiate(_ order: Int64, _ more: ValueMap = [:]) throws -> CommandStep {
        var data: ValueMap = ["type": "initiate", "orderId": .int(order), "priceId": "price_1"]
        for (key, value) in more { data[key] = value }
        return try run(data)
    }

    func row(_ id: Int64 = 1) throws -> ValueMap {
        try #require(try world.rows("recurring_payments", where: [ResolvedCondition("id", equals: .int(id))]).first)
    }

    @Test("M8, E4: initiate gives the first invoice's client secret; again gives the same; cancel ends it")
    func lifeCycle() throws {
        let order = try world.insertOrder(total: 900)
        let first = try #require(try initiate(order).output)
        #expect(first["client_secret"] == "pi_sub_1_secret_x" && first["subscription"] == "sub_1")
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
        let order = try world.insertOrder(total: 900)
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

    /// Goal: no subscription at Stripe that nobody here knows of.
    ///
    /// Method: Stripe's answer to the making of the subscription is lost; then somebody asks with another trial, and with
    /// the same one.
    @Test("M8: after a lost answer another trial is refused, and the same call finds the subscription that was made")
    func lostAnswer() throws {
        let order = try world.insertOrder(total: 900)
        let data: ValueMap = ["type": "initiate", "orderId": .int(order), "priceId": "price_1", "trialDays": 14]
        var pending = try world.begin("recurring-payment", data)
        while let request = pending.request, request.path != "/v1/subscriptions" {
            pending = try world.receive(stripe.send(request), pending)
        }
        _ = stripe.send(try #require(pending.request))
        #expect(try initiate(order).failure?.code == "recurring_payment_differs")
        #expect(try initiate(order, ["trialDays": 7]).failure?.code == "recurring_payment_differs")
        #expect(try row()["status"] == "INCOMPLETE")
        #expect(try initiate(order, ["trialDays": 14]).output?["subscription"] == "sub_1")
        #expect(stripe.made == ["customer": 1, "subscription": 1])
    }

    @Test("M15: who holds the first invoice's client secret may follow the recurring payment, and no other")
    func followed() throws {
        let order = try world.insertOrder(total: 900)
        _ = try initiate(order)
        let follow = { (secret: String, mode: Mode) in
            try world.write { tx throws(StoreError) in
                try PaymentFollowers.followed(clientSecret: secret, mode: mode, in: tx)
            }
        }
        #expect(try follow("pi_sub_1_secret_x", .test) == .init(table: "recurring_payments", id: 1))
        #expect(try follow("pi_sub_1_secret_y", .test) == nil)
        #expect(try follow("pi_sub_1_secret_x", .live) == nil)
        let text = "\(try world.rows("recurring_payments"))"
        #expect(!text.contains("secret_x"), "its hash alone is kept")
    }

    @Test("a refused price closes the row, so that another one can be tried; broken parameters send nothing")
    func refused() throws {
        let order = try world.insertOrder(total: 900)
        stripe.refuseNext()
        #expect(try initiate(order).failure?.code == "resource_missing")
        #expect(try row()["status"] == "CANCELLED")
        #expect(try initiate(order, ["priceId": "nonsense"]).failure?.code == "price_malformed")
        #expect(try initiate(order, ["trialDays": 0]).failure?.code == "trial_malformed")
        #expect(try initiate(99).failure?.code == "order_not_found")
        #expect(stripe.posts == ["/v1/customers"])
        #expect(try initiate(order, ["trialDays": 14]).output != nil)
    }

    /// Goal: an answer that comes late changes the recurring payment that it is about, and no other.
    ///
    /// Method: Stripe's answer to a cancellation is held back until the event has ended the row and another one has begun,
    /// which has a subscription by then, or has none yet.
    @Test(
        "M13: a cancellation that is answered late ends what was cancelled, not what began meanwhile",
        arguments: [true, false]
    )
    func lateCancellation(isMade: Bool) throws {
        let order = try world.insertOrder(total: 900)
        _ = try initiate(order)
        let cancel = try world.begin("recurring-payment", ["type": "cancel", "orderId": .int(order)])
        let answer = stripe.send(try #require(cancel.request))
        try world.deliver(Self.subscription("deleted", "canceled", at: 40).renamed("1"))
        var second = try world.begin(
            "recurring-payment",
            ["type": "initiate", "orderId": .int(order), "priceId": "price_1"]
        )
        while let request = second.request, isMade || request.path != "/v1/subscriptions" {
            second = try world.receive(stripe.send(request), second)
        }
        var last = try world.receive(answer, cancel)
        while let request = last.request { last = try world.receive(stripe.send(request), last) }
        let late = last.step.output
        #expect(late?["recurringPaymentId"] == 1 && late?["status"] == "CANCELLED")
        #expect(try row(2)["status"] == "INCOMPLETE")
        #expect(try row(2)["subscription"] == (isMade ? Value.string("sub_2") : Value.null))
    }

    @Test(
        "M13: a cancellation that was carried out succeeds, though its event or a lost answer came before the answer",
        arguments: [true, false]
    )
    func repeatedCancellation(isTold: Bool) throws {
        let order = try world.insertOrder(total: 900)
        _ = try initiate(order)
        var cancel = try world.begin("recurring-payment", ["type": "cancel", "orderId": .int(order)])
        _ = stripe.send(try #require(cancel.request))
        if isTold { try world.deliver(Self.subscription("deleted", "canceled", at: 40).renamed("1")) }
        while let request = cancel.request { cancel = try world.receive(stripe.send(request), cancel) }
        #expect(cancel.step.output?["status"] == "CANCELLED" && cancel.step.output?["subscription"] == "sub_1")
        #expect(try row()["status"] == "CANCELLED")
    }

    @Test("a cancellation that Stripe refuses of one that lives fails with Stripe's reason, and nothing ends")
    func refusedCancellation() throws {
        let order = try world.insertOrder(total: 900)
        _ = try initiate(order)
        var cancel = try world.begin("recurring-payment", ["type": "cancel", "orderId": .int(order)])
        let refusal: Value = ["error": ["code": "resource_locked", "type": "invalid_request_error"]]
        cancel = try world.receive(OutsideAnswer(status: 400, body: try JSON.encode(refusal)), cancel)
        while let request = cancel.request { cancel = try world.receive(stripe.send(request), cancel) }
        #expect(cancel.step.failure?.code == "resource_locked")
        #expect(try row()["status"] == "INCOMPLETE")
    }

    /// Goal: no recurring payment that can neither be used nor cancelled, and no subscription that nobody knows of.
    ///
    /// Method: the starting run ends before the customer, before the subscription, or before the answer about it.
    @Test(
        "a recurring payment whose start was broken off can be cancelled, and what Stripe made of it ends",
        arguments: 0...2
    )
    func cancelledStart(done: Int) throws {
        let order = try world.insertOrder(total: 900)
        let data: ValueMap = ["type": "initiate", "orderId": .int(order), "priceId": "price_1"]
        var pending = try world.begin("recurring-payment", data)
        pending = try world.receive(stripe.send(try #require(pending.request)), pending)
        if done > 0 { pending = try world.receive(stripe.send(try #require(pending.request)), pending) }
        let request = try #require(pending.request)
        let answer = done > 1 ? stripe.send(request) : nil
        let cancelled = try #require(try run(["type": "cancel", "orderId": .int(order), "atPeriodEnd": true]).output)
        #expect(cancelled["status"] == "CANCELLED" && cancelled["recurringPaymentId"] == 1)
        #expect(try row()["status"] == "CANCELLED")
        #expect(stripe.living.isEmpty)
        // The answer comes after all.
        if let answer { pending = try world.receive(answer, pending) }
        while let request = pending.request { pending = try world.receive(stripe.send(request), pending) }
        #expect(pending.step.failure?.code == "recurring_payment_gone")
        #expect(stripe.living.isEmpty)
        #expect(try initiate(order, ["priceId": "price_2"]).output?["recurringPaymentId"] == 2)
    }

    @Test("initiate, where the subscription has ended at Stripe and nobody was told, starts a new one")
    func endedUnheard() throws {
        let order = try world.insertOrder(total: 900)
        _ = try initiate(order)
        let cancel = try world.begin("recurring-payment", ["type": "cancel", "orderId": .int(order)])
        _ = stripe.send(try #require(cancel.request))
        let anew = try #require(try initiate(order).output)
        #expect(anew["recurringPaymentId"] == 2 && anew["subscription"] == "sub_2" && anew["status"] == "INCOMPLETE")
        #expect(try row()["status"] == "CANCELLED")
    }

    @Test(
        "M16: a price that is not what the order costs starts nothing, and stands in the audit",
        arguments: [
            (900, "usd", true, nil), (899, "usd", true, "amount_differs"), (901, "usd", true, "amount_differs"),
            (900, "eur", true, "currency_differs"), (900, "usd", false, "price_not_recurring"),
            (nil, "usd", true, "price_not_fixed"),
        ] as [(Int64?, String, Bool, String?)]
    )
    func otherPrice(amount: Int64?, currency: String, isRecurring: Bool, code: String?) throws {
        let order = try world.insertOrder(total: 900)
        stripe.set(
            price: SubscriptionDouble.price(amount: amount, currency: currency, isRecurring: isRecurring)
        )
        let step = try initiate(order)
        #expect(step.failure?.code == code)
        #expect(try world.rows("recurring_payments").count == (code == nil ? 1 : 0))
        #expect(stripe.posts.isEmpty == (code != nil))
        let audit = try world.write { tx throws(StoreError) in try tx.auditRecords(limit: 10) }
        #expect(audit.map(\.reason) == [code].compactMap { $0 }.filter { $0.hasSuffix("_differs") })
    }

    @Test(
        "M16: a total without a currency counts in the connection's, else the app's: a price in another starts nothing",
        arguments: [(nil, "usd", nil), (nil, "clp", "currency_differs"), ("clp", "clp", nil)]
            as [(String?, String, String?)]
    )
    func bareTotal(setting: String?, currency: String, code: String?) throws {
        let bare = Table(name: "orders", columns: [Column(name: "total", type: .int)])
        let app = PaymentsWorld.app(orders: bare)
        let feature = PaymentsFeature(app: app, mode: .test, credentials: StripeCredentials(world.secrets))
        let command = try #require(feature.command("recurring-payment", of: "stripe"))
        let order = try world.insertOrder(total: 900, currency: "eur")
        var call = world.call(["type": "initiate", "orderId": .int(order), "priceId": "price_1"])
        if let setting { call.connection.settings["currency"] = .string(setting) }
        stripe.set(price: SubscriptionDouble.price(currency: currency))
        let step = try world.write { transaction throws(StoreError) in
            let first = try command.begin(call, in: transaction)
            guard case .send(let request) = first else { return first }
            return try command.receive(stripe.send(request), to: request, of: call, in: transaction)
        }
        #expect(step.failure?.code == code)
        if case .send(let request) = step { #expect(request.path == "/v1/customers") }
    }

    @Test("M16: a subscription whose price was changed at Stripe gives nobody a secret to pay it with")
    func changedPrice() throws {
        let order = try world.insertOrder(total: 900)
        #expect(try initiate(order).output?["subscription"] == "sub_1")
        stripe.set("sub_1", unitAmount: 90)
        #expect(try initiate(order).failure?.code == "amount_differs")
        #expect(try run(["type": "cancel", "orderId": .int(order)]).output?["status"] == "CANCELLED")
    }

    // MARK: Events

    static let story: [TestEvent] = [
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
        let price = try #require(StripePrice(.map(SubscriptionDouble.price())))
        for round in 0..<400 {
            let order = try world.insertOrder(total: 900)
            let name = "r\(round)"
            var events = Self.story.map { $0.renamed(name) }
            if round > 0 { events.shuffle(using: &random) }
            let (rows, handled) = try world.write { transaction throws(StoreError) in
                let ledger = RecurringLedger(transaction)
                let row = try ledger.insert(order: order, price: price, trialDays: nil, key: name)
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

    @Test("M13: an end counts whenever it is told, also behind something that was seen later; nothing comes after it")
    func lateEnd() throws {
        #expect(try initiate(try world.insertOrder(total: 900)).output?["subscription"] == "sub_1")
        let change = { (change: String, status: String, time: Int64) in
            Self.subscription(change, status, at: time).renamed("1")
        }
        try world.deliver(change("updated", "past_due", 50))
        #expect(try row()["status"] == "PAST_DUE")
        try world.deliver(change("deleted", "canceled", 40))
        #expect(try row()["status"] == "CANCELLED")
        #expect(try world.deliver(change("updated", "active", 60)) == .stale)
        #expect(try row()["status"] == "CANCELLED")
    }

    @Test("M13: the end of one whose first invoice was never paid is told as its end, once, also behind a `deleted`")
    func expired() throws {
        #expect(try initiate(try world.insertOrder(total: 900)).output?["subscription"] == "sub_1")
        try world.deliver(Self.subscription("updated", "incomplete_expired", at: 50).renamed("1"))
        #expect(try row()["status"] == "CANCELLED")
        let told = try world.runCallbacks()
        #expect(told.map { $0["change"] } == ["cancelled"] && told.first?["callbackProcessed"] == false)
        try world.deliver(Self.subscription("deleted", "canceled", at: 50).renamed("1"))
        try world.deliver(Self.subscription("updated", "incomplete_expired", at: 51).renamed("1"))
        #expect(try world.runCallbacks().isEmpty)
    }

    @Test("M3, M7: a period's charge is a payment of the order and can be given back")
    func refundOfACharge() throws {
        let order = try world.insertOrder(total: 900)
        #expect(try initiate(order).output?["subscription"] == "sub_1")
        for event in Self.story.prefix(5) { try world.deliver(event.renamed("1")) }
        let payment = try #require(try world.rows("payments").first)
        #expect(payment["recurringPaymentId"] == 1 && payment["received"] == 900 && payment["status"] == "SUCCEEDED")
        #expect(payment["intent"] == "pi_first1" && payment["charge"] == "ch_pi_first1")
        let refund = try world.run("refund", ["paymentId": payment["id"] ?? 0], against: StripeDouble())
        #expect(refund.output?["amount"] == 900)
    }

    @Test(
        "M16: a charge is held against what the recurring payment began with, whatever Stripe's price is by then",
        arguments: [
            (900, "usd", true), (899, "usd", false), (1_800, "usd", false), (900, "jpy", false),
        ] as [(Int64, String, Bool)]
    )
    func chargedAmount(amount: Int64, currency: String, matches: Bool) throws {
        for isLate in [false, true] {
            let order = try world.insertOrder(total: 900)
            #expect(try initiate(order).output != nil)
            let id = try #require(try world.rows("recurring_payments").last?["subscription"]?.stringValue)
            let suffix = String(id.dropFirst("sub_".count))
            var charge = Self.invoice("paid", "in_9", reason: "subscription_cycle", at: 30).renamed(suffix)
            charge.object["amount_due"] = .int(amount)
            charge.object["amount_paid"] = .int(amount)
            charge.object["currency"] = .string(currency)
            // Stripe's own price moves to what it charged, before or after it tells of the charge.
            var change = Self.subscription("updated", "active", at: 29).renamed(suffix)
            change.object["items"] = [
                "data": [["price": ["id": "price_1", "unit_amount": .int(amount)], "quantity": 1]]
            ]
            for event in isLate ? [charge, change] : [change, charge] { try world.deliver(event) }
            let told = try #require(try world.runCallbacks().first { $0["amount"] != nil })
            #expect(told["amountMatches"] == .bool(matches) && told["agreedAmount"] == 900)
        }
    }

    @Test("an order that a payment has paid, or may still pay, starts no recurring payment until that is over")
    func paidOtherwise() throws {
        let double = StripeDouble()
        let (order, payment, intent) = try world.openPayment(total: 900, stripe: double)
        #expect(try initiate(order).failure?.code == "open_payment_differs")
        try world.deliver(.succeeded(intent, amount: 900))
        #expect(try initiate(order).failure?.code == "order_already_paid")
        #expect(stripe.posts.isEmpty)
        #expect(try world.run("refund", ["paymentId": .int(payment)], against: double).output?["amount"] == 900)
        #expect(try world.rows("payments").first?["refunded"] == 900)
        #expect(try initiate(order).output?["subscription"] == "sub_1")
    }

    @Test("an order whose recurring payment was paid and has ended is not charged once more by another one")
    func paidBefore() throws {
        let order = try world.insertOrder(total: 900)
        _ = try initiate(order)
        for event in Self.story.prefix(5) { try world.deliver(event.renamed("1")) }
        #expect(try initiate(order).output?["status"] == "ACTIVE", "it goes on")
        #expect(try run(["type": "cancel", "orderId": .int(order)]).output?["status"] == "CANCELLED")
        #expect(try initiate(order).failure?.code == "order_already_paid")
        #expect(stripe.made["subscription"] == 1)
    }

    @Test("events that came before the subscription was known are looked at again, all of them")
    func early() throws {
        let order = try world.insertOrder(total: 900)
        for event in Self.story.prefix(5).reversed() { #expect(try world.deliver(event.renamed("1")) == .unmatched) }
        #expect(try initiate(order).output?["status"] == "ACTIVE")
        #expect(try world.rows("payments").first?["charge"] == "ch_pi_first1")
    }

    /// An app whose flow starts a recurring payment, and its files.
    private static func recurringApp() throws -> (app: App, files: [SourceFile]) {
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
        let files = [
            SourceFile(path: "app.yaml", bytes: Array(app.utf8)),
            SourceFile(path: "flows/s.yaml", bytes: Array(flow.utf8)),
        ]
        return (try #require(AppCompiler(catalogue: PaymentsCatalogue.catalogue).compile(files).app), files)
    }

    @Test("the templates of recurring payments compile, fitted to the order table")
    func templates() throws {
        var (bare, files) = try Self.recurringApp()
        let steps = PaymentsActivation.steps(for: bare, files: [:])
        #expect(steps.count == 4)
        #expect(steps.last?.text?.contains("email: '${ blocks.initial.email }'") == true)
        for step in steps { files.append(SourceFile(path: step.path, bytes: Array((step.text ?? "").utf8))) }
        let compiler = AppCompiler(catalogue: PaymentsCatalogue.catalogue)
        #expect(
            compiler.compile(files).diagnostics.map { "\($0.range.file):\($0.range.start.line): \($0.message)" } == []
        )
        bare.payments = nil
        #expect(PaymentsActivation.steps(for: bare, files: [:]).isEmpty)
    }

    @Test("M4: a charge callback as it was before amounts were compared is known, and brought up to date")
    func formerTemplate() throws {
        let template = try #require(BuiltinFlows.all.last?.text)
        let lines = template.split(separator: "\n", omittingEmptySubsequences: false)
        let start = try #require(lines.firstIndex { $0.contains("!blocks.handler.amountMatches") })
        // Nor was there a branch for what was paid twice, behind it, and for a trial that costs nothing.
        let trial = try #require(lines.firstIndex { $0.contains("blocks.handler.amount == 0") })
        let former = (lines[..<start] + lines[(start + 13)..<trial] + lines[(trial + 5)...]).joined(separator: "\n")
        let (app, _) = try Self.recurringApp()
        let path = "flows/recurring-charge-callback.yaml"
        let step = PaymentsActivation.steps(for: app, files: [path: former]).first { $0.path == path }
        #expect(step?.action == .upgrade && step?.text?.contains("amountMatches") == true)
        let mine = former.replacing("the charge failed'", with: "no money'")
        let kept = PaymentsActivation.steps(for: app, files: [path: mine]).first { $0.path == path }
        #expect(kept?.action == .keepChanged)
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

    static func subscription(_ change: String, _ status: String, at time: Int64, ending: Bool = false)
        -> TestEvent
    {
        TestEvent(
            id: "evt_sub_\(change)_\(status)_\(time)_",
            type: "customer.subscription.\(change)",
            object: SubscriptionDouble.subscription("sub_", status: status, ending: ending),
            created: time
        )
    }

    static func invoice(_ change: String, _ id: String, reason: String, at time: Int64) -> TestEvent {
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

    static func link(_ invoice: String, _ intent: String) -> TestEvent {
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
    func renamed(_ suffix: String) -> TestEvent {
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
