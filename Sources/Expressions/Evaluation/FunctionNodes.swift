/// How a function is computed; a member function's receiver is the first argument.
enum FunctionBody: Sendable {
    case unary(@Sendable (Value, inout Frame) throws(EvaluationError) -> Value)
    case binary(@Sendable (Value, Value, inout Frame) throws(EvaluationError) -> Value)
    case ternary(@Sendable (Value, Value, Value, inout Frame) throws(EvaluationError) -> Value)
    case any(@Sendable ([Value], inout Frame) throws(EvaluationError) -> Value)

    func accepts(_ count: Int) -> Bool {
        switch self {
        case .unary: count == 1
        case .binary: count == 2
        case .ternary: count == 3
        case .any: true
        }
    }

    func node(_ arguments: [any EvaluationNode], range: Range<Int>) -> any EvaluationNode {
        switch self {
        case .unary(let body): UnaryFunctionNode(body, arguments[0], range: range)
        case .binary(let body): BinaryFunctionNode(body, arguments[0], arguments[1], range: range)
        case .ternary(let body):
            FunctionNode(arguments, range: range) { (values, frame) throws(EvaluationError) in
                try body(values[0], values[1], values[2], &frame)
            }
        case .any(let body): FunctionNode(arguments, range: range, body)
        }
    }
}

/// A function of one argument.
final class UnaryFunctionNode: EvaluationNode {
    let range: Range<Int>
    private let argument: any EvaluationNode
    private let body: @Sendable (Value, inout Frame) throws(EvaluationError) -> Value

    init(
        _ body: @escaping @Sendable (Value, inout Frame) throws(EvaluationError) -> Value,
        _ argument: any EvaluationNode,
        range: Range<Int>
    ) {
        self.body = body
        self.argument = argument
        self.range = range
    }

    func evaluate(_ frame: inout Frame) throws(EvaluationError) -> Value {
        let value = try argument.evaluate(&frame)
        do throws(EvaluationError) {
            return try body(value, &frame)
        } catch {
            throw error.placed(at: range)
        }
    }
}

/// A function of two arguments.
final class BinaryFunctionNode: EvaluationNode {
    let range: Range<Int>
    private let first: any EvaluationNode
    private let second: any EvaluationNode
    private let body: @Sendable (Value, Value, inout Frame) throws(EvaluationError) -> Value

    init(
        _ body: @escaping @Sendable (Value, Value, inout Frame) throws(EvaluationError) -> Value,
        _ first: any EvaluationNode,
        _ second: any EvaluationNode,
        range: Range<Int>
    ) {
        self.body = body
        self.first = first
        self.second = second
        self.range = range
    }

    func evaluate(_ frame: inout Frame) throws(EvaluationError) -> Value {
        let left = try first.evaluate(&frame)
        let right = try second.evaluate(&frame)
        do throws(EvaluationError) {
            return try body(left, right, &frame)
        } catch {
            throw error.placed(at: range)
        }
    }
}

/// A function of any number of arguments.
final class FunctionNode: EvaluationNode {
    let range: Range<Int>
    private let arguments: [any EvaluationNode]
    private let body: @Sendable ([Value], inout Frame) throws(EvaluationError) -> Value

    init(
        _ arguments: [any EvaluationNode],
        range: Range<Int>,
        _ body: @escaping @Sendable ([Value], inout Frame) throws(EvaluationError) -> Value
    ) {
        self.arguments = arguments
        self.body = body
        self.range = range
    }

    func evaluate(_ frame: inout Frame) throws(EvaluationError) -> Value {
        var values: [Value] = []
        values.reserveCapacity(arguments.count)
        for argument in arguments { values.append(try argument.evaluate(&frame)) }
        do throws(EvaluationError) {
            return try body(values, &frame)
        } catch {
            throw error.placed(at: range)
        }
    }
}
