import Expressions
import FlowEngine
import FlowLanguage

extension StoreSession: StoreTransaction {
    private static let forgetNextID = FixedStatement("DELETE FROM sqlite_sequence WHERE name = ?")
    private static let saveNextID = FixedStatement("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)")

    func find(_ query: RecordQuery) throws(StoreError) -> [ValueMap] {
        let table = try catalogue.table(query.table)
        let found = try RecordStatement.find(query, in: table, writing: false)
        let statement = try prepared(found.shape) { () throws(StoreError) in
            try RecordStatement.find(query, in: table, writing: true).text
        }
        for value in found.values { statement.bind(value) }
        let rows = try all(statement, on: table) { row throws(StoreError) in
            var record = ValueMap(minimumCapacity: table.columns.count)
            var position: Int32 = 0
            for column in table.columns {
                record.append(try column.decoded(row, position), for: column.key)
                position += 1
            }
            return record
        }
        if query.isNotedWhenEmpty || !rows.isEmpty { accesses?.append(.find(table: query.table, rows: rows)) }
        return rows
    }

    func insert(into name: String, _ values: [(column: String, value: Value)]) throws(StoreError) -> ValueMap {
        let row = try noting(name) { () throws(StoreError) in try insertRow(into: name, values) }
        accesses?.append(.insert(table: name, row: row))
        return row
    }

    private func insertRow(
        into name: String,
        _ values: [(column: String, value: Value)]
    ) throws(StoreError) -> ValueMap {
        let table = try catalogue.table(name)
        var given = [Value?](repeating: nil, count: table.columns.count)
        for (column, value) in values {
            let position = try table.position(of: column)
            if position == 0 { throw table.columns[0].invalid("is assigned by the store") }
            guard given[position] == nil else { throw table.columns[position].invalid("is given twice") }
            given[position] = value
        }
        // Every value is checked before the statement is touched.
        var record = ValueMap(minimumCapacity: table.columns.count)
        record.append(.int(0), for: table.columns[0].key)
        var bound: [StoredValue] = []
        bound.reserveCapacity(table.columns.count)
        for position in 1..<max(1, table.columns.count) {
            let column = table.columns[position]
            let value = if let value = given[position] { value } else { try initial(column) }
            let stored = try column.encoded(value)
            bound.append(stored)
            record.append(column.kept(value, as: stored), for: column.key)
        }
        let statement = try prepared(RecordStatement.insertionShape(of: table)) {
            RecordStatement.insertion(into: table).text
        }
        for value in bound { statement.bind(value) }
        try execute(statement, on: table)
        record[table.columns[0].key] = .int(lastInsertedID)
        return record
    }

    /// The value of a column that was not given.
    private func initial(_ column: StoredColumn) throws(StoreError) -> Value {
        switch column.role {
        case .createdAt, .updatedAt: return .timestamp(try groupTime())
        case .id, .declared:
            if let value = column.declaration.defaultValue { return value }
            guard column.declaration.isOptional else { throw column.invalid("is required") }
            return .null
        }
    }

    func update(_ update: RecordUpdate) throws(StoreError) -> Int {
        let table = try catalogue.table(update.table)
        let time = table.isSystem ? try groupTime() : nil
        let change = try RecordStatement.update(update, of: table, at: time, writing: false)
        let statement = try prepared(change.shape) { () throws(StoreError) in
            try RecordStatement.update(update, of: table, at: time, writing: true).text
        }
        let before = try rowsBefore(of: update.table, update.conditions)
        for value in change.values { statement.bind(value) }
        let count = try noting(update.table) { () throws(StoreError) in try execute(statement, on: table) }
        if let before { note(.update(table: update.table, before: before), of: update.table) }
        return count
    }

    func setNextID(_ id: Int64, of name: String) throws(StoreError) {
        let table = try catalogue.table(name)
        let removal = try prepared(Self.forgetNextID)
        removal.bind(table.physicalName)
        try execute(removal)
        let insertion = try prepared(Self.saveNextID)
        insertion.bind(table.physicalName)
        insertion.bind(max(id, 1) - 1)
        try execute(insertion)
    }

    func delete(from name: String, where conditions: [ResolvedCondition]) throws(StoreError) -> Int {
        let table = try catalogue.table(name)
        let removal = try RecordStatement.delete(conditions, from: table, writing: false)
        let statement = try prepared(removal.shape) { () throws(StoreError) in
            try RecordStatement.delete(conditions, from: table, writing: true).text
        }
        let before = try rowsBefore(of: name, conditions)
        for value in removal.values { statement.bind(value) }
        let count = try noting(name) { () throws(StoreError) in try execute(statement, on: table) }
        if let before { note(.delete(table: name, before: before), of: name) }
        return count
    }
}
