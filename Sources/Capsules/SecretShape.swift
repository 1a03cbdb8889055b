import FlowLanguage

/// Recognises secrets that nobody told of, by their shape.
enum SecretShape {
    private static let clientSecret = Array("_secret_".utf8)
    private static let bearer = Array("Bearer ".utf8)
    private static let basic = Array("Basic ".utf8)
    private static let token = Array("rnl_".utf8)
    private static let webToken = Array("eyJ".utf8)
    /// Characters of a token of this runtime behind its prefix.
    private static let tokenTail = 43

    /// The stretches of `bytes` that must not be shown, in their order.
    static func ranges(in bytes: [UInt8]) -> [Range<Int>] {
        var ranges = SecretPattern.ranges(in: bytes)
        var index = 0
        while index < bytes.count {
            if let range = range(in: bytes, at: index) {
                ranges.append(range)
                index = range.upperBound
            } else {
                index += 1
            }
        }
        return ranges.sorted { $0.lowerBound < $1.lowerBound }
    }

    private static func range(in bytes: [UInt8], at index: Int) -> Range<Int>? {
        switch bytes[index] {
        case UInt8(ascii: "_"):
            // Of `pi_1_secret_2` the tail alone is secret; the head is the object's id.
            return tail(in: bytes, behind: clientSecret, at: index, least: 8, isWord)
        case UInt8(ascii: "B"):
            let range =
                tail(in: bytes, behind: bearer, at: index, least: 16, isCredential)
                ?? tail(in: bytes, behind: basic, at: index, least: 8, isCredential)
            // A word of a sentence has no digit.
            return range.flatMap { range in
                bytes[range].contains { (0x30...0x39).contains($0) || $0 == UInt8(ascii: "=") } ? range : nil
            }
        case UInt8(ascii: "e"): return webTokenRange(in: bytes, at: index)
        case UInt8(ascii: "r"):
            guard index == 0 || !isWord(bytes[index - 1]),
                let range = tail(in: bytes, behind: token, at: index, least: tokenTail, isWord),
                // Idempotency keys begin alike and are 64 hexadecimal digits: they are no secret, and replays need them.
                range.count == tokenTail
            else { return nil }
            return range
        default: return nil
        }
    }

    /// The stretch of wanted bytes behind `lead`, which must stand at `index`.
    private static func tail(
        in bytes: [UInt8],
        behind lead: [UInt8],
        at index: Int,
        least: Int,
        _ isWanted: (UInt8) -> Bool
    ) -> Range<Int>? {
        guard bytes[index...].starts(with: lead) else { return nil }
        let start = index + lead.count
        var end = start
        while end < bytes.count, isWanted(bytes[end]) { end += 1 }
        return end - start >= least ? start..<end : nil
    }

    /// `eyJ….….…`, as JSON web tokens begin.
    private static func webTokenRange(in bytes: [UInt8], at index: Int) -> Range<Int>? {
        guard bytes[index...].starts(with: webToken), index == 0 || !isWord(bytes[index - 1]) else { return nil }
        var end = index
        var dots = 0
        while end < bytes.count, isWord(bytes[end]) || bytes[end] == UInt8(ascii: ".") {
            if bytes[end] == UInt8(ascii: ".") { dots += 1 }
            end += 1
        }
        return dots >= 2 && end - index >= 20 ? index..<end : nil
    }

    private static func isWord(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x61...0x7A).contains(byte | 0x20) || byte == UInt8(ascii: "_")
            || byte == UInt8(ascii: "-")
    }

    private static func isCredential(_ byte: UInt8) -> Bool {
        isWord(byte) || [0x2B, 0x2E, 0x2F, 0x3D, 0x7E].contains(byte)
    }
}
