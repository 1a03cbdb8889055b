extension Ledger {
    /// Changes a subscription as a call says.
    ///
    /// Throws: 402 where the change had to be paid at once and was not (`error_if_incomplete`); then nothing changed.
    mutating func updateSubscription(_ before: JSONObject, _ call: Call) throws(StripeError) -> JSONObject {
        guard !["canceled", "incomplete_expired"].contains(before.status) else {
            return try updateEnded(before, call)
        }
        switch call.string("payment_behavior") {
        case "pending_if_incomplete": try changeWhenPaid(before, call)
        case "error_if_incomplete": try wholly { ledger throws(StripeError) in try ledger.change(before, call) }
        default: try change(before, call)
        }
        let after = try require(.subscription, before.id)
        emit("customer.subscription.updated", after, before: before)
        return after
    }

    /// A subscription that is over takes notes alone.
    private mutating func updateEnded(_ before: JSONObject, _ call: Call) throws(StripeError) -> JSONObject {
        let settable: Set<String> = ["metadata", "cancellation_details", "expand"]
        guard call.parameters.keys.allSatisfy(settable.contains) else {
            throw StripeError(
                "A canceled subscription can only update its cancellation_details and metadata.",
                executed: true
            )
        }
        return change(.subscription, before.id, emitting: "customer.subscription.updated") { subscription in
            Self.note(call, in: &subscription)
        }
    }

    /// Metadata, and why somebody left.
    private static func note(_ call: Call, in subscription: inout JSONObject) {
        subscription["metadata"] = .object(call.updatedMetadata(subscription.object("metadata")))
        guard let told = call.object("cancellation_details") else { return }
        subscription.update("cancellation_details") { $0.merge(told) }
    }

    /// Makes the changes of a call, without the event.
    private mutating func change(_ before: JSONObject, _ call: Call) throws(StripeError) {
        if let method = call.string("default_payment_method") {
            _ = try require(.paymentMethod, method, param: "default_payment_method")
        }
        try checkTerms(call, before: before)
        let changes = try itemChanges(before, call)
        let items = try Self.items(of: before, after: changes)
        var changed = before
        call.copy(
            ["default_payment_method", "description", "collection_method", "days_until_due", "pause_collection"],
            to: &changed
        )
        if let pause = call.object("pause_collection") {
            changed["pause_collection"] = .object(pause.merging(["resumes_at": pause["resumes_at"] ?? .null]))
        }
        Self.note(call, in: &changed)
        if call.parameters["discounts"] != nil {
            let customer = before.string("customer") ?? ""
            changed["discounts"] = .strings(try takeDiscounts(call, customer: customer, subscription: before.id))
        }
        setEnd(call, in: &changed)
        if let settings = call.object("payment_settings")?["save_default_payment_method"] {
            changed.update("payment_settings") { $0["save_default_payment_method"] = settings }
        }
        insert(.subscription, changed)
        if !changes.isEmpty {
            setItems(items, of: before.id)
            try bill(changes, of: before, call)
        }
        try endTrial(call, before)
        if let time = find(.subscription, before.id)?.int("cancel_at") {
            schedule(.renewSubscription, before.id, at: SimulatorInstant(seconds: max(time, now.seconds)))
        }
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
            // A withdrawn price goes on for an item that has it.
            let keeps = given.string("price") != nil && given["price"] == old?.object("price")?["id"]
            let named = !keeps && names.contains { given[$0] != nil }
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

    /// The items of a subscription once changes are made.
    ///
    /// Throws: 400 where none would be left, or a price would be there twice.
    private static func items(
        of subscription: JSONObject,
        after changes: [ItemChange]
    ) throws(StripeError) -> [JSONObject] {
        var items = items(of: subscription)
        for change in changes {
            if let old = change.old { items.removeAll { $0.id == old.id } }
            if let new = change.new { items.append(new) }
        }
        guard !items.isEmpty else { throw StripeError("A subscription must have at least one active item.") }
        try checkDifferent(items.compactMap { $0.object("price") })
        return items
    }

    private mutating func setItems(_ items: [JSONObject], of id: String) {
        update(.subscription, id) { subscription in
            subscription.update("items") { list in
                list["data"] = .array(items.map(JSONValue.object))
                list["total_count"] = .int(Int64(items.count))
            }
        }
        if let next = items.compactMap({ $0.int("current_period_end") }).min(), next > now.seconds {
            schedule(.renewSubscription, id, at: SimulatorInstant(seconds: next))
        }
    }

    /// Asks for what changed items cost for the rest of the period, at once where the call or a new period says so.
    private mutating func bill(
        _ changes: [ItemChange],
        of subscription: JSONObject,
        _ call: Call
    ) throws(StripeError) {
        let behavior = call.string("proration_behavior") ?? "create_prorations"
        guard behavior != "none", subscription.status != "trialing" else { return }
        let moved = changes.contains { change in
            change.old != nil && change.old?["current_period_end"] != change.new?["current_period_end"]
        }
        for change in changes { prorate(change, of: subscription) }
        if behavior == "always_invoice" || moved { try invoiceNow(subscription.id, call) }
    }

    /// Gives back the unused time of what was, and asks for the rest of the period of what is, by the second.
    private mutating func prorate(_ change: ItemChange, of subscription: JSONObject) {
        for (item, sign) in [(change.old, Int64(-1)), (change.new, Int64(1))] {
            guard let item, let price = item.object("price"), let customer = subscription.string("customer"),
                let start = item.int("current_period_start"), let end = item.int("current_period_end"), end > start,
                let whole = Self.amount(of: price, quantity: item.int("quantity") ?? 1)
            else { continue }
            let left = max(0, min(end - now.seconds, end - start))
            let amount = ExactAmount.share(of: whole, left, outOf: end - start) * sign
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

    private mutating func invoiceNow(_ id: String, _ call: Call) throws(StripeError) {
        guard let subscription = find(.subscription, id),
            let customer = subscription.string("customer").flatMap({ find(.customer, $0) })
        else { return }
        var invoice = newInvoice(
            for: customer,
            currency: subscription.string("currency") ?? "usd",
            reason: "subscription_update"
        )
        let behavior = call.string("payment_behavior")
        invoice["_subscription"] = .string(id)
        if behavior == "pending_if_incomplete" { invoice["_is_for_change"] = true }
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
        if behavior == "default_incomplete" {
            subscriptionUnpaid(id, isOver: false)
            return
        }
        do throws(StripeError) {
            try tryPayment(ofInvoice: invoice.id, method: nil, AttemptOptions(isOffSession: true))
        } catch {
            guard behavior == "error_if_incomplete" else {
                return  // the invoice stays open and the subscription is past due, as their events say
            }
            var refused = error
            refused.status = 402
            throw refused
        }
        guard behavior == "error_if_incomplete", find(.invoice, invoice.id)?.status == "open" else { return }
        throw StripeError(
            status: 402,
            kind: .card,
            code: "subscription_payment_intent_requires_action",
            "Payment for this subscription requires additional user action before it can be completed successfully.",
            executed: true
        )
    }

    // MARK: Changes that wait for their payment

    private static let pendingSeconds: Int64 = 23 * 3_600

    /// Makes a change if its invoice is paid at once; else it waits in `pending_update`, and the rest stays as it was.
    private mutating func changeWhenPaid(_ before: JSONObject, _ call: Call) throws(StripeError) {
        let supported: Set<String> = [
            "items", "plan", "quantity", "proration_behavior", "payment_behavior", "off_session", "expand",
        ]
        if let other = call.parameters.keys.first(where: { !supported.contains($0) }) {
            throw StripeError.invalid(
                other,
                "`payment_behavior=pending_if_incomplete` cannot be used together with `\(other)`."
            )
        }
        try change(before, call)
        guard let changed = find(.subscription, before.id), changed["latest_invoice"] != before["latest_invoice"],
            let invoice = changed.string("latest_invoice"), find(.invoice, invoice)?.status == "open"
        else { return }
        let expires = now.adding(seconds: Self.pendingSeconds)
        var waiting = before
        waiting["latest_invoice"] = .string(invoice)
        waiting["pending_update"] = [
            "billing_cycle_anchor": nil, "discount": nil, "discounts": nil, "expires_at": .int(expires.seconds),
            "metadata": nil,
            "subscription_items": .array(Self.items(of: changed).map(JSONValue.object)), "trial_end": nil,
            "trial_from_plan": nil,
        ]
        insert(.subscription, waiting)
        schedule(.expirePendingUpdate, before.id, at: expires)
    }

    /// The invoice of a change was paid: the change is made.
    mutating func applyPendingUpdate(_ id: String) {
        guard let pending = find(.subscription, id)?.object("pending_update") else { return }
        setItems((pending.array("subscription_items") ?? []).compactMap(\.object), of: id)
        change(.subscription, id, emitting: "customer.subscription.pending_update_applied") { subscription in
            subscription["pending_update"] = .null
        }
    }

    /// The invoice of a change was not paid in time: it is void, and the change is forgotten.
    mutating func expirePendingUpdate(_ id: String) {
        guard let subscription = find(.subscription, id),
            let expires = subscription.object("pending_update")?.int("expires_at"), expires <= now.seconds
        else { return }
        if let invoice = subscription.string("latest_invoice"), find(.invoice, invoice)?.status == "open" {
            _ = voidInvoice(invoice)
        }
        change(.subscription, id, emitting: "customer.subscription.pending_update_expired") { subscription in
            subscription["pending_update"] = .null
        }
    }

    // MARK: Cancelling

    /// Ends a subscription now; gives back the rest of the period and sends a last invoice where the call says so.
    mutating func cancelSubscription(_ subscription: JSONObject, _ call: Call) throws(StripeError) -> JSONObject {
        guard !["canceled", "incomplete_expired"].contains(subscription.status) else {
            throw StripeError.missingObject("subscription", subscription.id)
        }
        if call.bool("prorate") == true, subscription.status == "active" {
            for item in Self.items(of: subscription) {
                prorate(ItemChange(old: item, new: nil), of: subscription)
            }
        }
        let ended = end(
            subscription.id,
            reason: "cancellation_requested",
            feedback: call.object("cancellation_details")
        )
        let isPending = all(.invoiceItem).contains { item in
            item["customer"] == ended["customer"] && !item.has("invoice") && item["currency"] == ended["currency"]
        }
        guard call.bool("invoice_now") == true, isPending else { return ended }
        try invoiceNow(subscription.id, call)
        return try require(.subscription, subscription.id)
    }

    // MARK: Items by themselves

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
            metadata:m? plan:s price:s quantity:i off_session:b \(behavior) \(priceData)
            proration_behavior:always_invoice|create_prorations|none proration_date:i tax_rates:a? \(discounts)
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
        for name in ["proration_behavior", "payment_behavior"] {
            if let behavior = call.parameters[name] { parameters[name] = behavior }
        }
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
