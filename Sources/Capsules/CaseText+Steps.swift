import Expressions
import FlowEngine
import FlowLanguage

// What happened: whatever started the run, then the events that it waited for.
extension CaseText {
    func steps() throws(ReplayRefusal) -> [String] {
        var steps = [Value.map(try start())]
        for run in capsule.history.runs { steps += run.entries.compactMap(sent) }
        return ["steps:"] + steps.flatMap { YAMLText.item($0, indent: 2, .expressions) }
    }

    private func start() throws(ReplayRefusal) -> ValueMap {
        let start = record.start
        let flow = Value.string(start.flow)
        guard let graph = app.flows[start.flow] else { throw ReplayRefusal("the app has no flow '\(start.flow)'") }
        var step: ValueMap
        switch (start.origin, graph.trigger) {
        case (_, _) where graph.kind == .page:
            step = ["page": flow, "input": .map(start.input)]
            if start.origin != .page { step["as"] = caller }
            step["expect"] = expectation
        case (.webhook, .webhook(let hook)):
            step = ["hook": flow, "body": start.trigger["body"] ?? .null]
            for name in ["headers", "query"] {
                if let members = start.trigger[name], members.mapValue?.isEmpty == false { step[name] = members }
            }
            if hook.answer != .atOnce { step["expect"] = expectation }
        case (.webhook, .stripe):
            guard let event = start.trigger["event"] else { throw ReplayRefusal("the run holds no event of Stripe") }
            step = ["event": forTest(event)]
        case (.schedule, .schedule):
            step = ["schedule": flow]
            let moment = start.trigger["scheduledAt"]
            if moment != start.trigger["firedAt"] { step["at"] = (moment?.timestampValue?.rfc3339).map(Value.string) }
        default:
            step = ["run": flow]
            if !start.input.isEmpty { step["input"] = .map(start.input) }
            if !start.trigger.isNull { step["trigger"] = forTest(start.trigger) }
            if start.caller != .system { step["as"] = caller }
            if record.status == .failed { step["expect"] = expectation }
        }
        return step
    }

    /// An event that the run waited for and got.
    private func sent(_ entry: JournalEntry) -> Value? {
        guard entry.block == "wait", entry.status == .succeeded, let event = entry.output["name"] else { return nil }
        var step: ValueMap = ["send": event]
        if let key = entry.output["key"], !key.isNull { step["key"] = key }
        if let data = entry.output["data"], !data.isNull { step["data"] = data }
        return .map(step)
    }

    /// What the caller got; nil while the run waited on, since then it comes later.
    private var expectation: Value? {
        guard let answer = record.answer, !waits else { return nil }
        guard answer.status >= 400 else {
            var expected: ValueMap = ["status": .int(Int64(answer.status))]
            if !answer.body.isNull { expected["output"] = lasting(answer.body) }
            return .map(expected)
        }
        var expected: ValueMap = ["status": .int(Int64(answer.status))]
        if let code = answer.body["code"] { expected["error"] = ["code": code] }
        return .map(expected)
    }

    var waits: Bool { capsule.history.runs.contains { $0.entries.contains { $0.block == "wait" } } }
}
