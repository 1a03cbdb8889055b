extension Ledger {
    /// Does one thing that was planned.
    ///
    /// An object that has gone another way meanwhile is left alone.
    mutating func perform(_ task: ScheduledTask) {
        switch task.action {
        case .settleCharge: settleCharge(task.id, emits: true)
        case .expireAuthorization:
            if find(.paymentIntent, task.id)?.status == "requires_capture" { cancel(task.id, reason: "automatic") }
            releaseDirect(task.id, emitting: "charge.expired")
        case .completeRefund: completeRefund(task.id)
        case .failRefund: failRefund(task.id)
        case .openDispute: openDispute(ofCharge: task.id)
        case .closeDispute: closeDispute(task.id)
        case .completeDebit: completeDebit(task.id)
        case .payPayout: payPayout(task.id)
        case .expireSession: expireSession(task.id)
        case .finalizeInvoice: finalizePlanned(task.id)
        case .retryInvoice: retryPayment(ofInvoice: task.id)
        case .renewSubscription: renewSubscription(task.id)
        case .remindTrialEnd: remindOfTrialEnd(task.id)
        case .expirePendingUpdate: expirePendingUpdate(task.id)
        case .expireIncompleteSubscription: expireIncomplete(task.id)
        case .resumeCollection: resumeCollection(task.id)
        case .expireResumption: expireResumption(task.id)
        case .passDueDate: passDueDate(ofInvoice: task.id)
        case .announceBalance: emit("balance.available", balance())
        case .announceInvoicePayment:
            if let payment = find(.invoicePayment, task.id) { emit("invoice_payment.paid", payment) }
        }
    }
}
