extension Lexer {
    // MARK: Numbers

    mutating func number() throws(SyntaxFault) -> Token {
        let start = position
        if bytes[position] == UInt8(ascii: "0"), peek(1) == UInt8(ascii: "x") || peek(1) == UInt8(ascii: "X") {
            return try hexadecimal()
        }
        var end = position
        while end < bytes.count, bytes[end].isDigit { end += 1 }
        var isDouble = false
        if end + 1 < bytes.count, bytes[end] == UInt8(ascii: "."), bytes[end + 1].isDigit {
            isDouble = true
            end += 1
            while end < bytes.count, bytes[end].isDigit { end += 1 }
        }
        if end < bytes.count, bytes[end] == UInt8(ascii: "e") || bytes[end] == UInt8(ascii: "E") {
            var exponent = end + 1
            if exponent < bytes.count, bytes[exponent] == UInt8(ascii: "+") || bytes[exponent] == UInt8(ascii: "-") {
                exponent += 1
            }
            if exponent < bytes.count, bytes[exponent].isDigit {
                isDouble = true
                end = exponent
                while end < bytes.count, bytes[end].isDigit { end += 1 }
            }
        }
        advance(to: end)
        if isDouble {
            guard let number = Double(text(start..<end)), number.isFinite else {
                throw SyntaxFault("expression.number", "a number beyond the range of a double", at: start..<end)
            }
            try refuseTrailingLetters(from: start)
            return Token(kind: .double(number), range: start..<end)
        }
        return try integer(text(start..<end), radix: 10, from: start)
    }

    private mutating func hexadecimal() throws(SyntaxFault) -> Token {
        let start = position
        var end = position + 2
        while end < bytes.count, hexValue(bytes[end]) != nil { end += 1 }
        advance(to: end)
        guard end > start + 2 else {
            throw SyntaxFault("expression.number", "'0x' with no hexadecimal digit after it", at: start..<end)
        }
        return try integer(text(start + 2..<end), radix: 16, from: start)
    }

    private mutating func integer(_ digits: String, radix: Int, from start: Int) throws(SyntaxFault) -> Token {
        let isUnsigned = peek(0) == UInt8(ascii: "u") || peek(0) == UInt8(ascii: "U")
        if isUnsigned { advance(to: position + 1) }
        guard let magnitude = UInt64(digits, radix: radix), isUnsigned || magnitude <= 1 << 63 else {
            throw SyntaxFault("expression.number", "an integer beyond 64 bits", at: start..<position)
        }
        try refuseTrailingLetters(from: start)
        return Token(kind: isUnsigned ? .uint(magnitude) : .int(magnitude), range: start..<position)
    }

    private func refuseTrailingLetters(from start: Int) throws(SyntaxFault) {
        guard let byte = peek(0), byte.continuesIdentifier else { return }
        var end = position
        while end < bytes.count, bytes[end].continuesIdentifier { end += 1 }
        throw SyntaxFault("expression.number", "'\(text(start..<end))' is not a number", at: start..<end)
    }

    // MARK: Strings and bytes

    /// A string that starts with `r`, `b`, `br` or `rb` in either case, or nil when a name stands here.
    mutating func stringWithPrefix() throws(SyntaxFault) -> Token? {
        var isRaw = false
        var isBytes = false
        var length = 0
        while length < 2, let byte = peek(length) {
            if !isRaw, byte == UInt8(ascii: "r") || byte == UInt8(ascii: "R") {
                isRaw = true
            } else if !isBytes, byte == UInt8(ascii: "b") || byte == UInt8(ascii: "B") {
                isBytes = true
            } else {
                break
            }
            length += 1
        }
        guard length > 0, let quote = peek(length), quote == UInt8(ascii: "\"") || quote == UInt8(ascii: "'") else {
            return nil
        }
        let start = position
        advance(to: position + length)
        return try string(from: start, isRaw: isRaw, isBytes: isBytes)
    }

    /// Reads a quoted literal; the position is at its first quote.
    mutating func string(from start: Int, isRaw: Bool, isBytes: Bool) throws(SyntaxFault) -> Token {
        let quote = bytes[position]
        let isTriple = peek(1) == quote && peek(2) == quote
        advance(to: position + (isTriple ? 3 : 1))
        var content: [UInt8] = []
        while let byte = peek(0) {
            if byte == quote, !isTriple || (peek(1) == quote && peek(2) == quote) {
                advance(to: position + (isTriple ? 3 : 1))
                return try literal(content, isBytes: isBytes, range: start..<position)
            }
            if !isTriple, byte == 0x0A || byte == 0x0D { break }
            if byte == UInt8(ascii: "\\"), !isRaw {
                try escape(into: &content, isBytes: isBytes)
            } else {
                // CR and CR LF inside a triple-quoted string count as one line feed.
                if byte == 0x0D, peek(1) == 0x0A { advance(to: position + 1) }
                content.append(byte == 0x0D ? 0x0A : byte)
                advance(to: position + 1)
            }
        }
        throw SyntaxFault("expression.string", "a string with no closing quote", at: start..<position)
    }

    private func literal(_ content: [UInt8], isBytes: Bool, range: Range<Int>) throws(SyntaxFault) -> Token {
        if isBytes { return Token(kind: .bytes(content), range: range) }
        guard let text = String(validating: content, as: UTF8.self) else {
            throw SyntaxFault("expression.string", "a string that is not UTF-8", at: range)
        }
        return Token(kind: .string(text), range: range)
    }

    private mutating func escape(into content: inout [UInt8], isBytes: Bool) throws(SyntaxFault) {
        let start = position
        guard let letter = peek(1) else {
            throw SyntaxFault("expression.string", "a string with no closing quote", at: start..<bytes.count)
        }
        advance(to: position + 2)
        switch letter {
        case UInt8(ascii: "a"): content.append(0x07)
        case UInt8(ascii: "b"): content.append(0x08)
        case UInt8(ascii: "f"): content.append(0x0C)
        case UInt8(ascii: "n"): content.append(0x0A)
        case UInt8(ascii: "r"): content.append(0x0D)
        case UInt8(ascii: "t"): content.append(0x09)
        case UInt8(ascii: "v"): content.append(0x0B)
        case UInt8(ascii: "\\"), UInt8(ascii: "?"), UInt8(ascii: "\""), UInt8(ascii: "'"), UInt8(ascii: "`"):
            content.append(letter)
        case UInt8(ascii: "x"), UInt8(ascii: "X"):
            try append(code: try digits(2, radix: 16, from: start), to: &content, isBytes: isBytes, from: start)
        case UInt8(ascii: "u") where !isBytes:
            try append(code: try digits(4, radix: 16, from: start), to: &content, isBytes: false, from: start)
        case UInt8(ascii: "U") where !isBytes:
            try append(code: try digits(8, radix: 16, from: start), to: &content, isBytes: false, from: start)
        case UInt8(ascii: "0")...UInt8(ascii: "3"):
            advance(to: position - 1)
            try append(code: try digits(3, radix: 8, from: start), to: &content, isBytes: isBytes, from: start)
        default:
            throw SyntaxFault(
                "expression.escape",
                "an escape that does not exist",
                hint: "write \\\\ for a backslash",
                at: start..<scalarEnd(start + 1)
            )
        }
    }

    private func scalarEnd(_ start: Int) -> Int {
        var end = min(start + 1, bytes.count)
        while end < bytes.count, bytes[end] & 0xC0 == 0x80 { end += 1 }
        return end
    }

    private mutating func digits(_ count: Int, radix: UInt32, from start: Int) throws(SyntaxFault) -> UInt32 {
        var number: UInt32 = 0
        for _ in 0..<count {
            guard let byte = peek(0), let digit = hexValue(byte), digit < radix else {
                throw SyntaxFault("expression.escape", "an escape needs \(count) digits", at: start..<position)
            }
            number = number &* radix &+ UInt32(digit)
            advance(to: position + 1)
        }
        return number
    }

    private func append(
        code: UInt32,
        to content: inout [UInt8],
        isBytes: Bool,
        from start: Int
    ) throws(SyntaxFault) {
        if isBytes {
            content.append(UInt8(truncatingIfNeeded: code))
            return
        }
        guard let scalar = Unicode.Scalar(code), let encoded = UTF8.encode(scalar) else {
            throw SyntaxFault("expression.escape", "an escape that names no character", at: start..<position)
        }
        content.append(contentsOf: encoded)
    }
}
