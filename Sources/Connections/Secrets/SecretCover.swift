import Foundation

/// Puts something else in the place of secrets that stand in a text, however it writes them: in an answer that repeats
/// what it was sent, in a capsule that leaves the house.
///
/// Looked for are a secret's own bytes and its base64 at any place within a longer text, both also as JSON or percent
/// signs escape them: what a flow reads, or a person later decodes, must not give the secret back.
package struct SecretCover: Sendable {
    /// Shorter base64 stands in other texts by chance.
    private static let leastBase64 = 8

    private struct Trace: Sendable {
        var bytes: [UInt8]
        /// Whether the group of four behind it holds the secret's last bytes, together with what follows them.
        var hasTail = false
        var replacement: [UInt8]
    }

    /// The longest first: one may be a part of another.
    private let traces: [Trace]
    /// The bytes with which one of them may begin.
    private let starts: [Bool]

    /// Covers with dots.
    init(_ secrets: [String]) { self.init(secrets.map { ($0, "••••") }, leastLength: 8) }

    /// - Parameters:
    ///   - secrets: each with what stands in its place; of two that are equal the first counts.
    ///   - leastLength: In bytes; shorter ones would cover what is none.
    package init(_ secrets: [(text: String, replacement: String)], leastLength: Int) {
        var traces: [[UInt8]: Trace] = [:]
        for (text, replacement) in secrets where text.utf8.count >= leastLength {
            let (bytes, replacement) = (Array(text.utf8), Array(replacement.utf8))
            func add(_ form: [UInt8], hasTail: Bool) {
                if traces[form] != nil { return }
                traces[form] = Trace(bytes: form, hasTail: hasTail, replacement: replacement)
            }
            add(bytes, hasTail: false)
            for shift in 0...2 {
                let (standard, hasTail) = Self.base64(of: bytes, behind: shift)
                guard standard.count >= Self.leastBase64 else { continue }
                add(standard, hasTail: hasTail)
                let forURLs = standard.map { byte in
                    switch byte {
                    case UInt8(ascii: "+"): UInt8(ascii: "-")
                    case UInt8(ascii: "/"): UInt8(ascii: "_")
                    default: byte
                    }
                }
                add(forURLs, hasTail: hasTail)
            }
        }
        self.traces = traces.values.sorted { $0.bytes.count > $1.bytes.count }
        var starts = [Bool](repeating: false, count: 256)
        for trace in traces.keys { starts[Int(trace[0])] = true }
        self.starts = starts
    }

    /// What of the base64 of a text depends on the secret alone, when so many bytes (modulo three) stand before it.
    private static func base64(of secret: [UInt8], behind shift: Int) -> (bytes: [UInt8], hasTail: Bool) {
        let padded = [UInt8](repeating: 0, count: shift) + secret
        let groups = padded.count / 3
        let text = Array(Data(padded.prefix(groups * 3)).base64EncodedString().utf8)
        return (Array(text.dropFirst(shift == 0 ? 0 : shift + 1)), padded.count % 3 != 0)
    }

    package func cover(_ text: String) -> String {
        let bytes = Array(text.utf8)
        let covered = cover(bytes)
        return covered == bytes ? text : String(decoding: covered, as: UTF8.self)
    }

    package func cover(_ bytes: [UInt8]) -> [UInt8] {
        guard !traces.isEmpty else { return bytes }
        return bytes.withUnsafeBufferPointer { text in
            var result: [UInt8] = []
            var (index, kept) = (0, 0)
            while index < text.count {
                if mayBegin(text, at: index), let (end, replacement) = trace(in: text, at: index) {
                    result += text[kept..<index]
                    result += replacement
                    index = end
                    kept = end
                } else {
                    index += 1
                }
            }
            return kept == 0 ? bytes : result + text[kept...]
        }
    }

    /// A cheap look: most of what a text escapes is no secret's first character.
    private func mayBegin(_ text: UnsafeBufferPointer<UInt8>, at index: Int) -> Bool {
        if starts[Int(text[index])] { return true }
        guard EscapedText.isSign(text[index]) else { return false }
        return EscapedText(text).escaped(at: index)?.character.first.map { starts[Int($0)] } ?? false
    }

    /// Where a trace that begins at `start` ends, and what takes its place; nil when none begins there.
    private func trace(
        in text: UnsafeBufferPointer<UInt8>,
        at start: Int
    ) -> (end: Int, replacement: [UInt8])? {
        for trace in traces {
            guard let end = EscapedText(text).end(of: trace.bytes[...], from: start) else { continue }
            return (trace.hasTail ? endOfGroup(in: text, from: end) : end, trace.replacement)
        }
        return nil
    }

    private func endOfGroup(in text: UnsafeBufferPointer<UInt8>, from start: Int) -> Int {
        var end = start
        for _ in 0..<4 where end < text.count {
            if Self.isBase64(text[end]) {
                end += 1
            } else if EscapedText.isSign(text[end]), let (character, next) = EscapedText(text).escaped(at: end),
                character.allSatisfy(Self.isBase64)
            {
                end = next
            }
        }
        return end
    }

    private static func isBase64(_ byte: UInt8) -> Bool {
        (0x61...0x7A).contains(byte | 0x20) || (0x30...0x39).contains(byte) || "+/-_=".utf8.contains(byte)
    }
}

/// A text whose characters may be written as they are, as JSON escapes them, or behind percent signs.
private struct EscapedText {
    /// JSON within JSON doubles the signs of an escape; deeper than three levels nobody nests.
    private static let signsMax = 8
    private let text: UnsafeBufferPointer<UInt8>

    init(_ text: UnsafeBufferPointer<UInt8>) { self.text = text }

    static func isSign(_ byte: UInt8) -> Bool { byte == UInt8(ascii: "\\") || byte == UInt8(ascii: "%") }

    /// Where `trace` ends that begins at `start`.
    ///
    /// Goes deeper for backslashes and percent signs of the trace alone: those may stand for themselves or escape.
    func end(of trace: ArraySlice<UInt8>, from start: Int) -> Int? {
        var (trace, index) = (trace, start)
        while let wanted = trace.first {
            guard index < text.count else { return nil }
            let isSign = Self.isSign(text[index])
            if text[index] == wanted {
                if !isSign {
                    trace = trace.dropFirst()
                    index += 1
                    continue
                }
                for count in (1...signs(at: index)).reversed() {
                    if let end = end(of: trace.dropFirst(), from: index + count) { return end }
                }
            }
            guard isSign, let (character, next) = escaped(at: index), trace.starts(with: character) else { return nil }
            trace = trace.dropFirst(character.count)
            index = next
        }
        return index
    }

    /// How many backslashes stand there, which may all be one; a percent sign is never more than itself.
    private func signs(at index: Int) -> Int {
        guard text[index] == UInt8(ascii: "\\") else { return 1 }
        return text[index...].prefix(Self.signsMax).prefix { $0 == UInt8(ascii: "\\") }.count
    }

    /// The bytes of the character that is escaped there, and where the next one begins.
    func escaped(at index: Int) -> (character: [UInt8], next: Int)? {
        if text[index] == UInt8(ascii: "%") {
            return number(at: index + 1, digits: 2).map { ([UInt8($0)], index + 3) }
        }
        let signs = signs(at: index)
        let end = index + signs
        guard end < text.count else { return nil }
        switch text[end] {
        case UInt8(ascii: "u"): return scalar(at: end + 1, signs: signs)
        case UInt8(ascii: "\""), UInt8(ascii: "/"): return ([text[end]], end + 1)
        case UInt8(ascii: "t"): return ([0x09], end + 1)
        default: return nil
        }
    }

    /// A scalar behind `\u`; one beyond 16 bits takes two of them.
    private func scalar(at index: Int, signs: Int) -> (character: [UInt8], next: Int)? {
        guard let first = number(at: index, digits: 4) else { return nil }
        var (value, next) = (first, index + 4)
        if (0xD800...0xDBFF).contains(first) {
            let low = next + signs + 1
            guard low <= text.count, text[low - 1] == UInt8(ascii: "u"), let second = number(at: low, digits: 4),
                (0xDC00...0xDFFF).contains(second)
            else { return nil }
            value = 0x10000 + (first - 0xD800) << 10 + (second - 0xDC00)
            next = low + 4
        }
        guard let scalar = Unicode.Scalar(value) else { return nil }
        return (Array(String(Character(scalar)).utf8), next)
    }

    private func number(at index: Int, digits: Int) -> UInt32? {
        guard index + digits <= text.count else { return nil }
        var number: UInt32 = 0
        for byte in text[index..<index + digits] {
            switch byte {
            case 0x30...0x39: number = number << 4 | UInt32(byte - 0x30)
            case 0x41...0x46, 0x61...0x66: number = number << 4 | UInt32((byte | 0x20) - 0x57)
            default: return nil
            }
        }
        return number
    }
}
