import Crypto
import CryptoExtras
import Expressions
import Foundation
import Testing

@testable import runnel

/// Callers who come with a JSON Web Token of somebody else's making: the built command, real HTTP, real keys.
@Suite(.serialized, .timeLimit(.minutes(5))) struct WebTokenTests {
    private static let issuer = "https://id.example.com"

    /// Who signs: one key of each kind, as an identity provider has them.
    private struct Keys {
        let shared = SymmetricKey(size: .bits256)
        let elliptic = P256.Signing.PrivateKey()
        let rsa: _RSA.Signing.PrivateKey

        init() throws { rsa = try _RSA.Signing.PrivateKey(keySize: .bits2048) }

        func set() throws -> Value {
            let point = elliptic.publicKey.x963Representation
            let primitives = try rsa.publicKey.getKeyPrimitives()
            let secret = shared.withUnsafeBytes { Array($0) }
            return [
                "keys": [
                    ["kty": "oct", "kid": "hs", "alg": "HS256", "k": .string(WebTokenTests.base64(secret))],
                    [
                        "kty": "EC", "kid": "es", "alg": "ES256", "crv": "P-256",
                        "x": .string(WebTokenTests.base64(point[1..<33])),
                        "y": .string(WebTokenTests.base64(point[33...])),
                    ],
                    [
                        "kty": "RSA", "kid": "rs", "alg": "RS256",
                        "n": .string(WebTokenTests.base64(primitives.modulus)),
                        "e": .string(WebTokenTests.base64(primitives.publicExponent)),
                    ],
                ]
            ]
        }

        func sign(_ text: String, _ algorithm: String) throws -> [UInt8] {
            let bytes = Array(text.utf8)
            switch algorithm {
            case "HS256": return Array(HMAC<SHA256>.authenticationCode(for: bytes, using: shared))
            case "ES256": return Array(try elliptic.signature(for: bytes).rawRepresentation)
            case "RS256":
                let digest = SHA256.hash(data: bytes)
                return Array(try rsa.signature(for: digest, padding: .insecurePKCS1v1_5).rawRepresentation)
            default: return []
            }
        }
    }

    private static func base64(_ bytes: some Sequence<UInt8>) -> String {
        Data(Array(bytes)).base64EncodedString().replacing("+", with: "-").replacing("/", with: "_")
            .replacing("=", with: "")
    }

    private static let kids = ["HS256": "hs", "ES256": "es", "RS256": "rs"]

    private static func token(
        _ keys: Keys,
        _ algorithm: String,
        subject: String = "ann@example.com",
        roles: Value = ["customer"],
        claims changes: ValueMap = [:],
        header more: ValueMap = [:],
        sign: ((String) throws -> [UInt8])? = nil
    ) throws -> String {
        var header: ValueMap = ["alg": .string(algorithm), "typ": "JWT"]
        header["kid"] = kids[algorithm].map { .string($0) }
        for (name, value) in more { header[name] = value }
        let now = Int64(Date().timeIntervalSince1970)
        var claims: ValueMap = [
            "iss": .string(issuer), "aud": "shop", "sub": .string(subject), "exp": .int(now + 300), "iat": .int(now),
            "roles": roles,
        ]
        for (name, value) in changes { claims[name] = value }
        let text = base64(try JSON.encode(.map(header))) + "." + base64(try JSON.encode(.map(claims)))
        return text + "." + base64(try sign?(text) ?? keys.sign(text, algorithm))
    }

    private func withShop(_ body: (DemoWorld, Keys) async throws -> Void) async throws {
        let keys = try Keys()
        let file = FileManager.default.temporaryDirectory.appending(path: "runnel keys \(getpid()).json")
        try Data(JSON.encode(try keys.set())).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        let options = ["--jwks", file.path, "--jwt-issuer", Self.issuer, "--jwt-audience", "shop"]
        try await BuiltCommand.withWorld("tokens", serveOptions: options) { world in try await body(world, keys) }
    }

    @Test("Z20, M9: HS256, RS256 and ES256 tokens name their callers, who may do what their roles and their rows say")
    func good() async throws {
        try await withShop { world, keys in
            let client = world.client
            let mug: Value = ["name": "Mug", "price": 1299]
            for (number, algorithm) in ["HS256", "RS256", "ES256"].enumerated() {
                let order = Int64(number + 1)
                let name = "\(algorithm.lowercased())@example.com"
                let admin = try Self.token(keys, algorithm, subject: "boss@example.com", roles: ["admin"])
                #expect(try await client.page("add-product", mug, token: admin).status == 200)
                let customer = try Self.token(keys, algorithm, subject: name)
                #expect(try await client.page("add-product", mug, token: customer).status == 403)
                let placed = try await client.page("place-order", ["product": 1], token: customer)
                #expect(placed.body["orderId"] == .int(order), "\(placed.body)")
                #expect(try await client.get("/tables/orders/\(order)", token: customer).body["email"] == .string(name))
                let checkout = try await client.page("checkout", ["orderId": .int(order)], token: customer)
                #expect(checkout.status == 200)
                let other = try Self.token(keys, algorithm, subject: "eve@example.com", roles: "customer public")
                #expect(try await client.get("/tables/orders/\(order)", token: other).status == 404)
                #expect(try await client.page("checkout", ["orderId": .int(order)], token: other).status == 404)
                let refund: Value = ["orderId": .int(order)]
                #expect(try await client.page("refund-order", refund, token: customer).status == 403)
                #expect(try await client.get("/tables/orders/\(order)", token: admin).status == 200)
                for roles in [[], ["superuser"], ["Admin"], "admin,customer"] as [Value] {
                    let nobody = try Self.token(keys, algorithm, roles: roles)
                    #expect(try await client.page("place-order", ["product": 1], token: nobody).status == 403)
                }
            }
            // The server's own tokens count beside them.
            #expect(try await client.page("place-order", ["product": 1], token: client.customerToken).status == 200)
        }
    }

    @Test("an expired token, no algorithm, another key, audience or issuer, a changed byte: 401, and nothing happens")
    func bad() async throws {
        try await withShop { world, keys in
            let client = world.client
            _ = try await client.page("add-product", ["name": "Mug", "price": 1299], token: client.adminToken)
            let now = Int64(Date().timeIntervalSince1970)
            let modulus = Array(keys.rsa.publicKey.derRepresentation)
            let pem = Array(keys.rsa.publicKey.pemRepresentation.utf8)
            let stranger = try Keys()
            var tokens: [(what: String, token: String)] = [
                ("none", try Self.token(keys, "none")),
                ("none, by a known key", try Self.token(keys, "none", header: ["kid": "hs"])),
                ("empty signature", try Self.token(keys, "HS256") { _ in [] }),
            ]
            for algorithm in ["HS256", "RS256", "ES256"] {
                tokens += [
                    ("expired", try Self.token(keys, algorithm, claims: ["exp": .int(now - 61)])),
                    ("not yet", try Self.token(keys, algorithm, claims: ["nbf": .int(now + 120)])),
                    ("no expiry", try Self.token(keys, algorithm, claims: ["exp": nil])),
                    ("unknown kid", try Self.token(keys, algorithm, header: ["kid": "nobody"])),
                    ("other kid", try Self.token(keys, algorithm, header: ["kid": algorithm == "HS256" ? "rs" : "hs"])),
                    ("other audience", try Self.token(keys, algorithm, claims: ["aud": "warehouse"])),
                    ("other issuer", try Self.token(keys, algorithm, claims: ["iss": "https://evil.example.com"])),
                    ("stranger's key", try Self.token(stranger, algorithm)),
                    ("no subject", try Self.token(keys, algorithm, claims: ["sub": ""])),
                ]
            }
            for (name, bytes) in [("DER", modulus), ("PEM", pem)] {
                // The public key taken for a shared one.
                let token = try Self.token(keys, "HS256", header: ["kid": "rs"]) { text in
                    Array(HMAC<SHA256>.authenticationCode(for: Array(text.utf8), using: SymmetricKey(data: bytes)))
                }
                tokens.append(("confused by \(name)", token))
            }
            // A customer's token, whose claims were changed on the way.
            let parts = try Self.token(keys, "ES256").split(separator: ".")
            let richer = try Self.token(keys, "ES256", roles: ["admin"]).split(separator: ".")
            tokens.append(("changed claims", "\(parts[0]).\(richer[1]).\(parts[2])"))
            for (what, token) in tokens {
                let answer = try await client.page("place-order", ["product": 1], token: token)
                #expect(answer.status == 401 && answer.body["code"] == "invalid_token", "\(what): \(answer)")
                #expect(try await client.get("/tables/orders", token: token).status == 401, "\(what)")
            }
            #expect(try await client.get("/tables/orders").body["count"] == 0)
            #expect(tokens.count == 33)
        }
    }
}
