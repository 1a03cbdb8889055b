package import Expressions
package import FlowLanguage

/// A part of the product that brings commands, tables and callbacks to the engine, such as Payments.
package protocol Feature: Sendable {
    /// By service and name, as the catalogue declares them.
    func command(_ name: String, of service: String) -> (any Command)?

    /// Does a `callback-handler` block.
    ///
    /// Runs inside the block's savepoint; must be repeatable: after a crash it may run again for the same run.
    func handleCallback(
        _ trigger: CallbackTrigger,
        of run: RunRecord,
        at now: Timestamp,
        in transaction: any StoreTransaction
    ) throws(StoreError) -> CallbackResult

    /// Called in the transaction that makes a run final.
    func runFinished(_ run: RunRecord, in transaction: any StoreTransaction) throws(StoreError)
}

package enum CallbackResult: Sendable {
    case output(ValueMap)
    case failure(BlockFailure)
}
