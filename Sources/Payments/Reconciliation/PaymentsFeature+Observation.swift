import Connections
package import Expressions
package import FlowEngine

// What is done with objects that were asked for, because an event did not carry them or never came.
extension PaymentsFeature {
    /// Whether an event about this object could change anything here; what only the object itself can tell is asked.
    func isKnown(
        _ pointer: StripePointer,
        mode: Mode,
        in transaction: any StoreTransaction
    ) throws(StoreError) -> Bool {
        switch pointer.kind {
        case .paymentIntent:
            let ledger = PaymentLedger(transaction)
            if try ledger.payment(intent: pointer.id, mode: mode) != nil { return true }
            // Which payment a page of Stripe's is for is told by the intent itself alone.
            return try ledger.awaitsIntent(mode: mode)
        case .subscription:
            return try RecurringLedger(transaction).recurring(subscription: pointer.id, mode: mode) != nil
        case .charge, .refund, .invoice, .invoicePayment, .session: return true
        }
    }

    /// Takes in an object as Stripe's API gave it, through the door that events come through.
    /// - Parameters:
    ///   - object: the object.
    ///   - id: under which the observation is filed, once.
    ///   - hint: the type of the thin event that named the object, where there was one.
    ///   - askedAt: when it was asked for, which is the moment that it is taken to tell of.
    ///   - now: the present.
    ///   - transaction: of `Engine.write`.
    /// - Returns: what became of it.
    /// - Throws: as the transaction does; nothing of the object is taken in then.
    package func observe(
        _ object: Value,
        id: String,
        hint: String = "",
        askedAt: Timestamp,
        at now: Timestamp,
        in transaction: any StoreTransaction
    ) throws(StoreError) -> WebhookOutcome {
        guard let event = StripeEvent(observing: object, id: id, hint: hint, mode: mode, at: askedAt.seconds),
            event.mode == mode,
            let body = try? JSON.encode(event.value)  // What came as JSON can be written as such.
        else { return .ignored }
        return try accept(event, body: body, at: now, in: transaction)
    }

    /// Decides about a thin event whose object was fetched; nil: Stripe does not have it any more.
    ///
    /// What names no object, since its row was damaged or an earlier Runnel read its type otherwise, is settled as ignored:
    /// nothing could ever be fetched for it.
    package func resolve(
        _ delivery: Delivery,
        with object: Value?,
        askedAt: Timestamp,
        at now: Timestamp,
        in transaction: any StoreTransaction
    ) throws(StoreError) -> WebhookOutcome {
        let current = try transaction.delivery(
            source: Self.source,
            account: delivery.account,
            mode: delivery.mode,
            eventID: delivery.eventID
        )
        guard current?.status == .awaiting else { return .duplicate }
        var outcome = WebhookOutcome.ignored
        if let object, case .pointer(let pointer) = StripeEvent(body: delivery.body)?.subject {
            outcome = try observe(
                object,
                id: "\(delivery.eventID)_observed",
                hint: pointer.eventType,
                askedAt: askedAt,
                at: now,
                in: transaction
            )
        }
        try transaction.settleDelivery(
            source: Self.source,
            account: delivery.account,
            mode: delivery.mode,
            eventID: delivery.eventID,
            status: outcome.status,
            run: outcome.firstRun
        )
        return outcome
    }
}
