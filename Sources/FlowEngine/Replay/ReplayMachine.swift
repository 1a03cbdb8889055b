import Expressions
package import FlowLanguage

/// Why a replay stopped before its run was over.
package enum ReplayStop: Sendable, Hashable {
    /// The record ends here too: the run waits, is parked, was cancelled, or was exported while it ran.
    case recordEnds
    /// The run asks for something from outside that nobody recorded.
    case unanswered(EntryAddress)
    /// Code is to be run up to its next step, which nobody has done yet.
    case code(CodeStep)
    /// It runs in circles, or does what a replay cannot follow.
    case lost(String)
}

/// What code is to be run with, and where the step that it comes to stands.
package struct CodeStep: Sendable, Hashable {
    package var address: EntryAddress
    package var job: CodeJob
    package var answers: [CodeAnswer]

    package static func == (left: Self, right: Self) -> Bool { left.address == right.address }
    package func hash(into hasher: inout Hasher) { hasher.combine(address) }
}

/// What a replay of one run gave.
package struct ReplayedRun: Sendable {
    package var record: RunRecord
    package var entries: [JournalEntry]
    /// Every block that was passed, in order; empty unless asked for.
    package var passes: [BlockPass]
    package var stop: ReplayStop?
}

/// What a replay of a history gave.
package struct ReplayOutcome: Sendable {
    /// In the order of their ids, the run itself first.
    package var runs: [ReplayedRun]
    package var changes: [RowChange]
    package var outside: [OutsideChange]
    /// Entries whose outcome was taken as recorded.
    package var given: Set<EntryAddress>
    package var snapshot: BlockSnapshot?

    /// The code that must be run before the replay can go further.
    package var nextCode: CodeStep? {
        for run in runs {
            if case .code(let step) = run.stop { return step }
        }
        return nil
    }
}

/// Runs a recorded run again: the same interpreter and the same turns, fed from the record.
///
/// Clock, rows, answers and sub-runs come from the record; every expression, branch, input, request, query and change
/// is done again. No network, no database, nothing that waits.
package struct ReplayMachine {
    let context: TurnContext
    let transaction: ReplayTransaction
    private let history: RecordedHistory
    private let clock: ReplayClock
    private let watch: PassWatch?
    private let code: [EntryAddress: CodeProgress]?
    private var results: [RunID: ReplayedRun] = [:]
    private var snapshot: BlockSnapshot?
    /// Where runs began their branches.
    private var origins: [RunID: BranchOrigin] = [:]

    /// Prepares a replay of `history` on `app`.
    ///
    /// - Parameters:
    ///   - app: The app that the run ran on, or today's.
    ///   - features: With the credentials of the capsule.
    ///   - history: With at least one run.
    ///   - tables: Empty ones, for this replay alone.
    ///   - outside: What another replay of the same history on the recorded app found out; nil for that replay itself.
    ///   - code: What code that was run for this replay came to, by the places of its steps; nil: as it is recorded.
    ///   - watch: Which blocks to look at; nil: none.
    package init(
        app: App,
        features: [any Feature],
        history: RecordedHistory,
        tables: any ReplayTables,
        outside: [OutsideChange]? = nil,
        code: [EntryAddress: CodeProgress]? = nil,
        watch: PassWatch? = nil
    ) {
        self.code = code
        let root = history.runs[0].record
        let clock = ReplayClock(root.createdAt)
        self.clock = clock
        self.history = history
        self.watch = watch
        let plan = outside.map { Dictionary(grouping: $0, by: \.address) }
        transaction = ReplayTransaction(history: history, tables: tables, clock: clock, plan: plan)
        var context = TurnContext(
            app: app,
            mode: root.start.mode,
            features: features,
            epoch: root.epoch,
            clock: clock,
            random: ReplayRandomSource(),
            installation: history.installation
        )
        context.isReplay = true
        context.stepsPerTurn = nil
        self.context = context
    }

    /// - Throws: When the rows of the capsule fit no table of the app.
    package mutating func run() throws(StoreError) -> ReplayOutcome {
        let root = history.runs[0].record
        var record = RunRecord(id: root.id, start: root.start, status: .queued, createdAt: root.createdAt)
        record.startedAt = root.startedAt
        transaction.records[root.id] = record
        transaction.journals[root.id] = []
        transaction.keep(history.kept, of: history.runs[0])
        try transaction.prepareRows()
        try drive(root.id, depth: 0)
        let runs = results.values.sorted { $0.record.id < $1.record.id }
        let first = runs.filter { $0.record.id == root.id }
        return ReplayOutcome(
            runs: first + runs.filter { $0.record.id != root.id },
            changes: transaction.recordedChanges,
            outside: transaction.outside,
            given: transaction.given,
            snapshot: snapshot
        )
    }

    // MARK: One run

    private mutating func drive(_ id: RunID, depth: Int) throws(StoreError) {
        guard var record = transaction.records[id] else { return }
        guard let graph = context.app.flows[record.start.flow], depth <= Limits.subflowDepth else {
            return finish(id, nil, .lost("the app has no flow '\(record.start.flow)'"))
        }
        if let refused = transaction.recorded[id], refused.isRefused {
            record.status = .failed
            record.finishedAt = refused.record.finishedAt
            record.failure = refused.record.failure
            record.answer = refused.record.failure.map { RunAnswer(failure: $0) }
            transaction.records[id] = record
            return finish(id, nil, .recordEnds)
        }
        if record.startedAt == nil { record.startedAt = clock.now() }
        let startedAt = record.startedAt ?? record.createdAt
        transaction.records[id] = record
        var lastSize = -1
        while true {
            let replay: JournalReplay
            do {
                let origin = try context.origin(of: record, known: { origins[$0] }, in: transaction)
                if let origin { origins[origin.address.run] = origin }
                var fresh = try TurnContext.interpreter(of: record, graph, startedAt: startedAt, from: origin)
                fresh.watch = watch
                replay = try JournalReplay(fresh, entries: transaction.journals[id] ?? [])
            } catch {
                let message = (error as? NondeterminismError)?.message ?? "the journal cannot be followed"
                return finish(id, nil, .lost(message))
            }
            let (interpreter, stop) = try turn(of: id, replay, graph: graph)
            if let stop { return finish(id, interpreter, stop) }
            guard let after = transaction.records[id], !after.status.isFinal else {
                return finish(id, interpreter, nil)
            }
            // Branches that end must not begin others here: which were begun is in the record.
            transaction.records[id]?.status = .running
            try driveChildren(of: id, depth: depth)
            transaction.records[id]?.status = after.status
            let size = progress(of: id)
            guard size > lastSize else { return finish(id, interpreter, .lost("the run does not go on")) }
            lastSize = size
        }
    }

    /// A number that grows with everything that a run does.
    private func progress(of id: RunID) -> Int {
        (transaction.journals[id] ?? []).reduce(0) { $0 + ($1.status == .started ? 1 : 2) }
    }

    private mutating func driveChildren(of id: RunID, depth: Int) throws(StoreError) {
        while true {
            let waiting = transaction.records.values.filter {
                $0.start.parent?.run == id && !$0.status.isFinal && results[$0.id] == nil
            }
            guard let child = waiting.map(\.id).min() else { return }
            try drive(child, depth: depth + 1)
        }
    }

    private mutating func finish(_ id: RunID, _ interpreter: Interpreter?, _ stop: ReplayStop?) {
        guard let record = transaction.records[id] else { return }
        results[id] = ReplayedRun(
            record: record,
            entries: transaction.journals[id] ?? [],
            passes: interpreter?.watch?.passes ?? [],
            stop: stop
        )
        snapshot = snapshot ?? interpreter?.watch?.snapshot
    }

    // MARK: Turns

    /// - Returns: The interpreter as it then stands, and why the run cannot go on, if it cannot.
    private func turn(
        of id: RunID,
        _ replay: JournalReplay,
        graph: FlowGraph
    ) throws(StoreError) -> (Interpreter, ReplayStop?) {
        guard var record = transaction.records[id] else { return (replay.interpreter, nil) }
        if wasStopped(id) { return (replay.interpreter, .recordEnds) }
        transaction.beginTurn(of: id)
        record.status = .running
        record.wakesAt = nil
        var live = LiveRun(record: record, interpreter: replay.interpreter)
        live.code = replay.code
        guard let open = replay.open else {
            live.interpreter.endPause()
            return try advance(live)
        }
        if case .branches = open.call.work { return try join(open, live) }
        guard let recorded = transaction.recordedEntry(open.entry.address) else {
            return (live.interpreter, .unanswered(open.entry.address))
        }
        guard recorded.status == .succeeded || recorded.status == .failed else {
            return (live.interpreter, .recordEnds)
        }
        guard let result = Self.result(recorded), let request = OutsideRequest(open.entry.input) else {
            var entry = open.entry
            entry.status = recorded.status
            entry.output = recorded.output
            entry.failure = recorded.failure
            entry.finishedAt = recorded.finishedAt
            try transaction.finishEntry(entry, epoch: context.epoch)
            transaction.given.insert(entry.address)
            return (live.interpreter, nil)
        }
        var pending = PendingRequest(call: open.call, entry: open.entry, request: request, exchanges: open.exchanges)
        if recorded.receipt == nil { pending.entry.sends = Limits.sends }
        live.pending = pending
        var turn = Turn(live, context: context, in: transaction)
        guard try turn.receive(result) == nil else {
            transaction.records[id] = turn.run.record
            return (turn.run.interpreter, nil)
        }
        if wasStopped(id) { return (turn.run.interpreter, .recordEnds) }
        return try advance(turn.run)
    }

    /// Whether the run was ended here, or was exported before it went on: it must not do what nobody recorded, nor tell
    /// the run that waits for it another end.
    func wasStopped(_ id: RunID) -> Bool {
        guard let recorded = transaction.recorded[id] else { return false }
        let isUnderWay = !recorded.record.status.isFinal && transaction.plan == nil
        guard recorded.record.wasStopped || isUnderWay else { return false }
        let entries = transaction.journals[id] ?? []
        return entries.count >= recorded.entries.count && !entries.contains { $0.status == .started }
    }

    /// What came back from outside; nil when the entry does not tell, since a person decided or nothing is sent by it.
    private static func result(_ entry: JournalEntry) -> TransportResult? {
        if let receipt = entry.receipt { return .answered(receipt.answer) }
        // Code gets the answer as it is: it is the entry's output.
        if entry.isHostCall, let answer = OutsideAnswer(entry.output) { return .answered(answer) }
        guard let failure = entry.failure, failure.type == "connection" else { return nil }
        switch failure.code {
        case Turn.notSent, Turn.noAnswer:
            // An answer that is none: who was asked is busy or broken, and said for how long.
            guard let status = failure.status else { break }
            let headers = failure.retryAfter.map { ["retry-after": String($0)] } ?? [:]
            return .answered(OutsideAnswer(status: status, headers: headers))
        default: break
        }
        switch failure.code {
        case Turn.notSent: return .notSent(reason: failure.message, retryable: failure.retryable)
        case Turn.unusableAnswer: return .unusable(reason: failure.message)
        case Turn.noAnswer: return .lost(reason: failure.message)
        default: return nil
        }
    }

    func advance(_ live: LiveRun) throws(StoreError) -> (Interpreter, ReplayStop?) {
        var live = live
        var progress: CodeProgress?
        while true {
            var turn = Turn(live, context: context, in: transaction)
            var stop: Turn.Stop?
            if let known = progress { stop = try turn.receive(known) }
            progress = nil
            if stop == nil { stop = try turn.advance() }
            transaction.records[live.record.id] = turn.run.record
            switch stop {
            case .yielding: break
            case .computing:
                guard let pending = turn.run.code else { return (turn.run.interpreter, nil) }
                let address = pending.address(in: live.record.id)
                switch step(of: pending, at: address, in: turn.run.record) {
                case .success(let known): progress = known
                case .failure(let end): return (turn.run.interpreter, end.stop)
                }
            case .sending, .left, nil: return (turn.run.interpreter, nil)
            }
            transaction.beginTurn(of: live.record.id)
            live = turn.run
        }
    }

    private struct End: Error {
        var stop: ReplayStop
    }

    private func step(
        of pending: PendingCode,
        at address: EntryAddress,
        in record: RunRecord
    ) -> Result<CodeProgress, End> {
        let recorded = transaction.recordedEntry(address).flatMap(CodeProgress.init)
        if let code, recorded?.isOfTheMachine != true {
            if let known = code[address] { return .success(known) }
            guard let job = context.codeJob(of: pending.call, in: record) else {
                return .failure(End(stop: .unanswered(address)))
            }
            return .failure(End(stop: .code(CodeStep(address: address, job: job, answers: pending.answers))))
        }
        guard let recorded else { return .failure(End(stop: .unanswered(address))) }
        transaction.given.insert(address)
        return .success(recorded)
    }
}
