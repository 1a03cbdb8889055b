import Expressions
import FlowEngine
import Testing

@testable import Payments

/// Of a payment whose intent is not known here: an order must not be blocked by it for good.
@Suite("cancel-payment-intent")
struct CancelPaymentIntentTests {
    let world: PaymentsWorld
    let stripe = StripeDouble()

    init() throws { world = try PaymentsWorld() }

    private func create(_ order: Int64) throws -> CommandStep {
        try world.run("create-payment-intent", ["orderId": .int(order), "amount": 1000], against: stripe)
    }

    private func cancel() throws -> CommandStep {
        try world.run("cancel-payment-intent", ["paymentId": 1], against: stripe)
    }

    private func statuses() throws -> [Value?] { try world.rows("payments").map { $0["status"] } }

    @Test(
        "what Stripe may have made of a payment is found and cancelled, and the order can be paid anew",
        arguments: [
            StripeDouble.Fault.answer(status: 401, code: "api_key_expired"),
            .answer(status: 403, code: "more_permissions_required"), .loseAnswer,
        ]
    )
    func withoutIntent(fault: StripeDouble.Fault) throws {
        let order = try world.insertOrder()
        stripe.fail(fault)
        #expect(try create(order).failure != nil)
        #expect(try statuses() == ["CREATED"])
        let cancelled = try #require(try cancel().output)
        #expect(cancelled["status"] == "canceled" && cancelled["intent"]?.stringValue?.hasPrefix("pi_") == true)
        #expect(stripe.intents.map { $0["status"] } == ["canceled"])
        #expect(try statuses() == ["CANCELLED"])
        #expect(try create(order).output?["paymentId"] == 2)
    }

    @Test("a payment whose intent Stripe refuses to make is closed: there is nothing to cancel")
    func refused() throws {
        stripe.fail(.answer(status: 401, code: "api_key_expired"))
        _ = try create(try world.insertOrder())
        stripe.fail(.answer(status: 400, code: "parameter_invalid"))
        #expect(try cancel().output?["intent"] == "")
        #expect(try statuses() == ["CANCELLED"] && stripe.intents.isEmpty)
    }

    @Test("where Stripe does not say what it has made, that is said, and the payment stays open")
    func unknown() throws {
        for _ in 1...2 { stripe.fail(.answer(status: 401, code: "api_key_expired")) }
        _ = try create(try world.insertOrder())
        let failure = try #require(try cancel().failure)
        #expect(failure.code == "api_key_expired" && failure.message.contains("is not known"), "\(failure)")
        #expect(try statuses() == ["CREATED"])
    }
}
