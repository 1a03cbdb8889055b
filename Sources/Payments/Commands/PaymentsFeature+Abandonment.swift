import Expressions
package import FlowEngine
import FlowLanguage

// What commands set aside for a request is free again once it is certain, or said by a person, that it was not executed.
extension PaymentsFeature {
    package func abandoned(
        _ request: OutsideRequest,
        _ reason: Abandonment,
        in transaction: any StoreTransaction
    ) throws(StoreError) {
        guard settings.declaration != nil, request.method == "POST", let key = request.key,
            settings.connections[request.connection]?.service == PaymentsCatalogue.stripe.name
        else { return }
        let failureCode = reason == .notSent ? "not_sent" : "declared_failed"
        switch (request.path, reason) {
        case (RefundPayment.path, _):
            let refunds = RefundLedger(transaction)
            // One that has Stripe's id was made, whatever is said of its request.
            guard let refund = try refunds.refund(key: key), refund.refund == nil else { return }
            _ = try refunds.apply(.failed, to: refund, failureCode: failureCode)
        case (CreatePaymentIntent.path, .declaredFailed), (CreateCheckoutSession.path, .declaredFailed):
            // One that was not sent stays open: the next call sends it, with the key that was never used. But a key that
            // was used gives the answer that it gave, so the order needs another.
            let ledger = PaymentLedger(transaction)
            guard let payment = try ledger.payment(key: key) else { return }
            try ledger.close(payment, failureCode: failureCode)
        default: return
        }
    }
}
