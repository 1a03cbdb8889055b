/// What a scalar means under YAML 1.2's core schema: `on`, `no` and `yes` are text.
enum ResolvedScalar: Sendable, Hashable {
    case null
    case bool(Bool)
    case int(Int64)
    /// Looks like an integer that does not fit 64 bits.
    case hugeInt(String)
    case double(Double)
    case text(String)

    var kindName: String {
        switch self {
        case .null: "null"
        case .bool: "a boolean"
        case .int, .hugeInt: "an integer"
        case .double: "a number with a fraction"
        case .text: "text"
        }
    }
}

extension YAMLScalar {
    /// Quoted and block scalars are text; plain ones are resolved by their shape (YAML 1.2.2, section 10.3.2).
    var resolved: ResolvedScalar {
        guard style == .plain else { return .text(text) }
        switch text {
        case "", "~", "null", "Null", "NULL": return .null
        case "true", "True", "TRUE": return .bool(true)
        case "false", "False", "FALSE": return .bool(false)
        case ".nan", ".NaN", ".NAN": return .double(.nan)
        case ".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF": return .double(.infinity)
        case "-.inf", "-.Inf", "-.INF": return .double(-.infinity)
        default: break
        }
        let bytes = Array(text.utf8)
        guard let first = bytes.first, first < 0x3A, first != 0x20 else { return .text(text) }
        if let integer = Self.integer(bytes, text) { return integer }
        if Self.isFloat(bytes), let value = Double(text) { return .double(value) }
        return .text(text)
    }

    private static func integer(_ bytes: [UInt8], _ text: String) -> ResolvedScalar? {
        if bytes.count > 2, bytes[0] == UInt8(ascii: "0") {
            if bytes[1] == UInt8(ascii: "o"), bytes[2...].allSatisfy({ (0x30...0x37).contains($0) }) {
                return Int64(text.dropFirst(2), radix: 8).map { .int($0) } ?? .hugeInt(text)
            }
            if bytes[1] == UInt8(ascii: "x"), bytes[2...].allSatisfy({ isHexadecimal($0) }) {
                return Int64(text.dropFirst(2), radix: 16).map { .int($0) } ?? .hugeInt(text)
            }
        }
        let signed = bytes[0] == UInt8(ascii: "-") || bytes[0] == UInt8(ascii: "+")
        let digits = bytes.dropFirst(signed ? 1 : 0)
        guard !digits.isEmpty, digits.allSatisfy({ isDigit($0) }) else { return nil }
        return Int64(text).map { .int($0) } ?? .hugeInt(text)
    }

    /// Whether the bytes are a float of the core schema.
    ///
    /// `[-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )?`
    private static func isFloat(_ bytes: [UInt8]) -> Bool {
        var index = 0
        func digits() -> Int {
            let from = index
            while index < bytes.count, isDigit(bytes[index]) { index += 1 }
            return index - from
        }
        if bytes[0] == UInt8(ascii: "-") || bytes[0] == UInt8(ascii: "+") { index += 1 }
        let whole = digits()
        var fraction = 0
        if index < bytes.count, bytes[index] == UInt8(ascii: ".") {
            index += 1
            fraction = digits()
        }
        guard whole + fraction > 0 else { return false }
        if index < bytes.count, bytes[index] | 0x20 == UInt8(ascii: "e") {
            index += 1
            if index < bytes.count, bytes[index] == UInt8(ascii: "-") || bytes[index] == UInt8(ascii: "+") {
                index += 1
            }
            guard digits() > 0 else { return false }
        }
        return index == bytes.count
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

    private static func isHexadecimal(_ byte: UInt8) -> Bool {
        isDigit(byte) || (0x61...0x66).contains(byte | 0x20)
    }
}
