import Expressions
import FlowEngine
import FlowLanguage

/// What lies between a table on disk and its declaration of today.
///
/// Applied by itself: a new table, a new column that is optional or has a default, a new or dropped index that is not
/// unique, a changed default, access or order of columns. Everything else is a difference that a person resolves, with
/// `runnel tables apply` where the rows allow it.
struct SchemaChange {
    private(set) var statements: [String] = []
    private(set) var differences: [String] = []
    /// Of the differences, those that making the table anew does not resolve.
    private(set) var obstacles: [String] = []

    init(from old: Table, to schema: TableSchema) throws(StoreError) {
        let new = schema.declaration
        if old.isSystem != new.isSystem { obstruct("\(new.name): a system table became an app's, or back") }
        for column in old.columns where new.column(named: column.name) == nil {
            differences.append("\(new.name).\(column.name): on disk, no longer declared")
        }
        for column in new.columns {
            if let before = old.column(named: column.name) {
                if before.type != column.type {
                    obstruct("\(new.name).\(column.name): type \(before.type.rawValue) → \(column.type.rawValue)")
                }
                differences += Self.differences(in: new.name, from: before, to: column)
            } else {
                try add(column, schema)
            }
        }
        compareIndexes(old, schema)
    }

    private mutating func obstruct(_ difference: String) {
        differences.append(difference)
        obstacles.append(difference)
    }

    private mutating func add(_ column: Column, _ schema: TableSchema) throws(StoreError) {
        let name = "\(schema.declaration.name).\(column.name)"
        if !column.isOptional, column.defaultValue == nil {
            differences.append("\(name): new, and neither optional nor with a default for the rows that are there")
        } else if column.defaultValue != nil, column.isUnique {
            differences.append("\(name): new and unique, but with a default that every row would share")
        } else if column.defaultValue != nil, column.references != nil {
            differences.append("\(name): new, a reference, and with a default")
        } else {
            statements += try schema.addition(of: column)
        }
    }

    private static func differences(in table: String, from old: Column, to new: Column) -> [String] {
        let name = "\(table).\(new.name)"
        var found: [String] = []
        if old.isOptional != new.isOptional { found.append("\(name): optional \(old.isOptional) → \(new.isOptional)") }
        if old.isUnique != new.isUnique { found.append("\(name): unique \(old.isUnique) → \(new.isUnique)") }
        if old.allowed != new.allowed {
            found.append(
                "\(name): enum [\(old.allowed.joined(separator: ", "))] → [\(new.allowed.joined(separator: ", "))]"
            )
        }
        if old.min != new.min { found.append("\(name): min \(shown(old.min)) → \(shown(new.min))") }
        if old.max != new.max { found.append("\(name): max \(shown(old.max)) → \(shown(new.max))") }
        if old.maxLength != new.maxLength {
            found.append("\(name): maxLength \(shown(old.maxLength)) → \(shown(new.maxLength))")
        }
        if old.references != new.references {
            found.append("\(name): references \(shown(old.references)) → \(shown(new.references))")
        }
        return found
    }

    private static func shown(_ value: (some CustomStringConvertible)?) -> String { value.map(\.description) ?? "none" }

    private mutating func compareIndexes(_ old: Table, _ schema: TableSchema) {
        let (before, after) = (Set(old.indexes), Set(schema.declaration.indexes))
        for index in schema.declaration.indexes where !before.contains(index) {
            if index.isUnique {
                differences.append("\(old.name): new unique index over \(index.columns.joined(separator: ", "))")
            } else {
                statements.append(schema.creation(of: index))
            }
        }
        for index in old.indexes where !after.contains(index) {
            if index.isUnique {
                differences.append(
                    "\(old.name): unique index over \(index.columns.joined(separator: ", ")) no longer declared"
                )
            } else {
                statements.append(schema.removal(of: index))
            }
        }
    }
}

extension StoreSession {
    private static let applied = FixedStatement("SELECT declaration FROM applied_tables WHERE name = ?")
    private static let noteApplied = FixedStatement(
        """
        INSERT INTO applied_tables (name, declaration) VALUES (?, ?)
        ON CONFLICT (name) DO UPDATE SET declaration = excluded.declaration
        """
    )
    private static let raiseEpoch = FixedStatement(
        "UPDATE store_state SET value = value + 1 WHERE name = 'boot_epoch' RETURNING value"
    )

    /// Brings the app's tables to their declarations, all or none.
    ///
    /// - Throws: `.schema` naming every difference that adding alone does not resolve.
    func apply(_ tables: [Table]) throws(StoreError) {
        try transaction(writing: true) { session throws(StoreError) in
            let change = try session.changes(of: tables, isRebuilding: false)
            guard change.differences.isEmpty else {
                throw StoreError(
                    .schema,
                    "the tables need more than adding: \(change.differences.joined(separator: "; ")); "
                        + "'runnel tables plan' shows what that takes, 'runnel tables apply' does it"
                )
            }
            for statement in change.statements { try session.executeScript(statement) }
        }
    }

    /// Brings the app's tables to their declarations also where that takes more than adding.
    ///
    /// In a trial everything is done, and undone again.
    ///
    /// - Returns: The differences that were resolved.
    /// - Throws: `.schema` naming those that cannot be, and how many rows stand against each.
    func remodel(_ tables: [Table], isTrial: Bool) throws(StoreError) -> [String] {
        // Otherwise dropping a table deletes its rows first, which others reference.
        try executeScript("PRAGMA foreign_keys = OFF")
        var resolved: [String] = []
        do throws(StoreError) {
            try transaction(writing: true) { session throws(StoreError) in
                let change = try session.changes(of: tables, isRebuilding: true)
                guard change.obstacles.isEmpty else {
                    throw StoreError(.schema, change.obstacles.joined(separator: "; "))
                }
                for statement in change.statements { try session.executeScript(statement) }
                let dangling = try session.danglingReferences()
                guard dangling.isEmpty else { throw StoreError(.schema, dangling.joined(separator: "; ")) }
                resolved = change.differences
                if isTrial { throw StoreError(.schema, Self.trial) }
            }
        } catch {
            try executeScript("PRAGMA foreign_keys = ON")
            guard isTrial, error.message == Self.trial else { throw error }
            return resolved
        }
        try executeScript("PRAGMA foreign_keys = ON")
        return resolved
    }

    /// Undoes what was only tried.
    private static let trial = "a trial ends"

    private struct Changes {
        var statements: [String] = []
        var differences: [String] = []
        var obstacles: [String] = []
    }

    private func changes(of tables: [Table], isRebuilding: Bool) throws(StoreError) -> Changes {
        var changes = Changes()
        for table in tables {
            let schema = TableSchema(declaration: table, stored: try catalogue.table(table.name))
            guard let old = try appliedTable(table.name) else {
                changes.statements += try schema.creation()
                try note(table)
                continue
            }
            let change = try SchemaChange(from: old, to: schema)
            changes.differences += change.differences
            changes.obstacles += change.obstacles
            if isRebuilding, !change.differences.isEmpty, change.obstacles.isEmpty {
                changes.obstacles += try obstacles(to: schema, from: old)
                changes.statements += try schema.rebuilding(from: old)
            } else {
                changes.statements += change.statements
            }
            if old != table { try note(table) }
        }
        for table in tables {
            changes.statements += try ChangeTriggers.statements(for: table, stored: catalogue.table(table.name))
        }
        return changes
    }

    /// What of the rows that are there the new table would refuse.
    private func obstacles(to schema: TableSchema, from old: Table) throws(StoreError) -> [String] {
        var found: [String] = []
        for column in schema.stored.columns where column.role == .declared {
            let place = "\(old.name).\(column.name)"
            guard let before = old.column(named: column.name) else {
                let isFilled = column.declaration.isOptional || column.declaration.defaultValue != nil
                let rows = isFilled ? 0 : try count("SELECT count(*) FROM \(schema.stored.quotedName)")
                if rows > 0 { found.append("\(place): new, and no default for the \(rows) rows that are there") }
                continue
            }
            for (rule, query) in schema.violations(of: column, whichWas: before) {
                let rows = try count(query)
                if rows > 0 { found.append("\(place) \(rule), and \(rows) of what is there does not keep to it") }
            }
        }
        return found
    }

    private func count(_ query: String) throws(StoreError) -> Int64 {
        try first(try compile(query)) { row throws(StoreError) in try row.int(0) } ?? 0
    }

    private func appliedTable(_ name: String) throws(StoreError) -> Table? {
        let statement = try prepared(Self.applied)
        statement.bind(name)
        return try first(statement) { row throws(StoreError) in
            try TableDeclaration.table(try row.value(0, "declaration of \(name)"), name: name)
        }
    }

    private func note(_ table: Table) throws(StoreError) {
        let statement = try prepared(Self.noteApplied)
        statement.bind(table.name)
        statement.bindText(JSON.encodeExact(TableDeclaration.value(table)))
        try execute(statement)
    }

    func raiseBootEpoch() throws(StoreError) -> Int64 {
        try transaction(writing: true) { session throws(StoreError) in
            let raised = try session.all(try session.prepared(Self.raiseEpoch)) { row throws(StoreError) in
                try row.int(0)
            }
            guard let epoch = raised.first else { throw StoreError(.corrupt, "the boot epoch is missing on disk") }
            return epoch
        }
    }

    /// What `PRAGMA integrity_check` and `foreign_key_check` find.
    func integrityFindings() throws(StoreError) -> [String] {
        let pages = try all(try compile("PRAGMA integrity_check(100)")) { row throws(StoreError) in try row.text(0) }
        return pages.filter { $0 != "ok" } + (try danglingReferences())
    }

    private func danglingReferences() throws(StoreError) -> [String] {
        try all(try compile("PRAGMA foreign_key_check")) { row throws(StoreError) in
            "a row of \(try row.text(0)) references a row that is not there"
        }
    }
}
