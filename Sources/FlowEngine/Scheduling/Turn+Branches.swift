import Expressions
import FlowLanguage

// A block with branches: begun here, joined here; what lies between happens in the branches' own turns.
extension Turn {
    mutating func begin(_ work: BranchWork, _ call: BlockCall) throws(StoreError) -> Stop? {
        guard try depth() < Limits.subflowDepth else {
            let message = "branches and sub-flows stand more than \(Limits.subflowDepth) deep in each other"
            try conclude(call, .failure(.engine("too_deep", message)))
            return nil
        }
        var entry = entry(of: call, status: .started, input: call.work.journalInput)
        if let deadline = call.deadline, case .map(var input) = entry.input {
            input["deadline"] = .timestamp(deadline)
            entry.input = .map(input)
        }
        guard let plan = BranchPlan(entry) else { throw StoreError(.corrupt, "\(call.path) has no branches") }
        if plan.count == 0, let outcome = plan.outcome(of: [], collects: work.collects) {
            try insert(entry)
            try settle(entry, outcome, call)
            return nil
        }
        try insert(entry)
        for number in 0..<min(plan.concurrency, plan.count) {
            _ = try beginBranch(number, of: plan, call, at: call.now)
        }
        try save(.waiting, wakesAt: call.deadline)
        return .left
    }

    /// Begins a branch: its entry and its run.
    private mutating func beginBranch(
        _ number: Int,
        of plan: BranchPlan,
        _ call: BlockCall,
        at time: Timestamp
    ) throws(StoreError) -> JournalEntry {
        var entry = entry(of: call, number: number + 1, status: .started, input: .null)
        entry.startedAt = time
        var start = run.record.start
        start.generation = generation
        let branch = try context.insertBranch(at: entry.address, like: start, now: time, in: transaction)
        entry.input = plan.input(of: number, run: branch)
        try insert(entry)
        startsWork = true
        return entry
    }

    /// Goes on with a run that waits for branches: begins more of them, stops those that are not wanted any more, or
    /// concludes the block.
    ///
    /// What it does follows from the entries alone, so it may be asked at any time. `recorded` is, in a replay, how many
    /// branches were begun: which ones were, was a matter of time.
    mutating func join(_ open: JournalReplay.OpenEntry, recorded: Int? = nil) throws(StoreError) -> Stop? {
        guard let plan = BranchPlan(open.entry), case .branches(let work) = open.call.work else {
            throw StoreError(.corrupt, "entry \(open.entry.sequence) has no branches")
        }
        var branches = open.branches
        let isDecided = branches.contains { plan.isDecided(by: $0.status) }
        let isLate = plan.deadline.map { $0 <= now } ?? false
        let isStopping = isDecided || isLate || run.record.halt == .cancel
        if isStopping, recorded == nil, branches.contains(where: { $0.status == .started }) {
            try stopBranches()
            branches = try transaction.entries(of: run.record.id)
                .filter { $0.address.call > 0 && $0.address.blockOfBranch == plan.address }
        }
        let running = branches.count { $0.status == .started }
        var wanted = recorded ?? plan.count
        if recorded == nil { wanted = isStopping ? 0 : min(plan.count, branches.count + plan.concurrency - running) }
        var isWaiting = running > 0
        while branches.count < wanted {
            branches.append(try beginBranch(branches.count, of: plan, open.call, at: now))
            // In a replay time goes on with the record's next entry.
            transaction.observe(branches[branches.count - 1].address)
            _ = transaction.takeAccesses()
            now = max(now, context.clock.now())
            isWaiting = true
        }
        guard !isWaiting else {
            try save(.waiting, wakesAt: isStopping && isLate ? nil : plan.deadline)
            return .left
        }
        if run.record.halt == .cancel { return try halt() }
        let timeout = BlockFailure.timeout(
            "'\(open.call.path)'",
            open.call.timeout ?? (plan.deadline ?? now) - open.call.now
        )
        let outcome = plan.outcome(of: branches, collects: work.collects, isLate: isLate)
        try settle(open.entry, outcome ?? .failure(timeout), open.call)
        return nil
    }

    /// Cancels the branches that still go on; those that have a request on their way stop once it is settled.
    private mutating func stopBranches() throws(StoreError) {
        var halted = TurnContext.Halted()
        let branches = try transaction.openChildren(of: run.record.id)
        // All of them first: one that ends must not begin another.
        for branch in branches { try transaction.setHalt(.cancel, of: branch) }
        for branch in branches {
            try context.cancel(branch, in: transaction, &halted)
        }
        if halted.startsWork { startsWork = true }
        stopped += halted.stopped
        try reload()
    }
}
