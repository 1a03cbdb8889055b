// What the next invoice would be: made on a copy of the ledger, which is thrown away.
extension Ledger {
    static let previewParameters = """
        automatic_tax:* currency:s customer:s customer_account:s customer_details:* \(discounts) invoice_items:* issuer:*
        on_behalf_of:s? preview_mode:next|recurring schedule:s schedule_details:* subscription:s
        subscription_details{billing_cycle_anchor:* billing_mode:* billing_schedules:*? cancel_at:n?
        cancel_at_period_end:b cancel_now:b default_tax_rates:a? items[]{id:s deleted:b clear_usage:b \(subscriptionItem)}
        metadata:m? pause:* proration_behavior:always_invoice|create_prorations|none proration_date:i resume_at:now|
        start_date:i trial_end:n}
        """

    func previewInvoice(_ call: Call) throws(StripeError) -> JSONObject {
        let details = call.object("subscription_details") ?? JSONObject()
        try Self.checkPreviewable(call, details)
        let named = try call.string("subscription").map { id throws(StripeError) in
            try require(.subscription, id, param: "subscription")
        }
        guard let customer = call.string("customer") ?? named?.string("customer") else {
            throw StripeError.missingParameter("customer")
        }
        _ = try liveCustomer(customer, param: "customer")
        var copy = self
        let id = try copy.onClock(of: customer) { copy throws(StripeError) in
            if let subscription = named ?? (details.has("items") ? nil : copy.nextToRenew(customer)) {
                return try copy.draftNext(of: subscription, details, call)
            }
            guard details.has("items") else { return try copy.draftPending(customer, call) }
            return try copy.draftFirst(customer, details, call)
        }
        guard let draft = copy.find(.invoice, id) else { throw Self.noneUpcoming(customer) }
        return Self.preview(draft)
    }

    private static func noneUpcoming(_ customer: String) -> StripeError {
        StripeError(
            status: 404,
            code: "invoice_upcoming_none",
            "No upcoming invoices for customer: \(customer)",
            executed: true
        )
    }

    /// Refuses what the preview would leave out.
    private static func checkPreviewable(_ call: Call, _ details: JSONObject) throws(StripeError) {
        for name in ["invoice_items", "schedule", "schedule_details"] where call.parameters.has(name) {
            throw notModelled(name, "`\(name)` of a preview")
        }
        if call.string("preview_mode") == "recurring" {
            throw notModelled("preview_mode", "`preview_mode=recurring`")
        }
        let modelled: Set<String> = [
            "billing_cycle_anchor", "billing_mode", "items", "metadata", "proration_behavior", "proration_date",
            "trial_end",
        ]
        if let name = details.keys.first(where: { !modelled.contains($0) && details.has($0) }) {
            throw notModelled("subscription_details[\(name)]", "`\(name)` of a preview")
        }
        if details.has("trial_end"), call.parameters.has("subscription"), details["trial_end"] != "now" {
            throw notModelled("subscription_details[trial_end]", "a preview of a changed `trial_end`")
        }
    }

    // MARK: Drafts

    /// The subscription of a customer whose next invoice comes first.
    private func nextToRenew(_ customer: String) -> JSONObject? {
        all(.subscription)
            .filter { $0.string("customer") == customer && Self.isRunning($0) }
            .min { (Self.periodEnd(of: $0) ?? .max) < (Self.periodEnd(of: $1) ?? .max) }
    }

    private static func isRunning(_ subscription: JSONObject) -> Bool {
        ["active", "trialing", "past_due", "unpaid", "incomplete"].contains(subscription.status)
    }

    private static func periodEnd(of subscription: JSONObject) -> Int64? {
        items(of: subscription).compactMap { $0.int("current_period_end") }.min()
    }

    /// The invoice that a change would bring at once, else that of the next period.
    private mutating func draftNext(
        of subscription: JSONObject,
        _ details: JSONObject,
        _ call: Call
    ) throws(StripeError) -> String {
        guard Self.isRunning(subscription) else { throw Self.noneUpcoming(subscription.string("customer") ?? "") }
        var parameters = JSONObject()
        for name in ["items", "proration_behavior", "proration_date", "billing_cycle_anchor"] {
            if let value = details[name] { parameters[name] = value }
        }
        for name in ["discounts", "coupon"] { if let value = call.parameters[name] { parameters[name] = value } }
        if !parameters.isEmpty, let invoice = try draftChange(subscription, call.with(parameters)) { return invoice }
        guard let changed = find(.subscription, subscription.id), let due = Self.periodEnd(of: changed),
            changed.bool("cancel_at_period_end") != true, changed.int("cancel_at").map({ $0 > due }) ?? true
        else { throw Self.noneUpcoming(subscription.string("customer") ?? "") }
        let start = details["trial_end"] == "now" && changed.status == "trialing" ? now.seconds : due
        if start < due { update(.subscription, changed.id) { $0["billing_cycle_anchor"] = .int(start) } }
        now = max(now, SimulatorInstant(seconds: start))
        _ = beginPeriod(of: subscription.id, at: start)
        let invoice = invoiceForPeriod(of: subscription.id, reason: "upcoming")
        takePendingItems(into: invoice)
        total(invoice)
        return invoice
    }

    /// The first invoice of a subscription that is not there yet.
    private mutating func draftFirst(
        _ customer: String,
        _ details: JSONObject,
        _ call: Call
    ) throws(StripeError) -> String {
        var parameters: JSONObject = ["customer": .string(customer), "payment_behavior": "default_incomplete"]
        for name in ["items", "trial_end"] { if let value = details[name] { parameters[name] = value } }
        if let anchor = details["billing_cycle_anchor"], anchor != "now" {
            throw Self.notModelled("subscription_details[billing_cycle_anchor]", "an anchor other than the beginning")
        }
        for name in ["discounts", "coupon"] { if let value = call.parameters[name] { parameters[name] = value } }
        return try createSubscription(call.with(parameters)).string("latest_invoice") ?? ""
    }

    /// What waits for a customer without a subscription.
    private mutating func draftPending(_ customer: String, _ call: Call) throws(StripeError) -> String {
        guard let owner = find(.customer, customer) else { throw Self.noneUpcoming(customer) }
        let currency = call.string("currency") ?? owner.string("currency") ?? "usd"
        let invoice = newInvoice(for: owner, currency: currency, reason: "upcoming")
        guard all(.invoiceItem).contains(where: { Self.waits($0, for: invoice) }) else {
            throw Self.noneUpcoming(customer)
        }
        insert(.invoice, invoice)
        takePendingItems(into: invoice.id)
        total(invoice.id)
        return invoice.id
    }

    /// A draft, or an invoice that was opened on the copy, as one that is still to come.
    private static func preview(_ invoice: JSONObject) -> JSONObject {
        invoice.merging([
            "id": .string("upcoming_" + invoice.id.dropFirst(3)), "amount_paid": 0,
            "amount_remaining": invoice["amount_due"] ?? 0, "attempted": false, "attempt_count": 0,
            "auto_advance": true, "billing_reason": "upcoming", "effective_at": nil, "ending_balance": nil,
            "hosted_invoice_url": nil, "invoice_pdf": nil, "number": nil, "status": "draft",
            "status_transitions": [
                "finalized_at": nil, "marked_uncollectible_at": nil, "paid_at": nil, "voided_at": nil,
            ], "_payment_intent": nil,
        ])
    }
}
