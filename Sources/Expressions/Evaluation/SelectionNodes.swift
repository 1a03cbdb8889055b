/// What selecting a member by a name or a key gives.
///
/// A field that is declared to be optional is there and null when nothing was given. `has()` and `.?` take it for absent,
/// as CEL's language definition has it for fields of wrapper types (section "Field Selection"): `a.b` is null, `has(a.b)`
/// is false.
enum Selection {
    /// The optional that `.?` gives.
    static func optional(_ member: Value?, isNullAbsent: Bool) -> OptionalValue {
        guard let member else { return .none }
        if isNullAbsent, case .null = member { return .none }
        return OptionalValue(member)
    }

    /// The field of a map, or nil when it is not there.
    static func field(_ name: String, of value: Value) throws(EvaluationError) -> Value? {
        guard case .map(let map) = value else {
            throw EvaluationError(
                EvaluationError.Code.noSuchOverload,
                "a \(value.kindName) has no fields, '\(name)' was asked for"
            )
        }
        return map[name]
    }

    /// The element of a list or the value of a map's key, or nil when it is not there.
    static func element(_ key: Value, of value: Value) throws(EvaluationError) -> Value? {
        switch value {
        case .map(let map):
            switch key {
            case .string, .bool, .int, .uint, .double: return map.member(key)
            default: throw .noOverload("[]", value, key)
            }
        case .list(let elements):
            let index: Int?
            switch key {
            case .int(let number): index = Int(exactly: number)
            case .uint(let number): index = Int(exactly: number)
            case .double(let number):
                index = Int(exactly: number)
                if index == nil { throw .invalid("a list's index must be a whole number") }
            default: throw .noOverload("[]", value, key)
            }
            guard let index, elements.indices.contains(index) else { return nil }
            return elements[index]
        default: throw .noOverload("[]", value, key)
        }
    }

    static func missing(_ name: String) -> EvaluationError {
        EvaluationError(EvaluationError.Code.noSuchKey, "no such key: '\(name)'")
    }

    static func missing(_ key: Value, in value: Value) -> EvaluationError {
        switch (value, key) {
        case (.list(let elements), _):
            EvaluationError(
                EvaluationError.Code.noSuchKey,
                "the index is outside the list of \(elements.count) elements"
            )
        case (_, .string(let name)): missing(name)
        case (_, .int(let number)): missing(String(number))
        default: EvaluationError(EvaluationError.Code.noSuchKey, "no such key")
        }
    }
}

/// `operand.field` and `operand.?field`.
final class SelectNode: EvaluationNode {
    let range: Range<Int>
    let operand: any EvaluationNode
    let field: String
    let isOptional: Bool
    /// Whether an optional of null is none.
    let isNullAbsent: Bool

    init(
        _ operand: any EvaluationNode,
        field: String,
        isOptional: Bool,
        isNullAbsent: Bool,
        range: Range<Int>
    ) {
        self.operand = operand
        self.field = field
        self.isOptional = isOptional
        self.isNullAbsent = isNullAbsent
        self.range = range
    }

    func evaluate(_ frame: inout Frame) throws(EvaluationError) -> Value {
        let value = try operand.evaluate(&frame)
        if !isOptional, case .map(let map) = value {
            if let member = map[field] { return member }
            throw Selection.missing(field).placed(at: range)
        }
        return try evaluateOther(value)
    }

    private func evaluateOther(_ value: Value) throws(EvaluationError) -> Value {
        do throws(EvaluationError) {
            if case .optional(let optional) = value {
                guard let inner = optional.value else { return value }
                return .optional(Selection.optional(try Selection.field(field, of: inner), isNullAbsent: isNullAbsent))
            }
            let member = try Selection.field(field, of: value)
            if isOptional { return .optional(Selection.optional(member, isNullAbsent: isNullAbsent)) }
            guard let member else { throw Selection.missing(field) }
            return member
        } catch {
            throw error.placed(at: range)
        }
    }
}

/// `operand[key]` and `operand[?key]`.
final class IndexNode: EvaluationNode {
    let range: Range<Int>
    let operand: any EvaluationNode
    let key: any EvaluationNode
    let isOptional: Bool
    /// Whether an optional of null is none.
    let isNullAbsent: Bool

    init(
        _ operand: any EvaluationNode,
        key: any EvaluationNode,
        isOptional: Bool,
        isNullAbsent: Bool,
        range: Range<Int>
    ) {
        self.operand = operand
        self.key = key
        self.isOptional = isOptional
        self.isNullAbsent = isNullAbsent
        self.range = range
    }

    func evaluate(_ frame: inout Frame) throws(EvaluationError) -> Value {
        let value = try operand.evaluate(&frame)
        let key = try self.key.evaluate(&frame)
        do throws(EvaluationError) {
            if case .optional(let optional) = value {
                guard let inner = optional.value else { return value }
                return .optional(Selection.optional(try Selection.element(key, of: inner), isNullAbsent: isNullAbsent))
            }
            let element = try Selection.element(key, of: value)
            if isOptional { return .optional(Selection.optional(element, isNullAbsent: isNullAbsent)) }
            guard let element else { throw Selection.missing(key, in: value) }
            return element
        } catch {
            throw error.placed(at: range)
        }
    }
}

/// `has(operand.field)`.
final class PresenceNode: EvaluationNode {
    let range: Range<Int>
    let operand: any EvaluationNode
    let field: String
    let isNullAbsent: Bool

    init(_ operand: any EvaluationNode, field: String, isNullAbsent: Bool, range: Range<Int>) {
        self.operand = operand
        self.field = field
        self.isNullAbsent = isNullAbsent
        self.range = range
    }

    func evaluate(_ frame: inout Frame) throws(EvaluationError) -> Value {
        var value = try operand.evaluate(&frame)
        if case .optional(let optional) = value {
            guard let inner = optional.value else { return .bool(false) }
            value = inner
        }
        do throws(EvaluationError) {
            let member = try Selection.field(field, of: value)
            return .bool(Selection.optional(member, isNullAbsent: isNullAbsent).value != nil)
        } catch {
            throw error.placed(at: range)
        }
    }
}

/// `variable.field.field…`: the usual chain in one step.
final class PathNode: EvaluationNode {
    let range: Range<Int>
    private let slot: Int
    private let name: String
    private let fields: [String]
    /// Where each selection ends, for the place of an error.
    private let ends: [Int]

    /// Nil when the operand is neither a variable nor a path.
    init?(_ operand: any EvaluationNode, field: String, range: Range<Int>) {
        if let variable = operand as? VariableNode {
            slot = variable.slot
            name = variable.name
            fields = [field]
            ends = [range.upperBound]
        } else if let path = operand as? PathNode {
            slot = path.slot
            name = path.name
            fields = path.fields + [field]
            ends = path.ends + [range.upperBound]
        } else {
            return nil
        }
        self.range = range
    }

    func evaluate(_ frame: inout Frame) throws(EvaluationError) -> Value {
        if let place = place(in: frame.slots) { return place.pointee }
        return try evaluateOther(frame)
    }

    /// Where the value is, without sharing the maps on the way; nil where a step is no map or has no such field.
    ///
    /// Valid until the next evaluation of a node.
    @inline(__always)
    func place(in slots: UnsafeMutablePointer<Value?>) -> UnsafePointer<Value>? {
        guard var place = Frame.place(of: slot, in: slots) else { return nil }
        var position = 0
        while position < fields.count {
            guard case .map(let map) = place.pointee, let member = map.place(of: fields[position]) else { return nil }
            place = member
            position += 1
        }
        return place
    }

    /// Selects where a step may be no map, or have no such field.
    @inline(never)
    private func evaluateOther(_ frame: borrowing Frame) throws(EvaluationError) -> Value {
        guard var value = frame.slots[slot] else {
            throw EvaluationError(
                code: EvaluationError.Code.noSuchVariable,
                message: "'\(name)' has no value here",
                range: range
            )
        }
        for position in fields.indices {
            let field = fields[position]
            do throws(EvaluationError) {
                if case .optional(let optional) = value {
                    guard let inner = optional.value else { return value }
                    value = .optional(try Selection.field(field, of: inner).map(OptionalValue.init) ?? .none)
                    continue
                }
                guard let member = try Selection.field(field, of: value) else { throw Selection.missing(field) }
                value = member
            } catch {
                throw error.placed(at: range.lowerBound..<ends[position])
            }
        }
        return value
    }
}
