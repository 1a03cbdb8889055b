import Expressions
import FlowEngine

/// A copy of a store begins a second life with the same numbers. Keys of outside effects are derived from a run's id, and
/// Stripe's objects name the rows they belong to: what one life has numbered, the other must not number again.
extension StoreSession {
    /// Set in a copy alone, to the seconds since 1970 at which it was made, until it is opened as a store of its own.
    static let copyMark = "copied_at"

    /// More ids than a table gets in a second of the busiest hours, and what it gets at once at the very least.
    private static let idsASecond: Int64 = 10_000, idsAtLeast: Int64 = 1_000_000

    private static let readMark = FixedStatement("SELECT value FROM store_state WHERE name = '\(copyMark)'")
    private static let removeMark = FixedStatement("DELETE FROM store_state WHERE name = '\(copyMark)'")
    private static let raise = FixedStatement("UPDATE sqlite_sequence SET seq = seq + ?")
    private static let begin = FixedStatement(
        """
        INSERT INTO sqlite_sequence (name, seq)
          SELECT name, ? FROM sqlite_schema
          WHERE type = 'table' AND sql LIKE '%PRIMARY KEY AUTOINCREMENT%'
            AND name NOT IN (SELECT name FROM sqlite_sequence)
        """
    )

    /// In a copy that is opened for the first time, lets every table's ids go on behind those that the store it was made
    /// of, or another life of the same copy, can have given since.
    func passOverIDsOfOtherLives() throws(StoreError) {
        try transaction(writing: true) { session throws(StoreError) in
            let copied = try session.first(try session.prepared(Self.readMark)) { row throws(StoreError) in
                try row.int(0)
            }
            guard let copied else { return }
            let now = try session.groupTime().seconds
            // What stands in a file may be any number; between 1970 and now nothing overflows.
            let step = Self.idsAtLeast + (now - min(max(copied, 0), now)) * Self.idsASecond
            for change in [Self.raise, Self.begin] {
                let statement = try session.prepared(change)
                statement.bind(step)
                try session.execute(statement)
            }
            try session.execute(try session.prepared(Self.removeMark))
        }
    }
}
