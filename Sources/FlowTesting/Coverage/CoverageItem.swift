package import FlowLanguage
import Payments

/// One thing of a flow that a test can exercise.
package struct CoverageItem: Sendable, Hashable {
    package enum Way: Sendable, Hashable {
        /// The block is passed.
        case block
        /// The branch with that number is taken; nil: none of them holds.
        case branch(Int?)
        /// The block's `when:` held, or did not.
        case when(Bool)
        /// The block fails and its `fail:` is entered.
        case fail
        /// The catch with that number is taken; nil: none of them holds.
        case caught(Int?)
        /// An event of that kind starts the flow.
        case event(String)
    }

    package var path: String
    package var way: Way

    /// What of a flow there is to exercise, in the order of its text.
    package static func all(of graph: FlowGraph) -> [CoverageItem] {
        var items = eventKinds(of: graph).map { CoverageItem(path: "", way: .event($0)) }
        for node in graph.nodes { items += Self.items(of: node, in: graph) }
        return items
    }

    /// Whether a failure comes to a node that only passes it on or tries again: no list of the author's is entered there.
    private static func isJoint(_ entry: NodeIndex?, in graph: FlowGraph) -> Bool {
        guard let entry else { return false }
        switch graph[entry].action {
        case .tryAgain: return true
        case .rethrow:
            guard case .handled(let further) = graph[entry].failure else { return false }
            return isJoint(further, in: graph)
        default: return false
        }
    }

    private static func items(of node: Node, in graph: FlowGraph) -> [CoverageItem] {
        let path = node.path.rawValue
        func item(_ way: Way) -> CoverageItem { CoverageItem(path: path, way: way) }
        switch node.action {
        case .endTransaction, .endTry, .endTurn, .endBranch, .holdFailure, .rethrow, .tryAgain: return []
        case .chooseCatch(let block, _):
            let catchesAll = block.branches.contains { $0.when == nil }
            return block.branches.indices.map { item(.caught($0)) } + (catchesAll ? [] : [item(.caught(nil))])
        default: break
        }
        var items = [item(.block)]
        if node.when != nil { items += [item(.when(true)), item(.when(false))] }
        if case .branch(let block) = node.action {
            items += block.branches.indices.map { item(.branch($0)) }
            if !block.branches.contains(where: { $0.when == nil }) { items.append(item(.branch(nil))) }
        }
        if case .handled(let entry) = node.failure, !isJoint(entry, in: graph), node.canFailByItself {
            items.append(item(.fail))
        }
        return items
    }

    /// The kinds of events that start a flow and that a test can bring about.
    private static func eventKinds(of graph: FlowGraph) -> [String] {
        switch graph.trigger {
        case .callback(.paymentCompleted): PaymentStatus.allCases.filter(\.startsCallback).map(\.rawValue)
        case .callback(.refundCompleted): [RefundStatus.refunded, .failed].map(\.rawValue)
        case .callback(.recurringManaged): RecurringChange.allCases.map(\.rawValue)
        case .callback(.recurringCharged): RecurringCharge.allCases.map(\.rawValue)
        case .stripe(let types): types
        case .table(let trigger): TableTrigger.Change.allCases.filter(trigger.changes.contains).map(\.rawValue)
        case .callback(.recurringDue), .manual, .webhook, .schedule, nil: []
        }
    }
}

extension Node {
    /// Blocks that only choose, note or answer fail by a mistake of their expressions alone.
    fileprivate var canFailByItself: Bool {
        switch action {
        case .branch, .setVariables, .log, .respond, .beginTry, .fail: false
        default: true
        }
    }
}

extension CoverageItem {
    /// What a test would have to do: `branch 2 is never taken`.
    package var omission: String {
        switch way {
        case .block: "is never passed"
        case .branch(let number?): "branch \(number + 1) is never taken"
        case .branch(nil): "its branches always hold: passing by is not exercised"
        case .when(true): "`when` never holds"
        case .when(false): "`when` always holds"
        case .fail: "never fails: its `fail:` is not entered"
        case .caught(let number?): "catch \(number + 1) is never taken"
        case .caught(nil): "no failure is left uncaught"
        case .event(let kind): "no event of the kind \(kind) starts it"
        }
    }

    /// A word for scripts.
    package var kind: String {
        switch way {
        case .block: "block"
        case .branch: "branch"
        case .when: "when"
        case .fail: "fail"
        case .caught: "catch"
        case .event: "event"
        }
    }
}
