// What happens to a subscription by itself: payment, renewal, the end.
extension Ledger {
    /// An invoice of the subscription was paid.
    mutating func subscriptionPaid(_ id: String, by invoiceID: String) {
        resumeAfter(invoiceID, of: id)
        guard let subscription = find(.subscription, id),
            ["incomplete", "past_due", "unpaid"].contains(subscription.status)
        else { return }
        let isNew = subscription.status == "incomplete"
        guard isNew || !owesLatest(id) else { return }
        let isKnown = subscription.bool("_announced") == true
        let status: JSONValue = isNew && subscription.has("trial_end") ? "trialing" : "active"
        change(.subscription, id, emitting: isKnown ? "customer.subscription.updated" : nil) { subscription in
            subscription["status"] = status
        }
        guard isNew,
            subscription.value(at: "payment_settings", "save_default_payment_method")?.string == "on_subscription",
            let invoice = subscription.string("latest_invoice").flatMap({ find(.invoice, $0) }),
            let intent = invoice.string("_payment_intent").flatMap({ find(.paymentIntent, $0) })
        else { return }
        update(.subscription, id) { $0["default_payment_method"] = intent["payment_method"] ?? .null }
    }

    /// Whether the latest finalized invoice is still to be paid, which is what the status goes by: one that is paid
    /// later than its successor does not end the arrears.
    private func owesLatest(_ id: String) -> Bool {
        let latest = objects[.invoice]?.newestFirst.first { invoice in
            invoice.string("_subscription") == id && invoice.status != "draft"
                && invoice.bool("_is_for_change") != true
        }
        guard let latest, latest.status == "open" else { return false }
        return latest.string("collection_method") != "send_invoice"
            || latest.int("due_date").map { $0 <= now.seconds } ?? true
    }

    /// An invoice of the subscription was not paid; after the last try the subscription ends.
    mutating func subscriptionUnpaid(_ id: String, isOver: Bool) {
        guard let subscription = find(.subscription, id),
            !["canceled", "incomplete_expired"].contains(subscription.status)
        else { return }
        if isOver {
            _ = end(id, reason: "payment_failed", feedback: nil)
        } else if ["active", "trialing"].contains(subscription.status) {
            change(.subscription, id, emitting: "customer.subscription.updated") { $0["status"] = "past_due" }
        }
    }

    /// A period is over: the next one begins with an invoice, which is opened an hour later; or the subscription ends.
    mutating func renewSubscription(_ id: String) {
        guard let subscription = find(.subscription, id),
            ["active", "trialing", "past_due", "unpaid", "paused"].contains(subscription.status),
            let due = Self.items(of: subscription).compactMap({ $0.int("current_period_end") }).min()
        else { return }
        if subscription.int("cancel_at").map({ $0 <= now.seconds }) ?? false {
            _ = end(id, reason: "cancellation_requested", feedback: nil)
            return
        }
        guard subscription.status != "paused" else { return }  // it begins no period until it is resumed
        guard due <= now.seconds else { return }  // the period was moved; a later plan stands for it
        if subscription.bool("cancel_at_period_end") == true {
            _ = end(id, reason: "cancellation_requested", feedback: nil)
            return
        }
        if subscription.status == "trialing", endsWithTrial(subscription) { return }
        let next = beginPeriod(of: id, at: due)
        let invoice = invoiceForPeriod(of: id, reason: "subscription_cycle")
        takePendingItems(into: invoice)
        total(invoice)
        let behavior = subscription.value(at: "pause_collection", "behavior")?.string
        update(.invoice, invoice) { [now] invoice in
            invoice["auto_advance"] = .bool(behavior != "keep_as_draft")
            invoice["automatically_finalizes_at"] = .int(now.adding(seconds: 3_600).seconds)
            if behavior == "void" { invoice["_void_when_final"] = true }
            if behavior == "mark_uncollectible" { invoice["_uncollectible_when_final"] = true }
        }
        if let draft = find(.invoice, invoice) { emit("invoice.created", draft) }
        if let renewed = find(.subscription, id) {
            emit("customer.subscription.updated", renewed, before: subscription)
        }
        schedule(.finalizeInvoice, invoice, at: now.adding(seconds: 3_600))
        schedule(.renewSubscription, id, at: SimulatorInstant(seconds: next))
    }

    /// Moves a subscription into its next period.
    ///
    /// Answers the end of that.
    mutating func beginPeriod(of id: String, at start: Int64) -> Int64 {
        guard let subscription = find(.subscription, id) else { return start }
        let anchor = subscription.int("billing_cycle_anchor") ?? start
        let price = Self.items(of: subscription).first?.object("price") ?? JSONObject()
        let end = Self.periodEnd(after: start, price, anchor: anchor)
        setPeriod(of: id, start, end)
        if subscription.status == "trialing" { update(.subscription, id) { $0["status"] = "active" } }
        dropEndedDiscounts(of: subscription)
        return end
    }

    /// A trial that is over and has no card, where the subscription says that this pauses or ends it.
    private mutating func endsWithTrial(_ subscription: JSONObject) -> Bool {
        let card = Self.defaultMethod(of: subscription) ?? defaultMethod(ofCustomer: subscription.string("customer"))
        guard card == nil else { return false }
        switch subscription.value(at: "trial_settings", "end_behavior", "missing_payment_method")?.string {
        case "pause":
            change(.subscription, subscription.id, emitting: "customer.subscription.paused") { $0["status"] = "paused" }
            return true
        case "cancel":
            _ = end(subscription.id, reason: "payment_failed", feedback: nil)
            return true
        default: return false
        }
    }

    mutating func remindOfTrialEnd(_ id: String) {
        guard let subscription = find(.subscription, id), subscription.status == "trialing" else { return }
        emit("customer.subscription.trial_will_end", subscription)
    }

    /// A first payment that did not come within 23 hours.
    mutating func expireIncomplete(_ id: String) {
        guard let subscription = find(.subscription, id), subscription.status == "incomplete" else { return }
        if let invoice = subscription.string("latest_invoice"), find(.invoice, invoice)?.status == "open" {
            _ = voidInvoice(invoice)
        }
        change(.subscription, id, emitting: "customer.subscription.updated") { [now] subscription in
            subscription["status"] = "incomplete_expired"
            subscription["ended_at"] = .int(now.seconds)
        }
    }

    /// Ends a subscription for good.
    mutating func end(_ id: String, reason: String, feedback: JSONObject?) -> JSONObject {
        stopCollection(of: id)
        return end(id, because: reason, feedback)
    }

    /// The invoices of a subscription that has ended no longer advance by themselves, drafts or open ones
    /// (`subscriptions.cancel`).
    private mutating func stopCollection(of id: String) {
        for invoice in all(.invoice)
        where invoice.string("_subscription") == id && ["draft", "open"].contains(invoice.status)
            && invoice.bool("auto_advance") == true
        {
            change(.invoice, invoice.id, emitting: "invoice.updated") { Self.stopAdvancing(&$0) }
        }
    }

    private mutating func end(_ id: String, because reason: String, _ feedback: JSONObject?) -> JSONObject {
        change(.subscription, id, emitting: "customer.subscription.deleted") { [now] subscription in
            subscription["status"] = "canceled"
            subscription["ended_at"] = .int(now.seconds)
            if !subscription.has("canceled_at") { subscription["canceled_at"] = .int(now.seconds) }
            subscription.update("cancellation_details") { details in
                details["reason"] = .string(reason)
                for name in ["comment", "feedback"] {
                    if let text = feedback?[name] { details[name] = text }
                }
            }
        }
    }

    /// Sets what a call says about the end.
    func setEnd(_ call: Call, in subscription: inout JSONObject) {
        if let atEnd = call.bool("cancel_at_period_end") {
            subscription["cancel_at_period_end"] = .bool(atEnd)
            let end = Self.periodEnds(of: subscription).min()
            subscription["cancel_at"] = atEnd ? .int(orNull: end) : .null
            subscription["canceled_at"] = atEnd ? .int(now.seconds) : .null
            subscription.update("cancellation_details") { details in
                details["reason"] = atEnd ? "cancellation_requested" : .null
            }
        }
        if let time = call.parameters["cancel_at"] {
            let ends = Self.periodEnds(of: subscription)
            let end = time.string.map { $0 == "min_period_end" ? ends.min() : ends.max() } ?? time.int
            subscription["cancel_at"] = .int(orNull: end)
            subscription["canceled_at"] = time.isNull ? .null : .int(now.seconds)
        }
    }

    private static func periodEnds(of subscription: JSONObject) -> [Int64] {
        items(of: subscription).compactMap { $0.int("current_period_end") }
    }

    // MARK: A trial's card

    /// A trial that begins without a card has a set-up through which the page may collect one.
    mutating func askForTrialCard(_ id: String, _ call: Call) {
        guard call.string("payment_behavior") == "default_incomplete", let subscription = find(.subscription, id),
            Self.defaultMethod(of: subscription) == nil, let customerID = subscription.string("customer"),
            defaultMethod(ofCustomer: customerID) == nil
        else { return }
        var intent = newSetupIntent(call)
        intent["customer"] = .string(customerID)
        intent["metadata"] = [:]
        intent["_subscription"] = .string(id)
        insert(.setupIntent, intent)
        emit("setup_intent.created", intent)
        update(.subscription, id) { $0["pending_setup_intent"] = .string(intent.id) }
    }

    /// The card was given: the subscription is charged with it once the trial is over.
    mutating func keepTrialCard(of intent: JSONObject) {
        guard let id = intent.string("_subscription"),
            find(.subscription, id)?.string("pending_setup_intent") == intent.id
        else { return }
        change(.subscription, id, emitting: "customer.subscription.updated") { subscription in
            subscription["pending_setup_intent"] = .null
            guard
                subscription.value(at: "payment_settings", "save_default_payment_method")?.string == "on_subscription"
            else { return }
            subscription["default_payment_method"] = intent["payment_method"] ?? .null
        }
    }
}
