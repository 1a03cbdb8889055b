import Expressions
import FlowEngine
import Testing

@testable import Payments

/// What looks forged is refused before anything is asked of Stripe, and is written down.
@Suite("Refused commands in the audit")
struct AuditTests {
    let world: PaymentsWorld
    let stripe = StripeDouble()

    init() throws { world = try PaymentsWorld() }

    private func audit() throws -> [String] {
        try world.write { transaction throws(StoreError) in try transaction.auditRecords(limit: 100) }
            .map { "\($0.action) \($0.subject) \($0.reason)" }
    }

    @Test(
        "M10, M16, E12: another amount, currency or order than was agreed",
        arguments: [
            ("create-payment-intent", ["orderId": 1, "amount": 999], "amount_differs"),
            ("create-payment-intent", ["orderId": 1, "amount": 1001, "partial": true], "amount_differs"),
            ("create-payment-intent", ["orderId": 1, "amount": 1000, "currency": "jpy"], "currency_differs"),
            ("create-payment-intent", ["orderId": 2, "amount": 1000], "order_not_found"),
            ("single-payment", ["orderId": 1, "amount": 100], "amount_differs"),
            (
                "create-checkout-session",
                ["orderId": 1, "amount": 100, "name": "Tea", "successUrl": "https://shop.example.com"], "amount_differs"
            ),
            ("recurring-payment", ["type": "initiate", "orderId": 7, "priceId": "price_1"], "order_not_found"),
            ("refund", ["paymentId": 7], "payment_not_found"),
            (
                "confirm-payment-intent",
                ["payment_intent": "pi_3other", "payment_intent_client_secret": "pi_3other_secret_x"],
                "payment_intent_unknown"
            ),
        ] as [(String, ValueMap, String)]
    )
    func refused(command: String, data: ValueMap, code: String) throws {
        _ = try world.insertOrder(total: 1000)
        #expect(try world.run(command, data, against: stripe).failure?.code == code)
        #expect(try audit() == ["command \(command) \(code)"])
        #expect(stripe.intents.isEmpty && stripe.refunds.isEmpty)
        for table in ["payments", "refunds", "connection_data"] { #expect(try world.rows(table).isEmpty) }
    }

    @Test("M7, E10: more money back than came in, and a payment of the other mode")
    func refunds() throws {
        let (_, id, intent) = try world.openPayment(stripe: stripe)
        try world.deliver(.succeeded(intent))
        let more = try world.run("refund", ["paymentId": .int(id), "amount": 1001], against: stripe)
        #expect(more.failure?.code == "refund_too_large")
        let live = try world.run("refund", ["paymentId": .int(id)], against: stripe, mode: .live)
        #expect(live.failure?.code == "payment_not_found")
        #expect(try audit().sorted() == ["command refund payment_not_found", "command refund refund_too_large"])
        #expect(stripe.refunds.isEmpty)
    }

    @Test("what is only a mistake leaves no row: a malformed id, a card that was declined")
    func mistakes() throws {
        _ = try world.insertOrder(total: 1000)
        stripe.fail(.answer(status: 402, code: "card_declined"))
        let declined = try world.run("create-payment-intent", ["orderId": 1, "amount": 1000], against: stripe)
        #expect(declined.failure?.code == "card_declined")
        let malformed = try world.run(
            "confirm-payment-intent",
            ["payment_intent": "x", "payment_intent_client_secret": "y"],
            against: stripe
        )
        #expect(malformed.failure?.code == "payment_intent_malformed")
        #expect(try audit().isEmpty)
    }

    @Test("an answer to a refund that cannot be read is not tried again by itself: it may have been made")
    func unreadable() throws {
        let (_, id, intent) = try world.openPayment(stripe: stripe)
        try world.deliver(.succeeded(intent))
        let pending = try world.begin("refund", ["paymentId": .int(id), "amount": 300])
        let failure = try world.receive(OutsideAnswer(status: 200, body: Array("<html>".utf8)), pending).step.failure
        #expect(failure?.code == "malformed_answer" && failure?.retryable == false)
        #expect(try world.rows("payments").first?["refundPending"] == 300, "until an event says what became of it")
    }
}
