package import Expressions
import Foundation

/// Writes values as YAML, as test cases have them: `${` in a text stands as `$${`.
package enum YAMLText {
    /// How a moment stands: as its text, or as the expression that gives it.
    package enum Moments: Sendable, Hashable {
        case texts, expressions
    }

    /// On one line, in flow style.
    package static func flow(_ value: Value, _ moments: Moments = .texts) -> String {
        switch value {
        case .null: "null"
        case .bool(let value): String(value)
        case .int(let value): String(value)
        case .uint(let value): String(value)
        case .double(let value): number(value)
        case .string(let text): scalar(text)
        case .timestamp(let moment):
            moments == .texts ? scalar(moment.rfc3339) : "'${ timestamp(\"\(moment.rfc3339)\") }'"
        case .bytes(let bytes): "'${ base64.decode(\"\(Data(bytes).base64EncodedString())\") }'"
        case .list(let items): "[" + items.map { flow($0, moments) }.joined(separator: ", ") + "]"
        case .map(let map):
            map.isEmpty
                ? "{}"
                : "{ " + map.map { "\(name(of: $0.key)): \(flow($0.value, moments))" }.joined(separator: ", ") + " }"
        case .optional(let optional): optional.value.map { flow($0, moments) } ?? "null"
        case .duration, .type: scalar(value.kindName)
        }
    }

    private static func name(of key: MapKey) -> String { scalar(key.stringValue ?? "\(key.value)") }

    private static func number(_ value: Double) -> String {
        if value.isNaN { return ".nan" }
        if value.isInfinite { return value < 0 ? "-.inf" : ".inf" }
        return "\(value)"
    }

    // MARK: Several lines

    private static let width = 110

    /// `key: value` at a margin: on one line where that is readable, else a line for each member.
    package static func member(_ key: String, _ value: Value, indent: Int) -> [String] {
        member(.string(key), value, indent, .texts)
    }

    /// `- value` at a margin.
    package static func item(_ value: Value, indent: Int, _ moments: Moments = .texts) -> [String] {
        let margin = String(repeating: " ", count: indent)
        let flow = flow(value, moments)
        guard flow.utf8.count + indent > width, case .map(let map) = value, !map.isEmpty else {
            return ["\(margin)- \(flow)"]
        }
        var lines = map.flatMap { member($0.key, $0.value, indent + 2, moments) }
        lines[0] = "\(margin)- " + lines[0].dropFirst(indent + 2)
        return lines
    }

    private static func member(_ key: MapKey, _ value: Value, _ indent: Int, _ moments: Moments) -> [String] {
        let lead = String(repeating: " ", count: indent) + name(of: key) + ":"
        let flow = flow(value, moments)
        if lead.utf8.count + flow.utf8.count < width { return ["\(lead) \(flow)"] }
        switch value {
        case .map(let map) where !map.isEmpty:
            return [lead] + map.flatMap { member($0.key, $0.value, indent + 2, moments) }
        case .list(let items) where !items.isEmpty:
            return [lead] + items.flatMap { item($0, indent: indent + 2, moments) }
        default: return ["\(lead) \(flow)"]
        }
    }

    // MARK: Texts

    /// Words that YAML would not read as text.
    private static let words: Set = [
        "true", "false", "null", "True", "False", "Null", "TRUE", "FALSE", "NULL", "yes", "no", "on", "off", "~",
    ]

    /// A text, in quotes where YAML would read it as something else.
    package static func scalar(_ text: String) -> String {
        let isPlain = text.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), 0x30...0x39: true
            case UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "/"), UInt8(ascii: "@"),
                UInt8(ascii: " "):
                true
            default: false
            }
        }
        let startsLikeWord = text.utf8.first.map { ($0 | 0x20) >= 0x61 && ($0 | 0x20) <= 0x7A } ?? false
        if isPlain, startsLikeWord, !words.contains(text), !text.hasSuffix(" ") { return text }
        let escaped = text.replacing("${", with: "$${")
        if escaped.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }), escaped.unicodeScalars.allSatisfy(isPrinted) {
            return "'" + escaped.replacing("'", with: "''") + "'"
        }
        let json = (try? JSON.encode(.string(escaped))) ?? []  // Every text has a form in JSON, which is YAML too.
        return String(decoding: json, as: UTF8.self)
    }

    /// An expression that stands by itself, outside of any text: `${` means nothing there.
    package static func bare(_ expression: String) -> String {
        guard expression.unicodeScalars.allSatisfy(isPrinted) else { return scalar(expression) }
        return "'" + expression.replacing("'", with: "''") + "'"
    }

    /// Line breaks of Unicode would be read as such.
    private static func isPrinted(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x80...0x9F, 0x2028, 0x2029, 0xFEFF, 0xFFFE, 0xFFFF: false
        default: true
        }
    }
}
