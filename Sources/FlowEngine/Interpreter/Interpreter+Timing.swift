import Expressions
import FlowLanguage

// Time limits, further attempts, waiting. All of it is decided by times that the journal keeps.
extension Interpreter {
    // MARK: Time limits

    /// When an attempt that begins now is out of time: by its own limit or by one of what it lies in.
    func deadline(of node: Node, now: Timestamp) -> Timestamp? {
        var deadline = node.timeout.flatMap { now + $0 }
        for limit in [self.deadline] + node.timed.map({ state.loops[$0]?.deadline }) {
            if let limit { deadline = min(deadline ?? limit, limit) }
        }
        return deadline
    }

    /// Fails what has run out of time around `node`, the outermost first.
    ///
    /// Looked at where a block begins: what is under way comes to its end, so that nobody has to guess what became of it.
    /// - Returns: False when there is time left; nothing changed then.
    mutating func isOutOfTime(_ node: Node, now: Timestamp) -> Bool {
        guard !isInTransaction else { return false }
        if let deadline, let timeout = graph.timeout, now >= deadline {
            var failure = BlockFailure.timeout("the run", timeout)
            failure.block = node.path.rawValue
            note(node, .failed, now: now, failure.code)
            state.position = .unwinding(failure)
            return true
        }
        for index in node.timed {
            let head = graph[index]
            guard let deadline = state.loops[index]?.deadline, let timeout = head.timeout, now >= deadline else {
                continue
            }
            let failure = BlockFailure.timeout("'\(head.path)'", timeout)
            note(head, .failed, now: now, failure.code)
            fail(head, failure)
            return true
        }
        return false
    }

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
        var limits = node.timed.compactMap { state.loops[$0]?.deadline }
        if let deadline { limits.append(deadline) }
        return .pause(RetryPause(policy: policy, attempt: retry.attempt, deadline: limits.min()))
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

extension BlockFailure {
    /// Out of time; whatever was under way has come to an end.
    static func timeout(_ what: String, _ timeout: Duration) -> BlockFailure {
        let message = "\(what) did not end within \(timeout.authorText)"
        return BlockFailure(code: "timeout", type: "timeout", message: message, retryable: true)
    }
}
