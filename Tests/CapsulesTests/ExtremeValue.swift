import Expressions
import Testing

/// Puts a value that nobody expects in the place of one that a capsule holds.
enum ExtremeValue {
    private static let values: [Value] = [
        .int(.max), .int(.min), -1, 0, .int(1 << 53), .double(.infinity), .double(.nan), .double(1e308), .null, true,
        "",
        .string(String(repeating: "x", count: 100_000)), "\u{0}\u{202E}\n", "../../../../etc/passwd", "${ 1 / 0 }",
        [], [:], .bytes([]), .list(Array(repeating: .null, count: 10_000)),
        .timestamp(moment("0001-01-01T00:00:00Z")), .timestamp(moment("9999-12-31T23:59:59.999999Z")), deep,
    ]

    private static func moment(_ text: String) -> Timestamp {
        guard let moment = Timestamp(rfc3339: text) else { preconditionFailure("no RFC 3339 time: \(text)") }
        return moment
    }

    private static var deep: Value {
        var value: Value = .int(1)
        for _ in 0..<60 { value = [value] }
        return value
    }

    /// The text of a capsule with one value changed; the sums are those from before.
    static func placed(in text: [UInt8], using numbers: inout SeededNumbers) throws -> [UInt8] {
        var lines = text.split(separator: UInt8(ascii: "\n")).map(Array.init)
        // The files are compiled, which has tests of its own.
        let places = lines.indices.filter { !lines[$0].starts(with: Array("{\"file\"".utf8)) }
        let place = places[Int.random(in: places.indices, using: &numbers)]
        guard case .map(let map) = try JSON.parseExact(lines[place], limits: .journal) else { return text }
        var changed = ValueMap()
        for (key, value) in map where key.stringValue != "sum" { changed[key] = value }
        guard case .map(var line) = replaced(.map(changed), using: &numbers) else { return text }
        line["sum"] = map["sum"]
        lines[place] = JSON.encodeExact(.map(line))
        return Array(lines.joined(separator: [UInt8(ascii: "\n")])) + [UInt8(ascii: "\n")]
    }

    /// One leaf, or now and then a whole branch, is another value.
    private static func replaced(_ value: Value, using numbers: inout SeededNumbers, depth: Int = 0) -> Value {
        let isBranch = depth > 1 && Int.random(in: 0..<8, using: &numbers) == 0
        switch value {
        case .map(var map) where !map.isEmpty && !isBranch:
            let entry = map.entry(at: Int.random(in: 0..<map.count, using: &numbers))
            map[entry.key] = replaced(entry.value, using: &numbers, depth: depth + 1)
            return .map(map)
        case .list(var list) where !list.isEmpty && !isBranch:
            let place = Int.random(in: list.indices, using: &numbers)
            list[place] = replaced(list[place], using: &numbers, depth: depth + 1)
            return .list(list)
        default: return values[Int.random(in: values.indices, using: &numbers)]
        }
    }
}
