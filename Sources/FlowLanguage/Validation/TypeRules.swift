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
        case (.declared(_, let facets), .int) where facets.decimal != nil:
            return Mismatch(expected: name(expected), hint: "write money.minor(…, 'usd') around it")
        case (.declared, _), (_, .declared):
            if actual == .null, expected.isNullable { return nil }
            return mismatch(of: actual.plain, expected: expected.plain)
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
        case (.null, .declared) where expected.isNullable: return nil
        case (_, .declared(let plain, _)): return mismatch(of: value, expected: plain)
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
        case .declared(let plain, let facets):
            (facets.decimal == nil ? name(plain) : "a decimal, which is a text") + (facets.isNullable ? " or null" : "")
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

    /// What to write for a constant where a whole number is wanted; nil when it was not meant as a number.
    ///
    /// `isQuoted` says whether it is a text by its quotes alone.
    static func amountHint(_ text: String, isQuoted: Bool) -> String? {
        if Int64(text) != nil { return isQuoted ? "remove the quotes: a quoted value is a text" : nil }
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        let digits = parts.joined()
        guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty, digits.utf8.allSatisfy({ $0 >= 48 && $0 <= 57 })
        else { return nil }
        guard parts[1].utf8.count <= 2, let minor = Int64(digits + (parts[1].utf8.count == 1 ? "0" : "")) else {
            return "amounts are integers in minor units: money.minor('19.99', 'usd') is 1999"
        }
        return "amounts are integers in minor units: \(minor), or ${ money.minor('\(text)', 'usd') }"
    }

    private static func hint(_ actual: ExpressionType, _ expected: ExpressionType) -> String? {
        switch (actual, expected) {
        case (.int, .double): "write 'double(…)' around it"
        case (.double, .int):
            "amounts are integers in minor units: money.scale computes with them; 'int(…)' cuts the fraction off"
        case (.uint, .int): "write 'int(…)' around it"
        case (.string, .int): "write 'int(…)' around it; for an amount such as '19.99', money.minor(…, 'usd')"
        case (.string, .timestamp): "write 'timestamp(…)' around it"
        case (.int, .string), (.double, .string), (.bool, .string), (.timestamp, .string), (.uint, .string):
            "write 'string(…)' around it"
        case (.null, _): "a null is not taken here"
        default: nil
        }
    }
}
