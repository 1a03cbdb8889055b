/// A piece of a parsed expression with its place.
///
/// Macros stand as the calls they were written as.
package final class SyntaxNode: Sendable {
    package enum Kind: Sendable {
        case literal(Value)
        /// A name. `isRooted` when written with a leading dot.
        case identifier(name: String, isRooted: Bool)
        /// `operand.field`, `operand.?field`; the range is that of the field's name.
        case select(operand: SyntaxNode, field: String, fieldRange: Range<Int>, isOptional: Bool)
        /// `operand[key]`, `operand[?key]`.
        case index(operand: SyntaxNode, key: SyntaxNode, isOptional: Bool)
        /// `name(arguments)`.
        case call(name: String, nameRange: Range<Int>, arguments: [SyntaxNode], isRooted: Bool)
        /// `target.name(arguments)`.
        case memberCall(target: SyntaxNode, name: String, nameRange: Range<Int>, arguments: [SyntaxNode])
        case unary(UnaryOperator, SyntaxNode)
        /// The range is that of the operator.
        case binary(BinaryOperator, operatorRange: Range<Int>, SyntaxNode, SyntaxNode)
        /// `condition ? first : second`.
        case conditional(SyntaxNode, SyntaxNode, SyntaxNode)
        case list([Element])
        case map([Entry])
        /// `Name{field: value}`: a message, which this implementation has none of.
        case structure(name: String, [Entry])
    }

    package struct Element: Sendable {
        package let value: SyntaxNode
        /// Written `?value`: left out when absent.
        package let isOptional: Bool
    }

    package struct Entry: Sendable {
        package let key: SyntaxNode
        package let value: SyntaxNode
        /// Written `?key: value`: left out when absent.
        package let isOptional: Bool
    }

    package enum UnaryOperator: String, Sendable {
        case not = "!"
        case negate = "-"
    }

    package enum BinaryOperator: String, Sendable {
        case or = "||"
        case and = "&&"
        case equal = "=="
        case notEqual = "!="
        case less = "<"
        case lessOrEqual = "<="
        case greater = ">"
        case greaterOrEqual = ">="
        case contained = "in"
        case add = "+"
        case subtract = "-"
        case multiply = "*"
        case divide = "/"
        case remainder = "%"

        /// Higher binds closer.
        var precedence: Int {
            switch self {
            case .or: 1
            case .and: 2
            case .equal, .notEqual, .less, .lessOrEqual, .greater, .greaterOrEqual, .contained: 3
            case .add, .subtract: 4
            case .multiply, .divide, .remainder: 5
            }
        }
    }

    package let kind: Kind
    /// UTF-8 offsets in the text.
    package let range: Range<Int>
    /// Levels of nodes below and including this one.
    let height: Int

    init(_ kind: Kind, range: Range<Int>, height: Int) {
        self.kind = kind
        self.range = range
        self.height = height
    }

    /// The names of a chain of constant selections, `a.b["c"]`, else nil.
    package var path: [String]? {
        switch kind {
        case .identifier(let name, _): [name]
        case .select(let operand, let field, _, _): operand.path.map { $0 + [field] }
        case .index(let operand, let key, _):
            if case .literal(.string(let name)) = key.kind { operand.path.map { $0 + [name] } } else { nil }
        default: nil
        }
    }
}
