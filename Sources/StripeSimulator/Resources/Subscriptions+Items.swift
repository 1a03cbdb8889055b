// What a change makes of a subscription's items, and what it costs.
extension Ledger {
    struct ItemChange {
        let old: JSONObject?
        let new: JSONObject?
    }

    struct ItemPlan {
        var changes: [ItemChange] = []
        /// All items once the changes are made.
        var items: [JSONObject] = []
        /// A new period begins now, for every item.
        var restarts = false
        /// The time by which prorations are reckoned.
        var moment: Int64
    }

    private struct ItemDraft {
        let old: JSONObject?
        let given: JSONObject
        /// Nil takes the item away.
        let price: JSONObject?
    }

    // MARK: The plan

    /// What a call makes of the items.
    ///
    /// A change of the interval begins a new period and moves the anchor, as `billing_cycle_anchor=now` does.
    mutating func itemPlan(_ subscription: JSONObject, _ call: Call) throws(StripeError) -> ItemPlan {
        let before = Self.items(of: subscription)
        let drafts = try itemDrafts(of: subscription, call)
        let kept = before.filter { item in !drafts.contains { $0.old?.id == item.id } }
        let prices = kept.compactMap { $0.object("price") } + drafts.compactMap(\.price)
        guard let first = prices.first else {
            throw StripeError("A subscription must have at least one active item.")
        }
        try Self.checkTogether(prices)
        guard first["currency"] == subscription["currency"] else {
            throw StripeError.invalid(
                "items",
                "The price must have the subscription's currency, `\(subscription.string("currency") ?? "")`."
            )
        }
        let isReset = try Self.resetsAnchor(call)
        guard !isReset || subscription.status != "trialing" else {
            throw Self.notModelled("billing_cycle_anchor", "`billing_cycle_anchor=now` in a trial")
        }
        var plan = ItemPlan(items: before, moment: now.seconds)
        let old = before.first?.object("price") ?? first
        plan.restarts = subscription.status != "trialing" && (isReset || !Self.haveSameInterval(old, first))
        plan.moment = try prorationTime(call, before)
        let start = now.seconds
        let present = before.first
        var period = (present?.int("current_period_start") ?? start, present?.int("current_period_end") ?? start)
        if plan.restarts { period = (start, Self.periodEnd(after: start, first, anchor: start)) }
        for draft in drafts {
            let new = draft.price.map { item(draft, $0, of: subscription, period: period) }
            plan.changes.append(ItemChange(old: draft.old, new: new))
        }
        if plan.restarts {
            for item in kept {
                var new = item
                new["current_period_start"] = .int(period.0)
                new["current_period_end"] = .int(period.1)
                plan.changes.append(ItemChange(old: item, new: new))
            }
        }
        for change in plan.changes {
            let place = plan.items.firstIndex { $0.id == change.old?.id }
            switch (place, change.new) {
            case (.some(let place), .some(let new)): plan.items[place] = new
            case (.some(let place), .none): plan.items.remove(at: place)
            case (.none, .some(let new)): plan.items.append(new)
            case (.none, .none): break
            }
        }
        return plan
    }

    private mutating func itemDrafts(of subscription: JSONObject, _ call: Call) throws(StripeError) -> [ItemDraft] {
        let items = Self.items(of: subscription)
        var givens = (call.parameters.array("items") ?? []).compactMap(\.object)
        if let first = items.first, call.string("plan") != nil || call.int("quantity") != nil {
            var given: JSONObject = ["id": .string(first.id)]
            if let plan = call.string("plan") { given["plan"] = .string(plan) }
            if let quantity = call.int("quantity") { given["quantity"] = .int(quantity) }
            givens.append(given)
        }
        var drafts: [ItemDraft] = []
        for (index, given) in givens.enumerated() {
            let old = given.string("id").flatMap { id in items.first { $0.id == id } }
            if let id = given.string("id"), old == nil {
                throw StripeError.missingObject("subscription_item", id, param: "items[\(index)][id]")
            }
            if given.bool("deleted") == true {
                drafts.append(ItemDraft(old: old, given: given, price: nil))
                continue
            }
            let names = ["price", "plan", "price_data"]
            // A withdrawn price goes on for an item that has it.
            let keeps = given.string("price") != nil && given["price"] == old?.object("price")?["id"]
            let named = !keeps && names.contains { given[$0] != nil }
            let price =
                named ? try price(of: given, param: "items[\(index)]", call) : old?.object("price") ?? JSONObject()
            guard price.has("recurring") else { throw StripeError.missingParameter("items[\(index)][price]") }
            drafts.append(ItemDraft(old: old, given: given, price: price))
        }
        return drafts
    }

    private mutating func item(
        _ draft: ItemDraft,
        _ price: JSONObject,
        of subscription: JSONObject,
        period: (start: Int64, end: Int64)
    ) -> JSONObject {
        var new = newSubscriptionItem(subscription.id, draft.given, price, period: period)
        guard let old = draft.old else { return new }
        new["id"] = .string(old.id)
        new["created"] = old["created"] ?? .null
        if draft.given["quantity"] == nil { new["quantity"] = old["quantity"] ?? 1 }
        if draft.given["metadata"] == nil { new["metadata"] = old["metadata"] ?? [:] }
        return new
    }

    /// Whether a call asks for a new period: `now`, or since endive `{type: now}` (facts §2).
    static func resetsAnchor(_ call: Call) throws(StripeError) -> Bool {
        guard let anchor = call.parameters["billing_cycle_anchor"] else { return false }
        switch anchor.string ?? anchor.object?.string("type") {
        case "now": return true
        case "unchanged": return false
        default:
            throw StripeError.invalid(
                "billing_cycle_anchor",
                "Invalid billing_cycle_anchor: must be one of now or unchanged"
            )
        }
    }

    /// The time that prorations are reckoned by: `proration_date`, which lies in the present period, or now.
    private func prorationTime(_ call: Call, _ items: [JSONObject]) throws(StripeError) -> Int64 {
        guard let time = call.int("proration_date") else { return now.seconds }
        let starts = items.compactMap { $0.int("current_period_start") }
        let ends = items.compactMap { $0.int("current_period_end") }
        guard let start = starts.max(), let end = ends.min(), (start...max(start, end)).contains(time) else {
            throw StripeError.invalid(
                "proration_date",
                "Invalid proration_date: must be within the subscription's current period."
            )
        }
        return time
    }

    mutating func setItems(_ items: [JSONObject], of id: String) {
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

    // MARK: The cost

    /// Asks for what changed items cost for the rest of the period; where a new one begins, for all of that, without
    /// what is unused of the old one.
    ///
    /// Answers the draft of an invoice that is to be collected at once, if there is one.
    mutating func bill(_ plan: ItemPlan, of before: JSONObject, _ call: Call) -> String? {
        let behavior = call.string("proration_behavior") ?? "create_prorations"
        guard !["trialing", "paused"].contains(before.status) else { return nil }
        if behavior != "none" {
            for change in plan.changes {
                let credit = ItemChange(old: change.old, new: nil)
                prorate(plan.restarts ? credit : change, of: before, at: plan.moment)
            }
        }
        if plan.restarts { return draftNow(before.id, call, wholePeriod: true) }
        let discounts = find(.subscription, before.id).map { JSONValue.strings(self.discounts(of: $0)) } ?? []
        let changed = Set(plan.changes.compactMap { $0.new?.id })
        changeItems(of: before.id) { if changed.contains($0.id) { $0["_discounts"] = discounts } }
        return behavior == "always_invoice" ? draftNow(before.id, call, wholePeriod: false) : nil
    }

    /// Gives back the unused time of what was, and asks for the rest of the period of what is, by the second.
    ///
    /// Both amounts have the discounts in them (`billing_mode.flexible.proration_discounts=included`): what is given
    /// back those it was bought with, what is asked for the present ones.
    mutating func prorate(_ change: ItemChange, of before: JSONObject, at moment: Int64) {
        let isSame =
            change.old?.object("price")?.id == change.new?.object("price")?.id
            && change.old?.int("quantity") == change.new?.int("quantity")
        guard !isSame, let subscription = find(.subscription, before.id) else { return }
        for (item, sign) in [(change.old, Int64(-1)), (change.new, Int64(1))] {
            guard let item, let price = item.object("price"), let customer = subscription.string("customer"),
                let start = item.int("current_period_start"), let end = item.int("current_period_end"), end > start
            else { continue }
            let isCredit = sign < 0
            let own = (item.array("_discounts") ?? []).compactMap(\.string)
            let net = netShare(
                of: Self.items(of: isCredit ? before : subscription),
                isCredit ? own : discounts(of: subscription),
                at: isCredit ? start : now.seconds
            )
            let left = max(0, min(end - moment, end - start))
            let amount = ExactAmount.share(
                of: Self.amount(of: item),
                (left, end - start),
                (net.amount, net.gross)
            )
            let name = price.string("product").flatMap { find(.product, $0) }?.string("name") ?? "Subscription"
            var made = newItem(
                customer: customer,
                amount: amount * sign,
                currency: price.string("currency") ?? "usd",
                price: price,
                quantity: item.int("quantity") ?? 1
            )
            made["description"] = .string("\(isCredit ? "Unused" : "Remaining") time on \(name)")
            made["proration"] = true
            made["discountable"] = false
            made["period"] = ["end": .int(end), "start": .int(moment)]
            made["_subscription"] = .string(subscription.id)
            made["_subscription_item"] = .string(item.id)
            insert(.invoiceItem, made)
            emit("invoiceitem.created", made)
        }
    }

    /// What discounts leave of items' amounts: all items bear them alike.
    private func netShare(
        of items: [JSONObject],
        _ discounts: [String],
        at moment: Int64
    ) -> (amount: Int64, gross: Int64) {
        let gross = items.reduce(Int64(0)) { $0 + Self.amount(of: $1) }
        let currency = items.first?.object("price")?.string("currency") ?? "usd"
        let amount = discounts.reduce(gross) { $0 - reduction(by: $1, of: $0, currency: currency, at: moment) }
        return (amount, gross)
    }

    /// What a subscription's item costs a period.
    static func amount(of item: JSONObject) -> Int64 {
        amount(of: item.object("price") ?? JSONObject(), quantity: item.int("quantity") ?? 1) ?? 0
    }
}
