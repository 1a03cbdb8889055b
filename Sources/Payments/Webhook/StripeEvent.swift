package import Connections
package import Expressions
package import FlowEngine

/// An event of Stripe, read strictly within bounds; what it is about is a value, so that nothing later parses again.
package struct StripeEvent: Sendable, Hashable {
    /// What the event says, as far as the payments care.
    package enum Subject: Sendable, Hashable {
        case payment(StripePaymentIntent, PaymentStatus)
        case charge(StripeCharge)
        case refund(StripeRefund)
        case subscription(StripeSubscription, RecurringChange)
        case invoice(StripeInvoice, isPaid: Bool)
        /// A further period's invoice, before it is charged.
        case draft(StripeInvoice)
        case invoicePayment(StripeInvoicePayment)
        /// The page at Stripe was not used in time; what `create-checkout-session` wrote into it.
        case expiredSession(metadata: ValueMap)
        /// A thin event: names its object and carries none of it.
        case pointer(StripePointer)
        /// Nothing here waits for it.
        case other
    }

    package var id: String
    /// The connected account (Connect), else empty.
    package var account: String
    package var type: String
    /// Seconds since 1970; 0 in a thin event.
    package var created: Int64
    package var mode: Mode
    package var subject: Subject
    /// Made here of an object that was fetched, not sent by Stripe.
    package var isObserved = false
    /// The whole event, for the flow.
    package var value: Value

    /// The most bytes of an event.
    package static let bytesMax = 1 << 20

    /// The object that the event is filed under: its Payment Intent, where it has one.
    package var object: String? {
        switch subject {
        case .payment(let intent, _): intent.id
        case .charge(let charge): charge.paymentIntent ?? charge.id
        case .refund(let refund): refund.paymentIntent ?? refund.id
        case .subscription(let subscription, _): subscription.id
        case .invoice(let invoice, _): invoice.subscription ?? invoice.id
        case .draft(let invoice): invoice.subscription ?? invoice.id
        case .invoicePayment(let link): link.invoice
        case .pointer(let pointer): pointer.id
        case .expiredSession, .other:
            StripeID.expandable(value["data"]?["object"]?["id"]) ?? StripeID.expandable(value["related_object"])
        }
    }

    /// Reads the body of a delivery; nil for anything that is not an event as Stripe sends it.
    package init?(body: [UInt8]) {
        guard body.count <= Self.bytesMax, let value = try? JSON.parse(body) else { return nil }
        self.init(value)
    }

    init?(_ value: Value) {
        guard let id = StripeID.of(value["id"], prefix: "evt_"), let isLive = value["livemode"]?.boolValue,
            let type = value["type"]?.stringValue, Self.isType(type)
        else { return nil }
        self.id = id
        self.type = type
        self.mode = isLive ? .live : .test
        self.value = value
        switch value["account"] {
        case nil, .null: account = ""
        case let given:
            guard let account = StripeID.of(given, prefix: "acct_") else { return nil }
            self.account = account
        }
        switch value["object"]?.stringValue {
        case "v2.core.event":
            // A thin event names its object and carries none of it.
            guard value["related_object"]?.mapValue != nil || value["data"]?.mapValue != nil else { return nil }
            created = 0
            subject = StripePointer(thin: value).map(Subject.pointer) ?? .other
        case "event":
            guard let created = value["created"]?.intValue, created >= 0, let object = value["data"]?["object"],
                object.mapValue != nil, let subject = Self.subject(of: type, object)
            else { return nil }
            self.created = created
            self.subject = subject
            isObserved = value["observed"] == true
        default: return nil
        }
        // An object of the other mode inside an event of this one is not Stripe's doing.
        if let objectMode, objectMode != mode { return nil }
    }

    private var objectMode: Mode? {
        switch subject {
        case .payment(let intent, _): intent.mode
        case .subscription(let subscription, _): subscription.mode
        case .invoice(let invoice, _), .draft(let invoice): invoice.mode
        case .invoicePayment(let link): link.mode
        case .charge, .refund, .expiredSession, .pointer, .other: nil
        }
    }

    /// Nil when the object is not what the type says.
    private static func subject(of type: String, _ object: Value) -> Subject? {
        switch type {
        case "payment_intent.processing": payment(object, .processing)
        case "payment_intent.requires_action": payment(object, .requiresAction)
        case "payment_intent.payment_failed": payment(object, .failed)
        case "payment_intent.canceled": payment(object, .cancelled)
        case "payment_intent.succeeded": payment(object, .succeeded)
        case "charge.succeeded", "charge.updated", "charge.captured", "charge.refunded":
            StripeCharge(object).map(Subject.charge)
        case "refund.created", "refund.updated", "refund.failed", "charge.refund.updated":
            StripeRefund(object).map { RefundStatus(stripe: $0.status) == nil ? .other : .refund($0) }
        case "customer.subscription.created": StripeSubscription(object).map { .subscription($0, .created) }
        case "customer.subscription.updated", "customer.subscription.paused", "customer.subscription.resumed":
            StripeSubscription(object).map { .subscription($0, .updated) }
        case "customer.subscription.deleted": StripeSubscription(object).map { .subscription($0, .cancelled) }
        case "invoice.created":
            StripeInvoice(object).map { $0.isDraft && $0.billingReason == "subscription_cycle" ? .draft($0) : .other }
        case "invoice.paid": StripeInvoice(object).map { .invoice($0, isPaid: true) }
        case "invoice.payment_failed": StripeInvoice(object).map { .invoice($0, isPaid: false) }
        case "invoice_payment.paid": StripeInvoicePayment(object).map(Subject.invoicePayment)
        case "checkout.session.expired": .expiredSession(metadata: object["metadata"]?.mapValue ?? [:])
        default: .other
        }
    }

    private static func payment(_ object: Value, _ status: PaymentStatus) -> Subject? {
        guard let intent = StripePaymentIntent(object) else { return nil }
        // Money follows from this one: type and object must say the same.
        if status == .succeeded, intent.status != "succeeded" { return nil }
        return .payment(intent, status)
    }

    /// Words of lower-case letters, digits and `_`, joined by dots.
    private static func isType(_ type: String) -> Bool {
        (1...128).contains(type.utf8.count)
            && type.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
                case UInt8(ascii: "_"), UInt8(ascii: "."), UInt8(ascii: "["), UInt8(ascii: "]"): true
                default: false
                }
            }
    }
}
