import Expressions
import FlowEngine
import Testing

@testable import Payments

@Suite("refund")
struct RefundTests {
    let world: PaymentsWorld
    let stripe = StripeDouble()

    init() throws { world = try PaymentsWorld() }

    private func paid(_ total: Int64 = 1000) throws -> (id: Int64, intent: String) {
        let (_, id, intent) = try world.openPayment(total: total, stripe: stripe)
        try world.deliver(.succeeded(intent, amount: total))
        return (id, intent)
    }

    private func refund(_ id: Int64, _ amount: Int64? = nil) throws -> CommandStep {
        var data: ValueMap = ["paymentId": .int(id)]
        if let amount { data["amount"] = .int(amount) }
        return try world.run("refund", data, against: stripe)
    }

    private func sums(_ id: Int64) throws -> [Value?] {
        let row = try world.rows("payments", where: [ResolvedCondition("id", equals: .int(id))]).first
        return [row?["received"], row?["refunded"], row?["refundPending"]]
    }

    @Test("M7: a part, then the rest; then nothing is left")
    func parts() throws {
        let (id, _) = try paid()
        #expect(try refund(id, 300).output?["status"] == "REFUNDED")
        #expect(try refund(id, 701).failure?.code == "refund_too_large")
        #expect(try refund(id).output?["amount"] == 700)
        #expect(try refund(id).failure?.code == "nothing_refundable")
        #expect(try sums(id) == [1000, 1000, 0])
        #expect(stripe.refunds.count == 2)
    }

    @Test("E10: 50 refunds at once never give back more than was paid")
    func fiftyAtOnce() throws {
        let (id, _) = try paid(1000)
        var pending = try (0..<50).map { _ in try world.begin("refund", ["paymentId": .int(id), "amount": 30]) }
        #expect(pending.filter { $0.request != nil }.count == 33)
        #expect(try sums(id) == [1000, 0, 990])
        var random = SplitMix(seed: 3)
        pending.shuffle(using: &random)
        for one in pending {
            guard let request = one.request, case .answered(let answer) = stripe.send(request) else { continue }
            #expect(try world.receive(answer, one).step.output != nil)
        }
        #expect(try sums(id) == [1000, 990, 0])
        #expect(stripe.refunds.count == 33)
        #expect(Set(pending.compactMap { $0.request?.key }).count == 33)
    }

    @Test("a refusal releases the reservation; a lost answer keeps it until an event says what became of it")
    func releases() throws {
        let (id, intent) = try paid()
        stripe.fail(.answer(status: 400, code: "charge_disputed"))
        #expect(try refund(id, 400).failure?.code == "charge_disputed")
        #expect(try sums(id) == [1000, 0, 0])
        stripe.fail(.loseAnswer)
        #expect(try refund(id, 400).failure == PaymentsWorld.lost)
        #expect(try sums(id) == [1000, 0, 400])
        #expect(try refund(id, 700).failure?.code == "refund_too_large")
        let made = try #require(stripe.refunds.first?["id"]?.stringValue)
        let event = TestEvent.refund(
            "refund.created",
            made,
            of: intent,
            status: "succeeded",
            amount: 400,
            metadata: ["runnel_refund": "2", "runnel_installation": "new"]
        )
        try world.deliver(event)
        #expect(try sums(id) == [1000, 400, 0])
        #expect(try world.rows("refunds").count == 2, "our row took the refund's id, no second one was made")
    }

    @Test("an answer that Stripe does not stand behind keeps the reservation")
    func unclear() throws {
        let (id, _) = try paid()
        stripe.fail(.answer(status: 500, code: "api_error"))
        #expect(try refund(id, 400).failure?.retryable == true)
        #expect(try sums(id) == [1000, 0, 400])
    }

    @Test("the event comes before the answer: one row, counted once")
    func eventFirst() throws {
        let (id, intent) = try paid()
        let pending = try world.begin("refund", ["paymentId": .int(id), "amount": 250])
        guard case .answered(let answer) = stripe.send(try #require(pending.request)) else { return }
        let made = try #require(stripe.refunds.first?["id"]?.stringValue)
        try world.deliver(
            .refund(
                "refund.created",
                made,
                of: intent,
                status: "succeeded",
                amount: 250,
                metadata: ["runnel_refund": "1", "runnel_installation": "new"]
            )
        )
        #expect(try sums(id) == [1000, 250, 0])
        #expect(try world.receive(answer, pending).step.output?["status"] == "REFUNDED")
        try world.deliver(.refund("refund.updated", made, of: intent, status: "succeeded", amount: 250))
        #expect(try sums(id) == [1000, 250, 0])
        #expect(try world.rows("refunds").count == 1)
        #expect(try world.runCallbacks().filter { $0["refundId"] != nil }.count == 1)
    }

    @Test("a refund that an event has told of is made, whatever its request is answered")
    func eventThenRefusal() throws {
        let (id, intent) = try paid()
        let pending = try world.begin("refund", ["paymentId": .int(id), "amount": 250])
        _ = stripe.send(try #require(pending.request))
        let made = try #require(stripe.refunds.first?["id"]?.stringValue)
        let metadata: ValueMap = ["runnel_refund": "1", "runnel_installation": "new"]
        try world.deliver(
            .refund("refund.created", made, of: intent, status: "succeeded", amount: 250, metadata: metadata)
        )
        let refusal = OutsideAnswer(status: 400, body: Array(#"{"error":{"code":"charge_already_refunded"}}"#.utf8))
        let output = try world.receive(refusal, pending).step.output
        #expect(output?["status"] == "REFUNDED" && output?["refund"] == .string(made))
        #expect(try sums(id) == [1000, 250, 0])
    }

    @Test("metadata that names another refund's row is not believed")
    func forgedMetadata() throws {
        let (id, intent) = try paid()
        stripe.setRefundStatus("pending")
        #expect(try refund(id, 100).output?["status"] == "PENDING")
        try world.deliver(
            .refund(
                "refund.created",
                "re_other",
                of: intent,
                status: "succeeded",
                amount: 100,
                metadata: ["runnel_refund": "1", "runnel_installation": "new"]
            )
        )
        #expect(try world.rows("refunds").count == 2)
        #expect(try sums(id) == [1000, 100, 100])
    }

    @Test("E6: pending is not failed: it settles either way, and a refund that fails later gives its amount free")
    func pendingThenFailed() throws {
        let (id, intent) = try paid()
        stripe.setRefundStatus("pending")
        let output = try #require(try refund(id, 600).output)
        #expect(output["status"] == "PENDING")
        let made = try #require(output["refund"]?.stringValue)
        #expect(try sums(id) == [1000, 0, 600])
        try world.deliver(.refund("refund.updated", made, of: intent, status: "succeeded", amount: 600))
        #expect(try sums(id) == [1000, 600, 0])
        #expect(try world.runCallbacks().last?["status"] == "REFUNDED")
        try world.deliver(.refund("refund.failed", made, of: intent, status: "failed", amount: 600))
        #expect(try sums(id) == [1000, 0, 0])
        #expect(try world.rows("refunds").first?["status"] == "FAILED")
        #expect(try world.runCallbacks().last?["status"] == "FAILED", "the flow is told which of them it is")
    }

    @Test("a refund made in Stripe's dashboard becomes a row, and counts")
    func dashboard() throws {
        let (id, intent) = try paid()
        try world.runCallbacks()
        try world.deliver(.refund("refund.created", "re_dash", of: intent, status: "succeeded", amount: 900))
        #expect(try sums(id) == [1000, 900, 0])
        #expect(try refund(id, 200).failure?.code == "refund_too_large")
        let output = try #require(try world.runCallbacks().first)
        #expect(output["status"] == "REFUNDED" && output["paymentId"] == .int(id))
    }

    @Test("only what succeeded can be given back, in whole multiples, and never by a null")
    func refused() throws {
        let (_, open, _) = try world.openPayment(stripe: stripe)
        #expect(try refund(open).failure?.code == "payment_not_refundable")
        #expect(try refund(99).failure?.code == "payment_not_found")
        let (id, _) = try paid()
        #expect(try refund(id, 0).failure?.code == "amount_not_positive")
        #expect(try refund(id, -5).failure?.code == "amount_not_positive")
        let fraction = try world.run("refund", ["paymentId": .int(id), "amount": .double(1.5)], against: stripe)
        #expect(fraction.failure?.code == "amount_not_integer")
        let nothing = try world.run("refund", ["paymentId": .int(id), "amount": .null], against: stripe)
        #expect(nothing.failure?.code == "amount_missing", "all is what is asked for without the line")
        let live = try world.run("refund", ["paymentId": .int(id)], against: stripe, mode: .live)
        #expect(live.failure?.code == "payment_not_found")
        #expect(stripe.refunds.isEmpty)
    }
}
