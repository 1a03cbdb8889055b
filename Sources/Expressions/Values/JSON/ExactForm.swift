/// The journal's spellings of values that JSON lacks; see ``JSON/encodeExact(_:)``.
enum ExactForm {
    static func decode(_ name: String, _ content: Value) -> Value? {
        switch (name, content) {
        case ("$uint", .string(let text)): UInt64(text).map(Value.uint)
        case ("$bytes", .string(let text)): Base64.decode(text).map(Value.bytes)
        case ("$timestamp", .string(let text)): Timestamp(rfc3339: text).map(Value.timestamp)
        case ("$duration", .string(let text)): exactDuration(text).map(Value.duration)
        case ("$double", .string(let text)): specialDouble(text).map(Value.double)
        case ("$type", .string(let text)): .type(TypeValue(name: text))
        case ("$optional", .list(let content)): optional(content)
        case ("$map", .list(let pairs)): map(pairs)
        default: nil
        }
    }

    /// Seconds and attoseconds, since a duration that arithmetic made may be finer than its text.
    static func encode(_ duration: Duration) -> String {
        let (seconds, attoseconds) = duration.components
        return attoseconds % 1_000_000_000 == 0 ? duration.secondsText : "\(seconds)s \(attoseconds)as"
    }

    private static func exactDuration(_ text: String) -> Duration? {
        let parts = text.split(separator: " ")
        if parts.count == 2, parts[0].hasSuffix("s"), parts[1].hasSuffix("as"),
            let seconds = Int64(parts[0].dropLast()),
            let attoseconds = Int64(parts[1].dropLast(2))
        {
            return Duration(secondsComponent: seconds, attosecondsComponent: attoseconds)
        }
        guard text.hasSuffix("s") else { return nil }
        let number = text.dropLast().split(separator: ".", omittingEmptySubsequences: false)
        guard let seconds = number.first.flatMap({ Int64($0) }), number.count <= 2 else { return nil }
        var nanoseconds: Int64 = 0
        if number.count == 2 {
            let digits = number[1] + String(repeating: "0", count: max(0, 9 - number[1].count))
            guard digits.count == 9, let fraction = Int64(digits), fraction >= 0 else { return nil }
            nanoseconds = text.hasPrefix("-") ? -fraction : fraction
        }
        return Duration(secondsComponent: seconds, attosecondsComponent: nanoseconds * 1_000_000_000)
    }

    private static func specialDouble(_ text: String) -> Double? {
        if text.hasPrefix("0x") { return UInt64(text.dropFirst(2), radix: 16).map(Double.init(bitPattern:)) }
        switch text {
        case "NaN": return .nan
        case "Infinity": return .infinity
        case "-Infinity": return -.infinity
        default: return nil
        }
    }

    private static func optional(_ content: [Value]) -> Value? {
        switch content.count {
        case 0: .optional(.none)
        case 1: .optional(OptionalValue(content[0]))
        default: nil
        }
    }

    private static func map(_ pairs: [Value]) -> Value? {
        var map = ValueMap(minimumCapacity: pairs.count)
        for pair in pairs {
            guard case .list(let pair) = pair, pair.count == 2, let key = MapKey(pair[0]) else { return nil }
            map[key] = pair[1]
        }
        return .map(map)
    }
}
