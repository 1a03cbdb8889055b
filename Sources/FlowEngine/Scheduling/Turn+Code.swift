import Crypto
import Expressions
import FlowLanguage

/// A code block on its way: what its host calls gave so far.
struct PendingCode: Sendable {
    var call: BlockCall
    var answers: [CodeAnswer] = []
    /// A request of its latest host call that was on its way when the run was left; goes again once the code, run again,
    /// asks for it.
    var reopened: PendingRequest?
}

// A code block: each of its host calls is an entry, answered in the order in which the code made them.
extension Turn {
    mutating func beginCode(_ call: BlockCall) throws(StoreError) -> Stop {
        // What the journal has of this passage is given to the code instead of being done again.
        if run.code?.call.isAt(address(of: call, number: 0)) != true { run.code = PendingCode(call: call) }
        // On disk it is no longer one that somebody has to take up, nor one that keeps no lane.
        try save(.running)
        return .computing
    }

    /// The code is run up to the open request, which then goes again.
    mutating func reopenCode(_ pending: PendingRequest) throws(StoreError) -> Stop {
        run.code?.reopened = pending
        try save(.running)
        return .computing
    }

    // MARK: What the code did

    /// Records what the code came to.
    ///
    /// - Returns: Nil when the run can go on at once.
    mutating func receive(_ progress: CodeProgress) throws(StoreError) -> Stop? {
        guard let code = run.code else { return nil }
        let path = code.call.path
        lines += progress.lines.map {
            FlowLogLine(level: $0.level, message: SecretPattern.redacted($0.text), fields: [:], path: path)
        }
        switch progress.step {
        // A call that is not recorded is made again when the code is run again, if it ever is.
        case .asks where run.record.halt != nil && code.reopened == nil: return nil
        case .asks(let question):
            if let failure = timeout(of: code) {
                try concludeCode(.failure(failure))
                return nil
            }
            return try serve(question, code)
        case .returned(let value):
            if let open = code.reopened { return try missed(open, .diverged("it returned without the call")) }
            try concludeCode(timeout(of: code).map { .failure($0) } ?? .success(value))
        case .failed(let failure):
            if let open = code.reopened { return try missed(open, failure) }
            try concludeCode(.failure(failure))
        }
        return nil
    }

    /// Out of time, code asks for nothing more; a request that is on its way comes to its end first.
    ///
    /// Told by when its last call was over, which the journal keeps, so that a replay decides the same; how long code
    /// computes between two calls, `limits.time` bounds.
    private func timeout(of code: PendingCode) -> BlockFailure? {
        let call = code.call
        guard code.reopened == nil, let deadline = call.deadline, let last = code.answers.last?.answeredAt,
            deadline <= last
        else { return nil }
        return .timeout("'\(call.path)'", call.timeout ?? deadline - call.now)
    }

    /// Writes the block's own entry, behind those of its host calls.
    private mutating func concludeCode(_ result: Result<Value, BlockFailure>) throws(StoreError) {
        guard let code = run.code else { return }
        run.code = nil
        let call = code.call
        let number = code.answers.count
        var result = result
        // Of no row, but of a moment: a replay goes by it.
        transaction.observe(address(of: call, number: number))
        var entry = entry(of: call, number: number, status: .succeeded, input: call.work.journalInput.redacted)
        switch result {
        case .success(let output): entry.output = output
        case .failure(var failure):
            failure.block = failure.block ?? call.path.rawValue
            failure.message = SecretPattern.redacted(failure.message)
            result = .failure(failure)
            entry.status = .failed
            entry.failure = failure
        }
        entry.finishedAt = now
        try insert(entry)
        hand(result, to: call, at: entry.finishedAt)
    }

    /// Run again, the code did not ask for the request that was on its way when the run was left.
    private mutating func missed(_ open: PendingRequest, _ failure: BlockFailure) throws(StoreError) -> Stop? {
        var open = open
        run.code?.reopened = nil
        guard open.request.effect == .safe else {
            // It may have been executed, and only the code could tell what that means.
            open.entry.failure = failure
            return try park(open)
        }
        open.entry.status = .failed
        open.entry.failure = failure
        now = max(now, context.clock.now())
        open.entry.finishedAt = now
        try update(open.entry)
        run.code?.answers.append(CodeAnswer(open.entry))
        try concludeCode(.failure(failure))
        return nil
    }

    private mutating func serve(_ question: CodeQuestion, _ code: PendingCode) throws(StoreError) -> Stop? {
        let number = code.answers.count
        if let pending = code.reopened {
            guard question.isRecorded(in: pending.entry) else {
                let recorded = pending.entry.input["call"]?.stringValue ?? "another call"
                return try missed(
                    pending,
                    .diverged("number \(number + 1) was \(recorded), and is another \(question.call) now")
                )
            }
            run.code?.reopened = nil
            run.pending = pending
            return .sending
        }
        transaction.observe(address(of: code.call, number: number))
        switch question.work {
        case .send(let request):
            if let refusal = refusal(of: request) { return try answer(question, number, .failure(refusal)) }
            return try send(request, code.call, number: number, exchanges: [], question: question)
        case .records(let operation, let arguments):
            let work = RecordCallReader(app: context.app).work(operation, arguments)
            return try answer(question, number, try recordResult(of: work))
        case .runFlow(let flow, let input, let mode):
            return try runFlow(flow, input, mode, question, code)
        }
    }

    /// Code reaches what the connection grants to the caller's role, as the block 'http-request' does.
    private func refusal(of request: OutsideRequest) -> BlockFailure? {
        guard let connection = context.app.connection(named: request.connection), connection.service == "http",
            !run.record.start.caller.isAllowed(connection.access["request"] ?? [])
        else { return nil }
        return BlockFailure(
            code: "forbidden",
            type: "access",
            message: "the caller may not use 'request' of '\(connection.name)'",
            status: 403
        )
    }

    private func recordResult(
        of work: Result<BlockWork, BlockFailure>
    ) throws(StoreError) -> Result<Value, BlockFailure> {
        switch work {
        case .success(let work):
            let result = try recordResult(of: work)
            guard case .find = work else { return result }
            // Code wants the rows, not the block's `{ items, count }`.
            return result.map { $0["items"] ?? .list([]) }
        case .failure(let failure): return .failure(failure)
        }
    }

    // MARK: Answers

    /// Writes the entry of a host call that is over, and lets the code go on.
    private mutating func answer(
        _ question: CodeQuestion,
        _ number: Int,
        _ result: Result<Value, BlockFailure>
    ) throws(StoreError) -> Stop {
        guard let code = run.code else { return .left }
        var entry = entry(of: code.call, number: number, status: .succeeded, input: question.journalValue(with: [:]))
        switch result {
        case .success(let value): entry.output = value
        case .failure(let failure):
            entry.status = .failed
            entry.failure = failure
        }
        entry.accesses = takeAccesses(of: code.call)
        entry.finishedAt = now
        try insert(entry)
        run.code?.answers.append(CodeAnswer(entry))
        try save(.running)
        return .computing
    }

    mutating func receiveForCode(_ answer: OutsideAnswer, _ pending: PendingRequest) throws(StoreError) -> Stop? {
        try Failpoint.receiveBeforeCommit.reach()
        var entry = pending.entry
        entry.status = .succeeded
        entry.failure = nil
        entry.output = answer.journalValue
        return try goOn(entry)
    }

    /// A request that was surely not executed fails as the call of the code that it was.
    mutating func settleForCode(_ entry: JournalEntry, _ failure: BlockFailure) throws(StoreError) -> Stop? {
        var entry = entry
        entry.status = .failed
        entry.failure = failure
        return try goOn(entry)
    }

    private mutating func goOn(_ finished: JournalEntry) throws(StoreError) -> Stop? {
        var entry = finished
        now = max(now, context.clock.now())
        entry.finishedAt = now
        run.pending = nil
        try update(entry)
        run.code?.answers.append(CodeAnswer(entry))
        try save(.running)
        return .computing
    }

    private mutating func runFlow(
        _ flow: String,
        _ input: ValueMap,
        _ mode: RunFlowBlock.Mode,
        _ question: CodeQuestion,
        _ code: PendingCode
    ) throws(StoreError) -> Stop? {
        let number = code.answers.count
        var child: RunStart
        let admission: StartAdmission
        switch try subflow(flow, input: input) {
        case .success(let (start, graph)):
            child = start
            admission = StartAdmission(graph, now: now)
        case .failure(let failure): return try answer(question, number, .failure(failure))
        }
        if mode == .start { return try answer(question, number, try start(child, admission)) }
        startsWork = true
        child.parent = address(of: code.call, number: number)
        let inserted = try admission.insert(child, waitedForBy: run.record, in: transaction)
        // The answer takes a sequence number of its own: taken before as well, one would be missing in the journal.
        if let failure = inserted.failure { return try answer(question, number, .failure(failure)) }
        var entry = entry(of: code.call, number: number, status: .started, input: question.journalValue(with: [:]))
        var described: ValueMap = ["run": .int(inserted.id.rawValue)]
        if let deadline = code.call.deadline { described["deadline"] = .timestamp(deadline) }
        entry.input = question.journalValue(with: .map(described))
        try insert(entry)
        // The code is run again when the sub-flow has ended: a waiting run costs no memory and no worker.
        try save(.waiting, wakesAt: code.call.deadline)
        return .left
    }
}

extension TurnContext {
    func codeJob(of call: BlockCall, in record: RunRecord) -> CodeJob? {
        guard case .code(let block, let scope) = call.work else { return nil }
        var hash = SHA256()
        hash.update(data: installation)
        hash.update(data: Array("seed\n\(record.id)\n\(call.path)\n\(call.visit)\n\(call.attempt)".utf8))
        return CodeJob(
            address: EntryAddress(run: record.id, path: call.path, visit: call.visit, attempt: call.attempt),
            block: block,
            args: .map(scope.args),
            input: scope.input,
            trigger: scope.trigger,
            variables: .map(scope.variables),
            run: scope.run,
            mode: record.start.mode,
            now: call.now,
            seed: Array(hash.finalize())
        )
    }
}

extension BlockCall {
    func isAt(_ address: EntryAddress) -> Bool {
        path == address.path && visit == address.visit && attempt == address.attempt
    }
}

extension BlockFailure {
    fileprivate static func diverged(_ what: String) -> BlockFailure {
        let message = "run again, the code made another host call than before: \(what)"
        return BlockFailure(code: "code-diverged", type: "code", message: message)
    }
}
