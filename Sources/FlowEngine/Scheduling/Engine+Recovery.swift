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
        /// The newest run, when the last process did not stop by itself.
        var newestAtCrash: RunID?
    }

    /// `running` while a process uses the store, `stopped` after it stopped by itself.
    private static let processSetting = "engine.process"

    /// Takes up what the last process left, the runs that were executing one at a time.
    func recover() async throws(EngineError) {
        state.withLock { $0.phase = .recovering }
        let fresh = random.bytes(16)
        do throws(StoreError) {
            let findings = try await writer.perform { [self] (transaction, _) throws(StoreError) in
                try strike(in: transaction)
                let installation = try installation(in: transaction, fresh: fresh)
                let hasCrashed = try transaction.setting(Self.processSetting) == Array("running".utf8)
                try transaction.setSetting(Self.processSetting, Array("running".utf8))
                try admitHeld(in: transaction)
                return Findings(
                    installation: installation,
                    suspects: try suspects(in: transaction),
                    newestAtCrash: hasCrashed ? try transaction.runs(matching: RunFilter(limit: 1)).first?.id : nil
                )
            }
            state.withLock { state in
                state.installation = findings.installation
                state.suspect(upTo: findings.newestAtCrash)
            }
            if !findings.suspects.isEmpty {
                logger.notice("runs are taken up again", metadata: ["runs": "\(findings.suspects.count)"])
            }
            // More than there are places cannot have been in memory; the rest is found by the first look.
            for run in findings.suspects.prefix(Limits.places) { await takeUpAlone(run) }
        } catch {
            throw EngineError(error)
        }
        let (waiting, hasFailed) = state.withLock { state in
            (state.phase == .recovering ? state.enter(.ready) : [], state.failures > 0)
        }
        for waiting in waiting { waiting.resume() }
        // A group that was said to have failed may be on disk after all, with runs in it that no look finds.
        if hasFailed { stall(after: StoreError(.unavailable, "a group failed while runs were taken up again")) }
        requestLook()
    }

    /// Lets runs go that were held by a limit which is higher now, or gone.
    private func admitHeld(in transaction: any StoreTransaction) throws(StoreError) {
        for (key, flow) in try transaction.heldConcurrencyKeys() {
            let limit = app.flows[flow]?.concurrency?.limit ?? FlowLanguage.Limits.concurrentRuns
            _ = try transaction.admitRuns(of: key, upTo: limit)
        }
    }

    /// Notes that this process ends by itself: its runs are not to be suspected.
    func noteStop() async {
        // A store that takes no more writes makes the next start a careful one, no more.
        try? await writer.perform { (transaction, _) throws(StoreError) in
            try transaction.setSetting(Self.processSetting, Array("stopped".utf8))
        }
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
            let id = Int64(String(decoding: mark, as: UTF8.self)), var record = try transaction.readableRun(RunID(id)),
            !record.status.isFinal, record.status != .quarantined
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
