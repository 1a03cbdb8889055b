package import Expressions
package import FlowLanguage

/// One passage of a run through a block, as a replay saw it.
package struct BlockPass: Sendable, Hashable {
    package var path: BlockPath
    package var id: String?
    package var block: String
    package var visit: Int
    /// What a block without an effect did; null for those with an entry.
    package var result: Value
    /// Whether the passage has an entry in the journal.
    package var hasEntry: Bool
}

/// What a replay looks at while it passes blocks.
package struct PassWatch: Sendable {
    /// Stops looking, not replaying, behind so many: a loop must not fill the memory.
    static let limit = 200_000

    package private(set) var passes: [BlockPass] = []
    /// The block whose scope is wanted, at its first visit, or the one given.
    private let target: (path: BlockPath, visit: Int)?
    package private(set) var snapshot: BlockSnapshot?

    package init(target: BlockPath? = nil, visit: Int = 1) {
        self.target = target.map { ($0, visit) }
    }

    mutating func enter(_ node: Node, visit: Int, names: [String], scope: FlowScope) {
        guard let target, snapshot == nil, node.path == target.path, visit == target.visit else { return }
        snapshot = BlockSnapshot(node: node, visit: visit, names: names, scope: scope)
    }

    mutating func leave(_ node: Node, visit: Int, result: Value, hasEntry: Bool) {
        guard passes.count < Self.limit else { return }
        passes.append(
            BlockPass(
                path: node.path,
                id: node.id,
                block: node.action.word,
                visit: visit,
                result: result,
                hasEntry: hasEntry
            )
        )
    }
}

/// What a block's expressions see.
package struct BlockSnapshot: Sendable {
    package let path: BlockPath
    package let visit: Int
    package let range: SourceRange
    /// By name, as expressions call it.
    package let values: [(name: String, value: Value)]

    init(node: Node, visit: Int, names: [String], scope: FlowScope) {
        path = node.path
        range = node.range
        self.visit = visit
        var values: [(name: String, value: Value)] = ScopeSlot.allCases.compactMap { slot in
            scope.value(at: slot.rawValue).map { (slot.name, $0) }
        }
        for (name, item) in zip(names, scope.items) where !name.isEmpty { values.append((name, item)) }
        self.values = values
    }
}
