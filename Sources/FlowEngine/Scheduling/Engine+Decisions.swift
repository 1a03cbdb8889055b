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
    /// Lets a paused or quarantined run go on; its strikes are forgotten.
    ///
    /// - Throws: `.unknownRun`; `.wrongState`; `.store`.
    package func resume(_ run: RunID) async throws(EngineError) {
        try await deciding(run, when: [.paused, .quarantined]) { (record, _) throws(StoreError) in
            // Not `queued`: whether a request was on its way when it stopped is not forgotten.
            record.status = .running
            record.strikes = 0
        } then: { [self] in
            submitTurn(of: run, .takeUp(isUnsent: false))
        }
    }

    /// Ends the uncertainty of a run that is parked as `outcome-unknown`.
    ///
    /// - Throws: `.unknownRun`; `.wrongState`; `.store`.
    package func decide(_ run: RunID, _ decision: OutcomeDecision) async throws(EngineError) {
        let now = clock.now()
        let epoch = store.bootEpoch
        try await deciding(run, when: [.outcomeUnknown]) { (record, transaction) throws(StoreError) in
            guard var entry = try transaction.entries(of: run).last, entry.status == .started else {
                throw StoreError(.corrupt, "run \(run) has no open entry")
            }
            record.status = .queued
            entry.finishedAt = now
            switch decision {
            case .sendAgain:
                record.status = .retrying
                record.wakesAt = now
                return
            case .succeeded(let output):
                entry.status = .succeeded
                entry.failure = nil
                entry.output = .map(output)
            case .failed(let failure):
                entry.status = .failed
                entry.failure = failure
                entry.failure?.block = entry.address.path.rawValue
            }
            try transaction.finishEntry(entry, epoch: epoch)
        } then: { [self] in
            requestLook()
        }
    }

    private func deciding(
        _ run: RunID,
        when statuses: Set<RunStatus>,
        _ change: @escaping @Sendable (inout RunRecord, any StoreTransaction) throws(StoreError) -> Void,
        then: @escaping @Sendable () -> Void
    ) async throws(EngineError) {
        try checkIntake()
        let status: RunStatus?
        do throws(StoreError) {
            status = try await writer.perform { (transaction, _) throws(StoreError) -> RunStatus? in
                guard var record = try transaction.run(run) else { return nil }
                let status = record.status
                guard statuses.contains(status) else { return status }
                record.failure = nil
                try change(&record, transaction)
                try transaction.updateRun(record)
                return status
            } then: { status in
                if let status, statuses.contains(status) { then() }
            }
        } catch {
            stall(after: error)
            throw EngineError(error)
        }
        guard let status else { throw EngineError(.unknownRun, "there is no such run") }
        guard statuses.contains(status) else {
            throw EngineError(.wrongState, "the run is \(status.rawValue)")
        }
    }
}
