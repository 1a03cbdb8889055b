import Expressions
import FlowEngine
import FlowLanguage

// Rows: as the run first saw them, and as it left them.
extension CaseText {
    /// Rows as the run first saw them, with their ids, and the ids of those that it adds.
    func givenTables() -> [String] {
        let seen = seen
        let added = Dictionary(grouping: capsule.changes.filter { $0.before == nil }, by: \.table)
            .compactMapValues { $0.map(\.id).min() }
        var lines: [String] = []
        for table in Set(seen.keys).union(added.keys).sorted() {
            let rows = (seen[table] ?? [:]).sorted { $0.key < $1.key }
            let isCounted = rows.map(\.key) == rows.indices.map { Int64($0) + 1 }
            let next = added[table].flatMap { $0 == (rows.last?.key ?? 0) + 1 ? nil : $0 }
            let given = rows.map { id, row -> Value in
                var given: ValueMap = isCounted ? [:] : ["id": .int(id)]
                for (key, value) in Self.shown(row) { given[key] = value }
                return .map(forTest(given, of: table))
            }
            if let next {
                lines += ["    \(table):", "      nextId: \(next)"]
                if !given.isEmpty { lines += ["      rows:"] + given.flatMap { YAMLText.item($0, indent: 8) } }
            } else {
                lines.append("    \(table):" + (given.isEmpty ? " []" : ""))
                lines += given.flatMap { YAMLText.item($0, indent: 6) }
            }
        }
        return lines.isEmpty ? [] : ["  tables:"] + lines
    }

    private var seen: [String: [Int64: ValueMap]] {
        var seen: [String: [Int64: ValueMap]] = [:]
        for change in rows {
            if case .seen(let row) = change.kind, seen[change.table]?[change.id] == nil {
                seen[change.table, default: [:]][change.id] = row
            }
        }
        let known = seen
        for (table, rows) in known { for row in rows.values { addNamed(by: row, of: table, to: &seen) } }
        for change in capsule.changes { if let row = change.after { addNamed(by: row, of: change.table, to: &seen) } }
        return seen
    }

    /// Adds rows that the run did not see and others name, so that these may stand: with whatever their columns take.
    private func addNamed(by row: ValueMap, of table: String, to seen: inout [String: [Int64: ValueMap]]) {
        for column in app.table(named: table)?.columns ?? [] {
            guard let named = column.references, let id = row[column.name]?.intValue, seen[named]?[id] == nil,
                !capsule.changes.contains(where: { $0.table == named && $0.id == id })
            else { continue }
            let stand = standIn(id, of: named)
            seen[named, default: [:]][id] = stand
            addNamed(by: stand, of: named, to: &seen)
        }
    }

    private func standIn(_ id: Int64, of table: String) -> ValueMap {
        var row = ValueMap()
        for column in app.table(named: table)?.columns ?? [] where !column.isOptional && column.defaultValue == nil {
            row[column.name] =
                switch column.type {
                case .int: .int(min(max(1, column.min ?? 1), column.max ?? .max))
                case .string: .string(column.allowed.first ?? String("\(id) unseen".prefix(column.maxLength ?? 40)))
                case .bool: false
                case .double: .double(Double(column.min ?? 0))
                case .decimal: "0"
                case .timestamp: .timestamp(record.createdAt)
                case .bytes: .bytes([])
                case .json: [:]
                }
        }
        return row
    }

    /// Without what the store gives and what is not there.
    private static func shown(_ row: ValueMap) -> ValueMap {
        var shown = ValueMap()
        for (key, value) in row where !value.isNull && !["id", "createdAt", "updatedAt"].contains(key.stringValue) {
            shown[key] = value
        }
        return shown
    }

    private func isSystem(_ table: String) -> Bool { app.table(named: table)?.isSystem ?? false }

    private func forTest(_ row: ValueMap, of table: String) -> ValueMap {
        guard isSystem(table), row["mode"] == .string(Mode.live.rawValue) else { return row }
        var row = row
        row["mode"] = .string(Mode.test.rawValue)
        return row
    }

    // MARK: What came of it

    /// The end: how the run ended where no caller was told, what it asked for outside, and the tables that it changed.
    func left() -> [String] {
        var lines: [String] = []
        let runs = runs
        if !runs.isEmpty { lines += ["  runs:"] + runs.flatMap { YAMLText.item($0, indent: 4) } }
        let requests = requests
        if !requests.isEmpty { lines += ["  requests:"] + requests.flatMap { YAMLText.item($0, indent: 4) } }
        let (tables, conditions) = leftTables()
        if !tables.isEmpty { lines += ["  tables:"] + tables }
        if !conditions.isEmpty {
            lines += ["  that:   # other flows write here too"] + conditions.map { "    - \(YAMLText.bare($0))" }
        }
        return lines.isEmpty ? [] : ["expect:"] + lines
    }

    private var runs: [Value] {
        guard record.start.origin != .page || waits else { return [] }
        var run: ValueMap = ["flow": .string(record.start.flow), "status": .string(record.status.rawValue)]
        let path = path
        if !path.isEmpty { run["path"] = .list(path) }
        if let failure = record.failure { run["error"] = ["code": .string(failure.code)] }
        if let answer = record.answer, record.status == .succeeded, !answer.body.isNull {
            run["output"] = lasting(answer.body)
        }
        return [.map(run)]
    }

    /// The blocks that the run passed.
    private var path: [Value] {
        let steps = { (trace: [TraceStep]) in
            trace.filter { $0.result != .skipped }.map { Value.string($0.path.rawValue) }
        }
        var path: [Value] = []
        for entry in capsule.run.entries {
            path += steps(entry.trace)
            if entry.address.call == 0 { path.append(.string(entry.address.path.rawValue)) }
        }
        return path + steps(record.trace)
    }

    private var requests: [Value] {
        capsule.history.runs.flatMap(\.entries).compactMap { entry -> Value? in
            guard let request = OutsideRequest(entry.input) else { return nil }
            return [
                "connection": .string(request.connection), "method": .string(request.method),
                "path": .string(request.path),
            ]
        }
    }

    /// The tables that the run changed, as it left them; nothing of those that others changed meanwhile.
    ///
    /// - Returns: Tables of the run's own, and conditions on rows among those of others.
    private func leftTables() -> (tables: [String], conditions: [String]) {
        var tables = seen
        var disturbed: Set<String> = []
        for change in rows {
            switch change.kind {
            case .seen, .numbered: break
            case .columns, .removed: disturbed.insert(change.table)
            }
        }
        // What Stripe tells changes the tables of payments together, also those of which the run saw nothing.
        if disturbed.contains(where: isSystem) { disturbed.formUnion(app.tables.filter(\.isSystem).map(\.name)) }
        for change in capsule.changes { tables[change.table, default: [:]][change.id] = change.after }
        let beside = tablesBeside
        var lines: [String] = []
        var conditions: [String] = []
        for table in Set(capsule.changes.map(\.table)).subtracting(disturbed).sorted() {
            if beside.contains(table) {
                let changed = Set(capsule.changes.filter { $0.table == table }.map(\.id)).sorted()
                let left = changed.compactMap { tables[table]?[$0] }
                conditions += self.conditions(on: left.map { expected($0, of: table) }, of: table)
                continue
            }
            let rows = (tables[table] ?? [:]).sorted { $0.key < $1.key }
            lines.append("    \(table):" + (rows.isEmpty ? " []" : ""))
            lines += rows.flatMap { YAMLText.item(.map(expected($0.value, of: table)), indent: 6) }
        }
        return (lines, conditions)
    }

    /// Columns whose values hang on the run's number, on this installation or on Stripe's clock.
    private static let ownColumns: Set = ["key", "request", "run", "secretHash", "statusAt"]

    private func expected(_ row: ValueMap, of table: String) -> ValueMap {
        var row = Self.shown(row)
        if isSystem(table) { for column in Self.ownColumns { row[column] = nil } }
        // Which block of which run wanted it sent.
        if table == "emails", isSystem(table) { row["object"] = nil }
        return lasting(.map(forTest(row, of: table))).mapValue ?? row
    }

    /// Without what is another one each time: moments of the run, since the clock of a case stands still.
    func lasting(_ value: Value) -> Value {
        guard case .map(let map) = forTest(value) else { return value }
        var kept = ValueMap()
        for (key, member) in map where !isMoment(member) && !isLiveKey(member) { kept[key] = lasting(member) }
        return .map(kept)
    }

    private func isMoment(_ value: Value) -> Bool {
        let moment = value.timestampValue ?? value.stringValue.flatMap(Timestamp.init(rfc3339:))
        return moment.map { $0 >= record.createdAt } ?? false
    }

    /// A key of live mode is none of a case.
    private func isLiveKey(_ value: Value) -> Bool {
        guard record.start.mode == .live, let text = value.stringValue else { return false }
        return capsule.header.publishableKeys.values.contains(text)
    }
}
