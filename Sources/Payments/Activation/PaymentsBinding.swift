import Expressions
package import FlowEngine
package import FlowLanguage

/// Which table the recorded payments' `orderId` counts in.
///
/// It is bound by the first payment and changed by a migration: every payment finds its order in the other table, or
/// nothing is changed.
package struct PaymentsBinding {
    private static let setting = "payments.orderTable"
    private static let rowsMax = 100_000
    private static let tables = [PaymentsTables.payments.name, PaymentsTables.recurringPayments.name]

    private let transaction: any StoreTransaction

    package init(_ transaction: any StoreTransaction) {
        self.transaction = transaction
    }

    /// Binds an app's order table while nothing is recorded.
    /// - Returns: the table that is bound, when it is another one than the app says.
    package func confirm(_ app: App) throws(StoreError) -> String? {
        guard let declared = app.payments?.orderTable else { return nil }
        let bound = try bound()
        guard let bound, bound != declared, try hasRows() else {
            if bound != declared { try transaction.setSetting(Self.setting, Array(declared.utf8)) }
            return nil
        }
        return bound
    }

    private func bound() throws(StoreError) -> String? {
        try transaction.setting(Self.setting).map { String(decoding: $0, as: UTF8.self) }
    }

    private func hasRows() throws(StoreError) -> Bool {
        for table in Self.tables where try !transaction.find(RecordQuery(table: table, where: [], limit: 1)).isEmpty {
            return true
        }
        return false
    }

    /// What `move` did, or why it did nothing.
    package enum Outcome: Sendable, Hashable {
        case moved(rows: Int)
        /// Orders, by their old numbers, that have no counterpart, or more than one.
        case unmatched([Int64])
        case tooMany
    }

    /// Lets every payment count in `table`, whose `column` holds each order's old number.
    ///
    /// The caller rolls back when the outcome is not `.moved`.
    package func move(to table: String, by column: String) throws(StoreError) -> Outcome {
        var moves: [(table: String, id: Value, order: Int64)] = []
        var unmatched: Set<Int64> = []
        for name in Self.tables {
            let rows = try transaction.find(RecordQuery(table: name, where: [], limit: Self.rowsMax + 1))
            guard rows.count <= Self.rowsMax else { return .tooMany }
            for row in rows {
                guard let old = row["orderId"]?.intValue, let id = row["id"] else { continue }
                let found = try transaction.find(
                    RecordQuery(table: table, where: [ResolvedCondition(column, equals: .int(old))], limit: 2)
                )
                if found.count == 1, let order = found[0]["id"]?.intValue {
                    moves.append((name, id, order))
                } else {
                    unmatched.insert(old)
                }
            }
        }
        guard unmatched.isEmpty else { return .unmatched(unmatched.sorted()) }
        // Through negative numbers, so that no two payments of different orders meet under one number on the way.
        for sign in [-1, 1] as [Int64] {
            for move in moves {
                _ = try transaction.update(
                    RecordUpdate(
                        table: move.table,
                        where: [ResolvedCondition("id", equals: move.id)],
                        set: [ResolvedAssignment("orderId", .int(sign * move.order))]
                    )
                )
            }
        }
        try transaction.setSetting(Self.setting, Array(table.utf8))
        return .moved(rows: moves.count)
    }
}
