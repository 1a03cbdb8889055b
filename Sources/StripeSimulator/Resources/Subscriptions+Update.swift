extension Ledger {
    mutating func updateSubscription(_ before: JSONObject, _ call: Call) throws(StripeError) -> JSONObject {
        guard !["canceled", "incomplete_expired"].contains(before.status) else {
            throw StripeError(
                "A canceled subscription can only update its cancellation_details and metadata.",
                executed: true
            )
        }
        if let method = call.string("default_payment_method") {
            _ = try require(.paymentMethod, method, param: "default_payment_method")
        }
        let changes = try itemChanges(before, call)
        var changed = before
        call.copy(
            ["default_payment_method", "description", "collection_method", "days_until_due", "pause_collection"],
            to: &changed
        )
        if let pause = call.object("pause_collection") {
            changed["pause_collection"] = .object(pause.merging(["resumes_at": pause["resumes_at"] ?? .null]))
        }
        changed["metadata"] = .object(call.updatedMetadata(before.object("metadata")))
        if call.parameters["discounts"] != nil {
            let customer = before.string("customer") ?? ""
            changed["discounts"] = .strings(try takeDiscounts(call, customer: customer, subscription: before.id))
        }
        setEnd(call, in: &changed)
        if let settings = call.object("payment_settings")?["save_default_payment_method"] {
            changed.update("payment_settings") { $0["save_default_payment_method"] = settings }
        }
        insert(.subscription, changed)
        try apply(changes, to: before, call)
        try endTrial(call, before)
        if let time = find(.subscription, before.id)?.int("cancel_at") {
            schedule(.renewSubscription, before.id, at: SimulatorInstant(seconds: max(time, now.seconds)))
        }
        let after = try require(.subscription, before.id)
        emit("customer.subscription.updated", after, before: before)
        return after
    }

    private mutating func endTrial(_ call: Call, _ before: JSONObject) throws(StripeError) {
        guard let end = call.parameters["trial_end"], before.status == "trialing" else { return }
        let time = end.int ?? now.seconds
        update(.subscription, before.id) { subscription in
            subscription["trial_end"] = .int(time)
            subscription["billing_cycle_anchor"] = .int(time)
            subscription.update("items") { list in
                let data = (list.array("data") ?? []).compactMap(\.object).map { item -> JSONValue in
                    var item = item
                    item["current_period_end"] = .int(time)
                    return .object(item)
                }
                list["data"] = .array(data)
            }
        }
        if end.string == "now" {
            renewSubscription(before.id)
            if let invoice = find(.subscription, before.id)?.string("latest_invoice") { finalizePlanned(invoice) }
        } else {
            schedule(.renewSubscription, before.id, at: SimulatorInstant(seconds: max(time, now.seconds)))
        }
    }

    // MARK: Items

    private struct ItemChange {
        let old: JSONObject?
        let new: JSONObject?
    }

    private mutating func itemChanges(_ subscription: JSONObject, _ call: Call) throws(StripeError) -> [ItemChange] {
        var changes: [ItemChange] = []
        let items = Self.items(of: subscription)
        var givens = (call.parameters.array("items") ?? []).compactMap(\.object)
        if let first = items.first, call.string("plan") != nil || call.int("quantity") != nil {
            var given: JSONObject = ["id": .string(first.id)]
            if let plan = call.string("plan") { given["plan"] = .string(plan) }
            if let quantity = call.int("quantity") { given["quantity"] = .int(quantity) }
            givens.append(given)
        }
        for (index, given) in givens.enumerated() {
            let old = given.string("id").flatMap { id in items.first { $0.id == id } }
            if let id = given.string("id"), old == nil {
                throw StripeError.missingObject("subscription_item", id, param: "items[\(index)][id]")
            }
            if given.bool("deleted") == true {
                changes.append(ItemChange(old: old, new: nil))
                continue
            }
            let names = ["price", "plan", "price_data"]
            let named = names.contains { given[$0] != nil }
            let price =
                named ? try price(of: given, param: "items[\(index)]", call) : old?.object("price") ?? JSONObject()
            guard price.has("recurring") else { throw StripeError.missingParameter("items[\(index)][price]") }
            let start = now.seconds
            let anchor = subscription.int("billing_cycle_anchor") ?? start
            var period = (old?.int("current_period_start") ?? start, old?.int("current_period_end") ?? start)
            if old?.object("price")?.object("recurring")?["interval"] != price.object("recurring")?["interval"] {
                period = (start, Self.periodEnd(after: start, price, anchor: anchor))
            }
            var new = newSubscriptionItem(subscription.id, given, price, period: period)
            if let old {
                new["id"] = .string(old.id)
                new["created"] = old["created"] ?? .null
                if given["quantity"] == nil { new["quantity"] = old["quantity"] ?? 1 }
                if given["metadata"] == nil { new["metadata"] = old["metadata"] ?? [:] }
            }
            changes.append(ItemChange(old: old, new: new))
        }
        return changes
    }

    private mutating func apply(
        _ changes: [ItemChange],
        to subscription: JSONObject,
        _ call: Call
    ) throws(StripeError) {
        guard !changes.isEmpty else { return }
        var items = Self.items(of: subscription)
        for change in changes {
            if let old = change.old { items.removeAll { $0.id == old.id } }
            if let new = change.new { items.append(new) }
        }
        guard !items.isEmpty else { throw StripeError("A subscription must have at least one active item.") }
        update(.subscription, subscription.id) { subscription in
            subscription.update("items") { list in
                list["data"] = .array(items.map(JSONValue.object))
                list["total_count"] = .int(Int64(items.count))
            }
        }
        if let next = items.compactMap({ $0.int("current_period_end") }).min(), next > now.seconds {
            schedule(.renewSubscription, subscription.id, at: SimulatorInstant(seconds: next))
        }
        let behavior = call.string("proration_behavior") ?? "create_prorations"
        guard behavior != "none", subscription.status != "trialing" else { return }
        let moved = changes.contains { change in
            change.old != nil && change.old?["current_period_end"] != change.new?["current_period_end"]
        }
        for change in changes { prorate(change, of: subscription) }
        if behavior == "always_invoice" || moved { try invoiceNow(subscription.id) }
    }

    /// Gives back the unused time of what was, and asks for the rest of the period of what is, by the second.
    private mutating func prorate(_ change: ItemChange, of subscription: JSONObject) {
        for (item, sign) in [(change.old, Int64(-1)), (change.new, Int64(1))] {
            guard let item, let price = item.object("price"), let customer = subscription.string("customer"),
                let start = item.int("current_period_start"), let end = item.int("current_period_end"), end > start,
                let whole = Self.product(price.int("unit_amount"), item.int("quantity") ?? 1)
            else { continue }
            let left = max(0, min(end - now.seconds, end - start))
            let amount = Int64((Double(whole) * Double(left) / Double(end - start)).rounded()) * sign
            let name = price.string("product").flatMap { find(.product, $0) }?.string("name") ?? "Subscription"
            let word = sign < 0 ? "Unused time on" : "Remaining time on"
            var made = newItem(
                customer: customer,
                amount: amount,
                currency: price.string("currency") ?? "usd",
                price: price,
                quantity: item.int("quantity") ?? 1
            )
            made["description"] = .string("\(word) \(name)")
            made["proration"] = true
            made["period"] = ["end": .int(end), "start": .int(now.seconds)]
            made["_subscription"] = .string(subscription.id)
            made["_subscription_item"] = .string(item.id)
            insert(.invoiceItem, made)
            emit("invoiceitem.created", made)
        }
    }

    private mutating func invoiceNow(_ id: String) throws(StripeError) {
        guard let subscription = find(.subscription, id),
            let customer = subscription.string("customer").flatMap({ find(.customer, $0) })
        else { return }
        var invoice = newInvoice(
            for: customer,
            currency: subscription.string("currency") ?? "usd",
            reason: "subscription_update"
        )
        invoice["_subscription"] = .string(id)
        invoice["parent"] = [
            "quote_details": nil,
            "subscription_details": ["metadata": subscription["metadata"] ?? [:], "subscription": .string(id)],
            "type": "subscription_details",
        ]
        insert(.invoice, invoice)
        takePendingItems(into: invoice.id)
        total(invoice.id)
        if let draft = find(.invoice, invoice.id) { emit("invoice.created", draft) }
        update(.subscription, id) { $0["latest_invoice"] = .string(invoice.id) }
        _ = finalize(invoice.id)
        guard find(.invoice, invoice.id)?.status == "open" else { return }
        do throws(StripeError) {
            try tryPayment(ofInvoice: invoice.id, method: nil, AttemptOptions(isOffSession: true))
        } catch {
            return  // the invoice stays open and the subscription is past due, as their events say
        }
    }

    // MARK: Items by themselves

    static let subscriptionItemRoutes: [Route] = [
        .post(
            "subscription_items",
            """
            subscription:s! metadata:m plan:s price:s quantity:i payment_behavior:s price_data:*
            proration_behavior:always_invoice|create_prorations|none proration_date:i tax_rates:a? \(discounts)
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
            let found = items(of: subscription).map(JSONValue.object)
            return list(found, hasMore: false, url: call.path)
        },
        .get("subscription_items/:id") { ledger, call throws(StripeError) in
            let subscription = try ledger.subscription(ofItem: call.id)
            return items(of: subscription).first { $0.id == call.id } ?? subscription
        },
        .post(
            "subscription_items/:id",
            """
            metadata:m? plan:s price:s quantity:i off_session:b payment_behavior:s price_data:*
            proration_behavior:always_invoice|create_prorations|none proration_date:i tax_rates:a? \(discounts)
            """
        ) { ledger, call throws(StripeError) in
            let old = try ledger.subscription(ofItem: call.id)
            let updated = try ledger.updateItems(of: old, call.parameters.merging(["id": .string(call.id)]), call)
            return items(of: updated).first { $0.id == call.id } ?? updated
        },
        .delete(
            "subscription_items/:id",
            "clear_usage:b payment_behavior:s proration_behavior:always_invoice|create_prorations|none proration_date:i"
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
        if let behavior = call.parameters["proration_behavior"] { parameters["proration_behavior"] = behavior }
        return try onClock(of: subscription.string("customer")) { ledger throws(StripeError) in
            try ledger.updateSubscription(subscription, call.with(parameters))
        }
    }

    // MARK: Preview

    static let previewParameters = """
        automatic_tax:* currency:s customer:s customer_account:s customer_details:* \(discounts) invoice_items:* issuer:*
        on_behalf_of:s? preview_mode:next|recurring schedule:s schedule_details:* subscription:s subscription_details:*
        """

    /// What the next invoice would be: made on a copy of the ledger, which is thrown away.
    func previewInvoice(_ call: Call) throws(StripeError) -> JSONObject {
        var copy = self
        let subscription = try call.string("subscription").map { id throws(StripeError) in
            try require(.subscription, id, param: "subscription")
        }
        guard let customerID = call.string("customer") ?? subscription?.string("customer") else {
            throw StripeError.missingParameter("customer")
        }
        let customer = try liveCustomer(customerID, param: "customer")
        let id: String
        if let subscription {
            id = copy.invoiceForPeriod(of: subscription.id, reason: "upcoming")
        } else {
            let invoice = copy.newInvoice(
                for: customer,
                currency: call.string("currency") ?? customer.string("currency") ?? "usd",
                reason: "upcoming"
            )
            copy.insert(.invoice, invoice)
            id = invoice.id
        }
        copy.takePendingItems(into: id)
        copy.total(id)
        var preview = copy.find(.invoice, id) ?? JSONObject()
        preview["id"] = .string("upcoming_" + id.dropFirst(3))
        return preview
    }
}
