import Expressions
import FlowEngine
import FlowLanguage
import FlowStores

/// The rows that a case begins with.
///
/// They are there before the engine is: nothing follows from them, as something would from a change.
struct GivenRows {
    private let tables: [GivenTable]
    private var scope = CaseScope()

    init(_ given: GivenState, of app: App) {
        tables = Self.namedFirst(given.tables, app)
        scope[.now] = .timestamp(given.clock)
        scope[.steps] = .map(ValueMap())
    }

    /// - Throws: `CaseFault` for a row that cannot be; what the store throws.
    func write(to store: SQLiteStore) throws {
        guard !tables.isEmpty else { return }
        var prepared: [(table: GivenTable, rows: [Prepared])] = []
        for table in tables { prepared.append((table, try table.rows.map(prepare))) }
        var refused: CaseFault?
        try store.writeGroup { (transaction) throws(StoreError) in
            for (table, rows) in prepared {
                for row in rows {
                    if let id = row.id { try transaction.setNextID(id, of: table.table) }
                    do throws(StoreError) {
                        let kept = try transaction.insert(into: table.table, row.values)["id"]?.intValue
                        guard let id = row.id, id != kept else { continue }
                        refused = CaseFault(
                            message: "rows stand in the order of their ids, from 1",
                            range: row.range
                        )
                    } catch {
                        refused = CaseFault(message: "the row is refused: \(error.message)", range: row.range)
                    }
                    if refused != nil { return }
                }
                if let next = table.nextID { try transaction.setNextID(next, of: table.table) }
            }
        }
        if let refused { throw refused }
    }

    /// Rows that others name come before these, in whatever order a case gives them.
    private static func namedFirst(_ tables: [GivenTable], _ app: App) -> [GivenTable] {
        var done: Set<String> = []
        var ordered: [GivenTable] = []
        func visit(_ name: String) {
            guard done.insert(name).inserted else { return }
            for column in app.table(named: name)?.columns ?? [] { column.references.map(visit) }
            ordered += tables.filter { $0.table == name }
        }
        for table in tables { visit(table.table) }
        return ordered
    }

    private struct Prepared {
        var id: Int64?
        var values: [(column: String, value: Value)]
        var range: SourceRange
    }

    private func prepare(_ row: GivenTable.Row) throws(CaseFault) -> Prepared {
        var values: [(column: String, value: Value)] = []
        for named in row.values { values.append((named.name, try scope.evaluate(named.value, at: row.range))) }
        return Prepared(id: row.id, values: values, range: row.range)
    }
}
