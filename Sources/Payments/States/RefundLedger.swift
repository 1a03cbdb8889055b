import Expressions
import FlowEngine
import FlowLanguage

/// The refunds' rows and the two sums of their payment, inside one transaction.
///
/// An amount stands in exactly one place: `refundPending` while the refund is under way, `refunded` once the money went
/// back, in none after it failed or was cancelled.
struct RefundLedger {
    let transaction: any StoreTransaction
    private var payments: PaymentLedger { PaymentLedger(transaction) }

    init(_ transaction: any StoreTransaction) {
        self.transaction = transaction
    }

    func refund(id: Int64) throws(StoreError) -> RefundRecord? {
        try refund(where: [ResolvedCondition("id", equals: .int(id))])
    }

    func refund(stripeID: String) throws(StoreError) -> RefundRecord? {
        try refund(where: [ResolvedCondition("refund", equals: .string(stripeID))])
    }

    func refund(key: String) throws(StoreError) -> RefundRecord? {
        try refund(where: [ResolvedCondition("key", equals: .string(key))])
    }

    /// Stripe's ids of the refunds of a payment whose money went back; at most 1,000 are looked at.
    func made(of payment: Int64) throws(StoreError) -> [String] {
        let query = RecordQuery(
            table: PaymentsTables.refunds.name,
            where: [
                ResolvedCondition("paymentId", equals: .int(payment)),
                ResolvedCondition("status", equals: .string(RefundStatus.refunded.rawValue)),
            ],
            limit: 1_000,
            isNotedWhenEmpty: false
        )
        return try transaction.find(query).compactMap { $0["refund"]?.stringValue }
    }

    private func refund(where conditions: [ResolvedCondition]) throws(StoreError) -> RefundRecord? {
        let query = RecordQuery(table: PaymentsTables.refunds.name, where: conditions, limit: 1)
        guard let row = try transaction.find(query).first else { return nil }
        return try RefundRecord(row: row)
    }

    /// Takes `amount` of what may still be given back, in one statement: never more than was paid, however many ask.
    /// - Returns: false when there is not enough.
    func reserve(_ amount: Int64, of payment: PaymentRecord) throws(StoreError) -> Bool {
        let ceiling = ResolvedOperand.subtract(
            .subtract(.column("received"), .column("refunded")),
            .value(.int(amount))
        )
        return try payments.update(
            PaymentsTables.payments,
            [
                ResolvedCondition("id", equals: .int(payment.id)),
                ResolvedCondition("status", equals: .string(PaymentStatus.succeeded.rawValue)),
                ResolvedCondition("refundPending", .lte, ceiling),
            ],
            [ResolvedAssignment("refundPending", .add(.column("refundPending"), .value(.int(amount))))]
        ) == 1
    }

    /// Inserts a refund that is under way; its amount stands in the payment's `refundPending` already.
    func insert(
        payment: Int64,
        amount: Int64,
        reason: String?,
        key: String?,
        stripeID: String? = nil
    ) throws(StoreError) -> RefundRecord {
        var values: [(column: String, value: Value)] = [
            ("paymentId", .int(payment)), ("amount", .int(amount)), ("status", .string(RefundStatus.pending.rawValue)),
        ]
        if let reason { values.append(("reason", .string(reason))) }
        if let key { values.append(("key", .string(key))) }
        if let stripeID { values.append(("refund", .string(stripeID))) }
        return try RefundRecord(row: transaction.insert(into: PaymentsTables.refunds.name, values))
    }

    /// Takes over a refund that was made elsewhere, such as in Stripe's dashboard: Stripe is right about it, so the
    /// ceiling is not asked.
    func adopt(stripeID: String, amount: Int64, reason: String?, of payment: PaymentRecord) throws(StoreError)
        -> RefundRecord
    {
        _ = try payments.update(
            PaymentsTables.payments,
            [ResolvedCondition("id", equals: .int(payment.id))],
            [ResolvedAssignment("refundPending", .add(.column("refundPending"), .value(.int(amount))))]
        )
        return try insert(payment: payment.id, amount: amount, reason: reason, key: nil, stripeID: stripeID)
    }

    /// Notes Stripe's id of a refund that we asked for.
    func attach(stripeID: String, to refund: RefundRecord) throws(StoreError) -> Bool {
        if let known = refund.refund { return known == stripeID }
        return try payments.update(
            PaymentsTables.refunds,
            [
                ResolvedCondition("id", equals: .int(refund.id)),
                ResolvedCondition("refund", .isNull, .value(.bool(true))),
            ],
            [ResolvedAssignment("refund", .string(stripeID))]
        ) == 1
    }

    /// Moves a refund to a status of higher rank, and its amount to where that status puts it.
    /// - Returns: whether the row's status is now `status`.
    func apply(_ status: RefundStatus, to refund: RefundRecord, failureCode: String? = nil) throws(StoreError) -> Bool {
        guard let current = try self.refund(id: refund.id) else { return false }
        guard status.rank > current.status.rank else { return status == current.status }
        var set = [ResolvedAssignment("status", .string(status.rawValue))]
        if let failureCode { set.append(ResolvedAssignment("failureCode", .string(String(failureCode.prefix(64))))) }
        let moved = try payments.update(
            PaymentsTables.refunds,
            [
                ResolvedCondition("id", equals: .int(current.id)),
                ResolvedCondition("status", equals: .string(current.status.rawValue)),
            ],
            set
        )
        guard moved == 1 else { return false }
        try move(current.amount, from: current.status.share, to: status.share, of: current.paymentID)
        return true
    }

    private func move(
        _ amount: Int64,
        from: RefundStatus.Share,
        to: RefundStatus.Share,
        of payment: Int64
    ) throws(StoreError) {
        guard from != to else { return }
        var set: [ResolvedAssignment] = []
        if let column = Self.column(from) {
            set.append(ResolvedAssignment(column, .subtract(.column(column), .value(.int(amount)))))
        }
        if let column = Self.column(to) {
            set.append(ResolvedAssignment(column, .add(.column(column), .value(.int(amount)))))
        }
        _ = try payments.update(PaymentsTables.payments, [ResolvedCondition("id", equals: .int(payment))], set)
    }

    private static func column(_ share: RefundStatus.Share) -> String? {
        switch share {
        case .pending: "refundPending"
        case .refunded: "refunded"
        case .none: nil
        }
    }
}
