extension Ledger {
    /// Changes a subscription as a call says.
    ///
    /// Throws: 402 where the change had to be paid at once and was not (`error_if_incomplete`); then nothing changed.
    mutating func updateSubscription(_ before: JSONObject, _ call: Call) throws(StripeError) -> JSONObject {
        guard !["canceled", "incomplete_expired"].contains(before.status) else {
            return try updateEnded(before, call)
        }
        try Self.checkIncomplete(before, call)
        switch call.string("payment_behavior") {
        case "pending_if_incomplete": try changeWhenPaid(before, call)
        case "error_if_incomplete": try wholly { ledger throws(StripeError) in try ledger.change(before, call) }
        default: try change(before, call)
        }
        let after = try require(.subscription, before.id)
        emit("customer.subscription.updated", after, before: before)
        return after
    }

    /// A subscription whose first payment is still to come takes notes and another card alone.
    private static func checkIncomplete(_ before: JSONObject, _ call: Call) throws(StripeError) {
        let settable: Set<String> = ["metadata", "default_payment_method", "default_source", "expand"]
        guard before.status == "incomplete", let name = call.parameters.keys.first(where: { !settable.contains($0) })
        else { return }
        throw StripeError(
            param: name,
            "A subscription with the status `incomplete` can only update its metadata, default_source and "
                + "default_payment_method.",
            executed: true
        )
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
        if let invoice = try draftChange(before, call) { try collectNow(invoice, of: before.id, call) }
        endTrial(call, before)
        if let time = find(.subscription, before.id)?.int("cancel_at") {
            schedule(.renewSubscription, before.id, at: SimulatorInstant(seconds: max(time, now.seconds)))
        }
    }

    /// Makes the changes of a call but for the end of a trial.
    ///
    /// Answers the draft of an invoice that is to be collected at once, if there is one.
    mutating func draftChange(_ before: JSONObject, _ call: Call) throws(StripeError) -> String? {
        if let method = call.string("default_payment_method") {
            _ = try require(.paymentMethod, method, param: "default_payment_method")
        }
        if let source = call.string("default_source") {
            try checkSource(source, of: before.string("customer") ?? "", param: "default_source")
        }
        try checkTerms(call, before: before)
        try checkTrialEnd(call, before)
        try Self.checkQuantities(call.parameters)
        try Self.checkUnmodelled(call.parameters)
        let plan = try itemPlan(before, call)
        var changed = before
        call.copy(
            [
                "default_payment_method", "default_source", "description", "collection_method", "days_until_due",
                "pause_collection",
            ],
            to: &changed
        )
        if let pause = call.object("pause_collection") {
            changed["pause_collection"] = .object(pause.merging(["resumes_at": pause["resumes_at"] ?? .null]))
            try planResumption(pause, of: before.id)
        }
        Self.note(call, in: &changed)
        if Self.givesDiscounts(call) {
            let order = DiscountedOrder(
                customer: before.string("customer") ?? "",
                amount: plan.items.reduce(0) { $0 + Self.amount(of: $1) },
                currency: before.string("currency") ?? "usd",
                subscription: before.id
            )
            changed["discounts"] = .strings(try takeDiscounts(call, order))
        }
        setEnd(call, in: &changed)
        if let settings = call.object("trial_settings") { changed["trial_settings"] = .object(settings) }
        if let settings = call.object("payment_settings")?["save_default_payment_method"] {
            changed.update("payment_settings") { $0["save_default_payment_method"] = settings }
        }
        if plan.restarts { changed["billing_cycle_anchor"] = .int(now.seconds) }
        insert(.subscription, changed)
        guard !plan.changes.isEmpty else { return nil }
        setItems(plan.items, of: before.id)
        return bill(plan, of: before, call)
    }

    /// A trial can be moved or ended, and only that: a running subscription does not go back into one.
    private func checkTrialEnd(_ call: Call, _ before: JSONObject) throws(StripeError) {
        guard let time = call.parameters["trial_end"], time != "now" else { return }
        guard before.status == "trialing" else {
            throw Self.notModelled("trial_end", "a `trial_end` for a subscription that is not trialing")
        }
        guard let time = time.int else { throw Self.notATrialEnd }
        try checkFuture(trialEnd: time)
    }

    /// A trial ends in the future, two years from now at the latest.
    func checkFuture(trialEnd time: Int64) throws(StripeError) {
        guard time > now.seconds, time <= now.adding(seconds: Self.longestTrial).seconds else {
            throw Self.notATrialEnd
        }
    }

    static let notATrialEnd = StripeError.invalid(
        "trial_end",
        "Invalid timestamp: must be an integer Unix timestamp in the future, at most two years from now."
    )

    private mutating func endTrial(_ call: Call, _ before: JSONObject) {
        guard let end = call.parameters["trial_end"], before.status == "trialing" else { return }
        let time = end.int ?? now.seconds
        update(.subscription, before.id) { subscription in
            subscription["trial_end"] = .int(time)
            subscription["billing_cycle_anchor"] = .int(time)
        }
        changeItems(of: before.id) { $0["current_period_end"] = .int(time) }
        if end.string == "now" {
            renewSubscription(before.id)
            if let invoice = find(.subscription, before.id)?.string("latest_invoice") { finalizePlanned(invoice) }
        } else {
            schedule(.renewSubscription, before.id, at: SimulatorInstant(seconds: max(time, now.seconds)))
        }
    }

    // MARK: Changes that wait for their payment

    private static let pendingSeconds: Int64 = 23 * 3_600

    /// Makes a change if its invoice is paid at once; else it waits in `pending_update`, and the rest stays as it was.
    private mutating func changeWhenPaid(_ before: JSONObject, _ call: Call) throws(StripeError) {
        let supported: Set<String> = [
            "items", "plan", "quantity", "proration_behavior", "proration_date", "payment_behavior", "off_session",
            "expand", "billing_cycle_anchor",
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
        let anchor = changed["billing_cycle_anchor"] ?? .null
        waiting["pending_update"] = [
            "billing_cycle_anchor": anchor == before["billing_cycle_anchor"] ? .null : anchor, "discount": nil,
            "discounts": nil, "expires_at": .int(expires.seconds),
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
        if let invoice = find(.subscription, id)?.string("latest_invoice") { useUpDiscounts(of: invoice) }
        change(.subscription, id, emitting: "customer.subscription.pending_update_applied") { subscription in
            if let anchor = pending.int("billing_cycle_anchor") { subscription["billing_cycle_anchor"] = .int(anchor) }
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
                prorate(ItemChange(old: item, new: nil), of: subscription, at: now.seconds)
            }
        }
        let ended = end(
            subscription.id,
            reason: "cancellation_requested",
            feedback: call.object("cancellation_details")
        )
        guard call.bool("invoice_now") == true,
            let invoice = draftNow(subscription.id, call, wholePeriod: false)
        else { return ended }
        try collectNow(invoice, of: subscription.id, call)
        return try require(.subscription, subscription.id)
    }
}
