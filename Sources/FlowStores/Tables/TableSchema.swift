import Expressions
import FlowEngine
import FlowLanguage

/// The statements that make a table, its columns and its indexes.
struct TableSchema {
    let declaration: Table
    let stored: StoredTable

    /// Defaults are not among them: the store binds every column of a new row.
    func creation() throws(StoreError) -> [String] {
        var parts: [String] = []
        for column in stored.columns { parts.append(definition(column)) }
        let table = "CREATE TABLE \(stored.quotedName) (\(parts.joined(separator: ", "))) STRICT"
        var statements = [table]
        for column in declaration.columns { statements += indexes(of: column) }
        for index in declaration.indexes { statements.append(creation(of: index)) }
        return statements
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
