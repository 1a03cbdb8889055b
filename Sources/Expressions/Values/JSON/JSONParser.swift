/// Reads JSON from bytes in one pass.
struct JSONParser {
    let bytes: UnsafeBufferPointer<UInt8>
    private let limits: JSONLimits
    private let isExact: Bool
    var position = 0
    private var valueCount = 0

    init(bytes: UnsafeBufferPointer<UInt8>, limits: JSONLimits, isExact: Bool) {
        self.bytes = bytes
        self.limits = limits
        self.isExact = isExact
    }

    mutating func document() throws(JSONError) -> Value {
        try document { (parser) throws(JSONError) in try parser.value(depth: 0) }
    }

    /// A text that holds the one value that `read` reads, and spaces.
    mutating func document(
        _ read: (inout JSONParser) throws(JSONError) -> Value
    ) throws(JSONError) -> Value {
        guard bytes.count <= limits.bytes else {
            throw JSONError(.tooLarge, at: 0, "\(bytes.count) bytes, more than the \(limits.bytes) allowed")
        }
        skipSpace()
        let value = try read(&self)
        skipSpace()
        guard position == bytes.count else { throw unexpected("the end of the text") }
        return value
    }

    mutating func value(depth: Int) throws(JSONError) -> Value {
        try countValue()
        guard position < bytes.count else { throw unexpected("a value") }
        switch bytes[position] {
        case UInt8(ascii: "{"): return try object(depth: depth)
        case UInt8(ascii: "["): return .list(try list(depth: depth))
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        default: return try number()
        }
    }

    mutating func countValue() throws(JSONError) {
        valueCount += 1
        guard valueCount <= limits.values else {
            throw JSONError(.tooLarge, at: position, "more than \(limits.values) values")
        }
    }

    private mutating func list(depth: Int) throws(JSONError) -> [Value] {
        var elements: [Value] = []
        try eachElement(depth: depth) { (parser) throws(JSONError) in
            if elements.isEmpty { elements.reserveCapacity(4) }
            elements.append(try parser.value(depth: depth + 1))
        }
        return elements
    }

    /// Calls `read` where each element of a list stands.
    mutating func eachElement(
        depth: Int,
        _ read: (inout JSONParser) throws(JSONError) -> Void
    ) throws(JSONError) {
        try checkDepth(depth)
        position += 1
        skipSpace()
        if take("]") { return }
        while true {
            skipSpace()
            try read(&self)
            skipSpace()
            if take("]") { return }
            guard take(",") else { throw unexpected("',' or ']'") }
        }
    }

    private mutating func object(depth: Int) throws(JSONError) -> Value {
        try checkDepth(depth)
        let start = position
        position += 1
        skipSpace()
        var map = ValueMap()
        if take("}") { return .map(map) }
        while true {
            skipSpace()
            let keyStart = position
            guard position < bytes.count, bytes[position] == UInt8(ascii: "\"") else { throw unexpected("a key") }
            let key = try string()
            skipSpace()
            guard take(":") else { throw unexpected("':'") }
            skipSpace()
            let member = try value(depth: depth + 1)
            guard map.add(member, for: key) else { throw JSONError(.duplicateKey, at: keyStart, "the same key twice") }
            skipSpace()
            if take("}") { break }
            guard take(",") else { throw unexpected("',' or '}'") }
        }
        if isExact, map.count == 1, !map.hasPlainKeys, let name = map.entry(at: 0).key.stringValue, name.hasPrefix("$")
        {
            guard let value = ExactForm.decode(name, map.entry(at: 0).value) else {
                throw JSONError(.syntax, at: start, "an unknown or malformed exact form")
            }
            return value
        }
        return .map(map)
    }

    func checkDepth(_ depth: Int) throws(JSONError) {
        guard depth < limits.depth else {
            throw JSONError(.tooLarge, at: position, "nested more than \(limits.depth) levels deep")
        }
    }

    private mutating func word(_ word: StaticString, _ value: Value) throws(JSONError) -> Value {
        let length = word.utf8CodeUnitCount
        guard position + length <= bytes.count else { throw unexpected("a value") }
        for offset in 0..<length where bytes[position + offset] != word.utf8Start[offset] {
            throw unexpected("a value")
        }
        position += length
        return value
    }

    mutating func skipSpace() {
        while position < bytes.count {
            switch bytes[position] {
            case 0x20, 0x09, 0x0A, 0x0D: position += 1
            default: return
            }
        }
    }

    mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard position < bytes.count, UInt32(bytes[position]) == character.value else { return false }
        position += 1
        return true
    }

    func unexpected(_ expected: String) -> JSONError {
        guard position < bytes.count else {
            return JSONError(.syntax, at: position, "the text ends where \(expected) was expected")
        }
        let byte = bytes[position]
        let found =
            byte > 0x20 && byte < 0x7F ? "'\(Character(Unicode.Scalar(byte)))'" : "byte 0x\(String(byte, radix: 16))"
        return JSONError(.syntax, at: position, "\(found) where \(expected) was expected")
    }
}

// MARK: Numbers

extension JSONParser {
    private mutating func number() throws(JSONError) -> Value {
        let start = position
        let isNegative = take("-")
        let digitsStart = position
        guard skipDigits() > 0 else { throw unexpected(isNegative ? "a digit" : "a value") }
        if bytes[digitsStart] == UInt8(ascii: "0"), position - digitsStart > 1 {
            throw JSONError(.syntax, at: digitsStart, "a number with a leading zero")
        }
        var isWhole = true
        if take(".") {
            isWhole = false
            guard skipDigits() > 0 else { throw unexpected("a digit") }
        }
        if take("e") || take("E") {
            isWhole = false
            _ = take("+") || take("-")
            guard skipDigits() > 0 else { throw unexpected("a digit") }
        }
        if isWhole { return .int(try integer(from: digitsStart, isNegative: isNegative, start: start)) }
        let text = String(decoding: UnsafeBufferPointer(rebasing: bytes[start..<position]), as: UTF8.self)
        guard let number = Double(text), number.isFinite else {
            throw JSONError(.numberRange, at: start, "a number beyond the range of a double")
        }
        return .double(number)
    }

    private mutating func skipDigits() -> Int {
        let start = position
        while position < bytes.count, bytes[position] >= 48, bytes[position] <= 57 { position += 1 }
        return position - start
    }

    private func integer(from digitsStart: Int, isNegative: Bool, start: Int) throws(JSONError) -> Int64 {
        var number: Int64 = 0
        for index in digitsStart..<position {
            let digit = Int64(bytes[index] - 48)
            let (product, overflow) = number.multipliedReportingOverflow(by: 10)
            let (next, carry) =
                isNegative ? product.subtractingReportingOverflow(digit) : product.addingReportingOverflow(digit)
            if overflow || carry { throw JSONError(.numberRange, at: start, "an integer beyond 64 bits") }
            number = next
        }
        return number
    }
}

// MARK: Strings

extension JSONParser {
    mutating func string() throws(JSONError) -> String {
        let start = position
        let contentStart = position + 1
        var index = contentStart
        // Tells whether any byte is beyond ASCII, where UTF-8 must be checked.
        var seen: UInt8 = 0
        while index < bytes.count {
            if index + 8 <= bytes.count {
                let word = UnsafeRawBufferPointer(bytes).loadUnaligned(fromByteOffset: index, as: UInt64.self)
                guard let plain = word.bytesBeforeEscape else {
                    if word & 0x8080_8080_8080_8080 != 0 { seen |= 0x80 }
                    index += 8
                    continue
                }
                let before = UInt64(littleEndian: word) & ~(UInt64.max << UInt64(8 * plain))
                if before & 0x8080_8080_8080_8080 != 0 { seen |= 0x80 }
                index += plain
            }
            let byte = bytes[index]
            if byte == UInt8(ascii: "\"") {
                let content = UnsafeBufferPointer(rebasing: bytes[contentStart..<index])
                position = index + 1
                return seen < 0x80 ? String(decoding: content, as: UTF8.self) : try text(content, at: start)
            }
            if byte == UInt8(ascii: "\\") {
                position = index
                return try escapedString(from: contentStart, start: start)
            }
            if byte < 0x20 { throw JSONError(.syntax, at: index, "a control character inside a string") }
            seen |= byte
            index += 1
        }
        throw JSONError(.syntax, at: start, "a string with no end")
    }

    private func text(_ content: some Collection<UInt8>, at offset: Int) throws(JSONError) -> String {
        guard let text = String(validating: content, as: UTF8.self) else {
            throw JSONError(.encoding, at: offset, "a string that is not UTF-8")
        }
        return text
    }

    private mutating func escapedString(from contentStart: Int, start: Int) throws(JSONError) -> String {
        var content = Array(bytes[contentStart..<position])
        while position < bytes.count {
            let byte = bytes[position]
            position += 1
            switch byte {
            case UInt8(ascii: "\""): return try text(content, at: start)
            case UInt8(ascii: "\\"): try appendEscape(to: &content)
            case 0..<0x20: throw JSONError(.syntax, at: position - 1, "a control character inside a string")
            default: content.append(byte)
            }
        }
        throw JSONError(.syntax, at: start, "a string with no end")
    }

    private mutating func appendEscape(to content: inout [UInt8]) throws(JSONError) {
        guard position < bytes.count else { throw unexpected("an escape") }
        let byte = bytes[position]
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): content.append(byte)
        case UInt8(ascii: "b"): content.append(0x08)
        case UInt8(ascii: "f"): content.append(0x0C)
        case UInt8(ascii: "n"): content.append(0x0A)
        case UInt8(ascii: "r"): content.append(0x0D)
        case UInt8(ascii: "t"): content.append(0x09)
        case UInt8(ascii: "u"): content.append(contentsOf: String(try escapedScalar()).utf8)
        default:
            position -= 1
            throw unexpected("an escape character")
        }
    }

    private mutating func escapedScalar() throws(JSONError) -> Unicode.Scalar {
        let start = position - 2
        let unit = try fourHexDigits()
        if let scalar = Unicode.Scalar(unit) { return scalar }
        if unit < 0xDC00, take("\\"), take("u") {
            let low = try fourHexDigits()
            if (0xDC00...0xDFFF).contains(low),
                let scalar = Unicode.Scalar(0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00))
            {
                return scalar
            }
        }
        throw JSONError(.encoding, at: start, "half a surrogate pair")
    }

    private mutating func fourHexDigits() throws(JSONError) -> UInt32 {
        var number: UInt32 = 0
        for _ in 0..<4 {
            guard position < bytes.count, let digit = hexValue(bytes[position]) else {
                throw unexpected("a hexadecimal digit")
            }
            number = number << 4 | UInt32(digit)
            position += 1
        }
        return number
    }
}

/// The value of a hexadecimal digit.
func hexValue(_ byte: UInt8) -> UInt8? {
    switch byte {
    case 48...57: byte - 48
    case 65...70: byte - 55
    case 97...102: byte - 87
    default: nil
    }
}
