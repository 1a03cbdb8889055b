/// How a capsule begins, and what a file is that begins otherwise.
enum CapsuleLead {
    static let text = Array("{\"capsule\":".utf8)

    /// Digits of a format's number that are looked at.
    private static let digitsMax = 9

    /// - Throws: What the file is instead; `newerFormat` for one that this program does not know, whatever its sums are.
    static func check(_ bytes: [UInt8]) throws(CapsuleError) {
        guard bytes.starts(with: text) else { throw CapsuleError(.notACapsule, reason(bytes)) }
        let digits = bytes.dropFirst(text.count).prefix(digitsMax).prefix { (0x30...0x39).contains($0) }
        guard let version = Int64(String(decoding: digits, as: UTF8.self)), version > Capsule.formatVersion else {
            return
        }
        throw newer(version)
    }

    static func newer(_ version: Int64) -> CapsuleError {
        CapsuleError(
            .newerFormat,
            line: 1,
            "a newer runnel wrote this capsule (format \(version); this one knows \(Capsule.formatVersion)): use that one"
        )
    }

    private static func reason(_ bytes: [UInt8]) -> String {
        if bytes.isEmpty { return "the file is empty" }
        let known: [([UInt8], String)] = [
            ([0x1F, 0x8B], "the file is compressed: unpack it first (gunzip)"),
            ([0x28, 0xB5, 0x2F, 0xFD], "the file is compressed: unpack it first (unzstd)"),
            ([0x50, 0x4B, 0x03, 0x04], "the file is an archive: unpack it first (unzip)"),
            ([0xEF, 0xBB, 0xBF], "a byte order mark stands before the first line: take the file as it was exported"),
            ([0xFF, 0xFE], "the file is UTF-16: take it as it was exported, in UTF-8"),
            ([0xFE, 0xFF], "the file is UTF-16: take it as it was exported, in UTF-8"),
        ]
        if let known = known.first(where: { bytes.starts(with: $0.0) }) { return known.1 }
        return "this is no capsule: its first line does not begin with {\"capsule\": (`runnel runs export` writes one)"
    }
}
