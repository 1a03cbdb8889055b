package import Expressions
package import FlowEngine

/// What is read of a Subscription.
package struct StripeSubscription: Sendable, Hashable {
    package var id: String
    /// Stripe's word: `incomplete`, `trialing`, `active` … `canceled`.
    package var status: String
    package var mode: Mode
    package var customer: String?
    package var price: String?
    /// What a period costs, in minor units; nil for a price without a fixed amount.
    package var amount: Int64?
    package var currency: String?
    /// Seconds since 1970; the latest of its items'.
    package var currentPeriodEnd: Int64?
    package var cancelsAtPeriodEnd: Bool
    package var latestInvoice: String?
    /// Of the first invoice, or of the set-up when the first period is free; only when it was expanded.
    package var clientSecret: String?

    /// Nil unless every field that is there has its type.
    package init?(_ object: Value) {
        guard object["object"]?.stringValue == "subscription",
            let id = StripeID.of(object["id"], prefix: "sub_"), let status = StripeID.word(object["status"]),
            let isLive = object["livemode"]?.boolValue
        else { return nil }
        self.id = id
        self.status = status
        mode = isLive ? .live : .test
        customer = StripeID.expandable(object["customer"])
        cancelsAtPeriodEnd = object["cancel_at_period_end"]?.boolValue ?? false
        let items = (object["items"]?["data"]?.listValue ?? []).prefix(20)
        price = items.first.flatMap { StripeID.expandable($0["price"]) }
        currency = StripeID.currency(object["currency"])
        // Since 2025-03-31 each item has a period of its own; endpoints of older versions send one for all.
        currentPeriodEnd = (items + [object]).compactMap { $0["current_period_end"]?.intValue }.filter { $0 >= 0 }.max()
        amount = Self.amount(items)
        let invoice = object["latest_invoice"]
        latestInvoice = StripeID.expandable(invoice)
        clientSecret =
            StripeID.text(invoice?["confirmation_secret"]?["client_secret"])
            ?? StripeID.text(object["pending_setup_intent"]?["client_secret"])
    }

    private static func amount(_ items: ArraySlice<Value>) -> Int64? {
        var sum: Int64 = 0
        for item in items {
            guard let unit = item["price"]?["unit_amount"]?.intValue, unit >= 0 else { return nil }
            let (part, overflow) = unit.multipliedReportingOverflow(by: item["quantity"]?.intValue ?? 1)
            let (total, overflowOfSum) = sum.addingReportingOverflow(part)
            guard !overflow, !overflowOfSum, part >= 0 else { return nil }
            sum = total
        }
        return items.isEmpty ? nil : sum
    }
}

/// What is read of a Price.
package struct StripePrice: Sendable, Hashable {
    package var id: String
    package var mode: Mode
    package var currency: String
    /// Minor units; nil for a price without a fixed whole amount.
    package var amount: Int64?
    /// It is charged for each period.
    package var isRecurring: Bool

    /// Nil unless every field that is there has its type.
    package init?(_ object: Value) {
        guard object["object"]?.stringValue == "price",
            let id = StripeID.of(object["id"], prefix: "price_") ?? StripeID.of(object["id"], prefix: "plan_"),
            let currency = StripeID.currency(object["currency"]), let isLive = object["livemode"]?.boolValue
        else { return nil }
        self.id = id
        self.currency = currency
        mode = isLive ? .live : .test
        amount = StripeID.amount(object["unit_amount"])
        isRecurring = object["recurring"]?.mapValue != nil
    }
}

/// What is read of an Invoice of a subscription.
package struct StripeInvoice: Sendable, Hashable {
    package var id: String
    package var mode: Mode
    package var subscription: String?
    package var amountDue: Int64
    package var amountPaid: Int64
    package var currency: String
    /// `subscription_create` for the first one, `subscription_cycle` for a renewal.
    package var billingReason: String?
    /// The one that a subscription began with.
    package var isFirst: Bool { billingReason == "subscription_create" }
    package var customer: String?
    /// What paid it, where the invoice itself says so: those of versions before 2025-03-31 do, for later ones an Invoice
    /// Payment tells.
    package var paymentIntent: String?
    /// Seconds since 1970; nil while nobody has paid it.
    package var paidAt: Int64?
    /// It can still be changed: Stripe charges it about an hour after making it.
    package var isDraft: Bool
    /// Seconds since 1970, of the first line.
    package var periodStart: Int64
    package var periodEnd: Int64

    /// Nil unless every field that is there has its type.
    package init?(_ object: Value) {
        guard object["object"]?.stringValue == "invoice", let id = StripeID.of(object["id"], prefix: "in_"),
            let isLive = object["livemode"]?.boolValue, let currency = StripeID.currency(object["currency"]),
            let due = StripeID.amount(object["amount_due"]), let paid = StripeID.amount(object["amount_paid"])
        else { return nil }
        self.id = id
        self.currency = currency
        mode = isLive ? .live : .test
        amountDue = due
        amountPaid = paid
        // Since 2025-03-31 the subscription stands in `parent`; endpoints of older versions send it on top.
        subscription =
            StripeID.expandable(object["parent"]?["subscription_details"]?["subscription"])
            ?? StripeID.expandable(object["subscription"])
        billingReason = StripeID.word(object["billing_reason"])
        customer = StripeID.expandable(object["customer"])
        paymentIntent = StripeID.expandable(object["payment_intent"])
        paidAt = StripeID.amount(object["status_transitions"]?["paid_at"])
        isDraft = object["status"] == "draft"
        let period = object["lines"]?["data"]?.listValue?.first?["period"]
        periodStart = period?["start"]?.intValue ?? object["period_start"]?.intValue ?? 0
        periodEnd = period?["end"]?.intValue ?? object["period_end"]?.intValue ?? 0
    }
}

/// What is read of an Invoice Payment: which intent paid which invoice.
package struct StripeInvoicePayment: Sendable, Hashable {
    package var id: String
    package var mode: Mode
    package var invoice: String
    package var paymentIntent: String?

    /// Nil unless every field that is there has its type.
    package init?(_ object: Value) {
        guard object["object"]?.stringValue == "invoice_payment",
            let id = StripeID.of(object["id"], prefix: "inpay_"), let isLive = object["livemode"]?.boolValue,
            let invoice = StripeID.expandable(object["invoice"])
        else { return nil }
        self.id = id
        self.invoice = invoice
        mode = isLive ? .live : .test
        paymentIntent = StripeID.expandable(object["payment"]?["payment_intent"])
    }
}
