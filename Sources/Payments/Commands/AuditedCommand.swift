import FlowEngine
import FlowLanguage

/// A command whose refusals of what looks forged leave a row in the audit: who tried what, and why it was not done.
///
/// The row is written in the transaction that records the block's failure.
struct AuditedCommand: Command {
    let base: any Command

    var declaration: CommandDeclaration { base.declaration }

    /// Another amount or currency than was agreed, somebody else's order, payment or intent, the other mode, a secret that
    /// is not the intent's, more money back than came in.
    private static let suspicious: Set<String> = [
        "amount_differs", "currency_differs", "order_not_found", "payment_not_found", "payment_intent_unknown",
        "payment_not_complete", "mode_differs", "refund_too_large", "capture_too_large", "invoice_unknown",
        "amount_raised",
    ]

    func begin(_ call: CommandCall, in transaction: any StoreTransaction) throws(StoreError) -> CommandStep {
        try noted(try base.begin(call, in: transaction), call, in: transaction)
    }

    func receive(
        _ answer: OutsideAnswer,
        to request: OutsideRequest,
        of call: CommandCall,
        in transaction: any StoreTransaction
    ) throws(StoreError) -> CommandStep {
        try noted(try base.receive(answer, to: request, of: call, in: transaction), call, in: transaction)
    }

    private func noted(
        _ step: CommandStep,
        _ call: CommandCall,
        in transaction: any StoreTransaction
    ) throws(StoreError) -> CommandStep {
        guard case .fail(let failure) = step, Self.suspicious.contains(failure.code), failure.type == "payments" else {
            return step
        }
        try transaction.insertAudit(
            AuditRecord(
                at: call.now,
                action: "command",
                subject: declaration.name,
                caller: call.caller,
                reason: failure.code
            )
        )
        return step
    }
}
