package import Expressions
package import FlowLanguage

/// Rows of one table that are asked for.
package struct RecordQuery: Sendable, Hashable {
    package var table: String
    /// All must hold; none: every row.
    package var conditions: [ResolvedCondition]
    package var order: [FindBlock.Order]
    package var limit: Int
    /// Whether the journal says that nothing was found.
    ///
    /// Not for a look that earlier versions of a command did not take: what they recorded says nothing of it, and has to
    /// replay as it ran.
    package var isNotedWhenEmpty: Bool

    package init(
        table: String,
        where conditions: [ResolvedCondition],
        order: [FindBlock.Order] = [],
        limit: Int,
        isNotedWhenEmpty: Bool = true
    ) {
        self.table = table
        self.conditions = conditions
        self.order = order
        self.limit = limit
        self.isNotedWhenEmpty = isNotedWhenEmpty
    }
}

package struct RecordUpdate: Sendable, Hashable {
    package var table: String
    package var conditions: [ResolvedCondition]
    package var set: [ResolvedAssignment]

    package init(table: String, where conditions: [ResolvedCondition], set: [ResolvedAssignment]) {
        self.table = table
        self.conditions = conditions
        self.set = set
    }
}

/// A condition whose expressions have been evaluated.
package struct ResolvedCondition: Sendable, Hashable {
    package var column: String
    package var `operator`: RecordCondition.Operator
    package var operand: ResolvedOperand

    package init(_ column: String, _ operator: RecordCondition.Operator, _ operand: ResolvedOperand) {
        self.column = column
        self.operator = `operator`
        self.operand = operand
    }

    package init(_ column: String, equals value: Value) {
        self.init(column, .equals, .value(value))
    }
}

package struct ResolvedAssignment: Sendable, Hashable {
    package var column: String
    package var value: ResolvedOperand

    package init(_ column: String, _ value: ResolvedOperand) {
        self.column = column
        self.value = value
    }

    package init(_ column: String, _ value: Value) {
        self.init(column, .value(value))
    }
}

/// A value, or integer arithmetic on the row's own columns, done by the database in one statement.
package enum ResolvedOperand: Sendable, Hashable {
    case value(Value)
    case column(String)
    indirect case add(ResolvedOperand, ResolvedOperand)
    indirect case subtract(ResolvedOperand, ResolvedOperand)
    indirect case multiply(ResolvedOperand, ResolvedOperand)
}
