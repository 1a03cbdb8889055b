/// Splits an expression's text into tokens, one at a time, so that a template can stop at its closing brace.
struct Lexer {
    let bytes: [UInt8]
    private(set) var position: Int

    init(bytes: [UInt8], from position: Int = 0) {
        self.bytes = bytes
        self.position = position
    }

    /// All tokens up to the end of the text, the last one `.end`.
    static func tokens(of bytes: [UInt8], limit: Int) throws(SyntaxFault) -> [Token] {
        var lexer = Lexer(bytes: bytes)
        var tokens: [Token] = []
        while true {
            let token = try lexer.next()
            tokens.append(token)
            if token.kind == .end { return tokens }
            guard tokens.count <= limit else {
                throw SyntaxFault("expression.too-large", "more than \(limit) words and signs", at: token.range)
            }
        }
    }

    mutating func next() throws(SyntaxFault) -> Token {
        skipSpaceAndComments()
        guard position < bytes.count else { return Token(kind: .end, range: bytes.count..<bytes.count) }
        let start = position
        let byte = bytes[position]
        if byte.startsIdentifier {
            if let token = try stringWithPrefix() { return token }
            return identifier()
        }
        if byte.isDigit || (byte == UInt8(ascii: ".") && (peek(1)?.isDigit ?? false)) { return try number() }
        if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'") {
            return try string(from: start, isRaw: false, isBytes: false)
        }
        if byte == UInt8(ascii: "`") { return try quotedIdentifier() }
        return try symbol()
    }

    func peek(_ distance: Int) -> UInt8? {
        position + distance < bytes.count ? bytes[position + distance] : nil
    }

    mutating func advance(to newPosition: Int) { position = newPosition }

    private mutating func skipSpaceAndComments() {
        while position < bytes.count {
            switch bytes[position] {
            case 0x20, 0x09, 0x0A, 0x0D, 0x0C: position += 1
            case UInt8(ascii: "/") where peek(1) == UInt8(ascii: "/"):
                while position < bytes.count, bytes[position] != 0x0A { position += 1 }
            default: return
            }
        }
    }

    private mutating func identifier() -> Token {
        let start = position
        while position < bytes.count, bytes[position].continuesIdentifier { position += 1 }
        return Token(kind: .identifier(text(start..<position)), range: start..<position)
    }

    func text(_ range: Range<Int>) -> String { String(decoding: bytes[range], as: UTF8.self) }

    private mutating func quotedIdentifier() throws(SyntaxFault) -> Token {
        let start = position
        position += 1
        while let byte = peek(0), byte != UInt8(ascii: "`") {
            let isAllowed = byte.continuesIdentifier || [0x20, 0x2D, 0x2E, 0x2F].contains(byte)
            guard isAllowed else { break }
            position += 1
        }
        guard peek(0) == UInt8(ascii: "`"), position > start + 1 else {
            throw SyntaxFault(
                "expression.syntax",
                "a quoted name holds letters, digits and '_.-/ ' between backquotes",
                at: start..<min(position + 1, bytes.count)
            )
        }
        position += 1
        return Token(kind: .quotedIdentifier(text(start + 1..<position - 1)), range: start..<position)
    }

    private mutating func symbol() throws(SyntaxFault) -> Token {
        let start = position
        if position + 1 < bytes.count, bytes[position] < 0x80, bytes[position + 1] < 0x80,
            let symbol = Token.Symbol(rawValue: text(start..<start + 2))
        {
            position += 2
            if peek(0) == UInt8(ascii: "="), symbol == .equal || symbol == .notEqual {
                throw SyntaxFault(
                    "expression.operator",
                    "'\(symbol.rawValue)=' is not an operator",
                    hint: "write \(symbol.rawValue)",
                    at: start..<position + 1
                )
            }
            return Token(kind: .symbol(symbol), range: start..<position)
        }
        if bytes[position] < 0x80, let symbol = Token.Symbol(rawValue: text(start..<start + 1)) {
            position += 1
            if symbol == .less, peek(0) == UInt8(ascii: ">") {
                throw SyntaxFault(
                    "expression.operator",
                    "'<>' is not an operator",
                    hint: "write !=",
                    at: start..<position + 1
                )
            }
            return Token(kind: .symbol(symbol), range: start..<position)
        }
        throw unknownCharacter()
    }

    private func unknownCharacter() -> SyntaxFault {
        let byte = bytes[position]
        var length = 1
        while position + length < bytes.count, byte >= 0x80, bytes[position + length] & 0xC0 == 0x80 { length += 1 }
        let range = position..<position + length
        switch byte {
        case UInt8(ascii: "="):
            return SyntaxFault(
                "expression.assignment",
                "'=' is not an operator",
                hint: "write == to compare",
                at: range
            )
        case UInt8(ascii: "&"):
            return SyntaxFault("expression.operator", "'&' is not an operator", hint: "write && for \"and\"", at: range)
        case UInt8(ascii: "|"):
            return SyntaxFault("expression.operator", "'|' is not an operator", hint: "write || for \"or\"", at: range)
        case UInt8(ascii: "$") where peek(1) == UInt8(ascii: "{"):
            return SyntaxFault(
                "expression.syntax",
                "'${' inside an expression",
                hint: "leave out ${ and }: this is one already",
                at: position..<position + 2
            )
        case UInt8(ascii: ";"):
            return SyntaxFault("expression.syntax", "';' has no meaning here", hint: "leave it out", at: range)
        default:
            let shown = byte < 0x20 || byte == 0x7F ? "a control character" : "'\(text(range))'"
            return SyntaxFault("expression.syntax", "\(shown) has no meaning in an expression", at: range)
        }
    }
}

extension UInt8 {
    var isDigit: Bool { self >= 48 && self <= 57 }
    var startsIdentifier: Bool { (self >= 65 && self <= 90) || (self >= 97 && self <= 122) || self == 95 }
    var continuesIdentifier: Bool { startsIdentifier || isDigit }
}
