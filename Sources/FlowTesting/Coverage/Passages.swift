import Expressions
import FlowEngine
import FlowLanguage

/// What of each flow was exercised.
package struct Passages: Sendable, Hashable {
    /// By flow.
    package private(set) var items: [String: Set<CoverageItem>] = [:]
    /// The types of the events that started each flow, with their numbers.
    package private(set) var events: [String: [String: Int]] = [:]

    package init() {}

    package var flows: Set<String> { Set(items.keys) }

    package mutating func merge(_ other: Passages) {
        items.merge(other.items) { $0.union($1) }
        events.merge(other.events) { $0.merging($1, uniquingKeysWith: +) }
    }

    /// Takes in the way of one run.
    mutating func add(_ run: CaseRecord.RecordedRun, graph: FlowGraph?) {
        let flow = run.record.start.flow
        guard let graph else { return }
        let trigger = run.record.start.trigger
        if let type = trigger["event"]?["type"]?.stringValue { events[flow, default: [:]][type, default: 0] += 1 }
        if let kind = Self.eventKind(trigger, of: graph) { note(flow, "", .event(kind)) }
        let nodes = Dictionary(grouping: graph.nodes, by: \.path.rawValue)
        for entry in run.entries {
            for step in entry.trace { add(step, flow, nodes) }
            // What a branch did shows in its own run.
            if entry.isBranch { continue }
            let path = entry.address.path.rawValue
            note(flow, path, .block)
            note(flow, path, .when(true))
            if entry.status == .failed {
                note(flow, path, .fail)
                // What a transaction did before it was rolled back left no trace but the failure's place.
                if let block = entry.failure?.block { addWay(to: block, flow, graph) }
            }
        }
        for step in run.record.trace { add(step, flow, nodes) }
        if let block = run.record.failure?.block { addWay(to: block, flow, graph) }
    }

    private static func eventKind(_ trigger: Value, of graph: FlowGraph) -> String? {
        switch graph.trigger {
        // What is behind the colon tells one event of the kind from another.
        case .callback: trigger["claim"]?["transition"]?.stringValue.map { String($0.prefix { $0 != ":" }) }
        case .stripe: trigger["event"]?["type"]?.stringValue
        case .table:
            trigger["change"]?.stringValue
                ?? (trigger["old"] == nil ? "insert" : trigger["new"] == nil ? "delete" : "update")
        case .manual, .webhook, .schedule, nil: nil
        }
    }

    private mutating func add(_ step: TraceStep, _ flow: String, _ nodes: [String: [Node]]) {
        let path = step.path.rawValue
        let isRespond = step.block == "respond"
        if step.result == .skipped, !isRespond { return note(flow, path, .when(false)) }
        note(flow, path, .when(true))
        note(flow, path, .block)
        if step.result == .failed { note(flow, path, .fail) }
        for node in nodes[path] ?? [] {
            switch node.action {
            case .branch(let block): if step.note != nil { note(flow, path, .branch(choice(step.note, block))) }
            case .chooseCatch(let block, _): if step.note != nil { note(flow, path, .caught(choice(step.note, block))) }
            default: break
            }
        }
    }

    private func choice(_ text: String?, _ block: BranchBlock) -> Int? {
        if text == "else" { return block.branches.firstIndex { $0.when == nil } }
        return text.flatMap { Int($0) }
    }

    /// The block at `path` was reached, so the branches around it were taken.
    private mutating func addWay(to path: String, _ flow: String, _ graph: FlowGraph) {
        note(flow, path, .block)
        note(flow, path, .when(true))
        for node in graph.nodes {
            guard case .branch(let block) = node.action, path.hasPrefix(node.path.rawValue + "/") else { continue }
            for number in block.branches.indices where path.hasPrefix("\(node.path)/\(number)/") {
                note(flow, node.path.rawValue, .block)
                note(flow, node.path.rawValue, .when(true))
                note(flow, node.path.rawValue, .branch(number))
            }
        }
    }

    private mutating func note(_ flow: String, _ path: String, _ way: CoverageItem.Way) {
        items[flow, default: []].insert(CoverageItem(path: path, way: way))
    }
}
