import Expressions
import FlowLanguage

/// A run as it stood when it began the branches that it waits for: they begin from there.
struct BranchOrigin: Sendable {
    /// The block's own entry.
    let address: EntryAddress
    let interpreter: Interpreter
    let call: BlockCall

    /// Nil when the run does not stand at a block with branches.
    init?(_ interpreter: Interpreter, record: RunRecord) {
        guard case .awaiting(let call) = interpreter.state.position, case .branches = call.work else { return nil }
        address = EntryAddress(run: record.id, path: call.path, visit: call.visit, attempt: call.attempt)
        self.call = call
        var interpreter = interpreter
        interpreter.listensSince = interpreter.listensSince ?? record.createdAt
        interpreter.watch = nil
        self.interpreter = interpreter
    }
}

// A branch is a run of its own whose entry in its parent's journal is finished with it. The one that ends begins the next
// one in the same transaction, so that a parent with many turns sleeps until there is something to decide.
extension TurnContext {
    /// Inserts the run of a branch.
    ///
    /// It takes no place of its flow's `concurrency`: its parent holds one until its own end.
    func insertBranch(
        at address: EntryAddress,
        like start: RunStart,
        now: Timestamp,
        in transaction: any StoreTransaction
    ) throws(StoreError) -> RunID {
        var branch = RunStart(
            flow: start.flow,
            version: start.version,
            origin: .branch,
            caller: start.caller,
            mode: start.mode,
            parent: address
        )
        branch.generation = start.generation
        return try transaction.insertRun(branch, at: now)
    }

    /// Finishes the entry of a branch that is over, and begins the next one, or wakes the parent when it has to decide.
    ///
    /// - Returns: Whether other runs may have become claimable.
    func joinParent(
        of record: RunRecord,
        output: Value,
        in transaction: any StoreTransaction
    ) throws(StoreError) -> Bool {
        guard let address = record.start.parent, var entry = try transaction.entry(at: address),
            entry.status == .started, let status = try transaction.readableStatus(of: address.run), !status.isFinal
        else { return false }
        try Failpoint.childBeforeCommit.reach()
        entry.finishedAt = record.finishedAt
        if record.status == .succeeded {
            entry.status = .succeeded
            entry.output = output
        } else {
            entry.status = .failed
            entry.failure = record.failure ?? .cancelled("the branch")
        }
        try transaction.finishEntry(entry, epoch: epoch)
        // A parent that is paused, or about to decide, looks itself at what is to be done.
        guard status == .waiting else {
            guard var parent = try transaction.readableRun(address.run), try mayEnd(parent, in: transaction) else {
                return false
            }
            parent.status = .queued
            try transaction.updateRun(parent)
            return true
        }
        guard let own = try transaction.entry(at: address.blockOfBranch), let plan = BranchPlan(own) else {
            throw StoreError(.corrupt, "run \(address.run) has no block at \(address.path) that waits for branches")
        }
        let isWorkLeft = try beginNext(of: plan, after: record, entry, in: transaction)
        if isWorkLeft == false, var parent = try transaction.readableRun(address.run) {
            parent.status = .queued
            parent.wakesAt = nil
            try transaction.updateRun(parent)
        }
        return isWorkLeft != nil
    }

    /// - Returns: True when a branch was begun, false when the parent must decide, nil when it has to wait on.
    private func beginNext(
        of plan: BranchPlan,
        after record: RunRecord,
        _ entry: JournalEntry,
        in transaction: any StoreTransaction
    ) throws(StoreError) -> Bool? {
        let open = try transaction.openChildren(of: plan.address.run)
        var isStopping = try transaction.halt(of: plan.address.run) == .cancel
        if !isStopping, !open.isEmpty {
            isStopping = true
            for sibling in open where try transaction.halt(of: sibling) != .cancel { isStopping = false }
        }
        if isStopping { return open.isEmpty ? false : nil }
        if plan.isDecided(by: entry.status) { return false }
        let now = record.finishedAt ?? clock.now()
        let isLate = plan.deadline.map { $0 <= now } ?? false
        guard !isLate, let last = try transaction.lastCall(at: plan.address), last < plan.count else {
            return open.isEmpty ? false : nil
        }
        let address = plan.address.branch(last)
        let run = try insertBranch(at: address, like: record.start, now: now, in: transaction)
        var next = JournalEntry(
            address: address,
            sequence: plan.sequence + last + 1,
            block: plan.block,
            status: .started,
            startedAt: now
        )
        next.input = plan.input(of: last, run: run)
        try transaction.insertEntry(next, epoch: epoch)
        return true
    }

    // MARK: Where branches begin

    /// The interpreter of a run before its first block: of a branch, from where its parent stands.
    static func interpreter(
        of record: RunRecord,
        _ graph: FlowGraph,
        startedAt: Timestamp,
        from origin: BranchOrigin?
    ) throws(NondeterminismError) -> Interpreter {
        guard let origin else {
            return Interpreter(graph: graph, run: record.id, start: record.start, startedAt: startedAt)
        }
        guard let number = record.start.parent?.branchNumber,
            let branch = origin.interpreter.branch(number, of: origin.call, as: record.id, record.start)
        else { throw NondeterminismError(message: "there is no such branch at \(origin.address.path)") }
        return branch
    }

    /// Where a branch begins; nil for other runs.
    ///
    /// `known` tells where a run stood, if that is in memory.
    /// - Throws: `NondeterminismError` when the parent's journal does not lead there; `StoreError`.
    func origin(
        of record: RunRecord,
        known: (RunID) -> BranchOrigin? = { _ in nil },
        in reader: any StoreReader
    ) throws -> BranchOrigin? {
        guard record.start.origin == .branch else { return nil }
        guard let address = record.start.parent?.blockOfBranch else {
            throw NondeterminismError(message: "a branch has no parent")
        }
        if let origin = known(address.run), origin.address == address { return origin }
        // Its version is the branch's own, which was looked at before.
        guard let parent = try reader.run(address.run),
            let graph = try graph(of: parent.start, in: reader) ?? app.flows[parent.start.flow]
        else {
            throw NondeterminismError(message: "the run that waits for this branch is gone")
        }
        var entries: [JournalEntry] = []
        for entry in try reader.entries(of: address.run) {
            entries.append(entry)
            if entry.address == address { break }
        }
        guard entries.last?.address == address else {
            throw NondeterminismError(message: "the run that waits for this branch did not begin it")
        }
        entries[entries.count - 1].status = .started
        let fresh = try Self.interpreter(
            of: parent,
            graph,
            startedAt: parent.startedAt ?? parent.createdAt,
            from: try origin(of: parent, known: known, in: reader)
        )
        let replay = try JournalReplay(fresh, entries: entries)
        guard let origin = BranchOrigin(replay.interpreter, record: parent), origin.address == address else {
            throw NondeterminismError(message: "the run that waits for this branch stands elsewhere")
        }
        return origin
    }
}
