import Expressions
import FlowLanguage

// Branches in a replay: each is driven to its end, one behind the other, and the block is joined as it was live.
extension ReplayMachine {
    /// Goes on with a run whose branches have come as far as they can.
    ///
    /// Which branches were begun before others failed or won, and which of them were stopped for it, was a matter of
    /// time: both are taken from the record. What they did and what the block made of it is done again.
    func join(
        _ open: JournalReplay.OpenEntry,
        _ live: LiveRun
    ) throws(StoreError) -> (Interpreter, ReplayStop?) {
        var open = open
        for (number, branch) in open.branches.enumerated() where branch.status == .started {
            guard let recorded = transaction.recordedEntry(branch.address) else {
                return (live.interpreter, .unanswered(branch.address))
            }
            guard let finished = try finish(branch, as: recorded) else { return (live.interpreter, .recordEnds) }
            open.branches[number] = finished
        }
        let begun = begun(open)
        if open.branches.count >= begun, let recorded = transaction.recordedEntry(open.entry.address) {
            guard recorded.status == .succeeded || recorded.status == .failed else {
                return (live.interpreter, .recordEnds)
            }
            // The whole run was cancelled here.
            if recorded.failure?.isCancellation == true, transaction.recorded[live.record.id]?.wasCancelled == true {
                _ = try finish(open.entry, as: recorded)
                return (live.interpreter, nil)
            }
        }
        var turn = Turn(live, context: context, in: transaction)
        if try turn.join(open, recorded: begun) != nil {
            transaction.records[live.record.id] = turn.run.record
            return (turn.run.interpreter, nil)
        }
        return try advance(turn.run)
    }

    /// Finishes an entry as it is recorded; nil where the record does not say how.
    private func finish(_ entry: JournalEntry, as recorded: JournalEntry) throws(StoreError) -> JournalEntry? {
        guard recorded.status == .succeeded || recorded.status == .failed else { return nil }
        var finished = entry
        finished.status = recorded.status
        finished.output = recorded.output
        finished.failure = recorded.failure
        finished.finishedAt = recorded.finishedAt
        try transaction.finishEntry(finished, epoch: context.epoch)
        transaction.given.insert(entry.address)
        return finished
    }

    /// How many branches the record has of a block; all, where it was not decided before.
    private func begun(_ open: JournalReplay.OpenEntry) -> Int {
        guard let plan = BranchPlan(open.entry) else { return 0 }
        let address = open.entry.address
        guard let recorded = transaction.recordedEntry(address), let run = transaction.recorded[address.run] else {
            return plan.count
        }
        let begun = run.entries.count { $0.address.call > 0 && $0.address.blockOfBranch == address }
        let wasComplete = BranchPlan(recorded).map { $0.count == begun } ?? false
        return wasComplete ? plan.count : min(begun, plan.count)
    }
}

extension RecordedRun {
    fileprivate var wasCancelled: Bool { record.status == .cancelled }
}
