import Expressions
import FlowEngine
import FlowLanguage

extension StoreSession {
    private static let ofRun = FixedStatement(
        """
        SELECT path, visit, attempt, call, sequence, block, status, started_at, finished_at,
               input, output, failure, key, sends, trace
        FROM entries WHERE run = ? ORDER BY sequence
        """
    )
    /// The entries of a run are numbered from 1 without gaps.
    private static let excerptOfRun = FixedStatement(
        """
        SELECT path, visit, attempt, call, sequence, block, status, started_at, finished_at,
               input, output, failure, key, sends, trace
        FROM entries WHERE run = ?1
          AND (sequence <= ?2 OR sequence > ?3
               OR sequence IN (SELECT sequence FROM entries
                               WHERE run = ?1 AND sequence > ?2 AND sequence <= ?3 AND status <> 'succeeded'
                               ORDER BY sequence LIMIT ?2))
        ORDER BY sequence
        """
    )
    private static let countOfRun = FixedStatement("SELECT count(*) FROM entries WHERE run = ?")
    private static let atAddress = FixedStatement(
        """
        SELECT path, visit, attempt, call, sequence, block, status, started_at, finished_at,
               input, output, failure, key, sends, trace
        FROM entries WHERE run = ? AND path = ? AND visit = ? AND attempt = ? AND call = ?
        """
    )
    private static let highestCall = FixedStatement(
        """
        SELECT call FROM entries WHERE run = ? AND path = ? AND visit = ? AND attempt = ? ORDER BY call DESC LIMIT 1
        """
    )
    private static let evidenceOfRun = FixedStatement(
        "SELECT path, visit, attempt, call, accesses, receipt FROM entries WHERE run = ? ORDER BY sequence"
    )
    /// The condition stands for a reference to `runs` as well: without the run, its number is null, which is refused.
    ///
    /// `INSERT … SELECT … WHERE` would say the same, but for a statement that could write many rows SQLite keeps a copy of
    /// each page that it changes.
    private static let insertEntry = FixedStatement(
        """
        INSERT INTO entries (run, path, visit, attempt, call, sequence, block, status, started_at, finished_at,
                             input, output, failure, key, sends, trace, accesses, receipt)
        VALUES (CASE WHEN (SELECT epoch FROM runs WHERE id = ?1) <= ?19 THEN ?1 END,
                ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)
        """
    )
    private static let finishEntry = FixedStatement(
        """
        UPDATE entries SET status = ?6, finished_at = ?7, output = ?8, failure = ?9, sends = ?10,
                           receipt = ifnull(?11, receipt)
        WHERE run = ?1 AND path = ?2 AND visit = ?3 AND attempt = ?4 AND call = ?5 AND status = 'started'
          AND (SELECT epoch FROM runs WHERE id = ?1) <= ?12
        """
    )
    private static let isEntry = FixedStatement(
        "SELECT status FROM entries WHERE run = ? AND path = ? AND visit = ? AND attempt = ? AND call = ?"
    )

    func entries(of run: RunID) throws(StoreError) -> [JournalEntry] {
        let statement = try prepared(Self.ofRun)
        statement.bind(run.rawValue)
        return try all(statement) { row throws(StoreError) in try Self.entry(of: run, row) }
    }

    package func excerpt(of run: RunID, limit: Int) throws(StoreError) -> JournalExcerpt {
        let counting = try prepared(Self.countOfRun)
        counting.bind(run.rawValue)
        let count = try first(counting) { row throws(StoreError) in try row.count(0) } ?? 0
        let statement = try prepared(Self.excerptOfRun)
        statement.bind(run.rawValue)
        statement.bind(limit)
        statement.bind(count - limit)
        let entries = try all(statement) { row throws(StoreError) in try Self.entry(of: run, row) }
        return JournalExcerpt(entries: entries, omitted: count - entries.count)
    }

    func entry(at address: EntryAddress) throws(StoreError) -> JournalEntry? {
        let statement = try prepared(Self.atAddress)
        bindAddress(address, to: statement)
        return try first(statement) { row throws(StoreError) in try Self.entry(of: address.run, row) }
    }

    func lastCall(at address: EntryAddress) throws(StoreError) -> Int? {
        let statement = try prepared(Self.highestCall)
        statement.bind(address.run.rawValue)
        statement.bind(address.path.rawValue)
        statement.bind(address.visit)
        statement.bind(address.attempt)
        return try first(statement) { row throws(StoreError) in try row.count(0) }
    }

    private static func entry(of run: RunID, _ row: PreparedStatement) throws(StoreError) -> JournalEntry {
        JournalEntry(
            address: EntryAddress(
                run: run,
                path: BlockPath(try row.text(0)),
                visit: try row.count(1),
                attempt: try row.count(2),
                call: try row.count(3)
            ),
            sequence: try row.count(4),
            block: try row.text(5),
            status: try row.word(6, JournalEntry.Status.self),
            startedAt: try row.timestamp(7),
            finishedAt: try row.optionalTimestamp(8),
            input: try row.exactOrNull(9, "input"),
            output: try row.exactOrNull(10, "output"),
            failure: row.isNull(11) ? nil : try StoredForms.failure(row.textBytes(11)),
            key: try row.optionalText(12),
            sends: try row.count(13),
            trace: row.isNull(14) ? [] : try StoredForms.trace(row.textBytes(14))
        )
    }

    func evidence(of run: RunID) throws(StoreError) -> [EntryEvidence] {
        let statement = try prepared(Self.evidenceOfRun)
        statement.bind(run.rawValue)
        return try all(statement) { row throws(StoreError) in
            EntryEvidence(
                address: EntryAddress(
                    run: run,
                    path: BlockPath(try row.text(0)),
                    visit: try row.count(1),
                    attempt: try row.count(2),
                    call: try row.count(3)
                ),
                accesses: row.isNull(4) ? nil : try StoredForms.accesses(row.textBytes(4)),
                receipt: row.isNull(5) ? nil : try StoredForms.receipt(row.textBytes(5))
            )
        }
    }

    func insertEntry(_ entry: JournalEntry, epoch: Int64) throws(StoreError) {
        // Messages that are made in the rare case alone would take a copy of the whole entry along.
        let path = entry.address.path
        let statement = try prepared(Self.insertEntry)
        bindAddress(entry.address, to: statement)
        statement.bind(entry.sequence)
        statement.bind(entry.block)
        statement.bind(entry.status.rawValue)
        statement.bind(entry.startedAt)
        statement.bind(entry.finishedAt)
        try statement.bindExact(entry.input, "the input of \(path)")
        try statement.bindExact(entry.output, "the output of \(path)")
        statement.bindText(entry.failure.map { StoredForms.encode($0) })
        statement.bind(entry.key)
        statement.bind(entry.sends)
        statement.bindText(StoredForms.encode(entry.trace))
        statement.bindText(entry.accesses.map { StoredForms.encode($0) })
        statement.bindText(entry.receipt.map { JSON.encodeExact($0.value) })
        statement.bind(epoch)
        do {
            try execute(statement)
        } catch  where error.code == .constraint {
            throw StoreError(.constraint, "run \(entry.address.run) has an entry for this try of \(entry.address.path)")
        } catch  where error.code == .invalidValue {
            try requireEpoch(epoch, of: entry.address.run)
            throw error
        }
    }

    func finishEntry(_ entry: JournalEntry, epoch: Int64) throws(StoreError) {
        let path = entry.address.path
        let statement = try prepared(Self.finishEntry)
        bindAddress(entry.address, to: statement)
        statement.bind(entry.status.rawValue)
        statement.bind(entry.finishedAt)
        try statement.bindExact(entry.output, "the output of \(path)")
        statement.bindText(entry.failure.map { StoredForms.encode($0) })
        statement.bind(entry.sends)
        statement.bindText(entry.receipt.map { JSON.encodeExact($0.value) })
        statement.bind(epoch)
        if try execute(statement) == 1 { return }
        try requireEpoch(epoch, of: entry.address.run)
        let standing = try prepared(Self.isEntry)
        bindAddress(entry.address, to: standing)
        let found = try first(standing) { row throws(StoreError) in try row.word(0, JournalEntry.Status.self) }
        guard found != nil else {
            throw StoreError(.constraint, "there is no entry for this try of \(entry.address.path)")
        }
        throw StoreError(.finalState, "the entry for this try of \(entry.address.path) is finished")
    }

    private func bindAddress(_ address: EntryAddress, to statement: PreparedStatement) {
        statement.bind(address.run.rawValue)
        statement.bind(address.path.rawValue)
        statement.bind(address.visit)
        statement.bind(address.attempt)
        statement.bind(address.call)
    }
}
