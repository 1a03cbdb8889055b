import Expressions
import FlowLanguage

/// What a time limit ended, while the `finally` lists within it still run.
struct Cleanup: Sendable {
    /// The block that is out of time; nil: the run.
    var limited: NodeIndex?
    var failure: BlockFailure
    /// How many `try` with `finally` lie around the list that runs, itself included.
    var depth: Int
    /// When the lists are out of time themselves.
    var until: Timestamp
}

// Time limits of blocks that hold others and of the whole run.
extension Interpreter {
    private struct Limit {
        /// The block that is limited; nil: the run.
        var head: NodeIndex?
        var deadline: Timestamp
        var timeout: Duration
    }

    /// From now on, what a block holds counts against its time limit, if it has one.
    mutating func measure(_ node: Node, now: Timestamp) {
        guard let timeout = node.timeout else { return }
        state.loops[node.index] = Loop(deadline: max(now, startedAt) + timeout)
    }

    /// When an attempt that begins now is out of time: by its own limit or by one of what it lies in.
    func deadline(of node: Node, now: Timestamp) -> Timestamp? {
        guard let own = node.timeout.flatMap({ now + $0 }) else { return deadline(around: node) }
        return deadline(around: node).map { min($0, own) } ?? own
    }

    /// When what a node lies in is out of time; in a `finally` list, when that may take no longer.
    func deadline(around node: Node) -> Timestamp? {
        var ends = limits(around: node).map { limit in
            guard running(within: limit, at: node) != nil else { return limit.deadline }
            return limit.deadline + Limits.cleanupTime ?? limit.deadline
        }
        if let cleanup = state.cleanup { ends.append(cleanup.until) }
        // A branch stops with its run even where the flow has no limit: the run may be behind that of a loop.
        if branchHead != nil, let deadline { ends.append(deadline) }
        return ends.min()
    }

    /// When the run is out of time, or what still runs behind a limit.
    var runLimit: Timestamp? {
        guard let cleanup = state.cleanup else { return deadline }
        guard cleanup.limited != nil, let deadline else { return cleanup.until }
        return min(cleanup.until, deadline)
    }

    /// The limits that count at `node`, the outermost first: not those that are over while `finally` runs.
    private func limits(around node: Node) -> [Limit] {
        let cleanup = state.cleanup
        var isOver = cleanup.map { $0.limited == nil } ?? false
        var limits: [Limit] = []
        if !isOver, let deadline, let timeout = graph.timeout {
            limits.append(Limit(deadline: deadline, timeout: timeout))
        }
        for head in node.timed {
            if let cleanup {
                if head == cleanup.limited { isOver = true }
                if isOver, finals(around: head).count < cleanup.depth { continue }
            }
            guard let deadline = state.loops[head]?.deadline, let timeout = graph[head].timeout else { continue }
            limits.append(Limit(head: head, deadline: deadline, timeout: timeout))
        }
        return limits
    }

    /// Fails what has run out of time around `node`, the outermost first.
    ///
    /// Looked at where a block begins: what is under way comes to its end, so that nobody has to guess what became of it.
    /// - Returns: False when the block may begin.
    mutating func isOutOfTime(_ node: Node, now: Timestamp) -> Bool {
        guard deadline != nil || !node.timed.isEmpty || state.cleanup != nil, !isInTransaction else { return false }
        if let limit = limits(around: node).first(where: { isOver($0, now: now) }) {
            return end(limit, at: node, now: now)
        }
        guard let cleanup = state.cleanup, cleanup.until <= now else { return false }
        note(node, .failed, now: now, cleanup.failure.code)
        finish(cleanup)
        return true
    }

    private func isOver(_ limit: Limit, now: Timestamp) -> Bool {
        guard now < startedAt else { return limit.deadline <= now }
        // Repeated from another run's journal: there it was over where its failure stands in the trace.
        guard let head = limit.head, state.trace.count < recorded.count else { return false }
        let step = recorded[state.trace.count]
        return step.path == graph[head].path && step.result == .failed && step.note == BlockFailure.timeoutCode
    }

    /// Fails what lies around a block that failed for want of its time: nothing in there handles that, or tries again.
    ///
    /// The next block would see it, but there may be none: an empty `fail` or `catch` leads to the end.
    /// - Returns: False when the failure is the block's own.
    mutating func endsLimit(_ call: BlockCall, _ failure: BlockFailure, at time: Timestamp?) -> Bool {
        guard failure.isTimeout, let time else { return false }
        let node = graph[call.node]
        if time < startedAt { return isOutOfTime(node, now: time) }
        guard let deadline = call.deadline, deadline <= time else { return false }
        return deadline == self.deadline(around: node) && isOutOfTime(node, now: time)
    }

    /// Lets the `finally` lists between `node` and what is out of time run, the innermost first; then that fails.
    ///
    /// What waits for a branch that is out of time with the whole run cancels it: its `finally` lists do not run.
    /// - Returns: False when `node` lies in such a list, which goes on.
    private mutating func end(_ limit: Limit, at node: Node, now: Timestamp) -> Bool {
        let what = limit.head.map { "'\(graph[$0].path)'" } ?? "the run"
        var failure = BlockFailure.timeout(what, limit.timeout)
        failure.block = limit.head == nil ? node.path.rawValue : nil
        let until = max(now, startedAt) + Limits.cleanupTime ?? now
        let cleanup = Cleanup(limited: limit.head, failure: failure, depth: 0, until: until)
        if let depth = running(within: limit, at: node) {
            state.cleanup = cleanup
            state.cleanup?.depth = depth
            return false
        }
        note(limit.head.map { graph[$0] } ?? node, .failed, now: now, failure.code)
        if limit.head == nil, branchHead != nil { finish(cleanup) } else { cleanUp(behind: node, cleanup) }
        return true
    }

    /// How deep the outermost `finally` list lies that `node` is a part of and that goes on when `limit` is over.
    private func running(within limit: Limit, at node: Node) -> Int? {
        // In a branch of a run that is out of time nothing goes on.
        guard !graph.finals.isEmpty, limit.head != nil || branchHead == nil else { return nil }
        let outside = limit.head.map { finals(around: $0).count } ?? 0
        let inner = finals(around: node.index).dropFirst(outside)
        return inner.firstIndex { $0.list.contains(node.index.rawValue) }.map { $0 + 1 }
    }

    /// Goes on behind a `finally` list that ran for what is out of time: nothing else catches that.
    ///
    /// - Returns: False while the list is under way; nothing changed then.
    mutating func leaves(_ cleanup: Cleanup, at node: Node, now: Timestamp) -> Bool {
        guard !isInTransaction, finals(around: node.index).count < cleanup.depth else { return false }
        if cleanup.until <= now { finish(cleanup) } else { cleanUp(behind: node, cleanup) }
        return true
    }

    /// Ends the run with a failure that nothing catches, behind the `finally` lists around `node` if they have time.
    ///
    /// Where such a list itself goes on without end, nothing of it is left to be done.
    mutating func abandon(at node: Node, _ failure: BlockFailure, hasTime: Bool, now: Timestamp) {
        let isInFinally = finals(around: node.index).contains { $0.list.contains(node.index.rawValue) }
        guard hasTime, !isInFinally, state.cleanup == nil else {
            state.position = .unwinding(failure)
            return
        }
        let until = max(now, startedAt) + Limits.cleanupTime ?? now
        cleanUp(behind: node, Cleanup(limited: nil, failure: failure, depth: 0, until: until))
    }

    private mutating func cleanUp(behind node: Node, _ cleanup: Cleanup) {
        let around = finals(around: node.index)
        let outside = cleanup.limited.map { finals(around: $0).count } ?? 0
        guard around.count > outside, let next = around.last else { return finish(cleanup) }
        state.cleanup = cleanup
        state.cleanup?.depth = around.count
        state.failure = cleanup.failure
        state.position = .at(next.holding)
    }

    private mutating func finish(_ cleanup: Cleanup) {
        state.cleanup = nil
        if let limited = cleanup.limited {
            fail(graph[limited], cleanup.failure)
        } else {
            state.position = .unwinding(cleanup.failure)
        }
    }

    /// The `finally` lists that a node lies in or whose `try` it lies in, the outermost first.
    private func finals(around index: NodeIndex) -> [FlowGraph.Finally] {
        let first = branchHead?.rawValue ?? -1
        return graph.finals.filter { list in
            list.begin.rawValue > first
                && (list.guarded.contains(index.rawValue) || list.list.contains(index.rawValue))
        }
    }
}

extension BlockFailure {
    /// Out of time; whatever was under way has come to an end.
    static func timeout(_ what: String, _ timeout: Duration) -> BlockFailure {
        let message = "\(what) did not end within \(timeout.authorText)"
        return BlockFailure(code: timeoutCode, type: timeoutCode, message: message, retryable: true)
    }

    fileprivate static let timeoutCode = "timeout"
    fileprivate var isTimeout: Bool { code == Self.timeoutCode && type == Self.timeoutCode }
}
