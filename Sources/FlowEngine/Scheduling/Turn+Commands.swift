import Crypto
import Expressions
import FlowLanguage

// A command block: what it asks to send is on disk before it is sent, with the key that it carries.
extension Turn {
    mutating func begin(_ block: CommandBlock, data: ValueMap, _ call: BlockCall) throws(StoreError) -> Stop? {
        let command: any Command
        switch resolve(block, data: data) {
        case .success(let resolved): command = resolved
        case .failure(let failure):
            try conclude(call, .failure(failure))
            return nil
        }
        let commandCall = commandCall(block, data: data, call, number: 0, exchanges: [])
        let step = try protecting { (transaction) throws(StoreError) -> Result<CommandStep, BlockFailure> in
            .success(try command.begin(commandCall, in: transaction))
        }
        switch step {
        case .success(.send(let request)):
            return try send(request, call, number: 0, exchanges: [])
        case .success(.succeed(let output)): try conclude(call, .success(.map(output)))
        case .success(.fail(let failure)), .failure(let failure): try conclude(call, .failure(failure))
        }
        return nil
    }

    /// Writes the entry whose commit lets the request leave, with what code asked beside what it became.
    mutating func send(
        _ request: OutsideRequest,
        _ call: BlockCall,
        number: Int,
        exchanges: [CommandCall.Exchange],
        question: CodeQuestion? = nil
    ) throws(StoreError) -> Stop {
        var request = request
        if request.effect == .keyed, request.key == nil { request.key = key(of: call, number: number) }
        try Failpoint.keyBeforeCommit.reach()
        var entry = entry(of: call, number: number, status: .started, input: request.journalValue)
        if let question { entry.input = question.journalValue(with: entry.input) }
        entry.key = request.key
        entry.sends = 1
        entry.accesses = takeAccesses(of: call)
        try insert(entry)
        run.pending = PendingRequest(call: call, entry: entry, request: request, exchanges: exchanges)
        try save(.running)
        return .sending
    }

    // MARK: What came back

    /// Records what became of the request that the run waits for.
    ///
    /// - Returns: Nil when the run can go on at once.
    mutating func receive(_ result: TransportResult) throws(StoreError) -> Stop? {
        guard var pending = run.pending else { return nil }
        let effect = pending.request.effect
        // A request that may have been executed once stays so, whatever became of its repetitions.
        let mayHaveHappened = pending.entry.isUncertain
        let isOld = context.clock.now() - pending.entry.startedAt > Limits.keyedResending
        let earlier: EarlierSendings = mayHaveHappened ? isOld ? .openAndOld : .open : .none
        let verdict = SendVerdict(result, effect: effect, earlier: earlier) { expects($0, for: pending.call) }
        switch verdict {
        case .answered(let answer):
            return try receive(answer, to: pending)
        case .again(let isUncertain, let reason, let pause):
            let uncertain = isUncertain || mayHaveHappened
            var failure = problem(reason, isUncertain: uncertain, retryable: true)
            if case .answered(let answer) = result { failure.status = answer.status }
            failure.retryAfter = pause.map { Int($0.components.seconds) }
            pending.entry.failure = failure
            // A run that is to be cancelled is not kept for what has certainly not happened.
            let isWanted = run.record.halt != .cancel || uncertain
            // What must happen at most once is repeated by nobody but a person.
            let isAllowed = effect != .once || !uncertain
            // Where the author says how often, each attempt sends once, unless it may have been executed.
            let sends = hasRetry(pending.call) && (effect == .safe || !uncertain) ? 1 : Limits.sends
            guard pending.entry.sends < sends, isWanted, isAllowed else {
                return try giveUp(pending, isUncertain: uncertain && effect != .safe)
            }
            return try sendLater(pending, after: pause, isUncertain: uncertain && effect != .safe)
        case .refused(let reason):
            pending.entry.failure = problem(reason, isUncertain: mayHaveHappened, retryable: false)
            return try giveUp(pending, isUncertain: mayHaveHappened && effect != .safe)
        case .unusable(let reason):
            pending.entry.failure = BlockFailure(code: Self.unusableAnswer, type: "connection", message: reason)
            return try giveUp(pending, isUncertain: false)
        case .unknown(let reason):
            pending.entry.failure = problem(reason, isUncertain: true, retryable: false)
            return try giveUp(pending, isUncertain: true)
        }
    }

    private func hasRetry(_ call: BlockCall) -> Bool {
        guard case .command = call.work else { return false }
        return run.interpreter.graph[call.node].retry != nil
    }

    private func expects(_ answer: OutsideAnswer, for call: BlockCall) -> Bool {
        guard case .command(let block, let data) = call.work else { return false }
        return context.command(block.command, of: block.service)?.expects(answer, by: data) ?? false
    }

    static let noAnswer = "no_answer"
    static let notSent = "not_sent"
    static let outcomeUnknown = "outcome_unknown"
    static let unusableAnswer = "unusable_answer"

    private func problem(_ reason: String, isUncertain: Bool, retryable: Bool) -> BlockFailure {
        BlockFailure(
            code: isUncertain ? Self.noAnswer : Self.notSent,
            type: "connection",
            message: reason,
            retryable: retryable
        )
    }

    private mutating func receive(
        _ answer: OutsideAnswer,
        to pending: PendingRequest
    ) throws(StoreError) -> Stop? {
        if case .code = pending.call.work { return try receiveForCode(answer, pending) }
        guard case .command(let block, let data) = pending.call.work,
            let command = context.command(block.command, of: block.service)
        else { throw StoreError(.corrupt, "the command at \(pending.call.path) is gone") }
        try Failpoint.receiveBeforeCommit.reach()
        let number = pending.entry.address.call
        transaction.observe(pending.entry.address)
        var commandCall = commandCall(block, data: data, pending.call, number: number, exchanges: pending.exchanges)
        // What the command sends next is another request and carries another key.
        commandCall.key = key(of: pending.call, number: number + 1)
        let step = try protecting { (transaction) throws(StoreError) -> Result<CommandStep, BlockFailure> in
            .success(try command.receive(answer, to: pending.request, of: commandCall, in: transaction))
        }
        // What was made known by the answer may have started flows that waited for it, such as callbacks that came first.
        startsWork = true
        var entry = pending.entry
        entry.failure = nil
        entry.receipt = Receipt(answer: answer, accesses: transaction.takeAccesses())
        run.pending = nil
        switch step {
        case .success(.send(let request)) where number + 1 < Limits.callsPerCommand:
            now = max(now, context.clock.now())
            entry.finishedAt = now
            entry.status = .succeeded
            entry.output = answer.journalValue
            try update(entry)
            let exchange = CommandCall.Exchange(request: pending.request, answer: answer)
            return try send(request, pending.call, number: number + 1, exchanges: pending.exchanges + [exchange])
        case .success(.send):
            try settle(entry, .failure(.engine("too_many_calls", "the command sends too many requests")), pending.call)
        case .success(.succeed(let output)): try settle(entry, .success(.map(output)), pending.call)
        case .success(.fail(let failure)), .failure(let failure):
            try settle(entry, .failure(failure), pending.call)
        }
        return nil
    }

    /// Finishes an entry that was started and hands its outcome to the interpreter.
    mutating func settle(
        _ entry: JournalEntry,
        _ result: Result<Value, BlockFailure>,
        _ call: BlockCall
    ) throws(StoreError) {
        var entry = entry
        now = max(now, context.clock.now())
        entry.finishedAt = now
        switch result {
        case .success(let output):
            entry.status = .succeeded
            entry.output = output
        case .failure(var failure):
            if failure.block == nil { failure.block = call.path.rawValue }
            entry.status = .failed
            entry.failure = failure
        }
        try update(entry)
        hand(result, to: call, at: entry.finishedAt)
    }

    /// No answer is to be had any more: the block failed if nothing can have happened, else a person decides.
    private mutating func giveUp(_ pending: PendingRequest, isUncertain: Bool) throws(StoreError) -> Stop? {
        guard isUncertain else {
            var entry = pending.entry
            run.pending = nil
            let failure = entry.failure ?? problem("not sent", isUncertain: false, retryable: true)
            entry.failure = nil
            try context.abandon(pending.request, .notSent, in: transaction)
            if case .code = pending.call.work { return try settleForCode(entry, failure) }
            try settle(entry, .failure(failure), pending.call)
            return nil
        }
        return try park(pending)
    }

    mutating func park(_ pending: PendingRequest) throws(StoreError) -> Stop {
        // The entry stays `started`: a person's decision finishes it, or has it sent again with the same key.
        var pending = pending
        var failure = problem(
            "\(pending.request.method) \(pending.request.path) may have been executed: \(pending.reason). "
                + BlockFailure.wayOutOfUncertainty,
            isUncertain: true,
            retryable: false
        )
        failure.code = Self.outcomeUnknown
        failure.block = pending.call.path.rawValue
        pending.entry.failure = failure
        try update(pending.entry)
        run.pending = pending
        run.record.strikes = 0
        try save(.outcomeUnknown, failure: failure)
        return .left
    }

    // MARK: Repetition

    private mutating func sendLater(
        _ pending: PendingRequest,
        after pause: Duration?,
        isUncertain: Bool
    ) throws(StoreError) -> Stop? {
        try Failpoint.retryBeforeCommit.reach()
        let delay = Backoff.standard.delay(before: pending.entry.sends + 1, random: context.random)
        guard let wakesAt = context.clock.now() + max(delay, pause ?? .zero) else {
            throw StoreError(.corrupt, "the clock has run out")
        }
        // Out of time is a failure only where nothing can have happened; else the outcome comes first.
        if let deadline = pending.call.deadline, wakesAt > deadline, !isUncertain {
            var pending = pending
            pending.entry.failure = .timeout(
                "'\(pending.call.path)'",
                pending.call.timeout ?? deadline - pending.call.now
            )
            return try giveUp(pending, isUncertain: false)
        }
        try update(pending.entry)
        run.pending = pending
        try save(.retrying, wakesAt: wakesAt)
        return .left
    }

    /// Goes on with a run whose journal ends at an entry without an outcome.
    mutating func resume(_ open: JournalReplay.OpenEntry, wasSent: Bool) throws(StoreError) -> Stop? {
        let entry = open.entry
        switch open.call.work {
        case .wait(let work): return try resume(work, open.call, entry)
        case .branches: return try join(open)
        case .code where OutsideRequest(entry.input) == nil: return try awaitChildren(of: open.call)
        case .runFlow:
            // The sub-flow finishes this entry in the transaction that makes it final.
            return try awaitChildren(of: open.call)
        case .command, .code:
            guard let request = OutsideRequest(entry.input) else {
                throw StoreError(.corrupt, "entry \(entry.sequence) holds no request")
            }
            var pending = PendingRequest(call: open.call, entry: entry, request: request, exchanges: open.exchanges)
            guard entry.status == .started else {
                run.pending = pending
                try save(.outcomeUnknown, failure: entry.failure)
                return .left
            }
            if request.effect == .once, wasSent || entry.failure?.code == Self.noAnswer {
                pending.entry.failure = problem("the process ended meanwhile", isUncertain: true, retryable: false)
                return try park(pending)
            }
            // A person who decided to send it again knows how old it is.
            let isUncertain = wasSent || entry.failure?.code == Self.noAnswer
            if request.effect == .keyed, isUncertain, now - entry.startedAt > Limits.keyedResending {
                let reason = "its key is too old to send it again by itself"
                pending.entry.failure = problem(reason, isUncertain: true, retryable: false)
                return try park(pending)
            }
            if let deadline = open.call.deadline, deadline <= now, !wasSent, entry.failure?.code == Self.notSent {
                pending.entry.failure = .timeout("'\(open.call.path)'", open.call.timeout ?? deadline - open.call.now)
                return try giveUp(pending, isUncertain: false)
            }
            pending.entry.sends += 1
            if wasSent {
                // Until its answer is recorded, the request on its way may have been the one that was executed.
                pending.entry.failure = problem("the process ended meanwhile", isUncertain: true, retryable: true)
            } else if entry.failure?.code == Self.notSent {
                // That was an earlier sending; of this one nothing is known yet.
                pending.entry.failure = nil
            }
            try update(pending.entry)
            if case .code = open.call.work { return try reopenCode(pending) }
            run.pending = pending
            try save(.running)
            return .sending
        case .find, .insert, .upsert, .update, .delete, .callback, .transaction:
            throw StoreError(.corrupt, "entry \(entry.sequence) of \(entry.block) is not finished")
        }
    }

    // MARK: What a command needs to know

    private func resolve(_ block: CommandBlock, data: ValueMap) -> Result<any Command, BlockFailure> {
        guard
            let connection = context.app.connection(named: block.connection),
            let command = context.command(block.command, of: block.service)
        else {
            return .failure(.engine("unknown_command", "there is no command '\(block.command)' of '\(block.service)'"))
        }
        guard run.record.start.caller.isAllowed(connection.access[block.command] ?? []) else {
            return .failure(
                BlockFailure(
                    code: "forbidden",
                    type: "access",
                    message: "the caller may not use '\(block.command)' of '\(block.connection)'",
                    status: 403
                )
            )
        }
        if let failure = CommandDataCheck(command.declaration).failure(of: data) { return .failure(failure) }
        return .success(command)
    }

    private func commandCall(
        _ block: CommandBlock,
        data: ValueMap,
        _ call: BlockCall,
        number: Int,
        exchanges: [CommandCall.Exchange]
    ) -> CommandCall {
        guard let connection = context.app.connection(named: block.connection) else {
            preconditionFailure("the connection was resolved before")
        }
        return CommandCall(
            address: address(of: call, number: number),
            connection: connection,
            data: data,
            effect: block.effect,
            mode: run.record.start.mode,
            caller: run.record.start.caller,
            now: call.now,
            key: key(of: call, number: number),
            exchanges: exchanges
        )
    }

    /// The same after every retry and restart; another one in another installation, run, visit, attempt or call.
    func key(of call: BlockCall, number: Int) -> String {
        var hash = SHA256()
        hash.update(data: context.installation)
        // No part can run into the next: paths contain no line break.
        let parts = "\(run.record.id)\n\(call.path)\n\(call.visit)\n\(call.attempt)\n\(number)"
        hash.update(data: Array(parts.utf8))
        let digits = Array("0123456789abcdef".utf8)
        var text = Array("rnl_".utf8)
        for byte in hash.finalize() { text += [digits[Int(byte >> 4)], digits[Int(byte & 15)]] }
        return String(decoding: text, as: UTF8.self)
    }
}

extension BlockFailure {
    /// What a person is to do about a request whose outcome is not known.
    static let wayOutOfUncertainty =
        "Look it up at the service; then settle the run: done, failed, or to be sent again."
}

extension PendingRequest {
    fileprivate var reason: String { entry.failure?.message ?? "no answer" }
}
