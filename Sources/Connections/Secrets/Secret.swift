/// A text that must not be shown: a key, a token, a signing secret.
///
/// Every way of printing gives `••••`; only ``reveal()`` gives the text, so that a search for that word finds every
/// place where a secret leaves its wrapping.
package struct Secret: Sendable {
    private let text: String

    /// Wraps a text.
    package init(_ text: String) {
        self.text = text
    }

    /// The text itself, for the one call that needs it.
    package func reveal() -> String { text }

    /// The secrets that the text holds: while one is rolled, the old and the new one stand in it, separated by a comma.
    ///
    /// At most eight are looked at. Blanks alone part none: a secret of one's own choice may have some.
    package var alternatives: [Secret] {
        func isSpace(_ byte: UInt8) -> Bool { byte <= UInt8(ascii: " ") }
        let parts = text.utf8.split(separator: UInt8(ascii: ",")).map { part in
            var part = part.drop(while: isSpace)
            while let last = part.last, isSpace(last) { part = part.dropLast() }
            return part
        }
        return parts.filter { !$0.isEmpty }.prefix(8).map { Secret(String(Substring($0))) }
    }
}

extension Secret: Equatable {
    /// Compares without telling by the time taken how much is equal; lengths are not hidden.
    package static func == (left: Secret, right: Secret) -> Bool {
        isEqualInConstantTime(left.text.utf8, right.text.utf8)
    }
}

extension Secret: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// Always the same four dots.
    package var description: String { "••••" }

    /// Always the same four dots.
    package var debugDescription: String { description }

    /// Shows no content to `dump` and to whatever walks through values.
    package var customMirror: Mirror { Mirror(self, children: [:]) }
}

/// Whether two sequences of bytes are equal, in a time that depends on their lengths alone.
func isEqualInConstantTime(_ left: some Collection<UInt8>, _ right: some Collection<UInt8>) -> Bool {
    let (left, right) = (Array(left), Array(right))
    guard left.count == right.count else { return false }
    var difference: UInt8 = 0
    for place in left.indices { difference |= left[place] ^ right[place] }
    return difference == 0
}
