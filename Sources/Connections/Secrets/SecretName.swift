/// The name of a secret: words of letters, digits, `_` and `-`, joined by dots, such as `stripe.test.secretKey`.
package struct SecretName: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// The name as written.
    package let description: String

    /// Takes a name of at most 128 bytes, each word of which begins with a letter.
    ///
    /// - Throws: `.malformedName`.
    package init(_ text: String) throws(SecretError) {
        let words = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard text.utf8.count <= 128, words.allSatisfy(Self.isWord) else {
            let remedy = "a secret's name is words of letters, digits, _ and -, joined by dots, 128 bytes at most"
            throw SecretError(.malformedName, subject: "", remedy: remedy)
        }
        description = text
    }

    package static func < (left: SecretName, right: SecretName) -> Bool { left.description < right.description }

    private static func isWord(_ word: Substring.UTF8View) -> Bool {
        guard let first = word.first, isLetter(first) else { return false }
        return word.allSatisfy { byte in
            isLetter(byte) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                || byte == UInt8(ascii: "_") || byte == UInt8(ascii: "-")
        }
    }

    private static func isLetter(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
    }
}
