import Connections
import Expressions
import FlowEngine

// How an order stands with what was paid for it, as callbacks are told.
extension PaymentsFeature {
    /// What came in for an order before a payment, and was kept.
    private struct Kept {
        var amount: Int64 = 0
        /// There is something, perhaps in a currency that does not add up with this payment's.
        var isAny = false
        var isComparable = true
    }

    /// Whether the order was paid already, so that this payment is too much; parts that add up to its `total` are not.
    ///
    /// By the order in which the successes were seen, so that of two at once exactly one pays the order, whichever
    /// run comes first and however often each is repeated. What was given back does not count.
    func isAlreadyPaid(
        _ payment: PaymentRecord,
        _ status: PaymentStatus,
        in transaction: any StoreTransaction
    ) throws(StoreError) -> Bool {
        let kept = try kept(before: payment, in: transaction)
        guard kept.isAny else { return false }
        guard kept.isComparable, let order = try settings.order(payment.orderID, in: transaction),
            let total = settings.total(of: order)
        else { return true }
        let own = status == .succeeded ? payment.received : payment.amount
        return Self.sum(kept.amount, own) > total
    }

    /// Whether what came in, with the parts before it, is what the order costs: its `total` and `currency` where the
    /// table has them, else what was asked for.
    func amountMatches(
        _ payment: PaymentRecord,
        _ status: PaymentStatus,
        _ event: Value,
        in transaction: any StoreTransaction
    ) throws(StoreError) -> Bool {
        guard let object = event["data"]?["object"], let intent = StripePaymentIntent(object),
            let order = try settings.order(payment.orderID, in: transaction)
        else { return false }
        let paid = Money(status == .succeeded ? intent.amountReceived : intent.amount, intent.currency)
        let currency = settings.currency(of: order) ?? payment.currency
        guard let total = settings.total(of: order) else { return paid == Money(payment.amount, currency) }
        if paid == Money(total, currency) { return true }
        let kept = try kept(before: payment, in: transaction)
        let sum = Money(Self.sum(kept.amount, paid.minorUnits), paid.currency)
        return kept.isComparable && sum == Money(total, currency)
    }

    /// Whether nothing is left of what paid an order.
    func isRefunded(
        order: Int64,
        mode: Mode,
        in transaction: any StoreTransaction
    ) throws(StoreError) -> Bool {
        let payments = try payments(thatPaid: order, mode: mode, in: transaction)
        return !payments.isEmpty && payments.allSatisfy { $0.refunded >= $0.received }
    }

    /// Whether a payment was given back and the app knows: what marks its order paid would undo that.
    ///
    /// A refund whose own callback is still to come has to find the order paid.
    func isGivenBack(_ payment: PaymentRecord, in transaction: any StoreTransaction) throws(StoreError) -> Bool {
        guard payment.received > 0, payment.refunded >= payment.received else { return false }
        let made = try RefundLedger(transaction).made(of: payment.id)
        let claims = CallbackClaims(transaction)
        for refund in made {
            let claim = CallbackClaim(object: refund, transition: RefundStatus.refunded.rawValue)
            if try claims.isPending(claim) { return false }
        }
        return !made.isEmpty
    }

    /// The payments that paid an order itself, and succeeded.
    ///
    /// A further period's payment paid an order of its own, and so did the first one after a trial: as long as no callback
    /// has made that order, it is none of the first one's. Which was the first is told by when it was paid, as its row may
    /// be the later one.
    private func payments(
        thatPaid order: Int64,
        mode: Mode,
        in transaction: any StoreTransaction
    ) throws(StoreError) -> [PaymentRecord] {
        let recurring = RecurringLedger(transaction)
        var begun: Set<Int64> = []
        var payments: [PaymentRecord] = []
        let all = try PaymentLedger(transaction).succeededPayments(order: order, mode: mode)
        for payment in all.sorted(by: { ($0.statusAt, $0.id) < ($1.statusAt, $1.id) }) {
            if let id = payment.recurringPaymentID, let row = try recurring.recurring(paidBy: id), row.orderID == order
            {
                guard begun.insert(id).inserted, row.trialDays == nil else { continue }
            }
            payments.append(payment)
        }
        return payments
    }

    private func kept(
        before payment: PaymentRecord,
        in transaction: any StoreTransaction
    ) throws(StoreError) -> Kept {
        let claims = CallbackClaims(transaction)
        let own = try claims.number(of: Self.success(of: payment) ?? CallbackClaim(object: "", transition: ""))
        var kept = Kept()
        for other in try payments(thatPaid: payment.orderID, mode: payment.mode, in: transaction) {
            guard other.id != payment.id, other.refunded < other.received, let success = Self.success(of: other),
                let number = try claims.number(of: success), number < own ?? .max
            else { continue }
            kept.isAny = true
            if other.currency != payment.currency { kept.isComparable = false }
            kept.amount = Self.sum(kept.amount, other.received - other.refunded)
        }
        return kept
    }

    /// The change that a payment's success is told as: a recurring payment's charges are told by their invoices.
    private static func success(of payment: PaymentRecord) -> CallbackClaim? {
        if let invoice = invoice(ofKey: payment.key) {
            return CallbackClaim(object: invoice, transition: RecurringCharge.paid.rawValue)
        }
        return payment.intent.map { CallbackClaim(object: $0, transition: PaymentStatus.succeeded.rawValue) }
    }

    private static func sum(_ one: Int64, _ other: Int64) -> Int64 {
        let (sum, overflows) = one.addingReportingOverflow(other)
        return overflows ? .max : sum
    }
}
