package import Expressions

/// A value as an author wrote it: constants, expressions, text with expressions in it, and lists and maps of those.
package indirect enum ValueTemplate: Sendable {
    case constant(Value)
    /// A scalar that is exactly `${ … }`: the value keeps its type.
    case expression(PlacedExpression)
    /// Text with `${ … }` inside: each is turned into text, a null in it is an error.
    case text([TextSegment])
    case list([ValueTemplate])
    case map([NamedTemplate])

    package enum TextSegment: Sendable {
        case literal(String)
        case expression(PlacedExpression)
    }
}

/// A compiled expression and where it stands in its file.
package struct PlacedExpression: Sendable {
    package var expression: Expression
    package var range: SourceRange

    package init(expression: Expression, range: SourceRange) {
        self.expression = expression
        self.range = range
    }
}

/// The variables that expressions of a flow may name, in the order of their slots.
///
/// The checker declares them in this order, and the interpreter answers by slot.
package enum ScopeSlot: Int, Sendable, Hashable, CaseIterable {
    case input, trigger, blocks, vars, error, run, now

    package var name: String {
        switch self {
        case .input: "input"
        case .trigger: "trigger"
        case .blocks: "blocks"
        case .vars: "vars"
        case .error: "error"
        case .run: "run"
        case .now: "now"
        }
    }
}
