import Expressions
import FlowEngine
import FlowLanguage
import Testing

// Tables
extension StorePromise {
    func checkRow(_ store: any Store) throws {
        try store.writeGroup { transaction throws(StoreError) in
            let row = try transaction.insert(into: "orders", [("status", "PAID"), ("total", 250)])
            let expected: ValueMap = [
                "id": 1, "customerId": .null, "total": 250, "seats": 0, "status": "PAID", "note": .null,
            ]
            #expect(row == expected)
            #expect(row.keys == ["id", "customerId", "total", "seats", "status", "note"])
            let found = try transaction.find(RecordQuery(table: "orders", where: [.init("id", equals: 1)], limit: 1))
            #expect(found == [row])
            #expect(found[0].keys == row.keys)
            #expect(try transaction.delete(from: "orders", where: [.init("id", equals: 1)]) == 1)
            #expect(try transaction.delete(from: "orders", where: [.init("id", equals: 1)]) == 0)
        }
    }

    func checkRules(_ store: any Store) throws {
        try store.writeGroup { transaction throws(StoreError) in
            func refusal(_ table: String, _ values: (String, Value)...) -> [String?] {
                do throws(StoreError) {
                    _ = try transaction.insert(into: table, values.map { (column: $0.0, value: $0.1) })
                    return []
                } catch {
                    return [error.code.description, error.column]
                }
            }
            #expect(refusal("orders", ("total", "1")) == ["invalidValue", "total"])
            #expect(refusal("orders", ("total", .null)) == ["invalidValue", "total"])
            #expect(refusal("orders", ("total", 0)) == ["invalidValue", "total"])
            #expect(refusal("orders", ("total", 1_000_001)) == ["invalidValue", "total"])
            #expect(refusal("orders", ("status", "new")) == ["invalidValue", "status"])
            #expect(
                refusal("orders", ("note", .string(String(repeating: "é", count: 41)))) == ["invalidValue", "note"]
            )
            #expect(refusal("orders", ("note", .string(String(repeating: "é", count: 40)))) == [])
            #expect(refusal("orders", ("nope", 1)) == ["invalidValue", "nope"])
            #expect(refusal("orders", ("id", 1)) == ["invalidValue", "id"])
            #expect(refusal("orders", ("total", 1), ("total", 2)) == ["invalidValue", "total"])
            #expect(refusal("nowhere") == ["invalidValue", nil])
            #expect(refusal("customers") == ["invalidValue", "email"])
            #expect(refusal("orders", ("customerId", 404)) == ["constraint", nil])

            #expect(refusal("customers", ("email", "ann")) == [])
            #expect(refusal("customers", ("email", "ann")) == ["constraint", "email"])
            #expect(refusal("customers", ("email", "Ann")) == [])
            // Unique among new orders alone.
            #expect(refusal("orders", ("customerId", 1)) == [])
            #expect(refusal("orders", ("customerId", 1)) == ["constraint", "customerId"])
            #expect(refusal("orders", ("customerId", 1), ("status", "PAID")) == [])
            let deletion = code { () throws(StoreError) in
                try transaction.delete(from: "customers", where: [.init("id", equals: 1)])
            }
            #expect(deletion == .constraint)
        }
    }

    func checkConditions(_ store: any Store) throws {
        try store.writeGroup { transaction throws(StoreError) in
            let notes: [Value] = ["apple", "apricot", "ap\0ple", "Apple", "ä", .null]
            for (number, note) in notes.enumerated() {
                _ = try transaction.insert(into: "orders", [("note", note), ("total", .int(Int64(number + 1)))])
            }
            func totals(_ conditions: ResolvedCondition...) throws(StoreError) -> [Int64] {
                try transaction.find(RecordQuery(table: "orders", where: conditions, limit: 100))
                    .compactMap { $0["total"]?.intValue }
            }
            #expect(try totals() == [1, 2, 3, 4, 5, 6])
            #expect(try totals(.init("note", equals: "apple")) == [1])
            #expect(try totals(.init("note", equals: "' OR 1=1 --")) == [])
            #expect(try totals(.init("note", .not, .value("apple"))) == [2, 3, 4, 5, 6])
            #expect(try totals(.init("note", .isNull, .value(true))) == [6])
            #expect(try totals(.init("note", .isNull, .value(false))) == [1, 2, 3, 4, 5])
            #expect(try totals(.init("note", .startsWith, .value("ap"))) == [1, 2, 3])
            #expect(try totals(.init("note", .startsWith, .value("ap\0"))) == [3])
            #expect(try totals(.init("note", .startsWith, .value(""))) == [1, 2, 3, 4, 5])
            #expect(try totals(.init("total", .gt, .value(4))) == [5, 6])
            #expect(try totals(.init("total", .gte, .value(4)), .init("total", .lt, .value(6))) == [4, 5])
            #expect(try totals(.init("total", .lte, .value(2))) == [1, 2])
            #expect(try totals(.init("total", .in, .value([6, 2, 2]))) == [2, 6])
            #expect(try totals(.init("total", .in, .value([]))) == [])
            #expect(try totals(.init("total", .in, .value(.list((3...1000).map { .int($0) })))) == [3, 4, 5, 6])
            #expect(try totals(.init("total", .gt, .column("seats"))) == [1, 2, 3, 4, 5, 6])
            #expect(try totals(.init("total", .equals, .subtract(.value(9), .column("total")))) == [])
            #expect(try totals(.init("total", .equals, .subtract(.value(8), .column("total")))) == [4])
            let impossible: [ResolvedCondition] = [
                .init("note", equals: .null), .init("note", equals: 1), .init("total", equals: "1"),
                .init("total", .in, .value(1)), .init("total", .in, .value([1, "2"])), .init("x", equals: 1),
                .init("total", .startsWith, .value("1")), .init("note", .isNull, .value("yes")),
                .init("note", .equals, .column("total")), .init("note", .equals, .add(.value(1), .value(2))),
                .init("total", .in, .value(.list((0...1024).map { .int($0) }))),
            ]
            for condition in impossible {
                #expect(code { () throws(StoreError) in try totals(condition) } == .invalidValue)
            }
        }
    }

    func checkOrder(_ store: any Store) throws {
        try store.writeGroup { transaction throws(StoreError) in
            let decimals: [Value] = ["10", "9.5", "-1", "-10.25", "0", "9.49", "10.000", "-0.0"]
            for decimal in decimals { _ = try transaction.insert(into: "everything", [("decimal", decimal)]) }
            func sorted(_ order: FindBlock.Order..., limit: Int = 10) throws(StoreError) -> [Value?] {
                try transaction.find(RecordQuery(table: "everything", where: [], order: order, limit: limit))
                    .map { $0["decimal"] }
            }
            let ascending: [Value?] = ["-10.25", "-1", "0", "0", "9.49", "9.5", "10", "10"]
            #expect(try sorted(.init(column: "decimal", descending: false)) == ascending)
            #expect(try sorted(.init(column: "decimal", descending: true)) == ascending.reversed())
            #expect(try sorted(.init(column: "id", descending: true), limit: 1) == ["0"])
            #expect(try sorted(limit: 0).isEmpty)
            #expect(try sorted(limit: -1).isEmpty)
            let below = RecordQuery(table: "everything", where: [.init("decimal", .lt, .value("9.50"))], limit: 10)
            #expect(try transaction.find(below).count == 5)
        }
    }

    func checkArithmetic(_ store: any Store) throws {
        try store.writeGroup { transaction throws(StoreError) in
            _ = try transaction.insert(into: "orders", [("seats", 5), ("total", 7)])
            func set(_ column: String, _ operand: ResolvedOperand) throws(StoreError) -> Int {
                try transaction.update(RecordUpdate(table: "orders", where: [], set: [.init(column, operand)]))
            }
            func seats() throws(StoreError) -> Value? {
                try transaction.find(RecordQuery(table: "orders", where: [], limit: 1)).first?["seats"]
            }
            #expect(try set("seats", .subtract(.column("seats"), .value(2))) == 1)
            #expect(try seats() == 3)
            #expect(try set("seats", .multiply(.add(.column("seats"), .column("total")), .value(3))) == 1)
            #expect(try seats() == 30)
            // Below its minimum: only the database sees it.
            do throws(StoreError) {
                _ = try set("seats", .subtract(.column("seats"), .value(31)))
                Issue.record("a negative number of seats")
            } catch {
                #expect(error.code == .constraint)
                #expect(error.column == "seats")
            }
            for operand: ResolvedOperand in [
                .add(.column("seats"), .value(.int(.max))),
                .subtract(.value(.int(.min)), .column("seats")),
                .multiply(.column("seats"), .value(.int(.max))),
                .add(.column("seats"), .column("customerId")),
                .add(.column("seats"), .column("note")),
                .value(1.5),
            ] {
                #expect(code { () throws(StoreError) in try set("seats", operand) } == .invalidValue)
            }
            #expect(code { () throws(StoreError) in try set("id", .value(2)) } == .invalidValue)
            #expect(try seats() == 30)
            let none = RecordUpdate(table: "orders", where: [.init("seats", .lt, .value(30))], set: [.init("total", 1)])
            #expect(try transaction.update(none) == 0)
        }
    }

    func checkStamps(_ store: any Store) throws {
        try store.writeGroup { transaction throws(StoreError) in
            let row = try transaction.insert(into: "payments", [("intent", "pi_1"), ("updatedAt", .timestamp(at(-5)))])
            #expect(row["createdAt"] == .timestamp(at(0)))
            #expect(row["updatedAt"] == .timestamp(at(-5)))
            let change = RecordUpdate(
                table: "payments",
                where: [.init("intent", equals: "pi_1")],
                set: [.init("intent", "pi_2")]
            )
            #expect(try transaction.update(change) == 1)
            let found = try transaction.find(RecordQuery(table: "payments", where: [], limit: 1))
            #expect(found.first?["updatedAt"] == .timestamp(at(0)))
        }
    }

    func checkIDs(_ store: any Store) throws {
        try store.writeGroup { transaction throws(StoreError) in
            let first = try transaction.insert(into: "orders", [])
            _ = try transaction.delete(from: "orders", where: [])
            let second = try transaction.insert(into: "orders", [])
            #expect(first["id"] == 1)
            #expect(second["id"] == 2)
        }
    }
}

// Deliveries
extension StorePromise {
    private func event(_ id: String, account: String = "", mode: Mode = .test, object: String? = nil) -> Delivery {
        Delivery(
            source: "stripe",
            account: account,
            mode: mode,
            eventID: id,
            type: "payment_intent.succeeded",
            object: object,
            receivedAt: at(4),
            body: Array(#"{"id":"\#(id)"}"#.utf8) + [0]
        )
    }

    func checkDelivery(_ store: any Store) throws {
        try store.writeGroup { transaction throws(StoreError) in
            #expect(try transaction.recordDelivery(event("evt_1", object: "pi_1")))
            var repeated = event("evt_1")
            repeated.body = []
            repeated.status = .stale
            #expect(try !transaction.recordDelivery(repeated))
            #expect(try !transaction.recordDelivery(repeated))
            #expect(try transaction.recordDelivery(event("evt_1", account: "acct_1")))
            #expect(try transaction.recordDelivery(event("evt_1", account: "acct_2", mode: .live)))
            #expect(try transaction.recordDelivery(event("evt_2")))
            var hook = event("evt_1")
            hook.source = "shipping"
            #expect(try transaction.recordDelivery(hook))
            let found = try transaction.delivery(source: "stripe", account: "", mode: .test, eventID: "evt_1")
            #expect(found == event("evt_1", object: "pi_1"))
            #expect(try transaction.delivery(source: "stripe", account: "", mode: .live, eventID: "evt_1") == nil)
            #expect(
                try transaction.deliveryCounts() == [
                    "stripe": DeliveryCounts(accepted: 4, repeated: 2),
                    "shipping": DeliveryCounts(accepted: 1, repeated: 0),
                ]
            )
        }
    }

    func checkSettling(_ store: any Store) throws {
        try store.writeGroup { transaction throws(StoreError) in
            for number in 1...4 {
                _ = try transaction.recordDelivery(event("evt_\(number)", object: "pi_\(number % 2)"))
            }
            _ = try transaction.recordDelivery(event("evt_4", mode: .live))
            for (id, status) in [("evt_1", Delivery.Status.unmatched), ("evt_3", .unmatched), ("evt_4", .stale)] {
                try transaction.settleDelivery(
                    source: "stripe",
                    account: "",
                    mode: .test,
                    eventID: id,
                    status: status,
                    run: RunID(7)
                )
            }
            let failure = code { () throws(StoreError) in
                try transaction.settleDelivery(
                    source: "stripe",
                    account: "",
                    mode: .live,
                    eventID: "evt_1",
                    status: .stale,
                    run: nil
                )
            }
            #expect(failure == .constraint)
            // The same event of the other mode is another one.
            let live = try transaction.delivery(source: "stripe", account: "", mode: .live, eventID: "evt_4")
            #expect(live?.status == event("evt_4").status)
            func found(_ filter: DeliveryFilter) throws(StoreError) -> [String] {
                try transaction.deliveries(matching: filter).map(\.eventID)
            }
            #expect(try found(DeliveryFilter()) == ["evt_1", "evt_2", "evt_3", "evt_4", "evt_4"])
            #expect(try found(DeliveryFilter(object: "pi_1", status: .unmatched)) == ["evt_1", "evt_3"])
            #expect(try found(DeliveryFilter(object: "pi_0")) == ["evt_2", "evt_4"])
            #expect(try found(DeliveryFilter(object: "pi_0", status: .stale)) == ["evt_4"])
            #expect(try found(DeliveryFilter(source: "stripe", status: .unmatched)) == ["evt_1", "evt_3"])
            #expect(try found(DeliveryFilter(source: "other", status: .unmatched)).isEmpty)
            #expect(try found(DeliveryFilter(status: .awaiting)).isEmpty)
            #expect(try found(DeliveryFilter(source: "stripe", status: .stale)) == ["evt_4"])
            #expect(try found(DeliveryFilter(source: "other")).isEmpty)
            #expect(try found(DeliveryFilter(limit: 1)) == ["evt_1"])
            #expect(try transaction.deliveries(matching: DeliveryFilter(status: .stale)).first?.run == RunID(7))
            #expect(try transaction.deliveryCounts()["stripe"] == DeliveryCounts(accepted: 5, repeated: 0))
        }
    }
}
