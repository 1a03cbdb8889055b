import Expressions
import FlowEngine
import Testing

@testable import Payments

@Suite("confirm-payment-intent, retrieve and cancel")
struct ConfirmPaymentIntentTests {
    let world: PaymentsWorld
    let stripe = StripeDouble()

    init() throws { world = try PaymentsWorld() }

    private func confirm(_ intent: String, _ secret: String, _ more: ValueMap = [:]) throws -> CommandStep {
        var data: ValueMap = ["payment_intent": .string(intent), "payment_intent_client_secret": .string(secret)]
        for (key, value) in more { data[key] = value }
        return try world.run("confirm-payment-intent", data, against: stripe)
    }

    private func succeeded() throws -> (id: Int64, intent: String, secret: String) {
        let (_, id, intent) = try world.openPayment(stripe: stripe)
        stripe.change(intent, "status", "succeeded")
        stripe.change(intent, "amount_received", 1000)
        stripe.change(intent, "latest_charge", "ch_9")
        return (id, intent, "\(intent)_secret_abc")
    }

    @Test("Z14, Z16: asks Stripe, records the Connection Data once, and pays nothing: the web hook does")
    func records() throws {
        let (id, intent, secret) = try succeeded()
        for _ in 1...2 {
            let output = try #require(try confirm(intent, secret).output)
            #expect(output["paymentId"] == .int(id) && output["status"] == "CREATED")
        }
        let recorded = try world.rows("connection_data")
        #expect(recorded.count == 1)
        #expect(recorded.first?["data"]?["amountReceived"] == 1000)
        let payment = try world.rows("payments").first
        #expect(payment?["status"] == "CREATED" && payment?["charge"] == "ch_9")
        #expect(try world.runCallbacks().isEmpty)
    }

    @Test("E12: a wrong secret, a foreign intent, another amount or the other mode records nothing")
    func forged() throws {
        let (_, intent, secret) = try succeeded()
        #expect(try confirm(intent, secret + "x").failure?.code == "payment_intent_unknown")
        #expect(try confirm(intent, "").failure?.code == "payment_intent_unknown")
        #expect(try confirm("pi_foreign", secret).failure?.code == "payment_intent_unknown")
        #expect(try confirm("../v1/customers", secret).failure?.code == "payment_intent_malformed")
        stripe.change(intent, "amount", 100)
        #expect(try confirm(intent, secret).failure?.code == "amount_differs")
        stripe.change(intent, "amount", 1000)
        stripe.change(intent, "currency", "eur")
        #expect(try confirm(intent, secret).failure?.code == "amount_differs")
        stripe.change(intent, "currency", "usd")
        stripe.change(intent, "livemode", true)
        #expect(try confirm(intent, secret).failure?.code == "mode_differs")
        stripe.change(intent, "livemode", false)
        stripe.change(intent, "status", "requires_payment_method")
        #expect(try confirm(intent, secret).failure?.code == "payment_not_complete")
        #expect(try world.rows("connection_data").isEmpty)
    }

    @Test(
        "Z15: the rules between the e-mail parameters",
        arguments: [
            (["notfnEmail": "a@b.de"], "notfnEmail"), (["emailCust": true], "emailCust"),
            (["sendNotfn": true], "sendNotfn"),
            (["sgInstName": "mail", "notfnEmail": "a@b.de"], "notfnEmail"),
            (["sgInstName": "mail", "sendNotfn": true], "sendNotfn"),
            (["sgInstName": "mail", "sendNotfn": true, "notfnEmail": "nobody"], "notfnEmail"),
            (["sgInstName": "mail", "sendNotfn": true, "notfnEmail": "a@b.de\nBcc: c@d.de"], "notfnEmail"),
        ] as [(ValueMap, String)]
    )
    func emailRules(data: ValueMap, parameter: String) throws {
        let (_, intent, secret) = try succeeded()
        let failure = try #require(try confirm(intent, secret, data).failure)
        #expect(failure.code == "email_parameters" && failure.param == parameter)
    }

    @Test("a payment that nobody paid can be cancelled; the order can then be paid anew")
    func cancel() throws {
        let (order, id, intent) = try world.openPayment(stripe: stripe)
        let retrieved = try world.run("retrieve-payment-intent", ["paymentId": .int(id)], against: stripe).output
        #expect(retrieved?["status"] == "requires_payment_method" && retrieved?["amount"] == 1000)
        let cancelled = try world.run("cancel-payment-intent", ["paymentId": .int(id)], against: stripe).output
        #expect(cancelled?["status"] == "canceled")
        #expect(try world.rows("payments").first?["status"] == "CANCELLED")
        try world.deliver(.intent("payment_intent.canceled", intent, status: "canceled"))
        #expect(try world.runCallbacks().map { $0["paymentStatus"] } == ["CANCELLED"])
        let again = try world.run("create-payment-intent", ["orderId": .int(order), "amount": 1000], against: stripe)
        #expect(again.output?["paymentId"] == 2)
        let closed = try world.run("cancel-payment-intent", ["paymentId": .int(id)], against: stripe)
        #expect(closed.failure?.code == "payment_closed")
    }

    @Test("an authorised payment is captured in part; what came in is what can be given back")
    func capture() throws {
        let (_, id, intent) = try world.openPayment(stripe: stripe)
        let capture = { (amount: Int64) in
            try world.run("capture-payment-intent", ["paymentId": .int(id), "amount": .int(amount)], against: stripe)
        }
        #expect(try capture(1001).failure?.code == "capture_too_large")
        #expect(try capture(0).failure?.code == "capture_too_large")
        #expect(try capture(700).output?["amountReceived"] == 700)
        #expect(try world.rows("payments").first?["status"] == "CREATED", "the web hook says so")
        try world.deliver(
            .intent("payment_intent.succeeded", intent, status: "succeeded", received: 700, charge: "ch_1")
        )
        #expect(try capture(100).failure?.code == "payment_closed")
        #expect(try world.runCallbacks().first?["amountMatches"] == false)
        let refund = try world.run("refund", ["paymentId": .int(id), "amount": 701], against: stripe)
        #expect(refund.failure?.code == "refund_too_large")
        #expect(try world.run("refund", ["paymentId": .int(id)], against: stripe).output?["amount"] == 700)
    }
}
