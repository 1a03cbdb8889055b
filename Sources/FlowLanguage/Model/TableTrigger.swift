package import Expressions

/// Changes of a table that start a flow, in the transaction of the change.
package struct TableTrigger: Sendable, Hashable {
    package enum Change: String, Sendable, Hashable, CaseIterable {
        case insert, update, delete
    }

    package var table: String
    package var changes: Set<Change>
    /// Over `trigger.old` and `trigger.new`; nil: every change.
    package var when: Expression?

    package init(table: String, changes: Set<Change>, when: Expression? = nil) {
        self.table = table
        self.changes = changes
        self.when = when
    }

    package static func == (left: Self, right: Self) -> Bool {
        left.table == right.table && left.changes == right.changes && left.when?.text == right.when?.text
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(table)
        hasher.combine(changes)
        hasher.combine(when?.text)
    }
}

/// How many runs of a flow, or of each of its keys, go at once.
package struct ConcurrencyLimit: Sendable {
    /// Over `input`, `trigger` and `run.caller`; nil: all runs of the flow share the limit.
    package var key: PlacedExpression?
    package var limit: Int

    package init(key: PlacedExpression?, limit: Int) {
        self.key = key
        self.limit = limit
    }
}
