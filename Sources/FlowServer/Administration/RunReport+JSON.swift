package import Expressions
import FlowEngine

// The JSON forms of what the administration exchanges. Writing and reading stand side by side, so that a member added
// to one is not forgotten in the other.

extension RunReport {
    /// The form of `--json` and of `GET /admin/runs/<id>`; without what blocks took and gave if that is too much.
    package var value: Value {
        let whole = wholeValue
        return (try? JSON.encode(whole)) == nil ? withoutValues.wholeValue : whole
    }

    private var wholeValue: Value {
        var map = ValueMap()
        map["run"] = summary.value
        map["input"] = input.presentable
        map["trigger"] = trigger.presentable
        if let answer {
            map["answer"] = [
                "status": .int(Int64(answer.status)), "headers": .map(answer.headers),
                "body": answer.body.presentable,
            ]
        }
        map["lane"] = lane.map(Value.string)
        map["idempotencyKey"] = idempotencyKey.map(Value.string)
        map["parent"] = parent.map { .int($0.rawValue) }
        map["wakesAt"] = wakesAt.map(Value.time)
        map["strikes"] = .int(Int64(strikes))
        map["steps"] = .list(steps.map(\.value))
        if omitted > 0 { map["omitted"] = .int(Int64(omitted)) }
        return .map(map)
    }

    /// - Throws: `.invalid` for what is not a report.
    package init(_ value: Value) throws(AdministrationError) {
        let members = try Members(value)
        var answer: RunAnswer?
        if let sent = members.optional("answer") {
            let parts = try Members(sent)
            answer = RunAnswer(
                status: Int(try parts.int("status")),
                headers: parts.optional("headers")?.mapValue ?? ValueMap(),
                body: parts.optional("body") ?? .null
            )
        }
        var steps: [Step] = []
        for step in try members.list("steps") { steps.append(try Step(step)) }
        self.init(
            summary: try RunSummary(try members.value("run")),
            input: members.optional("input") ?? .null,
            trigger: members.optional("trigger") ?? .null,
            answer: answer,
            lane: members.optional("lane")?.stringValue,
            idempotencyKey: members.optional("idempotencyKey")?.stringValue,
            parent: members.optional("parent")?.intValue.map { RunID($0) },
            wakesAt: try members.optionalTime("wakesAt"),
            strikes: Int(try members.int("strikes")),
            steps: steps,
            omitted: members.optional("omitted")?.intValue.map { Int($0) } ?? 0
        )
    }
}

extension RunSummary {
    /// The form of `--json` and of `GET /admin/runs`.
    package var value: Value {
        var map: ValueMap = [
            "id": .int(id.rawValue), "flow": .string(flow), "version": .string(version),
            "origin": .string(origin.rawValue), "mode": .string(mode.rawValue), "status": .string(status.rawValue),
            "caller": caller.value, "createdAt": .time(createdAt),
        ]
        map["startedAt"] = startedAt.map(Value.time)
        map["finishedAt"] = finishedAt.map(Value.time)
        map["milliseconds"] = duration.map { duration in
            .double(Double(duration.components.seconds) * 1e3 + Double(duration.components.attoseconds) / 1e15)
        }
        map["failure"] = failure?.value
        map["halt"] = halt.map { .string($0.rawValue) }
        map["rerunOf"] = rerunOf.map { .int($0.rawValue) }
        return .map(map)
    }

    init(_ value: Value) throws(AdministrationError) {
        let members = try Members(value)
        self.init(
            id: RunID(try members.int("id")),
            flow: try members.string("flow"),
            version: try members.string("version"),
            origin: try members.choice("origin"),
            mode: try members.choice("mode"),
            status: try members.choice("status"),
            caller: try Caller(value: try members.value("caller")),
            createdAt: try members.time("createdAt"),
            startedAt: try members.optionalTime("startedAt"),
            finishedAt: try members.optionalTime("finishedAt"),
            failure: try members.optional("failure").map(RunReport.Failure.init(value:)),
            halt: members.optional("halt")?.stringValue.flatMap(RunHalt.init(rawValue:)),
            rerunOf: members.optional("rerunOf")?.intValue.map { RunID($0) }
        )
    }
}

extension RunReport.Failure {
    fileprivate var value: Value {
        var map: ValueMap = ["code": .string(code), "type": .string(type), "message": .string(message)]
        map["status"] = status.map { .int(Int64($0)) }
        map["declineCode"] = declineCode.map(Value.string)
        map["requestId"] = requestID.map(Value.string)
        map["block"] = block.map(Value.string)
        return .map(map)
    }

    fileprivate init(value: Value) throws(AdministrationError) {
        let members = try Members(value)
        self.init(
            code: try members.string("code"),
            type: try members.string("type"),
            message: try members.string("message"),
            status: members.optional("status")?.intValue.map { Int($0) },
            declineCode: members.optional("declineCode")?.stringValue,
            requestID: members.optional("requestId")?.stringValue,
            block: members.optional("block")?.stringValue
        )
    }
}

extension RunReport.Step {
    fileprivate var value: Value {
        var map: ValueMap = [
            "path": .string(path), "block": .string(block), "result": .string(result), "startedAt": .time(startedAt),
        ]
        map["finishedAt"] = finishedAt.map(Value.time)
        map["note"] = note.map(Value.string)
        if let entry {
            var inner: ValueMap = [
                "sequence": .int(Int64(entry.sequence)), "visit": .int(Int64(entry.visit)),
                "attempt": .int(Int64(entry.attempt)), "call": .int(Int64(entry.call)),
                "sends": .int(Int64(entry.sends)), "input": entry.input.presentable,
                "output": entry.output.presentable,
            ]
            inner["key"] = entry.key.map(Value.string)
            inner["failure"] = entry.failure?.value
            map["entry"] = .map(inner)
        }
        return .map(map)
    }

    fileprivate init(_ value: Value) throws(AdministrationError) {
        let members = try Members(value)
        var entry: RunReport.Entry?
        if let sent = members.optional("entry") {
            let parts = try Members(sent)
            entry = RunReport.Entry(
                sequence: Int(try parts.int("sequence")),
                visit: Int(try parts.int("visit")),
                attempt: Int(try parts.int("attempt")),
                call: Int(try parts.int("call")),
                sends: Int(try parts.int("sends")),
                key: parts.optional("key")?.stringValue,
                input: parts.optional("input") ?? .null,
                output: parts.optional("output") ?? .null,
                failure: try parts.optional("failure").map(RunReport.Failure.init(value:))
            )
        }
        self.init(
            path: try members.string("path"),
            block: try members.string("block"),
            result: try members.string("result"),
            startedAt: try members.time("startedAt"),
            finishedAt: try members.optionalTime("finishedAt"),
            note: members.optional("note")?.stringValue,
            entry: entry
        )
    }
}

extension TokenSummary {
    /// The form of `--json` and of `GET /admin/tokens`.
    package var value: Value {
        var map: ValueMap = ["id": .string(id), "caller": caller.value, "createdAt": .time(createdAt)]
        map["revokedAt"] = revokedAt.map(Value.time)
        return .map(map)
    }

    init(_ value: Value) throws(AdministrationError) {
        let members = try Members(value)
        self.init(
            id: try members.string("id"),
            caller: try Caller(value: try members.value("caller")),
            createdAt: try members.time("createdAt"),
            revokedAt: try members.optionalTime("revokedAt")
        )
    }
}

extension ServerStatus {
    /// The form of `GET /admin/status`.
    package var value: Value {
        var map: ValueMap = [
            "pid": .int(Int64(processID)), "app": .string(app), "mode": .string(mode.rawValue),
            "version": .string(version), "ready": .bool(isReady),
        ]
        map["port"] = port.map { .int(Int64($0)) }
        return .map(map)
    }

    init(_ value: Value) throws(AdministrationError) {
        let members = try Members(value)
        self.init(
            processID: Int32(truncatingIfNeeded: try members.int("pid")),
            app: try members.string("app"),
            mode: try members.choice("mode"),
            version: try members.string("version"),
            port: members.optional("port")?.intValue.map { Int($0) },
            isReady: members.optional("ready")?.boolValue ?? false
        )
    }
}

extension Caller {
    /// The form `{id, roles}`.
    var value: Value {
        var map: ValueMap = ["roles": .list(roles.map(Value.string))]
        map["id"] = id.map(Value.string)
        return .map(map)
    }

    init(value: Value) throws(AdministrationError) {
        let members = try Members(value)
        var roles: [String] = []
        for role in try members.list("roles") {
            guard let role = role.stringValue else { throw AdministrationError(.invalid, "a role is text") }
            roles.append(role)
        }
        self.init(id: members.optional("id")?.stringValue, roles: roles)
    }
}

extension Value {
    fileprivate static func time(_ timestamp: Timestamp) -> Value { .string(timestamp.rfc3339) }

    /// The value, or the journal's own form of one that plain JSON cannot say, such as NaN.
    fileprivate var presentable: Value {
        if (try? JSON.encode(self, limits: .journal)) != nil { return self }
        // The exact form is JSON by construction; were it beyond the limits, the value would not have been stored.
        return (try? JSON.parse(JSON.encodeExact(self), limits: .journal)) ?? .null
    }
}

/// The members of an object that is expected to be of a certain shape.
struct Members {
    let map: ValueMap

    var whole: Value { .map(map) }

    init(_ value: Value) throws(AdministrationError) {
        guard case .map(let map) = value else { throw AdministrationError(.invalid, "an object was expected") }
        self.map = map
    }

    func optional(_ name: String) -> Value? {
        guard let value = map[name], !value.isNull else { return nil }
        return value
    }

    func value(_ name: String) throws(AdministrationError) -> Value {
        guard let value = optional(name) else { throw AdministrationError(.invalid, "'\(name)' is missing") }
        return value
    }

    func string(_ name: String) throws(AdministrationError) -> String {
        guard let text = try value(name).stringValue else {
            throw AdministrationError(.invalid, "'\(name)' must be text")
        }
        return text
    }

    func int(_ name: String) throws(AdministrationError) -> Int64 {
        guard let number = try value(name).intValue else {
            throw AdministrationError(.invalid, "'\(name)' must be an integer")
        }
        return number
    }

    func list(_ name: String) throws(AdministrationError) -> [Value] {
        guard let list = try value(name).listValue else {
            throw AdministrationError(.invalid, "'\(name)' must be a list")
        }
        return list
    }

    func choice<Choice: RawRepresentable<String>>(_ name: String) throws(AdministrationError) -> Choice {
        guard let choice = Choice(rawValue: try string(name)) else {
            throw AdministrationError(.invalid, "'\(name)' has an unknown value")
        }
        return choice
    }

    func time(_ name: String) throws(AdministrationError) -> Timestamp {
        guard let time = Timestamp(rfc3339: try string(name)) else {
            throw AdministrationError(.invalid, "'\(name)' must be a time as of RFC 3339")
        }
        return time
    }

    func optionalTime(_ name: String) throws(AdministrationError) -> Timestamp? {
        optional(name) == nil ? nil : try time(name)
    }
}
