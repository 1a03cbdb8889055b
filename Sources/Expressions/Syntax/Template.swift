/// Text with expressions in it: `Order ${ input.orderId }`.
///
/// `$${` stands for `${` itself.
package struct Template: Sendable {
    package enum Segment: Sendable, Hashable {
        /// Text, with `$${` already turned into `${`.
        case literal(String)
        /// UTF-8 offsets, in the template's text, of what stands between `${` and its `}`.
        case expression(Range<Int>)
    }

    /// Splits text at its expressions.
    ///
    /// The closing brace is the one that the expression's own tokens leave unmatched, so braces inside strings and maps
    /// do not end it.
    ///
    /// - Returns: The segments in order, and a finding for each expression that is not closed. An empty text has none.
    package static func parse(_ text: String) -> (segments: [Segment], findings: [ExpressionFinding]) {
        let bytes = Array(text.utf8)
        var segments: [Segment] = []
        var findings: [ExpressionFinding] = []
        var literal: [UInt8] = []
        var position = 0
        while position < bytes.count {
            if starts(bytes, position, "$${") {
                literal.append(contentsOf: "${".utf8)
                position += 3
            } else if starts(bytes, position, "${") {
                guard let end = closingBrace(in: bytes, from: position + 2) else {
                    findings.append(unclosed(position..<bytes.count))
                    break
                }
                if !literal.isEmpty { segments.append(.literal(String(decoding: literal, as: UTF8.self))) }
                literal = []
                segments.append(.expression(position + 2..<end))
                position = end + 1
            } else {
                literal.append(bytes[position])
                position += 1
            }
        }
        if !literal.isEmpty { segments.append(.literal(String(decoding: literal, as: UTF8.self))) }
        return (segments, findings)
    }

    private static func starts(_ bytes: [UInt8], _ position: Int, _ mark: StaticString) -> Bool {
        let length = mark.utf8CodeUnitCount
        guard position + length <= bytes.count else { return false }
        for offset in 0..<length where bytes[position + offset] != mark.utf8Start[offset] { return false }
        return true
    }

    private static func unclosed(_ range: Range<Int>) -> ExpressionFinding {
        ExpressionFinding(
            code: "expression.template",
            message: "'${' with no closing '}'",
            hint: "write $${ for a literal ${",
            range: range
        )
    }

    /// The offset of the unmatched `}`.
    ///
    /// Where the text between is no CEL, the next `}` ends it: the fault is told when the expression is compiled.
    private static func closingBrace(in bytes: [UInt8], from start: Int) -> Int? {
        var lexer = Lexer(bytes: bytes, from: start)
        var depth = 0
        while let token = try? lexer.next() {  // the fault itself is reported by the compiler of the expression
            switch token.kind {
            case .symbol(.leftBrace): depth += 1
            case .symbol(.rightBrace):
                if depth == 0 { return token.range.lowerBound }
                depth -= 1
            case .end: return nil
            default: break
            }
        }
        return bytes[max(start, min(lexer.position, bytes.count))...].firstIndex(of: UInt8(ascii: "}"))
            ?? bytes[start...].firstIndex(of: UInt8(ascii: "}"))
    }
}
