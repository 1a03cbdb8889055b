import Expressions
import FlowEngine
import Testing

@testable import Payments

extension RecurringTests {
    @Test("without a publishable key nothing is begun, and what is cancelled is cancelled")
    func withoutPublishableKey() throws {
        let (order, other) = (try world.insertOrder(total: 900), try world.insertOrder(total: 900))
        _ = try initiate(order)
        let posts = stripe.posts.count
        world.secrets.set("stripe.test.publishableKey", "")
        #expect(try initiate(other).failure?.code == "publishable_key_missing")
        #expect(stripe.posts.count == posts)
        #expect(try run(["type": "cancel", "orderId": .int(order)]).output?["status"] == "CANCELLED")
    }

    @Test("an order that a recurring payment is about to pay is not charged otherwise until that is cancelled")
    func besideRecurring() throws {
        let order = try world.insertOrder(total: 900)
        _ = try initiate(order)
        let double = StripeDouble()
        let whole: ValueMap = ["orderId": .int(order), "amount": 900]
        let part: ValueMap = ["orderId": .int(order), "amount": 100, "partial": true]
        let page: ValueMap = [
            "orderId": .int(order), "amount": 900, "name": "Mug", "successUrl": "https://shop.example.com/done",
        ]
        for (command, data) in [
            ("create-payment-intent", whole), ("create-payment-intent", part), ("create-checkout-session", page),
        ] {
            let step = try world.run(command, data, against: double)
            #expect(step.failure?.code == "open_payment_differs")
        }
        #expect(double.intents.isEmpty)
        _ = try run(["type": "cancel", "orderId": .int(order)])
        #expect(try world.run("create-payment-intent", whole, against: double).output?["intent"] != nil)
    }
}
