/// Recognises what looks like a key of a service, so that it is refused in files and never printed.
package enum SecretPattern {
    private static let prefixes: [[UInt8]] = [
        "sk_live_", "sk_test_", "rk_live_", "rk_test_", "whsec_", "SG.", "-----BEGIN ",
    ].map { Array($0.utf8) }
    /// A prefix alone, as documentation writes it, is no secret.
    private static let leastTail = 8
    /// The bytes with which a prefix begins: nearly all others are passed over at once.
    private static let isFirst: [Bool] = {
        var isFirst = [Bool](repeating: false, count: 256)
        for prefix in prefixes { isFirst[Int(prefix[0])] = true }
        return isFirst
    }()

    /// The stretches of `bytes` that look like keys.
    package static func ranges(in bytes: [UInt8]) -> [Range<Int>] {
        var ranges: [Range<Int>] = []
        var index = 0
        while index < bytes.count {
            guard isFirst[Int(bytes[index])],
                let prefix = prefixes.first(where: { starts(bytes, at: index, with: $0) })
            else {
                index += 1
                continue
            }
            var end = index + prefix.count
            while end < bytes.count, isKeyByte(bytes[end]) { end += 1 }
            if end - index - prefix.count >= leastTail { ranges.append(index..<end) }
            index = end
        }
        return ranges
    }

    /// The text with every key's characters behind its prefix replaced by dots, one for one.
    package static func redacted(_ text: String) -> String {
        var bytes = Array(text.utf8)
        let ranges = ranges(in: bytes)
        guard !ranges.isEmpty else { return text }
        for range in ranges {
            for index in min(range.lowerBound + 3, range.upperBound)..<range.upperBound {
                bytes[index] = UInt8(ascii: "*")
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func starts(_ bytes: [UInt8], at index: Int, with prefix: [UInt8]) -> Bool {
        guard bytes[index] == prefix[0], index + prefix.count <= bytes.count else { return false }
        if index > 0, isKeyByte(bytes[index - 1]) { return false }
        for offset in prefix.indices where bytes[index + offset] != prefix[offset] { return false }
        return true
    }

    private static func isKeyByte(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x61...0x7A).contains(byte | 0x20) || byte == UInt8(ascii: "_")
            || byte == UInt8(ascii: "-") || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "+")
            || byte == UInt8(ascii: "/")
    }
}
