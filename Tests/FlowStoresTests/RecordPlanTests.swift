import Expressions
import FlowEngine
import FlowLanguage
import Foundation
import GRDBSQLite
import Testing

@testable import FlowStores

@Suite("What asking tables costs")
struct RecordPlanTests {
    /// Goal: a statement is compiled once, and not again at each of its runs.
    ///
    /// Method: a table whose partial index depends on `status` is asked and changed by all ways to name a status; then
    /// SQLite's own count of each statement. With bound statuses it compiles two of them at every run.
    @Test("statements on a table with a partial index are compiled once, and find what they should")
    func compiledOnce() async throws {
        try await withOrders { session in
            for round in 0..<20 {
                try Self.expect(session, .equals, "NEW", finds: [1])
                try Self.expect(session, .equals, "PAID", finds: [2])
                try Self.expect(session, .in, ["PAID", "NEW", "PAID"], finds: [1, 2])
                try Self.expect(session, .in, ["FAILED"], finds: [])
                try Self.expect(session, .not, "NEW", finds: [2])
                // No word of the column's: bound, for whoever asks so.
                try Self.expect(session, .equals, .string("it's \(round)"), finds: [])
                let change = RecordUpdate(
                    table: "orders",
                    where: [.init("id", equals: 2), .init("status", .in, .value(["NEW", "PAID"]))],
                    set: [.init("seats", .int(Int64(round)))]
                )
                let changed = try session.update(change)
                #expect(changed == 1)
            }
            var counts: [Int32] = []
            var statement = sqlite3_next_stmt(session.database, nil)
            while let current = statement {
                let again = sqlite3_stmt_status(current, SQLITE_STMTSTATUS_REPREPARE, 0)
                let text = String(cString: sqlite3_sql(current))
                if !text.contains("\"status\" = ?"), !text.contains("\"status\" IN (?") {
                    #expect(again == 0, "\(text)")
                    counts.append(sqlite3_stmt_status(current, SQLITE_STMTSTATUS_RUN, 0))
                }
                statement = sqlite3_next_stmt(session.database, current)
            }
            #expect(counts.count { $0 == 20 } >= 6)
        }
    }

    @Test("what the partial index holds is found through it, by one word or by all of its words")
    func indexIsUsed() async throws {
        try await withOrders { session in
            for (operation, words) in [(RecordCondition.Operator.equals, Value.string("NEW")), (.in, ["NEW"])] {
                let query = Self.query(operation, words)
                let text = try RecordStatement.find(query, in: session.catalogue.table("orders"), writing: true).text
                let plan = try session.all(try session.compile("EXPLAIN QUERY PLAN " + text)) {
                    row throws(StoreError) in
                    try row.text(3)
                }
                #expect(plan.contains { $0.contains("app_orders:unique:customerId:status=NEW") }, "\(plan)")
            }
        }
    }

    @Test("a unique decimal is found by its index, however it is written")
    func uniqueDecimal() async throws {
        let price = Column(name: "price", type: .decimal, isOptional: true, isUnique: true)
        let table = Table(name: "prices", columns: [price])
        try await withStore(tables: [table]) { store in
            try store.writeGroup { transaction throws(StoreError) in
                for text in ["1.50", "-0.0", "20"] {
                    _ = try transaction.insert(into: "prices", [("price", .string(text))])
                }
                for (text, ids) in [("1.5", [1]), ("01.500", [1]), ("0", [2]), ("20.0", [3]), ("2", [])]
                    as [(String, [Int64])]
                {
                    let query = RecordQuery(
                        table: "prices",
                        where: [.init("price", equals: .string(text))],
                        limit: 9
                    )
                    let found = try transaction.find(query).compactMap { $0["id"]?.intValue }
                    #expect(found == ids, "\(text)")
                }
                let others = RecordQuery(
                    table: "prices",
                    where: [.init("price", .not, .value("1.5"))],
                    limit: 9
                )
                let left = try transaction.find(others).compactMap { $0["id"]?.intValue }
                #expect(left == [2, 3])
            }
        }
        let catalogue = try TableCatalogue([table])
        let query = RecordQuery(table: "prices", where: [.init("price", equals: "1.5")], limit: 9)
        let text = try RecordStatement.find(query, in: catalogue.table("prices"), writing: true).text
        #expect(!text.contains("COLLATE"), "\(text)")
    }

    @Test("rows by one column, newest first, are read from an index over both, without sorting")
    func declaredIndex() async throws {
        let columns = [Column(name: "city", type: .string), Column(name: "placedAt", type: .timestamp)]
        let index = TableIndex(columns: ["city", "placedAt"], isUnique: false)
        try await withStore(tables: [Table(name: "orders", columns: columns, indexes: [index])]) { store in
            let query = RecordQuery(
                table: "orders",
                where: [.init("city", equals: "Rome")],
                order: [FindBlock.Order(column: "placedAt", descending: true)],
                limit: 9
            )
            try store.writeGroup { transaction throws(StoreError) in
                guard let session = transaction as? StoreSession else { return }
                let text = try RecordStatement.find(query, in: session.catalogue.table("orders"), writing: true).text
                let plan = try session.all(try session.compile("EXPLAIN QUERY PLAN " + text)) {
                    row throws(StoreError) in
                    try row.text(3)
                }
                #expect(plan[0].contains("app_orders:index:city,placedAt (city=?)"), "\(plan)")
                // Rows of one moment are put in the order of their ids, the whole is not.
                #expect(plan.dropFirst().allSatisfy { !$0.hasSuffix("B-TREE FOR ORDER BY") }, "\(plan)")
            }
        }
    }

    /// Goal: a statement that is kept never answers another question.
    ///
    /// Method: of a wide table, every condition without a value beside every order, each asked in both orders on a fresh store.
    @Test("a condition on one column and an order by another are told apart, however many columns there are")
    func wideTable() async throws {
        let columns = (1...60).map { Column(name: "c\($0)", type: .int, isOptional: true) }
        let table = Table(name: "wide", columns: columns)
        try await withStore(tables: [table]) { store in
            try store.writeGroup { transaction throws(StoreError) in
                _ = try transaction.insert(into: "wide", columns.map { ($0.name, 1) })
                _ = try transaction.insert(into: "wide", columns.map { ($0.name, 2) })
                for column in columns {
                    let isNull = [ResolvedCondition(column.name, .isNull, .value(.bool(true)))]
                    let isThere = [ResolvedCondition(column.name, .isNull, .value(.bool(false)))]
                    for descending in [false, true] {
                        let order = [FindBlock.Order(column: column.name, descending: descending)]
                        let all = try transaction.find(.init(table: "wide", where: [], order: order, limit: 9))
                        #expect(all.map { $0["id"] } == (descending ? [2, 1] : [1, 2]), "\(column.name)")
                    }
                    let none = try transaction.find(.init(table: "wide", where: isNull, limit: 9))
                    #expect(none.isEmpty, "\(column.name)")
                    let both = try transaction.find(.init(table: "wide", where: isThere, limit: 9))
                    #expect(both.map { $0["id"] } == [1, 2], "\(column.name)")
                }
            }
        }
    }

    private static func query(_ operation: RecordCondition.Operator, _ value: Value) -> RecordQuery {
        RecordQuery(
            table: "orders",
            where: [.init("customerId", equals: 1), .init("status", operation, .value(value))],
            limit: 9
        )
    }

    private static func expect(
        _ session: StoreSession,
        _ operation: RecordCondition.Operator,
        _ value: Value,
        finds ids: [Int64]
    ) throws {
        let found = try session.find(query(operation, value)).compactMap { $0["id"]?.intValue }
        #expect(found == ids, "\(operation) \(value)")
    }

    /// Two orders of one customer: the first NEW, the second PAID.
    private func withOrders(_ body: (StoreSession) throws -> Void) async throws {
        try await withFolder { folder in
            try openStore(folder).close()
            let connection = try StoreConnection(
                path: folder + "/runnel.sqlite",
                role: .writer(.init(checkpointPages: 1000)),
                catalogue: TableCatalogue(sampleTables),
                now: { at(0) }
            )
            defer { connection.close() }
            let result = try connection.perform { session throws(StoreError) in
                try session.transaction(writing: true) { session throws(StoreError) in
                    _ = try session.insert(into: "customers", [("email", "ann@example.com")])
                    for status in ["NEW", "PAID"] {
                        _ = try session.insert(into: "orders", [("customerId", 1), ("status", .string(status))])
                    }
                    return Result { try body(session) }
                }
            }
            try result.get()
        }
    }
}
