import Expressions
import FlowEngine
import FlowLanguage
import FlowStores
import Foundation
import Testing

/// Tables with a column of every type and rule.
let sampleTables: [Table] = [
    Table(
        name: "customers",
        columns: [Column(name: "email", type: .string, isUnique: true)]
    ),
    Table(
        name: "orders",
        columns: [
            Column(name: "customerId", type: .int, isOptional: true, references: "customers"),
            Column(name: "total", type: .int, defaultValue: 1, min: 1, max: 1_000_000),
            Column(name: "seats", type: .int, defaultValue: 0, min: 0),
            Column(name: "status", type: .string, defaultValue: "NEW", allowed: ["NEW", "PAID", "FAILED"]),
            Column(name: "note", type: .string, isOptional: true, maxLength: 40),
        ],
        indexes: [
            TableIndex(
                columns: ["customerId"],
                isUnique: true,
                when: TableIndex.Condition(column: "status", values: ["NEW"])
            )
        ]
    ),
    Table(
        name: "everything",
        columns: ColumnType.allCases.map { Column(name: $0.rawValue, type: $0, isOptional: true) }
    ),
    Table(name: "payments", columns: [Column(name: "intent", type: .string, isUnique: true)], isSystem: true),
]

/// A clock that stands still.
struct FixedClock: Clock {
    var time: Timestamp

    func now() -> Timestamp { time }
    func sleep(until deadline: Timestamp) async throws {}
}

/// A moment of the tests: so many microseconds after the start of 2027.
func at(_ microseconds: Int64) -> Timestamp {
    guard let time = Timestamp(microseconds: 1_798_761_600_000_000 + microseconds) else {
        preconditionFailure("beyond the year 9999")
    }
    return time
}

/// A folder that is gone when `body` has returned.
@discardableResult
func withFolder<Result>(_ body: (String) async throws -> Result) async throws -> Result {
    let folder = NSTemporaryDirectory() + "runnel-store-\(UUID().uuidString)"
    defer {
        // What the test left behind is nobody's concern.
        try? FileManager.default.removeItem(atPath: folder)
    }
    return try await body(folder)
}

func openStore(
    _ folder: String,
    tables: [Table] = sampleTables,
    maximumPages: Int? = nil,
    at time: Timestamp = at(0)
) throws -> SQLiteStore {
    try SQLiteStore(
        folder: folder,
        tables: tables,
        configuration: SQLiteStore.Configuration(clock: FixedClock(time: time), maximumPages: maximumPages)
    )
}

func withStore(
    tables: [Table] = sampleTables,
    maximumPages: Int? = nil,
    _ body: (SQLiteStore) async throws -> Void
) async throws {
    try await withFolder { folder in
        let store = try openStore(folder, tables: tables, maximumPages: maximumPages)
        defer { store.close() }
        try await body(store)
    }
}

extension Store {
    /// A group that gives a result.
    func write<Result>(
        _ body: (any StoreTransaction) throws(StoreError) -> Result
    ) throws(StoreError) -> Result {
        var result: Result?
        try writeGroup { transaction throws(StoreError) in result = try body(transaction) }
        guard let result else { throw StoreError(.groupFailed, "the group was not run") }
        return result
    }
}

/// The code of the error that `body` throws.
func code(_ body: () throws(StoreError) -> some Any) -> StoreError.Code? {
    do throws(StoreError) {
        _ = try body()
        return nil
    } catch {
        return error.code
    }
}

func sampleStart(
    flow: String = "checkout",
    input: ValueMap = ["orderId": 7],
    caller: Caller = Caller(id: "ann@example.com", roles: ["customer"]),
    lane: String? = nil,
    key: String? = nil
) -> RunStart {
    RunStart(
        flow: flow,
        version: FlowVersion("ab12"),
        origin: .page,
        input: input,
        caller: caller,
        mode: .test,
        lane: lane,
        idempotencyKey: key
    )
}

func sampleEntry(
    _ run: RunID,
    path: String = "pay",
    visit: Int = 1,
    attempt: Int = 1,
    call: Int = 0,
    sequence: Int = 1,
    status: JournalEntry.Status = .started
) -> JournalEntry {
    JournalEntry(
        address: EntryAddress(run: run, path: BlockPath(path), visit: visit, attempt: attempt, call: call),
        sequence: sequence,
        block: "update-record",
        status: status,
        startedAt: at(5)
    )
}
