/// Writes values as JSON in one of four styles.
struct JSONEncoder: ~Copyable {
    enum Style { case plain, pretty, exact, canonical }

    // Most documents of a journal fit, so that it never grows.
    private(set) var output = JSONOutput(room: 512)
    private let style: Style
    private let limits: JSONLimits
    private var valueCount = 0

    init(style: Style, limits: JSONLimits) {
        self.style = style
        self.limits = limits
    }

    mutating func write(_ value: Value, depth: Int) throws(JSONError) {
        valueCount += 1
        guard valueCount <= limits.values, output.count <= limits.bytes, depth <= limits.depth else {
            throw JSONError(.tooLarge, at: 0, "a value beyond \(limits.values) values or \(limits.bytes) bytes")
        }
        switch value {
        case .null: output.append("null")
        case .bool(let value): output.append(value ? "true" : "false")
        case .int(let value): try write(integer: value)
        case .uint(let value): try write(unsigned: value)
        case .double(let value): try write(double: value)
        case .string(let value): write(string: value)
        case .list(let elements): try write(list: elements, depth: depth)
        case .map(let map): try write(map: map, depth: depth)
        case .bytes, .timestamp, .duration, .type, .optional: try write(special: value, depth: depth)
        }
    }

    private mutating func write(list elements: [Value], depth: Int) throws(JSONError) {
        output.append(UInt8(ascii: "["))
        for (position, element) in elements.enumerated() {
            if position > 0 { output.append(UInt8(ascii: ",")) }
            newLine(depth + 1)
            try write(element, depth: depth + 1)
        }
        if !elements.isEmpty { newLine(depth) }
        output.append(UInt8(ascii: "]"))
    }

    private mutating func write(map: ValueMap, depth: Int) throws(JSONError) {
        if style == .exact, !map.hasPlainKeys {
            output.append("{\"$map\":")
            try write(list: map.map { .list([$0.key.value, $0.value]) }, depth: depth + 1)
            output.append(UInt8(ascii: "}"))
            return
        }
        if style != .exact, let name = map.repeatedName {
            throw JSONError(.notJSON, at: 0, "two keys of a map are both written as '\(name.prefix(40))'")
        }
        output.append(UInt8(ascii: "{"))
        if style == .canonical {
            let entries = map.map { (key: $0.key.text, value: $0.value) }
                .sorted { $0.key.utf16.lexicographicallyPrecedes($1.key.utf16) }
            for (position, entry) in entries.enumerated() {
                try write(entry.value, for: entry.key, isFirst: position == 0, depth: depth)
            }
        } else {
            for position in 0..<map.count {
                let entry = map.entry(at: position)
                try write(entry.value, for: entry.key.text, isFirst: position == 0, depth: depth)
            }
        }
        if !map.isEmpty { newLine(depth) }
        output.append(UInt8(ascii: "}"))
    }

    private mutating func write(_ value: Value, for key: String, isFirst: Bool, depth: Int) throws(JSONError) {
        if !isFirst { output.append(UInt8(ascii: ",")) }
        newLine(depth + 1)
        write(string: key)
        output.append(UInt8(ascii: ":"))
        if style == .pretty { output.append(UInt8(ascii: " ")) }
        try write(value, depth: depth + 1)
    }

    private mutating func newLine(_ depth: Int) {
        guard style == .pretty else { return }
        output.append(0x0A)
        for _ in 0..<depth * 2 { output.append(0x20) }
    }

    private mutating func write(special value: Value, depth: Int) throws(JSONError) {
        switch (value, style) {
        case (.bytes(let bytes), .exact): output.append(text: "{\"$bytes\":\"\(Base64.encode(bytes))\"}")
        case (.bytes(let bytes), _): write(string: Base64.encode(bytes))
        case (.timestamp(let moment), .exact):
            output.append("{\"$timestamp\":\"")
            output.append(text: moment.rfc3339)
            output.append("\"}")
        case (.timestamp(let moment), _): write(string: moment.rfc3339)
        case (.duration(let span), .exact): output.append(text: "{\"$duration\":\"\(ExactForm.encode(span))\"}")
        case (.duration(let span), _): write(string: span.secondsText)
        case (.type(let type), .exact):
            output.append("{\"$type\":")
            write(string: type.name)
            output.append(UInt8(ascii: "}"))
        case (.optional(let optional), .exact):
            output.append("{\"$optional\":")
            try write(list: optional.value.map { [$0] } ?? [], depth: depth + 1)
            output.append(UInt8(ascii: "}"))
        default:
            throw JSONError(.notJSON, at: 0, "a value of type \(value.kindName) has no JSON form")
        }
    }
}

// MARK: Numbers and strings

extension JSONEncoder {
    private mutating func write(integer: Int64) throws(JSONError) {
        if style == .canonical, Int64(exactly: Double(integer)) != integer {
            throw JSONError(.notJSON, at: 0, "an integer that canonical JSON cannot hold exactly")
        }
        if style == .canonical { return output.append(text: ECMAScriptNumber.text(Double(integer))) }
        if integer < 0 { output.append(UInt8(ascii: "-")) }
        output.append(digitsOf: integer.magnitude)
    }

    private mutating func write(unsigned: UInt64) throws(JSONError) {
        switch style {
        case .exact: output.append(text: "{\"$uint\":\"\(unsigned)\"}")
        case .plain, .pretty: output.append(digitsOf: unsigned)
        case .canonical:
            guard UInt64(exactly: Double(unsigned)) == unsigned else {
                throw JSONError(.notJSON, at: 0, "an integer that canonical JSON cannot hold exactly")
            }
            output.append(text: ECMAScriptNumber.text(Double(unsigned)))
        }
    }

    private mutating func write(double: Double) throws(JSONError) {
        if double.isFinite {
            output.append(text: style == .canonical ? ECMAScriptNumber.text(double) : double.description)
            return
        }
        guard style == .exact else { throw JSONError(.notJSON, at: 0, "NaN and infinities have no JSON form") }
        if double.isNaN {
            let isUsual = double.bitPattern == Double.nan.bitPattern
            output.append(text: "{\"$double\":\"\(isUsual ? "NaN" : "0x" + String(double.bitPattern, radix: 16))\"}")
        } else {
            output.append(text: "{\"$double\":\"\(double < 0 ? "-Infinity" : "Infinity")\"}")
        }
    }

    private mutating func write(string: String) {
        var string = string
        string.withUTF8 { bytes in
            let plain = output.appendQuoted(bytes)
            if plain < bytes.count { writeEscaping(bytes, from: plain) }
        }
    }

    /// Goes on with a string whose quotation mark and first bytes are written.
    private mutating func writeEscaping(_ bytes: UnsafeBufferPointer<UInt8>, from position: Int) {
        var start = position
        for position in position..<bytes.count {
            let byte = bytes[position]
            guard byte.needsEscape else { continue }
            output.append(UnsafeBufferPointer(rebasing: bytes[start..<position]))
            appendEscape(byte)
            start = position + 1
        }
        output.append(UnsafeBufferPointer(rebasing: bytes[start...]))
        output.append(UInt8(ascii: "\""))
    }

    private mutating func appendEscape(_ byte: UInt8) {
        switch byte {
        case 0x22: output.append("\\\"")
        case 0x5C: output.append("\\\\")
        case 0x08: output.append("\\b")
        case 0x09: output.append("\\t")
        case 0x0A: output.append("\\n")
        case 0x0C: output.append("\\f")
        case 0x0D: output.append("\\r")
        default: output.append(text: "\\u00" + (byte < 16 ? "0" : "") + String(byte, radix: 16))
        }
    }
}

/// Numbers as ECMAScript's `Number::toString` writes them, which RFC 8785 asks for.
enum ECMAScriptNumber {
    static func text(_ number: Double) -> String {
        if number == 0 { return "0" }
        let (digits, point) = shortestDigits(number.magnitude)
        let sign = number < 0 ? "-" : ""
        let count = digits.count
        if count <= point, point <= 21 { return sign + digits + String(repeating: "0", count: point - count) }
        if point > 0, point <= 21 { return sign + digits.prefix(point) + "." + digits.dropFirst(point) }
        if point > -6, point <= 0 { return sign + "0." + String(repeating: "0", count: -point) + digits }
        let exponent = point - 1
        let mantissa = count == 1 ? digits : digits.prefix(1) + "." + digits.dropFirst()
        return sign + mantissa + "e" + (exponent < 0 ? "-" : "+") + String(exponent.magnitude)
    }

    /// The shortest digits that read back as the number, and where its point stands: 0.0123 is ("123", -1).
    static func shortestDigits(_ number: Double) -> (digits: String, point: Int) {
        let parts = number.description.split(separator: "e")
        let mantissa = parts[0].split(separator: ".", omittingEmptySubsequences: false)
        let whole = String(mantissa[0])
        let fraction = mantissa.count > 1 ? String(mantissa[1]) : ""
        var digits = Substring(whole + fraction)
        var point = whole.count + (parts.count > 1 ? Int(parts[1]) ?? 0 : 0)
        while digits.first == "0", digits.count > 1 {
            digits.removeFirst()
            point -= 1
        }
        while digits.last == "0", digits.count > 1 { digits.removeLast() }
        return (String(digits), point)
    }
}
