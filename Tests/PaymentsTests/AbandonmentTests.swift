import Expressions
import FlowEngine
import Testing

@testable import Payments

@Suite("Requests that end without an answer")
struct AbandonmentTests {
    let world: PaymentsWorld
    let stripe = StripeDouble()

    init() throws { world = try PaymentsWorld() }

    private func abandon(_ pending: PaymentsWorld.Pending, _ reason: Abandonment) throws {
        let request = try #require(pending.request)
        try world.write { transaction throws(StoreError) in
            try world.feature.abandoned(request, reason, in: transaction)
        }
    }

    private func sums() throws -> [Value?] {
        let row = try world.rows("payments").first
        return [row?["refunded"], row?["refundPending"]]
    }

    @Test(
        "a refund that certainly was not made gives its amount free",
        arguments: [Abandonment.notSent, .declaredFailed]
    )
    func refund(reason: Abandonment) throws {
        let (_, id, intent) = try world.openPayment(stripe: stripe)
        try world.deliver(.succeeded(intent))
        let pending = try world.begin("refund", ["paymentId": .int(id), "amount": 600])
        #expect(try sums() == [0, 600])
        try abandon(pending, reason)
        try abandon(pending, reason)
        #expect(try sums() == [0, 0])
        #expect(try world.rows("refunds").map { $0["status"] } == ["FAILED"])
        #expect(try world.run("refund", ["paymentId": .int(id)], against: stripe).output?["amount"] == 1000)
    }

    @Test("a refund that was said not to be made, and was all the same, counts as Stripe tells it")
    func wronglyDeclared() throws {
        let (_, id, intent) = try world.openPayment(stripe: stripe)
        try world.deliver(.succeeded(intent))
        let pending = try world.begin("refund", ["paymentId": .int(id), "amount": 600])
        try abandon(pending, .declaredFailed)
        try world.deliver(
            .refund(
                "refund.created",
                "re_1",
                of: intent,
                status: "succeeded",
                amount: 600,
                metadata: ["runnel_refund": "1", "runnel_installation": "new"]
            )
        )
        #expect(try sums() == [600, 0])
        #expect(try world.rows("refunds").map { $0["status"] } == ["FAILED", "REFUNDED"])
    }

    /// Goal: Stripe answers a key as it answered it first, with a failure of its own too; the order must not depend on it.
    @Test(
        "a payment whose request was declared failed is closed, and the next call sends another key",
        arguments: [
            ("create-payment-intent", ValueMap()),
            ("create-checkout-session", ["name": "Mug", "successUrl": "https://shop.example.com/done"]),
        ] as [(String, ValueMap)]
    )
    func newKey(command: String, more: ValueMap) throws {
        var data: ValueMap = ["orderId": .int(try world.insertOrder()), "amount": 1000]
        for (name, value) in more { data[name] = value }
        let first = try world.begin(command, data)
        try abandon(first, .notSent)
        let second = try world.begin(command, data)
        #expect(second.request?.key == first.request?.key, "what was not sent is sent with the key that it had")
        try abandon(second, .declaredFailed)
        #expect(try world.rows("payments").map { $0["status"] } == ["CANCELLED"])
        let third = try world.begin(command, data)
        #expect(third.request != nil && third.request?.key != first.request?.key)
        #expect(try world.rows("payments").map { $0["status"] } == ["CANCELLED", "CREATED"])
    }

    @Test("a page whose payment is with the bank is given once; what is paid beside it is a payment of its own")
    func paidBeside() throws {
        let page: ValueMap = [
            "orderId": .int(try world.insertOrder()), "amount": 1000, "name": "Mug",
            "successUrl": "https://shop.example.com/done",
        ]
        _ = try world.begin("create-checkout-session", page)
        func event(_ intent: String, _ status: String) -> TestEvent {
            var event = TestEvent.succeeded(intent, amount: 1000)
            event.id = "evt_\(intent)_\(status)"
            event.type = "payment_intent.\(status)"
            event.object["status"] = .string(status)
            event.object["metadata"] = ["runnel_installation": "new", "runnel_payment": "1"]
            return event
        }
        try world.deliver(event("pi_bank", "processing"))
        let again = try world.run("create-checkout-session", page, against: StripeDouble())
        #expect(again.failure?.code == "payment_processing")
        try world.deliver(event("pi_card", "succeeded"))
        try world.deliver(event("pi_bank", "succeeded"))
        let rows = try world.rows("payments")
        #expect(rows.map { $0["intent"] } == ["pi_bank", "pi_card"])
        #expect(rows.allSatisfy { $0["status"] == "SUCCEEDED" && $0["received"] == 1000 })
        #expect(try world.runCallbacks().map { $0["orderAlreadyPaid"] } == [false, true])
        // Its refund may be told of before the payment is.
        try world.deliver(.refund("refund.created", "re_1", of: "pi_third", status: "succeeded", amount: 1000))
        try world.deliver(event("pi_third", "succeeded"))
        #expect(try world.rows("payments").last?["refunded"] == 1000)
    }

    @Test("shop: a refund without a secret key fails, and works once there is one")
    func withoutKey() async throws {
        try await SimulatedWorld.with("shop") { world in
            try await world.page("add-product", ["name": "Mug", "price": 1299], as: SimulatedWorld.admin)
            try await world.page("place-order", ["product": 1])
            let checkout = try await world.page("checkout", ["orderId": 1])
            let secret = try #require(checkout.body["clientSecret"]?.stringValue)
            try world.stripe.confirm(secret, card: "pm_card_visa")
            try await world.deliver()
            world.secrets.set("stripe.test.secretKey", nil)
            let refused = try await world.page("refund-order", ["orderId": 1], as: SimulatedWorld.admin)
            #expect(refused.body["code"] == "not_sent")
            #expect(try await world.column("refundPending", of: "payments") == [0])
            world.secrets.set("stripe.test.secretKey", SimulatedStripe.secretKey)
            #expect(try await world.page("refund-order", ["orderId": 1], as: SimulatedWorld.admin).status == 200)
            #expect(try await world.column("status", of: "refunds") == ["FAILED", "REFUNDED"])
        }
    }
}
