import Connections
import Expressions
import FlowEngine
import FlowLanguage

// What events of subscriptions and their invoices do.
extension PaymentsFeature {
    func apply(
        _ subscription: StripeSubscription,
        _ change: RecurringChange,
        _ event: StripeEvent,
        at now: Timestamp,
        in transaction: any StoreTransaction
    ) throws(StoreError) -> WebhookOutcome {
        let ledger = RecurringLedger(transaction)
        guard let row = try ledger.recurring(subscription: subscription.id, mode: event.mode) else { return .unmatched }
        guard let status = RecurringStatus(stripe: subscription.status) else { return .ignored }
        let isNews =
            event.isObserved && row.agrees(with: subscription)
            ? false : try ledger.apply(subscription, at: event.created, to: row)
        let transition: String
        switch change {
        // These two are told once each, also when later events came first.
        case .created: transition = "created"
        case .cancelled: transition = "cancelled"
        // Stripe sends no `deleted` for one whose first invoice was never paid: this update is its end.
        case .updated where status == .cancelled: transition = "cancelled"
        case .updated:
            guard isNews else { return .stale }
            transition =
                "updated:\(event.created):\(status.rawValue)" + (subscription.cancelsAtPeriodEnd ? ":ending" : "")
        }
        let claim = CallbackClaim(object: subscription.id, transition: transition)
        let lane = Self.lane(ofSubscription: subscription.id)
        return .accepted(
            runs: try start(.recurringManaged, claim, lane: lane, event: event.value, at: now, in: transaction)
        )
    }

    func apply(
        _ invoice: StripeInvoice,
        isPaid: Bool,
        _ event: StripeEvent,
        at now: Timestamp,
        in transaction: any StoreTransaction
    ) throws(StoreError) -> WebhookOutcome {
        guard let subscription = invoice.subscription else { return .ignored }
        guard let row = try RecurringLedger(transaction).recurring(subscription: subscription, mode: event.mode) else {
            return .unmatched
        }
        let payments = PaymentLedger(transaction)
        let key = Self.key(of: invoice.id)
        let known = try payments.payment(key: key)
        // A failed try that is told after the invoice was paid.
        if !isPaid, known != nil { return .stale }
        let isNewPayment = isPaid && known == nil && invoice.amountPaid > 0
        if isNewPayment { try insertPayment(of: invoice, row, key: key, at: event.created, in: transaction) }
        let transition = isPaid ? RecurringCharge.paid : .failed
        let claim = CallbackClaim(object: invoice.id, transition: transition.rawValue)
        let lane = Self.lane(ofSubscription: subscription)
        let runs = try start(.recurringCharged, claim, lane: lane, event: event.value, at: now, in: transaction)
        guard isNewPayment else { return .accepted(runs: runs) }
        // Its refunds may have been told of first; their flows follow the charge's in its lane.
        try adoptDeliveries(object: invoice.id, mode: event.mode, at: now, in: transaction)
        if let intent = invoice.paymentIntent {
            try attach(intent, toPaymentOf: invoice.id, mode: event.mode, at: now, in: transaction)
        }
        return .accepted(runs: runs)
    }

    static func lane(ofSubscription id: String) -> String { "subscription:\(id)" }

    /// Tells which intent paid an invoice, so that the charge can be refunded.
    func apply(
        _ link: StripeInvoicePayment,
        _ event: StripeEvent,
        at now: Timestamp,
        in transaction: any StoreTransaction
    ) throws(StoreError) -> WebhookOutcome {
        guard let intent = link.paymentIntent else { return .ignored }
        guard try PaymentLedger(transaction).payment(key: Self.key(of: link.invoice)) != nil else { return .unmatched }
        return try attach(intent, toPaymentOf: link.invoice, mode: event.mode, at: now, in: transaction)
            ? .accepted(runs: []) : .stale
    }

    /// - Returns: Whether the payment had no intent before, and this one no payment.
    @discardableResult
    private func attach(
        _ intent: String,
        toPaymentOf invoice: String,
        mode: Mode,
        at now: Timestamp,
        in transaction: any StoreTransaction
    ) throws(StoreError) -> Bool {
        let ledger = PaymentLedger(transaction)
        // An intent that another payment has would be refused by the table, now and whenever Stripe sends the event again.
        guard let payment = try ledger.payment(key: Self.key(of: invoice)), payment.intent == nil,
            try !ledger.hasPayment(withIntent: intent)
        else { return false }
        guard try ledger.attach(intent: StripeIntentFacts(id: intent), to: payment) else { return false }
        try adoptDeliveries(object: intent, mode: mode, at: now, in: transaction)
        return true
    }

    static func key(of invoice: String) -> String { keyPrefix + invoice }

    private static let keyPrefix = "invoice:"

    /// The invoice that a payment paid; nil for one that no recurring payment made.
    static func invoice(ofKey key: String) -> String? {
        key.hasPrefix(keyPrefix) ? String(key.dropFirst(keyPrefix.count)) : nil
    }

    /// Each paid invoice is a payment of the order that the recurring payment began with, until a further period's
    /// callback has made an order of its own.
    private func insertPayment(
        of invoice: StripeInvoice,
        _ row: RecurringRecord,
        key: String,
        at time: Int64,
        in transaction: any StoreTransaction
    ) throws(StoreError) {
        // An invoice that was asked for is told of long after it was paid.
        let time = invoice.paidAt ?? time
        _ = try transaction.insert(
            into: PaymentsTables.payments.name,
            [
                ("orderId", .int(row.orderID)), ("amount", .int(invoice.amountPaid)),
                ("currency", .string(invoice.currency)), ("status", .string(PaymentStatus.succeeded.rawValue)),
                ("received", .int(invoice.amountPaid)), ("mode", .string(row.mode.rawValue)),
                ("recurringPaymentId", .int(row.id)), ("statusAt", .int(time)), ("key", .string(key)),
            ]
        )
    }

    /// Gives a further period's payment to the order that the callback's run has made of it, so that a refund is told of
    /// that order and not of the first one.
    func moveCharge(
        of invoice: StripeInvoice,
        toOrderOf run: RunRecord,
        in transaction: any StoreTransaction
    ) throws(StoreError) {
        guard !invoice.isFirst, let table = settings.declaration?.orderTable else { return }
        guard let order = try Self.rows(madeIn: table, by: run.id, in: transaction).first,
            try settings.order(order, in: transaction) != nil,
            let payment = try PaymentLedger(transaction).payment(key: Self.key(of: invoice.id))
        else { return }
        try PaymentLedger(transaction).move(payment, to: order)
    }

    /// Bounds how many branches and flows that a run went through are looked at.
    private static let innerRunsMax = 1_000

    /// The ids of the rows that a run made in a table, with those that its branches and the flows that it ran made.
    private static func rows(
        madeIn table: String,
        by run: RunID,
        in transaction: any StoreTransaction
    ) throws(StoreError) -> [Int64] {
        var rows: [Int64] = []
        var runs = [run]
        var next = 0
        while next < min(runs.count, innerRunsMax), rows.isEmpty {
            for entry in try transaction.entries(of: runs[next]) where entry.status == .succeeded {
                if entry.isBranch || entry.block == "run-flow" {
                    if let inner = entry.input["run"]?.intValue { runs.append(RunID(inner)) }
                } else if entry.block == "insert-record", entry.input["table"] == .string(table) {
                    rows += [entry.output["id"]?.intValue].compactMap { $0 }
                }
            }
            next += 1
        }
        return rows
    }

    // MARK: Callback handlers

    func handleManaged(
        _ claim: CallbackClaim,
        _ run: RunRecord,
        in transaction: any StoreTransaction
    ) throws(StoreError) -> CallbackResult {
        guard let row = try RecurringLedger(transaction).recurring(subscription: claim.object, mode: run.start.mode),
            let change = RecurringChange(rawValue: String(claim.transition.prefix { $0 != ":" }))
        else { return .failure(.payments("recurring_payment_gone", "the recurring payment's row is gone")) }
        // An update that is repeated after the end must not bring it back.
        let isOvertaken = row.status == .cancelled && change != .cancelled
        guard let state = try take(claim, run, isOvertaken: isOvertaken, in: transaction) else {
            return .failure(Self.busy)
        }
        return .output([
            "recurringPaymentId": .int(row.id),
            "orderId": .int(row.orderID),
            "status": .string(row.status.rawValue),
            "change": .string(change.rawValue),
            "callbackProcessed": .bool(state == .done),
            "callbackState": .string(state.rawValue),
            "event": run.start.trigger["event"] ?? .null,
        ])
    }

    func handleCharged(
        _ claim: CallbackClaim,
        _ run: RunRecord,
        in transaction: any StoreTransaction
    ) throws(StoreError) -> CallbackResult {
        let event = run.start.trigger["event"] ?? .null
        guard let object = event["data"]?["object"], let invoice = StripeInvoice(object),
            let subscription = invoice.subscription,
            let row = try RecurringLedger(transaction).recurring(subscription: subscription, mode: run.start.mode),
            let charge = RecurringCharge(rawValue: claim.transition)
        else { return .failure(.payments("recurring_payment_gone", "the recurring payment's row is gone")) }
        let payment = try PaymentLedger(transaction).payment(key: Self.key(of: invoice.id))
        var isOvertaken = charge == .failed && payment != nil
        if charge == .paid, let payment { isOvertaken = try isGivenBack(payment, in: transaction) }
        guard let state = try take(claim, run, isOvertaken: isOvertaken, in: transaction) else {
            return .failure(Self.busy)
        }
        let time = { (seconds: Int64) in Timestamp(seconds: seconds, nanoseconds: 0).map(Value.timestamp) ?? .null }
        let amount = charge == .paid ? invoice.amountPaid : invoice.amountDue
        let agreed = try agreedCharge(invoice, row, in: transaction)
        return .output([
            "recurringPaymentId": .int(row.id),
            "orderId": .int(row.orderID),
            "paymentId": .int(payment?.id ?? 0),
            "status": .string(charge.rawValue),
            "amount": .int(amount),
            "agreedAmount": .int(agreed.minorUnits),
            "amountMatches": .bool(Money(amount, invoice.currency) == agreed),
            "currency": .string(invoice.currency),
            "period": ["start": time(invoice.periodStart), "end": time(invoice.periodEnd)],
            "firstInvoice": .bool(invoice.isFirst),
            "orderAlreadyPaid": .bool(try isAlreadyPaid(by: payment, invoice, row, in: transaction)),
            "callbackProcessed": .bool(state == .done),
            "callbackState": .string(state.rawValue),
            "event": event,
        ])
    }
}

extension PaymentsFeature {
    /// Whether a first charge came after something else had paid the order; a further period's is of an order of its own.
    private func isAlreadyPaid(
        by charge: PaymentRecord?,
        _ invoice: StripeInvoice,
        _ row: RecurringRecord,
        in transaction: any StoreTransaction
    ) throws(StoreError) -> Bool {
        guard let charge, invoice.isFirst, row.trialDays == nil else { return false }
        return try isAlreadyPaid(charge, charge.status, in: transaction)
    }

    /// What an invoice may be over: nothing while a trial begins, what `lower-recurring-amount` made of it, else exactly
    /// what the recurring payment began with, which was the order's total.
    ///
    /// It follows from what never changes, so that it is the same in whatever order the events come: a price that was
    /// changed at Stripe, a coupon or a proration is another amount, which nobody here agreed to.
    private func agreedCharge(
        _ invoice: StripeInvoice,
        _ row: RecurringRecord,
        in transaction: any StoreTransaction
    ) throws(StoreError) -> Money {
        let order = try settings.order(row.orderID, in: transaction) ?? ValueMap()
        let currency = settings.currency(of: order) ?? row.currency ?? invoice.currency
        if invoice.isFirst, row.trialDays != nil { return Money(0, currency) }
        let lowered = try LowerRecurringAmount.amount(
            of: invoice.id,
            connection: settings.declaration?.connection ?? "",
            mode: row.mode,
            in: transaction
        )
        if let lowered { return Money(lowered, currency) }
        // Without any of them there is nothing to hold it against: a price without a fixed amount, of a bare order.
        return Money(row.initialAmount ?? settings.total(of: order) ?? invoice.amountDue, currency)
    }
}

/// What happened to a recurring payment: the values of `change`.
package enum RecurringChange: String, Sendable, Hashable, CaseIterable {
    case created, updated, cancelled
}

/// What became of a period's charge: the values of its callback's `status`.
package enum RecurringCharge: String, Sendable, Hashable, CaseIterable {
    case paid = "PAID"
    case failed = "FAILED"
}
