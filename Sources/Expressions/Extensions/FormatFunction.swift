import Foundation

/// `text.format([…])` of the strings extension: `%s %d %f %e %b %o %x %X %%`, with a precision for `%f` and `%e`.
enum FormatFunction {
    static let functions: [(String, FunctionBody)] = [("format", .binary(format))]

    /// The greatest precision that `%f` and `%e` take.
    private static let precisionLimit = 100

    private static func format(
        _ text: Value,
        _ arguments: Value,
        _ frame: inout Frame
    ) throws(EvaluationError) -> Value {
        guard case .string(let text) = text, case .list(let arguments) = arguments else {
            throw .noOverload("format", text, arguments)
        }
        try frame.charge(making: text.utf8.count)
        let scalars = Array(text.unicodeScalars)
        var output = String.UnicodeScalarView()
        var position = 0
        var used = 0
        while position < scalars.count {
            let scalar = scalars[position]
            position += 1
            guard scalar == "%" else {
                output.append(scalar)
                continue
            }
            if position < scalars.count, scalars[position] == "%" {
                output.append("%")
                position += 1
                continue
            }
            let precision = try precision(in: scalars, &position)
            guard position < scalars.count else { throw .invalid("the format ends inside a clause") }
            let clause = scalars[position]
            position += 1
            guard used < arguments.count else { throw .invalid("the format has more clauses than arguments") }
            let shown = try show(arguments[used], clause, precision, &frame)
            used += 1
            try frame.charge(making: shown.utf8.count)
            output.append(contentsOf: shown.unicodeScalars)
        }
        return .string(String(output))
    }

    private static func precision(
        in scalars: [Unicode.Scalar],
        _ position: inout Int
    ) throws(EvaluationError) -> Int? {
        guard position < scalars.count, scalars[position] == "." else { return nil }
        position += 1
        var number = 0
        var count = 0
        while position < scalars.count, ("0"..."9").contains(scalars[position]) {
            number = number * 10 + Int(scalars[position].value - 48)
            guard number <= precisionLimit else { throw .invalid("a precision beyond \(precisionLimit)") }
            position += 1
            count += 1
        }
        guard count > 0 else { throw .invalid("a '.' with no precision after it") }
        return number
    }

    private static func show(
        _ value: Value,
        _ clause: Unicode.Scalar,
        _ precision: Int?,
        _ frame: inout Frame
    ) throws(EvaluationError) -> String {
        switch clause {
        case "s": return try text(value, &frame)
        case "d": return try decimal(value)
        case "f": return try fixed(value, "f", precision ?? 6)
        case "e": return try fixed(value, "e", precision ?? 6)
        case "b":
            if case .bool(let truth) = value { return truth ? "1" : "0" }
            return try integer(value, radix: 2, "%b")
        case "o": return try integer(value, radix: 8, "%o")
        case "x": return try hexadecimal(value)
        case "X": return try hexadecimal(value).uppercased()
        default: throw .invalid("there is no clause '%\(clause)'")
        }
    }

    private static func special(_ number: Double) -> String? {
        number.isNaN ? "NaN" : number.isInfinite ? (number < 0 ? "-Infinity" : "Infinity") : nil
    }

    private static func decimal(_ value: Value) throws(EvaluationError) -> String {
        switch value {
        case .int(let number): return String(number)
        case .uint(let number): return String(number)
        case .double(let number):
            if let special = special(number) { return special }
            throw .noOverload("%d", value)
        default: throw .noOverload("%d", value)
        }
    }

    private static func fixed(_ value: Value, _ letter: String, _ precision: Int) throws(EvaluationError) -> String {
        let number: Double
        switch value {
        case .int(let whole): number = Double(whole)
        case .uint(let whole): number = Double(whole)
        case .double(let double): number = double
        default: throw .noOverload("%\(letter)", value)
        }
        return special(number) ?? String(format: "%.\(precision)\(letter)", number)
    }

    private static func integer(_ value: Value, radix: Int, _ clause: String) throws(EvaluationError) -> String {
        switch value {
        case .int(let number): return String(number, radix: radix)
        case .uint(let number): return String(number, radix: radix)
        default: throw .noOverload(clause, value)
        }
    }

    private static func hexadecimal(_ value: Value) throws(EvaluationError) -> String {
        let bytes: [UInt8]
        switch value {
        case .string(let text): bytes = Array(text.utf8)
        case .bytes(let content): bytes = content
        default: return try integer(value, radix: 16, "%x")
        }
        return bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    private static func text(_ value: Value, _ frame: inout Frame) throws(EvaluationError) -> String {
        try frame.charge(1)
        switch value {
        case .null: return "null"
        case .list(let elements):
            var parts: [String] = []
            for element in elements { parts.append(try text(element, &frame)) }
            return try joined(parts, "[", "]", &frame)
        case .map(let map):
            var entries: [(key: String, value: String)] = []
            for (key, member) in map { entries.append((try text(key.value, &frame), try text(member, &frame))) }
            entries.sort { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
            return try joined(entries.map { "\($0.key): \($0.value)" }, "{", "}", &frame)
        case .optional: throw .noOverload("%s", value)
        default:
            guard case .string(let text) = try Conversions.string(value, &frame) else { return "" }
            return text
        }
    }

    private static func joined(
        _ parts: [String],
        _ open: String,
        _ close: String,
        _ frame: inout Frame
    ) throws(EvaluationError) -> String {
        try frame.charge(making: parts.reduce(2) { $0 + $1.utf8.count + 2 })
        return open + parts.joined(separator: ", ") + close
    }
}
