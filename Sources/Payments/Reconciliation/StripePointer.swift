import Connections
import Expressions

/// Names an object of Stripe that the payments can fetch.
package struct StripePointer: Sendable, Hashable {
    package enum Kind: String, Sendable, Hashable, CaseIterable {
        case paymentIntent = "payment_intent"
        case charge
        case refund
        case subscription
        case invoice
        case invoicePayment = "invoice_payment"
        case session = "checkout.session"
    }

    package let kind: Kind
    package let id: String
    /// The type of the event that named it, such as `customer.subscription.created`.
    package let eventType: String

    /// What a thin event names; nil for objects that nothing here waits for.
    ///
    /// Its `url` is not read: where an object is follows from its kind and id, never from what was sent.
    init?(thin event: Value) {
        guard let object = event["related_object"], let kind = object["type"]?.stringValue.flatMap(Kind.init),
            let id = StripeID.expandable(object["id"]), let type = event["type"]?.stringValue, type.hasPrefix("v1.")
        else { return nil }
        self.init(kind, id, eventType: String(type.dropFirst(3)))
    }

    init(_ kind: Kind, _ id: String, eventType: String = "") {
        self.kind = kind
        self.id = id
        self.eventType = eventType
    }

    /// Below Stripe's host.
    var path: String { "/v1/\(kind.rawValue.replacing(".", with: "/"))s/\(id)" }
}
