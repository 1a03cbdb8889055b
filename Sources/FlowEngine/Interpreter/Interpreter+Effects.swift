import Expressions
import FlowLanguage

// Blocks with an effect: their input is evaluated here, done elsewhere.
extension Interpreter {
    func work(of node: Node, now: Timestamp) throws(BlockFailure) -> BlockWork {
        let scope = scope(now: now, at: node)
        let range = node.range
        switch node.action {
        case .findRecord(let block): return .find(try scope.query(block, limit: 1, at: range), single: true)
        case .findRecords(let block): return .find(try scope.query(block, limit: block.limit, at: range), single: false)
        case .insertRecord(let block):
            return .insert(table: block.table, values: try scope.values(of: block.set, at: range))
        case .upsertRecord(let block):
            let values = try scope.values(of: block.set, at: range)
            // Nulls are never equal to one another: each time there would be one more row.
            guard let key = values.first(where: { $0.name == block.on }), !key.value.isNull else {
                throw .expression("null_in_on", "'\(block.on)' is null, so it names no record", at: range)
            }
            return .upsert(table: block.table, values: values, on: block.on)
        case .updateRecord(let block):
            let conditions = try scope.resolve(block.conditions, at: range)
            var set: [ResolvedAssignment] = []
            set.reserveCapacity(block.set.count)
            for assignment in block.set {
                set.append(ResolvedAssignment(assignment.column, try scope.resolve(assignment.value)))
            }
            return .update(RecordUpdate(table: block.table, where: conditions, set: set), expect: block.expect)
        case .deleteRecord(let block):
            let conditions = try scope.resolve(block.conditions, at: range)
            return .delete(table: block.table, conditions: conditions, expect: block.expect)
        case .command(let block): return .command(block, data: try scope.evaluate(block.data))
        case .runFlow(let block):
            return .runFlow(flow: block.flow, input: try scope.evaluate(block.input), mode: block.mode)
        case .code(let block):
            let seen = CodeScope(
                args: try scope.evaluate(block.args),
                input: scope.input,
                trigger: scope.trigger,
                variables: scope.variables,
                run: scope.run
            )
            return .code(block, seen)
        case .callbackHandler: return .callback
        case .beginTransaction, .endTransaction: return .transaction
        case .wait(let block): return .wait(try wait(block, node: node, now: now))
        case .tryAgain(let policy, _): return .wait(.time(try end(ofPauseAt: node, policy, now: now)))
        case .beginBranches(let block): return .branches(try branches(block, node: node, now: now))
        case .branch, .setVariables, .log, .respond, .fail, .beginTry, .chooseCatch, .holdFailure, .endTry, .beginLoop,
            .endTurn, .endBranch, .rethrow, .jumpBack:
            preconditionFailure("a pure block has no work outside")
        }
    }
}

extension FlowScope {
    fileprivate func query(_ block: FindBlock, limit: Int, at range: SourceRange) throws(BlockFailure) -> RecordQuery {
        RecordQuery(
            table: block.table,
            where: try resolve(block.conditions, at: range),
            order: block.order,
            limit: limit
        )
    }

    /// What a new row is made of.
    fileprivate func values(
        of set: [ColumnAssignment],
        at range: SourceRange
    ) throws(BlockFailure) -> [NamedValue] {
        var values: [NamedValue] = []
        values.reserveCapacity(set.count)
        for assignment in set {
            guard case .value(let value) = try resolve(assignment.value) else {
                throw .expression("no_record", "a record that is inserted has no columns yet", at: range)
            }
            values.append(NamedValue(name: assignment.column, value: value))
        }
        return values
    }

    fileprivate func resolve(
        _ conditions: [RecordCondition],
        at range: SourceRange
    ) throws(BlockFailure) -> [ResolvedCondition] {
        var resolved: [ResolvedCondition] = []
        resolved.reserveCapacity(conditions.count)
        for condition in conditions {
            let operand = try resolve(condition.operand)
            if case .value(let value) = operand { try check(value, of: condition, at: range) }
            resolved.append(ResolvedCondition(condition.column, condition.operator, operand))
        }
        return resolved
    }

    /// A null in `where` would silently match nothing, or everything by `not`: it is asked for with `isNull`.
    private func check(_ value: Value, of condition: RecordCondition, at range: SourceRange) throws(BlockFailure) {
        switch condition.operator {
        case .in:
            guard let items = value.listValue, !items.contains(where: \.isNull) else {
                throw .expression("invalid_where", "'\(condition.column)': in takes a list without nulls", at: range)
            }
        case .isNull:
            guard value.boolValue != nil else {
                throw .expression("invalid_where", "'\(condition.column)': isNull takes true or false", at: range)
            }
        case .startsWith:
            guard value.stringValue != nil else {
                throw .expression("invalid_where", "'\(condition.column)': startsWith takes a string", at: range)
            }
        case .equals, .not, .gt, .gte, .lt, .lte:
            guard !value.isNull else {
                throw .expression("null_in_where", "'\(condition.column)' is compared with null; use isNull", at: range)
            }
        }
    }

    fileprivate func resolve(_ operand: ColumnExpression) throws(BlockFailure) -> ResolvedOperand {
        switch operand {
        case .value(let template): .value(try evaluate(template))
        case .column(let name): .column(name)
        case .add(let left, let right): .add(try resolve(left), try resolve(right))
        case .subtract(let left, let right): .subtract(try resolve(left), try resolve(right))
        case .multiply(let left, let right): .multiply(try resolve(left), try resolve(right))
        }
    }
}

// MARK: What the journal shows

extension BlockWork {
    /// The block's evaluated input, as its entry keeps it.
    var journalInput: Value {
        switch self {
        case .find(let query, _): Self.describe(query.table, where: query.conditions)
        case .insert(let table, let values): Self.describe(table, set: Self.describe(values))
        case .upsert(let table, let values, let on): Self.describe(table, set: Self.describe(values), on: on)
        case .update(let update, _):
            Self.describe(update.table, set: Self.describe(update.set), where: update.conditions)
        case .delete(let table, let conditions, _): Self.describe(table, where: conditions)
        case .command(let block, let data):
            ["connection": .string(block.connection), "command": .string(block.command), "data": .map(data)]
        case .runFlow(let flow, let input, let mode):
            ["flow": .string(flow), "input": .map(input), "mode": .string(mode.rawValue)]
        case .wait(let wait): wait.journalInput
        case .branches(let branches): branches.journalInput
        case .code(_, let scope): ["args": .map(scope.args)]
        case .callback, .transaction: .null
        }
    }

    private static func describe(
        _ table: String,
        set: ValueMap? = nil,
        on: String? = nil,
        where conditions: [ResolvedCondition]? = nil
    ) -> Value {
        var input = ValueMap(minimumCapacity: 3)
        input.append(.string(table), for: "table")
        if let on { input.append(.string(on), for: "on") }
        if let conditions { input.append(.list(conditions.map(describe)), for: "where") }
        if let set { input.append(.map(set), for: "set") }
        return .map(input)
    }

    private static func describe(_ condition: ResolvedCondition) -> Value {
        var described = ValueMap(minimumCapacity: 3)
        described.append(.string(condition.column), for: "column")
        described.append(.string(condition.operator.rawValue), for: "is")
        described.append(describe(condition.operand), for: "to")
        return .map(described)
    }

    private static func describe(_ values: [NamedValue]) -> ValueMap {
        var map = ValueMap(minimumCapacity: values.count)
        for value in values { map[value.name] = value.value }
        return map
    }

    private static func describe(_ assignments: [ResolvedAssignment]) -> ValueMap {
        var map = ValueMap(minimumCapacity: assignments.count)
        for assignment in assignments { map[assignment.column] = describe(assignment.value) }
        return map
    }

    private static func describe(_ operand: ResolvedOperand) -> Value {
        switch operand {
        case .value(let value): value
        case .column(let name): .string("record.\(name)")
        case .add(let left, let right): ["add": [describe(left), describe(right)]]
        case .subtract(let left, let right): ["subtract": [describe(left), describe(right)]]
        case .multiply(let left, let right): ["multiply": [describe(left), describe(right)]]
        }
    }
}
