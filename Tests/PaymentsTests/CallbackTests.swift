import Connections
import Expressions
import FlowEngine
import FlowLanguage
import Testing

@testable import Payments

@Suite("Events and callbacks")
struct CallbackTests {
    let world: PaymentsWorld
    let stripe = StripeDouble()

    init() throws { world = try PaymentsWorld() }

    @Test("the same event 100 times: one delivery, one run, handled once")
    func hundredTimes() throws {
        let (order, id, intent) = try world.openPayment(stripe: stripe)
        let outcomes = try (0..<100).map { _ in try world.deliver(.succeeded(intent)) }
        #expect(outcomes.filter { $0 == .duplicate }.count == 99)
        let outputs = try world.runCallbacks()
        #expect(outputs.count == 1)
        let output = try #require(outputs.first)
        #expect(output["orderId"] == .int(order) && output["paymentId"] == .int(id))
        #expect(output["paymentStatus"] == "SUCCEEDED" && output["callbackProcessed"] == false)
        #expect(
            output["callbackState"] == "new" && output["amountMatches"] == true && output["orderAlreadyPaid"] == false
        )
        #expect(output["event"]?["type"] == "payment_intent.succeeded")
        let counts = try world.write { transaction throws(StoreError) in try transaction.deliveryCounts() }
        #expect(counts["stripe"] == DeliveryCounts(accepted: 1, repeated: 99))
    }

    @Test("two events that tell the same change, as from two endpoints: one run")
    func twoEndpoints() throws {
        let (_, _, intent) = try world.openPayment(stripe: stripe)
        var second = TestEvent.succeeded(intent)
        second.id = "evt_second"
        try world.deliver(.succeeded(intent))
        #expect(try world.deliver(second) == .accepted(runs: []))
        #expect(try world.runCallbacks().count == 1)
    }

    @Test("runs of one payment and its refunds share a lane")
    func lanes() throws {
        let (_, _, intent) = try world.openPayment(stripe: stripe)
        try world.deliver(.succeeded(intent))
        try world.deliver(.refund("refund.created", "re_1", of: intent, status: "succeeded", amount: 10))
        let runs = try world.write { transaction throws(StoreError) in try transaction.runs(matching: RunFilter()) }
        #expect(runs.map(\.start.lane) == ["payment:\(intent)", "payment:\(intent)"])
        #expect(runs.allSatisfy { $0.start.caller == .system && $0.start.origin == .callback })
    }

    @Test("E8: a failed run gives the change back; a run that succeeded keeps it")
    func claims() throws {
        let (_, _, intent) = try world.openPayment(stripe: stripe)
        try world.deliver(.succeeded(intent))
        let first = try #require(try world.write { tx throws(StoreError) in try tx.runs(matching: RunFilter()).first })
        #expect(try world.runCallbacks(ending: .failed).first?["callbackProcessed"] == false)
        try rerun(first)
        #expect(try world.runCallbacks(ending: .succeeded).first?["callbackProcessed"] == false)
        try rerun(first)
        let third = try #require(try world.runCallbacks().first)
        #expect(third["callbackProcessed"] == true && third["callbackState"] == "done")
    }

    @Test("E8: the run that has taken a change on has it again after a crash; another one is told to wait")
    func reentrance() throws {
        let (_, _, intent) = try world.openPayment(stripe: stripe)
        try world.deliver(.succeeded(intent))
        let first = try #require(try world.write { tx throws(StoreError) in try tx.runs(matching: RunFilter()).first })
        try rerun(first)
        let runs = try world.write { tx throws(StoreError) in try tx.runs(matching: RunFilter()) }.sorted {
            $0.id < $1.id
        }
        try world.write { transaction throws(StoreError) in
            for _ in 1...2 {
                let result = try world.feature.handleCallback(
                    .paymentCompleted,
                    of: runs[0],
                    at: PaymentsWorld.start,
                    in: transaction
                )
                #expect(result?.output?["callbackProcessed"] == false)
            }
            let other = try world.feature.handleCallback(
                .paymentCompleted,
                of: runs[1],
                at: PaymentsWorld.start,
                in: transaction
            )
            #expect(other?.failure?.code == "callback_in_progress" && other?.failure?.retryable == true)
        }
    }

    @Test("a decline whose callback is repeated after the order was paid counts as done")
    func overtaken() throws {
        let (_, _, intent) = try world.openPayment(stripe: stripe)
        try world.deliver(.failed(intent))
        let first = try #require(try world.write { tx throws(StoreError) in try tx.runs(matching: RunFilter()).first })
        #expect(try world.runCallbacks(ending: .failed).first?["callbackProcessed"] == false)
        try world.deliver(.succeeded(intent))
        try world.runCallbacks()
        try rerun(first)
        let output = try #require(try world.runCallbacks().first)
        #expect(output["paymentStatus"] == "FAILED" && output["callbackProcessed"] == true)
    }

    /// Goal: an order whose payment went back is not marked paid by a callback that is done again.
    ///
    /// Method: the success's callback fails; a repetition of it runs before the refund's callback, and one after it.
    @Test("a success whose callback is repeated after the payment was given back counts as done")
    func givenBack() throws {
        let (_, _, intent) = try world.openPayment(stripe: stripe)
        try world.deliver(.succeeded(intent))
        let first = try #require(try world.write { tx throws(StoreError) in try tx.runs(matching: RunFilter()).first })
        try world.runCallbacks(ending: .failed)
        try rerun(first)
        try world.deliver(.refund("refund.created", "re_1", of: intent, status: "succeeded", amount: 1000))
        let told = try world.runCallbacks(ending: .failed)
        #expect(told.map { $0["callbackProcessed"] } == [false, false], "the refund's own comes behind it")
        let refund = try #require(
            try world.write { tx throws(StoreError) in
                try tx.runs(matching: RunFilter(flow: "refund-callback")).first
            }
        )
        try rerun(refund)
        #expect(try world.runCallbacks().map { $0["orderRefunded"] } == [true])
        try rerun(first)
        #expect(try world.runCallbacks().map { $0["callbackProcessed"] } == [true])
    }

    @Test("a decline whose callback is done after the success's does not take the word back that a page waits for")
    func lateWord() throws {
        let (_, _, intent) = try world.openPayment(stripe: stripe)
        try world.deliver(.failed(intent))
        let first = try #require(try world.write { tx throws(StoreError) in try tx.runs(matching: RunFilter()).first })
        try world.runCallbacks(ending: .failed)
        try world.deliver(.succeeded(intent))
        try world.runCallbacks()
        try rerun(first)
        try world.runCallbacks()
        #expect(try world.rows("payments").map { $0["callback"] } == ["SUCCEEDED"])
    }

    /// Goal: what was paid and done under a flow's former name is paid and done.
    ///
    /// Method: a part is paid; the flow gets another name; the rest is paid, and the first success is told once more.
    @Test("a callback flow with another name counts the parts paid before, and does nothing again")
    func renamed() throws {
        let order = try world.insertOrder(total: 1000)
        let pay = { (amount: Int64) in
            let data: ValueMap = ["orderId": .int(order), "amount": .int(amount), "partial": true]
            return try #require(
                try world.run("create-payment-intent", data, against: stripe).output?["intent"]?.stringValue
            )
        }
        let first = try pay(400)
        try world.deliver(.succeeded(first, amount: 400))
        try world.runCallbacks()
        var app = world.app
        var flow = try #require(app.flows["payment-callback"])
        flow.name = "on-paid"
        app.flows["payment-callback"] = nil
        app.flows[flow.name] = flow
        let feature = PaymentsFeature(app: app, mode: .test, credentials: StripeCredentials(world.secrets))
        let accept = { (event: TestEvent) in
            let parsed = try #require(StripeEvent(body: event.body))
            return try world.write { transaction throws(StoreError) in
                try feature.accept(parsed, body: event.body, at: PaymentsWorld.start, in: transaction)
            }
        }
        _ = try accept(.succeeded(try pay(600), amount: 600))
        let told = try world.write { transaction throws(StoreError) in
            let run = try transaction.runs(matching: RunFilter(flow: "on-paid")).first
            return try run.flatMap { run throws(StoreError) in
                try feature.handleCallback(.paymentCompleted, of: run, at: PaymentsWorld.start, in: transaction)
            }
        }
        #expect(told?.output?["amountMatches"] == true && told?.output?["callbackProcessed"] == false)
        var again = TestEvent.succeeded(first, amount: 400)
        again.id = "evt_again"
        #expect(try accept(again) == .accepted(runs: []))
    }

    @Test("two parts of one order: with the second it is paid, and neither is too much")
    func twoParts() throws {
        let order = try world.insertOrder(total: 1000)
        let data: ValueMap = ["orderId": .int(order), "amount": 500, "partial": true]
        let first = try #require(
            try world.run("create-payment-intent", data, against: stripe).output?["intent"]?.stringValue
        )
        try world.deliver(.succeeded(first, amount: 500))
        let second = try #require(
            try world.run("create-payment-intent", data, against: stripe).output?["intent"]?.stringValue
        )
        try world.deliver(.succeeded(second, amount: 500))
        let outputs = try world.runCallbacks()
        #expect(outputs.map { $0["orderAlreadyPaid"] } == [false, false])
        #expect(outputs.map { $0["amountMatches"] } == [false, true], "the first part is not the order's total")
    }

    /// Method: the first payment is closed here without Stripe's word, so that the order gets a second one.
    @Test("of two payments of one order that both succeed, exactly one pays it, however often each is repeated")
    func paidTwice() throws {
        let (order, first, intent) = try world.openPayment(stripe: stripe)
        stripe.forget(intent)
        let data: ValueMap = ["orderId": .int(order), "amount": 1000]
        let output = try #require(try world.run("create-payment-intent", data, against: stripe).output)
        #expect(output["paymentId"] != .int(first))
        try world.deliver(.succeeded(try #require(output["intent"]?.stringValue)))
        try world.deliver(.succeeded(intent))
        let runs = try world.write { tx throws(StoreError) in try tx.runs(matching: RunFilter()) }
        for _ in 1...2 {
            let outputs = try world.runCallbacks()
            #expect(outputs.map { $0["orderAlreadyPaid"] } == [false, true])
            #expect(outputs.map { $0["amountMatches"] } == [true, true])
            for run in runs.sorted(by: { $0.id < $1.id }) { try rerun(run) }
        }
    }

    @Test("what came in in another currency or amount does not match, and does not raise the ceiling")
    func otherAmount() throws {
        let (_, id, intent) = try world.openPayment(stripe: stripe)
        try world.deliver(
            .intent(
                "payment_intent.succeeded",
                intent,
                status: "succeeded",
                received: 1000,
                currency: "jpy",
                charge: "ch_1"
            )
        )
        #expect(try world.runCallbacks().first?["amountMatches"] == false)
        #expect(try world.run("refund", ["paymentId": .int(id)], against: stripe).failure?.code == "nothing_refundable")
    }

    @Test("events of foreign intents, of connected accounts and of other kinds change nothing")
    func notOurs() throws {
        let (_, _, intent) = try world.openPayment(stripe: stripe)
        #expect(try world.deliver(.succeeded("pi_foreign")) == .unmatched)
        var connected = TestEvent.succeeded(intent)
        connected.account = "acct_1"
        #expect(try world.deliver(connected) == .ignored)
        #expect(
            try world.deliver(TestEvent(id: "evt_c", type: "customer.created", object: ["id": "cus_1"])) == .ignored
        )
        #expect(try world.rows("payments").first?["status"] == "CREATED")
        #expect(try world.runCallbacks().isEmpty)
        let deliveries = try world.write { tx throws(StoreError) in try tx.deliveries(matching: DeliveryFilter()) }
        #expect(deliveries.map(\.status) == [.unmatched, .ignored, .ignored])
    }

    @Test("a thin event of an unknown payment is noted; of a known one its object is awaited; neither changes anything")
    func thin() throws {
        let text = """
            {"id":"evt_thin","object":"v2.core.event","type":"v1.payment_intent.succeeded","livemode":false,
            "created":"2026-11-20T12:00:00Z","related_object":{"id":"pi_1","type":"payment_intent","url":"/v1/payment_intents/pi_1"}}
            """
        let event = try #require(StripeEvent(body: Array(text.utf8)))
        #expect(event.object == "pi_1")
        let outcome = try world.write { transaction throws(StoreError) in
            try world.feature.accept(event, body: Array(text.utf8), at: PaymentsWorld.start, in: transaction)
        }
        #expect(outcome == .unmatched)
        let intent = try world.openPayment().intent
        let known = Array(text.replacing("evt_thin", with: "evt_known").replacing("pi_1", with: intent).utf8)
        let thin = try #require(StripeEvent(body: known))
        let second = try world.write { transaction throws(StoreError) in
            try world.feature.accept(thin, body: known, at: PaymentsWorld.start, in: transaction)
        }
        #expect(second == .awaiting)
        #expect(try world.rows("payments").first?["status"] == "CREATED")
    }

    /// A new run that starts with what an earlier one started with.
    private func rerun(_ run: RunRecord) throws {
        _ = try world.write { transaction throws(StoreError) in
            try transaction.insertRun(run.start, at: PaymentsWorld.start)
        }
    }
}

extension CallbackResult {
    var output: ValueMap? { if case .output(let output) = self { output } else { nil } }
    var failure: BlockFailure? { if case .failure(let failure) = self { failure } else { nil } }
}
