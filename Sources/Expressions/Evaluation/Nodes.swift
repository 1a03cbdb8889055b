/// A value known when the expression was compiled.
// Unchecked: the value is written once, before anybody else has the node.
final class ConstantNode: EvaluationNode, @unchecked Sendable {
    let range: Range<Int>
    /// Where the value is; valid as long as the node.
    let place: UnsafePointer<Value>
    var value: Value { place.pointee }
    var constant: Value? { value }

    init(_ value: Value, range: Range<Int>) {
        let place = UnsafeMutablePointer<Value>.allocate(capacity: 1)
        place.initialize(to: value)
        self.place = UnsafePointer(place)
        self.range = range
    }

    deinit {
        let place = UnsafeMutablePointer(mutating: place)
        place.deinitialize(count: 1)
        place.deallocate()
    }

    func evaluate(_ frame: inout Frame) throws(EvaluationError) -> Value { place.pointee }
}

/// A variable of the declarations or one that a macro binds.
final class VariableNode: EvaluationNode {
    let range: Range<Int>
    let slot: Int
    let name: String

    init(slot: Int, name: String, range: Range<Int>) {
        self.slot = slot
        self.name = name
        self.range = range
    }

    func evaluate(_ frame: inout Frame) throws(EvaluationError) -> Value {
        if let value = frame.slots[slot] { return value }
        throw EvaluationError(
            code: EvaluationError.Code.noSuchVariable,
            message: "'\(name)' has no value here",
            range: range
        )
    }
}

/// A part that cannot be evaluated: what was wrong with it is an error each time.
final class FailureNode: EvaluationNode {
    let range: Range<Int>
    let error: EvaluationError

    init(code: String, message: String, range: Range<Int>) {
        self.range = range
        self.error = EvaluationError(code: code, message: message, range: range)
    }

    func evaluate(_ frame: inout Frame) throws(EvaluationError) -> Value { throw error }
}

/// An operand whose usual kinds are read without a call.
// Unchecked: constants and paths are referred to uncounted, and never change; `node` holds them.
struct Operand: @unchecked Sendable {
    private enum Kind {
        case slot(Int)
        case path(Unmanaged<PathNode>)
        case constant(UnsafePointer<Value>)
        case node
    }

    let node: any EvaluationNode
    private let kind: Kind

    init(_ node: any EvaluationNode) {
        self.node = node
        if let variable = node as? VariableNode {
            kind = .slot(variable.slot)
        } else if let path = node as? PathNode {
            kind = .path(.passUnretained(path))
        } else if let constant = node as? ConstantNode {
            kind = .constant(constant.place)
        } else {
            kind = .node
        }
    }

    /// Whether the value may be read where it is; if not, it is computed.
    var hasPlace: Bool { if case .node = kind { false } else { true } }

    /// Where the value is; nil when it must be computed or there is none.
    ///
    /// Valid until the next evaluation of a node.
    @inline(__always)
    func place(_ frame: borrowing Frame) -> UnsafePointer<Value>? {
        switch kind {
        case .slot(let slot): Frame.place(of: slot, in: frame.slots)
        case .path(let path):
            path._withUnsafeGuaranteedRef { $0.place(in: frame.slots) }
        case .constant(let place): place
        case .node: nil
        }
    }

    @inline(__always)
    func evaluate(_ frame: inout Frame) throws(EvaluationError) -> Value {
        switch kind {
        case .slot(let slot):
            if let value = frame.slots[slot] { return value }
            return try node.evaluate(&frame)
        case .constant(let place): return place.pointee
        case .path, .node: return try node.evaluate(&frame)
        }
    }
}

/// An operator of two operands, but for the two of logic.
final class BinaryNode: EvaluationNode {
    let range: Range<Int>
    private let operation: SyntaxNode.BinaryOperator
    private let left: Operand
    private let right: Operand
    /// Whether both operands may be read where they are.
    private let havePlaces: Bool

    init(
        _ operation: SyntaxNode.BinaryOperator,
        _ left: any EvaluationNode,
        _ right: any EvaluationNode,
        range: Range<Int>
    ) {
        self.operation = operation
        self.left = Operand(left)
        self.right = Operand(right)
        self.havePlaces = self.left.hasPlace && self.right.hasPlace
        self.range = range
    }

    func evaluate(_ frame: inout Frame) throws(EvaluationError) -> Value {
        if havePlaces, let first = left.place(frame), let second = right.place(frame),
            let value = inPlace(first, second)
        {
            return value
        }
        let first = try left.evaluate(&frame)
        let second = try right.evaluate(&frame)
        if case .int(let left) = first, case .int(let right) = second, let value = whole(left, right) { return value }
        do throws(EvaluationError) {
            return try apply(first, second, &frame)
        } catch {
            throw error.placed(at: range)
        }
    }

    /// The usual operators on operands that are not copied; nil for all others.
    @inline(__always)
    private func inPlace(_ first: UnsafePointer<Value>, _ second: UnsafePointer<Value>) -> Value? {
        switch first.pointee {
        case .int(let left):
            guard case .int(let right) = second.pointee else { return nil }
            return whole(left, right)
        case .string(let left):
            // Only texts that nothing is charged for.
            guard operation == .equal || operation == .notEqual, case .string(let right) = second.pointee,
                left.utf8.count < 64
            else { return nil }
            return .bool(left.hasSameScalars(as: right) == (operation == .equal))
        default: return nil
        }
    }

    /// The usual operators on ints; nil for the others and when the result does not fit.
    @inline(__always)
    private func whole(_ left: Int64, _ right: Int64) -> Value? {
        let (number, overflow): (Int64, Bool)
        switch operation {
        case .add: (number, overflow) = left.addingReportingOverflow(right)
        case .subtract: (number, overflow) = left.subtractingReportingOverflow(right)
        case .multiply: (number, overflow) = left.multipliedReportingOverflow(by: right)
        case .less: return .bool(left < right)
        case .lessOrEqual: return .bool(left <= right)
        case .greater: return .bool(left > right)
        case .greaterOrEqual: return .bool(left >= right)
        case .equal: return .bool(left == right)
        case .notEqual: return .bool(left != right)
        default: return nil
        }
        return overflow ? nil : .int(number)
    }

    @inline(__always)
    private func apply(_ left: Value, _ right: Value, _ frame: inout Frame) throws(EvaluationError) -> Value {
        switch operation {
        case .add: try Addition.apply(left, right, &frame)
        case .subtract: try Subtraction.apply(left, right, &frame)
        case .multiply: try Multiplication.apply(left, right, &frame)
        case .divide: try Division.apply(left, right, &frame)
        case .remainder: try Remainder.apply(left, right, &frame)
        case .equal: .bool(try Equality.equals(left, right, &frame))
        case .notEqual: .bool(!(try Equality.equals(left, right, &frame)))
        case .less: try Less.apply(left, right, &frame)
        case .lessOrEqual: try LessOrEqual.apply(left, right, &frame)
        case .greater: try Greater.apply(left, right, &frame)
        case .greaterOrEqual: try GreaterOrEqual.apply(left, right, &frame)
        case .contained: try Containment.apply(left, right, &frame)
        case .and, .or: throw .noOverload(operation.rawValue, left, right)
        }
    }
}

/// `!operand`.
final class NotNode: EvaluationNode {
    let range: Range<Int>
    let operand: any EvaluationNode

    init(_ operand: any EvaluationNode, range: Range<Int>) {
        self.operand = operand
        self.range = range
    }

    func evaluate(_ frame: inout Frame) throws(EvaluationError) -> Value {
        let value = try operand.evaluate(&frame)
        guard case .bool(let truth) = value else { throw .noOverload("!", value).placed(at: range) }
        return .bool(!truth)
    }
}

/// `-operand`.
final class NegationNode: EvaluationNode {
    let range: Range<Int>
    let operand: any EvaluationNode

    init(_ operand: any EvaluationNode, range: Range<Int>) {
        self.operand = operand
        self.range = range
    }

    func evaluate(_ frame: inout Frame) throws(EvaluationError) -> Value {
        let value = try operand.evaluate(&frame)
        switch value {
        case .int(let number):
            let (negated, overflow) = (0 as Int64).subtractingReportingOverflow(number)
            if overflow { throw .overflow("the result of negation").placed(at: range) }
            return .int(negated)
        case .double(let number): return .double(-number)
        default: throw .noOverload("-", value).placed(at: range)
        }
    }
}

/// `left && right` and `left || right`: the deciding truth wins over an error on the other side.
final class LogicNode: EvaluationNode {
    let range: Range<Int>
    let left: any EvaluationNode
    let right: any EvaluationNode
    /// The truth that decides: false for `&&`, true for `||`.
    let deciding: Bool

    init(_ left: any EvaluationNode, _ right: any EvaluationNode, deciding: Bool, range: Range<Int>) {
        self.left = left
        self.right = right
        self.deciding = deciding
        self.range = range
    }

    func evaluate(_ frame: inout Frame) throws(EvaluationError) -> Value {
        let first: Value
        do throws(EvaluationError) {
            first = try left.evaluate(&frame)
        } catch {
            return try evaluateRight(after: error, &frame)
        }
        guard case .bool(let truth) = first else {
            return try evaluateRight(after: .noOverload(name, first).placed(at: range), &frame)
        }
        if truth == deciding { return first }
        let second = try right.evaluate(&frame)
        guard case .bool = second else { throw .noOverload(name, first, second).placed(at: range) }
        return second
    }

    /// Only the deciding truth on the right makes the left's error not matter.
    ///
    /// An exhausted budget always does.
    private func evaluateRight(after error: EvaluationError, _ frame: inout Frame) throws(EvaluationError) -> Value {
        if error.code == EvaluationError.Code.budgetExceeded { throw error }
        let second = try right.evaluate(&frame)
        if case .bool(let truth) = second, truth == deciding { return second }
        throw error
    }

    private var name: String { deciding ? "||" : "&&" }
}

/// `condition ? first : second`.
final class ConditionalNode: EvaluationNode {
    let range: Range<Int>
    let condition: any EvaluationNode
    let first: any EvaluationNode
    let second: any EvaluationNode

    init(
        _ condition: any EvaluationNode,
        _ first: any EvaluationNode,
        _ second: any EvaluationNode,
        range: Range<Int>
    ) {
        self.condition = condition
        self.first = first
        self.second = second
        self.range = range
    }

    func evaluate(_ frame: inout Frame) throws(EvaluationError) -> Value {
        let value = try condition.evaluate(&frame)
        guard case .bool(let truth) = value else { throw .noOverload("?:", value).placed(at: range) }
        return truth ? try first.evaluate(&frame) : try second.evaluate(&frame)
    }
}

/// `[a, ?b]`.
final class ListNode: EvaluationNode {
    let range: Range<Int>
    let elements: [(node: any EvaluationNode, isOptional: Bool)]

    init(_ elements: [(node: any EvaluationNode, isOptional: Bool)], range: Range<Int>) {
        self.elements = elements
        self.range = range
    }

    func evaluate(_ frame: inout Frame) throws(EvaluationError) -> Value {
        var values: [Value] = []
        values.reserveCapacity(elements.count)
        for element in elements {
            let value = try element.node.evaluate(&frame)
            if !element.isOptional {
                values.append(value)
            } else if case .optional(let optional) = value {
                if let value = optional.value { values.append(value) }
            } else {
                throw .noOverload("[?]", value).placed(at: element.node.range)
            }
        }
        return .list(values)
    }
}

/// `{key: value, ?key: optional}`.
final class MapNode: EvaluationNode {
    struct Entry: Sendable {
        let key: any EvaluationNode
        let value: any EvaluationNode
        let isOptional: Bool
    }

    let range: Range<Int>
    let entries: [Entry]

    init(_ entries: [Entry], range: Range<Int>) {
        self.entries = entries
        self.range = range
    }

    func evaluate(_ frame: inout Frame) throws(EvaluationError) -> Value {
        var map = ValueMap(minimumCapacity: entries.count)
        for entry in entries {
            let keyValue = try entry.key.evaluate(&frame)
            var value = try entry.value.evaluate(&frame)
            guard let key = MapKey(keyValue) else {
                throw EvaluationError(
                    code: EvaluationError.Code.noSuchOverload,
                    message: "a \(keyValue.kindName) cannot be a map's key",
                    range: entry.key.range
                )
            }
            if entry.isOptional {
                guard case .optional(let optional) = value else {
                    throw .noOverload("{?}", value).placed(at: entry.value.range)
                }
                guard let present = optional.value else { continue }
                value = present
            }
            // `1` and `1u` are one key: a look-up with either finds it.
            guard map.member(keyValue) == nil else {
                throw EvaluationError(
                    code: EvaluationError.Code.invalidArgument,
                    message: "the same key twice in a map",
                    range: entry.key.range
                )
            }
            map[key] = value
        }
        return .map(map)
    }
}
