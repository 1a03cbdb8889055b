/// A type while it is being deduced: an `ExpressionType` with type parameters and opaque types.
indirect enum DeducedType: Sendable, Hashable {
    case dynamic, null, bool, int, uint, double, string, bytes, timestamp, duration, type
    case list(DeducedType)
    case map(DeducedType, DeducedType)
    case optional(DeducedType)
    case record(RecordType)
    case declared(DeducedType, ExpressionType.Facets)
    /// A type that only functions make and take: `tuple(A, B)`, `ip`.
    case opaque(String, [DeducedType])
    /// A type parameter: of a signature by its number there, of a deduction by its number in the substitution.
    case parameter(Int)

    init(_ type: ExpressionType) {
        switch type {
        case .dynamic: self = .dynamic
        case .null: self = .null
        case .bool: self = .bool
        case .int: self = .int
        case .uint: self = .uint
        case .double: self = .double
        case .string: self = .string
        case .bytes: self = .bytes
        case .timestamp: self = .timestamp
        case .duration: self = .duration
        case .type: self = .type
        case .list(let element): self = .list(DeducedType(element))
        case .map(let key, let value): self = .map(DeducedType(key), DeducedType(value))
        case .optional(let wrapped): self = .optional(DeducedType(wrapped))
        case .record(let record): self = .record(record)
        case .declared(let type, let facets): self = .declared(DeducedType(type), facets)
        }
    }

    /// The type for the outside; what is not known there is dynamic.
    var expressionType: ExpressionType {
        switch self {
        case .dynamic, .opaque, .parameter: .dynamic
        case .null: .null
        case .bool: .bool
        case .int: .int
        case .uint: .uint
        case .double: .double
        case .string: .string
        case .bytes: .bytes
        case .timestamp: .timestamp
        case .duration: .duration
        case .type: .type
        case .list(let element): .list(element.expressionType)
        case .map(let key, let value): .map(key.expressionType, value.expressionType)
        case .optional(let wrapped): .optional(wrapped.expressionType)
        case .record(let record): .record(record)
        case .declared(let type, let facets): .declared(type.expressionType, facets)
        }
    }

    /// The type without what a declaration says besides.
    var plain: DeducedType { if case .declared(let type, _) = self { type } else { self } }

    var facets: ExpressionType.Facets { if case .declared(_, let facets) = self { facets } else { .none } }

    /// The type with other types inside it replaced.
    func mapInner(_ transform: (DeducedType) -> DeducedType) -> DeducedType {
        switch self {
        case .list(let element): .list(transform(element))
        case .map(let key, let value): .map(transform(key), transform(value))
        case .optional(let wrapped): .optional(transform(wrapped))
        case .declared(let type, let facets): .declared(transform(type), facets)
        case .opaque(let name, let parameters): .opaque(name, parameters.map(transform))
        default: self
        }
    }

    var isDynamic: Bool { if case .dynamic = self { true } else { false } }

    /// Whether the value may be anything, as far as is known.
    var isOpenEnded: Bool {
        switch self {
        case .dynamic, .parameter: true
        default: false
        }
    }

    var isNumeric: Bool {
        switch self {
        case .int, .uint, .double: true
        default: false
        }
    }
}

extension DeducedType: CustomStringConvertible {
    var description: String {
        switch self {
        case .opaque(let name, let parameters) where parameters.isEmpty: name
        case .opaque(let name, let parameters):
            "\(name)(\(parameters.map(\.description).joined(separator: ",")))"
        case .parameter: "dyn"
        case .list(let element): "list(\(element))"
        case .map(let key, let value): "map(\(key),\(value))"
        case .optional(let wrapped): "optional_type(\(wrapped))"
        default: expressionType.description
        }
    }
}

/// What the type parameters of a deduction stand for so far.
struct TypeSubstitution {
    private var bindings: [DeducedType?] = []

    mutating func fresh() -> DeducedType {
        bindings.append(nil)
        return .parameter(bindings.count - 1)
    }

    /// The type with every bound parameter replaced; a free one stays.
    func resolve(_ type: DeducedType) -> DeducedType {
        if case .parameter(let number) = type {
            guard let bound = bindings[number] else { return type }
            return resolve(bound)
        }
        return type.mapInner(resolve)
    }

    /// The resolved type without what a declaration says besides: what the value can be used as.
    func plain(_ type: DeducedType) -> DeducedType { resolve(type).plain }

    /// The type with every free parameter made dynamic: the answer of a deduction.
    func settle(_ type: DeducedType) -> DeducedType {
        if case .parameter(let number) = type {
            guard let bound = bindings[number] else { return .dynamic }
            return settle(bound)
        }
        return type.mapInner(settle)
    }

    private func occurs(_ number: Int, in type: DeducedType) -> Bool {
        switch type {
        case .parameter(let other):
            if number == other { return true }
            return bindings[other].map { occurs(number, in: $0) } ?? false
        case .list(let inner), .optional(let inner): return occurs(number, in: inner)
        case .map(let key, let value): return occurs(number, in: key) || occurs(number, in: value)
        case .opaque(_, let parameters): return parameters.contains { occurs(number, in: $0) }
        default: return false
        }
    }

    /// Whether a value of the actual type may stand where the formal type is wanted; binds parameters on the way.
    mutating func assign(_ actual: DeducedType, to formal: DeducedType) -> Bool {
        if case .parameter(let number) = formal { return bind(number, to: actual) }
        if case .parameter(let number) = actual {
            guard let bound = bindings[number] else { return bind(number, to: formal) }
            return assign(bound, to: formal)
        }
        switch (actual, formal) {
        case (.dynamic, _), (_, .dynamic): return true
        case (.null, .declared(_, let facets)) where facets.isNullable: return true
        case (.declared(_, let facets), .null): return facets.isNullable
        case (.declared, _), (_, .declared): return assign(actual.plain, to: formal.plain)
        case (.null, .timestamp), (.null, .duration), (.null, .optional), (.null, .opaque): return true
        case (.list(let actual), .list(let formal)): return assign(actual, to: formal)
        case (.optional(let actual), .optional(let formal)): return assign(actual, to: formal)
        case (.map(let key, let value), .map(let formalKey, let formalValue)):
            return assign(key, to: formalKey) && assign(value, to: formalValue)
        case (.record, .map(let key, let value)): return assign(.string, to: key) && assign(.dynamic, to: value)
        case (.map(let key, _), .record): return assign(key, to: .string)
        case (.record(let actual), .record(let formal)):
            return actual.name == formal.name || actual.isOpen || formal.isOpen || actual.fields == formal.fields
        case (.opaque(let name, let actual), .opaque(let formalName, let formal)):
            guard name == formalName, actual.count == formal.count else { return false }
            for (actual, formal) in zip(actual, formal) where !assign(actual, to: formal) { return false }
            return true
        default: return actual == formal
        }
    }

    private mutating func bind(_ number: Int, to type: DeducedType) -> Bool {
        guard let bound = bindings[number] else {
            if case .parameter(let other) = resolve(type), other == number { return true }
            if occurs(number, in: type) { return false }
            bindings[number] = type
            return true
        }
        if case .parameter(let inner) = bound { return bind(inner, to: type) }
        var trial = self
        if isMoreGeneral(type, than: bound), trial.assign(bound, to: type) {
            self = trial
            bindings[number] = type
            return true
        }
        guard assign(type, to: bound) else { return false }
        bindings[number] = widened(bound, with: type)
        return true
    }

    /// A type that also holds what is declared of the other one, which may stand where it is wanted.
    private func widened(_ type: DeducedType, with other: DeducedType) -> DeducedType {
        switch (type, resolve(other)) {
        case (.list(let type), .list(let other)): return .list(widened(type, with: other))
        case (.optional(let type), .optional(let other)): return .optional(widened(type, with: other))
        case (.map(let key, let value), .map(let otherKey, let otherValue)):
            return .map(widened(key, with: otherKey), widened(value, with: otherValue))
        case (.declared, .dynamic): return type.plain
        case (.declared(let plain, let facets), let other):
            let merged = facets.merged(with: other.facets)
            return merged == .none ? plain : .declared(plain, merged)
        case (_, .declared(_, let facets)) where facets.isNullable || facets.decimal != nil:
            let merged = facets.merged(with: .none)
            return type.isOpenEnded ? type : .declared(type, merged)
        default: return type
        }
    }

    private func isMoreGeneral(_ general: DeducedType, than special: DeducedType) -> Bool {
        switch (resolve(general), resolve(special)) {
        case (.dynamic, _): true
        case (_, .null): true
        case (.declared(let general, let facets), let special):
            general == special.plain && facets.merged(with: special.facets) == facets
        case (let general, .declared(let special, let facets)):
            general == special && facets.merged(with: .none) == .none
        case (.list(let general), .list(let special)), (.optional(let general), .optional(let special)):
            isMoreGeneral(general, than: special)
        case (.map(let key, let value), .map(let specialKey, let specialValue)):
            isMoreGeneral(key, than: specialKey) && isMoreGeneral(value, than: specialValue)
        case (.opaque(let name, let general), .opaque(let specialName, let special)):
            name == specialName && general.count == special.count
                && zip(general, special).allSatisfy { isMoreGeneral($0, than: $1) }
        case (let general, let special): general == special
        }
    }

    /// The type that holds values of both: the more general one, or dynamic.
    mutating func join(_ left: DeducedType, _ right: DeducedType) -> DeducedType {
        var trial = self
        if isMoreGeneral(left, than: right), trial.assign(right, to: left) {
            self = trial
            return left
        }
        trial = self
        if isMoreGeneral(right, than: left), trial.assign(left, to: right) {
            self = trial
            return right
        }
        trial = self
        if trial.assign(right, to: left) {
            self = trial
            return widened(left, with: right)
        }
        return .dynamic
    }
}
