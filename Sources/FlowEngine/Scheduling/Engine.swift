import Expressions
package import FlowLanguage
package import Logging
import ServiceLifecycle
import Synchronization

/// Runs graphs durably: accepts work, takes runs up, and leaves nothing in memory that the disk does not know.
///
/// Constructing one starts nothing but is enough for `write`; `run` recovers and then serves.
package final class Engine: Service, Sendable {
    package let app: App
    package let mode: Mode
    package let store: any Store
    package let clock: any Clock
    package let retention: Retention
    /// After so many effects a run lets others at the writer.
    let effectsPerTurn: Int
    let stepsPerTurn: Int
    package let counters = EngineCounters()
    /// Rings after each group that is durable.
    package let commits = CommitSignal()
    let transport: any Transport
    let random: any RandomSource
    let features: [any Feature]
    /// Nil: code blocks fail.
    let code: (any CodeRunner)?
    private let codeOwner = CodeOwner()
    private let earlier: EarlierVersions
    let logger: Logger
    let writer: GroupWriter
    let turned = GroupTurns()
    let schedules: Schedules
    /// By flow, where it is not 0.
    let priorities: [String: Int]
    /// Computed once: an event must not cost more the more flows an app has.
    package let flowsOfStripeEvents: [String: [String]]
    let state = Mutex(EngineState())
    /// Requests that were let go and whose outcome is not with the writer yet.
    let requestsUnderWay = Atomic<Int>(0)
    private let requests = AsyncStream.makeStream(of: RequestOrder.self)
    /// Rings when an earlier moment is set for the next look.
    private let isEarlier = CommitSignal()
    private let timers = AsyncStream.makeStream(of: TimerOrder.self)

    struct RequestOrder: Sendable {
        var run: RunID
        var address: EntryAddress
        var work: Work
        /// How long an answer is waited for, if its block says so.
        var patience: Duration?

        enum Work: Sendable {
            case request(OutsideRequest)
            case code(CodeJob, answers: [CodeAnswer])
        }
    }

    enum TimerOrder: Sendable {
        /// Try to write until the store takes it.
        case probe(StoreError.Code)
    }

    package init(
        app: App,
        store: any Store,
        transport: any Transport,
        clock: any Clock,
        random: any RandomSource,
        features: [any Feature],
        code: (any CodeRunner)? = nil,
        earlier: EarlierVersions = .none,
        mode: Mode,
        logger: Logger,
        retention: Retention = .standard,
        effectsPerTurn: Int = Limits.effectsPerTurn,
        stepsPerTurn: Int = Limits.stepsPerTurn,
        writerThread: any WriterThread = SystemWriterThread()
    ) {
        self.app = app
        self.store = store
        self.transport = transport
        self.clock = clock
        self.random = random
        self.features = features
        self.code = code
        self.earlier = earlier
        self.mode = mode
        self.logger = logger
        self.retention = retention
        self.effectsPerTurn = effectsPerTurn
        self.stepsPerTurn = stepsPerTurn
        self.schedules = Schedules(app, mode: mode, began: clock.now())
        self.priorities = app.flows.mapValues(\.priority).filter { $0.value != 0 }
        self.flowsOfStripeEvents = app.flowsOfStripeEvents
        let timed = TimedStore(base: store, clock: clock, counters: counters)
        let triggering = TableTriggers(app, mode: mode, clock: clock).map { TriggeringStore(timed, $0) }
        self.writer = GroupWriter(
            store: triggering ?? timed,
            observer: GroupReport(counters: counters, commits: commits, logger: logger, turned: turned),
            thread: writerThread
        )
        triggering?.tell { [weak self] in self?.requestLook() }
    }

    /// Takes calls: false while it recovers, while the store takes no writes, and while it stops.
    package var isReady: Bool { state.withLock { $0.phase == .ready } }

    /// Jobs that wait for the writer; for `/metrics`.
    package var waitingJobs: Int { writer.backlog }

    /// Runs in memory; for `/metrics`.
    package var takenPlaces: Int { state.withLock { $0.live.count } }

    /// Returns when the engine takes calls, or stops.
    package func waitUntilReady() async {
        await withCheckedContinuation { continuation in
            let isOver = state.withLock { state in
                if state.phase == .ready || state.phase == .stopping { return true }
                state.readiness.append(continuation)
                return false
            }
            if isOver { continuation.resume() }
        }
    }

    /// Recovers, then takes up runs until graceful shutdown or cancellation; runs stay on disk as they are.
    ///
    /// - Throws: `EngineError` when the store cannot be read at the start.
    package func run() async throws {
        do {
            try await recover()
        } catch {
            stop()
            throw error
        }
        await withGracefulShutdownHandler {
            await withDiscardingTaskGroup { group in
                group.addTask { await self.runTimers() }
                for await order in self.requests.stream {
                    group.addTask { await self.send(order) }
                }
                self.stop()
            }
        } onGracefulShutdown: {
            self.stop()
        }
        await writer.drained()
        await noteStop()
    }

    /// Takes nothing new; requests on their way are waited for, so that their answers are recorded.
    func stop() {
        for waiting in state.withLock({ $0.enter(.stopping) }) { waiting.resume() }
        requests.continuation.finish()
        timers.continuation.finish()
    }

    /// Runs `body` in the next group and returns when it is durable; not cancellable.
    ///
    /// Runs that were started in it are taken up after the commit. `body` may run again when its group had to be
    /// replayed.
    /// - Throws: What `body` throws; nothing of it happened then. `.full`, `.groupFailed`, `.closed`: nothing happened.
    ///   `.unavailable`: it may have happened; read before trying again.
    package func write<R: Sendable>(
        _ body: @escaping @Sendable (any StoreTransaction) throws(StoreError) -> R
    ) async throws(StoreError) -> R {
        let outcome: Result<R, StoreError> = await withCheckedContinuation { continuation in
            write(body) { continuation.resume(returning: $0) }
        }
        return try outcome.get()
    }

    /// The same for a caller that has no task to wait with: `done` is called once, on the writer's thread, and must not
    /// block.
    package func write<R: Sendable>(
        _ body: @escaping @Sendable (any StoreTransaction) throws(StoreError) -> R,
        done: @escaping @Sendable (Result<R, StoreError>) -> Void
    ) {
        writer.perform { (transaction, _) throws(StoreError) in
            let result = try body(transaction)
            try Failpoint.ingestBeforeCommit.reach()
            return result
        } done: { [self] outcome in
            switch outcome {
            case .success:
                Failpoint.ingestAfterCommit.pass()
                requestLook()
            case .failure(let error): stall(after: error)
            }
            done(outcome)
        }
    }

    func context() -> TurnContext {
        TurnContext(
            app: app,
            mode: mode,
            features: features,
            epoch: store.bootEpoch,
            clock: clock,
            random: random,
            installation: state.withLock { $0.installation },
            effectsPerTurn: effectsPerTurn,
            stepsPerTurn: stepsPerTurn,
            earlier: earlier
        )
    }
}

// MARK: Requests

extension Engine {
    /// Lets a request go that is on disk.
    func order(_ pending: PendingRequest, of run: RunID) {
        requestsUnderWay.add(1, ordering: .sequentiallyConsistent)
        let order = RequestOrder(
            run: run,
            address: pending.entry.address,
            work: .request(pending.request),
            patience: pending.call.timeout
        )
        guard case .terminated = requests.continuation.yield(order) else { return }
        requestsUnderWay.subtract(1, ordering: .sequentiallyConsistent)
        putBack(run)
    }

    /// Notes that the open request of a run has not left, since the engine stops: the next start may send it, and need not
    /// ask a person whether it was sent.
    private func putBack(_ run: RunID) {
        writer.submit(
            GroupWriter.Job(
                body: { (transaction, _) throws(StoreError) in
                    guard var record = try transaction.run(run), record.status == .running else { return }
                    record.status = .queued
                    try transaction.updateRun(record)
                },
                // Without it a request that must go once asks a person, as after a crash.
                done: { _ in }
            )
        )
    }

    /// Has the code of a run carried on with, from the answers that are on disk.
    func orderCode(of run: LiveRun) {
        guard let pending = run.code, let job = codeJob(of: pending, in: run) else { return }
        requestsUnderWay.add(1, ordering: .sequentiallyConsistent)
        let order = RequestOrder(run: run.record.id, address: job.address, work: .code(job, answers: pending.answers))
        guard case .terminated = requests.continuation.yield(order) else { return }
        // The engine stops; code is run again from its recorded answers at the next start.
        requestsUnderWay.subtract(1, ordering: .sequentiallyConsistent)
    }

    /// A run that is left with code on its way is answered later, when its worker is long needed elsewhere.
    func forgetCode(of run: LiveRun) {
        guard let pending = run.code, let job = codeJob(of: pending, in: run) else { return }
        code?.forget(job)
    }

    private func codeJob(of pending: PendingCode, in run: LiveRun) -> CodeJob? {
        var job = context().codeJob(of: pending.call, in: run.record)
        job?.owner = codeOwner
        return job
    }

    private func send(_ order: RequestOrder) async {
        defer { requestsUnderWay.subtract(1, ordering: .sequentiallyConsistent) }
        let request: OutsideRequest
        switch order.work {
        case .request(let ordered): request = ordered
        case .code(let job, let answers):
            let progress = await code?.advance(job, answers: answers) ?? .unavailable
            if Task.isCancelled { return }
            return submitTurn(of: order.run, .progress(order.address, answers: answers.count, progress))
        }
        Failpoint.sendBefore.pass()
        let result = await answer(to: request, within: order.patience)
        Failpoint.sendAfter.pass()
        // A cancelled sending says nothing about the request; the next start sends it again with the same key.
        if Task.isCancelled { return }
        submitTurn(of: order.run, .answer(order.address, result))
    }
}

extension Engine {
    /// Sends, and gives the answer up when the block's patience ends: what became of the request is open then.
    private func answer(to request: OutsideRequest, within patience: Duration?) async -> TransportResult {
        guard let patience, let deadline = clock.now() + patience else {
            return await transport.send(request, mode: mode)
        }
        return await withTaskGroup(of: TransportResult?.self) { [transport, clock, mode] group in
            group.addTask { await transport.send(request, mode: mode) }
            group.addTask {
                // Cancelled when the answer came first.
                try? await clock.sleep(until: deadline)
                return nil
            }
            defer { group.cancelAll() }
            let result = await group.next() ?? nil
            return result ?? .lost(reason: "no answer came within \(patience.authorText)")
        }
    }
}

// MARK: Timers

extension Engine {
    private func runTimers() async {
        await withDiscardingTaskGroup { group in
            group.addTask { await self.pruneRegularly() }
            group.addTask { await self.lookWhenDue() }
            for await order in timers.stream {
                group.addTask { await self.carryOut(order) }
            }
            group.cancelAll()
        }
    }

    private func carryOut(_ order: TimerOrder) async {
        switch order {
        case .probe(let code):
            await probe(after: code)
        }
    }

    /// Looks for due runs at the earliest moment that is set, until the engine stops.
    ///
    /// One sleeper for all moments: it begins anew where an earlier one is set, so that later ones leave nothing behind.
    private func lookWhenDue() async {
        var rings: UInt64 = 0
        while !Task.isCancelled {
            let deadline = state.withLock { $0.wakesAt }
            let seen = rings
            // Nil: the moment has come.
            let ring = await withTaskGroup(of: UInt64?.self) { [clock, isEarlier] group in
                group.addTask { await isEarlier.next(after: seen) }
                if let deadline {
                    group.addTask {
                        // Cancelled when the engine stops, or an earlier moment is set.
                        guard (try? await clock.sleep(until: deadline)) != nil else { return seen }
                        return nil
                    }
                }
                defer { group.cancelAll() }
                return await group.next() ?? seen
            }
            guard !Task.isCancelled else { return }
            guard ring == nil else {
                rings = ring ?? seen
                continue
            }
            Failpoint.timerBefore.pass()
            state.withLock { if $0.wakesAt == deadline { $0.wakesAt = nil } }
            requestLook()
        }
    }

    /// Makes sure that the engine looks for due runs at `deadline`.
    func setTimer(_ deadline: Timestamp) {
        let mustSleep = state.withLock { state in
            if let wakesAt = state.wakesAt, wakesAt <= deadline { return false }
            state.wakesAt = deadline
            return true
        }
        if mustSleep { isEarlier.ring() }
    }

    // MARK: A store that fails

    /// Stops intake until the store takes writes again.
    func stall(after error: StoreError, _ turn: EngineState.StalledTurn? = nil) {
        guard error.stopsIntake else { return }
        let isFirst = state.withLock { state in
            state.failures += 1
            if let turn { state.stalled.append(turn) }
            guard state.phase == .ready else { return false }
            state.phase = .stalled
            return true
        }
        guard isFirst else { return }
        logger.warning("the store takes no writes; intake is stopped", metadata: ["code": "\(error.code)"])
        timers.continuation.yield(.probe(error.code))
    }

    private func probe(after code: StoreError.Code) async {
        var pause = code == .unavailable ? Duration.zero : .seconds(1)
        while !Task.isCancelled {
            if pause > .zero {
                guard let next = clock.now() + pause, (try? await clock.sleep(until: next)) != nil else { return }
            }
            pause = .seconds(1)
            let mark = Array(clock.now().rfc3339.utf8)
            do throws(StoreError) {
                let (lost, failures) = try await writer.perform { [self] (transaction, _) throws(StoreError) in
                    try transaction.setSetting("engine.probe", mark)
                    return (try runningUnowned(in: transaction), state.withLock { $0.failures })
                }
                if recovered(lost, failures: failures) { return }
                pause = .zero
            } catch {
                if error.code == .closed { return }
            }
        }
    }

    /// Runs that this process marked as running and does not have in memory: their group was committed after all.
    private func runningUnowned(in transaction: any StoreTransaction) throws(StoreError) -> [RunID] {
        let live = state.withLock { Set($0.live.keys) }
        return try transaction.runs(matching: RunFilter(statuses: [.running], limit: 4 * Limits.places))
            .filter { $0.epoch == store.bootEpoch && !live.contains($0.id) }.map(\.id)
    }

    /// - Returns: False when a group failed since the probe, which does not know what became of that one.
    private func recovered(_ lost: [RunID], failures: Int) -> Bool {
        let found: ([EngineState.StalledTurn], [CheckedContinuation<Void, Never>])? = state.withLock { state in
            guard state.failures == failures else { return nil }
            defer { state.stalled = [] }
            let waiting = state.phase == .stalled ? state.enter(.ready) : []
            let known = Set(state.stalled.map(\.run))
            let unowned = lost.filter { !known.contains($0) }
            return (state.stalled + unowned.map { .init(run: $0, input: .takeUp(isUnsent: true)) }, waiting)
        }
        guard let (turns, waiting) = found else { return false }
        for waiting in waiting { waiting.resume() }
        logger.notice("the store takes writes again", metadata: ["runs": "\(turns.count)"])
        for turn in turns { submitTurn(of: turn.run, turn.input) }
        requestLook()
        return true
    }
}
