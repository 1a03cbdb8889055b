import Synchronization

// What an operator wants of a run.
extension Engine {
    /// Cancels a run together with the sub-flows that it waits for.
    ///
    /// A run that waits for the answer to a request is cancelled once the answer is recorded, or the request was
    /// repeated with its key until there is one; one whose outcome is unknown, once a person has decided. Durable when
    /// this returns. Also for an engine that does not run: then the next one carries it out.
    /// - Returns: The run as it stands: `cancelled`, or still under way with the wish noted.
    /// - Throws: `.unknownRun`; `.wrongState` for a final run; `.store`.
    package func cancel(_ run: RunID) async throws(EngineError) -> RunRecord {
        try await halting(run) { (record, context, transaction, halted) throws(StoreError) in
            guard !record.status.isFinal else { return false }
            try context.cancel(record.id, in: transaction, &halted)
            return true
        }
    }

    /// Pauses a run where nothing that it sent is without its answer, and its branches with it; its sub-flows go on.
    ///
    /// It stays on disk until `resume`, and holds up nobody in its lane. A wait goes on with its own deadline.
    /// - Returns: The run as it stands: `paused`, or still under way with the wish noted.
    /// - Throws: `.unknownRun`; `.wrongState` for a run that is final, parked or to be cancelled; `.store`.
    package func pause(_ run: RunID) async throws(EngineError) -> RunRecord {
        try await halting(run) { (record, context, transaction, halted) throws(StoreError) in
            switch record.status {
            case .paused: return true
            case .outcomeUnknown, .quarantined, .succeeded, .failed, .cancelled: return false
            case .queued, .running, .waiting, .retrying:
                guard record.halt != .cancel else { return false }
                try context.pause(record.id, in: transaction, &halted)
                return true
            }
        }
    }

    private struct Halting: Sendable {
        var isDone: Bool
        var record: RunRecord
        var stopped: [RunRecord]
        var startsWork: Bool
    }

    private func halting(
        _ run: RunID,
        _ body:
            @escaping @Sendable (RunRecord, TurnContext, any StoreTransaction, inout TurnContext.Halted)
            throws(StoreError) -> Bool
    ) async throws(EngineError) -> RunRecord {
        try checkWriting()
        let result: Halting?
        do throws(StoreError) {
            result = try await writer.perform { [self] (transaction, _) throws(StoreError) -> Halting? in
                guard let before = try transaction.run(run) else { return nil }
                var halted = TurnContext.Halted()
                let isDone = try body(before, context(), transaction, &halted)
                guard let after = try transaction.run(run) else { return nil }
                return Halting(
                    isDone: isDone,
                    record: after,
                    stopped: halted.stopped,
                    startsWork: halted.startsWork
                )
            } then: { [self] result in
                guard let result else { return }
                for record in result.stopped { release(self.result(ofLeft: record, startsWork: false)) }
                if result.startsWork { requestLook() }
            }
        } catch {
            stall(after: error)
            throw EngineError(error)
        }
        guard let result else { throw EngineError(.unknownRun, "there is no such run") }
        guard result.isDone else { throw EngineError(wrongState: result.record) }
        return result.record
    }

    /// Lets an operator write also where no engine runs; nothing is written while the store takes no writes.
    func checkWriting() throws(EngineError) {
        let isFitting = state.withLock { $0.phase == .ready || $0.phase == .created }
        guard isFitting else { throw EngineError(.notReady, "the engine is starting, stopping or out of space") }
        guard writer.backlog < Limits.waitingJobs else {
            throw EngineError(.overloaded, "too much waits already; try again later")
        }
    }
}

extension EngineError {
    init(wrongState record: RunRecord) {
        let status = record.status
        let wish = record.halt.map { " and to be \($0 == .cancel ? "cancelled" : "paused")" } ?? ""
        let state = status.isFinal ? "over (\(status.rawValue))" : status.rawValue + wish
        self.init(.wrongState, "run \(record.id) is \(state)")
    }
}
