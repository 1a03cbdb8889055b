import Expressions

/// Writes values as YAML in flow style, on one line.
enum YAMLText {
    static func flow(_ value: Value) -> String {
        switch value {
        case .null: "null"
        case .bool(let value): String(value)
        case .int(let value): String(value)
        case .uint(let value): String(value)
        case .double(let value): value == value.rounded() ? String(value) : "\(value)"
        case .string(let text): scalar(text)
        case .timestamp(let moment): scalar(moment.rfc3339)
        case .list(let items): "[" + items.map(flow).joined(separator: ", ") + "]"
        case .map(let map):
            map.isEmpty
                ? "{}"
                : "{ "
                    + map.map { "\(scalar($0.key.stringValue ?? "\($0.key.value)")): \(flow($0.value))" }
                    .joined(separator: ", ") + " }"
        case .bytes, .duration, .type, .optional: scalar(value.kindName)
        }
    }

    /// Words that YAML would not read as text.
    private static let words: Set = [
        "true", "false", "null", "True", "False", "Null", "TRUE", "FALSE", "NULL", "yes", "no", "on", "off", "~",
    ]

    /// A text, in quotes where YAML would read it as something else.
    static func scalar(_ text: String) -> String {
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
        if text.utf8.allSatisfy({ $0 >= 0x20 }) { return "'" + text.replacing("'", with: "''") + "'" }
        let json = (try? JSON.encode(.string(text))) ?? []  // Every text has a form in JSON, which is YAML too.
        return String(decoding: json, as: UTF8.self)
    }
}
