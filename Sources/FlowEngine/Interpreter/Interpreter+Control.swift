import Expressions
import FlowLanguage

// Loops, and the nodes that no author wrote one by one: where the parts of a loop or a `try` meet.
extension Interpreter {
    /// Passes a joint; it is no visit of a block, so it counts none.
    ///
    /// - Returns: False for other nodes, and for the pause before another attempt; nothing else changed then.
    mutating func passJoint(_ node: Node, now: Timestamp) -> Bool {
        switch node.action {
        case .chooseCatch(let block, let uncaught): chooseCatch(block, uncaught: uncaught, node: node, now: now)
        case .holdFailure(let begin):
            state.held[begin] = state.failure
            state.position = .at(node.next)
        case .endTry(let begin):
            if let failure = state.held.removeValue(forKey: begin) {
                fail(node, failure)
            } else {
                state.position = .at(node.next)
            }
        case .endTurn(let begin): endTurn(of: graph[begin], node: node, now: now)
        case .endBranch(let begin, let number): endBranch(number, of: graph[begin], node: node, now: now)
        case .jumpBack(let max): jumpBack(max: max, node: node)
        case .tryAgain(let policy, _): return givesUp(policy, node: node, now: now)
        case .rethrow:
            fail(node, state.failure ?? .engine("invalid_graph", "a failure is passed on where there was none"))
        default: return false
        }
        return true
    }

    // MARK: Loops

    mutating func begin(_ block: LoopBlock, node: Node, now: Timestamp) throws(BlockFailure) {
        var loop = Loop(deadline: node.timeout.flatMap { max(now, startedAt) + $0 })
        if block.kind == .each {
            let value = try scope(now: now, at: node).evaluate(block.head, at: node.range)
            guard let items = value.listValue else {
                throw .expression("not_a_list", "'each' gave \(value.kindName), not a list", at: node.range)
            }
            guard items.count <= FlowLanguage.Limits.turnsPerLoop else { throw Self.tooManyTurns(node) }
            loop.items = Array(items)
        }
        state.loops[node.index] = loop
        note(node, .done, now: now)
        try beginTurn(of: block, node: node, now: now)
    }

    private mutating func beginTurn(of block: LoopBlock, node: Node, now: Timestamp) throws(BlockFailure) {
        guard let loop = state.loops[node.index] else {
            throw .engine("invalid_graph", "a turn ends in a loop that was not begun")
        }
        for id in block.ids { state.blocks[id] = nil }
        for jump in block.jumps { state.jumps[jump] = nil }
        switch block.kind {
        case .each:
            if loop.turns < loop.items.count {
                state.position = .at(block.body)
                return
            }
        case .while(let max):
            if try scope(now: now, at: node).holds(block.head, at: node.range) {
                guard loop.turns < max else { throw Self.tooManyTurns(node) }
                state.position = .at(block.body)
                return
            }
        }
        state.loops[node.index] = nil
        if let id = node.id {
            var output: ValueMap = ["count": .int(Int64(loop.turns))]
            if block.collect != nil { output["items"] = .list(loop.collected) }
            state.blocks[id] = .map(output)
        }
        state.position = .at(node.success ?? node.next)
    }

    private mutating func endTurn(of head: Node, node: Node, now: Timestamp) {
        guard case .beginLoop(let block) = head.action else { return }
        do throws(BlockFailure) {
            if let collect = block.collect {
                let value = try scope(now: now, at: node).evaluate(collect)
                state.loops[head.index]?.collected.append(value)
            }
            state.loops[head.index]?.turns += 1
            try beginTurn(of: block, node: head, now: now)
        } catch {
            note(head, .failed, now: now, error.code)
            fail(head, error)
        }
    }

    static func tooManyTurns(_ node: Node) -> BlockFailure {
        BlockFailure(code: "too_many_turns", type: "engine", message: "'\(node.path)' takes more turns than it may")
    }

    // MARK: Failures

    private mutating func chooseCatch(_ block: BranchBlock, uncaught: NodeIndex, node: Node, now: Timestamp) {
        do throws(BlockFailure) {
            let scope = scope(now: now, at: node)
            for (position, branch) in block.branches.enumerated() {
                if let when = branch.when, try !scope.holds(when, at: node.range) { continue }
                note(node, .done, now: now, String(position))
                state.position = .at(branch.entry ?? node.next)
                return
            }
            note(node, .done, now: now, "none")
            state.position = .at(uncaught)
        } catch {
            note(node, .failed, now: now, error.code)
            fail(node, error)
        }
    }
}
