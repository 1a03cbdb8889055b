import Expressions
import FlowEngine
import FlowLanguage
@testable import FlowStores
import GRDB
import Testing

@Suite("Values in tables")
struct ValueTests {
    private static let samples: [(ColumnType, [Value])] = [
        (.int, [0, -1, .int(.max), .int(.min)]),
        (.string, ["", "a", "\0", "a\0b", "'; DROP TABLE app_everything; --", "日本\u{1F600}", "e\u{301}", "\u{FEFF}"]),
        (.bool, [true, false]),
        (
            .double,
            [
                0.0, -1.5, 1e300, .double(.leastNonzeroMagnitude), 3.0, 9_007_199_254_740_993.0,
                -9_223_372_036_854_775_808.0,
            ]
        ),
        (.decimal, ["0", "-1.5", "123456789012345678901234567890.000000000000000000000000001"]),
        (
            .timestamp,
            [
                "0001-01-01T00:00:00Z", "1969-12-31T23:59:59.999999Z", "2026-11-20T12:00:00.000001Z",
                "9999-12-31T23:59:59Z",
            ]
            .compactMap { Timestamp(rfc3339: $0).map { .timestamp($0) } }
        ),
        (
            .json,
            [
                1, 1.0, "x", true, [], ["a": .null], [["$uint": 1]], .uint(.max), .bytes([0]), .duration(.seconds(-1)),
                .string("\u{2028}\0\"\\"),
            ]
        ),
        (.bytes, [.bytes([]), .bytes([0, 1, 255])]),
    ]

    @Test("of every type are read back as they were written, from the row returned and from the disk")
    func roundTrip() async throws {
        try await withStore { store in
            for (type, values) in Self.samples {
                for value in values {
                    let (returned, found) = try store.write { transaction throws(StoreError) in
                        let row = try transaction.insert(into: "everything", [(column: type.rawValue, value: value)])
                        let query = RecordQuery(
                            table: "everything",
                            where: [.init("id", equals: row["id"] ?? 0)],
                            limit: 1
                        )
                        return (row, try transaction.find(query).first)
                    }
                    #expect(returned[type.rawValue] == value)
                    #expect(found == returned)
                    if type != .json {
                        let query = RecordQuery(
                            table: "everything",
                            where: [.init(type.rawValue, equals: value)],
                            limit: 9
                        )
                        #expect(
                            try await store.read { reader throws(StoreError) in try reader.find(query) } == [returned]
                        )
                    }
                }
            }
        }
    }

    @Test("of another type than the column's, or without a place in it, are refused by name and never quoted")
    func wrongTypes() async throws {
        try await withStore { store in
            for (type, values) in Self.samples where type != .json {
                for (other, foreign) in Self.samples where other != type {
                    for value in foreign {
                        // Digits are decimals, whoever wrote them as a string.
                        if Set([type, other]).isSubset(of: [.decimal, .string]) { continue }
                        if other == .json, case .string = value, type == .string || type == .decimal { continue }
                        if other == .json, values.contains(where: { $0.kindName == value.kindName }) { continue }
                        let failure = #expect(throws: StoreError.self) {
                            try store.write { transaction throws(StoreError) in
                                try transaction.insert(into: "everything", [(column: type.rawValue, value: value)])
                            }
                        }
                        #expect(failure?.code == .invalidValue && failure?.column == type.rawValue)
                    }
                }
            }
            for (column, value) in [
                ("double", Value.double(.nan)), ("double", .double(.infinity)), ("decimal", "1e5"), ("decimal", "x"),
                ("decimal", ""), ("decimal", "."), ("decimal", "1."), ("decimal", "--1"), ("decimal", "secret-42"),
            ] {
                let failure = #expect(throws: StoreError.self) {
                    try store.write { transaction throws(StoreError) in
                        try transaction.insert(into: "everything", [(column: column, value: value)])
                    }
                }
                #expect(failure?.code == .invalidValue)
                #expect(failure?.description.contains("secret") == false)
            }
        }
    }

    @Test("lose what is finer than a microsecond, and decimals their needless zeros")
    func normalised() async throws {
        try await withStore { store in
            let fine = try #require(Timestamp(seconds: 1, nanoseconds: 123_456_789))
            let coarse = try #require(Timestamp(seconds: 1, nanoseconds: 123_456_000))
            let row = try store.write { transaction throws(StoreError) in
                try transaction.insert(
                    into: "everything",
                    [("timestamp", .timestamp(fine)), ("decimal", "-007.500"), ("double", -0.0)]
                )
            }
            #expect(row["timestamp"] == .timestamp(coarse))
            #expect(row["decimal"] == "-7.5")
            #expect(row["double"] == 0.0)
        }
    }

    @Test("are refused when they are nested so deep that they could not be read again, and kept just before")
    func depth() async throws {
        func nested(_ levels: Int) -> Value {
            var value: Value = 1
            // The dearest nesting of the exact form: a map whose key is no string.
            for _ in 0..<levels { value = .map([7: value]) }
            return value
        }
        try await withStore { store in
            try store.writeGroup { transaction throws(StoreError) in
                let run = try transaction.insertRun(sampleStart(input: ["deep": nested(79)]), at: at(1))
                #expect(try transaction.run(run)?.start.input["deep"] == nested(79))
                let row = try transaction.insert(into: "everything", [("json", nested(80))])
                #expect(try transaction.find(RecordQuery(table: "everything", where: [], limit: 1)) == [row])
                var entry = sampleEntry(run)
                entry.output = nested(81)
                let refusals = [
                    code { () throws(StoreError) in try transaction.insert(into: "everything", [("json", nested(81))])
                    },
                    code { () throws(StoreError) in try transaction.insertEntry(entry, epoch: 1) },
                    code { () throws(StoreError) in
                        try transaction.insertRun(sampleStart(input: ["deep": nested(80)]), at: at(1))
                    },
                    code { () throws(StoreError) in
                        try transaction.insert(
                            into: "everything",
                            [("json", .list([Value](repeating: .null, count: StoredExtent.values)))]
                        )
                    },
                ]
                #expect(refusals == [.invalidValue, .invalidValue, .invalidValue, .invalidValue])
            }
        }
    }

    @Test("are refused when one text stands in them so often that they could not be read again")
    func repeated() async throws {
        let text = Value.string(String(repeating: "x", count: 1 << 20))
        try await withStore { store in
            try store.writeGroup { transaction throws(StoreError) in
                let refusal = code { () throws(StoreError) in
                    try transaction.insert(
                        into: "everything",
                        [("json", .list(Array(repeating: text, count: 100_000)))]
                    )
                }
                #expect(refusal == .invalidValue)
            }
        }
    }

    @Test("that do not fit their column on disk fail the one reading, and no other")
    func corruptRows() async throws {
        try await withFolder { folder in
            let store = try openStore(folder)
            let runs = try store.write { transaction throws(StoreError) in
                for _ in 1...2 { _ = try transaction.insert(into: "everything", [("bool", true), ("json", 1)]) }
                return [
                    try transaction.insertRun(sampleStart(), at: at(1)),
                    try transaction.insertRun(sampleStart(), at: at(1)),
                ]
            }
            store.close()
            let queue = try DatabaseQueue(path: folder + "/runnel.sqlite")
            try queue.inDatabase { database in
                try database.execute(
                    sql: """
                        PRAGMA ignore_check_constraints = ON;
                        UPDATE app_everything SET bool = 2, json = '{' WHERE id = 1;
                        UPDATE runs SET status = 'sleeping' WHERE id = 1;
                        """
                )
            }
            try queue.close()

            let reopened = try openStore(folder)
            defer { reopened.close() }
            try reopened.writeGroup { transaction throws(StoreError) in
                let all = RecordQuery(table: "everything", where: [], limit: 9)
                #expect(code { () throws(StoreError) in try transaction.find(all) } == .corrupt)
                let intact = RecordQuery(table: "everything", where: [.init("id", equals: 2)], limit: 9)
                #expect(try transaction.find(intact).count == 1)
                #expect(code { () throws(StoreError) in try transaction.run(runs[0]) } == .corrupt)
                #expect(try transaction.run(runs[1])?.status == .queued)
                #expect(try transaction.claimableRuns(epoch: 9, now: at(1), limit: 9).map(\.id) == [runs[1]])
                try transaction.setSetting("goes", [1])
            }
            #expect(try await reopened.read { reader throws(StoreError) in try reader.setting("goes") } == [1])
        }
    }
}
