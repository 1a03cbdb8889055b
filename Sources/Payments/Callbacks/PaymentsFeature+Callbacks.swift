import Connections
package import Expressions
package import FlowEngine
package import FlowLanguage

extension PaymentsFeature {
    package func handleCallback(
        _ trigger: CallbackTrigger,
        of run: RunRecord,
        at now: Timestamp,
        in transaction: any StoreTransaction
    ) throws(StoreError) -> CallbackResult? {
        guard let claim = CallbackClaim(trigger: run.start.trigger) else {
            return .failure(.payments("callback_without_event", "this run was not started by an event of Stripe"))
        }
        switch trigger {
        case .paymentCompleted: return try handlePayment(claim, run, in: transaction)
        case .refundCompleted: return try handleRefund(claim, run, in: transaction)
        case .recurringManaged: return try handleManaged(claim, run, in: transaction)
        case .recurringCharged: return try handleCharged(claim, run, in: transaction)
        case .recurringDue: return try handleDue(claim, run, in: transaction)
        }
    }

    package func runFinished(_ run: RunRecord, in transaction: any StoreTransaction) throws(StoreError) {
        guard settings.declaration != nil else { return }
        if run.status != .succeeded, settings.hasEmails { try EmailOutbox.release(run.id, in: transaction) }
        guard let claim = CallbackClaim(trigger: run.start.trigger) else {
            // A callback whose row was damaged must not keep what it claimed.
            if run.damage != nil { _ = try CallbackClaims(transaction).finish(run.id, succeeded: false) }
            return
        }
        let succeeded = run.status == .succeeded
        let finished = try CallbackClaims(transaction).finish(run.id, succeeded: succeeded)
        guard succeeded, finished > 0 else { return }
        try PaymentLedger(transaction).note(callback: claim, mode: run.start.mode)
        guard claim.transition == RecurringCharge.paid.rawValue,
            let object = run.start.trigger["event"]?["data"]?["object"], let invoice = StripeInvoice(object)
        else { return }
        try moveCharge(of: invoice, toOrderOf: run, in: transaction)
        // Of a recurring payment only how it began is told: a page waits for that, and for nothing later.
        if invoice.isFirst, let subscription = invoice.subscription {
            try RecurringLedger(transaction).noteFirstCharge(of: subscription, mode: run.start.mode)
        }
    }

    private func handlePayment(
        _ claim: CallbackClaim,
        _ run: RunRecord,
        in transaction: any StoreTransaction
    ) throws(StoreError) -> CallbackResult {
        let ledger = PaymentLedger(transaction)
        guard let payment = try ledger.payment(intent: claim.object, mode: run.start.mode),
            let status = PaymentStatus(rawValue: claim.transition)
        else { return .failure(.payments("payment_gone", "the payment's row is not there any more")) }
        // It was the row's status when the run was started.
        var isOvertaken = payment.status != status
        if !isOvertaken, status == .succeeded { isOvertaken = try isGivenBack(payment, in: transaction) }
        guard let state = try take(claim, run, isOvertaken: isOvertaken, in: transaction) else {
            return .failure(Self.busy)
        }
        let event = run.start.trigger["event"] ?? .null
        return .output([
            "orderId": .int(payment.orderID),
            "paymentId": .int(payment.id),
            "paymentStatus": .string(status.rawValue),
            "callbackProcessed": .bool(state == .done),
            "callbackState": .string(state.rawValue),
            "orderAlreadyPaid": .bool(try isAlreadyPaid(payment, status, in: transaction)),
            "amountMatches": .bool(try amountMatches(payment, status, event, in: transaction)),
            "event": event,
        ])
    }

    private func handleRefund(
        _ claim: CallbackClaim,
        _ run: RunRecord,
        in transaction: any StoreTransaction
    ) throws(StoreError) -> CallbackResult {
        guard let refund = try RefundLedger(transaction).refund(stripeID: claim.object),
            let payment = try PaymentLedger(transaction).payment(id: refund.paymentID),
            let status = RefundStatus(rawValue: claim.transition)
        else { return .failure(.payments("refund_gone", "the refund's row is not there any more")) }
        let isOvertaken = refund.status.rank > status.rank
        guard let state = try take(claim, run, isOvertaken: isOvertaken, in: transaction) else {
            return .failure(Self.busy)
        }
        return .output([
            "orderId": .int(payment.orderID),
            "paymentId": .int(payment.id),
            "refundId": .int(refund.id),
            "status": .string(status.rawValue),
            "orderRefunded": .bool(try isRefunded(order: payment.orderID, mode: payment.mode, in: transaction)),
            "callbackProcessed": .bool(state == .done),
            "callbackState": .string(state.rawValue),
            "event": run.start.trigger["event"] ?? .null,
        ])
    }

    /// What the flow is told of its claim; nil while another run holds it, which must not be told as "go on".
    ///
    /// A change that a later one has overtaken counts as done: a decline whose callback is repeated after the order was
    /// paid must not undo that.
    func take(
        _ claim: CallbackClaim,
        _ run: RunRecord,
        isOvertaken: Bool,
        in transaction: any StoreTransaction
    ) throws(StoreError) -> CallbackClaims.State? {
        switch try CallbackClaims(transaction).take(claim, flow: run.start.flow, run: run.id) {
        case .taken: isOvertaken ? .done : .new
        case .done: .done
        case .busy: nil
        }
    }

    static let busy = BlockFailure.payments(
        "callback_in_progress",
        "another run has taken this change on and has not ended",
        status: 409,
        retryable: true
    )
}
