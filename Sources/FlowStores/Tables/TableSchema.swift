import Expressions
import FlowEngine
import FlowLanguage

/// The statements that make a table, its columns and its indexes.
struct TableSchema {
    let declaration: Table
    let stored: StoredTable

    /// Defaults are not among them: the store binds every column of a new row.
    func creation() throws(StoreError) -> [String] { [table(named: stored.quotedName)] + indexes }

    private func table(named name: String) -> String {
        "CREATE TABLE \(name) (\(stored.columns.map(definition).joined(separator: ", "))) STRICT"
    }

    private var indexes: [String] {
        declaration.columns.flatMap { indexes(of: $0) } + declaration.indexes.map { creation(of: $0) }
    }

    /// Makes the table anew with the rows of the one that is there; foreign keys must be off meanwhile.
    ///
    /// The steps of https://www.sqlite.org/lang_altertable.html, section 7. Ids that were given once are not given again.
    ///
    /// - Throws: `.schema` when SQLite has no constant for a default.
    func rebuilding(from old: Table) throws(StoreError) -> [String] {
        let name = SQLText.quoted(stored.physicalName + ":new")
        let literals = (old: SQLText.literal(stored.physicalName), new: SQLText.literal(stored.physicalName + ":new"))
        var targets: [String] = []
        var sources: [String] = []
        for column in stored.columns {
            let isKept = column.role != .declared || old.column(named: column.name) != nil
            let isFilled = !column.declaration.isOptional && column.declaration.defaultValue != nil
            guard isKept || isFilled else { continue }
            targets.append(column.quotedName)
            let filling =
                isFilled ? try constant(try column.encoded(column.declaration.defaultValue ?? .null), of: column) : nil
            switch (isKept, filling) {
            case (true, let value?): sources.append("coalesce(\(column.quotedName), \(value))")
            case (true, nil): sources.append(column.quotedName)
            case (false, let value): sources.append(value ?? "NULL")
            }
        }
        return [
            table(named: name),
            "INSERT INTO \(name) (\(targets.joined(separator: ", "))) SELECT \(sources.joined(separator: ", "))"
                + " FROM \(stored.quotedName)",
            "DELETE FROM sqlite_sequence WHERE name = \(literals.new)",
            "INSERT INTO sqlite_sequence (name, seq) SELECT \(literals.new), seq FROM sqlite_sequence"
                + " WHERE name = \(literals.old)",
            "DROP TABLE \(stored.quotedName)",
            "ALTER TABLE \(name) RENAME TO \(stored.quotedName)",
        ] + indexes
    }

    /// For each rule of the column the rows of the table that do not keep to it, as a query for their number.
    func violations(of column: StoredColumn, whichWas old: Column) -> [(rule: String, query: String)] {
        let (name, table) = (column.quotedName, stored.quotedName)
        var found = checks(column).map { check in
            (column.rule(check.rule), "SELECT count(*) FROM \(table) WHERE NOT (\(check.condition))")
        }
        if !column.declaration.isOptional, old.isOptional, column.declaration.defaultValue == nil {
            found.append(("must not be null", "SELECT count(*) FROM \(table) WHERE \(name) IS NULL"))
        }
        if column.declaration.isUnique, !old.isUnique {
            let twice = "SELECT 1 FROM \(table) WHERE \(name) IS NOT NULL GROUP BY \(name) HAVING count(*) > 1"
            found.append(("must be unique", "SELECT count(*) FROM (\(twice))"))
        }
        return found
    }

    /// Adds a column to a table that has rows.
    ///
    /// - Throws: `.schema` when SQLite has no constant for the default.
    func addition(of column: Column) throws(StoreError) -> [String] {
        let known = try stored.column(column.name)
        var text = "ALTER TABLE \(stored.quotedName) ADD COLUMN \(definition(known))"
        if let value = column.defaultValue, !column.isOptional || column.references == nil {
            text += " DEFAULT \(try constant(try known.encoded(value), of: known))"
        }
        return [text] + indexes(of: column)
    }

    private func constant(_ value: StoredValue, of column: StoredColumn) throws(StoreError) -> String {
        switch value {
        case .null: return "NULL"
        case .integer(let number): return String(number)
        case .real(let number): return String(number)
        case .text(let text) where text.utf8.contains(0):
            throw StoreError(
                .schema,
                "\(column.table).\(column.name): a default with NUL cannot be added",
                column: column.name
            )
        case .text(let text): return SQLText.literal(text)
        case .utf8(let bytes): return SQLText.literal(String(decoding: bytes, as: UTF8.self))
        case .blob(let bytes): return SQLText.literal(bytes)
        }
    }

    private func definition(_ column: StoredColumn) -> String {
        if column.role == .id { return "\(column.quotedName) INTEGER PRIMARY KEY AUTOINCREMENT" }
        var text = "\(column.quotedName) \(column.type.affinity)"
        if !column.declaration.isOptional { text += " NOT NULL" }
        for (rule, condition) in checks(column) {
            text += " CONSTRAINT \(SQLText.quoted("\(column.name):\(rule)")) CHECK (\(condition))"
        }
        if let target = column.declaration.references {
            text += " REFERENCES \(SQLText.quoted("app_" + target)) (\"id\")"
        }
        return text
    }

    private func checks(_ column: StoredColumn) -> [(rule: String, condition: String)] {
        let name = column.quotedName
        var checks: [(String, String)] = []
        if column.type == .bool { checks.append(("bool", "\(name) IN (0, 1)")) }
        if let min = column.declaration.min { checks.append(("min", "\(name) >= \(min)")) }
        if let max = column.declaration.max { checks.append(("max", "\(name) <= \(max)")) }
        if let limit = column.declaration.maxLength {
            // Of text, length() counts scalars up to the first NUL; the whole is counted before writing.
            let measured = column.type == .json ? "CAST(\(name) AS BLOB)" : name
            checks.append(("length", "length(\(measured)) <= \(limit)"))
        }
        if !column.declaration.allowed.isEmpty {
            checks.append(("enum", SQLText.isOne(name, of: column.declaration.allowed)))
        }
        return checks
    }

    private func indexes(of column: Column) -> [String] {
        if column.isUnique { return [creation(of: TableIndex(columns: [column.name], isUnique: true))] }
        // Without it, deleting a row of the other table would read all of this one.
        if column.references != nil { return [creation(of: TableIndex(columns: [column.name], isUnique: false))] }
        return []
    }

    func creation(of index: TableIndex) -> String {
        let columns = index.columns.map { SQLText.quoted($0) }.joined(separator: ", ")
        let kind = index.isUnique ? "UNIQUE INDEX" : "INDEX"
        var text = "CREATE \(kind) IF NOT EXISTS \(quotedName(of: index)) ON \(stored.quotedName) (\(columns))"
        if let condition = index.when {
            text += " WHERE " + SQLText.isOne(SQLText.quoted(condition.column), of: condition.values)
        }
        return text
    }

    func removal(of index: TableIndex) -> String { "DROP INDEX IF EXISTS \(quotedName(of: index))" }

    private func quotedName(of index: TableIndex) -> String {
        var name =
            "\(stored.physicalName):\(index.isUnique ? "unique" : "index"):\(index.columns.joined(separator: ","))"
        if let condition = index.when { name += ":\(condition.column)=\(condition.values.joined(separator: ","))" }
        return SQLText.quoted(name.replacing("\0", with: "?"))
    }
}

extension ColumnType {
    /// The type of a STRICT table's column.
    fileprivate var affinity: String {
        switch self {
        case .int, .bool, .timestamp: "INTEGER"
        case .string, .decimal, .json: "TEXT"
        case .double: "REAL"
        case .bytes: "BLOB"
        }
    }
}
