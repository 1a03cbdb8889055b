import Expressions
import FlowEngine

extension StripeEvent {
    /// The event that would have told of an object as it was fetched; nil when there is nothing to tell of it yet.
    ///
    /// It is read as strictly as one that Stripe sends, and starts the same flows.
    /// - Parameters:
    ///   - object: as Stripe's API gave it.
    ///   - id: under which the event is filed, once.
    ///   - hint: the type of the thin event that named the object, where there was one.
    ///   - mode: of the key that it was fetched with; not every object tells.
    ///   - now: seconds since 1970; the object is of this moment.
    init?(observing object: Value, id: String, hint: String = "", mode: Mode, at now: Int64) {
        guard let type = Self.type(of: object, hint: hint) else { return nil }
        self.init([
            "id": .string(id), "object": "event", "created": .int(now),
            "livemode": object["livemode"] ?? .bool(mode == .live),
            "type": .string(type), "data": ["object": object], "observed": true,
        ])
    }

    /// By the object's state, not by what was said of it: that may be long ago.
    private static func type(of object: Value, hint: String) -> String? {
        let status = object["status"]?.stringValue ?? ""
        switch object["object"]?.stringValue.flatMap(StripePointer.Kind.init) {
        case .paymentIntent:
            switch status {
            case "succeeded", "canceled", "processing", "requires_action": return "payment_intent.\(status)"
            case "requires_payment_method" where object["last_payment_error"]?.mapValue != nil:
                return "payment_intent.payment_failed"
            default: return nil
            }
        case .charge: return "charge.updated"
        case .refund: return "refund.updated"
        case .subscription:
            if hint == "customer.subscription.created" { return hint }
            return status == "canceled" ? "customer.subscription.deleted" : "customer.subscription.updated"
        case .invoice:
            if status == "paid" { return "invoice.paid" }
            if status == "draft" { return "invoice.created" }
            return hint == "invoice.payment_failed" && status == "open" ? hint : nil
        case .session: return status == "expired" ? "checkout.session.expired" : nil
        case .invoicePayment: return status == "paid" ? "invoice_payment.paid" : nil
        case nil: return nil
        }
    }
}
