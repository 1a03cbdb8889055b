import Expressions

/// A graph as text: a line for each node with its path, what it does and where it leads.
package enum FlowGraphText {
    /// Lines in the order of the nodes, indented by the depth of their paths.
    package static func render(_ graph: FlowGraph) -> String {
        var lines = ["\(graph.kind.rawValue) flow \(graph.name)"]
        if let trigger = graph.trigger { lines[0] += " on \(text(trigger))" }
        if let timeout = graph.timeout { lines[0] += " within \(timeout.authorText)" }
        if !graph.inputs.isEmpty {
            lines.append("input " + graph.inputs.map { "\($0.name): \($0.type.rawValue)" }.joined(separator: ", "))
        }
        lines.append("entry \(name(graph.entry, graph))")
        for node in graph.nodes {
            let depth = node.path.rawValue.split(separator: "/").count - 1
            lines.append(String(repeating: "  ", count: depth) + line(node, graph))
        }
        if !graph.outputs.isEmpty { lines.append("output " + graph.outputs.map(\.name).joined(separator: ", ")) }
        return lines.joined(separator: "\n") + "\n"
    }

    private static func line(_ node: Node, _ graph: FlowGraph) -> String {
        var text = "\(node.path) \(node.action.word)"
        switch node.action {
        case .command(let command): text += " \(command.connection).\(command.command)"
        case .findRecord(let find), .findRecords(let find): text += " \(find.table)"
        case .insertRecord(let insert): text += " \(insert.table)"
        case .upsertRecord(let upsert): text += " \(upsert.table) on \(upsert.on)"
        case .updateRecord(let update): text += " \(update.table)"
        case .deleteRecord(let delete): text += " \(delete.table)"
        case .code(let code): text += " \(code.body.file)"
        case .runFlow(let run): text += " \(run.flow)"
        case .endTransaction, .endTry, .endBranch: text += " (end)"
        case .chooseCatch: text += " (catch)"
        case .holdFailure: text += " (hold)"
        case .jumpBack(let max): text += " (at most \(max) times)"
        case .tryAgain(let policy, let head): text += self.text(policy) + " → \(name(head, graph));"
        case .wait(let wait): text += self.text(wait)
        case .beginLoop(let loop): text += " [\(loop.head.text)] → \(name(loop.body, graph));"
        case .beginBranches(let block): text += self.text(block, graph)
        default: break
        }
        if let retry = node.retry { text += " retry" + self.text(retry) }
        if let timeout = node.timeout { text += " timeout(\(timeout.authorText))" }
        if let when = node.when { text += " when(\(when.text))" }
        if case .chooseCatch(let block, let uncaught) = node.action {
            for branch in block.branches {
                text += branch.when.map { " [\($0.text)]" } ?? " [else]"
                text += " → \(name(branch.entry ?? node.next, graph));"
            }
            return text + " → \(name(uncaught, graph))"
        }
        if case .branch(let block) = node.action {
            for branch in block.branches {
                text += branch.when.map { " [\($0.text)]" } ?? " [else]"
                text += " → \(name(branch.entry ?? node.next, graph));"
            }
        }
        if case .beginTry(let body) = node.action { text += " → \(name(body, graph));" }
        if case .beginTransaction(let body, let end) = node.action { text += " → \(name(body ?? end, graph));" }
        if let success = node.success { text += " success → \(name(success, graph));" }
        if case .handled(let entry) = node.failure { text += " fail → \(name(entry ?? node.next, graph));" }
        if case .fail = node.action, node.when == nil { return text }
        return text + " → \(name(node.next, graph))"
    }

    private static func text(_ retry: RetryPolicy) -> String {
        "(\(retry.attempts)\(retry.on.map { ", " + $0.expression.text } ?? ""))"
    }

    private static func name(_ index: NodeIndex?, _ graph: FlowGraph) -> String {
        guard let index, graph.nodes.indices.contains(index.rawValue) else { return "end" }
        let node = graph[index]
        switch node.action {
        case .endTransaction, .endTry: return "\(node.path)(end)"
        case .holdFailure: return "\(node.path)(hold)"
        case .rethrow: return "\(node.path)(rethrow)"
        case .endTurn: return "\(node.path)(turn)"
        case .endBranch: return "\(node.path)(end)"
        case .jumpBack: return "\(node.path)(back)"
        default: return node.path.rawValue
        }
    }

    private static func text(_ block: BranchesBlock, _ graph: FlowGraph) -> String {
        var text = block.join == .first ? " first" : ""
        if block.onFailure == .continue { text += " onFailure(continue)" }
        switch block.content {
        case .lists(let lists):
            for list in lists { text += " \(list.name) → \(name(list.entry, graph));" }
        case .items(let items):
            text += " [\(items.head.text)] \(items.concurrency) at once → \(name(items.entry, graph));"
        }
        return text
    }

    private static func text(_ wait: WaitBlock) -> String {
        switch wait {
        case .span(.constant(.duration(let span))): " for \(span.authorText)"
        case .span: " for a span"
        case .time(let placed): " until \(placed.expression.text)"
        case .event(let name, let key): " for the event \(name)" + (key == nil ? "" : " with a key")
        }
    }

    private static func text(_ trigger: Trigger) -> String {
        switch trigger {
        case .manual: "manual"
        case .webhook(let hook): "webhook \(hook.method) \(hook.authentication.rawValue)"
        case .callback(let callback): callback.rawValue
        case .schedule(let schedule): "schedule \(schedule.definition) missed \(schedule.missed.rawValue)"
        case .table(let table):
            "table \(table.table) \(table.changes.map(\.rawValue).sorted().joined(separator: " "))"
                + (table.when.map { " when(\($0.text))" } ?? "")
        case .stripe(let types): "stripe \(types.joined(separator: " "))"
        }
    }
}
