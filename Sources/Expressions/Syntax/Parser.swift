/// Reads CEL's grammar: recursive descent, with operator precedence climbed in a loop.
struct Parser {
    private let tokens: [Token]
    private var position = 0
    private var nesting = 0
    private var nodeCount = 0
    private let limits: ExpressionLimits

    /// - Throws: the first fault, with its place.
    static func parse(_ text: String, limits: ExpressionLimits) throws(SyntaxFault) -> SyntaxNode {
        let bytes = Array(text.utf8)
        guard bytes.count <= limits.bytes else {
            throw SyntaxFault(
                "expression.too-large",
                "\(bytes.count) bytes, more than the \(limits.bytes) allowed",
                at: 0..<0
            )
        }
        let tokens = try Lexer.tokens(of: bytes, limit: limits.nodes * 2)
        var parser = Parser(tokens: tokens, limits: limits)
        if parser.current.kind == .end {
            throw SyntaxFault("expression.empty", "an expression is missing", at: 0..<bytes.count)
        }
        let node = try parser.expression()
        guard parser.current.kind == .end else { throw parser.unexpected("an operator or the end") }
        return node
    }

    private init(tokens: [Token], limits: ExpressionLimits) {
        self.tokens = tokens
        self.limits = limits
    }

    private var current: Token { tokens[position] }
    private var previousEnd: Int { position > 0 ? tokens[position - 1].range.upperBound : 0 }

    private func peek(_ distance: Int) -> Token { tokens[max(0, min(position + distance, tokens.count - 1))] }

    private mutating func advance() { if position < tokens.count - 1 { position += 1 } }

    private mutating func take(_ symbol: Token.Symbol) -> Bool {
        guard current.isSymbol(symbol) else { return false }
        advance()
        return true
    }

    private mutating func expect(_ symbol: Token.Symbol, _ purpose: String) throws(SyntaxFault) {
        guard take(symbol) else { throw unexpected("'\(symbol.rawValue)' \(purpose)") }
    }

    /// Makes a node one level above the given ones.
    private mutating func node(
        _ kind: SyntaxNode.Kind,
        from start: Int,
        over children: SyntaxNode...
    ) throws(SyntaxFault) -> SyntaxNode {
        try node(kind, from: start, over: children)
    }

    private mutating func node(
        _ kind: SyntaxNode.Kind,
        from start: Int,
        over children: [SyntaxNode]
    ) throws(SyntaxFault) -> SyntaxNode {
        nodeCount += 1
        let range = start..<max(start, previousEnd)
        guard nodeCount <= limits.nodes else {
            throw SyntaxFault("expression.too-large", "more than \(limits.nodes) parts", at: range)
        }
        var height = 0
        for child in children where child.height > height { height = child.height }
        guard height < limits.height else { throw tooDeep(range) }
        return SyntaxNode(kind, range: range, height: height + 1)
    }

    private func tooDeep(_ range: Range<Int>) -> SyntaxFault {
        SyntaxFault(
            "expression.too-deep",
            "nested more than \(limits.height) levels deep",
            hint: "compute parts of it in set-variables",
            at: range
        )
    }

    private mutating func enter() throws(SyntaxFault) {
        nesting += 1
        guard nesting <= limits.nesting else {
            throw SyntaxFault(
                "expression.too-deep",
                "brackets nested more than \(limits.nesting) levels deep",
                at: current.range
            )
        }
    }

    private func unexpected(_ expected: String) -> SyntaxFault {
        let token = current
        if case .identifier(let name) = token.kind {
            let hints = ["and": "&&", "or": "||", "is": "==", "AND": "&&", "OR": "||", "eq": "==", "mod": "%"]
            if let hint = hints[name] {
                return SyntaxFault(
                    "expression.operator",
                    "'\(name)' is not an operator",
                    hint: "write \(hint)",
                    at: token.range
                )
            }
            if position > 0, case .identifier(let before) = tokens[position - 1].kind,
                before == "not" || before == "NOT"
            {
                return SyntaxFault(
                    "expression.operator",
                    "'\(before)' is not an operator",
                    hint: "write ! before what is negated",
                    at: tokens[position - 1].range
                )
            }
        }
        if token.isSymbol(.question), peek(-1).isSymbol(.question) || peek(1).isSymbol(.question) {
            return SyntaxFault(
                "expression.operator",
                "'??' is not an operator",
                hint: "write a.?b.orValue(other)",
                at: token.range
            )
        }
        return SyntaxFault(
            "expression.syntax",
            "\(token.description) where \(expected) was expected",
            at: token.range
        )
    }
}

// MARK: Operators

extension Parser {
    private mutating func expression() throws(SyntaxFault) -> SyntaxNode {
        try enter()
        defer { nesting -= 1 }
        let condition = try binary(1)
        guard take(.question) else { return condition }
        let first = try binary(1)
        try expect(.colon, "of a conditional")
        let second = try expression()
        return try node(
            .conditional(condition, first, second),
            from: condition.range.lowerBound,
            over: condition,
            first,
            second
        )
    }

    private var binaryOperator: SyntaxNode.BinaryOperator? {
        switch current.kind {
        case .symbol(let symbol): SyntaxNode.BinaryOperator(rawValue: symbol.rawValue)
        case .identifier("in"): .contained
        default: nil
        }
    }

    private mutating func binary(_ least: Int) throws(SyntaxFault) -> SyntaxNode {
        var left = try unary()
        while let operation = binaryOperator, operation.precedence >= least {
            let operatorRange = current.range
            advance()
            let right = try binary(operation.precedence + 1)
            left = try node(
                .binary(operation, operatorRange: operatorRange, left, right),
                from: left.range.lowerBound,
                over: left,
                right
            )
        }
        return left
    }

    private mutating func unary() throws(SyntaxFault) -> SyntaxNode {
        var starts: [Int] = []
        let symbol: Token.Symbol = current.isSymbol(.not) ? .not : .minus
        while current.isSymbol(symbol) {
            // The sign of a number belongs to it, so that the least integer can be written.
            if symbol == .minus, case .int = peek(1).kind { break }
            if symbol == .minus, case .double = peek(1).kind { break }
            starts.append(current.range.lowerBound)
            advance()
        }
        var operand = try postfix()
        for start in starts.reversed() {
            operand = try node(.unary(symbol == .not ? .not : .negate, operand), from: start, over: operand)
        }
        return operand
    }
}

// MARK: Members

extension Parser {
    private mutating func postfix() throws(SyntaxFault) -> SyntaxNode {
        var operand = try primary()
        while true {
            if take(.dot) {
                operand = try member(of: operand)
            } else if take(.leftBracket) {
                let isOptional = take(.question)
                let key = try expression()
                try expect(.rightBracket, "after an index")
                operand = try node(
                    .index(operand: operand, key: key, isOptional: isOptional),
                    from: operand.range.lowerBound,
                    over: operand,
                    key
                )
            } else {
                return operand
            }
        }
    }

    private mutating func member(of operand: SyntaxNode) throws(SyntaxFault) -> SyntaxNode {
        let isOptional = take(.question)
        let nameRange = current.range
        let name: String
        switch current.kind {
        case .identifier(let text) where !["true", "false", "null", "in"].contains(text): name = text
        case .quotedIdentifier(let text): name = text
        default: throw unexpected("a field's name")
        }
        let isQuoted = if case .quotedIdentifier = current.kind { true } else { false }
        advance()
        if !isOptional, !isQuoted, take(.leftParenthesis) {
            let arguments = try arguments()
            return try node(
                .memberCall(target: operand, name: name, nameRange: nameRange, arguments: arguments),
                from: operand.range.lowerBound,
                over: arguments + [operand]
            )
        }
        return try node(
            .select(operand: operand, field: name, fieldRange: nameRange, isOptional: isOptional),
            from: operand.range.lowerBound,
            over: operand
        )
    }

    /// What stands between parentheses, up to and including the closing one.
    private mutating func arguments() throws(SyntaxFault) -> [SyntaxNode] {
        var arguments: [SyntaxNode] = []
        if take(.rightParenthesis) { return arguments }
        while true {
            arguments.append(try expression())
            if take(.rightParenthesis) { return arguments }
            try expect(.comma, "or ')' after an argument")
        }
    }
}

// MARK: Primaries

extension Parser {
    private mutating func primary() throws(SyntaxFault) -> SyntaxNode {
        let token = current
        switch token.kind {
        case .identifier(let name): return try identifier(name)
        case .symbol(let symbol): return try bracketed(symbol)
        case .end, .quotedIdentifier: throw unexpected("a value")
        default: return try literal(isNegative: false, from: token.range.lowerBound)
        }
    }

    private mutating func bracketed(_ symbol: Token.Symbol) throws(SyntaxFault) -> SyntaxNode {
        let start = current.range.lowerBound
        switch symbol {
        case .leftParenthesis:
            advance()
            let inner = try expression()
            try expect(.rightParenthesis, "to close '('")
            return SyntaxNode(inner.kind, range: start..<previousEnd, height: inner.height)
        case .leftBracket: return try list()
        case .leftBrace: return try map()
        case .minus:
            advance()
            return try literal(isNegative: true, from: start)
        case .dot:
            advance()
            guard case .identifier(let name) = current.kind else { throw unexpected("a name") }
            return try identifier(name, isRooted: true, from: start)
        default: throw unexpected("a value")
        }
    }

    private mutating func literal(isNegative: Bool, from start: Int) throws(SyntaxFault) -> SyntaxNode {
        let token = current
        let value: Value
        switch token.kind {
        case .int(let magnitude):
            if isNegative {
                value = .int(Int64(truncatingIfNeeded: 0 &- magnitude))
            } else if let number = Int64(exactly: magnitude) {
                value = .int(number)
            } else {
                throw SyntaxFault("expression.number", "an integer beyond 64 bits", at: token.range)
            }
        case .double(let number): value = .double(isNegative ? -number : number)
        case .uint(let number): value = .uint(number)
        case .string(let text): value = .string(text)
        case .bytes(let bytes): value = .bytes(bytes)
        default: throw unexpected("a value")
        }
        advance()
        return try node(.literal(value), from: start)
    }

    private mutating func identifier(
        _ name: String,
        isRooted: Bool = false,
        from start: Int? = nil
    ) throws(SyntaxFault) -> SyntaxNode {
        let nameRange = current.range
        let start = start ?? nameRange.lowerBound
        if !isRooted, let constant = Self.constants[name] {
            advance()
            return try node(.literal(constant), from: start)
        }
        guard name != "in", Self.constants[name] == nil else { throw unexpected("a value") }
        guard !Self.reserved.contains(name) else {
            throw SyntaxFault("expression.reserved", "'\(name)' is a reserved word", at: nameRange)
        }
        advance()
        if take(.leftParenthesis) {
            let arguments = try arguments()
            return try node(
                .call(name: name, nameRange: nameRange, arguments: arguments, isRooted: isRooted),
                from: start,
                over: arguments
            )
        }
        if let structure = try structure(name, isRooted: isRooted, from: start) { return structure }
        return try node(.identifier(name: name, isRooted: isRooted), from: start)
    }

    private static let constants: [String: Value] = ["true": true, "false": false, "null": nil]
    private static let reserved: Set<String> = [
        "as", "break", "const", "continue", "else", "for", "function", "if", "import", "let", "loop", "package",
        "namespace", "return", "var", "void", "while",
    ]

    /// `a.b.Name{…}`, looked for ahead, since the names before the brace are a type and no selections.
    private mutating func structure(
        _ name: String,
        isRooted: Bool,
        from start: Int
    ) throws(SyntaxFault) -> SyntaxNode? {
        var distance = 0
        var full = (isRooted ? "." : "") + name
        while peek(distance).isSymbol(.dot), case .identifier(let part) = peek(distance + 1).kind {
            full += "." + part
            distance += 2
        }
        guard peek(distance).isSymbol(.leftBrace) else { return nil }
        for _ in 0...distance { advance() }
        var entries: [SyntaxNode.Entry] = []
        while !take(.rightBrace) {
            let isOptional = take(.question)
            let fieldToken = current
            switch fieldToken.kind {
            case .identifier(let field), .quotedIdentifier(let field):
                advance()
                let key = try node(.literal(.string(field)), from: fieldToken.range.lowerBound)
                try expect(.colon, "after a field's name")
                entries.append(.init(key: key, value: try expression(), isOptional: isOptional))
            default: throw unexpected("a field's name")
            }
            if take(.rightBrace) { break }
            try expect(.comma, "or '}' after a field")
        }
        return try node(.structure(name: full, entries), from: start, over: entries.map(\.value))
    }

    private mutating func list() throws(SyntaxFault) -> SyntaxNode {
        let start = current.range.lowerBound
        advance()
        var elements: [SyntaxNode.Element] = []
        while !take(.rightBracket) {
            let isOptional = take(.question)
            elements.append(.init(value: try expression(), isOptional: isOptional))
            if take(.rightBracket) { break }
            try expect(.comma, "or ']' after an element")
        }
        return try node(.list(elements), from: start, over: elements.map(\.value))
    }

    private mutating func map() throws(SyntaxFault) -> SyntaxNode {
        let start = current.range.lowerBound
        advance()
        var entries: [SyntaxNode.Entry] = []
        while !take(.rightBrace) {
            let isOptional = take(.question)
            let key = try expression()
            try expect(.colon, "after a key")
            entries.append(.init(key: key, value: try expression(), isOptional: isOptional))
            if take(.rightBrace) { break }
            try expect(.comma, "or '}' after an entry")
        }
        return try node(.map(entries), from: start, over: entries.flatMap { [$0.key, $0.value] })
    }
}
