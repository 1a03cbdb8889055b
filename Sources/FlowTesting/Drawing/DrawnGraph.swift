import Expressions
package import FlowLanguage

/// A flow's graph as it is drawn: a box for each block, an arrow for each way, marked with what was exercised.
package struct DrawnGraph: Sendable {
    package enum Mark: Sendable, Hashable {
        /// Nothing is known of it.
        case plain
        case covered
        case missed
    }

    package struct Box: Sendable {
        package enum Shape: Sendable, Hashable { case start, block, choice, end }

        package var shape: Shape
        package var title: String
        /// The block's word and what it works on.
        package var subtitle: String
        package var mark: Mark
    }

    package struct Arrow: Sendable {
        package var from: Int
        package var to: Int
        package var label: String
        /// The way that a failure takes.
        package var isFailure: Bool
        package var mark: Mark
    }

    package private(set) var name: String
    package private(set) var boxes: [Box] = []
    package private(set) var arrows: [Arrow] = []

    private let graph: FlowGraph
    /// Nil: coverage is not asked for.
    private let seen: Set<CoverageItem>?
    private var numbers: [NodeIndex: Int] = [:]
    private var end = 0

    /// - Parameters:
    ///   - graph: The flow.
    ///   - passages: What was exercised; nil: it is drawn without marks.
    package init(_ graph: FlowGraph, passages: Passages?) {
        self.graph = graph
        name = graph.name
        seen = passages.map { $0.items[graph.name] ?? [] }
        let wasRun = seen.map { !$0.isEmpty }
        boxes.append(Box(shape: .start, title: graph.name, subtitle: graph.kind.rawValue, mark: Self.mark(wasRun)))
        for node in graph.nodes where !node.isJoint {
            numbers[node.index] = boxes.count
            boxes.append(box(of: node))
        }
        end = boxes.count
        boxes.append(Box(shape: .end, title: "end", subtitle: "", mark: .plain))
        add(0, graph.entry, "", mark: Self.mark(wasRun))
        for node in graph.nodes where !node.isJoint { addArrows(of: node) }
    }

    private static func mark(_ isCovered: Bool?) -> Mark { isCovered.map { $0 ? .covered : .missed } ?? .plain }

    private func mark(_ node: Node, _ way: CoverageItem.Way) -> Mark {
        Self.mark(seen?.contains(CoverageItem(path: node.path.rawValue, way: way)))
    }

    private func box(of node: Node) -> Box {
        var subtitle = node.action.word
        var shape = Box.Shape.block
        switch node.action {
        case .command(let command): subtitle = "\(command.connection).\(command.command)"
        case .findRecord(let find), .findRecords(let find): subtitle += " \(find.table)"
        case .insertRecord(let insert): subtitle += " \(insert.table)"
        case .upsertRecord(let upsert): subtitle += " \(upsert.table)"
        case .updateRecord(let update): subtitle += " \(update.table)"
        case .deleteRecord(let delete): subtitle += " \(delete.table)"
        case .runFlow(let run): subtitle += " \(run.flow)"
        case .branch: shape = .choice
        case .chooseCatch:
            shape = .choice
            subtitle = "catch"
        default: break
        }
        return Box(shape: shape, title: node.path.rawValue, subtitle: subtitle, mark: mark(node, .block))
    }

    // MARK: Arrows

    private mutating func addArrows(of node: Node) {
        guard let from = numbers[node.index] else { return }
        let passed = mark(node, .block)
        switch node.action {
        case .branch(let block):
            for (number, branch) in block.branches.enumerated() {
                let label = branch.when.map { $0.text } ?? "else"
                add(from, branch.entry ?? node.next, label, mark: mark(node, .branch(number)))
            }
            if !block.branches.contains(where: { $0.when == nil }) {
                add(from, node.next, "none", mark: mark(node, .branch(nil)))
            }
        case .chooseCatch(let block, let uncaught):
            for (number, branch) in block.branches.enumerated() {
                let label = branch.when.map { $0.text } ?? "else"
                add(from, branch.entry ?? node.next, label, mark: mark(node, .caught(number)))
            }
            if !block.branches.contains(where: { $0.when == nil }) {
                add(from, uncaught, "uncaught", isFailure: true, mark: mark(node, .caught(nil)))
            }
        case .beginTry(let body): add(from, body, "", mark: passed)
        case .beginTransaction(let body, let closing): add(from, body ?? closing, "", mark: passed)
        case .beginLoop(let loop):
            add(from, loop.body, "each turn", mark: passed)
            add(from, node.success ?? node.next, "done", mark: passed)
        case .beginBranches(let block):
            switch block.content {
            case .lists(let lists): for list in lists { add(from, list.entry, list.name, mark: passed) }
            case .items(let items):
                add(from, items.entry, "each item, \(items.concurrency) at once", mark: passed)
                add(from, node.success ?? node.next, "done", mark: passed)
            }
        case .fail: break
        default: add(from, node.success ?? node.next, node.success == nil ? "" : "success", mark: passed)
        }
        if case .handled(let entry) = node.failure {
            add(from, entry ?? node.next, "fail", isFailure: true, mark: mark(node, .fail))
        }
        if let when = node.when { add(from, node.next, "unless \(when.text)", mark: mark(node, .when(false))) }
    }

    private mutating func add(_ from: Int, _ target: NodeIndex?, _ label: String, isFailure: Bool = false, mark: Mark) {
        let to = number(of: target)
        // Two ways between the same boxes are two arrows, but not two of the same name.
        guard !arrows.contains(where: { $0.from == from && $0.to == to && $0.label == label }) else { return }
        arrows.append(Arrow(from: from, to: to, label: label, isFailure: isFailure, mark: mark))
    }

    /// The box where a way arrives; joints are passed through.
    private func number(of target: NodeIndex?) -> Int {
        var target = target
        for _ in 0...graph.nodes.count {
            guard let index = target else { return end }
            if let number = numbers[index] { return number }
            let node = graph[index]
            switch node.action {
            case .endTurn(let begin): target = begin
            case .endBranch(let begin, _): target = joined(at: begin)
            case .endTransaction(let begin): target = graph[begin].success ?? node.next ?? graph[begin].next
            case .tryAgain(_, let head) where node.failure == .propagates: target = head
            case .rethrow, .tryAgain:
                // A failure inside a block comes to the block's own list.
                if case .handled(let entry) = node.failure { target = entry ?? node.next } else { target = node.next }
            default: target = node.next
            }
        }
        return end
    }
}

extension DrawnGraph {
    /// Where the end of a branch leads: behind the block, or to the next turn.
    private func joined(at begin: NodeIndex) -> NodeIndex? {
        if case .beginBranches(let block) = graph[begin].action, case .items = block.content { return begin }
        return graph[begin].next
    }
}

extension Node {
    /// A node that no author wrote: parts of a block meet in it.
    fileprivate var isJoint: Bool {
        switch action {
        case .endTransaction, .endTry, .endTurn, .endBranch, .holdFailure, .rethrow, .tryAgain: true
        default: false
        }
    }
}
