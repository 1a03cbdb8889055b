import Expressions
import FlowLanguage

extension Interpreter {
    /// Passes one block as `pass` does, and tells the watch what it did.
    mutating func passWatched(_ node: Node, now: Timestamp) -> InterpreterAction? {
        let visit = state.visits[node.path, default: 0] + 1
        let (names, before) = (loopNames(of: node), scope(now: now, at: node))
        watch?.enter(node, visit: visit, names: names, scope: before)
        let steps = state.trace.count
        let action = pass(node, now: now)
        let step = state.trace.count > steps ? state.trace.last : nil
        guard step != nil || action != nil else { return nil }
        let done = result(of: node, step)
        watch?.leave(node, visit: visit, result: done, hasEntry: action != nil)
        return action
    }

    /// What a block without an effect did, as far as it shows.
    private func result(of node: Node, _ step: TraceStep?) -> Value {
        guard let step else { return .null }
        var result: ValueMap = ["result": .string(step.result.rawValue)]
        if let note = step.note { result["note"] = .string(note) }
        if let id = node.id, let output = state.blocks[id] { result["output"] = output }
        if step.result == .failed {
            if case .unwinding(let failure) = state.position {
                result["failure"] = failure.scopeValue
            } else if let failure = state.failure {
                result["failure"] = failure.scopeValue
            }
            return .map(result)
        }
        switch node.action {
        case .setVariables(let assignments):
            var set = ValueMap()
            for assignment in assignments { set[assignment.name] = state.variables[assignment.name] }
            result["set"] = .map(set)
        case .log:
            guard let line = lines.last else { break }
            var fields = ValueMap()
            for (name, text) in line.fields.sorted(by: { $0.key < $1.key }) { fields[name] = .string(text) }
            result["level"] = .string(line.level.rawValue)
            result["fields"] = .map(fields)
        case .respond:
            if let answer = state.answer {
                result["answer"] = [
                    "status": .int(Int64(answer.status)), "headers": .map(answer.headers), "body": answer.body,
                ]
            }
        default: break
        }
        return .map(result)
    }

    /// The names of what the scope holds behind the slots of every flow.
    private func loopNames(of node: Node) -> [String] {
        var names: [String] = []
        for head in node.loops {
            if case .beginLoop(let block) = graph[head].action { names.append(block.item ?? "") }
        }
        return names.isEmpty ? [] : names + ["index"]
    }
}
