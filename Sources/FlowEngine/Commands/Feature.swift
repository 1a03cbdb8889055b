package import Expressions
package import FlowLanguage

/// A part of the product that brings commands, tables and callbacks to the engine, such as Payments.
package protocol Feature: Sendable {
    /// By service and name, as the catalogue declares them.
    func command(_ name: String, of service: String) -> (any Command)?

    /// Does a `callback-handler` block.
    ///
    /// Runs inside the block's savepoint; must be repeatable: after a crash it may run again for the same run. Nil: the
    /// callback is another feature's.
    func handleCallback(
        _ trigger: CallbackTrigger,
        of run: RunRecord,
        at now: Timestamp,
        in transaction: any StoreTransaction
    ) throws(StoreError) -> CallbackResult?

    /// Called in the transaction that makes a run final.
    func runFinished(_ run: RunRecord, in transaction: any StoreTransaction) throws(StoreError)

    /// Called in the transaction that ends a command's request without an answer, so that what was set aside for it
    /// becomes free again; never where it may have been executed and nobody has said whether it was.
    ///
    /// It is told of the request alone: who decides or cancels has the journal, and perhaps not the flow any more.
    func abandoned(
        _ request: OutsideRequest,
        _ reason: Abandonment,
        in transaction: any StoreTransaction
    ) throws(StoreError)
}

extension Feature {
    package func handleCallback(
        _ trigger: CallbackTrigger,
        of run: RunRecord,
        at now: Timestamp,
        in transaction: any StoreTransaction
    ) throws(StoreError) -> CallbackResult? { nil }

    package func abandoned(
        _ request: OutsideRequest,
        _ reason: Abandonment,
        in transaction: any StoreTransaction
    ) throws(StoreError) {}
}

/// Why a request ends without an answer.
package enum Abandonment: Sendable, Hashable {
    /// It was certainly not executed, and nobody sends it any more.
    case notSent
    /// A person said that it was not executed, or that it was undone.
    case declaredFailed
}

package enum CallbackResult: Sendable {
    case output(ValueMap)
    case failure(BlockFailure)
}
