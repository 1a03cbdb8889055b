import GRDBSQLite

/// Tells how many rows were changed through a connection: whether a group wrote anything.
package protocol ChangeCounter {
    var changesSoFar: Int64 { get }
}

extension StoreSession: ChangeCounter {
    package var changesSoFar: Int64 { sqlite3_total_changes64(database) }
}
