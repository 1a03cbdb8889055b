import GRDB

extension SQLiteStore {
    /// The version of the system's libsqlite3 that this process has loaded, such as `3.40.1`.
    package static var libraryVersion: String {
        let version = try? DatabaseQueue().read { try String.fetchOne($0, sql: "SELECT sqlite_version()") }
        return version.flatMap { $0 } ?? "unknown"
    }
}
