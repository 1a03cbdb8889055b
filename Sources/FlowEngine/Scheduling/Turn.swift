import Expressions
import FlowLanguage

/// Advances one run inside an open group, through all its record blocks, until it needs something from outside.
///
/// Works on copies: what it leaves in `run` becomes true when the group is committed.
struct Turn {
    enum Stop: Sendable, Hashable {
        /// A request is on disk and is to be sent after the commit.
        case sending
        /// Code is to be run, outside the process, after the commit.
        case computing
        /// It took its share of the writer and goes on in a later group.
        case yielding
        /// It waits, is parked or is over: nothing of it need stay in memory.
        case left
    }

    let context: TurnContext
    let transaction: any StoreTransaction
    var run: LiveRun
    /// The `now` of the blocks up to the next entry.
    var now: Timestamp
    var lines: [FlowLogLine] = []
    /// Other runs may have become claimable.
    var startsWork = false
    /// Other runs that this one stopped.
    var stopped: [RunRecord] = []
    /// Blocks that were done, for figures.
    private(set) var timings: [BlockTiming] = []
    /// The last turn ended between two entries.
    let wasResting: Bool
    private var effects = 0
    /// What the blocks inside the open transactions read and changed, the innermost last: an undone one keeps it.
    private var accessesInside: [[StoreAccess]] = []
    /// The run's row as it is on disk.
    private var saved: RunRecord

    init(_ run: LiveRun, context: TurnContext, in transaction: any StoreTransaction) {
        self.context = context
        self.transaction = transaction
        self.run = run
        self.saved = run.record
        self.wasResting = run.moment != nil
        // Blocks between two entries see one moment, however many turns they take.
        self.now = run.moment ?? context.clock.now()
        self.run.moment = nil
        self.run.interpreter.beginTurn(share: context.stepsPerTurn)
        // What it changes may start other runs, and they in turn.
        (transaction as? TriggeringTransaction)?.generation = generation
    }

    /// Whether the run has got further since the turn began.
    var hasProgressed: Bool { effects > 0 }

    /// Goes on until the run must wait for something outside the group.
    mutating func advance() throws(StoreError) -> Stop {
        while true {
            guard effects < context.effectsPerTurn else {
                try save(.running)
                return .yielding
            }
            switch run.interpreter.next(now: now) {
            case .perform(let call):
                if let stop = try perform(call) {
                    lines += run.interpreter.takeLines()
                    return stop
                }
            case .openTransaction(let call):
                try runTransaction(call)
            case .pause(let pause):
                if let stop = try self.pause(pause) { return stop }
            case .rest:
                run.moment = now
                try saveResting(.running)
                return .yielding
            case .closeTransaction, .rollBack:
                throw StoreError(.corrupt, "run \(run.record.id): the journal ends inside a transaction")
            case .finish(let ending):
                lines += run.interpreter.takeLines()
                try finish(ending)
                return .left
            }
        }
    }

    // MARK: Transactions

    private mutating func runTransaction(_ call: BlockCall) throws(StoreError) {
        let transaction = transaction
        var undone: BlockFailure?
        accessesInside.append([])
        transaction.observe(address(of: call, number: 0))
        do throws(StoreError) {
            try transaction.savepoint { () throws(StoreError) in
                undone = try advanceInside()
                if undone != nil { throw StoreError(.constraint, "the transaction at \(call.path) is rolled back") }
            }
            let inside = accessesInside.removeLast()
            noteInside(inside)
        } catch {
            let inside = accessesInside.removeLast()
            guard let failure = undone else { throw error }
            try conclude(call, .failure(failure), accesses: inside)
        }
    }

    private mutating func noteInside(_ accesses: [StoreAccess]) {
        if !accessesInside.isEmpty { accessesInside[accessesInside.count - 1] += accesses }
    }

    /// What the block did since `observe`, as far as its entry must keep it.
    mutating func takeAccesses(of call: BlockCall) -> [StoreAccess]? {
        let accesses = transaction.takeAccesses()
        noteInside(accesses)
        return call.work.outputShowsAccesses ? nil : accesses
    }

    /// - Returns: The failure for which the innermost transaction must be undone; nil when it is closed.
    private mutating func advanceInside() throws(StoreError) -> BlockFailure? {
        while true {
            switch run.interpreter.next(now: now) {
            case .perform(let call):
                if try perform(call, isInTransaction: true) != nil {
                    throw StoreError(.corrupt, "\(call.block) at \(call.path) cannot wait inside a transaction")
                }
            case .openTransaction(let call): try runTransaction(call)
            case .closeTransaction(let call):
                try conclude(call, .success(.null))
                return nil
            case .rollBack(_, let failure): return failure
            case .pause, .rest: throw StoreError(.corrupt, "run \(run.record.id) pauses inside a transaction")
            case .finish: throw StoreError(.corrupt, "run \(run.record.id) ends inside a transaction")
            }
        }
    }

    // MARK: Blocks

    /// Does one block and records it.
    ///
    /// - Returns: Nil when the run can go on at once.
    private mutating func perform(_ call: BlockCall, isInTransaction: Bool = false) throws(StoreError) -> Stop? {
        transaction.observe(address(of: call, number: 0))
        switch call.work {
        case .find, .insert, .upsert, .update, .delete:
            try conclude(call, try recordResult(of: call.work))
        case .callback:
            try conclude(call, try callbackResult(of: call))
        case .command, .runFlow, .wait, .code, .branches:
            guard !isInTransaction else {
                try conclude(call, .failure(.engine("invalid_graph", "\(call.block) cannot stand in a transaction")))
                return nil
            }
            if case .command(let block, let data) = call.work { return try begin(block, data: data, call) }
            if case .wait(let work) = call.work { return try wait(for: work, call) }
            if case .code = call.work { return try beginCode(call) }
            if case .branches(let work) = call.work { return try begin(work, call) }
            if case .runFlow(let flow, let input, let mode) = call.work {
                return try runFlow(flow, input: input, mode: mode, call)
            }
        case .transaction:
            throw StoreError(.corrupt, "a transaction is not performed but opened")
        }
        return nil
    }

    private func callbackResult(of call: BlockCall) throws(StoreError) -> Result<Value, BlockFailure> {
        let nobody = BlockFailure.engine("no_callback", "the flow is not started by a callback of a feature")
        guard case .callback(let trigger) = run.interpreter.graph.trigger else { return .failure(nobody) }
        let (record, features) = (run.record, context.features)
        return try protecting { (transaction) throws(StoreError) in
            for feature in features {
                switch try feature.handleCallback(trigger, of: record, at: call.now, in: transaction) {
                case .output(let output): return .success(.map(output))
                case .failure(let failure): return .failure(failure)
                case nil: continue
                }
            }
            return .failure(nobody)
        }
    }

    /// Runs `body` in a savepoint; an error of the data is the block's failure, and what it did is undone.
    func protecting<T>(
        _ body: (any StoreTransaction) throws(StoreError) -> Result<T, BlockFailure>
    ) throws(StoreError) -> Result<T, BlockFailure> {
        let transaction = transaction
        do throws(StoreError) {
            return try transaction.savepoint { () throws(StoreError) in try body(transaction) }
        } catch {
            guard error.isBlockFailure else { throw error }
            return .failure(BlockFailure(error))
        }
    }

    /// Writes the entry of a block that is over and hands its outcome to the interpreter.
    ///
    /// `accesses` are those of an undone transaction's inside.
    mutating func conclude(
        _ call: BlockCall,
        _ result: Result<Value, BlockFailure>,
        accesses: [StoreAccess]? = nil
    ) throws(StoreError) {
        // A transaction's own entry is written when it closes: nothing was observed for it.
        if case .transaction = call.work { transaction.observe(address(of: call, number: 0)) }
        var entry = entry(of: call, status: .succeeded, input: call.work.journalInput)
        let own = takeAccesses(of: call)
        entry.accesses = accesses ?? own
        switch result {
        case .success(let output): entry.output = output
        case .failure(var failure):
            if failure.block == nil { failure.block = call.path.rawValue }
            entry.status = .failed
            entry.failure = failure
        }
        entry.finishedAt = now
        try insert(entry)
        hand(result, to: call, at: entry.finishedAt)
    }

    /// Hands the outcome of a block to the interpreter; `time` is when its entry says that the block was over.
    mutating func hand(_ result: Result<Value, BlockFailure>, to call: BlockCall, at time: Timestamp?) {
        lines += run.interpreter.takeLines()
        switch result {
        case .success(let output): run.interpreter.succeeded(call, output: output)
        case .failure(let failure): run.interpreter.failed(call, failure, at: time)
        }
    }

    /// A new entry with the next number; reads the clock, since the blocks behind it are of another moment.
    mutating func entry(
        of call: BlockCall,
        number: Int = 0,
        status: JournalEntry.Status,
        input: Value
    ) -> JournalEntry {
        now = max(now, context.clock.now())
        return JournalEntry(
            address: address(of: call, number: number),
            sequence: run.interpreter.takeSequence(),
            block: call.block,
            status: status,
            startedAt: call.now,
            input: input,
            trace: number == 0 ? call.trace : []
        )
    }

    func address(of call: BlockCall, number: Int) -> EntryAddress {
        EntryAddress(
            run: run.record.id,
            path: call.path,
            visit: call.visit,
            attempt: call.attempt,
            call: number
        )
    }

    mutating func insert(_ entry: JournalEntry) throws(StoreError) {
        try Failpoint.entryBeforeCommit.reach()
        effects += 1
        time(entry)
        do throws(StoreError) {
            try transaction.insertEntry(entry, epoch: context.epoch)
        } catch {
            throw error.isBlockFailure ? StoreError(.corrupt, "journal: \(error.message)") : error
        }
    }

    mutating func update(_ entry: JournalEntry) throws(StoreError) {
        if entry.status != .started { effects += 1 }
        time(entry)
        try transaction.finishEntry(entry, epoch: context.epoch)
    }

    private mutating func time(_ entry: JournalEntry) {
        guard entry.status != .started, let finishedAt = entry.finishedAt else { return }
        let span = finishedAt.microseconds - entry.startedAt.microseconds
        timings.append(BlockTiming(block: entry.block, microseconds: max(0, span)))
    }

    // MARK: The run's row

    private mutating func finish(_ ending: RunEnding) throws(StoreError) {
        var output: Value = [:]
        run.record.answer = run.record.answer ?? run.interpreter.answer
        switch ending {
        case .succeeded(let declared):
            run.record.status = .succeeded
            if let declared {
                output = .map(declared)
                run.record.answer = run.record.answer ?? RunAnswer(status: 200, body: output)
            }
            if let answer = run.record.answer { output = answer.body }
        case .joined(let joined):
            run.record.status = .succeeded
            output = joined
        case .failed(let failure):
            run.record.status = .failed
            run.record.failure = failure
            run.record.answer = run.record.answer ?? RunAnswer(failure: failure)
        }
        run.record.epoch = context.epoch
        // What the last expressions saw as `now`: a replay sees it again.
        run.record.finishedAt = now
        run.record.wakesAt = nil
        run.record.awaits = nil
        run.record.strikes = 0
        run.record.trace = run.interpreter.takeTrace()
        effects += 1
        if try context.close(run.record, output: output, in: transaction) { startsWork = true }
    }

    /// Writes how the run stands without what its blocks did since the last entry, such as an answer.
    mutating func saveResting(_ status: RunStatus) throws(StoreError) {
        run.record.status = status
        // A released lane lets the next run of it go.
        if status != .running, run.record.start.lane != nil { startsWork = true }
        run.record.epoch = context.epoch
        run.record.wakesAt = nil
        run.record.awaits = nil
        guard run.record != saved else { return }
        try transaction.updateRun(run.record)
        saved = run.record
    }

    /// Looks again how the run's row stands on disk, since others may have changed it within this group.
    mutating func reload() throws(StoreError) {
        if let record = try transaction.run(run.record.id) { saved = record }
    }

    /// Writes the run's row, where it changed.
    mutating func save(
        _ status: RunStatus,
        wakesAt: Timestamp? = nil,
        awaits: EventSubject? = nil,
        failure: BlockFailure? = nil
    ) throws(StoreError) {
        run.record.status = status
        run.record.epoch = context.epoch
        run.record.wakesAt = wakesAt
        run.record.awaits = awaits
        run.record.failure = failure
        run.record.answer = run.record.answer ?? run.interpreter.answer
        if hasProgressed { run.record.strikes = 0 }
        // A released lane lets the next run of it go.
        if status != .running, run.record.start.lane != nil { startsWork = true }
        guard run.record != saved else { return }
        try transaction.updateRun(run.record)
        saved = run.record
    }
}

extension BlockFailure {
    /// A record block's data was refused.
    init(_ error: StoreError) {
        self.init(
            code: error.code == .constraint ? "constraint" : "invalid_value",
            type: "record",
            message: error.message,
            param: error.column
        )
    }
}
