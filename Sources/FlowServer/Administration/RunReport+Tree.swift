import FlowEngine

extension RunReport {
    /// The run as a tree of its blocks with results and durations, one line each, ending in a line feed.
    package var tree: String {
        var lines = [summary.line]
        if let failure = summary.failure { lines.append("   \(failure.line)") }
        let nodes = StepNode.forest(of: steps)
        for (index, node) in nodes.enumerated() {
            node.append(to: &lines, indent: "", isLast: index == nodes.count - 1)
        }
        if omitted > 0 {
            lines.append("   \(omitted) further entries are left out: of a long run the first ones, the last ones and")
            lines.append("   those that did not succeed are shown; 'runs export' gives all")
        }
        return lines.joined(separator: "\n") + "\n"
    }
}

extension RunSummary {
    /// One line: `run 12  payment-callback  succeeded  14 ms  (callback, test, system)`.
    package var line: String {
        let who = caller.id ?? "anonymous"
        let time = duration.map { "  " + $0.shortText } ?? ""
        let wish = halt.map { $0 == .cancel ? ", to be cancelled" : ", to be paused" } ?? ""
        let again = rerunOf.map { ", again of run \($0)" } ?? ""
        return
            "run \(id)  \(flow)  \(status.rawValue)\(wish)\(time)  (\(origin.rawValue), \(mode.rawValue), \(who)\(again))"
    }
}

extension RunReport.Failure {
    /// One line: `card_declined: Your card was declined (at checkout/charge)`.
    var line: String { "\(code): \(message)" + (block.map { " (at \($0))" } ?? "") }
}

/// A step and those that ran inside it.
private final class StepNode {
    let step: RunReport.Step
    private(set) var children: [StepNode] = []

    private init(_ step: RunReport.Step) { self.step = step }

    /// A step belongs under the latest step whose path is a proper beginning of its own.
    ///
    /// A transaction's own entry is journalled after what ran inside it, so a later step also takes in the steps
    /// before it that lie below its path.
    static func forest(of steps: [RunReport.Step]) -> [StepNode] {
        var roots: [StepNode] = []
        // The way from a root to the step placed last.
        var spine: [StepNode] = []
        for step in steps {
            let node = StepNode(step)
            while let last = spine.last, !step.path.isBelow(last.step.path) { spine.removeLast() }
            if let parent = spine.last {
                node.adopt(from: &parent.children)
                parent.children.append(node)
            } else {
                node.adopt(from: &roots)
                roots.append(node)
            }
            spine.append(node)
        }
        return roots
    }

    private func adopt(from siblings: inout [StepNode]) {
        while let last = siblings.last, last.step.path.isBelow(step.path) {
            children.insert(siblings.removeLast(), at: 0)
        }
    }

    func append(to lines: inout [String], indent: String, isLast: Bool) {
        lines.append(indent + (isLast ? "└─ " : "├─ ") + step.line)
        let inner = indent + (isLast ? "   " : "│  ")
        for (index, child) in children.enumerated() {
            child.append(to: &lines, indent: inner, isLast: index == children.count - 1)
        }
    }
}

extension RunReport.Step {
    /// One line: `outcome/0/markPaid  update-record  succeeded  1 ms`.
    fileprivate var line: String {
        var parts = [path, block, result]
        if let duration { parts.append(duration.shortText) }
        if let entry {
            if entry.visit > 1 { parts.append("visit \(entry.visit)") }
            if entry.attempt > 1 { parts.append("attempt \(entry.attempt)") }
            if entry.sends > 1 { parts.append("sent \(entry.sends) times") }
            if let failure = entry.failure { parts.append(failure.line) }
        }
        if let note { parts.append("→ \(note)") }
        return parts.joined(separator: "  ")
    }
}

extension String {
    /// Whether this path lies inside the block of `other`.
    fileprivate func isBelow(_ other: String) -> Bool {
        utf8.starts(with: "\(other)/".utf8) || utf8.starts(with: "\(other)[".utf8)
    }
}

extension Duration {
    /// Three digits at most and a unit: `850 µs`, `14 ms`, `1.25 s`, `3 min 20 s`.
    package var shortText: String {
        let microseconds = components.seconds * 1_000_000 + components.attoseconds / 1_000_000_000_000
        switch microseconds {
        case ..<1_000: return "\(microseconds) µs"
        case ..<1_000_000: return "\(microseconds / 1_000) ms"
        case ..<60_000_000:
            let hundredths = microseconds / 10_000
            let rest = hundredths % 100
            return "\(hundredths / 100).\(rest < 10 ? "0" : "")\(rest) s"
        default: return "\(microseconds / 60_000_000) min \(microseconds / 1_000_000 % 60) s"
        }
    }
}
