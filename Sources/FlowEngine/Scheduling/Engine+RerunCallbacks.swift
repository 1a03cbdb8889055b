import Expressions
import FlowLanguage

extension Engine {
    /// Takes on the callback of a run that keeps what `callback-handler` told an earlier one.
    ///
    /// Otherwise nobody would know that somebody is at it, and what the run does would count for nothing: the next
    /// repetition of the event would do it again.
    /// - Returns: Why the run cannot keep it; nil when it has none, or has it now.
    func takeOnCallback(
        of record: RunRecord,
        keeping entries: [JournalEntry],
        _ graph: FlowGraph,
        at now: Timestamp,
        in transaction: any StoreTransaction
    ) throws(StoreError) -> String? {
        guard case .callback(let trigger) = graph.trigger,
            let told = entries.last(where: { $0.block == "callback-handler" && $0.status == .succeeded })
        else { return nil }
        for feature in features {
            switch try feature.handleCallback(trigger, of: record, at: now, in: transaction) {
            case .output(let output):
                // An order that was paid meanwhile, a change that was handled or overtaken: what was decided by the old
                // words must not be gone on with.
                guard told.output != .map(output) else { return nil }
                return "what 'callback-handler' says has changed since it was asked; do the run again from the "
                    + "beginning, with `runs rerun`"
            case .failure(let failure): return failure.message
            case nil: continue
            }
        }
        return nil
    }
}
