import Expressions
import FlowLanguage
import Logging
import Synchronization

// What happens between opening the store and taking calls.
extension Engine {
    private struct Findings: Sendable {
        var installation: [UInt8]
        /// Runs that were executing when the last process ended, oldest first.
        var suspects: [RunID]
    }

    /// Takes up what the last process left, the runs that were executing one at a time.
    func recover() async throws(EngineError) {
        state.withLock { $0.phase = .recovering }
        let fresh = random.bytes(16)
        do throws(StoreError) {
            let findings = try await writer.perform { [self] (transaction, _) throws(StoreError) in
                try strike(in: transaction)
                let installation = try installation(in: transaction, fresh: fresh)
                return Findings(installation: installation, suspects: try suspects(in: transaction))
            }
            state.withLock { $0.installation = findings.installation }
            if !findings.suspects.isEmpty {
                logger.notice("runs are taken up again", metadata: ["runs": "\(findings.suspects.count)"])
            }
            // More than there are places cannot have been in memory; the rest is found by the first look.
            for run in findings.suspects.prefix(Limits.places) { await takeUpAlone(run) }
        } catch {
            throw EngineError(error)
        }
        for waiting in state.withLock({ $0.phase == .recovering ? $0.enter(.ready) : [] }) { waiting.resume() }
        requestLook()
    }

    private func takeUpAlone(_ run: RunID) async {
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            var job = turnJob(of: run, .takeUp(isUnsent: false), suspect: run)
            let done = job.done
            job.done = { outcome in
                done(outcome)
                continuation.resume()
            }
            writer.submit(job)
        }
    }

    /// The run that was alone when the process died gets a strike, the third one quarantines it.
    private func strike(in transaction: any StoreTransaction) throws(StoreError) {
        let mark = try transaction.setting(GroupWriter.suspectSetting) ?? []
        guard
            let id = Int64(String(decoding: mark, as: UTF8.self)), var record = try transaction.run(RunID(id)),
            record.status == .running
        else { return }
        record.strikes += 1
        if record.strikes >= Limits.strikes {
            record.status = .quarantined
            record.failure = .engine("quarantined", "the process died \(record.strikes) times while this run alone ran")
        }
        try transaction.updateRun(record)
        try transaction.setSetting(GroupWriter.suspectSetting, [])
    }

    private func installation(
        in transaction: any StoreTransaction,
        fresh: [UInt8]
    ) throws(StoreError) -> [UInt8] {
        if let installation = try transaction.setting("engine.installation") { return installation }
        try transaction.setSetting("engine.installation", fresh)
        return fresh
    }

    private func suspects(in transaction: any StoreTransaction) throws(StoreError) -> [RunID] {
        var suspects: [RunID] = []
        var filter = RunFilter(statuses: [.running], limit: 500)
        // Ends: each page lies before the one before it.
        while true {
            let page = try transaction.runs(matching: filter)
            suspects += page.filter { $0.epoch < store.bootEpoch }.map(\.id)
            guard page.count == filter.limit, let last = page.last else { break }
            filter.before = last.id
        }
        return suspects.reversed()
    }
}
