import Crypto
import CryptoExtras
import Expressions
import FlowEngine
import Foundation
import Testing

@testable import FlowServer

@Suite("JSON Web Tokens")
struct TokenVerifierTests {
    private static let now = 1_795_176_000 as Int64
    private static let shared = SymmetricKey(data: Array("0123456789abcdef0123456789abcdef".utf8))
    private static let ec = P256.Signing.PrivateKey()

    static let expectation = TokenVerifier.Expectation(issuer: "https://id.example.com", audience: "shop")

    private static var time: Timestamp { Timestamp(seconds: now, nanoseconds: 0) ?? { preconditionFailure() }() }

    static func base64URL(_ bytes: some Sequence<UInt8>) -> String {
        Data(Array(bytes)).base64EncodedString().replacing("+", with: "-").replacing("/", with: "_")
            .replacing("=", with: "")
    }

    private static var keySet: String {
        let point = ec.publicKey.x963Representation
        return """
            {"keys": [
              {"kty": "oct", "kid": "shared", "alg": "HS256", "k": "\(base64URL(shared.withUnsafeBytes { Array($0) }))"},
              {"kty": "EC", "kid": "ec", "use": "sig", "crv": "P-256", "x": "\(base64URL(point[1..<33]))",
               "y": "\(base64URL(point[33...]))"}
            ]}
            """
    }

    private static func verifier(_ keys: String = keySet) throws -> TokenVerifier {
        try TokenVerifier(keySet: Array(keys.utf8), expecting: expectation)
    }

    private static func claims(_ changes: ValueMap = [:]) -> ValueMap {
        var claims: ValueMap = [
            "iss": "https://id.example.com", "aud": ["other", "shop"], "sub": "ann@example.com",
            "exp": .int(now + 300), "iat": .int(now), "roles": ["customer", "public"],
        ]
        for (name, value) in changes { claims[name] = value }
        return claims
    }

    /// Signs as the header says, or with what `sign` gives.
    private static func token(
        _ claims: ValueMap,
        header: ValueMap = ["alg": "HS256", "kid": "shared"],
        sign: ((String) throws -> [UInt8])? = nil
    ) throws -> String {
        let head = base64URL(try JSON.encode(.map(header))) + "." + base64URL(try JSON.encode(.map(claims)))
        let signature =
            try sign?(head) ?? Array(HMAC<SHA256>.authenticationCode(for: Array(head.utf8), using: shared))
        return head + "." + base64URL(signature)
    }

    @Test("HS256, ES256 and RS256 tokens name their caller; `public` is nobody's to give")
    func good() throws {
        let verifier = try Self.verifier()
        let shared = try verifier.caller(of: try Self.token(Self.claims()), now: Self.time)
        #expect(shared == Caller(id: "ann@example.com", roles: ["customer"]))
        let elliptic = try Self.token(Self.claims(), header: ["alg": "ES256", "kid": "ec"]) { head in
            Array(try Self.ec.signature(for: Array(head.utf8)).rawRepresentation)
        }
        #expect(try verifier.caller(of: elliptic, now: Self.time).id == "ann@example.com")
        let rsa = try _RSA.Signing.PrivateKey(keySize: .bits2048)
        let primitives = try rsa.publicKey.getKeyPrimitives()
        let set = """
            {"keys": [{"kty": "RSA", "n": "\(Self.base64URL(primitives.modulus))",
              "e": "\(Self.base64URL(primitives.publicExponent))"}]}
            """
        let token = try Self.token(Self.claims(["roles": "customer admin"]), header: ["alg": "RS256"]) { head in
            Array(
                try rsa.signature(for: SHA256.hash(data: Array(head.utf8)), padding: .insecurePKCS1v1_5)
                    .rawRepresentation
            )
        }
        let caller = try Self.verifier(set).caller(of: token, now: Self.time)
        #expect(caller.roles == ["customer", "admin"])
        #expect(throws: TokenVerifier.Refusal.unknownKey) { try verifier.caller(of: token, now: Self.time) }
    }

    @Test(
        "a token with one wrong claim is refused, each for its reason",
        arguments: [
            (["exp": 1_795_175_940], .expired), (["exp": nil], .malformed),
            (["exp": "tomorrow"], .malformed), (["nbf": 1_795_176_061], .notYet), (["iat": 1_795_176_061], .notYet),
            (["iss": "https://id.example.com/"], .wrongIssuer), (["iss": nil], .wrongIssuer),
            (["aud": "shopping"], .wrongAudience), (["aud": nil], .wrongAudience), (["sub": ""], .noSubject),
            (["sub": nil], .noSubject), (["sub": "a b"], .noSubject), (["sub": 7], .noSubject),
        ] as [(ValueMap, TokenVerifier.Refusal)]
    )
    func claims(changes: ValueMap, refusal: TokenVerifier.Refusal) throws {
        let token = try Self.token(Self.claims(changes))
        let verifier = try Self.verifier()
        #expect(throws: refusal) { try verifier.caller(of: token, now: Self.time) }
    }

    @Test("a clock may differ by a minute, and not by more")
    func leeway() throws {
        let verifier = try Self.verifier()
        let token = try Self.token(Self.claims(["exp": .int(Self.now - 59), "nbf": .int(Self.now + 60)]))
        #expect(try verifier.caller(of: token, now: Self.time).id == "ann@example.com")
    }

    @Test("no algorithm, another one, a public key as a shared one, an unknown key, a changed byte: all refused")
    func forged() throws {
        let verifier = try Self.verifier()
        func refused(_ token: String, _ refusal: TokenVerifier.Refusal) {
            _ = #expect(throws: refusal) { try verifier.caller(of: token, now: Self.time) }
        }
        refused(try Self.token(Self.claims(), header: ["alg": "none"]) { _ in [] }, .unknownKey)
        refused(try Self.token(Self.claims(), header: ["alg": "hs256", "kid": "shared"]), .unknownKey)
        refused(try Self.token(Self.claims(), header: ["alg": "HS512", "kid": "shared"]), .unknownKey)
        refused(try Self.token(Self.claims(), header: ["alg": "HS256", "kid": "ec"]), .unknownKey)
        refused(try Self.token(Self.claims(), header: ["kid": "shared"]), .malformed)
        refused(
            try Self.token(Self.claims(), header: ["alg": "HS256", "kid": "shared", "crit": ["exp"]]),
            .malformed
        )
        let confused = try Self.token(Self.claims(), header: ["alg": "HS256"]) { head in
            let key = SymmetricKey(data: Self.ec.publicKey.x963Representation)
            return Array(HMAC<SHA256>.authenticationCode(for: Array(head.utf8), using: key))
        }
        refused(confused, .badSignature)
        let good = try Self.token(Self.claims())
        refused(String(good.dropLast(2)) + "AA", .badSignature)
        refused(good + "=", .malformed)
        refused(good + ".x", .malformed)
        refused(String(repeating: "a", count: 9_000), .malformed)
        refused("..", .malformed)
    }

    @Test("the example of RFC 7515 is read, and refused for its age alone")
    func example() throws {
        let set = """
            {"keys": [{"kty": "oct",
              "k": "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"}]}
            """
        let token = """
            eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFt\
            cGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk
            """
        let verifier = try Self.verifier(set)
        #expect(throws: TokenVerifier.Refusal.expired) { try verifier.caller(of: token, now: Self.time) }
        let changed = token.replacing("7uhbUJU1", with: "7uhbUJU2")
        #expect(throws: TokenVerifier.Refusal.badSignature) { try verifier.caller(of: changed, now: Self.time) }
    }

    @Test(
        "a key set that is weak, private or malformed is not taken",
        arguments: [
            "{}", "{\"keys\": []}", "nonsense", "{\"keys\": [{\"kty\": \"oct\", \"k\": \"c2hvcnQ\"}]}",
            "{\"keys\": [{\"kty\": \"EC\", \"crv\": \"P-384\", \"x\": \"AA\", \"y\": \"AA\"}]}",
            "{\"keys\": [{\"kty\": \"EC\", \"crv\": \"P-256\", \"x\": \"AA\", \"y\": \"AA\"}]}",
            "{\"keys\": [{\"kty\": \"EC\", \"crv\": \"P-256\", \"x\": \"AA\", \"y\": \"AA\", \"d\": \"AA\"}]}",
            "{\"keys\": [{\"kty\": \"RSA\", \"n\": \"AQAB\", \"e\": \"AQAB\"}]}",
            "{\"keys\": [{\"kty\": \"OKP\", \"crv\": \"Ed25519\", \"x\": \"AA\"}]}",
            "{\"keys\": [{\"kty\": \"oct\", \"use\": \"enc\", \"k\": \"AyM1SysPpbyUfgZld3umj1qzKObwVMkoqQ-EstJQLr_T\"}]}",
            "{\"keys\": [{\"kty\": \"oct\", \"alg\": \"HS512\", \"k\": \"AyM1SysPpbyUfgZld3umj1qzKObwVMkoqQ-EstJQLr_T\"}]}",
        ]
    )
    func keySets(text: String) {
        #expect(throws: WebKeyFault.self) { try Self.verifier(text) }
    }

    @Test("base64url has one text for each sequence of bytes")
    func base64() {
        #expect(Base64URL.decode("AQAB") == [1, 0, 1])
        #expect(Base64URL.decode("_-8") == [0xFF, 0xEF])
        #expect(Base64URL.decode("") == [])
        for text in ["A", "AB=", "A+", "A/", "AB CD", "_-9", "ABCDE"] {
            #expect(Base64URL.decode(text) == nil, "\(text)")
        }
    }
}
