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
    /// The whole event, for the flow; of one that nobody here waits for, some members (`init(body:whole:)`).
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

    /// What is looked at of an event that nothing here waits for.
    private static let outline: JSONMembers = [
        "id": .whole, "object": .whole, "livemode": .whole, "type": .whole, "account": .whole, "created": .whole,
        "observed": .whole, "related_object": .whole, "data": .members(["object": .members(["id": .whole])]),
    ]

    /// Reads the body of a delivery; nil for anything that is not an event as Stripe sends it.
    ///
    /// Most that Stripe tells concerns nothing here: to keep all of it would be most of what such an event costs. What
    /// somebody else waits for, by `isWanted`, is kept whole.
    package init?(body: [UInt8], whole isWanted: (_ type: String) -> Bool) {
        guard body.count <= Self.bytesMax, let outline = try? JSON.parse(body, keeping: Self.outline) else {
            return nil
        }
        if outline["object"] == "event", let type = outline["type"]?.stringValue, Self.readers[type] == nil,
            !isWanted(type)
        {
            self.init(outline)
        } else {
            self.init(body: body)
        }
    }

    /// Reads the body of a delivery, whole; nil for anything that is not an event as Stripe sends it.
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
                object.mapValue != nil
            else { return nil }
            self.created = created
            if let read = Self.readers[type] {
                guard let subject = read(object) else { return nil }
                self.subject = subject
            } else {
                subject = .other
            }
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

    /// Reads what events of a type are about, by the type; for all other types nothing here waits.
    ///
    /// Nil when the object is not what the type says.
    private static let readers: [String: @Sendable (_ object: Value) -> Subject?] = [
        "payment_intent.processing": { payment($0, .processing) },
        "payment_intent.requires_action": { payment($0, .requiresAction) },
        "payment_intent.payment_failed": { payment($0, .failed) },
        "payment_intent.canceled": { payment($0, .cancelled) },
        "payment_intent.succeeded": { payment($0, .succeeded) },
        "charge.succeeded": charge, "charge.updated": charge, "charge.captured": charge, "charge.refunded": charge,
        "refund.created": refund, "refund.updated": refund, "refund.failed": refund, "charge.refund.updated": refund,
        "customer.subscription.created": { subscription($0, .created) },
        "customer.subscription.updated": { subscription($0, .updated) },
        "customer.subscription.paused": { subscription($0, .updated) },
        "customer.subscription.resumed": { subscription($0, .updated) },
        "customer.subscription.deleted": { subscription($0, .cancelled) },
        "invoice.created": draft,
        "invoice.paid": { StripeInvoice($0).map { .invoice($0, isPaid: true) } },
        "invoice.payment_failed": { StripeInvoice($0).map { .invoice($0, isPaid: false) } },
        "invoice_payment.paid": { StripeInvoicePayment($0).map(Subject.invoicePayment) },
        "checkout.session.expired": { .expiredSession(metadata: $0["metadata"]?.mapValue ?? [:]) },
    ]

    @Sendable private static func charge(_ object: Value) -> Subject? { StripeCharge(object).map(Subject.charge) }

    @Sendable private static func refund(_ object: Value) -> Subject? {
        StripeRefund(object).map { RefundStatus(stripe: $0.status) == nil ? .other : .refund($0) }
    }

    private static func subscription(_ object: Value, _ change: RecurringChange) -> Subject? {
        StripeSubscription(object).map { .subscription($0, change) }
    }

    @Sendable private static func draft(_ object: Value) -> Subject? {
        StripeInvoice(object).map { $0.isDraft && $0.billingReason == "subscription_cycle" ? .draft($0) : .other }
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
