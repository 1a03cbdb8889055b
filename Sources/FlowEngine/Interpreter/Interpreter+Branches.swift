import Expressions
import FlowLanguage

/// What goes on beside each other in a `parallel`, or a `for-each` with `concurrency`.
struct BranchWork: Sendable {
    /// The branches by name; nil for the turns of a `for-each`.
    var names: [String]?
    /// What the turns of a `for-each` go through.
    var items: [Value] = []
    /// How many go on at once.
    var concurrency: Int
    var join: BranchesBlock.Join
    var onFailure: BranchesBlock.FailureRule
    /// Whether a `for-each` hands on what its turns give.
    var collects = false
}

extension BranchWork {
    /// As the block's own entry keeps it: with it a branch that ends begins the next one.
    var journalInput: Value {
        var input = ValueMap()
        if let names {
            input["branches"] = .list(names.map(Value.string))
            input["join"] = .string(join.rawValue)
        } else {
            input["items"] = .int(Int64(items.count))
            input["concurrency"] = .int(Int64(concurrency))
        }
        input["onFailure"] = .string(onFailure.rawValue)
        return .map(input)
    }
}

// Branches are runs of their own: each begins from what this run knows, at the first block of its list.
extension Interpreter {
    func branches(_ block: BranchesBlock, node: Node, now: Timestamp) throws(BlockFailure) -> BranchWork {
        switch block.content {
        case .lists(let lists):
            return BranchWork(
                names: lists.map(\.name),
                concurrency: lists.count,
                join: block.join,
                onFailure: block.onFailure
            )
        case .items(let turns):
            let value = try scope(now: now, at: node).evaluate(turns.head, at: node.range)
            guard let items = value.listValue else {
                throw .expression("not_a_list", "'each' gave \(value.kindName), not a list", at: node.range)
            }
            guard items.count <= FlowLanguage.Limits.concurrentTurnsInAll else { throw Self.tooManyTurns(node) }
            return BranchWork(
                items: Array(items),
                concurrency: turns.concurrency,
                join: block.join,
                onFailure: block.onFailure,
                collects: turns.collect != nil
            )
        }
    }

    /// The branch with the number `number`, as it begins.
    ///
    /// Nil when this run does not stand at `call`, or has no such branch.
    func branch(_ number: Int, of call: BlockCall, as run: RunID, _ start: RunStart) -> Interpreter? {
        guard case .awaiting(let awaited) = state.position, awaited.node == call.node,
            case .beginBranches(let block) = graph[call.node].action
        else { return nil }
        var branch = Interpreter(graph: graph, run: run, start: start, startedAt: call.now)
        (branch.input, branch.trigger, branch.runValue) = (input, trigger, runValue)
        (branch.deadline, branch.listensSince) = (runLimit, listensSince)
        branch.startedAt = startedAt
        branch.branchHead = call.node
        branch.state.blocks = state.blocks
        branch.state.variables = state.variables
        branch.state.errors = state.errors
        branch.state.failure = state.failure
        branch.state.loops = state.loops
        branch.state.events = state.events
        switch block.content {
        case .lists(let lists):
            guard lists.indices.contains(number) else { return nil }
            branch.state.position = .at(lists[number].entry)
        case .items(let turns):
            guard let loop = state.loops[call.node], loop.items.indices.contains(number) else { return nil }
            branch.state.loops[call.node]?.turns = number
            branch.state.position = .at(turns.entry)
        }
        return branch
    }

    /// A branch comes to its end, and its run with it.
    mutating func endBranch(_ number: Int, of head: Node, node: Node, now: Timestamp) {
        guard case .beginBranches(let block) = head.action else { return }
        switch block.content {
        case .lists(let lists):
            var output = ValueMap()
            for id in lists[number].ids { output[id] = state.blocks[id] }
            state.position = .finished(.joined(output: .map(output)))
        case .items(let turns):
            do throws(BlockFailure) {
                let output = try turns.collect.map { (template) throws(BlockFailure) in
                    try scope(now: now, at: node).evaluate(template)
                }
                state.position = .finished(.joined(output: output ?? .null))
            } catch {
                note(head, .failed, now: now, error.code)
                fail(node, error)
            }
        }
    }
}
