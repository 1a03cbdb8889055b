import Expressions
import FlowLanguage

/// What the expressions see that decide about a run before it is there.
struct StartScope: Sendable {
    private let scope: FlowScope

    init(_ start: RunStart, now: Timestamp) {
        let described: ValueMap = [
            "flow": .string(start.flow),
            "version": .string(start.version.rawValue),
            "mode": .string(start.mode.rawValue),
            "caller": [
                "id": start.caller.id.map(Value.string) ?? .null,
                "roles": .list(start.caller.roles.map(Value.string)),
            ],
        ]
        scope = FlowScope(
            input: .map(start.input),
            trigger: start.trigger,
            blocks: ValueMap(),
            variables: ValueMap(),
            run: .map(described),
            now: now
        )
    }

    func holds(_ expression: Expression, at range: SourceRange) throws(BlockFailure) -> Bool {
        try scope.holds(expression, at: range)
    }

    func evaluate(_ placed: PlacedExpression) throws(BlockFailure) -> Value {
        try scope.evaluate(placed.expression, at: placed.range)
    }
}

/// Inserts runs of one flow; where the flow limits how many go at once, a run may have to wait for another's end.
///
/// A place is held from the admission to the end of the run, also while it waits or is parked: what may be half done
/// keeps its successor out.
struct StartAdmission: Sendable {
    private let graph: FlowGraph
    private let now: Timestamp

    init(_ graph: FlowGraph, now: Timestamp) {
        self.graph = graph
        self.now = now
    }

    /// Inserts a run, and one that cannot be told apart from others as failed.
    ///
    /// - Parameters:
    ///   - start: What it starts with.
    ///   - failure: Why it fails at once, if it does.
    ///   - ancestor: The run that waits for it: one that waits for its own place would wait forever.
    ///   - transaction: The open group.
    /// - Returns: The run as it stands: queued, held, or failed.
    /// - Throws: As the transaction does; nothing is inserted then.
    func insert(
        _ start: RunStart,
        failure: BlockFailure? = nil,
        waitedForBy ancestor: RunRecord? = nil,
        in transaction: any StoreTransaction
    ) throws(StoreError) -> RunRecord {
        guard let limit = graph.concurrency else {
            let id = try transaction.insertRun(start, at: now)
            let record = RunRecord(id: id, start: start, status: .queued, createdAt: now)
            return try failure.map { (failure) throws(StoreError) in try fail(record, failure, in: transaction) }
                ?? record
        }
        var start = start
        var failure = failure
        do throws(BlockFailure) {
            start.concurrency = try key(of: start, limit)
        } catch {
            failure = failure ?? error
        }
        if let ancestor, let key = start.concurrency, try isHeld(key, by: ancestor, in: transaction) {
            start.concurrency = nil
        }
        let id = try transaction.insertRun(start, at: now)
        let record = RunRecord(id: id, start: start, status: .queued, createdAt: now)
        if let failure { return try fail(record, failure, in: transaction) }
        guard let key = start.concurrency else { return record }
        _ = try transaction.admitRuns(of: key, upTo: limit.limit)
        return try transaction.run(id) ?? record
    }

    private func key(of start: RunStart, _ limit: ConcurrencyLimit) throws(BlockFailure) -> String {
        // The places of the two modes are apart: a run of the other mode that is left over gives its own back to nobody.
        let flow = start.mode == .live ? graph.name : "\(start.mode.rawValue):\(graph.name)"
        guard let placed = limit.key else { return flow }
        let value = try StartScope(start, now: now).evaluate(placed)
        let text = String(decoding: JSON.encodeExact(value), as: UTF8.self)
        guard text.utf8.count <= Limits.concurrencyKeyBytes else {
            throw .expression(
                "key_too_long",
                "a concurrency key has \(Limits.concurrencyKeyBytes) bytes at most",
                at: placed.range
            )
        }
        return "\(flow) \(text)"
    }

    private func isHeld(
        _ key: String,
        by run: RunRecord,
        in transaction: any StoreReader
    ) throws(StoreError) -> Bool {
        var holder: RunRecord? = run
        var depth = 0
        while let current = holder, depth <= Limits.subflowDepth {
            if current.start.concurrency == key { return true }
            holder = try current.start.parent.flatMap { (address) throws(StoreError) in try transaction.run(address.run)
            }
            depth += 1
        }
        return false
    }

    private func fail(
        _ record: RunRecord,
        _ failure: BlockFailure,
        in transaction: any StoreTransaction
    ) throws(StoreError) -> RunRecord {
        var record = record
        record.status = .failed
        record.finishedAt = now
        record.failure = failure
        record.answer = RunAnswer(failure: failure)
        try transaction.updateRun(record)
        return record
    }
}
