import Connections
import Expressions
import FlowEngine
import Testing

@testable import Payments

@Suite("lower-recurring-amount")
struct LowerRecurringAmountTests {
    private static let draft: ValueMap = [
        "id": "in_1", "object": "invoice", "livemode": false, "status": "draft", "currency": "usd", "amount_due": 900,
        "amount_paid": 0, "customer": "cus_1", "billing_reason": "subscription_cycle", "subscription": "sub_1",
    ]

    private static func answer(_ object: ValueMap, status: Int = 200) -> OutsideAnswer {
        OutsideAnswer(status: status, body: (try? JSON.encode(.map(object))) ?? [])
    }

    /// Goal: however many ask at once, one draft is lowered once.
    ///
    /// Method: three calls see the same draft before any of them has changed it; Stripe carries out the first request of a
    /// key, repeats its answer for the same body, and refuses the key with another one.
    @Test("calls at once, which have all seen the same draft, send one key, so that Stripe takes off once")
    func atOnce() throws {
        let world = try PaymentsWorld()
        let order = try world.insertOrder(total: 900)
        let price = try #require(StripePrice(.map(SubscriptionDouble.price())))
        try world.write { transaction throws(StoreError) in
            let ledger = RecurringLedger(transaction)
            let row = try ledger.insert(order: order, price: price, trialDays: nil, key: "k")
            try ledger.attach("subscription", "sub_1", to: row)
        }
        let pending = try ([700, 700, 600] as [Int64]).map { amount in
            try world.receive(
                Self.answer(Self.draft),
                try world.begin("lower-recurring-amount", ["invoice": "in_1", "amount": .int(amount)])
            )
        }
        #expect(pending.allSatisfy { $0.request?.path == "/v1/invoiceitems" })
        #expect(Set(pending.map { $0.request?.key }).count == 1)
        #expect(pending[0].request?.body == pending[1].request?.body)
        #expect(pending[0].request?.body != pending[2].request?.body)
        #expect(try world.receive(Self.answer(["id": "ii_1"]), pending[1]).step.output?["amount"] == 700)
        let refused = try world.receive(
            Self.answer(["error": ["type": "idempotency_error", "message": "other parameters"]], status: 400),
            pending[2]
        )
        #expect(refused.step.failure?.code == "invoice_changed" && refused.step.failure?.retryable == true)
        // The draft as it is by then is another one, with a key of its own.
        let later = try world.receive(
            Self.answer(Self.draft.merging(["amount_due": 700])),
            try world.begin("lower-recurring-amount", ["invoice": "in_1", "amount": 600])
        )
        #expect(later.request?.key != pending[0].request?.key)
    }
}

extension ValueMap {
    fileprivate func merging(_ more: ValueMap) -> ValueMap {
        var map = self
        for (key, value) in more { map[key] = value }
        return map
    }
}
