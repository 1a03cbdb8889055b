import FlowEngine
import GRDBSQLite

extension StoreSession {
    /// Bytes of one value or row at most: what a run may carry, not what SQLite could hold.
    private static let valueByteLimit: Int32 = 64 << 20
    private static let cacheKibibytes = 16_384
    /// Of a new file: events of Stripe have some 2 kB, of which a page of SQLite's usual 4 kB holds one.
    private static let pageBytes = 8_192

    func configure(_ role: StoreConnection.Role) throws(StoreError) {
        // GRDB watches commits for its observations; nothing here observes, and statements run beside it.
        sqlite3_commit_hook(database, nil, nil)
        sqlite3_rollback_hook(database, nil, nil)
        sqlite3_limit(database, SQLITE_LIMIT_LENGTH, Self.valueByteLimit)
        sqlite3_limit(database, SQLITE_LIMIT_ATTACHED, 0)
        try registerFunctions()
        try executeScript(
            """
            PRAGMA trusted_schema = OFF;
            PRAGMA cell_size_check = ON;
            PRAGMA temp_store = MEMORY;
            PRAGMA cache_size = -\(Self.cacheKibibytes);
            """
        )
        switch role {
        case .writer(let settings):
            try executeScript(
                """
                PRAGMA page_size = \(Self.pageBytes);
                PRAGMA journal_mode = WAL;
                PRAGMA synchronous = FULL;
                PRAGMA wal_autocheckpoint = 0;
                PRAGMA journal_size_limit = 67108864;
                """
            )
            guard try setting("journal_mode", { row throws(StoreError) in try row.text(0) }) == "wal",
                try setting("synchronous", { row throws(StoreError) in try row.int(0) }) == 2
            else { throw StoreError(.unavailable, "this file system does not allow a write-ahead log") }
            checkpointPages = settings.checkpointPages
            isCheckpointOwed = true
            noteLogPages()
            if let pages = settings.maximumPages { try executeScript("PRAGMA max_page_count = \(pages)") }
            settings.trace?.observe(database)
        case .reader:
            try executeScript("PRAGMA query_only = ON; PRAGMA wal_autocheckpoint = 0;")
        case .memory: break
        }
    }

    private func noteLogPages() {
        sqlite3_wal_hook(
            database,
            { context, _, _, pages in
                guard let context else { return SQLITE_OK }
                Unmanaged<StoreSession>.fromOpaque(context).takeUnretainedValue().logPages = Int(pages)
                return SQLITE_OK
            },
            Unmanaged.passUnretained(self).toOpaque()
        )
    }

    private func setting<Setting>(
        _ name: String,
        _ decode: (PreparedStatement) throws(StoreError) -> Setting
    ) throws(StoreError) -> Setting? {
        try first(try compile("PRAGMA \(name)"), decode)
    }

    /// Copies the WAL into the database and empties it; what a reader still needs stays.
    func checkpoint() { sqlite3_wal_checkpoint_v2(database, nil, SQLITE_CHECKPOINT_TRUNCATE, nil, nil) }

    private func registerFunctions() throws(StoreError) {
        let flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS
        let results = [
            sqlite3_create_function_v2(
                database,
                "runnel_add",
                2,
                flags,
                nil,
                { context, _, values in integerResult(context, values) { $0.addingReportingOverflow($1) } },
                nil,
                nil,
                nil
            ),
            sqlite3_create_function_v2(
                database,
                "runnel_subtract",
                2,
                flags,
                nil,
                { context, _, values in integerResult(context, values) { $0.subtractingReportingOverflow($1) } },
                nil,
                nil,
                nil
            ),
            sqlite3_create_function_v2(
                database,
                "runnel_multiply",
                2,
                flags,
                nil,
                { context, _, values in integerResult(context, values) { $0.multipliedReportingOverflow(by: $1) } },
                nil,
                nil,
                nil
            ),
            sqlite3_create_collation_v2(
                database,
                "runnel_decimal",
                SQLITE_UTF8,
                nil,
                { _, leftCount, left, rightCount, right in
                    DecimalText.compare(
                        UnsafeRawBufferPointer(start: left, count: Int(leftCount)),
                        UnsafeRawBufferPointer(start: right, count: Int(rightCount))
                    )
                },
                nil
            ),
        ]
        guard results.allSatisfy({ $0 == SQLITE_OK }) else {
            throw StoreError(.unavailable, "SQLite refuses the store's functions")
        }
    }
}

/// Arithmetic that fails on overflow; SQLite's own operators would turn the result into a double and lose digits.
private func integerResult(
    _ context: OpaquePointer?,
    _ values: UnsafeMutablePointer<OpaquePointer?>?,
    _ compute: (Int64, Int64) -> (partialValue: Int64, overflow: Bool)
) {
    guard let values else { return sqlite3_result_null(context) }
    let (left, right) = (sqlite3_value_type(values[0]), sqlite3_value_type(values[1]))
    if left == SQLITE_NULL || right == SQLITE_NULL { return sqlite3_result_null(context) }
    guard left == SQLITE_INTEGER, right == SQLITE_INTEGER else {
        return sqlite3_result_error_code(context, SQLITE_MISMATCH)
    }
    let (result, overflow) = compute(sqlite3_value_int64(values[0]), sqlite3_value_int64(values[1]))
    if overflow { sqlite3_result_error_code(context, SQLITE_MISMATCH) } else { sqlite3_result_int64(context, result) }
}
