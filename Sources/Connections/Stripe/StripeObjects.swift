package import Expressions
package import FlowEngine

/// What is read of a Payment Intent: strictly, since money follows from it.
package struct StripePaymentIntent: Sendable, Hashable {
    package var id: String
    package var clientSecret: String?
    /// Minor units.
    package var amount: Int64
    package var amountReceived: Int64
    /// Lower-case ISO 4217.
    package var currency: String
    /// Stripe's word: `requires_payment_method` … `succeeded`, `canceled`.
    package var status: String
    package var mode: Mode
    package var latestCharge: String?
    package var customer: String?
    package var receiptEmail: String?
    /// The address that the card's holder gave, when the charge was expanded.
    package var billingEmail: String?
    /// The decline code of the last attempt, else its error code.
    package var lastErrorCode: String?
    package var metadata: ValueMap

    /// Nil unless every field that is there has its type.
    package init?(_ object: Value) {
        guard object["object"]?.stringValue == "payment_intent",
            let id = StripeID.of(object["id"], prefix: "pi_"),
            let amount = StripeID.amount(object["amount"]),
            let currency = StripeID.currency(object["currency"]),
            let status = StripeID.word(object["status"]),
            let isLive = object["livemode"]?.boolValue
        else { return nil }
        let received = object["amount_received"] ?? .int(0)
        guard let amountReceived = StripeID.amount(received) else { return nil }
        self.id = id
        self.clientSecret = StripeID.text(object["client_secret"])
        self.amount = amount
        self.amountReceived = amountReceived
        self.currency = currency
        self.status = status
        self.mode = isLive ? .live : .test
        // Before 2022-11-15 an intent lists its charges, the newest first.
        self.latestCharge =
            StripeID.expandable(object["latest_charge"])
            ?? StripeID.expandable(object["charges"]?["data"]?.listValue?.first)
        self.customer = StripeID.expandable(object["customer"])
        self.receiptEmail = StripeID.text(object["receipt_email"])
        self.billingEmail = StripeID.text(object["latest_charge"]?["billing_details"]?["email"])
        let error = object["last_payment_error"]
        self.lastErrorCode = StripeID.text(error?["decline_code"]) ?? StripeID.text(error?["code"])
        self.metadata = object["metadata"]?.mapValue ?? ValueMap()
    }
}

/// What is read of a Refund.
package struct StripeRefund: Sendable, Hashable {
    package var id: String
    package var amount: Int64
    package var currency: String
    /// `pending`, `requires_action`, `succeeded`, `failed`, `canceled`.
    package var status: String
    package var paymentIntent: String?
    package var charge: String?
    package var reason: String?
    package var failureReason: String?
    package var metadata: ValueMap

    /// Nil unless every field that is there has its type.
    package init?(_ object: Value) {
        guard object["object"]?.stringValue == "refund",
            let id = StripeID.of(object["id"], prefix: "re_") ?? StripeID.of(object["id"], prefix: "pyr_"),
            let amount = StripeID.amount(object["amount"]), amount > 0,
            let currency = StripeID.currency(object["currency"]),
            let status = StripeID.word(object["status"])
        else { return nil }
        self.id = id
        self.amount = amount
        self.currency = currency
        self.status = status
        self.paymentIntent = StripeID.expandable(object["payment_intent"])
        self.charge = StripeID.expandable(object["charge"])
        self.reason = StripeID.word(object["reason"])
        self.failureReason = StripeID.word(object["failure_reason"])
        self.metadata = object["metadata"]?.mapValue ?? ValueMap()
    }
}

/// What is read of a Charge.
package struct StripeCharge: Sendable, Hashable {
    package var id: String
    package var paymentIntent: String?
    /// `pending`, `succeeded`, `failed`.
    package var status: String
    /// Older API versions list a charge's refunds in it.
    package var refunds: [StripeRefund]

    /// Nil unless every field that is there has its type.
    package init?(_ object: Value) {
        guard object["object"]?.stringValue == "charge",
            let id = StripeID.of(object["id"], prefix: "ch_") ?? StripeID.of(object["id"], prefix: "py_"),
            let status = StripeID.word(object["status"])
        else { return nil }
        self.id = id
        self.status = status
        self.paymentIntent = StripeID.expandable(object["payment_intent"])
        self.refunds = (object["refunds"]?["data"]?.listValue ?? []).prefix(100).compactMap(StripeRefund.init)
    }
}

/// The small parts that Stripe's objects are made of, each within bounds.
package enum StripeID {
    /// An id with that prefix: ASCII letters, digits and `_`, at most 255 bytes.
    package static func of(_ value: Value?, prefix: String) -> String? {
        guard let text = value?.stringValue, text.hasPrefix(prefix), isID(text) else { return nil }
        return text
    }

    /// The id of an expandable field, expanded or not.
    package static func expandable(_ value: Value?) -> String? {
        guard let text = value?.stringValue ?? value?["id"]?.stringValue, isID(text) else { return nil }
        return text
    }

    /// Whether a text is made like an id.
    package static func isID(_ text: String) -> Bool {
        (1...255).contains(text.utf8.count)
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
                case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"): true
                default: false
                }
            }
    }

    /// A word such as a status: lower-case letters, digits and `_`, at most 64 bytes.
    package static func word(_ value: Value?) -> String? {
        guard let text = value?.stringValue, text.utf8.count <= 64, isID(text) else { return nil }
        return text
    }

    /// Three lower-case letters.
    package static func currency(_ value: Value?) -> String? {
        guard let text = value?.stringValue, text.utf8.count == 3,
            text.utf8.allSatisfy({ (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) })
        else { return nil }
        return text
    }

    /// An amount in minor units, far below where sums of a few of them would overflow.
    package static func amount(_ value: Value?) -> Int64? {
        guard let amount = value?.intValue, (0...1_000_000_000_000_000).contains(amount) else { return nil }
        return amount
    }

    /// A text of 1 to 500 bytes.
    package static func text(_ value: Value?) -> String? {
        guard let text = value?.stringValue, (1...500).contains(text.utf8.count) else { return nil }
        return text
    }
}
