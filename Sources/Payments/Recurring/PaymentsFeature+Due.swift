import Connections
import Expressions
import FlowEngine
import FlowLanguage

// The moment between a further period's invoice and its charge: the only one at which its amount can be lowered.
extension PaymentsFeature {
    /// Starts the flows that look at a draft.
    func announce(
        _ invoice: StripeInvoice,
        _ event: StripeEvent,
        at now: Timestamp,
        in transaction: any StoreTransaction
    ) throws(StoreError) -> WebhookOutcome {
        guard let subscription = invoice.subscription, flows[.recurringDue]?.isEmpty == false else { return .ignored }
        guard try RecurringLedger(transaction).recurring(subscription: subscription, mode: event.mode) != nil else {
            return .unmatched
        }
        // In no lane: a charge of the period before, which waits, must not hold it up past the hour.
        let claim = CallbackClaim(object: invoice.id, transition: "due")
        return .accepted(
            runs: try start(
                .recurringDue,
                claim,
                lane: "invoice:\(invoice.id)",
                event: event.value,
                at: now,
                in: transaction
            )
        )
    }

    func handleDue(
        _ claim: CallbackClaim,
        _ run: RunRecord,
        in transaction: any StoreTransaction
    ) throws(StoreError) -> CallbackResult {
        let event = run.start.trigger["event"] ?? .null
        guard let object = event["data"]?["object"], let invoice = StripeInvoice(object),
            let subscription = invoice.subscription,
            let row = try RecurringLedger(transaction).recurring(subscription: subscription, mode: run.start.mode)
        else { return .failure(.payments("recurring_payment_gone", "the recurring payment's row is gone")) }
        let isCharged = try PaymentLedger(transaction).payment(key: Self.key(of: invoice.id)) != nil
        guard let state = try take(claim, run, isOvertaken: isCharged, in: transaction) else {
            return .failure(Self.busy)
        }
        let time = { (seconds: Int64) in Timestamp(seconds: seconds, nanoseconds: 0).map(Value.timestamp) ?? .null }
        return .output([
            "recurringPaymentId": .int(row.id),
            "orderId": .int(row.orderID),
            "invoice": .string(invoice.id),
            "amount": .int(invoice.amountDue),
            "currency": .string(invoice.currency),
            "period": ["start": time(invoice.periodStart), "end": time(invoice.periodEnd)],
            "callbackProcessed": .bool(state == .done),
            "callbackState": .string(state.rawValue),
            "event": event,
        ])
    }
}
