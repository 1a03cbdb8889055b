import Expressions
package import FlowEngine
package import FlowLanguage

/// A capsule as a case of `runnel test`: what was there, what happened, what came of it.
package struct CaseText: Sendable {
    let capsule: Capsule
    let app: App
    let rows: [OutsideChange]

    /// - Parameters:
    ///   - capsule: Of a run that has ended.
    ///   - app: The capsule's own.
    ///   - rows: What others had written when the run met it, as a replay finds them out.
    package init(_ capsule: Capsule, app: App, rows: [OutsideChange]) {
        self.capsule = capsule
        self.app = app
        self.rows = rows
    }

    var record: RunRecord { capsule.run.record }

    /// - Throws: For runs that a case cannot tell: those that have not ended, or were ended by a person.
    package func text() throws(ReplayRefusal) -> String {
        guard record.status == .succeeded || record.status == .failed else {
            throw ReplayRefusal("the run is \(record.status.rawValue): a case tells one that succeeded or failed")
        }
        var lines = ["# Run \(record.id) of \(capsule.header.app), exported \(capsule.header.exportedAt.rfc3339)."]
        lines += YAMLText.member("case", .string("run \(record.id) of \(record.start.flow)"), indent: 0)
        if !app.invariants.isEmpty {
            lines.append("invariants: false   # of the app's rows, those that the run met are here")
        }
        lines += try given() + steps() + left()
        return lines.joined(separator: "\n") + "\n"
    }

    // MARK: What was there

    private func given() -> [String] {
        var lines = ["given:"] + YAMLText.member("clock", .timestamp(clock), indent: 2)
        if record.start.origin == .page { lines.append("  caller: \(YAMLText.flow(caller))") }
        if !secrets.isEmpty { lines += YAMLText.member("secrets", .map(secrets), indent: 2) }
        lines += givenTables()
        let answers = answers()
        if !answers.isEmpty { lines += ["  answers:"] + answers.flatMap { YAMLText.item($0, indent: 4) } }
        return lines
    }

    /// When what started the run came.
    private var clock: Timestamp {
        let trigger = record.start.trigger
        let came = trigger["receivedAt"]?.timestampValue ?? trigger["firedAt"]?.timestampValue
        return came ?? record.startedAt ?? record.createdAt
    }

    var caller: Value {
        let caller = record.start.caller
        // Nobody in particular is what a case takes a caller without members for.
        if caller == .anonymous { return [:] }
        var members = ValueMap()
        members["id"] = caller.id.map(Value.string)
        members["roles"] = .list(caller.roles.map(Value.string))
        return .map(members)
    }

    /// Keys that pages show, where the run showed one; all others are fakes in a case.
    private var secrets: ValueMap {
        var secrets = ValueMap()
        guard record.start.mode == .test else { return secrets }
        for (name, key) in capsule.header.publishableKeys.sorted(by: { $0.key < $1.key }) where shows(key) {
            secrets[name] = .string(key)
        }
        return secrets
    }

    private func shows(_ key: String) -> Bool {
        capsule.history.runs.contains { run in run.entries.contains { $0.publishableKey == key } }
    }

    // MARK: What was answered

    /// What the services answered; to each request its own, in their order.
    private func answers() -> [Value] { capsule.history.runs.flatMap { $0.entries.compactMap(answer) } }

    private func answer(_ entry: JournalEntry) -> Value? {
        guard let request = OutsideRequest(entry.input) else { return nil }
        var members: ValueMap = [
            "connection": .string(request.connection), "to": .string("\(request.method) \(request.pathAlone)"),
        ]
        // Code gets the answer as it is: it is the entry's output.
        if let answer = entry.receipt?.answer ?? OutsideAnswer(entry.output) {
            members["status"] = .int(Int64(answer.status))
            members["times"] = 1
            if let json = try? JSON.parse(answer.body), json.mapValue != nil || json.listValue != nil {
                members["body"] = forTest(json)
            } else {
                if let type = answer.headers["content-type"] { members["headers"] = ["content-type": .string(type)] }
                members["body"] = .string(String(decoding: answer.body, as: UTF8.self))
            }
            return .map(members)
        }
        guard let failure = entry.failure, ["connection", "timeout"].contains(failure.type) else { return nil }
        if let status = failure.status {
            members["status"] = .int(Int64(status))
            if let seconds = failure.retryAfter { members["headers"] = ["retry-after": .string(String(seconds))] }
        } else {
            let trouble = failure.code == "not_sent" ? Trouble.unreachable : .timeout
            members["fail"] = .string(trouble.rawValue)
        }
        // How often it is sent within a time limit hangs on the pauses between, which are drawn.
        if failure.type == "connection" { members["times"] = .int(Int64(max(1, entry.sends))) }
        return .map(members)
    }

    /// As it is in test mode, which cases are played in.
    func forTest(_ value: Value) -> Value {
        guard record.start.mode == .live else { return value }
        switch value {
        case .list(let items): return .list(items.map(forTest))
        case .map(let map):
            var shown = ValueMap(minimumCapacity: map.count)
            for (key, member) in map {
                shown[key] = key.stringValue == "livemode" && member == true ? false : forTest(member)
            }
            return .map(shown)
        default: return value
        }
    }
}

extension JournalEntry {
    /// The key for pages that a command gave, as `create-payment-intent` and `recurring-payment` do.
    var publishableKey: String? { output["publishable_key"]?.stringValue }
}

extension OutsideRequest {
    /// The path without its query, and without the host that code writes before it.
    package var pathAlone: String {
        let path = path.prefix { $0 != "?" }
        guard let scheme = path.firstRange(of: "://") else { return String(path) }
        let rest = path[scheme.upperBound...].drop { $0 != "/" }
        return rest.isEmpty ? "/" : String(rest)
    }
}
