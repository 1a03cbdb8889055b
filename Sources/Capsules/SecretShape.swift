import FlowLanguage

/// Recognises secrets that nobody told of, by their shape.
enum SecretShape {
    private static let clientSecret = Array("_secret_".utf8)
    private static let bearer = Array("Bearer ".utf8)
    private static let basic = Array("Basic ".utf8)
    private static let token = Array("rnl_".utf8)
    private static let webToken = Array("eyJ".utf8)
    /// How tokens of well-known services begin, and how many characters follow at least: GitHub's, GitLab's, Slack's, npm's,
    /// Amazon's and Google's.
    private static let services: [(lead: [UInt8], least: Int)] = [
        ("ghp_", 20), ("gho_", 20), ("ghs_", 20), ("ghu_", 20), ("ghr_", 20), ("github_pat_", 20), ("glpat-", 16),
        ("xoxb-", 16), ("xoxp-", 16), ("xoxa-", 16), ("xoxr-", 16), ("npm_", 30), ("AKIA", 16), ("ASIA", 16),
        ("AIza", 30),
    ].map { (Array($0.0.utf8), $0.1) }
    private static let keyHead = Array("-----BEGIN ".utf8), keyMiddle = Array("PRIVATE KEY-----".utf8)
    private static let keyFoot = Array("-----END ".utf8)
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
        case UInt8(ascii: "-"): return privateKeyRange(in: bytes, at: index)
        case UInt8(ascii: ":"): return passwordRange(in: bytes, at: index)
        case UInt8(ascii: "g"), UInt8(ascii: "x"), UInt8(ascii: "n"), UInt8(ascii: "A"):
            guard index == 0 || !isWord(bytes[index - 1]) else { return nil }
            for service in services {
                let found = tail(in: bytes, behind: service.lead, at: index, least: service.least, isWord)
                if let found { return found }
            }
            return nil
        default: return nil
        }
    }

    /// What stands between the lines that begin and end a private key in PEM (RFC 7468); all of the rest where none ends it.
    private static func privateKeyRange(in bytes: [UInt8], at index: Int) -> Range<Int>? {
        guard bytes[index...].starts(with: keyHead) else { return nil }
        var start = index + keyHead.count
        // `RSA `, `EC `, `ENCRYPTED `, or nothing.
        let last = min(start + 16, bytes.count)
        while start < last, !bytes[start...].starts(with: keyMiddle) { start += 1 }
        guard start < last else { return nil }
        start += keyMiddle.count
        var end = start
        while end < bytes.count, !bytes[end...].starts(with: keyFoot) { end += 1 }
        return end > start ? start..<end : nil
    }

    /// The password of `https://user:password@host` (RFC 3986, section 3.2.1).
    private static func passwordRange(in bytes: [UInt8], at index: Int) -> Range<Int>? {
        guard bytes[index...].starts(with: "://".utf8) else { return nil }
        var colon: Int?
        for end in index + 3..<min(index + 300, bytes.count) {
            switch bytes[end] {
            case UInt8(ascii: ":") where colon == nil: colon = end
            case UInt8(ascii: "@"): return colon.flatMap { $0 + 1 < end ? $0 + 1..<end : nil }
            case 0...0x20, UInt8(ascii: "/"), UInt8(ascii: "?"), UInt8(ascii: "#"), UInt8(ascii: "\""): return nil
            default: break
            }
        }
        return nil
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
