import Expressions
import FlowLanguage
import Synchronization
import Logging

// Turns of runs: from the writer's queue through a group to what its commit releases.
extension Engine {
    /// Queues the next turn of a run.
    func submitTurn(of run: RunID, _ input: TurnInput) {
        let suspect = state.withLock { $0.live[run]?.isSuspect == true } ? run : nil
        writer.submit(turnJob(of: run, input, suspect: suspect))
    }

    func turnJob(of run: RunID, _ input: TurnInput, suspect: RunID? = nil) -> GroupWriter.Job {
        let slot = Slot<TurnResult?>()
        return GroupWriter.Job(
            body: { [self] (transaction, _) throws(StoreError) in
                let result = try turn(of: run, input, isSuspect: suspect != nil, in: transaction)
                if let result { turned.note(result.stop, of: run) }
                slot.put(result)
            },
            done: { [self] outcome in
                switch outcome {
                case .success:
                    switch input {
                    case .takeUp: Failpoint.claimAfterCommit.pass()
                    case .answer: Failpoint.receiveAfterCommit.pass()
                    case .goOn, .progress: break
                    }
                    if let result = slot.take() { release(result) }
                case .failure(let error): turnFailed(of: run, input, error)
                }
            },
            suspect: suspect
        )
    }

    // MARK: Inside the group

    /// - Returns: Nil when there is nothing to do: the run is final, waits, or is in memory already.
    func turn(
        of id: RunID,
        _ input: TurnInput,
        isSuspect: Bool = false,
        in transaction: any StoreTransaction
    ) throws(StoreError) -> TurnResult? {
        let earlier = turned.stop(of: id)
        // What is in memory is older than what that turn did; its commit sees to how the run goes on.
        if let earlier, earlier != .left { return nil }
        if earlier == nil, var live = state.withLock({ $0.live[id] }) {
            live.record.halt = try transaction.halt(of: id)
            switch input {
            case .takeUp: return nil
            case .answer(let address, let result):
                guard live.pending?.entry.address == address else { return nil }
                var turn = Turn(live, context: context(), in: transaction)
                return try finish(&turn, first: try turn.receive(result))
            case .progress(let address, let answers, let progress):
                // Said twice, a host call would be done twice.
                guard let code = live.code, code.call.isAt(address), code.answers.count == answers,
                    live.pending == nil
                else { return nil }
                var turn = Turn(live, context: context(), in: transaction)
                return try finish(&turn, first: try turn.receive(progress))
            case .goOn:
                var turn = Turn(live, context: context(), in: transaction)
                return try finish(&turn, first: nil)
            }
        }
        guard var record = try transaction.run(id) else { return nil }
        // A group that was said to have failed may be on disk after all: those who wait are still to be told.
        if record.isSettled, !isClaimable(record) { return result(ofLeft: record, startsWork: true) }
        guard isClaimable(record) else { return nil }
        if let damage = record.damage {
            logger.error("a run cannot go on", metadata: ["run.id": "\(id)", "damage": "\(damage)"])
            return try fail(record, .engine("engine_corrupt", damage), in: transaction)
        }
        guard record.start.mode == mode else { return try pauseForMode(record, in: transaction) }
        try Failpoint.claimBeforeCommit.reach()
        guard let graph = try context().graph(of: record.start, in: transaction) else {
            return try pauseWithoutGraph(record, in: transaction)
        }
        let wasRunning = record.status == .running
        let startedAt = record.startedAt ?? clock.now()
        record.startedAt = startedAt
        do {
            let known = { (run: RunID) in self.state.withLock { $0.origins[run] } }
            let origin = try context().origin(of: record, known: known, in: transaction)
            let fresh = try TurnContext.interpreter(of: record, graph, startedAt: startedAt, from: origin)
            let replay = try JournalReplay(fresh, entries: transaction.entries(of: id))
            var live = LiveRun(record: record, interpreter: replay.interpreter, isSuspect: isSuspect)
            live.code = replay.code
            live.origin = origin
            return try takeUp(live, open: replay.open, input, wasRunning: wasRunning, in: transaction)
        } catch let error as StoreError {
            throw error
        } catch {
            let message = (error as? NondeterminismError)?.message ?? "the journal cannot be read"
            return try fail(record, .engine("nondeterminism", message), in: transaction)
        }
    }

    private func isClaimable(_ record: RunRecord) -> Bool {
        switch record.status {
        case .queued: !record.isHeld
        case .running, .waiting: true
        case .retrying: record.wakesAt.map { $0 <= clock.now() } ?? true
        case .paused, .outcomeUnknown, .succeeded, .failed, .cancelled, .quarantined: false
        }
    }

    private func takeUp(
        _ live: LiveRun,
        open: JournalReplay.OpenEntry?,
        _ input: TurnInput,
        wasRunning: Bool,
        in transaction: any StoreTransaction
    ) throws(StoreError) -> TurnResult {
        var live = live
        guard let open else {
            live.interpreter.endPause()
            var turn = Turn(live, context: context(), in: transaction)
            return try finish(&turn, first: nil)
        }
        if case .answer(let address, let result) = input, open.entry.address == address,
            let request = OutsideRequest(open.entry.input)
        {
            live.pending = PendingRequest(
                call: open.call,
                entry: open.entry,
                request: request,
                exchanges: open.exchanges
            )
            var turn = Turn(live, context: context(), in: transaction)
            return try finish(&turn, first: try turn.receive(result))
        }
        var wasSent = wasRunning
        switch input {
        case .takeUp(isUnsent: true), .answer: wasSent = false
        case .takeUp(isUnsent: false), .goOn, .progress: break
        }
        var turn = Turn(live, context: context(), in: transaction)
        if live.record.halt == .cancel, !wasSent, open.entry.failure == nil || open.entry.failure?.code == Turn.notSent,
            try transaction.openChildren(of: live.record.id).isEmpty
        {
            return try finish(&turn, first: nil)
        }
        return try finish(&turn, first: try turn.resume(open, wasSent: wasSent))
    }

    private func finish(_ turn: inout Turn, first stop: Turn.Stop?) throws(StoreError) -> TurnResult {
        let stop = if let stop { stop } else if let halt = try turn.halt() { halt } else { try turn.advance() }
        if turn.hasProgressed { turn.run.isSuspect = false }
        return TurnResult(
            run: turn.run,
            stop: stop,
            lines: turn.lines,
            startsWork: turn.startsWork,
            stopped: turn.stopped,
            timings: turn.timings
        )
    }

    private func pauseWithoutGraph(
        _ record: RunRecord,
        in transaction: any StoreTransaction
    ) throws(StoreError) -> TurnResult {
        let reason = try context().earlier.absence(of: record.start.version, in: transaction)
        let failure = BlockFailure.engine(
            "version_gone",
            "'\(record.start.flow)', or a flow that it runs, was changed since the run began with version "
                + "\(record.start.version.short), which cannot go on: \(reason ?? "it is another flow's"); "
                + "put that back and resume the run"
        )
        return try pause(record, failure, in: transaction)
    }

    /// A request of a test run that left with live keys would move real money, and the other way round would lose it.
    private func pauseForMode(
        _ record: RunRecord,
        in transaction: any StoreTransaction
    ) throws(StoreError) -> TurnResult {
        let (its, ours) = (record.start.mode.rawValue, mode.rawValue)
        let failure = BlockFailure.engine(
            "other_mode",
            "the run began in \(its) mode, and this server sends with the keys of \(ours) mode; "
                + "serve in \(its) mode and resume the run"
        )
        return try pause(record, failure, in: transaction)
    }

    private func pause(
        _ record: RunRecord,
        _ failure: BlockFailure,
        in transaction: any StoreTransaction
    ) throws(StoreError) -> TurnResult {
        var record = record
        record.status = .paused
        record.wakesAt = nil
        record.failure = failure
        try transaction.updateRun(record)
        return result(ofLeft: record, startsWork: record.start.lane != nil)
    }

    private func fail(
        _ record: RunRecord,
        _ failure: BlockFailure,
        in transaction: any StoreTransaction
    ) throws(StoreError) -> TurnResult {
        var record = record
        // What it sent may have been executed: only a person can say so, and the run fails behind that.
        if let request = try unsettledRequest(of: record, in: transaction) {
            try context().park(&record, request, "the run cannot go on (\(failure.message))", in: transaction)
            return result(ofLeft: record, startsWork: record.start.lane != nil)
        }
        record.status = .failed
        record.failure = failure
        record.wakesAt = nil
        record.finishedAt = clock.now()
        record.answer = record.answer ?? RunAnswer(failure: failure)
        let startsWork = try context().close(record, output: .null, in: transaction)
        return result(ofLeft: record, startsWork: startsWork)
    }

    /// Nil also where the run's journal cannot be read.
    private func unsettledRequest(
        of record: RunRecord,
        in transaction: any StoreTransaction
    ) throws(StoreError) -> JournalEntry? {
        do throws(StoreError) {
            return try context().unsettledRequest(of: record, in: transaction)
        } catch {
            guard error.code == .corrupt else { throw error }
            return nil
        }
    }

    func result(ofLeft record: RunRecord, startsWork: Bool) -> TurnResult {
        let empty = FlowGraph(
            name: record.start.flow,
            kind: .cloud,
            nodes: [],
            entry: nil,
            version: record.start.version,
            range: SourceRange(file: "", start: .start, end: .start)
        )
        let interpreter = Interpreter(graph: empty, run: record.id, start: record.start, startedAt: record.createdAt)
        let run = LiveRun(record: record, interpreter: interpreter)
        return TurnResult(run: run, stop: .left, lines: [], startsWork: startsWork)
    }

    // MARK: After the commit

    /// Releases what waited for the commit.
    func release(_ result: TurnResult) {
        let record = result.run.record
        passFailpoints(result)
        write(result.lines, of: record)
        let (waiters, isMoreWaiting) = state.withLock { state in
            state.live[record.id] = result.stop == .left ? nil : result.run
            state.noteOrigins(of: result.run, isLeft: result.stop == .left)
            let waiters = record.isSettled ? state.waiters.removeValue(forKey: record.id) ?? [] : []
            let isMoreWaiting = state.isMoreWaiting && result.stop == .left
            if isMoreWaiting { state.isMoreWaiting = false }
            return (waiters, isMoreWaiting)
        }
        counters.count(record.status, result.timings)
        report(record, result.stop)
        switch result.stop {
        case .sending: if let pending = result.run.pending { order(pending, of: record.id) }
        case .computing: orderCode(of: result.run)
        case .yielding: submitTurn(of: record.id, .goOn)
        case .left:
            if let wakesAt = record.wakesAt { setTimer(wakesAt) }
            forgetCode(of: result.run)
        }
        for waiter in waiters { waiter.signal(record) }
        for stopped in result.stopped { release(self.result(ofLeft: stopped, startsWork: false)) }
        if result.startsWork || isMoreWaiting { requestLook() }
    }

    private func passFailpoints(_ result: TurnResult) {
        Failpoint.turnAfterCommit.pass()
        switch result.run.record.status {
        case .running: if result.stop == .sending { Failpoint.keyOnDisk.pass() }
        case .retrying: Failpoint.retryAfterCommit.pass()
        case .waiting: Failpoint.childAfterCommit.pass()
        case .succeeded, .failed: Failpoint.finishAfterCommit.pass()
        case .queued, .paused, .outcomeUnknown, .cancelled, .quarantined: break
        }
    }

    /// Tells the operator of runs that end, and louder of those that need a person.
    private func report(_ record: RunRecord, _ stop: Turn.Stop) {
        guard stop == .left else { return }
        let level: Logger.Level =
            switch record.status {
            case .succeeded, .failed, .cancelled: record.start.origin == .branch ? .debug : .info
            case .paused: .notice
            case .outcomeUnknown, .quarantined: .warning
            case .queued, .running, .waiting, .retrying: .debug
            }
        var metadata: Logger.Metadata {
            var metadata: Logger.Metadata = [
                "run.id": "\(record.id)", "flow": "\(record.start.flow)", "status": "\(record.status.rawValue)",
            ]
            if let failure = record.failure { metadata["code"] = "\(failure.code)" }
            if let block = record.failure?.block { metadata["block"] = "\(block)" }
            return metadata
        }
        logger.log(level: level, "run \(record.status.rawValue)", metadata: metadata)
    }

    private func write(_ lines: [FlowLogLine], of record: RunRecord) {
        for line in lines {
            var metadata: Logger.Metadata = [
                "run.id": "\(record.id)", "flow": "\(record.start.flow)", "block": "\(line.path)",
                "text": "\(line.message)",
            ]
            for (name, value) in line.fields { metadata["field.\(name)"] = "\(value)" }
            let level: Logger.Level =
                switch line.level {
                case .debug: .debug
                case .info: .info
                case .warning: .warning
                case .error: .error
                }
            logger.log(level: level, "flow log", metadata: metadata)
        }
    }

    private func turnFailed(of run: RunID, _ input: TurnInput, _ error: StoreError) {
        // One that was to be taken up may be in memory already, with something on its way.
        if case .takeUp = input {} else { state.withLock { $0.live[run] = nil } }
        if error.endsGroup {
            let again: TurnInput =
                switch input {
                case .answer, .takeUp: input
                case .goOn, .progress: .takeUp(isUnsent: true)
                }
            // A part of the group that fails even alone is the run's own fault, not the store's.
            if error.code != .groupFailed { return stall(after: error, .init(run: run, input: again)) }
        }
        switch error.code {
        case .finalState, .staleEpoch:
            logger.notice("a turn came too late", metadata: ["run.id": "\(run)", "code": "\(error.code)"])
            // Its place is free for another run.
            requestLook()
        default:
            failAlone(run, .engine("engine_\(error.code)", error.message))
        }
    }

    /// Bad data of one run fails this run, never the process.
    private func failAlone(_ run: RunID, _ failure: BlockFailure) {
        logger.error("a run cannot go on", metadata: ["run.id": "\(run)", "code": "\(failure.code)"])
        let slot = Slot<TurnResult?>()
        writer.submit(
            GroupWriter.Job(
                body: { [self] (transaction, _) throws(StoreError) in
                    guard let record = try transaction.run(run), !record.status.isFinal else { return slot.put(nil) }
                    slot.put(try fail(record, failure, in: transaction))
                },
                done: { [self] outcome in
                    switch outcome {
                    case .success: if let result = slot.take() { release(result) }
                    case .failure(let error):
                        state.withLock { _ = $0.broken.insert(run) }
                        logger.error(
                            "a run is lost to the engine until the next start",
                            metadata: ["run.id": "\(run)", "code": "\(error.code)"]
                        )
                    }
                }
            )
        )
    }

    // MARK: Taking runs up

    /// Has the writer look for runs to take up, soon; several wishes make one look.
    func requestLook() {
        let mustQueue = state.withLock { state in
            guard state.phase == .ready, !state.isLookQueued else { return false }
            state.isLookQueued = true
            return true
        }
        guard mustQueue else { return }
        let seen = Slot<Look>()
        writer.submit(
            GroupWriter.Job(
                body: { [self] (transaction, more) throws(StoreError) in
                    seen.put(try look(in: transaction, &more))
                },
                done: { [self] outcome in
                    switch outcome {
                    case .success:
                        let look = seen.take()
                        for moment in [look.wakesAt, look.nextTick.moment].compactMap({ $0 }) { setTimer(moment) }
                        state.withLock { state in
                            state.nextTick = look.nextTick
                            state.placesGiven += look.claimed.count
                            state.lastFlow = look.claimed.lastFlow ?? state.lastFlow
                        }
                        state.withLock { $0.hasTried(look.suspects.count) }
                        for run in look.suspects {
                            writer.submit(turnJob(of: run, .takeUp(isUnsent: false), suspect: run))
                        }
                    case .failure(let error):
                        state.withLock { $0.isLookQueued = false }
                        if error.stopsIntake { return stall(after: error) }
                        logger.error("looking for runs failed", metadata: ["code": "\(error.code)"])
                        // Else nobody would look for what is due until something else is written.
                        if let next = clock.now() + Limits.pauseBeforeLook { setTimer(next) }
                    }
                }
            )
        )
    }

    private struct Look: Sendable {
        /// When the next run will be due.
        var wakesAt: Timestamp?
        var nextTick: Schedules.NextTick
        /// Places given, and the flow that got the last one.
        var claimed: (count: Int, lastFlow: String?) = (0, nil)
        /// Runs that need a group of their own.
        var suspects: [RunID] = []
    }

    /// Puts a job for each run that can be taken up into the open group.
    private func look(
        in transaction: any StoreTransaction,
        _ more: inout [GroupWriter.Job]
    ) throws(StoreError) -> Look {
        let (places, skipped, suspectsUpTo, nextTick, order) = state.withLock { state in
            state.isLookQueued = false
            let skipped = state.broken.union(state.live.keys)
            return (state.freePlaces, skipped, state.suspectsUpTo, state.nextTick, claimOrder(state))
        }
        let now = clock.now()
        var look = Look(nextTick: schedules.isEmpty ? .never : nextTick)
        if look.nextTick.isDue(by: now) { look.nextTick = try schedules.fire(at: now, in: transaction) }
        guard places > 0 else {
            state.withLock { $0.isMoreWaiting = true }
            return look
        }
        let claimed = try transaction.claimableRuns(epoch: store.bootEpoch, now: now, limit: places, order: order)
        look.claimed = (claimed.runs.count, claimed.lastFlow)
        for record in claimed.runs where !skipped.contains(record.id) {
            if let suspectsUpTo, record.id <= suspectsUpTo {
                look.suspects.append(record.id)
            } else {
                more.append(turnJob(of: record.id, .takeUp(isUnsent: false)))
            }
        }
        if claimed.isMoreWaiting { state.withLock { $0.isMoreWaiting = true } }
        look.wakesAt = try transaction.nextWakeTime(after: now)
        return look
    }

    private func claimOrder(_ state: EngineState) -> ClaimOrder {
        ClaimOrder(
            priorities: priorities,
            held: state.placesByFlow,
            perFlow: Limits.placesPerFlow,
            after: state.lastFlow,
            given: state.placesGiven
        )
    }
}
