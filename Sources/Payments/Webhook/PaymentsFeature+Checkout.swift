import Connections
import Expressions
import FlowEngine

// Payments on Stripe's own page: the intent is Stripe's to make, so events name the payment by what we wrote into it.
extension PaymentsFeature {
    /// The payment that a session opened and this intent pays: from here on it is found by the intent.
    func checkoutPayment(
        of intent: StripePaymentIntent,
        at now: Timestamp,
        in transaction: any StoreTransaction
    ) throws(StoreError) -> PaymentRecord? {
        let ledger = PaymentLedger(transaction)
        guard let payment = try sessionPayment(intent.metadata, mode: intent.mode, ledger),
            payment.money == Money(intent.amount, intent.currency)
        else { return nil }
        let facts = StripeIntentFacts(id: intent.id, customer: intent.customer)
        guard try ledger.attach(intent: facts, to: payment) else {
            guard intent.status == "succeeded" else { return nil }
            return try ledger.insertSurplus(intent, beside: payment)
        }
        try adoptDeliveries(object: intent.id, mode: intent.mode, at: now, in: transaction)
        return try ledger.payment(id: payment.id)
    }

    /// Nobody can pay on that page any more: the order may get another payment.
    func closeSession(
        _ metadata: ValueMap,
        _ event: StripeEvent,
        in transaction: any StoreTransaction
    ) throws(StoreError) -> WebhookOutcome {
        let ledger = PaymentLedger(transaction)
        guard let payment = try sessionPayment(metadata, mode: event.mode, ledger) else { return .ignored }
        // Also one that was tried, and declined: what else comes of its intent can only be the end.
        let report = PaymentReport(status: .cancelled, at: event.created, failureCode: "session_expired")
        return try ledger.apply(report, to: payment) ? .accepted(runs: []) : .stale
    }

    private func sessionPayment(
        _ metadata: ValueMap,
        mode: Mode,
        _ ledger: PaymentLedger
    ) throws(StoreError) -> PaymentRecord? {
        guard metadata["runnel_installation"] == .string(try Installation.name(in: ledger.transaction)),
            let number = metadata["runnel_payment"]?.stringValue.flatMap({ Int64($0) }),
            let payment = try ledger.payment(id: number), payment.isCheckout, payment.mode == mode
        else { return nil }
        return payment
    }
}
