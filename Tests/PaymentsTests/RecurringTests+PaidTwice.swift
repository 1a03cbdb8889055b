import Expressions
import FlowEngine
import Testing

@testable import Payments

extension RecurringTests {
    /// What the callback of each success was told, by what it is of.
    private func alreadyPaid() throws -> [Value?] { try world.runCallbacks().map { $0["orderAlreadyPaid"] } }

    /// Goal: an order that was charged twice is told to the second charge's callback, whichever kind each is of.
    ///
    /// Method: a cancelled recurring payment's first invoice is paid after all, and so is a payment beside it.
    @Test(
        "of a payment and a recurring payment that both charged an order, the later one is told",
        arguments: [true, false]
    )
    func chargedTwice(isRecurringFirst: Bool) throws {
        let order = try world.insertOrder(total: 900)
        _ = try initiate(order)
        _ = try run(["type": "cancel", "orderId": .int(order)])
        let double = StripeDouble()
        let data: ValueMap = ["orderId": .int(order), "amount": 900]
        let intent = try #require(
            try world.run("create-payment-intent", data, against: double).output?["intent"]?.stringValue
        )
        let charge = Self.invoice("paid", "in_1", reason: "subscription_create", at: 11).renamed("1")
        let payment = TestEvent.succeeded(intent, amount: 900)
        for event in isRecurringFirst ? [charge, payment] : [payment, charge] { try world.deliver(event) }
        #expect(try alreadyPaid() == [false, true])
    }

    @Test("of two recurring payments that both charged an order, the later one is told")
    func subscribedTwice() throws {
        let order = try world.insertOrder(total: 900)
        for _ in 1...2 {
            _ = try initiate(order)
            _ = try run(["type": "cancel", "orderId": .int(order)])
        }
        for suffix in ["2", "1"] {
            try world.deliver(
                Self.invoice("paid", "in_\(suffix)", reason: "subscription_create", at: 11).renamed(suffix)
            )
        }
        #expect(try alreadyPaid() == [false, true])
    }

    @Test("a further period pays no order twice, also as long as no callback has made its own")
    func furtherPeriod() throws {
        _ = try initiate(try world.insertOrder(total: 900))
        for (id, reason, time) in [("in_1", "subscription_create", 11), ("in_2", "subscription_cycle", 30)] {
            try world.deliver(Self.invoice("paid", id, reason: reason, at: Int64(time)).renamed("1"))
        }
        #expect(try alreadyPaid() == [false, false])
    }

    @Test("who cancels before the first invoice is paid leaves nothing at Stripe that can be paid")
    func voided() throws {
        let (order, other) = (try world.insertOrder(total: 900), try world.insertOrder(total: 900))
        _ = try initiate(order)
        #expect(try run(["type": "cancel", "orderId": .int(order)]).output?["subscription"] == "sub_1")
        #expect(stripe.posts.last == "/v1/invoices/in_x/void")
        _ = try initiate(other)
        for event in Self.story.prefix(5) { try world.deliver(event.renamed("2")) }
        #expect(try run(["type": "cancel", "orderId": .int(other)]).output?["status"] == "CANCELLED")
        #expect(stripe.posts.last == "/v1/subscriptions/sub_2")
    }

    /// Method: Stripe's event of the end is taken in before the answer to who asked for it.
    @Test("what was cancelled before it was paid is voided, also when the event is quicker than the answer")
    func voidedLate() throws {
        let order = try world.insertOrder(total: 900)
        _ = try initiate(order)
        let cancel = try world.begin("recurring-payment", ["type": "cancel", "orderId": .int(order)])
        let answer = stripe.send(try #require(cancel.request))
        try world.deliver(Self.subscription("deleted", "canceled", at: 40).renamed("1"))
        #expect(try world.receive(answer, cancel).request?.path == "/v1/invoices/in_x/void")
    }

    @Test("an invoice that names the intent of another payment is taken in without it, however often Stripe says so")
    func foreignIntent() throws {
        let intent = try world.openPayment(total: 900).intent
        _ = try initiate(try world.insertOrder(total: 900))
        try world.deliver(Self.invoice("paid", "in_1", reason: "subscription_create", at: 11).renamed("1"))
        #expect(try world.deliver(Self.link("in_11", intent)) == .stale)
        #expect(try world.rows("payments").map { $0["intent"] } == [.string(intent), .null])
    }

    /// Goal: an order is refunded when what paid it is, not when a later period's payment is.
    ///
    /// Method: the renewal is told of before the first charge, so that its row is the earlier one.
    @Test("the first payment of a recurring one is told by when it was paid, not by when it was told")
    func renewalFirst() throws {
        let order = try world.insertOrder(total: 900)
        _ = try initiate(order)
        for (id, reason, time) in [("in_2", "subscription_cycle", 30), ("in_1", "subscription_create", 11)] {
            try world.deliver(Self.invoice("paid", id, reason: reason, at: Int64(time)).renamed("1"))
            try world.deliver(Self.link(id, "pi_\(id)").renamed("1"))
        }
        try world.runCallbacks()
        for (intent, isRefunded) in [("pi_in_21", false), ("pi_in_11", true)] {
            try world.deliver(.refund("refund.created", "re_\(intent)", of: intent, status: "succeeded", amount: 900))
            #expect(try world.runCallbacks().map { $0["orderRefunded"] } == [.bool(isRefunded)])
        }
    }

    @Test("a charge whose intent is not told yet is said to be refundable later, and is then")
    func withoutIntent() throws {
        _ = try initiate(try world.insertOrder(total: 900))
        try world.deliver(Self.invoice("paid", "in_1", reason: "subscription_create", at: 11).renamed("1"))
        let failure = try #require(try world.run("refund", ["paymentId": 1], against: StripeDouble()).failure)
        #expect(failure.code == "payment_not_refundable" && failure.retryable)
        #expect(!failure.message.contains("SUCCEEDED"), "\(failure.message)")
        try world.deliver(Self.link("in_1", "pi_1").renamed("1"))
        #expect(try world.run("refund", ["paymentId": 1], against: StripeDouble()).output?["amount"] == 900)
    }
}
