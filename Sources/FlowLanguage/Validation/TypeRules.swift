import Expressions

/// Which type may stand where another is wanted.
///
/// Nothing is converted in silence.
enum TypeRules {
    struct Mismatch {
        var expected: String
        var hint: String?
    }

    /// Nil when an expression of type `actual` may stand where `expected` is wanted.
    static func mismatch(of actual: ExpressionType, expected: ExpressionType) -> Mismatch? {
        switch (actual, expected) {
        case (.dynamic, _), (_, .dynamic): return nil
        case (.optional(let inner), .optional(let wanted)): return mismatch(of: inner, expected: wanted)
        case (.optional, _):
            return Mismatch(expected: name(expected), hint: "say what holds when it is missing: '.orValue(…)'")
        case (.list(let inner), .list(let wanted)):
            return mismatch(of: inner, expected: wanted).map { _ in Mismatch(expected: name(expected)) }
        case (.map(_, let inner), .map(_, let wanted)):
            return mismatch(of: inner, expected: wanted).map { _ in Mismatch(expected: name(expected)) }
        case (.map, .record), (.record, .map): return nil
        case (.record(let actual), .record(let wanted)):
            let missing = wanted.fields.first { actual.fields[$0.key] == nil && $0.value.presence == .always }
            guard let missing, !actual.isOpen else { return nil }
            return Mismatch(expected: name(expected), hint: "'\(missing.key)' is missing")
        default: break
        }
        if actual == expected { return nil }
        return Mismatch(expected: name(expected), hint: hint(actual, expected))
    }

    /// Nil when a constant may stand where `expected` is wanted.
    static func mismatch(of value: Value, expected: ExpressionType) -> Mismatch? {
        switch (value, expected) {
        case (.int, .double): return nil
        case (.list(let values), .list(let element)):
            let wrong = values.lazy.compactMap { mismatch(of: $0, expected: element) }.first
            return wrong.map { _ in Mismatch(expected: name(expected)) }
        case (.map(let map), .map(_, let element)):
            let wrong = map.lazy.compactMap { mismatch(of: $0.value, expected: element) }.first
            return wrong.map { _ in Mismatch(expected: name(expected)) }
        case (.map, .record): return nil
        default: return mismatch(of: type(of: value), expected: expected)
        }
    }

    static func type(of value: Value) -> ExpressionType {
        switch value {
        case .null: .null
        case .bool: .bool
        case .int: .int
        case .uint: .uint
        case .double: .double
        case .string: .string
        case .bytes: .bytes
        case .list: .list(.dynamic)
        case .map: .map(.string, .dynamic)
        case .timestamp: .timestamp
        case .duration: .duration
        case .type: .type
        case .optional: .optional(.dynamic)
        }
    }

    /// What findings call a type.
    static func name(_ type: ExpressionType) -> String {
        switch type {
        case .dynamic: "any value"
        case .null: "null"
        case .bool: "true or false"
        case .int: "an integer"
        case .uint: "an unsigned integer"
        case .double: "a number with a fraction"
        case .string: "a text"
        case .bytes: "bytes"
        case .timestamp: "a time"
        case .duration: "a duration"
        case .type: "a type"
        case .list(.dynamic): "a list"
        case .list(let element): "a list of \(plural(element))"
        case .map: "a mapping"
        case .optional(let wrapped): "an optional (\(name(wrapped)), or nothing)"
        case .record(let record): "a record (\(record.name))"
        }
    }

    private static func plural(_ type: ExpressionType) -> String {
        switch type {
        case .int: "integers"
        case .string: "texts"
        case .double: "numbers"
        case .bool: "booleans"
        case .timestamp: "times"
        default: "values"
        }
    }

    private static func hint(_ actual: ExpressionType, _ expected: ExpressionType) -> String? {
        switch (actual, expected) {
        case (.int, .double): "write 'double(…)' around it"
        case (.double, .int): "amounts are integers in minor units; write 'int(…)' to cut the fraction off on purpose"
        case (.uint, .int): "write 'int(…)' around it"
        case (.string, .int): "write 'int(…)' around it"
        case (.string, .timestamp): "write 'timestamp(…)' around it"
        case (.int, .string), (.double, .string), (.bool, .string), (.timestamp, .string), (.uint, .string):
            "write 'string(…)' around it"
        case (.null, _): "a null is not taken here"
        default: nil
        }
    }
}
