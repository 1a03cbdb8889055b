import Expressions

/// A form in a web hook's body: `application/x-www-form-urlencoded`.
///
/// Not read as a URL's query: in a body a `#` ends nothing, and what is no text is refused, not repaired.
enum HookForm {
    /// - Throws: `Problem` 400 for bytes that are not UTF-8 once decoded, and for a percent sign that escapes nothing.
    static func fields(of bytes: [UInt8]) throws -> ValueMap {
        var map = ValueMap()
        for pair in bytes.split(separator: UInt8(ascii: "&")) {
            let halves = pair.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            let name = try text(of: halves[0])
            let value = halves.count > 1 ? try text(of: halves[1]) : ""
            // The first of several values of a name counts, as in a query.
            if map[name] == nil { map[name] = .string(value) }
        }
        return map
    }

    private static func text(of bytes: ArraySlice<UInt8>) throws -> String {
        var decoded: [UInt8] = []
        decoded.reserveCapacity(bytes.count)
        var rest = bytes.makeIterator()
        while let byte = rest.next() {
            switch byte {
            case UInt8(ascii: "+"): decoded.append(0x20)
            case UInt8(ascii: "%"):
                guard let high = digit(rest.next()), let low = digit(rest.next()) else {
                    throw Problem(400, "malformed_form", "A percent sign stands before two hexadecimal digits.")
                }
                decoded.append(high << 4 | low)
            default: decoded.append(byte)
            }
        }
        guard let text = String(validating: decoded, as: UTF8.self) else {
            throw Problem(400, "malformed_text", "The body is not UTF-8.")
        }
        return text
    }

    private static func digit(_ byte: UInt8?) -> UInt8? {
        switch byte {
        case .some(let byte) where (0x30...0x39).contains(byte): byte - 0x30
        case .some(let byte) where (0x61...0x66).contains(byte | 0x20): (byte | 0x20) - 0x57
        default: nil
        }
    }
}
