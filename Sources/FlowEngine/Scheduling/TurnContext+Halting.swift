import Expressions
import FlowLanguage

// Cancelling and pausing, inside the group that notes the wish.
//
// A run stops only where nothing that it sent is without its answer: "maybe charged" must not become "cancelled". Until
// then the wish stands on its row, and the turn that settles the request carries it out. A cancelled run passes no
// further block, `fail`, `catch` and `finally` among them: whoever cancels wants no more effects of it.
extension TurnContext {
    /// What became of a wish.
    struct Halted {
        /// Runs that stopped now, for those who wait for them.
        var stopped: [RunRecord] = []
        /// Other runs may have become claimable.
        var startsWork = false
    }

    /// Cancels a run and the sub-flows that it waits for, or has them cancelled as soon as what they sent is settled.
    ///
    /// The run ends behind its sub-flows: as long as one of them has a request on its way, it waits for it.
    func cancel(
        _ id: RunID,
        in transaction: any StoreTransaction,
        _ halted: inout Halted
    ) throws(StoreError) {
        guard let before = try transaction.run(id), !before.status.isFinal else { return }
        if before.halt != .cancel { try transaction.setHalt(.cancel, of: id) }
        let children = try transaction.openChildren(of: id)
        for child in children { try cancel(child, in: transaction, &halted) }
        // The end of a sub-flow may have changed the row.
        guard var record = try transaction.run(id), !record.status.isFinal else { return }
        if !children.isEmpty, try !transaction.openChildren(of: id).isEmpty { return }
        switch record.status {
        case .queued, .waiting, .retrying, .paused, .quarantined:
            if let request = try unsettledRequest(of: record, in: transaction) {
                // Nobody repeats it by itself: a person says what became of it, then the run is cancelled.
                if record.status == .paused || record.status == .quarantined {
                    try park(&record, request, "the run is to be cancelled", in: transaction)
                    halted.stopped.append(record)
                }
                return
            }
            if try end(&record, trace: record.trace, in: transaction) { halted.startsWork = true }
            halted.stopped.append(record)
        // Its next turn sees the wish.
        case .running, .outcomeUnknown: return
        case .succeeded, .failed, .cancelled: return
        }
    }

    /// The branches that a run waits for.
    private func branches(of record: RunRecord, in transaction: any StoreReader) throws(StoreError) -> [RunRecord] {
        var branches: [RunRecord] = []
        for child in try transaction.openChildren(of: record.id) {
            if let branch = try transaction.run(child), branch.start.origin == .branch { branches.append(branch) }
        }
        return branches
    }

    /// Lets the branches of a run go on that were paused with it.
    func resumeBranches(of record: RunRecord, in transaction: any StoreTransaction) throws(StoreError) {
        for var branch in try branches(of: record, in: transaction) where branch.halt != .cancel {
            // One with a request on its way was not paused with its parent; it needs a look of its own.
            if branch.status == .paused, try unsettledRequest(of: branch, in: transaction) == nil {
                branch.goOn(now: clock.now())
                branch.failure = nil
                try transaction.updateRun(branch)
            }
            if branch.halt == .pause { try transaction.setHalt(nil, of: branch.id) }
            try resumeBranches(of: branch, in: transaction)
        }
    }

    /// Pauses a run, or has it paused as soon as what it sent is settled, and its branches with it.
    func pause(
        _ id: RunID,
        in transaction: any StoreTransaction,
        _ halted: inout Halted
    ) throws(StoreError) {
        guard var record = try transaction.run(id) else { return }
        for branch in try branches(of: record, in: transaction) where branch.halt == nil && branch.status != .paused {
            try pause(branch.id, in: transaction, &halted)
        }
        let isAtRest = [.queued, .waiting, .retrying].contains(record.status)
        let request = try unsettledRequest(of: record, in: transaction)
        guard isAtRest, request == nil else { return try transaction.setHalt(.pause, of: id) }
        // The end of a pause between two attempts is not forgotten; what a wait waits for, its block says anew.
        if record.status != .retrying { record.wakesAt = nil }
        record.status = .paused
        record.epoch = epoch
        try transaction.updateRun(record)
        halted.stopped.append(record)
        if record.start.lane != nil { halted.startsWork = true }
    }

    /// Whether a run that nobody takes up by itself was only kept from being cancelled by what it waited for.
    func mayEnd(_ record: RunRecord, in transaction: any StoreReader) throws(StoreError) -> Bool {
        guard record.status == .paused || record.status == .quarantined, record.halt == .cancel else { return false }
        return try transaction.openChildren(of: record.id).isEmpty
    }

    /// Makes a run `cancelled`; its open entries are closed as failed.
    ///
    /// - Returns: Whether other runs may have become claimable.
    func end(
        _ record: inout RunRecord,
        trace: [TraceStep],
        in transaction: any StoreTransaction
    ) throws(StoreError) -> Bool {
        let now = clock.now()
        for var entry in try transaction.entries(of: record.id) where entry.status == .started {
            if !entry.isUncertain, let request = OutsideRequest(entry.input) {
                try abandon(request, .notSent, in: transaction)
            }
            entry.status = .failed
            entry.finishedAt = now
            entry.failure = .engine("cancelled", "the run was cancelled")
            entry.failure?.block = entry.address.path.rawValue
            try transaction.finishEntry(entry, epoch: epoch)
        }
        record.status = .cancelled
        record.epoch = epoch
        record.wakesAt = nil
        record.finishedAt = now
        record.strikes = 0
        record.trace = trace
        record.answer =
            record.answer
            ?? RunAnswer(status: 409, body: ["code": "cancelled", "message": "The run was cancelled."])
        return try close(record, output: .null, in: transaction)
    }

    /// The entry of a request that may have been executed and whose answer is not recorded.
    func unsettledRequest(
        of record: RunRecord,
        in transaction: any StoreReader
    ) throws(StoreError) -> JournalEntry? {
        guard record.startedAt != nil else { return nil }
        return try transaction.entries(of: record.id).last { $0.mayHaveHappened }
    }

    /// Notes in an entry that its request may have been executed, as long as it is not known.
    func noteUncertainty(of request: JournalEntry, in transaction: any StoreTransaction) throws(StoreError) {
        guard !request.isUncertain else { return }
        var request = request
        request.failure = BlockFailure(
            code: Turn.noAnswer,
            type: "connection",
            message: "the run was stopped meanwhile",
            retryable: true
        )
        try transaction.finishEntry(request, epoch: epoch)
    }

    /// Parks a run with a request that may have been executed.
    func park(
        _ record: inout RunRecord,
        _ request: JournalEntry,
        _ reason: String,
        in transaction: any StoreTransaction
    ) throws(StoreError) {
        var request = request
        var failure = BlockFailure(
            code: Turn.outcomeUnknown,
            type: "connection",
            message: "a request may have been executed, and \(reason). \(BlockFailure.wayOutOfUncertainty)"
        )
        failure.block = request.address.path.rawValue
        request.failure = failure
        try transaction.finishEntry(request, epoch: epoch)
        record.status = .outcomeUnknown
        record.wakesAt = nil
        record.epoch = epoch
        record.strikes = 0
        record.failure = failure
        try transaction.updateRun(record)
    }
}

extension RunRecord {
    /// Goes on after a pause: at once, or, if it was paused between two attempts, when the time between them is over.
    mutating func goOn(now: Timestamp) {
        if let wakesAt, wakesAt > now {
            status = .retrying
        } else {
            status = .queued
            wakesAt = nil
        }
    }
}

extension JournalEntry {
    /// Whether it is on record that its request may have been executed, whatever becomes of a repetition.
    var isUncertain: Bool { failure?.code == Turn.noAnswer || failure?.code == Turn.outcomeUnknown }

    /// Whether a request left and may have had its effect.
    ///
    /// An answer that only reads changes nothing, and `not_sent` says that nothing left.
    fileprivate var mayHaveHappened: Bool {
        guard status == .started, sends > 0, failure?.code != Turn.notSent else { return false }
        return OutsideRequest(input)?.effect != .safe
    }
}

extension Turn {
    /// Carries out what an operator wants of the run, at a moment when nothing that it sent is without its answer.
    ///
    /// - Returns: Nil when nothing is wanted, or nothing can be done yet.
    mutating func halt() throws(StoreError) -> Stop? {
        guard let halt = run.record.halt, run.pending == nil else { return nil }
        // Between two entries a pause undoes what was passed since: it is passed again, at another moment.
        let isUndone = halt == .pause && wasResting
        if !isUndone { lines += run.interpreter.takeLines() }
        switch halt {
        case .pause:
            try transaction.setHalt(nil, of: run.record.id)
            run.record.halt = nil
            if isUndone { try saveResting(.paused) } else { try save(.paused) }
        case .cancel:
            if try context.end(&run.record, trace: run.interpreter.takeTrace(), in: transaction) { startsWork = true }
        }
        return .left
    }
}
