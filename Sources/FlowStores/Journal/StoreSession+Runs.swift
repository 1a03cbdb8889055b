import Expressions
import FlowEngine
import FlowLanguage

extension StoreSession {
    private static let columns = """
        id, flow, version, origin, mode, input, trigger_value, caller_id, caller_roles, lane, \
        parent_run, parent_path, parent_visit, parent_attempt, parent_call, idempotency_key, \
        status, epoch, created_at, started_at, finished_at, wakes_at, answer, failure, strikes, trace, halt, \
        concurrency, held, generation, rerun_of, awaits
        """

    private static let byID = FixedStatement("SELECT \(columns) FROM runs WHERE id = ?")
    private static let byKey = FixedStatement(
        """
        SELECT \(columns) FROM runs
        WHERE flow = ? AND ifnull(caller_id, x'') = ifnull(?, x'') AND idempotency_key = ? AND mode = ?
        """
    )
    private static let newest = FixedStatement("SELECT \(columns) FROM runs WHERE id < ? ORDER BY id DESC")
    private static let newestOfFlow = FixedStatement(
        "SELECT \(columns) FROM runs WHERE flow = ? AND id < ? ORDER BY id DESC"
    )
    /// The ids of the runs of a status, newest first, by an index that holds these alone; none for `succeeded`: those
    /// are nearly all.
    static let ofStatus: [RunStatus: [FixedStatement]] = {
        var statements: [RunStatus: [FixedStatement]] = [:]
        let add = { (status: RunStatus, index: String, condition: String) in
            let text = """
                SELECT id FROM runs INDEXED BY \(index)
                WHERE \(condition) AND id < ?1 AND (?2 IS NULL OR flow = ?2) ORDER BY id DESC
                """
            statements[status, default: []].append(FixedStatement(text))
        }
        add(.running, "runs_running", "status = 'running'")
        add(.queued, "runs_queue", "status = 'queued' AND held = 0")
        // A concurrency key holds them, and them alone.
        add(
            .queued,
            "runs_concurrency",
            "concurrency IS NOT NULL AND \(StatusCondition.isOpen) AND held = 1 AND status = 'queued'"
        )
        for status in [RunStatus.waiting, .retrying, .paused, .outcomeUnknown, .quarantined] {
            add(status, "runs_parked", "\(StatusCondition.isParked) AND status = '\(status.rawValue)'")
        }
        for status in [RunStatus.failed, .cancelled] {
            add(status, "runs_undone", "\(StatusCondition.isUndone) AND status = '\(status.rawValue)'")
        }
        return statements
    }()

    func run(_ id: RunID) throws(StoreError) -> RunRecord? {
        let record = if let claimed = claimed[id] { claimed } else { try readRun(id) }
        accesses?.append(.run(id, status: record?.status))
        return record
    }

    func readRun(_ id: RunID) throws(StoreError) -> RunRecord? {
        let statement = try prepared(Self.byID)
        statement.bind(id.rawValue)
        return try first(statement, Self.record)
    }

    func run(
        flow: String,
        caller: Caller,
        mode: Mode,
        idempotencyKey: String
    ) throws(StoreError) -> RunRecord? {
        let statement = try prepared(Self.byKey)
        statement.bind(flow)
        statement.bind(caller.id)
        statement.bind(idempotencyKey)
        statement.bind(mode.rawValue)
        return try first(statement, Self.record)
    }

    func runs(matching filter: RunFilter) throws(StoreError) -> [RunRecord] {
        let known = filter.statuses.compactMap { Self.ofStatus[$0] }
        if !known.isEmpty, known.count == filter.statuses.count {
            var found: [RunRecord] = []
            for query in known.joined() { found += try runs(listedBy: query, filter) }
            return Array(found.sorted { $0.id > $1.id }.prefix(max(0, filter.limit)))
        }
        let statement: PreparedStatement
        if let flow = filter.flow {
            statement = try prepared(Self.newestOfFlow)
            statement.bind(flow)
        } else {
            statement = try prepared(Self.newest)
        }
        statement.bind(filter.before?.rawValue ?? Int64.max)
        var found: [RunRecord] = []
        defer { statement.reset() }
        while found.count < filter.limit, try next(statement) {
            if let record = try Self.record(statement, matching: filter) { found.append(record) }
        }
        return found
    }

    private func runs(listedBy query: FixedStatement, _ filter: RunFilter) throws(StoreError) -> [RunRecord] {
        let statement = try prepared(query)
        statement.bind(filter.before?.rawValue ?? Int64.max)
        statement.bind(filter.flow)
        var found: [RunRecord] = []
        defer { statement.reset() }
        while found.count < filter.limit, try next(statement) {
            let row = try prepared(Self.byID)
            row.bind(try statement.int(0))
            let record = try first(row) { row throws(StoreError) in try Self.record(row, matching: filter) }
            if let record = record ?? nil { found.append(record) }
        }
        return found
    }

    /// The runs whose rows were damaged, the newest first and at most so many, one sentence each.
    func damagedRuns(limit: Int) throws(StoreError) -> [String] {
        let statement = try prepared(Self.newest)
        statement.bind(Int64.max)
        defer { statement.reset() }
        var found: [String] = []
        while found.count < limit, try next(statement) {
            let id = try statement.int(0)
            do throws(StoreError) {
                if let damage = try Self.record(statement).damage { found.append("run \(id): \(damage)") }
            } catch {
                guard error.code == .corrupt else { throw error }
                found.append("run \(id), which no list shows: \(error.message)")
            }
        }
        return found
    }

    /// Nil for a row that the filter leaves out, and for one of which not even the status can be read: it must not hide
    /// the others.
    private static func record(
        _ row: PreparedStatement,
        matching filter: RunFilter
    ) throws(StoreError) -> RunRecord? {
        let fitting = try row.unlessCorrupt { row throws(StoreError) -> RunRecord? in
            // Statuses are compared here, so that one statement serves every set of them.
            if !filter.statuses.isEmpty {
                let status = try row.word(statusColumn, RunStatus.self)
                if !filter.statuses.contains(status) { return nil }
            }
            if !filter.includesBranches, try isQuietBranch(row) { return nil }
            return try record(row)
        }
        return fitting ?? nil
    }

    /// Whether the row is one of a branch that needs nobody.
    private static func isQuietBranch(_ row: PreparedStatement) throws(StoreError) -> Bool {
        guard try row.word(3, RunOrigin.self) == .branch else { return false }
        return !(try row.word(statusColumn, RunStatus.self).needsPerson)
    }

    func status(of run: RunID) throws(StoreError) -> RunStatus? {
        let statement = try prepared(Self.standing)
        statement.bind(run.rawValue)
        return try first(statement) { row throws(StoreError) in try row.word(0, RunStatus.self) }
    }

    /// What stands in a row; of one that was damaged on disk, what can still be read.
    ///
    /// - Throws: `.corrupt` when what an operator tells runs by cannot be read either.
    private static func record(_ row: PreparedStatement) throws(StoreError) -> RunRecord {
        let outline = try outline(row)
        do throws(StoreError) {
            return try complete(outline, row)
        } catch {
            guard error.code == .corrupt else { throw error }
            var damaged = outline
            // Either may be what is damaged.
            damaged.answer = row.isNull(22) ? nil : try? StoredForms.answer(row.textBytes(22))
            damaged.failure = row.isNull(23) ? nil : try? StoredForms.failure(row.textBytes(23))
            damaged.damage = error.message
            return damaged
        }
    }

    /// What tells a run from others: whose it is, where it stands and since when.
    private static func outline(_ row: PreparedStatement) throws(StoreError) -> RunRecord {
        guard let mode = Mode(rawValue: try row.text(4)) else { throw StoredForms.corrupt("mode") }
        var start = RunStart(
            flow: try row.text(1),
            version: FlowVersion(try row.text(2)),
            origin: try row.word(3, RunOrigin.self),
            caller: Caller(id: try row.optionalText(7), roles: []),
            mode: mode,
            parent: try parent(row)
        )
        start.generation = Generation(rawValue: try row.count(29))
        return RunRecord(
            id: RunID(try row.int(0)),
            start: start,
            status: try row.word(statusColumn, RunStatus.self),
            epoch: try row.int(17),
            createdAt: try row.timestamp(18),
            startedAt: try row.optionalTimestamp(19),
            finishedAt: try row.optionalTimestamp(20),
            isHeld: try row.int(28) != 0
        )
    }

    /// The run with what it goes on with: values, answer, trace.
    private static func complete(_ outline: RunRecord, _ row: PreparedStatement) throws(StoreError) -> RunRecord {
        var record = outline
        record.start.lane = try row.optionalText(9)
        record.start.idempotencyKey = try row.optionalText(15)
        record.start.concurrency = try row.optionalText(27)
        record.wakesAt = try row.optionalTimestamp(21)
        record.start.input = try row.map(5, "input")
        record.start.trigger = try row.exactOrNull(6, "trigger")
        record.start.caller.roles = try StoredForms.names(row.textBytes(8), "roles")
        record.start.rerunOf = try row.optionalInt(30).map { RunID($0) }
        record.awaits = try row.optionalText(31).map { EventSubject(text: $0) }
        record.answer = row.isNull(22) ? nil : try StoredForms.answer(row.textBytes(22))
        record.failure = row.isNull(23) ? nil : try StoredForms.failure(row.textBytes(23))
        record.strikes = try row.count(24)
        record.trace = row.isNull(25) ? [] : try StoredForms.trace(row.textBytes(25))
        record.halt = row.isNull(26) ? nil : try row.word(26, RunHalt.self)
        return record
    }

    private static func parent(_ row: PreparedStatement) throws(StoreError) -> EntryAddress? {
        guard let run = try row.optionalInt(10) else { return nil }
        return EntryAddress(
            run: RunID(run),
            path: BlockPath(try row.text(11)),
            visit: try row.count(12),
            attempt: try row.count(13),
            call: try row.count(14)
        )
    }
}

private let statusColumn: Int32 = 16

// Changes
extension StoreSession {
    static let insertRun = FixedStatement(
        """
        INSERT INTO runs (flow, version, origin, mode, input, trigger_value, caller_id, caller_roles, lane,
                          parent_run, parent_path, parent_visit, parent_attempt, parent_call, idempotency_key,
                          concurrency, held, generation, rerun_of, status, epoch, created_at, strikes)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?16, ?16 IS NOT NULL, ?17, ?18, 'queued', 0, ?19, 0)
        """
    )
    /// Fails without undoing, since of one row there is nothing to undo.
    ///
    /// Before a refusal that undoes a statement, SQLite keeps a copy of each page that it changes. For the same reason the
    /// trigger's is another one (`Migration.cheapRefusals`).
    static let changeRun = FixedStatement(
        """
        UPDATE OR FAIL runs SET status = ?, epoch = ?2, started_at = ?, finished_at = ?, wakes_at = ?, answer = ?,
                        failure = ?, strikes = ?, trace = ?, awaits = ?
        WHERE id = ? AND epoch <= ?2 AND \(StatusCondition.isOpen)
        """
    )
    private static let standing = FixedStatement("SELECT status, epoch FROM runs WHERE id = ?")

    func insertRun(_ start: RunStart, at now: Timestamp) throws(StoreError) -> RunID {
        let statement = try prepared(Self.insertRun)
        statement.bind(start.flow)
        statement.bind(start.version.rawValue)
        statement.bind(start.origin.rawValue)
        statement.bind(start.mode.rawValue)
        try statement.bindExact(.map(start.input), "the input")
        try statement.bindExact(start.trigger, "the trigger")
        statement.bind(start.caller.id)
        statement.bindText(StoredForms.encode(start.caller.roles))
        statement.bind(start.lane)
        statement.bind(start.parent?.run.rawValue)
        statement.bind(start.parent?.path.rawValue)
        statement.bind(start.parent.map { Int64($0.visit) })
        statement.bind(start.parent.map { Int64($0.attempt) })
        statement.bind(start.parent.map { Int64($0.call) })
        statement.bind(start.idempotencyKey)
        statement.bind(start.concurrency)
        statement.bind(start.generation.rawValue)
        statement.bind(start.rerunOf?.rawValue)
        statement.bind(now)
        do {
            try execute(statement)
        } catch  where error.code == .constraint && start.idempotencyKey != nil {
            throw StoreError(
                .constraint,
                "a run of \(start.flow) with this caller and idempotency key is there already",
                column: "idempotencyKey"
            )
        }
        let run = RunID(lastInsertedID)
        accesses?.append(.started(run))
        return run
    }

    func updateRun(_ run: RunRecord) throws(StoreError) {
        claimed[run.id] = nil
        var answer: [UInt8]?
        if let given = run.answer { answer = try StoredForms.encode(given) }
        let statement = try prepared(Self.changeRun)
        statement.bind(run.status.rawValue)
        statement.bind(run.epoch)
        statement.bind(run.startedAt)
        statement.bind(run.finishedAt)
        statement.bind(run.wakesAt)
        statement.bindText(answer)
        statement.bindText(run.failure.map { StoredForms.encode($0) })
        statement.bind(run.strikes)
        statement.bindText(StoredForms.encode(run.trace))
        statement.bind(run.awaits?.text)
        statement.bind(run.id.rawValue)
        if try execute(statement) == 1 { return }
        try requireEpoch(run.epoch, of: run.id)
        throw StoreError(.finalState, "run \(run.id) is final")
    }

    /// - Throws: `.constraint` when there is no such run; `.staleEpoch` when it belongs to a later epoch.
    func requireEpoch(_ epoch: Int64, of run: RunID) throws(StoreError) {
        let statement = try prepared(Self.standing)
        statement.bind(run.rawValue)
        let owner = try first(statement) { row throws(StoreError) in try row.int(1) }
        guard let owner else { throw StoreError(.constraint, "there is no run \(run)") }
        if owner > epoch { throw StoreError(.staleEpoch, "run \(run) belongs to epoch \(owner), not \(epoch)") }
    }
}
