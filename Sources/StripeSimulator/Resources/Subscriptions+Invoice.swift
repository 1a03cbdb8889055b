// The invoices of subscriptions: of a period, and of a change that is billed at once.
extension Ledger {
    /// A draft of a subscription's invoice, without lines.
    private mutating func newInvoice(of subscription: JSONObject, reason: String) -> JSONObject? {
        guard let customer = subscription.string("customer").flatMap({ find(.customer, $0) }) else { return nil }
        let currency = subscription.string("currency") ?? "usd"
        var invoice = newInvoice(for: customer, currency: currency, reason: reason)
        invoice["_subscription"] = .string(subscription.id)
        invoice["parent"] = Self.parent(of: subscription)
        invoice["collection_method"] = subscription["collection_method"] ?? "charge_automatically"
        if subscription.string("collection_method") == "send_invoice" {
            let days = subscription.int("days_until_due") ?? 30
            invoice["due_date"] = .int(now.adding(seconds: days * 86_400).seconds)
        }
        invoice["discounts"] = .strings(discounts(of: subscription))
        return invoice
    }

    /// What an invoice says of the subscription it belongs to.
    static func parent(of subscription: JSONObject) -> JSONValue {
        [
            "quote_details": nil,
            "subscription_details": [
                "metadata": subscription["metadata"] ?? [:], "subscription": .string(subscription.id),
            ], "type": "subscription_details",
        ]
    }

    /// A draft for the subscription's present period.
    mutating func invoiceForPeriod(of id: String, reason: String) -> String {
        guard let subscription = find(.subscription, id),
            let invoice = newInvoice(of: subscription, reason: reason)
        else { return "" }
        insert(.invoice, invoice)
        let isTrial = subscription.status == "incomplete" && subscription.has("trial_end")
        var lines: [JSONObject] = []
        for item in Self.items(of: subscription) { lines.append(line(for: item, of: id, invoice.id, isTrial: isTrial)) }
        append(lines, toInvoice: invoice.id)
        let discounts = invoice["discounts"] ?? []
        update(.subscription, id) { $0["latest_invoice"] = .string(invoice.id) }
        changeItems(of: id) { $0["_discounts"] = discounts }  // what a credit for unused time goes by
        total(invoice.id)
        return invoice.id
    }

    /// Changes every item of a subscription.
    mutating func changeItems(of id: String, _ change: (inout JSONObject) -> Void) {
        update(.subscription, id) { subscription in
            subscription.update("items") { list in
                let data = (list.array("data") ?? []).compactMap(\.object).map { item -> JSONValue in
                    var item = item
                    change(&item)
                    return .object(item)
                }
                list["data"] = .array(data)
            }
        }
    }

    /// Gives every item of a subscription a period.
    mutating func setPeriod(of id: String, _ start: Int64, _ end: Int64) {
        changeItems(of: id) { item in
            item["current_period_start"] = .int(start)
            item["current_period_end"] = .int(end)
        }
    }

    // MARK: At once

    /// A draft of what a change costs at once: what waits for the subscription's next invoice and, where a new period
    /// begins, all of that.
    ///
    /// Nil where there is nothing to bill.
    mutating func draftNow(_ id: String, _ call: Call, wholePeriod: Bool) -> String? {
        guard let subscription = find(.subscription, id) else { return nil }
        let invoice: String
        if wholePeriod {
            invoice = invoiceForPeriod(of: id, reason: "subscription_update")
        } else {
            guard let draft = newInvoice(of: subscription, reason: "subscription_update"),
                all(.invoiceItem).contains(where: { Self.waits($0, for: draft) })
            else { return nil }
            insert(.invoice, draft)
            update(.subscription, id) { $0["latest_invoice"] = .string(draft.id) }
            invoice = draft.id
        }
        if call.string("payment_behavior") == "pending_if_incomplete" {
            update(.invoice, invoice) { $0["_is_for_change"] = true }
        }
        takePendingItems(into: invoice)
        total(invoice)
        if let draft = find(.invoice, invoice) { emit("invoice.created", draft) }
        return invoice
    }

    /// Opens such a draft, and takes its money as the call's `payment_behavior` says.
    mutating func collectNow(_ invoice: String, of id: String, _ call: Call) throws(StripeError) {
        let behavior = call.string("payment_behavior")
        _ = finalize(invoice)
        guard let open = find(.invoice, invoice), open.status == "open",
            open.string("collection_method") == "charge_automatically"
        else { return }
        if behavior == "default_incomplete" {
            subscriptionUnpaid(id, isOver: false)
            return
        }
        do throws(StripeError) {
            try tryPayment(ofInvoice: invoice, method: nil, AttemptOptions(isOffSession: true))
        } catch {
            guard behavior == "error_if_incomplete" else {
                return  // the invoice stays open and the subscription is past due, as their events say
            }
            var refused = error
            refused.status = 402
            throw refused
        }
        guard behavior == "error_if_incomplete", find(.invoice, invoice)?.status == "open" else { return }
        throw StripeError(
            status: 402,
            kind: .card,
            code: "subscription_payment_intent_requires_action",
            "Payment for this subscription requires additional user action before it can be completed successfully.",
            executed: true
        )
    }

    // MARK: Lines

    private mutating func line(for item: JSONObject, of id: String, _ invoice: String, isTrial: Bool) -> JSONObject {
        let price = item.object("price") ?? JSONObject()
        let quantity = item.int("quantity") ?? 1
        let amount = isTrial ? 0 : Self.amount(of: price, quantity: quantity) ?? 0
        let currency = price.string("currency") ?? "usd"
        let name = price.string("product").flatMap { find(.product, $0) }?.string("name") ?? "Subscription"
        let interval = price.value(at: "recurring", "interval")?.string ?? "month"
        let description =
            isTrial
            ? "Trial period for \(name)"
            : "\(quantity) × \(name) (\(Self.rate(of: price, currency)) / \(interval))"
        return newLine(
            invoice: invoice,
            amount: amount,
            currency: currency,
            description: .string(description),
            period: (item.int("current_period_start") ?? now.seconds, item.int("current_period_end") ?? now.seconds),
            parent: [
                "invoice_item_details": nil,
                "subscription_item_details": [
                    "invoice_item": nil, "proration": false, "proration_details": ["credited_items": nil],
                    "subscription": .string(id), "subscription_item": .string(item.id),
                ], "type": "subscription_item_details",
            ],
            pricing: Self.pricing(price, amount: amount, quantity: quantity),
            quantity: quantity
        )
    }

    /// A price in words: per unit, or that it has tiers.
    private static func rate(of price: JSONObject, _ currency: String) -> String {
        if price.string("billing_scheme") == "tiered" { return "tiered" }
        if let unit = price.int("unit_amount") { return "at " + Currency.formatted(unit, currency) }
        return "at \(price.string("unit_amount_decimal") ?? "0") minor units"
    }

    /// The end of the period that begins at a time, on the anchor's day where the month has it.
    static func periodEnd(after start: Int64, _ price: JSONObject, anchor: Int64) -> Int64 {
        let recurring = price.object("recurring") ?? JSONObject()
        let count = recurring.int("interval_count") ?? 1
        let date = CalendarDate(seconds: start)
        switch recurring.string("interval") {
        case "day": return start + count * 86_400
        case "week": return start + count * 7 * 86_400
        case "year": return date.adding(months: 12 * count, anchorDay: CalendarDate(seconds: anchor).day).seconds
        default: return date.adding(months: count, anchorDay: CalendarDate(seconds: anchor).day).seconds
        }
    }
}
