import Crypto
import CryptoExtras
import Expressions

/// One key of a JSON Web Key Set (RFC 7517) that can check signatures.
struct WebKey: Sendable {
    /// What a token's header may name; each key is of exactly one.
    enum Algorithm: String, Sendable, Hashable, CaseIterable {
        case hs256 = "HS256"
        case rs256 = "RS256"
        case es256 = "ES256"
    }

    private enum Material: Sendable {
        case shared(SymmetricKey)
        case rsa(_RSA.Signing.PublicKey)
        case p256(P256.Signing.PublicKey)
    }

    let id: String?
    let algorithm: Algorithm
    private let material: Material

    /// Reads a key, strictly: too short, private where it should be public, or of a kind that is not taken, it is told.
    init(_ key: Value) throws(WebKeyFault) {
        id = key["kid"]?.stringValue
        if let use = key["use"]?.stringValue, use != "sig" {
            throw WebKeyFault("a key is for '\(use.prefix(16))', not sig")
        }
        switch key["kty"]?.stringValue {
        case "oct":
            let bytes = try Self.bytes("k", of: key)
            guard bytes.count >= 32 else { throw WebKeyFault("a shared key has at least 32 bytes") }
            algorithm = .hs256
            material = .shared(SymmetricKey(data: bytes))
        case "RSA":
            try Self.refusePrivate(key, ["d", "p", "q"])
            let modulus = try Self.bytes("n", of: key)
            guard (256...1_024).contains(modulus.count) else { throw WebKeyFault("an RSA key has 2048 to 8192 bits") }
            algorithm = .rs256
            do {
                material = .rsa(try _RSA.Signing.PublicKey(n: modulus, e: try Self.bytes("e", of: key)))
            } catch {
                throw WebKeyFault("an RSA key cannot be read")
            }
        case "EC":
            try Self.refusePrivate(key, ["d"])
            guard key["crv"] == "P-256" else { throw WebKeyFault("a key's curve is P-256") }
            let (x, y) = (try Self.bytes("x", of: key), try Self.bytes("y", of: key))
            algorithm = .es256
            guard x.count == 32, y.count == 32,
                let point = try? P256.Signing.PublicKey(x963Representation: [4] + x + y)  // Not on the curve: no key.
            else { throw WebKeyFault("a P-256 key is not a point of the curve") }
            material = .p256(point)
        default: throw WebKeyFault("a key's `kty` is oct, RSA or EC")
        }
        if let named = key["alg"]?.stringValue, named != algorithm.rawValue {
            throw WebKeyFault("a key is for \(named.prefix(16)); \(algorithm.rawValue) is what its kind takes here")
        }
    }

    /// Whether the signature over `message` is this key's; constant in time where the key is secret.
    func accepts(_ signature: [UInt8], over message: [UInt8]) -> Bool {
        switch material {
        case .shared(let key):
            return HMAC<SHA256>.isValidAuthenticationCode(signature, authenticating: message, using: key)
        case .rsa(let key):
            return key.isValidSignature(
                _RSA.Signing.RSASignature(rawRepresentation: signature),
                for: SHA256.hash(data: message),
                padding: .insecurePKCS1v1_5
            )
        case .p256(let key):
            guard let signature = try? P256.Signing.ECDSASignature(rawRepresentation: signature) else { return false }
            return key.isValidSignature(signature, for: message)
        }
    }

    private static func bytes(_ name: String, of key: Value) throws(WebKeyFault) -> [UInt8] {
        guard let text = key[name]?.stringValue, let bytes = Base64URL.decode(text), !bytes.isEmpty else {
            throw WebKeyFault("a key's `\(name)` is not base64url")
        }
        return bytes
    }

    private static func refusePrivate(_ key: Value, _ members: [String]) throws(WebKeyFault) {
        guard members.allSatisfy({ key[$0] == nil }) else {
            throw WebKeyFault("the file holds a private key; only public ones belong here")
        }
    }
}

/// Why a key set is not taken; quotes no key.
package struct WebKeyFault: Error, Sendable, Hashable, CustomStringConvertible {
    package let description: String

    init(_ description: String) { self.description = description }
}
