import Expressions
import FlowEngine
import FlowLanguage

// What happens beside the run once its case is played: flows that its rows, its calls or the time start.
extension CaseText {
    /// Tables that flows beside the run may write: their rows are not the run's alone.
    var tablesBeside: Set<String> {
        var flows: Set<String> = []
        var changed = Set(capsule.changes.map(\.table))
        for node in app.flows[record.start.flow]?.nodes ?? [] {
            if case .runFlow(let block) = node.action, block.mode == .start { flows.insert(block.flow) }
        }
        // A case's clock moves on only where the run lets time pass.
        if let finishedAt = record.finishedAt, finishedAt - (record.startedAt ?? record.createdAt) >= .seconds(1) {
            flows.formUnion(
                app.flows.values.filter { if case .schedule = $0.trigger { true } else { false } }.map(\.name)
            )
        }
        var written: Set<String> = []
        var known = -1
        while known != flows.count + written.count {
            known = flows.count + written.count
            for graph in app.flows.values where graph.watches(changed) { flows.insert(graph.name) }
            for flow in flows {
                guard let graph = app.flows[flow] else { continue }
                written.formUnion(graph.nodes.flatMap { $0.action.tablesWritten(in: app) })
                for node in graph.nodes { if case .runFlow(let block) = node.action { flows.insert(block.flow) } }
            }
            changed.formUnion(written)
        }
        return written
    }

    /// Conditions that hold for rows which the run left among others.
    func conditions(on rows: [ValueMap], of table: String) -> [String] {
        rows.compactMap { row in
            let members = row.compactMap { column, value -> String? in
                guard let name = column.stringValue, let literal = Self.literal(value) else { return nil }
                return "row.\(name) == \(literal)"
            }
            guard !members.isEmpty else { return nil }
            return "tables.\(table).exists(row, \(members.joined(separator: " && ")))"
        }
    }

    /// Nil for what has none that is sure to be read as the same.
    private static func literal(_ value: Value) -> String? {
        switch value {
        case .int(let number): String(number)
        case .bool(let bool): String(bool)
        case .string(let text) where !text.contains("${"):
            (try? JSON.encode(value)).map { String(decoding: $0, as: UTF8.self) }
        default: nil
        }
    }
}

extension FlowGraph {
    fileprivate func watches(_ tables: Set<String>) -> Bool {
        guard case .table(let trigger) = trigger else { return false }
        return tables.contains(trigger.table)
    }
}

extension BlockAction {
    fileprivate func tablesWritten(in app: App) -> [String] {
        switch self {
        case .insertRecord(let block): [block.table]
        case .upsertRecord(let block): [block.table]
        case .updateRecord(let block): [block.table]
        case .deleteRecord(let block): [block.table]
        // Which ones code writes is not known before it runs.
        case .code: app.tables.filter { !$0.isSystem }.map(\.name)
        default: []
        }
    }
}
