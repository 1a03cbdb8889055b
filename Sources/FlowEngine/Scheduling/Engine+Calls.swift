package import Expressions
import FlowLanguage
import Synchronization

/// What a page's caller gets.
package enum PageAnswer: Sendable, Hashable {
    case answered(RunAnswer, run: RunID)
    /// The time limit passed, or a person must decide: the run is durable and has not answered yet.
    case accepted(RunID)
}

// Calls from outside: checked first, durable next, answered last.
extension Engine {
    /// Runs a page flow for a caller and waits for its answer.
    ///
    /// A second call with the same flow, caller and key gets the first one's answer. The caller going away changes
    /// nothing for the run.
    /// `input` is a JSON object; `timeLimit` counts from when the run is durable.
    /// - Throws: `.unknownFlow`, `.forbidden`, `.invalidInput`, `.keyReused`, `.overloaded`, `.notReady`: nothing happened.
    ///   `.store(.unavailable)`: it may have happened; call again with the same key.
    package func callPage(
        _ flow: String,
        input: Value,
        caller: Caller,
        idempotencyKey: String?,
        timeLimit: Duration
    ) async throws(EngineError) -> PageAnswer {
        guard let graph = app.flows[flow], graph.kind == .page else {
            throw EngineError(.unknownFlow, "there is no page flow of that name")
        }
        if let key = idempotencyKey, key.isEmpty || key.utf8.count > Limits.idempotencyKeyBytes {
            let message = "has 1 to \(Limits.idempotencyKeyBytes) bytes"
            let finding = InputFinding(path: "Idempotency-Key", message: message)
            throw EngineError(.invalidInput([finding]), "the idempotency key \(message)")
        }
        let start = try admit(
            graph,
            input: input,
            origin: .page,
            trigger: .null,
            caller: caller,
            idempotencyKey: idempotencyKey
        )
        let outcome = try await writing { [self] (transaction, _) throws(StoreError) in
            try beginPage(start, in: transaction)
        } then: { [self] outcome in
            Failpoint.ingestAfterCommit.pass()
            switch outcome {
            case .turned(let result): release(result)
            case .queued: requestLook()
            case .existing, .keyReused: break
            }
        }
        let record: RunRecord
        switch outcome {
        case .turned(let result): record = result.run.record
        case .existing(let existing), .queued(let existing): record = existing
        case .keyReused:
            throw EngineError(.keyReused, "the idempotency key was used before with another input")
        }
        let settled = record.isSettled ? record : try await answer(of: record.id, timeLimit: timeLimit)
        Failpoint.answerBefore.pass()
        guard let answer = settled.answer else { return .accepted(record.id) }
        return .answered(answer, run: record.id)
    }

    /// Starts a run by hand or for a web hook; it is durable when this returns.
    package func start(
        _ flow: String,
        input: ValueMap,
        trigger: Value,
        origin: RunOrigin,
        caller: Caller
    ) async throws(EngineError) -> RunID {
        guard let graph = app.flows[flow] else { throw EngineError(.unknownFlow, "there is no flow of that name") }
        let start = try admit(graph, input: .map(input), origin: origin, trigger: trigger, caller: caller)
        return try await writing { [clock] (transaction, _) throws(StoreError) in
            let run = try StartAdmission(graph, now: clock.now()).insert(start, in: transaction)
            try Failpoint.ingestBeforeCommit.reach()
            return run.id
        } then: { [self] _ in
            Failpoint.ingestAfterCommit.pass()
            requestLook()
        }
    }

    /// Takes a delivery of a web hook in: its row and its run are one transaction.
    ///
    /// `eventID` is the sender's id of the event, nil when each delivery is a run, and `account` says whose id it is;
    /// `body` is as it came, byte for byte.
    /// `caller` is who showed a token, or the runtime itself when the delivery was signed or needs no proof.
    /// - Returns: Nil for a repetition, which is counted.
    /// - Throws: `.unknownFlow`, `.overloaded`, `.notReady`, `.store`: then no 2xx may be given.
    package func receive(
        hook: String,
        eventID: String?,
        account: String = "",
        trigger: Value,
        body: [UInt8],
        caller: Caller = .system
    ) async throws(EngineError) -> RunID? {
        guard let graph = app.flows[hook], case .webhook = graph.trigger else {
            throw EngineError(.unknownFlow, "there is no web hook of that name")
        }
        let start = try admit(graph, input: [:], origin: .webhook, trigger: trigger, caller: caller)
        let now = clock.now()
        let delivery = Delivery(
            source: hook,
            account: account,
            mode: mode,
            eventID: eventID ?? "delivery-" + random.bytes(16).map { String($0, radix: 16) }.joined(separator: "."),
            type: "webhook",
            receivedAt: now,
            body: body
        )
        return try await writing { (transaction, _) throws(StoreError) in
            if try transaction.hasDelivery(delivery) {
                _ = try transaction.recordDelivery(delivery)
                return nil
            }
            let run = try StartAdmission(graph, now: now).insert(start, in: transaction).id
            var recorded = delivery
            recorded.run = run
            _ = try transaction.recordDelivery(recorded)
            try Failpoint.ingestBeforeCommit.reach()
            return run
        } then: { [self] _ in
            Failpoint.ingestAfterCommit.pass()
            requestLook()
        }
    }

    // MARK: Admission

    private func admit(
        _ graph: FlowGraph,
        input: Value,
        origin: RunOrigin,
        trigger: Value,
        caller: Caller,
        idempotencyKey: String? = nil
    ) throws(EngineError) -> RunStart {
        try checkIntake()
        guard caller.isAllowed(graph.access) else {
            throw EngineError(.forbidden, "the caller may not run this flow")
        }
        guard let members = input.mapValue else {
            throw EngineError(
                .invalidInput([InputFinding(path: "", message: "must be an object")]),
                "the input must be an object"
            )
        }
        switch InputCheck(graph.inputs).check(members) {
        case .failure(let invalid):
            throw EngineError(.invalidInput(invalid.findings), "the input does not fit the flow's declaration")
        case .success(let checked):
            return RunStart(
                flow: graph.name,
                version: graph.version,
                origin: origin,
                input: checked,
                trigger: trigger,
                caller: caller,
                mode: mode,
                idempotencyKey: idempotencyKey
            )
        }
    }

    func checkIntake() throws(EngineError) {
        guard isReady else {
            counters.count(EngineCounters.Refusal.notReady)
            throw EngineError(.notReady, "the engine is starting, stopping or out of space")
        }
        guard writer.backlog < Limits.waitingJobs else {
            counters.count(EngineCounters.Refusal.overloaded)
            throw EngineError(.overloaded, "too much waits already; try again later")
        }
    }

    private func writing<R: Sendable>(
        _ body: @escaping @Sendable (any StoreTransaction, inout [GroupWriter.Job]) throws(StoreError) -> R,
        then: @escaping @Sendable (R) -> Void
    ) async throws(EngineError) -> R {
        do throws(StoreError) {
            return try await writer.perform(body, then: then)
        } catch {
            stall(after: error)
            throw EngineError(error)
        }
    }

    // MARK: Pages

    private enum PageBeginning: Sendable {
        /// The run went as far as it could in the very group that made it durable.
        indirect case turned(TurnResult)
        /// All places are taken.
        case queued(RunRecord)
        case existing(RunRecord)
        case keyReused
    }

    private func beginPage(
        _ start: RunStart,
        in transaction: any StoreTransaction
    ) throws(StoreError) -> PageBeginning {
        if let key = start.idempotencyKey,
            let existing = try transaction.run(
                flow: start.flow,
                caller: start.caller,
                mode: start.mode,
                idempotencyKey: key
            )
        {
            return existing.start.input == start.input ? .existing(existing) : .keyReused
        }
        let now = clock.now()
        guard let graph = try context().graph(of: start, in: transaction) else {
            throw StoreError(.corrupt, "the flow '\(start.flow)' is gone")
        }
        var record = try StartAdmission(graph, now: now).insert(start, in: transaction)
        try Failpoint.ingestBeforeCommit.reach()
        if record.status.isFinal { return .existing(record) }
        guard !record.isHeld, state.withLock({ $0.hasPlace(for: start.flow) }) else { return .queued(record) }
        record.startedAt = now
        let interpreter = Interpreter(graph: graph, run: record.id, start: record.start, startedAt: now)
        var turn = Turn(LiveRun(record: record, interpreter: interpreter), context: context(), in: transaction)
        let stop = try turn.advance()
        turned.note(stop, of: record.id)
        return .turned(
            TurnResult(
                run: turn.run,
                stop: stop,
                lines: turn.lines,
                startsWork: turn.startsWork,
                timings: turn.timings
            )
        )
    }
}

// MARK: Waiting for answers

extension Engine {
    /// Waits until a run answers, ends, or needs a person's decision.
    ///
    /// - Returns: The run as it then stands; as it stands at the time limit, if that comes first.
    package func answer(of run: RunID, timeLimit: Duration) async throws(EngineError) -> RunRecord {
        let waiter = AnswerWaiter()
        // First in the list, then the look: an answer between the two is heard.
        state.withLock { $0.waiters[run, default: []].append(waiter) }
        defer {
            state.withLock { state in
                state.waiters[run]?.removeAll { $0 === waiter }
                if state.waiters[run]?.isEmpty == true { state.waiters[run] = nil }
            }
        }
        let record = try await read(run)
        guard !record.isSettled, let deadline = clock.now() + timeLimit else { return record }
        let settled = await withTaskGroup(of: RunRecord?.self) { [clock] group in
            group.addTask { await waiter.value() }
            group.addTask {
                // Cancelled when the answer came first.
                try? await clock.sleep(until: deadline)
                return nil
            }
            defer { group.cancelAll() }
            return await group.next() ?? nil
        }
        if let settled { return settled }
        return try await read(run)
    }

    private func read(_ run: RunID) async throws(EngineError) -> RunRecord {
        let record: RunRecord?
        do throws(StoreError) {
            record = try await store.read { (reader) throws(StoreError) in try reader.run(run) }
        } catch {
            throw EngineError(error)
        }
        guard let record else { throw EngineError(.unknownRun, "there is no such run") }
        return record
    }
}
