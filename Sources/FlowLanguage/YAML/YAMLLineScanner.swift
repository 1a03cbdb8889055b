/// Reads a text that libyaml refused, line by line, and finds what is known to go wrong.
///
/// It knows just enough of YAML to pass over block scalars, comments and quoted text that spans lines.
struct YAMLLineScanner {
    struct Trap {
        var code: FindingCode
        var message: String
        var range: Range<Int>
        /// Where the value begins that quotes around it would mend.
        var valueStart: Int?
        var notes: [String] = []
        /// Only worth telling near the place where libyaml stopped.
        var isGuess = false
    }

    private enum State {
        case plain
        /// Inside a block scalar below a key in this column.
        case block(column: Int)
        case quoted(UInt8)
        /// Inside `{ … }` or `[ … ]` that spans lines.
        case flow(depth: Int)
    }

    private let text: SourceText
    private let bytes: [UInt8]
    private var state = State.plain
    private var found: [Trap] = []

    init(_ text: SourceText) {
        self.text = text
        bytes = text.bytes
    }

    mutating func traps() -> [Trap] {
        for line in 0..<text.lineCount { scan(text.line(line)) }
        return found
    }

    private mutating func scan(_ line: Range<Int>) {
        var index = line.lowerBound
        while index < line.upperBound, isBlank(bytes[index]) { index += 1 }
        guard index < line.upperBound else { return }
        switch state {
        case .block(let column):
            if index - line.lowerBound > column { return }
            state = .plain
        case .quoted(let quote):
            if closingQuote(quote, from: line.lowerBound, in: line) != nil { state = .plain }
            return
        case .flow(let depth):
            scanFlow(from: index, in: line, depth: depth)
            return
        case .plain: break
        }
        guard bytes[index] != UInt8(ascii: "#") else { return }
        if let tab = bytes[line.lowerBound..<index].firstIndex(of: 0x09) {
            found.append(
                Trap(
                    code: .yamlTab,
                    message: "a tab stands in the indentation; YAML takes spaces alone",
                    range: tab..<tab + 1,
                    isGuess: true
                )
            )
        }
        if bytes[index...].starts(with: [0xC2, 0xA0]) {
            found.append(
                Trap(
                    code: .yamlTab,
                    message: "a no-break space (U+00A0) stands in the indentation; YAML takes plain spaces alone",
                    range: index..<index + 2,
                    isGuess: true
                )
            )
        }
        scanEntry(from: index, in: line)
    }

    /// One line of a block collection: dashes, a key, a value.
    private mutating func scanEntry(from start: Int, in line: Range<Int>) {
        var index = start
        while index + 1 < line.upperBound, bytes[index] == UInt8(ascii: "-"), isBlank(bytes[index + 1]) {
            index += 1
            while index < line.upperBound, isBlank(bytes[index]) { index += 1 }
        }
        guard index < line.upperBound else { return }
        let keyColumn = index - line.lowerBound
        if bytes[index] == UInt8(ascii: "-"), index + 1 < line.upperBound, bytes[index + 1] | 0x20 >= 0x61,
            bytes[index + 1] | 0x20 <= 0x7A
        {
            found.append(
                Trap(
                    code: .yamlSyntax,
                    message: "the '-' of a list needs a space behind it",
                    range: index..<index + 1,
                    isGuess: true
                )
            )
        }
        if let colon = keyEnd(from: index, in: line) {
            index = colon + 1
            while index < line.upperBound, isBlank(bytes[index]) { index += 1 }
            guard index < line.upperBound else { return }
            scanValue(from: index, in: line, keyColumn: keyColumn)
        } else {
            if let colon = joinedColon(from: index, in: line) {
                found.append(
                    Trap(
                        code: .trapColonSpace,
                        message: "a key needs a space behind its ':'",
                        range: colon..<colon + 1,
                        isGuess: true
                    )
                )
                return
            }
            let dashColumn = start - line.lowerBound
            scanValue(from: index, in: line, keyColumn: keyColumn == dashColumn ? keyColumn - 1 : dashColumn)
        }
    }

    private mutating func scanValue(from start: Int, in line: Range<Int>, keyColumn: Int) {
        switch bytes[start] {
        case UInt8(ascii: "#"): return
        case UInt8(ascii: "'"), UInt8(ascii: "\""):
            guard let end = closingQuote(bytes[start], from: start + 1, in: line) else {
                state = .quoted(bytes[start])
                return
            }
            if hasMore(behind: end + 1, in: line) { addLeading(start, "a quote ends at its closing quote") }
        case UInt8(ascii: "["), UInt8(ascii: "{"): scanFlow(from: start, in: line, depth: 0)
        case UInt8(ascii: "|"), UInt8(ascii: ">"):
            if isBlockHeader(start + 1, in: line) {
                state = .block(column: keyColumn)
            } else {
                addLeading(start, "it begins a block of text")
            }
        case UInt8(ascii: "%"), UInt8(ascii: "@"), UInt8(ascii: "`"): addLeading(start, "YAML reserves it")
        case UInt8(ascii: "*"), UInt8(ascii: "&"):
            addLeading(
                start,
                bytes[start] == UInt8(ascii: "*") ? "it begins an alias" : "it begins an anchor",
                isGuess: true
            )
        case UInt8(ascii: "!"): addNegation(start, valueStart: start)
        case UInt8(ascii: "-") where start + 1 < line.upperBound && isBlank(bytes[start + 1]):
            addLeading(start, "it begins an item of a list", isGuess: true)
        default: scanPlain(from: start, in: line)
        }
    }

    /// A plain value ends at ` #`; a `: ` in it is a trap.
    private mutating func scanPlain(from start: Int, in line: Range<Int>) {
        for index in start..<line.upperBound {
            if bytes[index] == UInt8(ascii: "#"), isBlank(bytes[index - 1]) { return }
            guard bytes[index] == UInt8(ascii: ":") else { continue }
            guard index + 1 == line.upperBound || isBlank(bytes[index + 1]) else { continue }
            found.append(
                Trap(
                    code: .trapColon,
                    message: "a ': ' in an unquoted value begins a mapping",
                    range: index..<index + 1,
                    valueStart: start
                )
            )
            return
        }
    }

    /// Walks through `{ … }` and `[ … ]`; an unquoted `${` inside cannot be read.
    private mutating func scanFlow(from start: Int, in line: Range<Int>, depth: Int) {
        var index = start
        var depth = depth
        while index < line.upperBound {
            let byte = bytes[index]
            switch byte {
            case UInt8(ascii: "'"), UInt8(ascii: "\""):
                guard let end = closingQuote(byte, from: index + 1, in: line) else {
                    state = .quoted(byte)
                    return
                }
                index = end
            case UInt8(ascii: "#") where index > line.lowerBound && isBlank(bytes[index - 1]):
                state = depth > 0 ? .flow(depth: depth) : .plain
                return
            case UInt8(ascii: "$") where index + 1 < line.upperBound && bytes[index + 1] == UInt8(ascii: "{"):
                addFlowExpression(index, in: line)
                index += 1
                while index < line.upperBound, bytes[index] != UInt8(ascii: "}") { index += 1 }
            case UInt8(ascii: "!") where index > line.lowerBound && isBlank(bytes[index - 1]):
                addNegation(index, valueStart: nil)
            case UInt8(ascii: "["), UInt8(ascii: "{"): depth += 1
            case UInt8(ascii: "]"), UInt8(ascii: "}"):
                depth -= 1
                guard depth <= 0 else { break }
                state = .plain
                if hasMore(behind: index + 1, in: line) {
                    addLeading(start, bytes[start] == UInt8(ascii: "[") ? "it begins a list" : "it begins a mapping")
                }
                return
            default: break
            }
            index += 1
        }
        state = .flow(depth: depth)
    }

    private mutating func addFlowExpression(_ index: Int, in line: Range<Int>) {
        var end = index
        while end < line.upperBound, bytes[end] != UInt8(ascii: "}") { end += 1 }
        let written = text.text(index..<min(end + 1, line.upperBound))
        found.append(
            Trap(
                code: .trapFlowExpression,
                message: "${ … } inside { } or [ ] needs quotes: YAML takes its braces for a mapping",
                range: index..<index + 2,
                notes: ["write '\(written)'"]
            )
        )
    }

    private mutating func addNegation(_ index: Int, valueStart: Int?) {
        found.append(
            Trap(
                code: .trapNegation,
                message: "'!' begins a YAML tag here, not a negation",
                range: index..<index + 1,
                valueStart: valueStart,
                notes: valueStart == nil ? ["put the expression in quotes"] : [],
                isGuess: true
            )
        )
    }

    private mutating func addLeading(_ start: Int, _ reason: String, isGuess: Bool = false) {
        let character = String(UnicodeScalar(bytes[start]))
        found.append(
            Trap(
                code: .trapLeading,
                message: "a value cannot begin with \(character) here: \(reason)",
                range: start..<start + 1,
                valueStart: start,
                isGuess: isGuess
            )
        )
    }

    // MARK: Small questions

    private func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }

    /// The `:` that ends the key which begins at `start`, if a key does.
    private func keyEnd(from start: Int, in line: Range<Int>) -> Int? {
        var index = start
        if bytes[start] == UInt8(ascii: "'") || bytes[start] == UInt8(ascii: "\"") {
            guard let end = closingQuote(bytes[start], from: start + 1, in: line) else { return nil }
            index = end + 1
            return index < line.upperBound && bytes[index] == UInt8(ascii: ":") ? index : nil
        }
        guard isNameByte(bytes[start]) else { return nil }
        while index < line.upperBound {
            if bytes[index] == UInt8(ascii: ":"), index + 1 == line.upperBound || isBlank(bytes[index + 1]) {
                return index
            }
            if bytes[index] == UInt8(ascii: "#"), isBlank(bytes[index - 1]) { return nil }
            index += 1
        }
        return nil
    }

    /// The `:` of `word:rest`, when that is how the line begins.
    private func joinedColon(from start: Int, in line: Range<Int>) -> Int? {
        var index = start
        while index < line.upperBound, isNameByte(bytes[index]) { index += 1 }
        guard index > start, index + 1 < line.upperBound, bytes[index] == UInt8(ascii: ":") else { return nil }
        return bytes[index + 1] == UInt8(ascii: "/") ? nil : index
    }

    private func isNameByte(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x61...0x7A).contains(byte | 0x20) || byte == UInt8(ascii: "_")
            || byte == UInt8(ascii: "-") || byte >= 0x80
    }

    /// The closing quote from `start` on in this line; `''` and `\"` do not close.
    private func closingQuote(_ quote: UInt8, from start: Int, in line: Range<Int>) -> Int? {
        var index = start
        while index < line.upperBound {
            if quote == UInt8(ascii: "\""), bytes[index] == UInt8(ascii: "\\") {
                index += 2
                continue
            }
            if bytes[index] == quote {
                guard quote == UInt8(ascii: "'"), index + 1 < line.upperBound, bytes[index + 1] == quote else {
                    return index
                }
                index += 1
            }
            index += 1
        }
        return nil
    }

    /// Whether more than blanks and a comment stands behind `start`.
    private func hasMore(behind start: Int, in line: Range<Int>) -> Bool {
        var index = start
        while index < line.upperBound, isBlank(bytes[index]) { index += 1 }
        return index < line.upperBound && bytes[index] != UInt8(ascii: "#")
    }

    private func isBlockHeader(_ start: Int, in line: Range<Int>) -> Bool {
        var index = start
        while index < line.upperBound,
            (0x30...0x39).contains(bytes[index]) || bytes[index] == UInt8(ascii: "-")
                || bytes[index] == UInt8(ascii: "+")
        {
            index += 1
        }
        return index - start <= 2 && !hasMore(behind: index, in: line)
    }
}
