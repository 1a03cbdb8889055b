import Expressions
import FlowEngine
import FlowLanguage
import Payments
import TestSupport
import Testing

/// The sample apps, played whole against the simulator: no file of theirs is changed, nothing leaves the machine.
@Suite("The samples, offline")
struct SampleTests {
    @Test("shop: an order is paid by Stripe's word, given back in two parts, and not a cent more")
    func shop() async throws {
        try await SimulatedWorld.with("shop") { world in
            try await world.page("add-product", ["name": "Mug", "price": 1299], as: SimulatedWorld.admin)
            let order = try await world.page("place-order", ["product": 1, "quantity": 2])
            #expect(order.body["total"] == 2598)
            let checkout = try await world.page("checkout", ["orderId": 1])
            let secret = try #require(checkout.body["clientSecret"]?.stringValue)
            try world.stripe.confirm(secret, card: "pm_card_visa")
            #expect(try await world.column("status", of: "orders") == ["NEW"], "the page's word counts for nothing")
            try await world.deliver()
            #expect(try await world.column("status", of: "orders") == ["PAID"])
            let refund = try await world.page("refund-order", ["orderId": 1], as: SimulatedWorld.admin)
            #expect(refund.status == 200)
            try await world.deliver()
            #expect(try await world.column("status", of: "orders") == ["REFUNDED"])
            #expect(try await world.column("refunded", of: "payments") == [2598])
            #expect(try await world.page("refund-order", ["orderId": 1], as: SimulatedWorld.admin).status == 409)
        }
    }

    @Test("donations: usd, jpy and kwd in their own minor units, each with one thank-you e-mail in the outbox")
    func donations() async throws {
        try await SimulatedWorld.with("donations") { world in
            let gifts: [(amount: String, currency: String, minor: Int64)] = [
                ("12.50", "usd", 1250), ("500", "jpy", 500), ("5.000", "kwd", 5000), ("7.30", "eur", 730),
            ]
            for gift in gifts {
                let answer = try await world.page(
                    "donate",
                    ["amount": .string(gift.amount), "currency": .string(gift.currency), "email": "ann@example.com"],
                    as: .anonymous
                )
                #expect(answer.body["total"] == .int(gift.minor), "\(answer.body)")
                let secret = try #require(answer.body["clientSecret"]?.stringValue)
                try world.stripe.confirm(secret, card: "pm_card_visa")
                try await world.deliver()
            }
            #expect(try await world.column("status", of: "donations") == ["PAID", "PAID", "PAID", "PAID"])
            #expect(try await world.column("received", of: "payments") == [1250, 500, 5000, 730])
            #expect(try await world.column("currency", of: "payments") == ["usd", "jpy", "kwd", "eur"])
            let charged = try world.stripe.call("GET", "/v1/charges")["data"]?.listValue ?? []
            #expect(charged.map { $0["amount"] }.reversed() == [1250, 500, 5000, 730])
            let texts = try await world.column("text", of: "emails").map { $0.stringValue ?? "" }
            #expect(texts.count == 4 && texts.allSatisfy { $0.hasPrefix("Your ") })
            #expect(try await world.column("state", of: "emails") == ["held", "held", "held", "held"])
        }
    }

    @Test(
        "donations: a fraction of the smallest coin and a foreign word are refused, and nothing is asked of Stripe",
        arguments: [
            ("5.005", "kwd"), ("500.5", "jpy"), ("12.505", "usd"), ("twelve", "usd"), ("0", "usd"), ("-5", "eur"),
        ]
    )
    func refused(amount: String, currency: String) async throws {
        try await SimulatedWorld.with("donations") { world in
            let answer = try await world.page(
                "donate",
                ["amount": .string(amount), "currency": .string(currency), "email": "ann@example.com"],
                as: .anonymous
            )
            #expect(answer.status == 400 && answer.body["code"] == "donation_refused", "\(answer)")
            #expect(world.stripe.requests.isEmpty)
        }
    }

    /// Goal: a year of a subscription, without a day's waiting.
    ///
    /// Method: both clocks move in quarters of a day; every web hook is signed by the simulator and verified.
    @Test(
        "subscriptions: the first payment and 12 renewals make 13 payments and 12 further orders, then it is cancelled"
    )
    func year() async throws {
        try await SimulatedWorld.with("subscriptions") { world in
            try await Self.subscribe(in: world)
            #expect(try await world.column("status", of: "orders") == ["PAID"])
            var months = 0
            while months < 12 {
                try await world.advance(days: 1)
                months = try await world.rows("orders").count - 1
                #expect(try await world.rows("payments").count == months + 1)
                guard world.clock.now().seconds < 1_795_176_000 + 400 * 86_400 else { break }
            }
            #expect(months == 12)
            let ending = try await world.page("unsubscribe", ["orderId": 1])
            #expect(ending.body["status"] == "ACTIVE")
            try await world.deliver()
            #expect(try await world.column("cancelAtPeriodEnd", of: "recurring_payments") == [true])
            try await world.advance(days: 40)
            let payments = try await world.rows("payments")
            #expect(payments.count == 13)
            #expect(payments.allSatisfy { $0["status"] == "SUCCEEDED" && $0["received"] == 900 })
            #expect(
                payments.map { $0["orderId"] } == (1...13).map { .int($0) },
                "each renewal's payment is its own order's"
            )
            #expect(
                Set(payments.map { $0["intent"] }).count == 13,
                "each renewal's own intent, so that it can be refunded"
            )
            let orders = try await world.rows("orders")
            #expect(orders.count == 13)
            #expect(orders.dropFirst().allSatisfy { $0["status"] == "PAID" && $0["email"] == "ann@example.com" })
            #expect(orders.first?["status"] == "ENDED")
            #expect(try await world.column("status", of: "recurring_payments") == ["CANCELLED"])
            let charges = try world.stripe.call("GET", "/v1/charges", "limit=100")["data"]?.listValue ?? []
            #expect(charges.count == 13)
        }
    }

    @Test("subscriptions: a trial costs nothing, then the first real charge is a further order")
    func trial() async throws {
        try await SimulatedWorld.with("subscriptions") { world in
            try await Self.subscribe(in: world, trialDays: 14)
            #expect(try await world.column("status", of: "orders") == ["TRIAL"])
            #expect(try await world.column("status", of: "recurring_payments") == ["TRIALING"])
            #expect(try await world.rows("payments").isEmpty)
            #expect(try await world.column("callback", of: "recurring_payments") == ["PAID"], "whom the page waits for")
            try await world.advance(days: 15)
            #expect(try await world.column("status", of: "orders") == ["TRIAL", "PAID"])
            #expect(try await world.column("received", of: "payments") == [900])
            #expect(try await world.column("status", of: "recurring_payments") == ["ACTIVE"])
        }
    }

    @Test("subscriptions: a renewal that is declined leaves PAST_DUE and no order; the next try that works makes one")
    func declinedRenewal() async throws {
        try await SimulatedWorld.with("subscriptions") { world in
            let secret = try await Self.begin(in: world)
            try world.stripe.confirm(secret, card: "pm_card_visa_chargeDeclined")
            try await world.deliver()
            #expect(try await world.column("callback", of: "recurring_payments") == [.null], "nothing is paid yet")
            try world.stripe.confirm(secret, card: "pm_card_visa")
            try await world.deliver()
            try await world.advance(hours: 1)
            #expect(try await world.column("callback", of: "recurring_payments") == ["PAID"])
            try await Self.useCard("pm_card_chargeCustomerFail", in: world)
            try await world.advance(days: 32)
            #expect(try await world.column("status", of: "recurring_payments") == ["PAST_DUE"])
            #expect(try await world.column("callback", of: "recurring_payments") == ["PAID"], "of how it began")
            #expect(try await world.rows("orders").count == 1)
            try await Self.useCard("pm_card_visa", in: world)
            try await world.advance(days: 8)
            #expect(try await world.column("status", of: "recurring_payments") == ["ACTIVE"])
            #expect(try await world.column("status", of: "orders") == ["PAID", "PAID"])
            #expect(try await world.rows("payments").count == 2)
        }
    }

    // MARK: Parts

    /// A plan at Stripe and here, and Ann's subscription to it with a good card, all delivered.
    static func subscribe(
        in world: SimulatedWorld,
        trialDays: Int64? = nil,
        each interval: String = "month"
    ) async throws {
        let secret = try await begin(in: world, trialDays: trialDays, each: interval)
        try world.stripe.confirm(secret, card: "pm_card_visa")
        try await world.deliver()
        // Stripe tells a few seconds later which intent paid the invoice.
        try await world.advance(hours: 1)
    }

    /// The same, before a card is given.
    /// - Returns: the client secret of the first invoice, or of the trial's set-up.
    static func begin(
        in world: SimulatedWorld,
        trialDays: Int64? = nil,
        each interval: String = "month"
    ) async throws -> String {
        let product = try world.stripe.call("POST", "/v1/products", "name=Paper")
        let price = try world.stripe.call(
            "POST",
            "/v1/prices",
            "product=\(product["id"]?.stringValue ?? "")&unit_amount=900&currency=usd&recurring[interval]=\(interval)"
        )
        var plan: ValueMap = ["name": "Paper", "price": 900, "priceId": price["id"] ?? .null]
        if let trialDays { plan["trialDays"] = .int(trialDays) }
        let added = try await world.page("add-plan", .map(plan), as: SimulatedWorld.admin)
        let start = try await world.page("subscribe", ["plan": added.body["planId"] ?? 0])
        #expect(start.status == 200, "\(start.body)")
        return try #require(start.body["clientSecret"]?.stringValue)
    }

    /// Makes a card the one that the subscription is charged with.
    static func useCard(_ card: String, in world: SimulatedWorld) async throws {
        let row = try #require(try await world.rows("recurring_payments").first)
        let customer = row["customer"]?.stringValue ?? ""
        let method = try world.stripe.call("POST", "/v1/payment_methods/\(card)/attach", "customer=\(customer)")
        let id = try #require(method["id"]?.stringValue, "\(method)")
        let subscription = row["subscription"]?.stringValue ?? ""
        try world.stripe.call("POST", "/v1/subscriptions/\(subscription)", "default_payment_method=\(id)")
    }
}
