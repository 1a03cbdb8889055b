import Expressions
import FlowLanguage

/// What every turn of every run needs and none changes.
struct TurnContext: Sendable {
    var app: App
    var mode: Mode
    var features: [any Feature]
    var epoch: Int64
    var clock: any Clock
    var random: any RandomSource
    /// 16 bytes that tell this installation's keys from any other's.
    var installation: [UInt8]
    /// After so many effects a run lets others at the writer.
    var effectsPerTurn = Limits.effectsPerTurn
    /// After so many steps of evaluations it does so too; nil: never.
    var stepsPerTurn: Int? = Limits.stepsPerTurn
    /// Where runs find the flows that were changed since they began.
    var earlier = EarlierVersions.none
    /// A replay meets what features did without the run's asking as it meets what others did: in the record.
    var isReplay = false

    /// The app that a run was started with; nil when its version is gone.
    func app(of start: RunStart, in reader: any StoreReader) throws(StoreError) -> App? {
        if app.flows[start.flow]?.version.isMeant(by: start.version) == true { return app }
        return try earlier.app(of: start.version, in: reader)
    }

    /// The graph that a run was started with; nil when its version is gone.
    func graph(of start: RunStart, in reader: any StoreReader) throws(StoreError) -> FlowGraph? {
        let graph = try app(of: start, in: reader)?.flows[start.flow]
        return graph?.version.isMeant(by: start.version) == true ? graph : nil
    }

    func command(_ name: String, of service: String) -> (any Command)? {
        for feature in features {
            if let command = feature.command(name, of: service) { return command }
        }
        return nil
    }

    /// Tells the features of a request that ends without an answer; one that changes nothing has set nothing aside.
    func abandon(
        _ request: OutsideRequest,
        _ reason: Abandonment,
        in transaction: any StoreTransaction
    ) throws(StoreError) {
        guard !isReplay, request.effect != .safe else { return }
        for feature in features { try feature.abandoned(request, reason, in: transaction) }
    }

    /// Makes a run final and tells everyone who must know within the same transaction.
    ///
    /// - Returns: Whether other runs may have become claimable.
    func close(
        _ record: RunRecord,
        output: Value,
        in transaction: any StoreTransaction
    ) throws(StoreError) -> Bool {
        try Failpoint.finishBeforeCommit.reach()
        try transaction.updateRun(record)
        for feature in features { try feature.runFinished(record, in: transaction) }
        let admits = try admitSuccessors(of: record.start, in: transaction)
        return try answerParent(of: record, output: output, in: transaction) || record.start.lane != nil || admits
    }

    /// Lets runs go that wait for a place of this one's concurrency key.
    ///
    /// - Returns: Whether there were any.
    func admitSuccessors(of start: RunStart, in transaction: any StoreTransaction) throws(StoreError) -> Bool {
        guard let key = start.concurrency else { return false }
        // A flow that has no limit any more lets all of them go.
        let limit = app.flows[start.flow]?.concurrency?.limit ?? FlowLanguage.Limits.concurrentRuns
        return try transaction.admitRuns(of: key, upTo: limit) > 0
    }

    /// The run that waits for this one gets its result and is up to be claimed.
    private func answerParent(
        of record: RunRecord,
        output: Value,
        in transaction: any StoreTransaction
    ) throws(StoreError) -> Bool {
        if record.start.origin == .branch { return try joinParent(of: record, output: output, in: transaction) }
        guard
            let address = record.start.parent, var parent = try transaction.readableRun(address.run),
            !parent.status.isFinal,
            var entry = try transaction.entry(at: address), entry.status == .started
        else { return false }
        try Failpoint.childBeforeCommit.reach()
        entry.finishedAt = record.finishedAt
        if record.status == .succeeded {
            entry.status = .succeeded
            entry.output = output
        } else {
            entry.status = .failed
            entry.failure = record.failure ?? .engine("cancelled", "the sub-flow \(record.start.flow) was cancelled")
            if record.status == .cancelled, let deadline = entry.input["deadline"]?.timestampValue,
                let now = record.finishedAt, deadline <= now
            {
                entry.failure = .timeout("the sub-flow \(record.start.flow)", deadline - entry.startedAt)
            }
            // The path is one of the sub-flow's; the caller's own is set when its run goes on.
            entry.failure?.block = nil
        }
        try transaction.finishEntry(entry, epoch: epoch)
        if parent.status != .waiting, try !mayEnd(parent, in: transaction) { return false }
        parent.status = .queued
        try transaction.updateRun(parent)
        return true
    }
}

/// A run in memory, as it stands on disk.
struct LiveRun: Sendable {
    var record: RunRecord
    var interpreter: Interpreter
    /// What the blocks since the last entry see as `now`, where a turn ended between them.
    var moment: Timestamp?
    /// The request whose answer is awaited.
    var pending: PendingRequest?
    /// The code block whose code runs, or asked for what is awaited.
    var code: PendingCode?
    /// Of a branch: where its parent stood when it began it.
    var origin: BranchOrigin?
    /// It was executing when the process died, and has made no progress since.
    var isSuspect = false
}

/// A request that is on disk and whose answer is not.
struct PendingRequest: Sendable {
    var call: BlockCall
    var entry: JournalEntry
    var request: OutsideRequest
    var exchanges: [CommandCall.Exchange]
}
