import Expressions
import FlowEngine
import FlowLanguage
import FlowStores
import Testing

@Suite("A changed declaration of a table")
struct SchemaChangeTests {
    private static let base = Table(
        name: "orders",
        columns: [
            Column(name: "total", type: .int, min: 1),
            Column(name: "email", type: .string, isUnique: true),
            Column(name: "status", type: .string, allowed: ["NEW", "PAID"]),
        ],
        indexes: [TableIndex(columns: ["status"], isUnique: false)]
    )

    /// Opens with `before`, writes a row, and opens again with `after`.
    private func reopened(
        _ before: [Table] = [base],
        as after: [Table],
        _ body: (SQLiteStore) async throws -> Void = { _ in }
    ) async throws -> StoreError? {
        try await withFolder { folder in
            let store = try openStore(folder, tables: before)
            try store.writeGroup { transaction throws(StoreError) in
                _ = try transaction.insert(into: "orders", [("total", 1), ("email", "a"), ("status", "NEW")])
            }
            store.close()
            do {
                let reopened = try openStore(folder, tables: after)
                defer { reopened.close() }
                try await body(reopened)
            } catch StoreOpenError.store(let error) {
                // The refused declaration changed nothing: the old one still opens.
                try openStore(folder, tables: before).close()
                return error
            }
            return nil
        }
    }

    private func changed(_ change: (inout Table) -> Void) -> [Table] {
        var table = Self.base
        change(&table)
        return [table]
    }

    @Test("is applied by itself when it only adds")
    func additions() async throws {
        let after =
            changed { table in
                table.columns.insert(Column(name: "note", type: .string, isOptional: true, isUnique: true), at: 0)
                table.columns.append(Column(name: "seats", type: .int, defaultValue: 4, min: 0))
                table.columns.append(Column(name: "customer", type: .int, isOptional: true, references: "customers"))
                for type in ColumnType.allCases {
                    let value: Value =
                        switch type {
                        case .int: -1
                        case .string: "it's \"quoted\""
                        case .bool: true
                        case .double: 1e100
                        case .decimal: "-0.50"
                        case .timestamp: .timestamp(at(3))
                        case .json: ["a": [1, "'"]]
                        case .bytes: .bytes([0, 255])
                        }
                    table.columns.append(Column(name: "d_\(type)", type: type, defaultValue: value))
                }
                table.indexes.append(TableIndex(columns: ["total", "email"], isUnique: false))
            } + [Table(name: "customers", columns: [Column(name: "name", type: .string)])]
        let refusal = try await reopened(as: after) { store in
            let rows = try await store.read { reader throws(StoreError) in
                try reader.find(RecordQuery(table: "orders", where: [], limit: 10))
            }
            #expect(rows.count == 1)
            let row = rows.first ?? ValueMap()
            #expect(row["note"] == .null && row["seats"] == 4 && row["total"] == 1)
            #expect(row["d_string"] == "it's \"quoted\"" && row["d_decimal"] == "-0.5" && row["d_double"] == 1e100)
            #expect(row["d_json"] == ["a": [1, "'"]] && row["d_bytes"] == .bytes([0, 255]))
            try store.writeGroup { transaction throws(StoreError) in
                let added = try transaction.insert(
                    into: "orders",
                    [("total", 2), ("email", "b"), ("status", "PAID"), ("note", "n")]
                )
                #expect(added["d_timestamp"] == .timestamp(at(3)))
                let failure = code { () throws(StoreError) in
                    try transaction.update(RecordUpdate(table: "orders", where: [], set: [.init("customer", 9)]))
                }
                #expect(failure == .constraint)
            }
        }
        #expect(refusal == nil)
    }

    @Test("is no change when only access, defaults or the order of columns differ, or a table is left out")
    func harmless() async throws {
        let same = changed { table in
            table.access = TableAccess(read: ["customer"], owner: "email")
            table.columns.reverse()
            table.columns[0].defaultValue = "PAID"
            table.indexes = []
        }
        #expect(try await reopened(as: same) == nil)
        #expect(try await reopened(as: []) == nil)
    }

    @Test("is refused when it needs more than adding, and every difference is named")
    func differences() async throws {
        let cases: [(String, [Table])] = [
            ("orders.total: type int → string", changed { $0.columns[0] = Column(name: "total", type: .string) }),
            ("orders.total: min 1 → none", changed { $0.columns[0].min = nil }),
            ("orders.email: unique true → false", changed { $0.columns[1].isUnique = false }),
            ("orders.email: optional false → true", changed { $0.columns[1].isOptional = true }),
            ("orders.status: enum [NEW, PAID] → [NEW]", changed { $0.columns[2].allowed = ["NEW"] }),
            ("orders.email: on disk, no longer declared", changed { $0.columns.remove(at: 1) }),
            ("orders.x: new, and neither optional", changed { $0.columns.append(Column(name: "x", type: .int)) }),
            ("orders.email: maxLength none → 9", changed { $0.columns[1].maxLength = 9 }),
            ("orders.total: references none → orders", changed { $0.columns[0].references = "orders" }),
            (
                "orders: new unique index over total",
                changed { $0.indexes.append(TableIndex(columns: ["total"], isUnique: true)) }
            ),
            ("orders: a system table became", changed { $0.isSystem = true }),
        ]
        for (message, tables) in cases {
            let refusal = try await reopened(as: tables)
            #expect(refusal?.code == .schema)
            #expect(refusal?.message.contains(message) == true, "\(message) in \(refusal?.message ?? "nothing")")
        }
        let both = try await reopened(
            as: changed {
                $0.columns[0].min = 2; $0.columns[2].allowed = []
            }
        )
        #expect(both?.message.contains("total") == true && both?.message.contains("status") == true)
    }

    @Test("that needs more is tried and undone by a plan, and done by applying it, with every row, id and reference")
    func remodelled() async throws {
        let notes = Table(name: "notes", columns: [Column(name: "order", type: .int, references: "orders")])
        let before = changed { _ in } + [notes]
        let after =
            changed {
                $0.columns[0].min = nil
                $0.columns[2].allowed = ["NEW", "PAID", "SENT"]
                $0.columns.append(Column(name: "seats", type: .int, defaultValue: 4))
                $0.columns.remove(at: 1)
            } + [notes]
        try await withFolder { folder in
            let store = try openStore(folder, tables: before)
            try store.writeGroup { transaction throws(StoreError) in
                for email in ["a", "b", "c"] {
                    let row: [(column: String, value: Value)] = [
                        ("total", 1), ("email", .string(email)), ("status", "NEW"),
                    ]
                    _ = try transaction.insert(into: "orders", row)
                }
                _ = try transaction.insert(into: "notes", [("order", 2)])
                _ = try transaction.delete(from: "orders", where: [.init("id", equals: 3)])
            }
            store.close()
            #expect(throws: StoreOpenError.self) { try openStore(folder, tables: after).close() }
            let plan = try SQLiteStore.remodel(folder: folder, tables: after, isTrial: true)
            #expect(plan.count == 3, "\(plan)")
            try openStore(folder, tables: before).close()
            #expect(try SQLiteStore.remodel(folder: folder, tables: after, isTrial: false) == plan)
            let changed = try openStore(folder, tables: after)
            defer { changed.close() }
            let rows = try await changed.read { reader throws(StoreError) in
                try reader.find(RecordQuery(table: "orders", where: [], limit: 10))
            }
            #expect(rows.map { $0["id"] } == [1, 2] && rows.allSatisfy { $0["seats"] == 4 && $0["email"] == nil })
            try changed.writeGroup { transaction throws(StoreError) in
                let row = try transaction.insert(into: "orders", [("total", -1), ("status", "SENT")])
                #expect(row["id"] == 4, "an id that was given once is not given again")
                let failure = code { () throws(StoreError) in
                    _ = try transaction.insert(into: "notes", [("order", 9)])
                }
                #expect(failure == .constraint)
            }
            #expect(try await changed.integrityCheck() == [])
        }
    }

    @Test("that the rows stand against is not done, and says which and how many")
    func obstacles() async throws {
        try await withFolder { folder in
            let store = try openStore(folder, tables: changed { $0.columns[1].isOptional = true })
            try store.writeGroup { transaction throws(StoreError) in
                for total in [1, 5, 5] as [Value] {
                    _ = try transaction.insert(into: "orders", [("total", total), ("status", "PAID")])
                }
            }
            store.close()
            let tables = changed {
                $0.columns[0].max = 4
                $0.columns[0].isUnique = true
                $0.columns[2].allowed = ["NEW"]
                $0.columns.append(Column(name: "x", type: .int))
            }
            for isTrial in [true, false] {
                do throws(StoreOpenError) {
                    _ = try SQLiteStore.remodel(folder: folder, tables: tables, isTrial: isTrial)
                    Issue.record("rows were lost or bent")
                } catch {
                    let message = error.description
                    for part in [
                        "total must be at most 4, and 2", "total must be unique, and 1", "NEW, and 3",
                        "not be null, and 3", "x: new, and no default for the 3",
                    ] {
                        #expect(message.contains(part), "\(part) in \(message)")
                    }
                }
            }
        }
    }

    @Test("is refused when a table cannot stand in a database")
    func impossible() async throws {
        let tables: [[Table]] = [
            [Table(name: "", columns: [])],
            [Table(name: "a\0b", columns: [])],
            [Table(name: "a", columns: []), Table(name: "A", columns: [])],
            [Table(name: "a", columns: [Column(name: "ID", type: .int)])],
            [Table(name: "a", columns: [Column(name: "x", type: .int, references: "nowhere")])],
            [Table(name: "a", columns: [Column(name: "x", type: .int, defaultValue: "1")])],
            [Table(name: "a", columns: [Column(name: "x", type: .bool, min: 1)])],
            [Table(name: "a", columns: [], indexes: [TableIndex(columns: ["x"], isUnique: true)])],
            [Table(name: "a", columns: [Column(name: "createdAt", type: .int)], isSystem: true)],
        ]
        for declared in tables {
            try await withFolder { folder in
                #expect(throws: StoreOpenError.self) { try openStore(folder, tables: declared).close() }
            }
        }
    }

    @Test("may use any names and words, which are data to the database")
    func hostileNames() async throws {
        let names = [
            "a\"b", "a'b", "a]b", "a`b", "a;DROP TABLE runs", "select", "rowid", "e\u{301}\"\u{301}", "日本", "a b",
            "a.b",
            "a:b", "%", "?1", "--", "/*",
        ]
        let columns = names.map { Column(name: $0, type: .string, isOptional: true, isUnique: true, allowed: names) }
        let tables = names.map { name in
            Table(
                name: name,
                columns: columns,
                indexes: [
                    TableIndex(columns: names, isUnique: true, when: .init(column: name, values: names))
                ]
            )
        }
        try await withStore(tables: tables) { store in
            for table in names {
                try store.writeGroup { transaction throws(StoreError) in
                    let row = try transaction.insert(into: table, names.map { (column: $0, value: .string($0)) })
                    for name in names {
                        let query = RecordQuery(
                            table: table,
                            where: [.init(name, equals: .string(name))],
                            order: [.init(column: name, descending: true)],
                            limit: 2
                        )
                        #expect(try transaction.find(query) == [row])
                        do throws(StoreError) {
                            _ = try transaction.insert(into: table, [(column: name, value: .string(name))])
                            Issue.record("unique column \(name) took a value twice")
                        } catch {
                            #expect(error.column == name)
                        }
                    }
                    let change = RecordUpdate(table: table, where: [], set: names.map { .init($0, .value(.null)) })
                    #expect(try transaction.update(change) == 1)
                }
            }
            #expect(try await store.integrityCheck() == [])
        }
    }
}
