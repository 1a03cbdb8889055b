import Expressions
import FlowEngine
import FlowLanguage

// How runs and entries stand in a capsule's lines: exact JSON values, read back strictly.

extension BlockFailure {
    var capsuleValue: Value {
        var form: ValueMap = ["code": .string(code), "type": .string(type), "message": .string(message)]
        if let status { form["status"] = .int(Int64(status)) }
        if let declineCode { form["declineCode"] = .string(declineCode) }
        if let param { form["param"] = .string(param) }
        if retryable { form["retryable"] = true }
        if let retryAfter { form["retryAfter"] = .int(Int64(retryAfter)) }
        if let requestID { form["requestId"] = .string(requestID) }
        if let block { form["block"] = .string(block) }
        return .map(form)
    }

    init(_ form: CapsuleForm) throws(CapsuleError) {
        self.init(
            code: try form.text("code"),
            type: try form.text("type"),
            message: try form.text("message"),
            status: try form.optionalCount("status"),
            declineCode: try form.optionalText("declineCode"),
            param: try form.optionalText("param"),
            retryable: form["retryable"]?.boolValue ?? false,
            retryAfter: try form.optionalCount("retryAfter"),
            requestID: try form.optionalText("requestId"),
            block: try form.optionalText("block")
        )
    }
}

extension EntryAddress {
    var capsuleValue: Value {
        [
            "run": .int(run.rawValue), "path": .string(path.rawValue), "visit": .int(Int64(visit)),
            "attempt": .int(Int64(attempt)), "call": .int(Int64(call)),
        ]
    }

    init(_ form: CapsuleForm) throws(CapsuleError) {
        self.init(
            run: RunID(try form.int("run")),
            path: BlockPath(try form.text("path")),
            visit: try form.count("visit"),
            attempt: try form.count("attempt"),
            call: try form.count("call")
        )
    }
}

extension TraceStep {
    var capsuleValue: Value {
        var form: ValueMap = [
            "path": .string(path.rawValue), "block": .string(block), "result": .string(result.rawValue),
            "at": .timestamp(at),
        ]
        if let note { form["note"] = .string(note) }
        return .map(form)
    }

    init(_ form: CapsuleForm) throws(CapsuleError) {
        self.init(
            path: BlockPath(try form.text("path")),
            block: try form.text("block"),
            result: try form.word("result"),
            at: try form.time("at"),
            note: try form.optionalText("note")
        )
    }
}

extension RunAnswer {
    var capsuleValue: Value {
        ["status": .int(Int64(status)), "headers": .map(headers), "body": body]
    }

    init(_ form: CapsuleForm) throws(CapsuleError) {
        self.init(status: try form.count("status"), headers: try form.map("headers"), body: form["body"] ?? .null)
    }
}

extension RunRecord {
    /// `kept`: entries at its beginning that it took over from another run.
    func capsuleValue(kept: Int) -> Value {
        var form: ValueMap = [
            "id": .int(id.rawValue), "flow": .string(start.flow), "version": .string(start.version.rawValue),
            "origin": .string(start.origin.rawValue), "mode": .string(start.mode.rawValue),
            "caller": [
                "id": start.caller.id.map(Value.string) ?? .null, "roles": .list(start.caller.roles.map(Value.string)),
            ],
            "input": .map(start.input), "trigger": start.trigger,
        ]
        if let lane = start.lane { form["lane"] = .string(lane) }
        if let parent = start.parent { form["parent"] = parent.capsuleValue }
        if start.generation.starts > 0 { form["starts"] = .int(Int64(start.generation.starts)) }
        if kept > 0 { form["kept"] = .int(Int64(kept)) }
        form["status"] = .string(status.rawValue)
        form["createdAt"] = .timestamp(createdAt)
        if let startedAt { form["startedAt"] = .timestamp(startedAt) }
        if let finishedAt { form["finishedAt"] = .timestamp(finishedAt) }
        if let answer { form["answer"] = answer.capsuleValue }
        if let failure { form["failure"] = failure.capsuleValue }
        if !trace.isEmpty { form["trace"] = .list(trace.map(\.capsuleValue)) }
        return .map(form)
    }

    init(_ form: CapsuleForm) throws(CapsuleError) {
        let caller = try form.form("caller")
        var start = RunStart(
            flow: try form.text("flow"),
            version: FlowVersion(try form.text("version")),
            origin: try form.word("origin"),
            input: try form.map("input"),
            trigger: form["trigger"] ?? .null,
            caller: Caller(id: try caller.optionalText("id"), roles: try caller.texts("roles")),
            mode: try form.word("mode")
        )
        start.lane = try form.optionalText("lane")
        start.generation.starts = try form.optionalCount("starts") ?? 0
        if let parent = try form.optionalForm("parent") { start.parent = try EntryAddress(parent) }
        self.init(
            id: RunID(try form.int("id")),
            start: start,
            status: try form.word("status"),
            createdAt: try form.time("createdAt"),
            startedAt: try form.optionalTime("startedAt"),
            finishedAt: try form.optionalTime("finishedAt")
        )
        if let answer = try form.optionalForm("answer") { self.answer = try RunAnswer(answer) }
        if let failure = try form.optionalForm("failure") { self.failure = try BlockFailure(failure) }
        self.trace = try form.trace()
    }
}

extension JournalEntry {
    var capsuleValue: Value {
        guard case .map(var form) = address.capsuleValue else { return .null }
        form["sequence"] = .int(Int64(sequence))
        form["block"] = .string(block)
        form["status"] = .string(status.rawValue)
        form["startedAt"] = .timestamp(startedAt)
        if let finishedAt { form["finishedAt"] = .timestamp(finishedAt) }
        form["input"] = input
        form["output"] = output
        if let failure { form["failure"] = failure.capsuleValue }
        if let key { form["key"] = .string(key) }
        if sends > 0 { form["sends"] = .int(Int64(sends)) }
        if !trace.isEmpty { form["trace"] = .list(trace.map(\.capsuleValue)) }
        if let accesses { form["accesses"] = .list(accesses.map(\.value)) }
        if let receipt { form["receipt"] = receipt.value }
        return .map(form)
    }

    init(_ form: CapsuleForm) throws(CapsuleError) {
        self.init(
            address: try EntryAddress(form),
            sequence: try form.count("sequence"),
            block: try form.text("block"),
            status: try form.word("status"),
            startedAt: try form.time("startedAt"),
            finishedAt: try form.optionalTime("finishedAt"),
            input: form["input"] ?? .null,
            output: form["output"] ?? .null,
            key: try form.optionalText("key"),
            sends: try form.optionalCount("sends") ?? 0,
            trace: try form.trace()
        )
        if let failure = try form.optionalForm("failure") { self.failure = try BlockFailure(failure) }
        if let value = form["accesses"] {
            guard let accesses = StoreAccess.list(value) else { throw form.error("'accesses' is no list of accesses") }
            self.accesses = accesses
        }
        if let value = form["receipt"] {
            guard let receipt = Receipt(value) else { throw form.error("'receipt' is no answer") }
            self.receipt = receipt
        }
    }
}

extension RowChange {
    var capsuleValue: Value {
        [
            "table": .string(table), "id": .int(id), "before": before.map(Value.map) ?? .null,
            "after": after.map(Value.map) ?? .null, "by": address?.capsuleValue ?? .null,
        ]
    }

    init(_ form: CapsuleForm) throws(CapsuleError) {
        self.init(
            table: try form.text("table"),
            id: try form.int("id"),
            before: form["before"]?.mapValue,
            after: form["after"]?.mapValue,
            address: try form.optionalForm("by").map { form throws(CapsuleError) in try EntryAddress(form) }
        )
    }
}

extension ReplayOutcome {
    /// SHA-256 of what others had written when the run met it, and of what the store gave to the run's own rows.
    var metHash: String { SourceArchive.hash(JSON.encodeExact(.list(outside.map(\.capsuleValue)))) }
}

extension OutsideChange {
    fileprivate var capsuleValue: Value {
        let (word, content): (String, Value) =
            switch kind {
            case .seen(let row): ("seen", .map(row))
            case .columns(let columns): ("columns", .map(columns))
            case .removed: ("removed", .null)
            case .numbered(let own): ("numbered", .map(own))
            }
        return [address.capsuleValue, .int(Int64(access)), .string(table), .int(id), .string(word), content]
    }
}
