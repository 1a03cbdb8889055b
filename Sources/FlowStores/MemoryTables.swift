import Expressions
package import FlowEngine
package import FlowLanguage

/// An app's tables in memory, with the rules of those on disk: what replays read and write.
///
/// No file is made. References are not kept, since a replay has the rows that its run met and no others.
package final class MemoryTables: Sendable {
    private let connection: StoreConnection

    /// - Throws: `.schema` for tables that cannot be made.
    package init(_ tables: [FlowLanguage.Table]) throws(StoreError) {
        let alone = tables.map { table in
            var table = table
            for position in table.columns.indices { table.columns[position].references = nil }
            return table
        }
        let catalogue = try TableCatalogue(alone)
        connection = try StoreConnection(path: ":memory:", role: .memory, catalogue: catalogue, now: { nil })
        do throws(StoreError) {
            try connection.perform { session throws(StoreError) in
                for table in alone {
                    let schema = TableSchema(declaration: table, stored: try catalogue.table(table.name))
                    for statement in try schema.creation() { try session.executeScript(statement) }
                }
            }
        } catch {
            connection.close()
            throw error
        }
    }

    deinit { connection.close() }

    /// Lets `body` work on empty tables and empties them again.
    package func scratch<Result>(_ body: (any ReplayTables) -> Result) throws(StoreError) -> Result {
        var result: Result?
        do throws(StoreError) {
            try connection.perform { session throws(StoreError) in
                try session.transaction(writing: true) { session throws(StoreError) in
                    result = body(session)
                    throw StoreError(.closed, "what was done for a replay is undone")
                }
            }
        } catch {
            guard let result else { throw error }
            return result
        }
        preconditionFailure("a transaction that always throws returned")
    }
}

extension StoreSession: ReplayTables {
    func setTime(_ time: Timestamp) { timeOfGroup = time }

    func put(_ row: ValueMap, into name: String) throws(StoreError) {
        let table = try catalogue.table(name)
        var bound: [StoredValue] = []
        bound.reserveCapacity(table.columns.count)
        for column in table.columns {
            bound.append(try column.encoded(row[column.name] ?? column.declaration.defaultValue ?? .null))
        }
        let names = table.columns.map(\.quotedName).joined(separator: ", ")
        let places = table.columns.map { _ in "?" }.joined(separator: ", ")
        let statement = try prepared(RecordStatement.replacementShape(of: table)) {
            "INSERT OR REPLACE INTO \(table.quotedName) (\(names)) VALUES (\(places))"
        }
        for value in bound { statement.bind(value) }
        try execute(statement, on: table)
    }
}
