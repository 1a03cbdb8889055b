import Expressions
import FlowEngine
import GRDB
import GRDBSQLite

/// Owns one SQLite connection and its session.
///
/// `@unchecked Sendable`: the session is touched only inside `perform`, which runs on the queue's own serial queue.
final class StoreConnection: @unchecked Sendable {
    enum Role {
        /// The one connection that writes and checkpoints. SQLite before 3.51.3 can corrupt a WAL that two do.
        case writer(WriterSettings)
        case reader
        /// Tables in memory, which nobody else sees.
        case memory
    }

    struct WriterSettings {
        /// Pages in the WAL at which a commit copies them into the database.
        var checkpointPages: Int
        var maximumPages: Int?
        var trace: StatementTrace?
    }

    let queue: DatabaseQueue
    private let session: StoreSession

    init(
        path: String,
        role: Role,
        catalogue: TableCatalogue,
        now: @escaping @Sendable () -> Timestamp?
    ) throws(StoreError) {
        _ = SQLiteStore.libraryIsSetUp
        var configuration = Configuration()
        configuration.foreignKeysEnabled = true
        configuration.busyMode = .timeout(5)
        if case .reader = role { configuration.readonly = true }
        do {
            if case .memory = role {
                queue = try DatabaseQueue(configuration: configuration)
            } else {
                queue = try DatabaseQueue(path: path, configuration: configuration)
            }
            let opened: StoreSession? = queue.inDatabase { database in
                guard let handle = database.sqliteConnection else { return nil }
                return StoreSession(database: handle, now: now)
            }
            guard let opened else { throw StoreError(.closed, "the connection closed at once") }
            session = opened
        } catch {
            throw StoreError.grdb(error)
        }
        session.catalogue = catalogue
        let configured = queue.inDatabase { _ in
            Result { () throws(StoreError) in try session.configure(role) }
        }
        try configured.get()
    }

    /// Runs `body` on the connection's queue; blocks until it returns.
    func perform<Value>(_ body: (StoreSession) throws(StoreError) -> Value) throws(StoreError) -> Value {
        let result = queue.inDatabase { database in
            Result { () throws(StoreError) in
                // Closed by another thread while this one waited for its turn.
                guard database.sqliteConnection != nil else { throw StoreError(.closed, "the store is closed") }
                return try body(session)
            }
        }
        return try result.get()
    }

    /// Closes the connection; what waits for it gets `.closed`.
    func close() {
        queue.inDatabase { _ in session.finalizeStatements() }
        do {
            try queue.close()
        } catch {
            // The file descriptor goes with the object; whatever was committed is on disk.
        }
    }
}

extension StoreError {
    /// Translates what GRDB throws while opening, copying or closing.
    static func grdb(_ error: any Error) -> StoreError {
        if let error = error as? StoreError { return error }
        guard let error = error as? DatabaseError else { return StoreError(.unavailable, "the store cannot be opened") }
        return .sqlite(error.extendedResultCode.rawValue, message: error.message ?? "", table: nil)
    }
}
