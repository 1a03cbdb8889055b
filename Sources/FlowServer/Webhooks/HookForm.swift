import Connections
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
        let decoded: [UInt8]
        do throws(FormError) {
            decoded = try StripeForm.unescapedBytes(bytes)
        } catch {
            throw Problem(400, "malformed_form", "A percent sign stands before two hexadecimal digits.")
        }
        guard let text = String(validating: decoded, as: UTF8.self) else {
            throw Problem(400, "malformed_text", "The body is not UTF-8.")
        }
        return text
    }
}
