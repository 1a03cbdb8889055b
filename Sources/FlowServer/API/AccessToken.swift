import Crypto
package import FlowEngine

/// The text of a caller's token: `rnl_` and 43 characters of base64url, which are 256 random bits.
package struct AccessToken: Sendable, Hashable, CustomStringConvertible {
    static let prefix = "rnl_"
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)

    /// What the caller sends; shown once, kept nowhere.
    package let text: String

    /// Draws a new token.
    package init(from random: any RandomSource) {
        text = Self.prefix + Self.base64URL(random.bytes(32))
    }

    /// - Returns: nil for text that cannot be a token.
    package init?(_ text: String) {
        let secret = text.utf8.dropFirst(Self.prefix.utf8.count)
        guard text.hasPrefix(Self.prefix), secret.count == 43, secret.allSatisfy(Self.alphabet.contains) else {
            return nil
        }
        self.text = text
    }

    /// SHA-256 of the text: all that is stored.
    package var hash: [UInt8] { Array(SHA256.hash(data: Array(text.utf8))) }

    /// Never the text.
    package var description: String { Self.prefix + "••••" }

    private static func base64URL(_ bytes: [UInt8]) -> String {
        var text: [UInt8] = []
        var buffer: UInt32 = 0
        var bits: UInt32 = 0
        for byte in bytes {
            buffer = (buffer << 8 | UInt32(byte)) & 0xFFFF
            bits += 8
            while bits >= 6 {
                bits -= 6
                text.append(alphabet[Int(buffer >> bits & 63)])
            }
        }
        if bits > 0 { text.append(alphabet[Int(buffer << (6 - bits) & 63)]) }
        return String(decoding: text, as: UTF8.self)
    }
}
