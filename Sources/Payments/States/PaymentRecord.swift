import Expressions
package import FlowEngine

/// A row of `payments`, read and checked.
package struct PaymentRecord: Sendable, Hashable {
    package var id: Int64
    package var orderID: Int64
    package var amount: Int64
    package var currency: String
    package var status: PaymentStatus
    package var received: Int64
    package var refunded: Int64
    package var refundPending: Int64
    package var intent: String?
    package var charge: String?
    package var mode: Mode
    package var failureCode: String?
    /// Seconds since 1970.
    package var createdAt: Int64
    /// Seconds since 1970 of the newest event of this status.
    package var statusAt: Int64
    package var key: String
    package var request: String?
    package var recurringPaymentID: Int64?

    package var money: Money { Money(amount, currency) }

    /// A session on Stripe's page opened it; which intent pays it is told by the first event.
    var isCheckout: Bool { key.hasPrefix(CreateCheckoutSession.keyPrefix) }

    /// What may still be given back.
    package var refundable: Int64 { received - refunded - refundPending }

    /// - Throws: `.corrupt` when the row is not as the table declares it.
    init(row: ValueMap) throws(StoreError) {
        guard let id = row["id"]?.intValue, let orderID = row["orderId"]?.intValue,
            let amount = row["amount"]?.intValue,
            let currency = row["currency"]?.stringValue,
            let status = row["status"]?.stringValue.flatMap(PaymentStatus.init(rawValue:)),
            let received = row["received"]?.intValue, let refunded = row["refunded"]?.intValue,
            let refundPending = row["refundPending"]?.intValue,
            let mode = row["mode"]?.stringValue.flatMap(Mode.init(rawValue:)), let key = row["key"]?.stringValue
        else { throw StoreError(.corrupt, "a row of payments is not as declared") }
        self.id = id
        self.orderID = orderID
        self.amount = amount
        self.currency = currency
        self.status = status
        self.received = received
        self.refunded = refunded
        self.refundPending = refundPending
        self.intent = row["intent"]?.stringValue
        self.charge = row["charge"]?.stringValue
        self.mode = mode
        self.failureCode = row["failureCode"]?.stringValue
        self.createdAt = row["createdAt"]?.timestampValue?.seconds ?? 0
        self.statusAt = row["statusAt"]?.intValue ?? 0
        self.key = key
        self.request = row["request"]?.stringValue
        self.recurringPaymentID = row["recurringPaymentId"]?.intValue
    }
}

/// A row of `refunds`, read and checked.
package struct RefundRecord: Sendable, Hashable {
    package var id: Int64
    package var paymentID: Int64
    package var amount: Int64
    package var status: RefundStatus
    package var refund: String?
    package var reason: String?
    package var key: String?

    /// - Throws: `.corrupt` when the row is not as the table declares it.
    init(row: ValueMap) throws(StoreError) {
        guard let id = row["id"]?.intValue, let paymentID = row["paymentId"]?.intValue,
            let amount = row["amount"]?.intValue,
            let status = row["status"]?.stringValue.flatMap(RefundStatus.init(rawValue:))
        else { throw StoreError(.corrupt, "a row of refunds is not as declared") }
        self.id = id
        self.paymentID = paymentID
        self.amount = amount
        self.status = status
        self.refund = row["refund"]?.stringValue
        self.reason = row["reason"]?.stringValue
        self.key = row["key"]?.stringValue
    }
}
