import FlowEngine

/// One numbered step of the store's own tables; only ever added, never changed.
struct Migration: Sendable {
    /// From 1, without gaps; kept in the file's `user_version`.
    let number: Int
    let sql: String

    static let all: [Migration] = [
        .runsAndJournal, .halts, .changesAndAudit, .evidence, .schedules, .places, .events,
        .countedByGroups, .spelledConditions, .rareRows, .dueByFlow, .cheapRefusals, .keysByMode,
        .eventsByModeAndReruns,
    ]
}

extension StoreSession {
    /// Marks a file as ours: "Runl".
    private static let applicationID: Int64 = 0x52_75_6E_6C

    /// Brings the store's own tables to `target`, each step in its own transaction.
    ///
    /// - Throws: `.schema` when the file is of a newer program, or no store at all.
    func migrate(through target: Int = Migration.all.count) throws(StoreError) {
        let found = try pragma("user_version")
        let mark = try pragma("application_id")
        if found == 0, mark == 0 {
            guard try countOfTables() == 0 else {
                throw StoreError(.schema, "runnel.sqlite holds tables of another program")
            }
        } else if mark != Self.applicationID {
            throw StoreError(.schema, "runnel.sqlite belongs to another program")
        }
        guard found <= Int64(Migration.all.count) else {
            throw StoreError(
                .schema,
                "runnel.sqlite was written by a newer runnel (format \(found); this one knows \(Migration.all.count))"
            )
        }
        for migration in Migration.all where Int64(migration.number) > found && migration.number <= target {
            try transaction(writing: true) { session throws(StoreError) in
                try session.executeScript(migration.sql)
                try session.executeScript(
                    "PRAGMA user_version = \(migration.number); PRAGMA application_id = \(Self.applicationID);"
                )
            }
        }
    }

    private func pragma(_ name: String) throws(StoreError) -> Int64 {
        let statement = try compile("PRAGMA \(name)")
        return try first(statement) { row throws(StoreError) in try row.int(0) } ?? 0
    }

    private func countOfTables() throws(StoreError) -> Int64 {
        let statement = try compile("SELECT count(*) FROM sqlite_schema")
        return try first(statement) { row throws(StoreError) in try row.int(0) } ?? 0
    }
}
