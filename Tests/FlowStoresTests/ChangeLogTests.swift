import Expressions
import FlowEngine
import FlowLanguage
import FlowStores
import Testing

@Suite("The log of changes")
struct ChangeLogTests {
    private static func tables(subscribe: [String], owner: String? = "email") -> [Table] {
        [
            Table(
                name: "orders",
                columns: [
                    Column(name: "email", type: .string), Column(name: "total", type: .int, defaultValue: .int(0)),
                ],
                access: TableAccess(subscribe: subscribe, owner: owner)
            ),
            Table(name: "notes", columns: [Column(name: "text", type: .string)]),
        ]
    }

    private func insert(_ transaction: any StoreTransaction, _ email: String) throws(StoreError) -> Int64 {
        try transaction.insert(into: "orders", [("email", .string(email))])["id"]?.intValue ?? 0
    }

    @Test("each row that a statement changes is in it, with whom it belonged to, in the transaction of the change")
    func rows() async throws {
        try await withStore(tables: Self.tables(subscribe: ["admin"])) { store in
            try store.writeGroup { (transaction) throws(StoreError) in
                let first = try insert(transaction, "ann")
                let second = try insert(transaction, "bob")
                #expect([first, second] == [1, 2])
                _ = try transaction.insert(into: "notes", [("text", "not followed")])
                let all = RecordUpdate(table: "orders", where: [], set: [.init("email", "eve")])
                #expect(try transaction.update(all) == 2)
                #expect(try transaction.delete(from: "orders", where: [.init("id", equals: 1)]) == 1)
                do throws(StoreError) {
                    try transaction.savepoint { () throws(StoreError) in
                        _ = try insert(transaction, "undone")
                        throw StoreError(.invalidValue, "undone")
                    }
                } catch {
                    #expect(error.code == .invalidValue)
                }
            }
            let (changes, notes, extent) = try await store.read { (reader) throws(StoreError) in
                (
                    try reader.changes(of: "orders", after: 0, limit: 100),
                    try reader.changes(of: "notes", after: 0, limit: 100), try reader.changeExtent()
                )
            }
            #expect(
                changes == [
                    TableChange(sequence: 1, row: 1, kind: .insert, formerOwner: nil),
                    TableChange(sequence: 2, row: 2, kind: .insert, formerOwner: nil),
                    TableChange(sequence: 3, row: 1, kind: .update, formerOwner: "ann"),
                    TableChange(sequence: 4, row: 2, kind: .update, formerOwner: "bob"),
                    TableChange(sequence: 5, row: 1, kind: .delete, formerOwner: "eve"),
                ]
            )
            #expect(notes.isEmpty)
            #expect(extent == ChangeExtent(oldest: 1, newest: 5))
        }
    }

    @Test("it keeps the last ten thousand, forgets the rest by the hundred, and forgets no sequence")
    func pruning() async throws {
        try await withStore(tables: Self.tables(subscribe: ["admin"])) { store in
            try store.writeGroup { (transaction) throws(StoreError) in
                for _ in 0..<10_105 { _ = try insert(transaction, "ann") }
            }
            let extent = try await store.read { (reader) throws(StoreError) in try reader.changeExtent() }
            #expect(extent == ChangeExtent(oldest: 101, newest: 10_105))
        }
    }

    @Test("a table that nobody may subscribe to any more logs nothing, one that somebody may from now on logs")
    func accessChanges() async throws {
        try await withFolder { folder in
            for (subscribe, owner) in [(["admin"], "email"), ([], "email"), (["admin"], nil)] {
                let store = try openStore(folder, tables: Self.tables(subscribe: subscribe, owner: owner))
                defer { store.close() }
                try store.writeGroup { (transaction) throws(StoreError) in
                    let id = try insert(transaction, "ann")
                    _ = try transaction.delete(from: "orders", where: [.init("id", equals: .int(id))])
                }
            }
            let store = try openStore(folder, tables: Self.tables(subscribe: ["admin"]))
            defer { store.close() }
            let changes = try await store.read { (reader) throws(StoreError) in
                try reader.changes(of: "orders", after: 0, limit: 100)
            }
            #expect(changes.map(\.formerOwner) == [nil, "ann", nil, nil])
        }
    }

    @Test("refusals are kept, the newest first")
    func audit() async throws {
        try await withStore { store in
            let record = AuditRecord(
                at: at(0),
                action: "table.subscribe",
                subject: "orders",
                caller: Caller(id: "ann", roles: ["customer"]),
                reason: "forbidden"
            )
            var stranger = record
            stranger.caller = .anonymous
            let records = [record, stranger]
            try store.writeGroup { (transaction) throws(StoreError) in
                for record in records { try transaction.insertAudit(record) }
            }
            let found = try await store.read { (reader) throws(StoreError) in try reader.auditRecords(limit: 10) }
            #expect(found == [stranger, record])
        }
    }
}
