extension Ledger {
    private static let recurringData = """
        price_data{currency:s! product:s! recurring{interval:day|month|week|year! interval_count:i}!
        tax_behavior:exclusive|inclusive|unspecified unit_amount:i unit_amount_decimal:s}
        """
    static let subscriptionItem = """
        billing_thresholds{usage_gte:i!}? \(discounts) metadata:m? plan:s price:s \(recurringData) quantity:i tax_rates:a?
        """
    private static let shared = """
        add_invoice_items:* application_fee_percent:i? automatic_tax:* cancel_at:n? cancel_at_period_end:b
        collection_method:charge_automatically|send_invoice days_until_due:i default_payment_method:s default_source:s?
        default_tax_rates:a? description:s? \(discounts) invoice_settings:* metadata:m? off_session:b on_behalf_of:s?
        payment_behavior:allow_incomplete|default_incomplete|error_if_incomplete|pending_if_incomplete
        payment_settings:* pending_invoice_item_interval:*? proration_behavior:always_invoice|create_prorations|none
        transfer_data:*? trial_end:n trial_from_plan:b trial_settings:* billing_thresholds:*? billing_schedules:*?
        coupon:s? promotion_code:s?
        """

    private static let ending = """
        cancellation_details{comment:s? feedback:customer_service|low_quality|missing_features|other|switched_service|too_complex|too_expensive|unused?}
        """

    static let subscriptionRoutes: [Route] = [
        .post(
            "subscriptions",
            """
            \(shared) items[]{\(subscriptionItem)} backdate_start_date:i billing_cycle_anchor:i billing_cycle_anchor_config:*
            billing_mode:* currency:s customer:s customer_account:s trial_period_days:i plan:s quantity:i
            """
        ) { ledger, call throws(StripeError) in
            try ledger.onClock(of: call.string("customer")) { ledger throws(StripeError) in
                try ledger.createSubscription(call)
            }
        },
        .list(
            "subscriptions",
            """
            automatic_tax:* collection_method:charge_automatically|send_invoice created:r current_period_end:r
            current_period_start:r customer:s customer_account:s plan:s price:s test_clock:s
            status:active|all|canceled|ended|incomplete|incomplete_expired|past_due|paused|trialing|unpaid
            """
        ) { ledger, call throws(StripeError) in try ledger.listSubscriptions(call) },
        .get("subscriptions/search", "query:s! page:s limit:i") { ledger, call throws(StripeError) in
            try ledger.search(.subscription, call)
        },
        .get("subscriptions/:id") { ledger, call throws(StripeError) in try ledger.require(.subscription, call.id) },
        .post(
            "subscriptions/:id",
            """
            \(shared) items[]{id:s deleted:b clear_usage:b \(subscriptionItem)} billing_cycle_anchor:* \(ending)
            pause_collection{behavior:keep_as_draft|mark_uncollectible|void! resumes_at:i}? proration_date:i plan:s
            quantity:i
            """
        ) { ledger, call throws(StripeError) in
            try ledger.acting(onSubscription: call.id) { ledger, subscription throws(StripeError) in
                try ledger.updateSubscription(subscription, call)
            }
        },
        .delete("subscriptions/:id/discount") { ledger, call throws(StripeError) in
            let subscription = try ledger.require(.subscription, call.id)
            let discount = subscription.array("discounts")?.first?.string.flatMap { ledger.find(.discount, $0) }
            ledger.change(.subscription, subscription.id, emitting: "customer.subscription.updated") {
                $0["discounts"] = []
            }
            if let discount { ledger.emit("customer.discount.deleted", discount) }
            return ["id": discount?["id"] ?? .null, "object": "discount", "deleted": true]
        },
        .delete("subscriptions/:id", "\(ending) invoice_now:b prorate:b") {
            ledger,
            call throws(StripeError) in
            try ledger.acting(onSubscription: call.id) { ledger, subscription throws(StripeError) in
                try ledger.cancelSubscription(subscription, call)
            }
        },
        .post(
            "subscriptions/:id/resume",
            "billing_cycle_anchor:* proration_behavior:always_invoice|create_prorations|none proration_date:i"
        ) { ledger, call throws(StripeError) in
            try ledger.acting(onSubscription: call.id) { ledger, subscription throws(StripeError) in
                try ledger.resumeSubscription(subscription, call)
            }
        },
        .post(
            "subscriptions/:id/pause",
            """
            type:subscription| bill_for{outstanding_usage_through{type:none|now!}
            unused_time_from{type:item_current_period_start|none|now!}} invoicing_behavior:invoice|pending_invoice_item
            """
        ) { ledger, call throws(StripeError) in
            try ledger.acting(onSubscription: call.id) { ledger, subscription throws(StripeError) in
                try ledger.pauseSubscription(subscription, call)
            }
        },
    ]

    private mutating func acting(
        onSubscription id: String,
        _ body: (inout Ledger, JSONObject) throws(StripeError) -> JSONObject
    ) throws(StripeError) -> JSONObject {
        let subscription = try require(.subscription, id)
        return try onClock(of: subscription.string("customer")) { ledger throws(StripeError) in
            try body(&ledger, subscription)
        }
    }

    private func listSubscriptions(_ call: Call) throws(StripeError) -> JSONObject {
        let status = call.string("status")
        let price = call.string("price") ?? call.string("plan")
        // What belongs to test clocks shows where its clock or its customer is asked for.
        let isAskedFor = call.string("test_clock") != nil || call.string("customer") != nil
        let isTaxed = call.object("automatic_tax")?.string("enabled").map { $0 == "true" }
        return try page(.subscription, call, filters: ["customer", "collection_method", "test_clock"]) { subscription in
            guard isAskedFor || !subscription.has("test_clock") else { return false }
            if let isTaxed, subscription.value(at: "automatic_tax", "enabled")?.bool != isTaxed { return false }
            let isInPeriod = ["current_period_start", "current_period_end"].allSatisfy { name in
                call.parameters[name] == nil
                    || Self.items(of: subscription).contains { Self.isWithin(call.parameters[name], $0.int(name)) }
            }
            guard isInPeriod else { return false }
            if let price,
                !Self.items(of: subscription).contains(where: { $0.value(at: "price", "id")?.string == price })
            {
                return false
            }
            switch status {
            case "all": return true
            case "ended": return ["canceled", "incomplete_expired"].contains(subscription.status)
            case .some(let wanted): return subscription.status == wanted
            case .none: return subscription.status != "canceled"
            }
        }
    }

    static func items(of subscription: JSONObject) -> [JSONObject] {
        (subscription.object("items")?.array("data") ?? []).compactMap(\.object)
    }

    // MARK: Creating

    mutating func createSubscription(_ call: Call) throws(StripeError) -> JSONObject {
        guard let customerID = call.string("customer") else { throw StripeError.missingParameter("customer") }
        let customer = try liveCustomer(customerID, param: "customer")
        let (given, prices) = try itemsOfNew(call)
        try Self.checkModelled(call.parameters, moment: now.seconds)
        try Self.checkQuantities(call.parameters)
        let currency = prices[0].string("currency") ?? "usd"
        try checkCurrency(currency, of: customer)
        try checkTerms(call, before: nil)
        if let method = call.string("default_payment_method") {
            _ = try require(.paymentMethod, method, param: "default_payment_method")
        }
        let trialEnd = try trialEnd(call, prices)
        var subscription = newSubscription(customer, prices[0], call, trialEnd: trialEnd)
        let amount = zip(prices, given)
            .reduce(Int64(0)) { $0 + (Self.amount(of: $1.0, quantity: $1.1.int("quantity") ?? 1) ?? 0) }
        let needsCard =
            trialEnd == nil && call.string("payment_behavior") != "default_incomplete"
            && call.string("collection_method") != "send_invoice" && amount > 0
        if let source = call.string("default_source") {
            try checkSource(source, of: customerID, param: "default_source")
        }
        let card = Self.defaultMethod(of: call.parameters) ?? defaultMethod(ofCustomer: customerID)
        guard !needsCard || card != nil else { throw Self.noPaymentMethod }
        let order = DiscountedOrder(
            customer: customerID,
            amount: amount,
            currency: currency,
            subscription: subscription.id
        )
        subscription["discounts"] = .strings(try takeDiscounts(call, order))
        let start = now.seconds
        let end = trialEnd ?? Self.periodEnd(after: start, prices[0], anchor: start)
        var items: [JSONValue] = []
        for (index, item) in given.enumerated() {
            let made = newSubscriptionItem(subscription.id, item, prices[index], period: (start, end))
            items.append(.object(made))
        }
        subscription["items"] = .object(
            Self.list(items, hasMore: false, url: "/v1/subscription_items?subscription=\(subscription.id)")
                .merging(["total_count": .int(Int64(items.count))])
        )
        setEnd(call, in: &subscription)
        insert(.subscription, subscription)
        try takeCurrency(currency, of: customer)
        return try begin(subscription.id, call, end: end)
    }

    /// The items that a call describes for a new subscription, with their prices.
    private mutating func itemsOfNew(
        _ call: Call
    ) throws(StripeError) -> (given: [JSONObject], prices: [JSONObject]) {
        var given = (call.parameters.array("items") ?? []).compactMap(\.object)
        if let plan = call.string("plan") {
            given = [["plan": .string(plan), "quantity": .int(call.int("quantity") ?? 1)]]
        }
        guard !given.isEmpty else { throw StripeError.missingParameter("items") }
        guard given.count <= 20 else { throw StripeError.invalid("items", "A subscription has at most 20 items.") }
        var prices: [JSONObject] = []
        for (index, item) in given.enumerated() {
            let isTop = call.string("plan") != nil
            let price = try price(of: item, param: isTop ? "" : "items[\(index)]", call)
            guard price.has("recurring") else {
                throw StripeError.invalid(
                    "items[\(index)][price]",
                    "The price specified is set to `type=one_time` but this field only accepts prices with "
                        + "`type=recurring`."
                )
            }
            prices.append(price)
        }
        try Self.checkTogether(prices)
        return (given, prices)
    }

    private func trialEnd(_ call: Call, _ prices: [JSONObject]) throws(StripeError) -> Int64? {
        switch call.parameters["trial_end"] {
        case .some(.string("now")): return nil
        case .some(.int(let time)):
            try checkFuture(trialEnd: time)
            return time
        case .some(.string): throw Self.notATrialEnd
        default: break
        }
        if let days = call.int("trial_period_days") {
            try Self.check(days, in: 0...(Self.longestTrial / 86_400), "trial_period_days")
            return days == 0 ? nil : now.adding(seconds: days * 86_400).seconds
        }
        guard call.bool("trial_from_plan") == true,
            let days = prices.first?.value(at: "recurring", "trial_period_days")?.int
        else { return nil }
        return now.adding(seconds: days * 86_400).seconds
    }

    private mutating func newSubscription(
        _ customer: JSONObject,
        _ price: JSONObject,
        _ call: Call,
        trialEnd: Int64?
    ) -> JSONObject {
        let anchor = trialEnd ?? now.seconds
        var subscription: JSONObject = [
            "id": .string(newID(.subscription)), "object": "subscription", "application": nil,
            "application_fee_percent": nil,
            "automatic_tax": ["disabled_reason": nil, "enabled": false, "liability": nil],
            "billing_cycle_anchor": .int(anchor), "billing_cycle_anchor_config": nil,
            "billing_mode": [
                "flexible": ["proration_discounts": "included"], "type": "flexible", "updated_at": .int(now.seconds),
            ], "billing_schedules": [], "billing_thresholds": nil, "cancel_at": nil, "cancel_at_period_end": false,
            "canceled_at": nil, "cancellation_details": ["comment": nil, "feedback": nil, "reason": nil],
            "collection_method": .string(call.string("collection_method") ?? "charge_automatically"),
            "created": .int(now.seconds), "currency": price["currency"] ?? "usd", "customer": .string(customer.id),
            "customer_account": nil, "days_until_due": call.value("days_until_due"),
            "default_payment_method": call.value("default_payment_method"),
            "default_source": call.value("default_source"),
            "default_tax_rates": [], "description": call.value("description"), "discounts": [], "ended_at": nil,
            "invoice_settings": [
                "account_tax_ids": nil, "custom_fields": nil, "description": nil, "footer": nil,
                "issuer": ["type": "self"],
            ],
        ]
        subscription.merge([
            "latest_invoice": nil, "livemode": .bool(livemode), "managed_payments": nil,
            "metadata": .object(call.updatedMetadata(nil)), "next_pending_invoice_item_invoice": nil,
            "on_behalf_of": nil, "pause_collection": nil,
            "payment_settings": [
                "payment_method_options": nil, "payment_method_types": nil,
                "save_default_payment_method": call.object("payment_settings")?["save_default_payment_method"] ?? "off",
            ], "pending_invoice_item_interval": nil, "pending_setup_intent": nil, "pending_update": nil,
            "schedule": nil, "start_date": .int(now.seconds), "status": "incomplete",
            "test_clock": customer["test_clock"] ?? .null, "transfer_data": nil, "trial_end": .int(orNull: trialEnd),
            "trial_settings": call.parameters["trial_settings"]
                ?? ["end_behavior": ["missing_payment_method": "create_invoice"]],
            "trial_start": trialEnd == nil ? .null : .int(now.seconds),
        ])
        return subscription
    }

    mutating func newSubscriptionItem(
        _ subscription: String,
        _ given: JSONObject,
        _ price: JSONObject,
        period: (start: Int64, end: Int64)
    ) -> JSONObject {
        let item: JSONObject = [
            "id": .string(newID(.subscriptionItem)), "object": "subscription_item", "billing_thresholds": nil,
            "created": .int(now.seconds), "current_period_end": .int(period.end),
            "current_period_start": .int(period.start), "discounts": [], "metadata": given["metadata"] ?? [:],
            "plan": .object(Self.plan(of: price)), "price": .object(price),
            "quantity": .int(given.int("quantity") ?? 1),
            "subscription": .string(subscription), "tax_rates": [],
        ]
        return item
    }

    /// The older name of a recurring price.
    static func plan(of price: JSONObject) -> JSONObject {
        let recurring = price.object("recurring") ?? JSONObject()
        var plan: JSONObject = [
            "id": .string(price.id), "object": "plan", "active": price["active"] ?? true,
            "amount": price["unit_amount"] ?? .null, "amount_decimal": price["unit_amount_decimal"] ?? .null,
            "billing_scheme": price["billing_scheme"] ?? "per_unit", "created": price["created"] ?? 0,
            "currency": price["currency"] ?? "usd",
            "interval": recurring["interval"] ?? "month", "interval_count": recurring["interval_count"] ?? 1,
            "livemode": price["livemode"] ?? false, "metadata": price["metadata"] ?? [:], "meter": nil,
            "nickname": price["nickname"] ?? .null, "product": price["product"] ?? .null,
            "tiers_mode": price["tiers_mode"] ?? .null, "transform_usage": price["transform_quantity"] ?? .null,
            "trial_period_days": recurring["trial_period_days"] ?? .null,
            "usage_type": recurring["usage_type"] ?? "licensed",
        ]
        if let tiers = price["_tiers"] { plan["_tiers"] = tiers }
        return plan
    }

    /// The first invoice, its payment, and what they make of the subscription.
    private mutating func begin(_ id: String, _ call: Call, end: Int64) throws(StripeError) -> JSONObject {
        let made = find(.subscription, id) ?? JSONObject()
        let isTrial = made.has("trial_end")
        let invoice = invoiceForPeriod(of: id, reason: "subscription_create")
        takePendingItems(into: invoice)
        total(invoice)
        if let draft = find(.invoice, invoice) { emit("invoice.created", draft) }
        _ = finalize(invoice)
        if made.string("collection_method") == "send_invoice", !isTrial {
            update(.subscription, id) { $0["status"] = "active" }
        }
        if isTrial {
            update(.subscription, id) { $0["status"] = "trialing" }
            askForTrialCard(id, call)
        }
        emit("customer.subscription.created", find(.subscription, id) ?? made)
        update(.subscription, id) { $0["_announced"] = true }
        schedule(.renewSubscription, id, at: SimulatorInstant(seconds: end))
        if let time = made.int("cancel_at") { schedule(.renewSubscription, id, at: SimulatorInstant(seconds: time)) }
        if let trialEnd = made.int("trial_end") {
            let reminder = max(now.seconds, trialEnd - 3 * 86_400)
            schedule(.remindTrialEnd, id, at: SimulatorInstant(seconds: reminder))
        }
        if find(.invoice, invoice)?.status == "open", made.string("collection_method") == "charge_automatically" {
            if call.string("payment_behavior") == "default_incomplete" {
                schedule(.expireIncompleteSubscription, id, at: now.adding(seconds: 23 * 3_600))
            } else {
                try payFirst(invoice, of: id, call)
            }
        }
        return find(.subscription, id) ?? made
    }

    private mutating func payFirst(_ invoice: String, of id: String, _ call: Call) throws(StripeError) {
        do throws(StripeError) {
            try tryPayment(
                ofInvoice: invoice,
                method: nil,
                AttemptOptions(isOffSession: call.bool("off_session") ?? false)
            )
        } catch {
            guard call.string("payment_behavior") == "error_if_incomplete" else {
                schedule(.expireIncompleteSubscription, id, at: now.adding(seconds: 23 * 3_600))
                return  // the subscription stays incomplete, and says so
            }
            _ = voidInvoice(invoice)
            objects[.subscription]?[id] = nil
            giveBackCoupons(of: id)
            throw error
        }
        if find(.invoice, invoice)?.status == "open" {
            schedule(.expireIncompleteSubscription, id, at: now.adding(seconds: 23 * 3_600))
        }
    }
}
