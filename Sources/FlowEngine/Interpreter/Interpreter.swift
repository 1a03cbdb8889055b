import Expressions
import FlowLanguage

/// Decides what a run does next, and does nothing itself: no clock, no store, no network, no randomness.
///
/// A value: whoever drives it works on a copy and keeps the copy once its effects are on disk. Fed the recorded
/// entries, it takes the very way that it took live; then it goes on.
///
/// 1. `next(now:)` walks pure blocks (branch, set-variables, log, respond, fail) and stops at an effect.
/// 2. The driver does the effect and calls `succeeded` or `failed`.
/// 3. Pure blocks see the `now` of the effect that follows them, so that an entry's `startedAt` suffices to repeat
///    both: the driver reads the clock once after each entry, not more often.
struct Interpreter: Sendable {
    let graph: FlowGraph
    let run: RunID
    let start: RunStart
    /// What expressions see as `input`, `trigger` and `run`; in a branch, its parent's.
    var input: Value
    var trigger: Value
    var runValue: Value
    /// When the run began; of one that does another again, after what it takes over from that one's journal.
    var startedAt: Timestamp
    /// What the journal says of the blocks that were passed before the next entry: whether a limit was over in what is
    /// taken over from another run is told by it alone, since the time that passed between the two runs counts for nothing.
    var recorded: [TraceStep] = []
    /// When the whole run is out of time.
    var deadline: Timestamp?
    /// Of a branch: the block that began it; what lies around that is its parent's.
    var branchHead: NodeIndex?
    /// Since when events count that the run waits for, if not since it was created: a branch's, since its parent was.
    var listensSince: Timestamp?

    /// What a transaction that is rolled back gives up.
    struct State: Sendable {
        var position: Position
        var blocks = ValueMap()
        var variables = ValueMap()
        /// What `error` shows in the `fail` list or `catch` of a block: its own failure, whatever else fails in there.
        var errors: [NodeIndex: BlockFailure] = [:]
        /// The last failure that was handled, for the nodes that pass it on.
        var failure: BlockFailure?
        /// Failures that wait for the `finally` of the `try` at a node.
        var held: [NodeIndex: BlockFailure] = [:]
        /// What is out of time and ends behind the `finally` that is under way.
        var cleanup: Cleanup?
        /// Loops, and other blocks with a time limit of what they hold, by their heads.
        var loops: [NodeIndex: Loop] = [:]
        var visits: [BlockPath: Int] = [:]
        /// Jumps backwards taken so far, in a loop in this turn, by the nodes that count them.
        var jumps: [NodeIndex: Int] = [:]
        /// Attempts at blocks that are no one effect, by the nodes that count them.
        var attempts: [NodeIndex: Attempts] = [:]
        /// The block that is about to be entered for a further attempt.
        var again: NodeIndex?
        /// The last event that the run saw of each subject that it waited for.
        var events: [EventSubject: Int64] = [:]
        var trace: [TraceStep] = []
        /// Entries so far; the next one's number is one more.
        var entries = 0
        var answer: RunAnswer?
    }

    /// A block that holds others and is under way, as far as it has to be remembered.
    struct Loop: Sendable {
        /// What `for-each` goes through; evaluated once, when the loop begins.
        var items: [Value] = []
        /// Turns done.
        var turns = 0
        var collected: [Value] = []
        var deadline: Timestamp?
    }

    struct Attempts: Sendable {
        /// The one that is under way included.
        var count = 1
        /// As they were when the first one began.
        var blocks: ValueMap
        var variables: ValueMap
        var jumps: [NodeIndex: Int]
    }

    /// A further attempt at a block that failed.
    struct Retry: Sendable {
        var node: NodeIndex
        var visit: Int
        var attempt: Int
        /// The pause before it is no shorter.
        var rest: Duration
    }

    enum Position: Sendable {
        case at(NodeIndex?)
        /// Stopped at an effect whose outcome is to come.
        case awaiting(BlockCall)
        case awaitingClose(BlockCall)
        /// Between two attempts.
        case pausing(Retry)
        case retrying(Retry)
        indirect case unwinding(BlockFailure)
        indirect case finished(RunEnding)
    }

    struct Frame: Sendable {
        var call: BlockCall
        /// As it was when the transaction opened.
        var saved: State
    }

    var state: State
    /// Looks on in replays; nil in live runs.
    var watch: PassWatch?
    /// Open transactions, outermost first.
    private(set) var frames: [Frame] = []
    var lines: [FlowLogLine] = []
    /// Of the lines since the last effect.
    var loggedBytes = 0
    /// Counted over the whole run; not given back by a rollback, since the work was done.
    private var blocksPassed = 0
    private var pureBlocksPassed = 0
    private var hasPassedTooMany = false
    /// What the run may compute in one turn, in steps of evaluations; nil: as much as it likes.
    private var share: Int?
    private var blocksOfTurn = 0
    private let meter = EvaluationMeter()

    init(graph: FlowGraph, run: RunID, start: RunStart, startedAt: Timestamp) {
        self.graph = graph
        self.run = run
        self.start = start
        self.input = .map(start.input)
        self.trigger = start.trigger
        self.startedAt = startedAt
        self.runValue = FlowScope.describe(run, start, startedAt: startedAt)
        self.deadline = graph.timeout.flatMap { startedAt + $0 }
        self.state = State(position: .at(graph.entry))
        // Most runs pass each block once: growing step by step costs more than the room.
        state.visits.reserveCapacity(min(graph.nodes.count, 16))
    }

    /// Set by the first `respond`.
    var answer: RunAnswer? { state.answer }
    var isInTransaction: Bool { !frames.isEmpty }

    /// Gives the number of the next entry.
    mutating func takeSequence() -> Int {
        state.entries += 1
        return state.entries
    }

    /// Hands out the pure blocks passed since the last entry.
    mutating func takeTrace() -> [TraceStep] {
        defer { state.trace = [] }
        return state.trace
    }

    /// Hands out the log lines written since the last call.
    mutating func takeLines() -> [FlowLogLine] {
        defer { lines = [] }
        return lines
    }

    /// What the expressions of `node` see; nil: those behind the last block.
    func scope(now: Timestamp, at node: Node? = nil) -> FlowScope {
        var items: [Value] = []
        var index = 0
        for head in node?.loops ?? [] {
            guard let loop = state.loops[head], loop.turns < loop.items.count else { break }
            index = loop.turns
            items.append(loop.items[index])
        }
        if !items.isEmpty { items.append(.int(Int64(index))) }
        return FlowScope(
            input: input,
            trigger: trigger,
            blocks: state.blocks,
            variables: state.variables,
            error: node?.handled.flatMap { state.errors[$0]?.scopeValue },
            run: runValue,
            now: now,
            items: items,
            meter: meter
        )
    }
}

// MARK: Events

extension Interpreter {
    /// Begins a turn, in which the run computes so much before it rests; nil: as much as it likes.
    mutating func beginTurn(share: Int?) {
        self.share = share
        blocksOfTurn = 0
        meter.reset()
    }

    /// A transaction cannot be left open while others have their turns.
    private var isDueToRest: Bool {
        guard let share, frames.isEmpty else { return false }
        return blocksOfTurn > 0 && meter.steps + blocksOfTurn * Limits.stepsPerBlock > share
    }

    /// Walks on to the next effect or the end, or until the run has had its share of the writer's thread.
    ///
    /// Asked again before an effect was answered, it asks for the same effect again.
    mutating func next(now: Timestamp) -> InterpreterAction {
        while true {
            switch state.position {
            case .awaiting(let call): return .perform(call)
            case .awaitingClose(let call): return .closeTransaction(call)
            case .pausing(let retry): return pause(before: retry)
            case .retrying(let retry): if let action = attempt(retry, now: now) { return action }
            case .finished(let ending): return .finish(ending)
            case .unwinding(let failure):
                guard let frame = frames.popLast() else {
                    state.position = .finished(.failed(failure))
                    continue
                }
                state = frame.saved
                state.position = .awaiting(frame.call)
                return .rollBack(frame.call, failure)
            case .at(nil):
                end(now: now)
            case .at(.some(let index)):
                if isDueToRest { return .rest }
                let node = graph[index]
                if let action = watch == nil ? pass(node, now: now) : passWatched(node, now: now) { return action }
            }
        }
    }

    /// The effect that the interpreter stopped at is done.
    mutating func succeeded(_ call: BlockCall, output: Value) {
        let node = graph[call.node]
        arrive(at: node)
        if let id = node.id { state.blocks[id] = output }
        noteEvent(call, output)
        if beginAgain(node) { return }
        if case .endTransaction(let begin) = node.action {
            // A jump may have left the savepoint's end to the node that closes it.
            state.position = .at(graph[begin].success ?? node.next ?? graph[begin].next)
        } else {
            state.position = .at(node.success ?? node.next)
        }
    }

    /// The effect that the interpreter stopped at failed at `time`, as its entry says.
    mutating func failed(_ call: BlockCall, _ failure: BlockFailure, at time: Timestamp?) {
        let node = graph[call.node]
        arrive(at: node)
        if endsLimit(call, failure, at: time) { return }
        var failure = failure
        guard isWorthRetrying(node, call, &failure) else { return fail(node, failure) }
        let rest = Duration.seconds(failure.retryAfter ?? 0)
        state.position = .pausing(Retry(node: node.index, visit: call.visit, attempt: call.attempt + 1, rest: rest))
    }

    /// The savepoint that `openTransaction` asked for is open.
    private mutating func open(_ call: BlockCall, body: NodeIndex?, end: NodeIndex) {
        frames.append(Frame(call: call, saved: state))
        state.position = .at(body ?? end)
    }

    /// Gives back what the innermost transaction did, if it is `call`'s.
    mutating func closeFrame(of call: BlockCall) -> Bool {
        guard let frame = frames.popLast(), frame.call.node == call.node else { return false }
        state = frame.saved
        return true
    }

    private mutating func arrive(at node: Node) {
        if case .beginBranches = node.action { state.loops[node.index] = nil }
        state.trace = []
        pureBlocksPassed = 0
        loggedBytes = 0
    }
}

// MARK: Walking

extension Interpreter {
    /// Passes one block; gives an action when it needs one from outside.
    mutating func pass(_ node: Node, now: Timestamp) -> InterpreterAction? {
        guard count(node, now: now) else { return nil }
        if case .endTransaction(let begin) = node.action { return close(begin, node: node, now: now) }
        if let cleanup = state.cleanup, leaves(cleanup, at: node, now: now) { return nil }
        countAttempts(at: node)
        if passJoint(node, now: now) || isOutOfTime(node, now: now) { return nil }
        do throws(BlockFailure) {
            if let when = node.when, try !scope(now: now, at: node).holds(when, at: node.range) {
                if let id = node.id { state.blocks[id] = nil }
                note(node, .skipped, now: now)
                state.position = .at(node.next)
                return nil
            }
            let visit = countVisit(of: node.path)
            if let id = node.id { state.blocks[id] = nil }
            if try passPure(node, now: now) { return nil }
            return try call(node, visit: visit, attempt: 1, now: now)
        } catch {
            note(node, .failed, now: now, error.code)
            fail(node, error)
            return nil
        }
    }

    private mutating func countVisit(of path: BlockPath) -> Int {
        func addOne(to visits: inout Int) -> Int {
            visits += 1
            return visits
        }
        return addOne(to: &state.visits[path, default: 0])
    }

    /// Begins a further attempt at a block; what it takes is evaluated anew.
    private mutating func attempt(_ retry: Retry, now: Timestamp) -> InterpreterAction? {
        let node = graph[retry.node]
        guard count(node, now: now), !isOutOfTime(node, now: now) else { return nil }
        do throws(BlockFailure) {
            return try call(node, visit: retry.visit, attempt: retry.attempt, now: now)
        } catch {
            note(node, .failed, now: now, error.code)
            fail(node, error)
            return nil
        }
    }

    private mutating func call(
        _ node: Node,
        visit: Int,
        attempt: Int,
        now: Timestamp
    ) throws(BlockFailure) -> InterpreterAction {
        let work = try work(of: node, now: now)
        let call = BlockCall(
            node: node.index,
            path: node.path,
            visit: visit,
            attempt: attempt,
            block: node.action.word,
            now: now,
            work: work,
            trace: state.trace,
            timeout: node.timeout,
            deadline: deadline(of: node, now: now)
        )
        if case .beginTransaction(let body, let end) = node.action {
            open(call, body: body, end: end)
            return .openTransaction(call)
        }
        // The items that its turns see; they begin from this state.
        if case .branches(let branches) = work { state.loops[node.index] = Loop(items: branches.items) }
        state.position = .awaiting(call)
        return .perform(call)
    }

    /// - Returns: False when the run has passed too many blocks.
    private mutating func count(_ node: Node, now: Timestamp) -> Bool {
        blocksPassed += 1
        blocksOfTurn += 1
        if !node.action.isJoint { pureBlocksPassed += 1 }
        let isTotal = blocksPassed > Limits.blocksPerRun
        guard isTotal || pureBlocksPassed > Limits.pureBlocksBetweenEffects else { return true }
        let limit = isTotal ? Limits.blocksPerRun : Limits.pureBlocksBetweenEffects
        var failure = BlockFailure.engine(
            "too_many_blocks",
            isTotal ? "the run passed more than \(limit) blocks" : "more than \(limit) blocks without an effect"
        )
        failure.block = node.path.rawValue
        let hasTime = !hasPassedTooMany && !isInTransaction
        if hasTime {
            // `finally` may do as much again, once.
            hasPassedTooMany = true
            (blocksPassed, pureBlocksPassed) = (blocksPassed - Limits.pureBlocksBetweenEffects, 0)
        }
        abandon(at: node, failure, hasTime: hasTime, now: now)
        return false
    }

    private mutating func close(_ begin: NodeIndex, node: Node, now: Timestamp) -> InterpreterAction? {
        guard let frame = frames.last, frame.call.node == begin else {
            state.position = .unwinding(.engine("invalid_graph", "a transaction is closed that was not opened"))
            return nil
        }
        frames.removeLast()
        let call = frame.call.closing(at: node.index, now: now, trace: state.trace)
        state.position = .awaitingClose(call)
        return .closeTransaction(call)
    }

    private mutating func end(now: Timestamp) {
        if isInTransaction {
            state.position = .unwinding(.engine("invalid_graph", "the flow ends inside a transaction"))
            return
        }
        // Who has responded has given its output: what is declared may name blocks that did not run on this way.
        guard state.answer == nil, graph.kind == .page || !graph.outputs.isEmpty else {
            state.position = .finished(.succeeded(output: nil))
            return
        }
        do throws(BlockFailure) {
            let scope = scope(now: now)
            var output = ValueMap(minimumCapacity: graph.outputs.count)
            for declared in graph.outputs {
                let value = try scope.evaluate(declared.value)
                if let fault = value.jsonFault {
                    throw .engine("not_json", "the output '\(declared.name)' cannot be written: \(fault)")
                }
                output[declared.name] = value
            }
            state.position = .finished(.succeeded(output: output))
        } catch {
            state.position = .finished(.failed(error))
        }
    }

    mutating func fail(_ node: Node, _ failure: BlockFailure) {
        var failure = failure
        if failure.block == nil { failure.block = node.path.rawValue }
        if let id = node.id ?? node.action.idOfWhole { state.blocks[id] = nil }
        switch node.failure {
        case .handled(let entry):
            if let handler = node.handler { state.errors[handler] = failure }
            state.failure = failure
            state.position = .at(entry ?? node.next)
        case .propagates:
            state.position = .unwinding(failure)
        }
    }

    mutating func note(_ node: Node, _ result: TraceStep.Result, now: Timestamp, _ note: String? = nil) {
        state.trace.append(TraceStep(path: node.path, block: node.action.word, result: result, at: now, note: note))
    }
}
