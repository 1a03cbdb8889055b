import Expressions
import FlowLanguage

// Further attempts, waiting. All of it is decided by times that the journal keeps.
extension Interpreter {
    // MARK: Attempts

    func isWorthRetrying(_ node: Node, _ call: BlockCall, _ failure: BlockFailure) throws(BlockFailure) -> Bool {
        guard let policy = node.retry, call.attempt < policy.attempts else { return false }
        guard let on = policy.on else { return failure.retryable }
        var failure = failure
        if failure.block == nil { failure.block = node.path.rawValue }
        var scope = scope(now: call.now, at: node)
        scope.error = failure.scopeValue
        return try scope.holds(on.expression, at: on.range)
    }

    func pause(before retry: Retry) -> InterpreterAction {
        let node = graph[retry.node]
        guard let policy = node.retry else { preconditionFailure("a pause behind a block without 'retry'") }
        let deadline = deadline(around: node)
        return .pause(RetryPause(policy: policy, attempt: retry.attempt, deadline: deadline))
    }

    /// The pause that `next` asked for is over; without one, nothing changes.
    mutating func endPause() {
        if case .pausing(let retry) = state.position { state.position = .retrying(retry) }
    }

    // MARK: Jumps backwards

    mutating func jumpBack(max: Int, node: Node) {
        let jumps = state.jumps[node.index, default: 0] + 1
        state.jumps[node.index] = jumps
        if jumps <= max {
            state.position = .at(node.next)
        } else {
            let message = "the jump behind '\(node.path)' was taken \(max) times already"
            fail(node, BlockFailure(code: "too_many_jumps", type: "engine", message: message))
        }
    }

    // MARK: Waiting

    func wait(_ block: WaitBlock, node: Node, now: Timestamp) throws(BlockFailure) -> WaitWork {
        let scope = scope(now: now, at: node)
        switch block {
        case .span(let template):
            let value = try scope.evaluate(template)
            guard case .duration(let span) = value, let time = now + max(.zero, span) else {
                throw .expression("not_a_duration", "'for' gave \(value.kindName), not a duration", at: node.range)
            }
            return .time(time)
        case .time(let placed):
            let value = try scope.evaluate(placed.expression, at: placed.range)
            guard let time = value.timestampValue else {
                throw .expression("not_a_timestamp", "'until' gave \(value.kindName), not a timestamp", at: node.range)
            }
            return .time(time)
        case .event(let name, let template):
            var key: String?
            if let template { key = try eventKey(try scope.evaluate(template), node) }
            let subject = EventSubject(name: name, key: key)
            return .event(subject, after: state.events[subject] ?? 0)
        }
    }

    private func eventKey(_ value: Value, _ node: Node) throws(BlockFailure) -> String {
        let text: String
        switch value {
        case .string(let string): text = string
        case .int(let number): text = String(number)
        default: throw .expression("invalid_key", "'key' gave \(value.kindName), not a text or an int", at: node.range)
        }
        guard EventSubject.isKey(text) else {
            throw .expression("invalid_key", "'key' has 1 to \(Limits.eventKeyBytes) bytes", at: node.range)
        }
        return text
    }

    /// Remembers which event was seen, so that the next wait for its subject sees a later one.
    mutating func noteEvent(_ call: BlockCall, _ output: Value) {
        guard case .wait(.event(let subject, _)) = call.work, let id = output["id"]?.intValue else { return }
        state.events[subject] = id
    }
}

extension WaitWork {
    var journalInput: Value {
        switch self {
        case .time(let time): ["until": .timestamp(time)]
        case .event(let subject, let after):
            ["event": .string(subject.name), "key": subject.key.map(Value.string) ?? .null, "after": .int(after)]
        }
    }
}
