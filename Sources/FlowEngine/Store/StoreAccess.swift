package import Expressions

/// What one call of a block to the store read or changed: with it a replay needs no store.
///
/// Rows stand as they were before a change; what they became is recomputed.
package enum StoreAccess: Sendable, Hashable {
    /// What a query gave.
    case find(table: String, rows: [ValueMap])
    /// The new row, with what the store gave it: its id, its times.
    case insert(table: String, row: ValueMap)
    case update(table: String, before: [ValueMap])
    case delete(table: String, before: [ValueMap])
    /// More rows were changed than are kept; a replay cannot repeat this.
    case tooMany(table: String)
    /// The store refused a change, perhaps for rows that nobody read.
    case refused(table: String, StoreError)
    case setting(name: String, value: [UInt8]?)
    /// Nil: there was no such run.
    case run(RunID, status: RunStatus?)
    case deliveries([Delivery])
    case started(RunID)

    /// Rows of one change that are kept.
    package static let rowLimit = 100

    /// What a query gave, a change found or an insertion made.
    package var rows: [ValueMap] {
        switch self {
        case .find(_, let rows), .update(_, let rows), .delete(_, let rows): rows
        case .insert(_, let row): [row]
        case .tooMany, .refused, .setting, .run, .deliveries, .started: []
        }
    }
}

/// What a replay needs of an entry besides the entry itself.
package struct EntryEvidence: Sendable, Hashable {
    package var address: EntryAddress
    /// What the block read and changed up to its entry; nil when nobody noted it, or it follows from the output.
    package var accesses: [StoreAccess]?
    /// What came back from outside, and what was read and changed then.
    package var receipt: Receipt?

    package init(address: EntryAddress, accesses: [StoreAccess]? = nil, receipt: Receipt? = nil) {
        self.address = address
        self.accesses = accesses
        self.receipt = receipt
    }
}

/// The answer to an entry's request.
package struct Receipt: Sendable, Hashable {
    package var answer: OutsideAnswer
    package var accesses: [StoreAccess]

    package init(answer: OutsideAnswer, accesses: [StoreAccess] = []) {
        self.answer = answer
        self.accesses = accesses
    }
}

extension StoreAccess {
    /// Whether it holds rows of an app's tables: what runs, settings and deliveries a block met, nobody computes again,
    /// and a refusal shows in the block's failure.
    package var isOfRows: Bool {
        switch self {
        case .find, .insert, .update, .delete, .tooMany: true
        case .refused, .setting, .run, .deliveries, .started: false
        }
    }
}

// MARK: As values

extension StoreAccess {
    /// As journals and capsules keep it.
    package var value: Value {
        switch self {
        case .find(let table, let rows): Self.value("find", table, "rows", .list(rows.map(Value.map)))
        case .insert(let table, let row): Self.value("insert", table, "row", .map(row))
        case .update(let table, let before): Self.value("update", table, "before", .list(before.map(Value.map)))
        case .delete(let table, let before): Self.value("delete", table, "before", .list(before.map(Value.map)))
        case .tooMany(let table): ["tooMany": .string(table)]
        case .refused(let table, let error):
            [
                "refused": .string(table), "code": .string(error.code.description), "message": .string(error.message),
                "column": error.column.map(Value.string) ?? .null,
            ]
        case .setting(let name, let value): ["setting": .string(name), "value": value.map(Value.bytes) ?? .null]
        case .run(let run, let status):
            ["run": .int(run.rawValue), "status": status.map { .string($0.rawValue) } ?? .null]
        case .deliveries(let deliveries): ["deliveries": .list(deliveries.map(\.value))]
        case .started(let run): ["started": .int(run.rawValue)]
        }
    }

    /// The most frequent ones, without the list that a literal is made from.
    private static func value(_ what: MapKey, _ table: String, _ key: MapKey, _ rows: Value) -> Value {
        var map = ValueMap(minimumCapacity: 2)
        map.append(.string(table), for: what)
        map.append(rows, for: key)
        return .map(map)
    }

    /// Reads back what `value` gave; nil when it is something else.
    package init?(_ value: Value) {
        guard let map = value.mapValue, map.count > 0, let word = map.entry(at: 0).key.stringValue else { return nil }
        let subject = map.entry(at: 0).value
        switch word {
        case "find":
            guard let table = subject.stringValue, let rows = Self.rows(map["rows"]) else { return nil }
            self = .find(table: table, rows: rows)
        case "insert":
            guard let table = subject.stringValue, let row = map["row"]?.mapValue else { return nil }
            self = .insert(table: table, row: row)
        case "update", "delete":
            guard let table = subject.stringValue, let rows = Self.rows(map["before"]) else { return nil }
            self = word == "update" ? .update(table: table, before: rows) : .delete(table: table, before: rows)
        case "tooMany":
            guard let table = subject.stringValue else { return nil }
            self = .tooMany(table: table)
        case "refused":
            guard let table = subject.stringValue, let error = Self.refusal(map) else { return nil }
            self = .refused(table: table, error)
        case "setting":
            guard let name = subject.stringValue else { return nil }
            var bytes: [UInt8]?
            if case .bytes(let kept) = map["value"] ?? .null { bytes = kept }
            self = .setting(name: name, value: bytes)
        case "run":
            guard let run = subject.intValue else { return nil }
            self = .run(RunID(run), status: map["status"]?.stringValue.flatMap(RunStatus.init(rawValue:)))
        case "deliveries":
            guard let list = subject.listValue else { return nil }
            let deliveries = list.compactMap(Delivery.init)
            guard deliveries.count == list.count else { return nil }
            self = .deliveries(deliveries)
        case "started":
            guard let run = subject.intValue else { return nil }
            self = .started(RunID(run))
        default: return nil
        }
    }

    private static func refusal(_ map: ValueMap) -> StoreError? {
        guard let message = map["message"]?.stringValue, let code = map["code"]?.stringValue,
            ["constraint", "invalidValue"].contains(code)
        else { return nil }
        return StoreError(
            code == "constraint" ? .constraint : .invalidValue,
            message,
            column: map["column"]?.stringValue
        )
    }

    private static func rows(_ value: Value?) -> [ValueMap]? {
        guard let list = value?.listValue else { return nil }
        let rows = list.compactMap(\.mapValue)
        return rows.count == list.count ? rows : nil
    }

    /// A list of accesses read back; nil when one of them is none.
    package static func list(_ value: Value) -> [StoreAccess]? {
        guard let list = value.listValue else { return nil }
        let accesses = list.compactMap(StoreAccess.init)
        return accesses.count == list.count ? accesses : nil
    }
}

extension Receipt {
    /// As journals and capsules keep it.
    package var value: Value {
        ["answer": answer.journalValue, "accesses": .list(accesses.map(\.value))]
    }

    /// Reads back what `value` gave; nil when it is something else.
    package init?(_ value: Value) {
        guard let answer = value["answer"].flatMap(OutsideAnswer.init),
            let accesses = value["accesses"].flatMap(StoreAccess.list)
        else { return nil }
        self.init(answer: answer, accesses: accesses)
    }
}

extension Delivery {
    /// As journals and capsules keep it.
    package var value: Value {
        [
            "source": .string(source), "account": .string(account), "mode": .string(mode.rawValue),
            "eventId": .string(eventID), "type": .string(type), "object": object.map(Value.string) ?? .null,
            "receivedAt": .timestamp(receivedAt),
            "body": String(validating: body, as: UTF8.self).map(Value.string) ?? .bytes(body),
            "status": .string(status.rawValue), "run": run.map { .int($0.rawValue) } ?? .null,
        ]
    }

    /// Reads back what `value` gave; nil when it is something else.
    package init?(_ value: Value) {
        let bytes: [UInt8]
        switch value["body"] {
        case .string(let text): bytes = Array(text.utf8)
        case .bytes(let raw): bytes = raw
        default: return nil
        }
        guard let source = value["source"]?.stringValue, let account = value["account"]?.stringValue,
            let mode = value["mode"]?.stringValue.flatMap(Mode.init(rawValue:)),
            let eventID = value["eventId"]?.stringValue, let type = value["type"]?.stringValue,
            let receivedAt = value["receivedAt"]?.timestampValue,
            let status = value["status"]?.stringValue.flatMap(Status.init(rawValue:))
        else { return nil }
        self.init(
            source: source,
            account: account,
            mode: mode,
            eventID: eventID,
            type: type,
            object: value["object"]?.stringValue,
            receivedAt: receivedAt,
            body: bytes,
            status: status,
            run: value["run"]?.intValue.map(RunID.init)
        )
    }
}
