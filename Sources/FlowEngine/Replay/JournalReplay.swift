import Expressions
import FlowLanguage

/// Brings an interpreter to where a run's journal ends, by feeding it what was recorded.
struct JournalReplay {
    /// A block whose entry was written, and whose outcome was not.
    struct OpenEntry: Sendable {
        var call: BlockCall
        var entry: JournalEntry
        /// Earlier requests of the same attempt, with their answers.
        var exchanges: [CommandCall.Exchange]
        /// Of a block with branches: their entries, in the order of their numbers.
        var branches: [JournalEntry] = []
    }

    private(set) var interpreter: Interpreter
    private(set) var open: OpenEntry?
    /// The code block that the journal ends in, with what its host calls gave.
    private(set) var code: PendingCode?
    private let entries: [JournalEntry]
    private var position = 0

    /// Feeds the entries, which stand in the order of their sequence.
    ///
    /// - Throws: When the journal is not one that this graph can have written.
    init(_ interpreter: Interpreter, entries: [JournalEntry]) throws(NondeterminismError) {
        self.interpreter = interpreter
        self.entries = entries
        self.interpreter.recorded = entries.first?.trace ?? []
        while position < entries.count { try step() }
        guard !self.interpreter.isInTransaction else {
            throw NondeterminismError(message: "the journal ends inside a transaction")
        }
    }

    private mutating func step() throws(NondeterminismError) {
        let entry = entries[position]
        guard open == nil else {
            throw NondeterminismError(message: "entry \(entry.sequence) follows one that was not finished")
        }
        switch interpreter.next(now: entry.startedAt) {
        case .openTransaction(let call):
            // What happened inside was undone with the failure; nothing of it is recorded.
            guard entry.block == call.block, entry.address.path == call.path, entry.status == .failed else { return }
            try match(entry, call)
            try interpreter.abandonTransaction(call)
            consume()
            interpreter.failed(call, try failure(of: entry), at: entry.finishedAt)
        case .closeTransaction(let call):
            try match(entry, call)
            consume()
            interpreter.succeeded(call, output: entry.output)
        case .perform(let call):
            try replay(call)
        case .pause: interpreter.endPause()
        case .rest: preconditionFailure("who has no share rests never")
        case .rollBack(let call, _):
            throw NondeterminismError(message: "the journal goes on where the run rolls back at \(call.path)")
        case .finish:
            throw NondeterminismError(message: "entry \(entry.sequence) stands behind the end of the run")
        }
        // Released when they were recorded.
        _ = interpreter.takeLines()
    }

    /// A code block's entries: its host calls, then its outcome, if it came to one.
    private mutating func replayCode(_ call: BlockCall) throws(NondeterminismError) {
        var answers: [CodeAnswer] = []
        while position < entries.count {
            let entry = entries[position]
            try match(entry, call, calls: answers.count)
            consume()
            guard entry.isHostCall else {
                switch entry.status {
                case .succeeded: interpreter.succeeded(call, output: entry.output)
                case .failed: interpreter.failed(call, try failure(of: entry), at: entry.finishedAt)
                case .started, .outcomeUnknown:
                    throw NondeterminismError(message: "entry \(entry.sequence) of code has no outcome")
                }
                return
            }
            switch entry.status {
            case .succeeded, .failed: answers.append(CodeAnswer(entry))
            case .started, .outcomeUnknown: open = OpenEntry(call: call, entry: entry, exchanges: [])
            }
            if open != nil { break }
        }
        code = PendingCode(call: call, answers: answers)
    }

    /// The block's own entry, which is finished last, and behind it one for each branch that was begun.
    private mutating func replayBranches(_ call: BlockCall) throws(NondeterminismError) {
        let own = entries[position]
        try match(own, call)
        consume()
        var branches: [JournalEntry] = []
        while position < entries.count {
            let entry = entries[position]
            guard entry.address == own.address.branch(branches.count) else { break }
            try match(entry, call, calls: branches.count + 1)
            consume()
            branches.append(entry)
        }
        switch own.status {
        case .succeeded: interpreter.succeeded(call, output: own.output)
        case .failed: interpreter.failed(call, try failure(of: own), at: own.finishedAt)
        case .started, .outcomeUnknown:
            open = OpenEntry(call: call, entry: own, exchanges: [], branches: branches)
        }
    }

    private mutating func replay(_ call: BlockCall) throws(NondeterminismError) {
        if case .code = call.work { return try replayCode(call) }
        if case .branches = call.work { return try replayBranches(call) }
        var exchanges: [CommandCall.Exchange] = []
        while position < entries.count {
            let entry = entries[position]
            try match(entry, call, calls: exchanges.count)
            consume()
            let hasFurtherCall = position < entries.count && entries[position].isFurtherCall(of: entry)
            switch entry.status {
            case .succeeded where hasFurtherCall:
                guard let request = OutsideRequest(entry.input), let answer = OutsideAnswer(entry.output) else {
                    throw NondeterminismError(message: "entry \(entry.sequence) holds no exchange")
                }
                exchanges.append(CommandCall.Exchange(request: request, answer: answer))
                continue
            case .succeeded: interpreter.succeeded(call, output: entry.output)
            case .failed: interpreter.failed(call, try failure(of: entry), at: entry.finishedAt)
            case .started, .outcomeUnknown: open = OpenEntry(call: call, entry: entry, exchanges: exchanges)
            }
            return
        }
    }

    private mutating func consume() {
        position += 1
        interpreter.recorded = position < entries.count ? entries[position].trace : []
        _ = interpreter.takeSequence()
    }

    private func match(_ entry: JournalEntry, _ call: BlockCall, calls: Int = 0) throws(NondeterminismError) {
        let address = entry.address
        guard
            entry.block == call.block, address.path == call.path, address.visit == call.visit,
            address.attempt == call.attempt, address.call == calls, entry.sequence == position + 1
        else {
            throw NondeterminismError(
                message: "entry \(entry.sequence) is \(entry.block) at \(address.path) "
                    + "(visit \(address.visit), attempt \(address.attempt), call \(address.call)); "
                    + "the run asks for \(call.block) at \(call.path) "
                    + "(visit \(call.visit), attempt \(call.attempt), call \(calls)) as number \(position + 1)"
            )
        }
    }

    private func failure(of entry: JournalEntry) throws(NondeterminismError) -> BlockFailure {
        guard let failure = entry.failure else {
            throw NondeterminismError(message: "entry \(entry.sequence) failed and does not say how")
        }
        return failure
    }
}

extension JournalEntry {
    fileprivate func isFurtherCall(of other: JournalEntry) -> Bool {
        address.path == other.address.path && address.visit == other.address.visit
            && address.attempt == other.address.attempt && address.call == other.address.call + 1
    }
}

extension Interpreter {
    /// Leaves a transaction that was opened and whose inside is not repeated, since it was undone.
    mutating func abandonTransaction(_ call: BlockCall) throws(NondeterminismError) {
        guard closeFrame(of: call) else {
            throw NondeterminismError(message: "the transaction at \(call.path) is not open")
        }
    }
}
