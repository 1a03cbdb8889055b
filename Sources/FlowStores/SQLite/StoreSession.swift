import Expressions
import FlowEngine
import GRDBSQLite

/// One connection's statements, and the group or snapshot that is open on it.
///
/// Implements what can be asked and changed; its facets are in `Journal/` and `Tables/`. Used only on its
/// connection's queue, between `begin` and `commit` or `rollBack`.
final class StoreSession {
    /// Statements of varying shape that are kept; flows are finite, so more means lists of many lengths.
    private static let shapedStatementLimit = 512

    let database: OpaquePointer
    private let now: @Sendable () -> Timestamp?
    var catalogue = TableCatalogue()
    private var fixed: [PreparedStatement?] = []
    private var shaped: [RecordStatementShape: PreparedStatement] = [:]
    private var isOpen = false
    /// Why the open group is lost; every later statement of it is refused, since it would commit by itself.
    private var groupFailure: StoreError?
    /// Everything that the group stamps has this time; nil: it is asked for when it is first needed.
    var timeOfGroup: Timestamp?
    /// What was read and changed since `observe`; nil while nobody wants to know.
    var accesses: [StoreAccess]?
    /// Runs that the open group was told can be taken up, as long as nobody changed them: each is asked for next.
    var claimed: [RunID: RunRecord] = [:]
    /// Deliveries of the open group that the store's counts do not hold yet.
    var deliveriesToCount: [String: DeliveryCounts] = [:]
    /// From how many pages on the write-ahead log is copied into the database; nil where this connection does not.
    var checkpointPages: Int?
    /// Pages that the write-ahead log held behind the last commit.
    var logPages = 0
    /// The last checkpoint did not get through, or an earlier process left its log: nothing is written before one does.
    var isCheckpointOwed = false

    /// Opens a session whose `now` gives the time for `createdAt` and `updatedAt`; nil asks the database.
    init(database: OpaquePointer, now: @escaping @Sendable () -> Timestamp?) {
        self.database = database
        self.now = now
    }

    /// Frees the statements: the connection closes only without them.
    func finalizeStatements() {
        fixed = []
        shaped = [:]
    }
}

// Statements
extension StoreSession {
    func prepared(_ statement: FixedStatement) throws(StoreError) -> PreparedStatement {
        try requireOpen()
        if statement.slot < fixed.count, let known = fixed[statement.slot] {
            known.restart()
            return known
        }
        let fresh = try compile(statement.text)
        while fixed.count <= statement.slot { fixed.append(nil) }
        fixed[statement.slot] = fresh
        return fresh
    }

    func prepared(
        _ shape: RecordStatementShape,
        text: () throws(StoreError) -> String
    ) throws(StoreError) -> PreparedStatement {
        try requireOpen()
        if let known = shaped[shape] {
            known.restart()
            return known
        }
        let fresh = try compile(try text())
        if shaped.count >= Self.shapedStatementLimit { shaped = [:] }
        shaped[shape] = fresh
        return fresh
    }

    func compile(_ text: String) throws(StoreError) -> PreparedStatement {
        var handle: OpaquePointer?
        let result = sqlite3_prepare_v3(database, text, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &handle, nil)
        guard result == SQLITE_OK, let handle else { throw failure(result, table: nil) }
        return PreparedStatement(handle: handle)
    }

    /// Runs a statement that gives no rows; returns the number of rows it changed.
    @discardableResult
    func execute(_ statement: PreparedStatement, on table: StoredTable? = nil) throws(StoreError) -> Int {
        let result = statement.step()
        guard result == SQLITE_DONE else {
            let error = failure(result, table: table)
            statement.reset()
            throw error
        }
        statement.reset()
        return Int(sqlite3_changes64(database))
    }

    /// The first row, if there is one.
    func first<Row>(
        _ statement: PreparedStatement,
        on table: StoredTable? = nil,
        _ decode: (PreparedStatement) throws(StoreError) -> Row
    ) throws(StoreError) -> Row? {
        defer { statement.reset() }
        switch statement.step() {
        case SQLITE_ROW: return try decode(statement)
        case SQLITE_DONE: return nil
        case let result: throw failure(result, table: table)
        }
    }

    func all<Row>(
        _ statement: PreparedStatement,
        on table: StoredTable? = nil,
        _ decode: (PreparedStatement) throws(StoreError) -> Row
    ) throws(StoreError) -> [Row] {
        defer { statement.reset() }
        var rows: [Row] = []
        while true {
            switch statement.step() {
            case SQLITE_ROW: rows.append(try decode(statement))
            case SQLITE_DONE: return rows
            case let result: throw failure(result, table: table)
            }
        }
    }

    /// Moves to the next row; for loops that stop early.
    ///
    /// The caller resets the statement.
    func next(_ statement: PreparedStatement) throws(StoreError) -> Bool {
        switch statement.step() {
        case SQLITE_ROW: return true
        case SQLITE_DONE: return false
        case let result: throw failure(result, table: nil)
        }
    }

    /// Runs statements that are not kept, for opening and migrating.
    func executeScript(_ text: String) throws(StoreError) {
        let result = sqlite3_exec(database, text, nil, nil, nil)
        guard result == SQLITE_OK else { throw failure(result, table: nil) }
    }

    var lastInsertedID: Int64 { sqlite3_last_insert_rowid(database) }

    /// Whether a group or snapshot is open in SQLite's eyes.
    var isInTransaction: Bool { sqlite3_get_autocommit(database) == 0 }

    private func requireOpen() throws(StoreError) {
        if let groupFailure { throw groupFailure }
        guard isOpen else { throw StoreError(.closed, "the group has ended") }
    }

    /// Turns a result code into an error, and notes when the group is lost with it.
    private func failure(_ result: Int32, table: StoredTable?) -> StoreError {
        let message = sqlite3_errmsg(database).map { String(cString: $0) } ?? ""
        let error = StoreError.sqlite(result, message: message, table: table)
        guard isOpen, groupFailure == nil else { return error }
        if !isInTransaction {
            // FULL, IOERR, NOMEM and RAISE(ROLLBACK) end the whole transaction.
            groupFailure =
                error.code.losesGroup
                ? error : StoreError(.groupFailed, "the database undid the group: \(error.message)")
        } else if error.code.losesGroup {
            groupFailure = error
        }
        return groupFailure ?? error
    }
}

// Groups and snapshots
extension StoreSession {
    private static let beginGroup = FixedStatement("BEGIN IMMEDIATE")
    private static let beginSnapshot = FixedStatement("BEGIN DEFERRED")
    private static let commitGroup = FixedStatement("COMMIT")
    private static let rollBackGroup = FixedStatement("ROLLBACK")
    private static let openSavepoint = FixedStatement("SAVEPOINT block")
    private static let releaseSavepoint = FixedStatement("RELEASE block")
    private static let undoSavepoint = FixedStatement("ROLLBACK TO block")
    private static let databaseTime = FixedStatement(
        "SELECT CAST(round((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000"
    )

    /// Runs `body` in a transaction that is committed when it returns, and undone when it throws or the group is lost.
    func transaction<Result>(
        writing: Bool,
        _ body: (StoreSession) throws(StoreError) -> Result
    ) throws(StoreError) -> Result {
        precondition(!isOpen, "groups do not nest")
        groupFailure = nil
        timeOfGroup = nil
        accesses = nil
        deliveriesToCount = [:]
        isOpen = true
        defer {
            isOpen = false
            claimed = [:]
            groupFailure = nil
        }
        do throws(StoreError) {
            if writing, isCheckpointOwed { try payCheckpoint() }
            try execute(try prepared(writing ? Self.beginGroup : Self.beginSnapshot))
            let result = try body(self)
            if let groupFailure { throw groupFailure }
            try countDeliveries()
            try commit()
            if writing { copyLongLog() }
            return result
        } catch {
            rollBack()
            throw groupFailure ?? error
        }
    }

    private func commit() throws(StoreError) {
        do throws(StoreError) {
            try execute(try prepared(Self.commitGroup))
        } catch  where !error.code.losesGroup {
            // A deferred rule, such as a reference checked at the end: no single block can be blamed for it.
            throw StoreError(.groupFailed, "the commit was refused: \(error.message)")
        }
    }

    /// Copies the log into the database once it is long, behind a commit, which counts whatever comes of this.
    ///
    /// SQLite does the same by itself, but drops the result: a database file that takes no more writes would be told by
    /// nobody, while the log grows without end.
    private func copyLongLog() {
        guard let checkpointPages, logPages >= checkpointPages else { return }
        isCheckpointOwed = checkpointResult() != SQLITE_OK
    }

    private func payCheckpoint() throws(StoreError) {
        let result = checkpointResult()
        guard result == SQLITE_OK else {
            let message = "the log cannot be copied into the database: \(String(cString: sqlite3_errstr(result)))"
            throw StoreError.sqlite(result, message: message, table: nil)
        }
        isCheckpointOwed = false
    }

    /// As far as readers let it; what is behind the oldest of them is copied later.
    private func checkpointResult() -> Int32 {
        let result = sqlite3_wal_checkpoint_v2(database, nil, SQLITE_CHECKPOINT_PASSIVE, nil, nil)
        return result & 0xFF == SQLITE_BUSY || result & 0xFF == SQLITE_LOCKED ? SQLITE_OK : result
    }

    private func rollBack() {
        guard isInTransaction else { return }
        let lost = groupFailure
        groupFailure = nil
        defer { groupFailure = lost }
        do throws(StoreError) {
            try execute(try prepared(Self.rollBackGroup))
        } catch {
            // Without memory for the statement: the plain call undoes the transaction all the same.
            sqlite3_exec(database, "ROLLBACK", nil, nil, nil)
        }
        precondition(!isInTransaction, "SQLite refuses to end a transaction")
    }

    func savepoint<Result>(_ body: () throws(StoreError) -> Result) throws(StoreError) -> Result {
        try execute(try prepared(Self.openSavepoint))
        let countedBefore = deliveriesToCount
        do throws(StoreError) {
            let result = try body()
            // `body` may have swallowed the error that lost the group.
            if let groupFailure { throw groupFailure }
            try execute(try prepared(Self.releaseSavepoint))
            return result
        } catch {
            if let groupFailure { throw groupFailure }
            try execute(try prepared(Self.undoSavepoint))
            try execute(try prepared(Self.releaseSavepoint))
            deliveriesToCount = countedBefore
            claimed = [:]
            throw error
        }
    }

    /// One time for everything that a group stamps.
    func groupTime() throws(StoreError) -> Timestamp {
        if let timeOfGroup { return timeOfGroup }
        let time: Timestamp
        if let given = now() {
            time = given
        } else {
            let read = try first(try prepared(Self.databaseTime)) { row throws(StoreError) in try row.timestamp(0) }
            guard let read else { throw StoreError(.groupFailed, "the database gave no time") }
            time = read
        }
        timeOfGroup = time
        return time
    }
}
