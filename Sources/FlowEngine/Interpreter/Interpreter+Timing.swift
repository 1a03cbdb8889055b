import Crypto
import Expressions
import FlowLanguage

// Further attempts, waiting. All of it is decided by times that the journal keeps.
extension Interpreter {
    // MARK: Attempts

    /// Where `on` cannot tell, `failure` says so: it stays what it is, since a `fail` or `catch` is there for it.
    func isWorthRetrying(_ node: Node, _ call: BlockCall, _ failure: inout BlockFailure) -> Bool {
        guard let policy = node.retry, call.attempt < policy.attempts else { return false }
        if failure.block == nil { failure.block = node.path.rawValue }
        return policy.covers(&failure, scope(now: call.now, at: node))
    }

    func pause(before retry: Retry) -> InterpreterAction {
        let node = graph[retry.node]
        guard let policy = node.retry else { preconditionFailure("a pause behind a block without 'retry'") }
        let deadline = deadline(around: node)
        return .pause(RetryPause(policy: policy, attempt: retry.attempt, atLeast: retry.rest, deadline: deadline))
    }

    /// The pause that `next` asked for is over; without one, nothing changes.
    mutating func endPause() {
        if case .pausing(let retry) = state.position { state.position = .retrying(retry) }
    }

    // MARK: Attempts at a block that is no one effect

    /// A block that is entered from elsewhere has all its attempts before it; each begins with what is known now.
    mutating func countAttempts(at node: Node) {
        guard let again = node.again else { return }
        if state.again != node.index {
            state.attempts[again] = Attempts(blocks: state.blocks, variables: state.variables, jumps: state.jumps)
        }
        state.again = nil
    }

    /// Counts a further attempt at what led to `node`, or fails as that did.
    ///
    /// - Returns: False when there is one.
    mutating func givesUp(_ policy: RetryPolicy, node: Node, now: Timestamp) -> Bool {
        var failure = state.failure ?? .engine("invalid_graph", "an attempt is made again that did not fail")
        let count = state.attempts[node.index]?.count ?? policy.attempts
        // 'on' was checked by what is known where the block begins.
        var scope = scope(now: now, at: node)
        if let attempts = state.attempts[node.index] {
            (scope.blocks, scope.variables) = (attempts.blocks, attempts.variables)
        }
        if count < policy.attempts, policy.covers(&failure, scope) {
            state.attempts[node.index]?.count = count + 1
            return false
        }
        state.attempts[node.index] = nil
        fail(node, failure)
        return true
    }

    /// When the next attempt begins: the same at each repetition, since chance is drawn from the run, the block and the visit.
    func end(ofPauseAt node: Node, _ policy: RetryPolicy, now: Timestamp) throws(BlockFailure) -> Timestamp {
        let visit = state.visits[node.path] ?? 1
        let chance = SeededChance("\(run) \(node.path) \(visit)")
        let delay = Backoff(policy).delay(before: state.attempts[node.index]?.count ?? 2, random: chance)
        guard let end = now + max(delay, .seconds(state.failure?.retryAfter ?? 0)) else {
            throw .engine("invalid_time", "the pause would end after the year 9999")
        }
        return end
    }

    /// The pause is over, and the block is entered again as if it had not been tried.
    ///
    /// - Returns: False behind anything else than such a pause.
    mutating func beginAgain(_ node: Node) -> Bool {
        guard case .tryAgain(_, let head) = node.action, let attempts = state.attempts[node.index] else { return false }
        (state.blocks, state.variables, state.jumps) = (attempts.blocks, attempts.variables, attempts.jumps)
        state.again = head
        state.position = .at(head)
        return true
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
            guard case .duration(let span) = value else {
                throw .expression("not_a_duration", "'for' gave \(value.kindName), not a duration", at: node.range)
            }
            guard let time = now + max(.zero, span) else {
                throw .expression("invalid_time", "'for' ends beyond the year 9999", at: node.range)
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

extension RetryPolicy {
    /// Whether such a failure is one after which to try again.
    fileprivate func covers(_ failure: inout BlockFailure, _ scope: FlowScope) -> Bool {
        guard let on else { return failure.retryable }
        var scope = scope
        scope.error = failure.scopeValue
        do throws(BlockFailure) {
            return try scope.holds(on.expression, at: on.range)
        } catch {
            failure.message += " ('on' of its 'retry' cannot tell whether to try again: \(error.message))"
            return false
        }
    }
}

/// The same bytes for the same words.
private struct SeededChance: RandomSource {
    private let words: String

    init(_ words: String) { self.words = words }

    func bytes(_ count: Int) -> [UInt8] { Array(SHA256.hash(data: Array(words.utf8)).prefix(count)) }
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
