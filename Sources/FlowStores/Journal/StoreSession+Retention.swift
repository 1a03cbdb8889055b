import Expressions
import FlowEngine

// Ids grow with time, so the oldest rows come first: no index on times is needed, which every run would pay for.
extension StoreSession {
    /// The last column is the run that waited for it, if that is there: begun before, it is looked at before.
    private static let oldRuns = FixedStatement(
        """
        SELECT run.id, run.status, run.created_at, run.finished_at, parent.id
        FROM runs AS run LEFT JOIN runs AS parent ON parent.id = run.parent_run AND parent.id < run.id
        WHERE run.id > ? ORDER BY run.id LIMIT ?
        """
    )
    /// The last ones first: what is left of a journal is a beginning.
    private static let removeEntries = FixedStatement(
        """
        DELETE FROM entries WHERE run = ?1
          AND sequence > (SELECT max(sequence) FROM entries WHERE run = ?1) - ?2
        """
    )
    private static let removeRun = FixedStatement("DELETE FROM runs WHERE id = ?")
    private static let removeDeliveries = FixedStatement(
        """
        DELETE FROM deliveries WHERE received_at < ?1 AND id IN (SELECT id FROM deliveries ORDER BY id LIMIT ?2)
        """
    )

    private struct OldRun {
        var id: RunID
        /// Nil where it cannot be read: then the run stays, and holds up no other.
        var createdAt: Timestamp?
        /// Nil while the run is not final.
        var finishedAt: Timestamp?
        /// The run that waited for it: what that did is told only together with it.
        var parent: RunID?
    }

    func prune(_ order: PruneOrder) throws(StoreError) -> PruneOrder? {
        let statement = try prepared(Self.oldRuns)
        statement.bind(order.after.rawValue)
        statement.bind(order.limit)
        let found = try all(statement) { row throws(StoreError) in
            // A status that nobody can read keeps its run, and holds up no other.
            let status = try row.unlessCorrupt { row throws(StoreError) in try row.word(1, RunStatus.self) }
            let isFinal = status?.isFinal ?? false
            return OldRun(
                id: RunID(try row.int(0)),
                createdAt: try row.unlessCorrupt { row throws(StoreError) in try row.timestamp(2) },
                finishedAt: isFinal
                    ? try row.unlessCorrupt { row throws(StoreError) in try row.timestamp(3) } : nil,
                parent: try row.optionalInt(4).map { RunID($0) }
            )
        }
        // Whoever began later cannot have ended earlier. One that began while the clock was wrong is passed over.
        let old = found.filter { run in run.createdAt.map { $0 < order.runsBefore } ?? false }
        var entriesLeft = order.entryLimit
        var next = order
        var gone: Set<RunID> = []
        for run in old {
            if let finishedAt = run.finishedAt, finishedAt < order.runsBefore,
                run.parent.map({ gone.contains($0) }) ?? true
            {
                entriesLeft -= try removeEntries(of: run.id, upTo: entriesLeft)
                // A long journal goes in several groups, its run with the last of it.
                guard entriesLeft > 0 else { return next }
                try removeRow(of: run.id)
                gone.insert(run.id)
            }
            next.after = run.id
        }
        if let last = found.last { next.after = last.id }
        let deliveries = try prepared(Self.removeDeliveries)
        deliveries.bind(order.deliveriesBefore)
        deliveries.bind(order.limit)
        let removed = try execute(deliveries)
        return (found.count == order.limit && !old.isEmpty) || removed == order.limit ? next : nil
    }

    /// - Returns: How many there were; less than `limit` when none is left.
    private func removeEntries(of run: RunID, upTo limit: Int) throws(StoreError) -> Int {
        let statement = try prepared(Self.removeEntries)
        statement.bind(run.rawValue)
        statement.bind(limit)
        return try execute(statement)
    }

    private func removeRow(of run: RunID) throws(StoreError) {
        claimed[run] = nil
        let statement = try prepared(Self.removeRun)
        statement.bind(run.rawValue)
        try execute(statement)
    }
}
