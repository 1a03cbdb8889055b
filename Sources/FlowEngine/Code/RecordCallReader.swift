import Expressions
import FlowLanguage

/// Reads what code asks of the tables, with the rights that the flow's own blocks have.
struct RecordCallReader {
    let app: App

    /// A refusal is the call's failure: the code sees it as an error.
    func work(_ operation: String, _ arguments: [Value]) -> Result<BlockWork, BlockFailure> {
        do throws(BlockFailure) {
            return .success(try read(operation, arguments))
        } catch {
            return .failure(error)
        }
    }

    private func read(_ operation: String, _ arguments: [Value]) throws(BlockFailure) -> BlockWork {
        guard let name = arguments.first?.stringValue, let table = app.table(named: name) else {
            throw refusal("there is no table '\(arguments.first?.stringValue?.prefix(64) ?? "")'")
        }
        let maps = arguments.dropFirst().map { $0.mapValue ?? ValueMap() }
        func map(_ index: Int) -> ValueMap { maps.indices.contains(index) ? maps[index] : ValueMap() }
        guard operation == "find" || !table.isSystem else {
            throw refusal("'\(name)' is a system table: code reads it, Runnel alone writes it")
        }
        switch operation {
        case "find":
            return .find(
                RecordQuery(
                    table: name,
                    where: try conditions(map(0), table),
                    order: try order(map(1)["order"], table),
                    limit: try limit(map(1)["limit"])
                ),
                single: false
            )
        case "insert": return .insert(table: name, values: try values(map(0), table))
        case "upsert":
            let values = try values(map(0), table)
            guard let on = arguments.last?.stringValue, let column = table.column(named: on), column.isUnique,
                values.contains(where: { $0.name == on && !$0.value.isNull })
            else { throw refusal("'on' names a unique column that has a value") }
            return .upsert(table: name, values: values, on: on)
        case "update":
            let set = try values(map(1), table).map { ResolvedAssignment($0.name, $0.value) }
            let update = RecordUpdate(table: name, where: try required(map(0), table), set: set)
            return .update(update, expect: try expect(map(2)["expect"]))
        case "delete":
            return .delete(
                table: name,
                conditions: try required(map(0), table),
                expect: try expect(map(1)["expect"])
            )
        default: throw refusal("there is no call 'records.\(operation.prefix(40))'")
        }
    }

    // MARK: Parts

    private func required(_ map: ValueMap, _ table: Table) throws(BlockFailure) -> [ResolvedCondition] {
        let conditions = try conditions(map, table)
        if conditions.isEmpty { throw refusal("without a condition, every row would be meant") }
        return conditions
    }

    /// Reads `{ id: 1, total: { gte: 100 } }`.
    private func conditions(_ map: ValueMap, _ table: Table) throws(BlockFailure) -> [ResolvedCondition] {
        var conditions: [ResolvedCondition] = []
        for (key, value) in map {
            let column = try asked(key, table)
            guard case .map(let operators) = value, column.type != .json else {
                guard !value.isNull else {
                    throw refusal("'\(column.name)' is compared with null; use { isNull: true }")
                }
                conditions.append(ResolvedCondition(column.name, equals: try convert(value, column)))
                continue
            }
            for (word, operand) in operators {
                guard let text = word.stringValue, let known = RecordCondition.Operator(rawValue: text) else {
                    throw refusal("'\(column.name)': there is no such comparison")
                }
                let value = try self.operand(operand, known, column)
                conditions.append(ResolvedCondition(column.name, known, .value(value)))
            }
        }
        return conditions
    }

    private func operand(
        _ value: Value,
        _ comparison: RecordCondition.Operator,
        _ column: Column
    ) throws(BlockFailure) -> Value {
        switch comparison {
        case .isNull:
            guard value.boolValue != nil else { throw refusal("'\(column.name)': isNull takes true or false") }
            return value
        case .in:
            guard let items = value.listValue else { throw refusal("'\(column.name)': in takes a list") }
            var converted: [Value] = []
            for item in items { converted.append(try convert(item, column)) }
            return .list(converted)
        case .startsWith:
            guard value.stringValue != nil else { throw refusal("'\(column.name)': startsWith takes a string") }
            return value
        case .equals, .not, .gt, .gte, .lt, .lte: return try convert(value, column)
        }
    }

    private func values(_ map: ValueMap, _ table: Table) throws(BlockFailure) -> [NamedValue] {
        var values: [NamedValue] = []
        for (key, value) in map {
            let column = try column(key, table)
            values.append(NamedValue(name: column.name, value: value.isNull ? value : try convert(value, column)))
        }
        if values.isEmpty { throw refusal("there is no value to write") }
        return values
    }

    /// A column that conditions and orders may name: also those that every table has.
    private func asked(_ key: MapKey, _ table: Table) throws(BlockFailure) -> Column {
        switch key.stringValue {
        case "id": return Column(name: "id", type: .int)
        case "createdAt" where table.isSystem, "updatedAt" where table.isSystem:
            return Column(name: key.stringValue ?? "", type: .timestamp)
        default: return try column(key, table)
        }
    }

    private func column(_ key: MapKey, _ table: Table) throws(BlockFailure) -> Column {
        guard let name = key.stringValue, let column = table.column(named: name) else {
            throw refusal("'\(table.name)' has no column '\(key.stringValue?.prefix(64) ?? "")'")
        }
        return column
    }

    /// Code's numbers and texts as the column's type.
    private func convert(_ value: Value, _ column: Column) throws(BlockFailure) -> Value {
        guard !value.isNull, let converted = InputCheck.convert(value, to: column.type) else {
            throw refusal("'\(column.name)' is \(column.type.rawValue), not \(value.kindName)", column.name)
        }
        return converted
    }

    private func order(_ value: Value?, _ table: Table) throws(BlockFailure) -> [FindBlock.Order] {
        switch value {
        case nil, .null: return []
        case .string(let name): return [.init(column: try asked(.string(name), table).name, descending: false)]
        case .map(let map):
            var order: [FindBlock.Order] = []
            for (key, direction) in map {
                guard let word = direction.stringValue, ["asc", "desc"].contains(word) else {
                    throw refusal("the direction is 'asc' or 'desc'")
                }
                order.append(.init(column: try asked(key, table).name, descending: word == "desc"))
            }
            return order
        default: throw refusal("'order' is a column's name, or { name: 'desc' }")
        }
    }

    private func limit(_ value: Value?) throws(BlockFailure) -> Int {
        guard let value, !value.isNull else { return FindBlock.unlimited }
        guard let number = value.intValue, (1...Int64(FlowLanguage.Limits.rowsPerFind)).contains(number) else {
            throw refusal("'limit' is 1 to \(FlowLanguage.Limits.rowsPerFind)")
        }
        return Int(number)
    }

    private func expect(_ value: Value?) throws(BlockFailure) -> Int? {
        guard let value, !value.isNull else { return nil }
        guard let number = value.intValue, (0...1_000_000).contains(number) else {
            throw refusal("'expect' is a number of rows")
        }
        return Int(number)
    }

    private func refusal(_ message: String, _ param: String? = nil) -> BlockFailure {
        BlockFailure(code: "invalid_call", type: "record", message: message, param: param)
    }
}
