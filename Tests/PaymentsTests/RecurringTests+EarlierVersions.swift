import Connections
import Expressions
import FlowEngine
import Testing

@testable import Payments

extension RecurringTests {
    @Test("an endpoint of a version before 2025-03-31 tells the same: its invoices name the intent themselves")
    func earlierVersion() throws {
        let order = try world.insertOrder(total: 900)
        #expect(try initiate(order).output?["subscription"] == "sub_1")
        var subscription = Self.subscription("updated", "active", at: 12).renamed("1")
        subscription.object["items"] = ["data": [["price": ["id": "price_1", "unit_amount": 900], "quantity": 1]]]
        subscription.object["current_period_end"] = 1_900_000_000
        var invoice = Self.invoice("paid", "in_1", reason: "subscription_create", at: 11).renamed("1")
        invoice.object["parent"] = nil
        invoice.object["subscription"] = "sub_1"
        invoice.object["payment_intent"] = "pi_first1"
        var intent = TestEvent.succeeded("pi_first1", amount: 900)
        intent.object["latest_charge"] = nil
        intent.object["charges"] = [
            "data": [["id": "ch_new", "object": "charge"], ["id": "ch_old", "object": "charge"]]
        ]
        for event in [subscription, invoice, intent] { try world.deliver(event) }
        let end = Timestamp(seconds: 1_900_000_000, nanoseconds: 0).map(Value.timestamp)
        #expect(try row()["currentPeriodEnd"] == end)
        let payment = try #require(try world.rows("payments").first)
        #expect(payment["intent"] == "pi_first1" && payment["received"] == 900 && payment["charge"] == "ch_new")
        let refund = try world.run("refund", ["paymentId": payment["id"] ?? 0], against: StripeDouble())
        #expect(refund.output?["amount"] == 900)
    }
}
