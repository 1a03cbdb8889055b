import FlowEngine
import Testing

@testable import FlowServer

@Suite("Access tokens")
struct AccessTokenTests {
    @Test("a token is rnl_ and 43 characters of base64url over 32 random bytes")
    func form() throws {
        let token = AccessToken(from: FixedBytes([0xFB, 0xFF] + [UInt8](repeating: 0, count: 30)))
        #expect(token.text == "rnl_-_8" + String(repeating: "A", count: 40))
        #expect(AccessToken(token.text)?.hash == token.hash)
        #expect(token.hash.count == 32)
    }

    @Test("a token's description never shows its text")
    func secrecy() {
        let token = AccessToken(from: FixedBytes([UInt8](repeating: 7, count: 32)))
        #expect(!"\(token)".contains(token.text.dropFirst(4)))
    }

    @Test(
        "text of another form is no token",
        arguments: [
            "", "rnl_", "rnl_" + String(repeating: "A", count: 42), "rnl_" + String(repeating: "A", count: 44),
            "RNL_" + String(repeating: "A", count: 43), "rnl_" + String(repeating: "é", count: 43),
            "rnl_" + String(repeating: "A", count: 42) + "=",
        ]
    )
    func malformed(text: String) {
        #expect(AccessToken(text) == nil)
    }
}

/// Gives the same bytes each time.
struct FixedBytes: RandomSource {
    let content: [UInt8]

    init(_ content: [UInt8]) { self.content = content }

    func bytes(_ count: Int) -> [UInt8] { Array(content.prefix(count)) }
}
