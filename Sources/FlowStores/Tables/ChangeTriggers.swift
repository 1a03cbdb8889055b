import FlowEngine
import FlowLanguage

/// The triggers that log the changes of a table that can be subscribed to.
///
/// The database writes the log itself, so no statement can forget it, an update of many rows logs each, and what is
/// undone leaves no trace. Tables that nobody may subscribe to pay nothing.
enum ChangeTriggers {
    /// Made anew at each opening, because `access` may have changed.
    static func statements(for table: Table, stored: StoredTable) throws(StoreError) -> [String] {
        let kinds = TableChange.Kind.allCases
        let names = kinds.map { SQLText.quoted("changes_\(table.name)_\($0.rawValue)") }
        var statements = names.map { "DROP TRIGGER IF EXISTS \($0)" }
        guard !table.access.subscribe.isEmpty else { return statements }
        let owner = try table.access.owner.map { (name) throws(StoreError) in try stored.column(name).quotedName }
        for (kind, name) in zip(kinds, names) {
            let row = kind == .delete ? "OLD" : "NEW"
            let former = kind == .insert ? "NULL" : owner.map { "OLD.\($0)" } ?? "NULL"
            statements.append(
                """
                CREATE TRIGGER \(name) AFTER \(kind.rawValue.uppercased()) ON \(stored.quotedName) BEGIN
                    INSERT INTO changes (table_name, row, kind, former_owner)
                    VALUES (\(SQLText.literal(table.name)), \(row).id, '\(kind.rawValue)', \(former));
                END
                """
            )
        }
        return statements
    }
}
