/// Explains what YAML misreads: the traps that an expression in a YAML value can fall into, each with its fix.
struct YAMLTraps {
    /// Keys whose value is bare CEL.
    static let expressionKeys: Set<String> = ["when", "each", "while", "until", "eventId", "on"]

    private let text: SourceText
    private let findings: FindingCollector

    init(_ text: SourceText, findings: FindingCollector) {
        self.text = text
        self.findings = findings
    }

    // MARK: Text that is YAML, but not what was meant

    /// Keys whose value is read by people: a `#7` in it is more likely a number than a comment.
    private static let proseKeys: Set<String> = ["message", "subject", "text"]

    /// Reports a plain value that ` #` ended in the middle of `${ … }` or of a quote, or before a `${`, and tells whether
    /// it did.
    func isCutByComment(_ scalar: YAMLScalar, range: Range<Int>, key: String?) -> Bool {
        guard scalar.style == .plain, let comment = comment(behind: range.upperBound) else { return false }
        let isBare = key.map { Self.expressionKeys.contains($0) } ?? false
        let beginsExpression = text.bytes[(comment + 1)...].starts(with: "${".utf8)
        guard beginsExpression || OpenExpression.isOpen(scalar.text, isBareExpression: isBare) else {
            if let key, Self.proseKeys.contains(key), !scalar.text.isEmpty {
                warnOfCutProse(range.lowerBound, comment: comment)
            }
            return false
        }
        findings.error(
            .trapComment,
            "' #' begins a YAML comment, so the value ends before it",
            in: text,
            at: comment..<comment + 1,
            notes: ["put the whole value in quotes: \(quoted(rest(of: range.lowerBound)))"]
        )
        return true
    }

    /// A comment begins with `# `; a `#` that a word or number follows is the text's own.
    private func warnOfCutProse(_ start: Int, comment: Int) {
        guard comment + 1 < text.bytes.count else { return }
        switch text.bytes[comment + 1] {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "a")...UInt8(ascii: "z"):
            findings.add(
                .warning,
                FindingCode.trapComment.rawValue,
                "' #' begins a YAML comment, so the text ends before it",
                text.range(comment..<comment + 1),
                ["put the whole text in quotes: \(quoted(rest(of: start))); or write '# ' to begin a comment"]
            )
        default: break
        }
    }

    /// The place of a `#` that only blanks part from `offset`.
    private func comment(behind offset: Int) -> Int? {
        var index = offset
        while index < text.bytes.count, text.bytes[index] == 0x20 || text.bytes[index] == 0x09 { index += 1 }
        guard index > offset, index < text.bytes.count, text.bytes[index] == UInt8(ascii: "#") else { return nil }
        return index
    }

    func explain(tag: String, range: Range<Int>, key: String?) {
        let isBare = key.map { Self.expressionKeys.contains($0) } ?? false
        let looksLikeCode = tag.dropFirst().contains { ".([&|=".contains($0) }
        let end = min(range.lowerBound + 1, text.bytes.count)
        if !tag.hasPrefix("tag:"), isBare || looksLikeCode {
            findings.error(
                .trapNegation,
                "'!' begins a YAML tag here, not a negation",
                in: text,
                at: range.lowerBound..<end,
                notes: ["put the expression in quotes: \(quoted(value(at: range.lowerBound)))"]
            )
        } else {
            findings.error(
                .yamlTag,
                "YAML tags are not part of the flow language",
                in: text,
                at: range.lowerBound..<end,
                notes: ["remove the tag, or put the value in quotes if '!' belongs to it"]
            )
        }
    }

    // MARK: Text that is no YAML

    /// Reports a syntax error: as the traps in its lines if there are any, else in plain words.
    func explain(_ problem: YAMLParser.Problem) {
        let problemLine = text.lineIndex(at: problem.offset)
        let contextLine = problem.contextOffset.map { text.lineIndex(at: $0) } ?? problemLine
        let first = min(problemLine, contextLine)
        var scanner = YAMLLineScanner(text)
        let traps = scanner.traps().filter { text.lineIndex(at: $0.range.lowerBound) >= max(0, first - 1) }
        func isNear(_ trap: YAMLLineScanner.Trap) -> Bool { text.lineIndex(at: trap.range.lowerBound) <= problemLine }
        // Behind a place that nothing explains, the lines may be inside whatever was not closed there.
        let explained = traps.contains { isNear($0) }
        for trap in traps where explained && (isNear(trap) || !trap.isGuess) {
            var notes = trap.notes
            if let fixed = trap.valueStart {
                notes.append("put the whole value in quotes: \(quoted(unquoted(value(at: fixed))))")
            }
            findings.error(trap.code, trap.message, in: text, at: trap.range, notes: notes)
        }
        if !explained { explainPlainly(problem) }
    }

    private func explainPlainly(_ problem: YAMLParser.Problem) {
        let place = problem.offset..<min(problem.offset + 1, text.bytes.count)
        if problem.message.contains("escape") || problem.message.contains("hexdecimal") {
            let message = "a backslash in double quotes begins an escape that YAML does not know"
            let notes = ["write \\\\ for a backslash, or put the text in single quotes"]
            findings.error(.yamlSyntax, message, in: text, at: place, notes: notes)
            return
        }
        if problem.context.contains("quoted scalar"), let start = problem.contextOffset {
            let range = start..<min(start + 1, text.bytes.count)
            findings.error(.yamlQuote, "the quote that begins here is not closed", in: text, at: range)
            return
        }
        if let start = problem.contextOffset, start < text.bytes.count, "{[".utf8.contains(text.bytes[start]) {
            explainFlow(problem, start: start, place: place)
            return
        }
        let message =
            switch problem.message {
            case "mapping values are not allowed in this context":
                "a ':' is not expected here; look at the indentation, or put the text in quotes"
            case "did not find expected key":
                "a key at the indentation of its neighbours is expected here"
            case "did not find expected '-' indicator":
                "a '-' at the indentation of its neighbours is expected here"
            case "could not find expected ':'": "a key needs a ':' and a space behind it"
            case "did not find expected node content": "a value is expected here"
            default: "this is not YAML: \(problem.message)"
            }
        var notes: [String] = []
        if Self.wordsOfOddBeginnings.contains(where: { problem.message.contains($0) }) {
            // Of an alias or anchor, the sign itself stands where the context begins.
            let isName = problem.context.contains("scanning a")
            let start = isName ? problem.contextOffset ?? problem.offset : problem.offset
            notes.append("a value that begins so stands in quotes: \(quoted(value(at: start)))")
        } else if let context = problem.contextOffset, !problem.context.isEmpty {
            notes.append("\(problem.context) that begins in line \(text.position(at: context).line)")
        }
        findings.error(.yamlSyntax, message, in: text, at: place, notes: notes)
    }

    /// Inside `{ … }` or `[ … ]`: it is not closed, or a value in it needs quotes.
    private func explainFlow(_ problem: YAMLParser.Problem, start: Int, place: Range<Int>) {
        let opening = start..<start + 1
        let isMapping = text.bytes[start] == UInt8(ascii: "{")
        if text.lineIndex(at: start) < text.lineIndex(at: problem.offset) || place.isEmpty {
            let message = "the '\(isMapping ? "{" : "[")' that begins here is not closed"
            findings.error(.yamlBracket, message, in: text, at: opening)
        } else if text.bytes[problem.offset] == UInt8(ascii: ":") {
            let message = "a ': ' in an unquoted value begins a mapping"
            findings.error(.trapColon, message, in: text, at: place, notes: ["put the value in quotes"])
        } else {
            let message = "a ',' or '\(isMapping ? "}" : "]")' is expected here"
            var notes = ["in the '\(isMapping ? "{" : "[")' of column \(text.position(at: start).column)"]
            if let begin = valueStart(before: problem.offset) {
                notes.append("if it belongs to the value, put the whole value in quotes: \(quoted(value(at: begin)))")
            }
            findings.error(.yamlSyntax, message, in: text, at: place, notes: notes)
        }
    }

    /// What the parser says of values that begin with `*`, `&`, `@` or `%`.
    private static let wordsOfOddBeginnings = [
        "expected alphabetic or numeric character", "cannot start any token",
    ]

    // MARK: The fix

    /// The value that begins at `offset`: inside `{ … }` and `[ … ]` up to its comma or bracket, else the rest of its line.
    private func value(at offset: Int) -> String {
        let line = text.line(text.lineIndex(at: offset))
        guard offset < line.upperBound else { return "" }
        let before = Self.nesting(text.bytes[line.lowerBound..<offset])
        guard before > 0 else { return rest(of: offset) }
        let end = Self.end(ofFlowValue: text.bytes[offset..<line.upperBound])
        return String(text.text(offset..<end).prefix(80)).trimmed
    }

    /// Where the value behind the last `: ` of the line begins.
    private func valueStart(before offset: Int) -> Int? {
        let line = text.line(text.lineIndex(at: offset))
        var index = offset - 1
        while index > line.lowerBound {
            if text.bytes[index - 1] == UInt8(ascii: ":"), text.bytes[index] == 0x20 { return index + 1 }
            index -= 1
        }
        return nil
    }

    /// How many brackets are open behind the bytes, those in quotes left out.
    private static func nesting(_ bytes: ArraySlice<UInt8>) -> Int {
        var depth = 0
        var quote: UInt8?
        for byte in bytes {
            if let open = quote {
                if byte == open { quote = nil }
            } else if byte == UInt8(ascii: "'") || byte == UInt8(ascii: "\"") {
                quote = byte
            } else if "{[".utf8.contains(byte) {
                depth += 1
            } else if "}]".utf8.contains(byte) {
                depth -= 1
            }
        }
        return depth
    }

    /// Up to the first comma or closing bracket that is no part of an expression's own brackets or quotes.
    private static func end(ofFlowValue bytes: ArraySlice<UInt8>) -> Int {
        var depth = 0
        var quote: UInt8?
        for (index, byte) in zip(bytes.indices, bytes) {
            if let open = quote {
                if byte == open { quote = nil }
            } else if byte == UInt8(ascii: "'") || byte == UInt8(ascii: "\"") {
                quote = byte
            } else if "{[(".utf8.contains(byte) {
                depth += 1
            } else if "}])".utf8.contains(byte) {
                if depth == 0 { return index }
                depth -= 1
            } else if byte == UInt8(ascii: ","), depth == 0 {
                return index
            }
        }
        return bytes.endIndex
    }

    /// What stands from `offset` to the end of its line, trimmed.
    private func rest(of offset: Int) -> String {
        let line = text.line(text.lineIndex(at: offset))
        guard offset < line.upperBound else { return "" }
        let rest = text.text(offset..<line.upperBound)
        return String(rest.prefix(80)).trimmed
    }

    /// The expression within quotes that were the wrong ones for it: `'${ a == 'x' }'`.
    private func unquoted(_ value: String) -> String {
        let inner = value.dropFirst().dropLast()
        guard let quote = value.first, quote == "'" || quote == "\"", value.last == quote, inner.hasPrefix("${"),
            inner.hasSuffix("}")
        else { return value }
        return String(inner)
    }

    /// `value` in the quotes that fit it.
    private func quoted(_ value: String) -> String {
        guard value.contains("'") else { return "'\(value)'" }
        if !value.contains("\""), !value.contains("\\") { return "\"\(value)\"" }
        return "'\(value.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "''"))'"
    }
}

extension String {
    /// Without blanks at either end.
    var trimmed: String {
        var characters = Substring(self)
        while let last = characters.last, last == " " || last == "\t" { characters.removeLast() }
        while let first = characters.first, first == " " || first == "\t" { characters.removeFirst() }
        return String(characters)
    }
}

/// Tells whether a text ends inside `${ … }` or, in a bare expression, inside a quote.
enum OpenExpression {
    static func isOpen(_ text: String, isBareExpression: Bool) -> Bool {
        let bytes = Array(text.utf8)
        if isBareExpression { return end(of: bytes, from: 0, isBare: true) == nil }
        var index = 0
        while index + 1 < bytes.count {
            guard bytes[index] == UInt8(ascii: "$"), bytes[index + 1] == UInt8(ascii: "{") else {
                index += 1
                continue
            }
            if index > 0, bytes[index - 1] == UInt8(ascii: "$") {  // `$${` is a literal `${`.
                index += 2
                continue
            }
            guard let end = end(of: bytes, from: index + 2, isBare: false) else { return true }
            index = end
        }
        return false
    }

    /// Where the expression ends, or nil if the text ends before.
    private static func end(of bytes: [UInt8], from start: Int, isBare: Bool) -> Int? {
        var index = start
        var depth = 0
        while index < bytes.count {
            let byte = bytes[index]
            index += 1
            if byte == UInt8(ascii: "'") || byte == UInt8(ascii: "\"") {
                while index < bytes.count, bytes[index] != byte {
                    index += bytes[index] == UInt8(ascii: "\\") ? 2 : 1
                }
                guard index < bytes.count else { return nil }
                index += 1
            } else if byte == UInt8(ascii: "{") {
                depth += 1
            } else if byte == UInt8(ascii: "}") {
                if depth == 0, !isBare { return index }
                depth -= 1
            }
        }
        return isBare ? index : nil
    }
}
