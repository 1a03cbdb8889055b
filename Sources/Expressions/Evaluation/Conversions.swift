/// `int()`, `uint()`, `double()`, `string()`, `bytes()`, `bool()`, `timestamp()`, `duration()`, `type()`, `dyn()`, `size()`.
enum Conversions {
    static let functions: [(String, FunctionBody)] = [
        ("int", .unary(int)), ("uint", .unary(uint)), ("double", .unary(double)), ("bool", .unary(bool)),
        ("string", .unary(string)), ("bytes", .unary(bytes)), ("timestamp", .unary(timestamp)),
        ("duration", .unary(duration)), ("size", .unary(size)),
        ("dyn", .unary({ (value, _) throws(EvaluationError) in value })),
        ("type", .unary({ (value, _) throws(EvaluationError) in .type(value.typeValue) })),
    ]

    static func int(_ value: Value, _ frame: inout Frame) throws(EvaluationError) -> Value {
        switch value {
        case .int: return value
        case .uint(let number):
            guard let whole = Int64(exactly: number) else { throw .overflow("the int") }
            return .int(whole)
        case .double(let number):
            // CEL refuses the two ends of the range, since a double near them may have been rounded to them.
            guard number > -0x1p63, number < 0x1p63 else { throw .overflow("the int") }
            return .int(Int64(number))
        case .string(let text):
            guard let number = Int64(plain: text) else { throw .invalid("the text is no integer within 64 bits") }
            return .int(number)
        case .timestamp(let moment): return .int(moment.seconds)
        case .duration(let span): return .int(span.components.seconds)
        default: throw .noOverload("int", value)
        }
    }

    static func uint(_ value: Value, _ frame: inout Frame) throws(EvaluationError) -> Value {
        switch value {
        case .uint: return value
        case .int(let number):
            guard let whole = UInt64(exactly: number) else { throw .overflow("the uint") }
            return .uint(whole)
        case .double(let number):
            guard number > -1, number < 0x1p64 else { throw .overflow("the uint") }
            guard number >= 0 else { throw .overflow("the uint") }
            return .uint(UInt64(number))
        case .string(let text):
            guard text.utf8.first != UInt8(ascii: "+"), let number = UInt64(text) else {
                throw .invalid("the text is no unsigned integer within 64 bits")
            }
            return .uint(number)
        default: throw .noOverload("uint", value)
        }
    }

    static func double(_ value: Value, _ frame: inout Frame) throws(EvaluationError) -> Value {
        switch value {
        case .double: return value
        case .int(let number): return .double(Double(number))
        case .uint(let number): return .double(Double(number))
        case .string(let text):
            guard let number = parseDouble(text) else { throw .invalid("the text is no number") }
            return .double(number)
        default: throw .noOverload("double", value)
        }
    }

    private static func parseDouble(_ text: String) -> Double? {
        switch text {
        case "NaN": return .nan
        case "Infinity", "+Infinity", "Inf", "+Inf", "inf": return .infinity
        case "-Infinity", "-Inf", "-inf": return -.infinity
        default:
            let isPlain = text.utf8.allSatisfy { byte in
                byte.isDigit || [43, 45, 46, 69, 101].contains(byte)
            }
            guard isPlain, text.utf8.count <= 400, let number = Double(text) else { return nil }
            return number
        }
    }

    static func bool(_ value: Value, _ frame: inout Frame) throws(EvaluationError) -> Value {
        switch value {
        case .bool: return value
        case .string(let text):
            if ["true", "True", "TRUE", "t", "1"].contains(text) { return .bool(true) }
            if ["false", "False", "FALSE", "f", "0"].contains(text) { return .bool(false) }
            throw .invalid("the text is neither true nor false")
        default: throw .noOverload("bool", value)
        }
    }

    static func string(_ value: Value, _ frame: inout Frame) throws(EvaluationError) -> Value {
        switch value {
        case .string: return value
        case .int(let number): return .string(String(number))
        case .uint(let number): return .string(String(number))
        case .bool(let truth): return .string(truth ? "true" : "false")
        case .double(let number): return .string(numberText(number))
        case .bytes(let bytes):
            try frame.charge(making: bytes.count)
            guard let text = String(validating: bytes, as: UTF8.self) else { throw .invalid("the bytes are not UTF-8") }
            return .string(text)
        case .timestamp(let moment): return .string(moment.rfc3339)
        case .duration(let span): return .string(span.secondsText)
        case .type(let type): return .string(type.name)
        default: throw .noOverload("string", value)
        }
    }

    /// The shortest text that reads back as the number, with no `.0` for whole ones.
    static func numberText(_ number: Double) -> String {
        if number.isNaN { return "NaN" }
        if number.isInfinite { return number < 0 ? "-Infinity" : "Infinity" }
        if number == 0 { return number.sign == .minus ? "-0" : "0" }
        let (digits, point) = ECMAScriptNumber.shortestDigits(number.magnitude)
        let exponent = point - 1
        if exponent < -4 || exponent >= 21 {
            let sign = number < 0 ? "-" : ""
            let mantissa = digits.count == 1 ? digits : digits.prefix(1) + "." + digits.dropFirst()
            let magnitude = String(exponent.magnitude)
            let padded = magnitude.count < 2 ? "0" + magnitude : magnitude
            return sign + mantissa + "e" + (exponent < 0 ? "-" : "+") + padded
        }
        return ECMAScriptNumber.text(number)
    }

    static func bytes(_ value: Value, _ frame: inout Frame) throws(EvaluationError) -> Value {
        switch value {
        case .bytes: return value
        case .string(let text):
            try frame.charge(making: text.utf8.count)
            return .bytes(Array(text.utf8))
        default: throw .noOverload("bytes", value)
        }
    }

    static func timestamp(_ value: Value, _ frame: inout Frame) throws(EvaluationError) -> Value {
        switch value {
        case .timestamp: return value
        case .string(let text):
            guard let moment = Timestamp(rfc3339: text) else {
                throw .invalid("the text is no RFC 3339 timestamp between the years 0001 and 9999")
            }
            return .timestamp(moment)
        case .int(let seconds):
            guard let moment = Timestamp(seconds: seconds, nanoseconds: 0) else { throw .overflow("the timestamp") }
            return .timestamp(moment)
        default: throw .noOverload("timestamp", value)
        }
    }

    static func duration(_ value: Value, _ frame: inout Frame) throws(EvaluationError) -> Value {
        switch value {
        case .duration: return value
        case .string(let text):
            guard text.utf8.count <= 100, let span = Duration(celText: text) else {
                throw .invalid("the text is no duration such as '1h30m' or '1.5s' within 292 years")
            }
            return .duration(span)
        case .int(let seconds): return try checked(.seconds(seconds))
        default: throw .noOverload("duration", value)
        }
    }

    static func size(_ value: Value, _ frame: inout Frame) throws(EvaluationError) -> Value {
        switch value {
        case .string(let text):
            try frame.charge(reading: text.utf8.count)
            return .int(Int64(text.unicodeScalars.count))
        case .bytes(let bytes): return .int(Int64(bytes.count))
        case .list(let elements): return .int(Int64(elements.count))
        case .map(let map): return .int(Int64(map.count))
        default: throw .noOverload("size", value)
        }
    }
}

extension Int64 {
    /// Decimal digits with an optional minus: no plus, no space.
    fileprivate init?(plain text: String) {
        guard text.utf8.first != UInt8(ascii: "+") else { return nil }
        self.init(text)
    }
}
