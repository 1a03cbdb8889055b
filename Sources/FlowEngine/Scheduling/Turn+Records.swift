import Expressions
import FlowLanguage

extension Turn {
    /// Does a record block.
    ///
    /// One statement undoes itself when it is refused; only a block that looks at its result needs a savepoint.
    func recordResult(of work: BlockWork) throws(StoreError) -> Result<Value, BlockFailure> {
        do throws(StoreError) {
            switch work {
            case .find(let query, let isSingle): return try find(query, isSingle: isSingle)
            case .insert(let table, let values):
                return .success(.map(try transaction.insert(into: table, values.map { ($0.name, $0.value) })))
            case .upsert(let table, let values, let on): return try upsert(table, values, on: on)
            case .update(let update, let expected):
                let conditions = update.conditions
                return try changing(expected, of: update.table, where: conditions) { (transaction) throws(StoreError) in
                    try transaction.update(update)
                }
            case .delete(let table, let conditions, let expected):
                return try changing(expected, of: table, where: conditions) { (transaction) throws(StoreError) in
                    try transaction.delete(from: table, where: conditions)
                }
            case .command, .callback, .runFlow, .transaction, .wait, .code, .branches:
                throw StoreError(.corrupt, "this is no record block")
            }
        } catch {
            guard error.isBlockFailure else { throw error }
            return .failure(BlockFailure(error))
        }
    }

    private func find(_ query: RecordQuery, isSingle: Bool) throws(StoreError) -> Result<Value, BlockFailure> {
        let rows = try transaction.find(query)
        guard rows.count < FindBlock.unlimited else {
            // Some of the rows, taken for all of them, would be a wrong sum.
            let most = FlowLanguage.Limits.rowsPerFind
            let message = "more than \(most) records of '\(query.table)' fit; say which by 'limit' and 'order'"
            return .failure(BlockFailure(code: "too_many_records", type: "record", message: message))
        }
        if !isSingle { return .success(["items": .list(rows.map(Value.map)), "count": .int(Int64(rows.count))]) }
        guard let row = rows.first else {
            return .failure(
                BlockFailure(
                    code: "not_found",
                    type: "record",
                    message: "no record of '\(query.table)' fits",
                    status: 404
                )
            )
        }
        return .success(.map(row))
    }

    /// Inserts or changes the one row that has the value of `on`.
    ///
    /// Looking first is safe, since the writer is alone; a refused insert would not tell which column refused it.
    private func upsert(
        _ table: String,
        _ values: [NamedValue],
        on: String
    ) throws(StoreError) -> Result<Value, BlockFailure> {
        guard let key = values.first(where: { $0.name == on })?.value else {
            throw StoreError(.corrupt, "an upsert without a value for '\(on)'")
        }
        let query = RecordQuery(table: table, where: [ResolvedCondition(on, equals: key)], limit: 1)
        return try protecting { (transaction) throws(StoreError) in
            guard let id = try transaction.find(query).first?["id"] else {
                return .success(.map(try transaction.insert(into: table, values.map { ($0.name, $0.value) })))
            }
            let own = [ResolvedCondition("id", equals: id)]
            let set = values.map { ResolvedAssignment($0.name, $0.value) }
            _ = try transaction.update(RecordUpdate(table: table, where: own, set: set))
            guard let row = try transaction.find(RecordQuery(table: table, where: own, limit: 1)).first else {
                throw StoreError(.corrupt, "the record that was changed in '\(table)' is gone")
            }
            return .success(.map(row))
        }
    }

    private func changing(
        _ expected: Int?,
        of table: String,
        where conditions: [ResolvedCondition],
        _ change: (any StoreTransaction) throws(StoreError) -> Int
    ) throws(StoreError) -> Result<Value, BlockFailure> {
        guard let expected else { return .success(["changed": .int(Int64(try change(transaction)))]) }
        let isOneAtMost = conditions.contains(where: \.namesOneRow)
        // One row or none: there is nothing to undo when it is none.
        let changed = try expected == 1 && isOneAtMost ? change(transaction) : undoing(unless: expected, change)
        if changed > 1, isOneAtMost { throw StoreError(.corrupt, "two rows of '\(table)' have one id") }
        if changed == expected { return .success(["changed": .int(Int64(changed))]) }
        return .failure(
            BlockFailure(
                code: "expectation_failed",
                type: "record",
                message: "\(changed) records of '\(table)' would have changed, \(expected) were expected",
                status: 409
            )
        )
    }

    /// Makes a change, and undoes it where it is of another number of rows.
    private func undoing(
        unless expected: Int,
        _ change: (any StoreTransaction) throws(StoreError) -> Int
    ) throws(StoreError) -> Int {
        let transaction = transaction
        var changed = 0
        do throws(StoreError) {
            try transaction.savepoint { () throws(StoreError) in
                changed = try change(transaction)
                if changed != expected { throw StoreError(.constraint, "expectation") }
            }
        } catch {
            // A refusal of the statement itself leaves the count at zero and its own message.
            guard error.isBlockFailure, error.message == "expectation", changed != expected else { throw error }
        }
        return changed
    }
}

extension ResolvedCondition {
    /// Compares the id with a value; with another column of the row it could hold for many.
    fileprivate var namesOneRow: Bool {
        guard column == "id", self.operator == .equals, case .value = operand else { return false }
        return true
    }
}
