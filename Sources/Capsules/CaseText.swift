import Expressions
package import FlowEngine
package import FlowLanguage

/// A capsule as a case of `runnel test`: what was there, what happened, what came of it.
package struct CaseText: Sendable {
    private let capsule: Capsule
    private let app: App

    /// `app` is the capsule's own.
    package init(_ capsule: Capsule, app: App) {
        self.capsule = capsule
        self.app = app
    }

    /// - Throws: For runs that a case cannot start: those of other runs and of schedules.
    package func text(rows: [OutsideChange]) throws(ReplayRefusal) -> String {
        let record = capsule.run.record
        var lines = ["# Run \(record.id) of \(capsule.header.app), exported \(capsule.header.exportedAt.rfc3339)."]
        lines.append("case: \(Self.quoted("run \(record.id) of \(record.start.flow)"))")
        lines += given(rows)
        lines += ["steps:"] + (try step()) + left(rows)
        return lines.joined(separator: "\n") + "\n"
    }

    // MARK: What was there

    private func given(_ rows: [OutsideChange]) -> [String] {
        let start = capsule.run.record.start
        let clock = capsule.run.record.startedAt ?? capsule.run.record.createdAt
        var lines = ["given:", "  clock: \(Self.quoted(clock.rfc3339))"]
        if start.origin == .page { lines.append("  caller: \(Self.caller(start.caller))") }
        lines += tables(rows)
        let entries = capsule.history.runs.flatMap { run in run.entries.map { (run.record.start.flow, $0) } }
        let answers = entries.compactMap { answer($0.1, in: $0.0) }
        if !answers.isEmpty { lines += ["  answers:"] + answers }
        return lines
    }

    private static func caller(_ caller: Caller) -> String {
        // Nobody in particular is what a case takes a caller without members for.
        if caller == .anonymous { return "{}" }
        let roles = "roles: [\(caller.roles.joined(separator: ", "))]"
        return caller.id.map { "{ id: \(quoted($0)), \(roles) }" } ?? "{ \(roles) }"
    }

    /// Rows as the run first saw them, with their ids, and the ids of those that it adds.
    private func tables(_ rows: [OutsideChange]) -> [String] {
        let seen = Self.seen(rows)
        let added = Dictionary(grouping: capsule.changes.filter { $0.before == nil }, by: \.table)
            .compactMapValues { $0.map(\.id).min() }
        let names = Set(seen.keys).union(added.keys).sorted()
        guard !names.isEmpty else { return [] }
        var lines = ["  tables:"]
        for table in names {
            let rows = (seen[table] ?? [:]).sorted { $0.key < $1.key }
            let isCounted = rows.map(\.key) == rows.indices.map { Int64($0) + 1 }
            let next = added[table].flatMap { $0 == (rows.last?.key ?? 0) + 1 ? nil : $0 }
            var indent = "      "
            lines.append("    \(table):" + (rows.isEmpty && next == nil ? " []" : ""))
            if let next {
                lines.append("      nextId: \(next)")
                if !rows.isEmpty { lines.append("      rows:") }
                indent = "        "
            }
            for (id, row) in rows {
                let shown = Self.shown(row)
                var kept: ValueMap = isCounted ? [:] : ["id": .int(id)]
                for (key, value) in shown { kept[key] = value }
                lines.append("\(indent)- \(Self.flow(.map(kept)))")
            }
        }
        return lines
    }

    private static func seen(_ rows: [OutsideChange]) -> [String: [Int64: ValueMap]] {
        var seen: [String: [Int64: ValueMap]] = [:]
        for change in rows {
            if case .seen(let row) = change.kind, seen[change.table]?[change.id] == nil {
                seen[change.table, default: [:]][change.id] = row
            }
        }
        return seen
    }

    /// Without what the store gives and what is not there.
    private static func shown(_ row: ValueMap) -> ValueMap {
        var shown = ValueMap()
        for (key, value) in row where !value.isNull && !["id", "createdAt", "updatedAt"].contains(key.stringValue) {
            shown[key] = value
        }
        return shown
    }

    /// What the service answered; to each request its own, in their order.
    private func answer(_ entry: JournalEntry, in flow: String) -> String? {
        guard let request = OutsideRequest(entry.input), let answer = entry.receipt?.answer else { return nil }
        let path = request.path.split(separator: "?").first.map(String.init) ?? request.path
        var members = [
            "connection: \(request.connection)", "to: \(Self.quoted("\(request.method) \(path)"))",
            "status: \(answer.status)", "times: 1",
        ]
        if let json = try? JSON.parse(answer.body), json.mapValue != nil || json.listValue != nil {
            members.append("body: \(Self.flow(json))")
        } else {
            if let type = answer.headers["content-type"] {
                members.append("headers: { content-type: \(Self.quoted(type)) }")
            }
            members.append("body: \(Self.quoted(String(decoding: answer.body, as: UTF8.self)))")
        }
        return "    - { \(members.joined(separator: ", ")) }"
    }

    // MARK: What happened

    private func step() throws(ReplayRefusal) -> [String] {
        let record = capsule.run.record
        let start = record.start
        switch start.origin {
        case .page:
            return ["  - page: \(start.flow)", "    input: \(Self.flow(.map(start.input)))"] + expectation
        case .manual:
            return ["  - run: \(start.flow)", "    input: \(Self.flow(.map(start.input)))"] + expectation
        case .webhook:
            let headers = start.trigger["headers"] ?? [:]
            return [
                "  - hook: \(start.flow)", "    body: \(Self.flow(start.trigger["body"] ?? .null))",
                "    headers: \(Self.flow(headers))",
            ]
        case .callback:
            guard let delivery = capsule.delivery, let body = try? JSON.parse(delivery.body) else {
                throw ReplayRefusal("the event that started the run is not in its capsule")
            }
            return ["  - event: \(Self.flow(body))"]
        default: throw ReplayRefusal("a case cannot start a run of the kind '\(start.origin.rawValue)'")
        }
    }

    private var expectation: [String] {
        guard let answer = capsule.run.record.answer else { return [] }
        guard answer.status >= 400 else {
            return ["    expect: { status: \(answer.status), output: \(Self.flow(withoutMoments(answer.body))) }"]
        }
        let code = answer.body["code"] ?? .null
        return ["    expect: { status: \(answer.status), error: { code: \(Self.flow(code)) } }"]
    }

    // MARK: What came of it

    /// The tables that the run changed, as it left them; nothing of those that others changed meanwhile.
    private func left(_ rows: [OutsideChange]) -> [String] {
        var tables = Self.seen(rows)
        var disturbed: Set<String> = []
        for change in rows {
            switch change.kind {
            case .seen, .numbered: break
            case .columns, .removed: disturbed.insert(change.table)
            }
        }
        for change in capsule.changes { tables[change.table, default: [:]][change.id] = change.after }
        let changed = Set(capsule.changes.map(\.table)).subtracting(disturbed).sorted()
        guard !changed.isEmpty else { return [] }
        var lines = ["expect:", "  tables:"]
        for table in changed {
            let rows = (tables[table] ?? [:]).sorted { $0.key < $1.key }
            lines.append("    \(table):" + (rows.isEmpty ? " []" : ""))
            lines += rows.map { "      - \(Self.flow(withoutMoments(.map(Self.shown($0.value)))))" }
        }
        return lines
    }

    /// Moments of the run are others in a case, whose clock stands still.
    private func withoutMoments(_ value: Value) -> Value {
        guard case .map(let map) = value else { return value }
        var kept = ValueMap()
        for (key, member) in map where !isMoment(member) { kept[key] = withoutMoments(member) }
        return .map(kept)
    }

    private func isMoment(_ value: Value) -> Bool {
        let moment = value.timestampValue ?? value.stringValue.flatMap(Timestamp.init(rfc3339:))
        return moment.map { $0 >= capsule.run.record.createdAt } ?? false
    }

    // MARK: YAML

    /// On one line, which JSON with its texts in single quotes is; `$` stands twice, since cases have expressions.
    private static func flow(_ value: Value) -> String {
        switch value {
        case .null: return "null"
        case .bool(let bool): return String(bool)
        case .int(let number): return String(number)
        case .uint(let number): return String(number)
        case .double(let number): return "\(number)"
        case .string(let text): return quoted(text)
        case .timestamp(let time): return quoted(time.rfc3339)
        case .list(let items): return "[" + items.map(flow).joined(separator: ", ") + "]"
        case .map(let map):
            let members = map.map { "\(quoted($0.key.stringValue ?? "\($0.key.value)")): \(flow($0.value))" }
            return members.isEmpty ? "{}" : "{ " + members.joined(separator: ", ") + " }"
        case .bytes, .duration, .type, .optional: return quoted(value.kindName)
        }
    }

    private static func quoted(_ text: String) -> String {
        let escaped = text.replacing("${", with: "$${")
        if escaped.utf8.allSatisfy({ $0 >= 0x20 }) { return "'" + escaped.replacing("'", with: "''") + "'" }
        let json = (try? JSON.encode(.string(escaped))) ?? []  // Every text has a form in JSON, which is YAML too.
        return String(decoding: json, as: UTF8.self)
    }
}
