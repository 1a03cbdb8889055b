// Items of subscriptions by themselves.
extension Ledger {
    private static let behavior =
        "payment_behavior:allow_incomplete|default_incomplete|error_if_incomplete|pending_if_incomplete"
    private static let priceData = """
        price_data{currency:s! product:s! recurring{interval:day|month|week|year! interval_count:i}!
        tax_behavior:exclusive|inclusive|unspecified unit_amount:i unit_amount_decimal:s}
        """

    static let subscriptionItemRoutes: [Route] = [
        .post(
            "subscription_items",
            """
            subscription:s! metadata:m plan:s price:s quantity:i \(behavior) \(priceData)
            proration_behavior:always_invoice|create_prorations|none proration_date:i tax_rates:a? \(discounts)
            billing_thresholds:*?
            """
        ) { ledger, call throws(StripeError) in
            let id = call.string("subscription") ?? ""
            let old = try ledger.require(.subscription, id, param: "subscription")
            let known = Set(items(of: old).map(\.id))
            let updated = try ledger.updateItems(of: old, call.parameters, call)
            return items(of: updated).first { !known.contains($0.id) } ?? updated
        },
        .list("subscription_items", "subscription:s!") { ledger, call throws(StripeError) in
            let subscription = try ledger.require(
                .subscription,
                call.string("subscription") ?? "",
                param: "subscription"
            )
            return try page(items(of: subscription).map(JSONValue.object), of: "subscription_item", call)
        },
        .get("subscription_items/:id") { ledger, call throws(StripeError) in
            let subscription = try ledger.subscription(ofItem: call.id)
            return items(of: subscription).first { $0.id == call.id } ?? subscription
        },
        .post(
            "subscription_items/:id",
            """
            metadata:m? plan:s price:s quantity:i off_session:b \(behavior) \(priceData)
            proration_behavior:always_invoice|create_prorations|none proration_date:i tax_rates:a? \(discounts)
            billing_thresholds:*?
            """
        ) { ledger, call throws(StripeError) in
            let old = try ledger.subscription(ofItem: call.id)
            let updated = try ledger.updateItems(of: old, call.parameters.merging(["id": .string(call.id)]), call)
            return items(of: updated).first { $0.id == call.id } ?? updated
        },
        .delete(
            "subscription_items/:id",
            "clear_usage:b \(behavior) proration_behavior:always_invoice|create_prorations|none proration_date:i"
        ) { ledger, call throws(StripeError) in
            let old = try ledger.subscription(ofItem: call.id)
            _ = try ledger.updateItems(of: old, ["id": .string(call.id), "deleted": true], call)
            return ["id": .string(call.id), "object": "subscription_item", "deleted": true]
        },
    ]

    private func subscription(ofItem id: String) throws(StripeError) -> JSONObject {
        for subscription in objects[.subscription]?.newestFirst.map({ $0 }) ?? []
        where Self.items(of: subscription).contains(where: { $0.id == id }) {
            return subscription
        }
        throw StripeError.missingObject("subscription_item", id)
    }

    private mutating func updateItems(
        of subscription: JSONObject,
        _ item: JSONObject,
        _ call: Call
    ) throws(StripeError) -> JSONObject {
        var parameters: JSONObject = ["items": [.object(item)]]
        for name in ["proration_behavior", "proration_date", "payment_behavior"] {
            if let behavior = call.parameters[name] { parameters[name] = behavior }
        }
        return try onClock(of: subscription.string("customer")) { ledger throws(StripeError) in
            try ledger.updateSubscription(subscription, call.with(parameters))
        }
    }
}
