// Subscriptions that are paused and resumed, and those whose collection is.
extension Ledger {
    private static let resumptionSeconds: Int64 = 23 * 3_600

    // MARK: The whole subscription

    /// Pauses a subscription: the unused time is given back as `bill_for` says, and no period begins until it is
    /// resumed (`subscriptions.pause`).
    mutating func pauseSubscription(_ subscription: JSONObject, _ call: Call) throws(StripeError) -> JSONObject {
        guard ["active", "trialing"].contains(subscription.status) else {
            throw StripeError("Only active subscriptions can be paused.", executed: true)
        }
        let from = call.object("bill_for")?.value(at: "unused_time_from", "type")?.string ?? "now"
        if subscription.status == "active", from != "none" {
            for item in Self.items(of: subscription) {
                let moment = from == "now" ? now.seconds : item.int("current_period_start") ?? now.seconds
                prorate(ItemChange(old: item, new: nil), of: subscription, at: moment)
            }
        }
        change(.subscription, subscription.id, emitting: "customer.subscription.paused") { $0["status"] = "paused" }
        if call.string("invoicing_behavior") == "invoice",
            let invoice = draftNow(subscription.id, call, wholePeriod: false)
        {
            try collectNow(invoice, of: subscription.id, call)
        }
        return try require(.subscription, subscription.id)
    }

    /// Resumes a paused subscription: a period begins now, and its invoice, once it is paid, makes the subscription
    /// active; unpaid for 23 hours it is void, and the subscription stays paused (`subscriptions.resume`).
    mutating func resumeSubscription(_ subscription: JSONObject, _ call: Call) throws(StripeError) -> JSONObject {
        let id = subscription.id
        guard subscription.status == "paused" else {
            throw StripeError("Only subscriptions with status `paused` can be resumed.", executed: true)
        }
        guard subscription.string("collection_method") == "charge_automatically" else {
            throw StripeError(
                "Only subscriptions with `collection_method=charge_automatically` can be resumed.",
                executed: true
            )
        }
        let isReset = try Self.resetsAnchor(call)
        guard isReset || call.parameters["billing_cycle_anchor"] == nil else {
            throw Self.notModelled("billing_cycle_anchor", "`billing_cycle_anchor=unchanged` when resuming")
        }
        if call.parameters["proration_date"] != nil {
            throw StripeError.invalid(
                "proration_date",
                "You cannot set `proration_date` with `billing_cycle_anchor=now`: no prorations are made."
            )
        }
        if let latest = subscription.string("latest_invoice").flatMap({ find(.invoice, $0) }),
            latest.status == "open", latest.bool("_resumes") == true
        {
            throw StripeError("The invoice \(latest.id) of the subscription's resumption is open.", executed: true)
        }
        update(.subscription, id) { [now] in $0["billing_cycle_anchor"] = .int(now.seconds) }
        _ = beginPeriod(of: id, at: now.seconds)
        let invoice = invoiceForPeriod(of: id, reason: "subscription_update")
        update(.invoice, invoice) { $0["_resumes"] = true }
        takePendingItems(into: invoice)
        total(invoice)
        if let draft = find(.invoice, invoice) { emit("invoice.created", draft) }
        _ = finalize(invoice)
        if find(.invoice, invoice)?.status == "open" {
            schedule(.expireResumption, invoice, at: now.adding(seconds: Self.resumptionSeconds))
            // What comes of it shows in the invoice and its events; the subscription stays paused meanwhile.
            try? tryPayment(ofInvoice: invoice, method: nil, AttemptOptions(isOffSession: true))
        }
        return try require(.subscription, id)
    }

    /// An invoice was paid, or given up: where it was a resumption's, the subscription runs again.
    mutating func resumeAfter(_ invoice: String, of id: String) {
        guard let subscription = find(.subscription, id), subscription.status == "paused",
            find(.invoice, invoice)?.bool("_resumes") == true
        else { return }
        change(.subscription, id, emitting: "customer.subscription.resumed") { $0["status"] = "active" }
        let end = Self.items(of: subscription).compactMap { $0.int("current_period_end") }.min() ?? 0
        schedule(.renewSubscription, id, at: SimulatorInstant(seconds: max(end, now.seconds)))
    }

    /// The invoice of a resumption was not paid in time.
    mutating func expireResumption(_ invoice: String) {
        guard find(.invoice, invoice)?.status == "open" else { return }
        _ = voidInvoice(invoice)
    }

    // MARK: Collection alone

    /// Plans the end of a pause of collection, where the pause names one.
    mutating func planResumption(_ pause: JSONObject, of id: String) throws(StripeError) {
        guard let time = pause.int("resumes_at") else { return }
        guard time > now.seconds else {
            throw StripeError.invalid("pause_collection[resumes_at]", "`resumes_at` must be a timestamp in the future.")
        }
        schedule(.resumeCollection, id, at: SimulatorInstant(seconds: time))
    }

    /// `resumes_at` has come: invoices made from now on are collected again.
    mutating func resumeCollection(_ id: String) {
        guard let subscription = find(.subscription, id),
            let time = subscription.object("pause_collection")?.int("resumes_at"), time <= now.seconds,
            !["canceled", "incomplete_expired"].contains(subscription.status)
        else { return }
        change(.subscription, id, emitting: "customer.subscription.updated") { $0["pause_collection"] = .null }
    }
}
