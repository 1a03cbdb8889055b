import Expressions
import FlowLanguage

// Nodes that no author wrote one by one: where the parts of a `try` meet.
extension Interpreter {
    /// Passes a joint; it is no visit of a block, so it counts none.
    ///
    /// - Returns: False for other nodes; nothing changed then.
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
        case .rethrow:
            fail(node, state.failure ?? .engine("invalid_graph", "a failure is passed on where there was none"))
        default: return false
        }
        return true
    }

    private mutating func chooseCatch(_ block: BranchBlock, uncaught: NodeIndex, node: Node, now: Timestamp) {
        do throws(BlockFailure) {
            let scope = scope(now: now)
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
