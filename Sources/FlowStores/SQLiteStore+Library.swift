import CSQLite
import GRDB

extension SQLiteStore {
    /// Sets up the library, once, before its first connection; a process that uses it already keeps what it has.
    static let libraryIsSetUp: Bool = runnel_sqlite_counts_no_memory() == SQLITE_OK

    /// The version of the system's libsqlite3 that this process has loaded, such as `3.40.1`.
    package static var libraryVersion: String {
        _ = libraryIsSetUp
        let version = try? DatabaseQueue().read { try String.fetchOne($0, sql: "SELECT sqlite_version()") }
        return version.flatMap { $0 } ?? "unknown"
    }
}
