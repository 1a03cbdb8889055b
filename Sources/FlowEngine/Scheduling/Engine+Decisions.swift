package import Expressions
import FlowLanguage

/// What a person decided about a run whose outcome is not known.
package enum OutcomeDecision: Sendable {
    /// Send the request again, with the key that it had.
    case sendAgain
    /// It was executed; this is what the block gives.
    case succeeded(output: ValueMap)
    /// It was not executed, or was undone.
    case failed(BlockFailure)
}

// What only a person can decide.
extension Engine {
    /// Lets a paused or quarantined run go on, and the branches that were paused with it; its strikes are forgotten.
    ///
    /// One that was to be paused is not any more; one that is to be cancelled goes no further, whatever it waits for.
    /// - Throws: `.unknownRun`; `.wrongState`, also for a run that is to be cancelled; `.store`.
    package func resume(_ run: RunID) async throws(EngineError) {
        let context = context()
        let now = clock.now()
        try await deciding(run, when: [.paused, .quarantined, .running, .waiting, .retrying]) {
            (record, transaction) throws(StoreError) in
            guard record.halt != .cancel else { return false }
            if record.status == .paused || record.status == .quarantined {
                // Whether a request was on its way when it stopped is not forgotten.
                record.goOn(now: now)
                if let request = try context.unsettledRequest(of: record, in: transaction) {
                    try context.noteUncertainty(of: request, in: transaction)
                    record.status = .retrying
                    record.wakesAt = now
                }
                record.strikes = 0
                record.failure = nil
            } else {
                guard record.halt == .pause else { return false }
            }
            try transaction.setHalt(nil, of: run)
            try context.resumeBranches(of: record, in: transaction)
            // Only what is queued gets a place.
            try transaction.updateRun(record)
            _ = try context.admitSuccessors(of: record.start, in: transaction)
            return true
        } then: { [self] in
            // A look gives it a place and keeps to its lane.
            requestLook()
        }
    }

    /// Ends the uncertainty of a run that is parked as `outcome-unknown`.
    ///
    /// - Throws: `.unknownRun`; `.wrongState`; `.store`.
    package func decide(_ run: RunID, _ decision: OutcomeDecision) async throws(EngineError) {
        let context = context()
        let now = clock.now()
        let epoch = store.bootEpoch
        try await deciding(run, when: [.outcomeUnknown]) { (record, transaction) throws(StoreError) in
            guard var entry = try transaction.entries(of: run).last(where: { $0.status == .started }) else {
                throw StoreError(.corrupt, "run \(run) has no open entry")
            }
            record.status = .queued
            record.failure = nil
            entry.finishedAt = now
            switch decision {
            case .sendAgain:
                record.status = .retrying
                record.wakesAt = now
                return true
            case .succeeded(let output):
                entry.status = .succeeded
                entry.failure = nil
                entry.output = .map(output)
            case .failed(let failure):
                entry.status = .failed
                entry.failure = failure
                entry.failure?.block = entry.address.path.rawValue
                if let request = OutsideRequest(entry.input) {
                    try context.abandon(request, .declaredFailed, in: transaction)
                }
            }
            try transaction.finishEntry(entry, epoch: epoch)
            return true
        } then: { [self] in
            requestLook()
        }
    }

    // `change` gives false when the run is in no state for it after all; nothing is written then.
    private func deciding(
        _ run: RunID,
        when statuses: Set<RunStatus>,
        _ change: @escaping @Sendable (inout RunRecord, any StoreTransaction) throws(StoreError) -> Bool,
        then: @escaping @Sendable () -> Void
    ) async throws(EngineError) {
        try checkWriting()
        let found: (before: RunRecord, isDone: Bool)?
        do throws(StoreError) {
            found = try await writer.perform {
                (transaction, _) throws(StoreError) -> (before: RunRecord, isDone: Bool)? in
                guard let before = try transaction.run(run) else { return nil }
                var record = before
                guard statuses.contains(before.status), try change(&record, transaction) else { return (before, false) }
                try transaction.updateRun(record)
                return (before, true)
            } then: { found in
                if found?.isDone == true { then() }
            }
        } catch {
            stall(after: error)
            throw EngineError(error)
        }
        guard let found else { throw EngineError(.unknownRun, "there is no such run") }
        guard found.isDone else { throw EngineError(wrongState: found.before) }
    }
}
