/// Finds flows that can wait for each other forever.
///
/// A run keeps its place of its flow's `concurrency` while it waits for a sub-flow. Where flows call each other in a
/// circle, one run can hold what another waits for, and wait for what that one holds.
struct SubflowCycles {
    private let flows: [String: FlowGraph]
    /// Blocks that wait without a bound, by flow.
    private let waits: [String: [(flow: String, node: Node)]]

    init(_ flows: [String: FlowGraph]) {
        self.flows = flows
        waits = flows.mapValues { graph in
            // What has a time limit ends, and gives its place back.
            guard graph.timeout == nil else { return [] }
            return graph.nodes.compactMap { node in
                guard case .runFlow(let block) = node.action, block.mode == .wait, node.timeout == nil,
                    node.timed.isEmpty
                else { return nil }
                return (block.flow, node)
            }
        }
    }

    func report(to findings: FindingCollector) {
        var told: Set<String> = []
        for name in flows.keys.sorted() where flows[name]?.concurrency != nil && !told.contains(name) {
            let circle = reachable(from: name).filter { reachable(from: $0).contains(name) }
            let limited = circle.filter { flows[$0]?.concurrency != nil }
            // A flow without a key that calls itself does not wait for the place that its own caller holds.
            guard limited.count > 1 || limited.contains(where: { flows[$0]?.concurrency?.key != nil }),
                let wait = waits[name]?.first(where: { circle.contains($0.flow) })
            else { continue }
            told.formUnion(circle)
            let others = limited.subtracting([name]).sorted().map { "'\($0)'" }.joined(separator: ", ")
            let who = others.isEmpty ? "runs of '\(name)' with different keys" : "runs of '\(name)' and of \(others)"
            findings.add(
                .warning,
                FindingCode.concurrencyCycle.rawValue,
                "\(who) can wait for each other's place forever: they call each other and limit how many go at once",
                wait.node.range,
                ["give this block a 'timeout', or take 'concurrency' from one of the flows"]
            )
        }
    }

    private func reachable(from start: String) -> Set<String> {
        var found: Set<String> = []
        var next = [start]
        while let flow = next.popLast() {
            for wait in waits[flow] ?? [] where found.insert(wait.flow).inserted { next.append(wait.flow) }
        }
        return found
    }
}
