import FlowEngine
import GRDBSQLite

extension StoreError.Code {
    /// Whether nothing more of the group can succeed, even if SQLite left the transaction open.
    var losesGroup: Bool {
        self == .full || self == .busy || self == .unavailable || self == .groupFailed || self == .closed
    }
}

extension StoreError {
    /// What the trigger of final runs says when it refuses; see `Migrations/`.
    static let finalStateMark = "runnel: final"

    /// Translates a result of SQLite.
    ///
    /// The message names tables and columns, never values.
    static func sqlite(_ result: Int32, message: String, table: StoredTable?) -> StoreError {
        switch result & 0xFF {
        case SQLITE_CONSTRAINT: constraint(result, message: message, table: table)
        case SQLITE_MISMATCH: StoreError(.invalidValue, "\(table?.name ?? "value"): integer overflow")
        case SQLITE_TOOBIG: StoreError(.invalidValue, "\(table?.name ?? "value"): too large to be stored")
        case SQLITE_FULL: StoreError(.full, "no space left for the store")
        case SQLITE_BUSY, SQLITE_LOCKED:
            StoreError(.busy, "another program holds the store's lock (SQLite \(result))")
        case SQLITE_IOERR, SQLITE_CANTOPEN, SQLITE_READONLY, SQLITE_PROTOCOL:
            StoreError(.unavailable, "the store's disk failed (SQLite \(result): \(message))")
        case SQLITE_CORRUPT, SQLITE_NOTADB:
            StoreError(.corrupt, "the store's file is damaged (SQLite \(result): \(message))")
        case SQLITE_MISUSE: StoreError(.closed, "the store is closed")
        default: StoreError(.groupFailed, "SQLite \(result): \(message)")
        }
    }

    private static func constraint(_ result: Int32, message: String, table: StoredTable?) -> StoreError {
        // SQLite writes "<KIND> constraint failed: <detail>".
        let detail = message.split(separator: ": ", maxSplits: 1).last.map(String.init) ?? message
        let name = table?.name ?? "row"
        switch result {
        case sqliteConstraintUnique, sqliteConstraintPrimaryKey:
            return table?.uniqueness(detail) ?? StoreError(.constraint, "\(name): is there already (\(detail))")
        case sqliteConstraintForeignKey:
            return StoreError(
                .constraint,
                "\(name): a reference names a row that is not there, or this row is named by another"
            )
        case sqliteConstraintCheck:
            return table?.check(detail) ?? StoreError(.constraint, "\(name): beyond its bounds")
        case sqliteConstraintNotNull:
            let column = table?.columnName(inDetail: detail)
            return StoreError(.invalidValue, "\(name).\(column ?? "?") must not be null", column: column)
        case sqliteConstraintDatatype:
            return StoreError(.invalidValue, "\(name): a value is not of its column's type, or overflows it")
        case sqliteConstraintTrigger where message == finalStateMark:
            return StoreError(.finalState, "a final run never changes")
        default:
            return StoreError(.constraint, "\(name): refused by the database (SQLite \(result))")
        }
    }
}

// Extended result codes are macros of the form (SQLITE_CONSTRAINT | n << 8), which Swift cannot import.
private let sqliteConstraintCheck: Int32 = 275
private let sqliteConstraintForeignKey: Int32 = 787
private let sqliteConstraintNotNull: Int32 = 1299
private let sqliteConstraintPrimaryKey: Int32 = 1555
private let sqliteConstraintTrigger: Int32 = 1811
private let sqliteConstraintUnique: Int32 = 2067
private let sqliteConstraintDatatype: Int32 = 3091
