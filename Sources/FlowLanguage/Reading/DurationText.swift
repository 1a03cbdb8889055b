/// A span of time as authors write it: `500ms`, `30s`, `5m`, `1h30m`, `7d`.
enum DurationText {
    /// Units with their milliseconds, the long ones first; in this order, each once, they stand in a text.
    private static let units: [(name: String, milliseconds: Int64)] = [
        ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1),
    ]

    /// Nil for a text that is no such span, or a longer one than a century.
    static func parse(_ text: String) -> Duration? {
        var total: Int64 = 0
        var rest = text.utf8[...]
        var following = units[...]
        guard !rest.isEmpty else { return nil }
        // Ends: each round takes at least one digit away.
        while !rest.isEmpty {
            let digits = rest.prefix { (0x30...0x39).contains($0) }
            guard !digits.isEmpty, digits.count <= 12, let number = Int64(String(decoding: digits, as: UTF8.self))
            else { return nil }
            rest = rest.dropFirst(digits.count)
            let word = rest.prefix { (0x61...0x7A).contains($0) }
            rest = rest.dropFirst(word.count)
            let name = String(decoding: word, as: UTF8.self)
            guard let unit = following.first(where: { $0.name == name }) else { return nil }
            following = following.drop { $0.name != name }.dropFirst()
            let (product, overflow) = number.multipliedReportingOverflow(by: unit.milliseconds)
            guard !overflow, product <= century - total else { return nil }
            total += product
        }
        return .milliseconds(total)
    }

    private static let century: Int64 = 36_525 * 86_400_000
}

extension FileContext {
    /// A span of time within `range`; anything else is a finding.
    func duration(of node: YAMLNode, what: String, in range: ClosedRange<Duration>) -> Duration? {
        guard !node.isUnreadable else { return nil }
        guard let scalar = node.scalar, let span = DurationText.parse(scalar.text) else {
            let found = node.scalar.map { "'\($0.text)'" } ?? node.kindName
            error(
                .typeDuration,
                "\(what) is a span of time; found \(found)",
                at: node.range,
                notes: ["such as 500ms, 30s, 5m, 1h30m or 7d"]
            )
            return nil
        }
        guard range.contains(span) else {
            let bounds = "between \(range.lowerBound.authorText) and \(range.upperBound.authorText)"
            error(.valueRange, "\(what) is a span of time \(bounds)", at: node.range)
            return nil
        }
        return span
    }
}

extension Duration {
    /// As an author would write it.
    package var authorText: String {
        let (seconds, attoseconds) = components
        if attoseconds != 0 { return "\(seconds * 1_000 + attoseconds / 1_000_000_000_000_000)ms" }
        for (name, length) in [("d", Int64(86_400)), ("h", 3_600), ("m", 60)] where seconds > 0 && seconds % length == 0
        {
            return "\(seconds / length)\(name)"
        }
        return "\(seconds)s"
    }
}
