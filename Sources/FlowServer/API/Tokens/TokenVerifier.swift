import Expressions
import FlowEngine

/// Checks bearer tokens that somebody else issued: JSON Web Tokens (RFC 7519) under the keys of one file.
///
/// Our own verification, of three algorithms, in place of a package: each token's algorithm follows from the key, never
/// from the token, and every claim that is trusted is asked for.
package struct TokenVerifier: Sendable {
    /// Which tokens are meant for this app.
    package struct Expectation: Sendable, Hashable {
        /// `iss`, exactly.
        package var issuer: String
        /// One of `aud`, exactly.
        package var audience: String
        /// The claim that holds the roles, as a list of texts or one text with spaces.
        package var rolesClaim: String

        package init(issuer: String, audience: String, rolesClaim: String = "roles") {
            self.issuer = issuer
            self.audience = audience
            self.rolesClaim = rolesClaim
        }
    }

    /// Why a token is refused; for logs and tests, never told to the caller.
    enum Refusal: String, Error, Sendable, Hashable, CaseIterable {
        case malformed, unknownKey, badSignature, expired, notYet, wrongIssuer, wrongAudience, noSubject
    }

    private static let tokenBytesMax = 8 << 10
    private static let fileBytesMax = 1 << 20
    private static let keysMax = 64
    /// How far two clocks may differ.
    private static let leeway: Int64 = 60

    private let keys: [WebKey]
    private let expectation: Expectation

    /// - Parameters:
    ///   - file: the bytes of a JSON Web Key Set.
    ///   - expectation: which tokens are meant for this app.
    /// - Throws: `WebKeyFault` that names the first key that is not taken.
    package init(keySet file: [UInt8], expecting expectation: Expectation) throws(WebKeyFault) {
        guard file.count <= Self.fileBytesMax, let set = try? JSON.parse(file), let list = set["keys"]?.listValue else {
            throw WebKeyFault("the file is not a JSON Web Key Set: { \"keys\": [ … ] }")
        }
        guard (1...Self.keysMax).contains(list.count) else {
            throw WebKeyFault("a key set has 1 to \(Self.keysMax) keys")
        }
        var keys: [WebKey] = []
        for key in list { keys.append(try WebKey(key)) }
        self.keys = keys
        self.expectation = expectation
    }

    /// Whether a text could be such a token, so that another kind of token is not taken for a broken one.
    static func isToken(_ text: String) -> Bool { text.utf8.count { $0 == UInt8(ascii: ".") } == 2 }

    /// The caller that a token names, with its roles as issued.
    func caller(of token: String, now: Timestamp) throws(Refusal) -> Caller {
        guard token.utf8.count <= Self.tokenBytesMax else { throw .malformed }
        let parts = token.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, let header = Self.object(parts[0]), let signature = Base64URL.decode(parts[2]),
            // An extension that must be understood is one that is not understood here.
            header["crit"] == nil, let named = header["alg"]?.stringValue
        else { throw .malformed }
        let keyID = header["kid"]?.stringValue
        let candidates = keys.filter { $0.algorithm.rawValue == named && (keyID == nil || $0.id == keyID) }
        guard !candidates.isEmpty else { throw .unknownKey }
        let message = Array(token.utf8.prefix(parts[0].utf8.count + 1 + parts[1].utf8.count))
        guard candidates.contains(where: { $0.accepts(signature, over: message) }) else { throw .badSignature }
        guard let claims = Self.object(parts[1]) else { throw .malformed }
        return try caller(of: claims, now: now.seconds)
    }

    private func caller(of claims: Value, now: Int64) throws(Refusal) -> Caller {
        guard let expires = Self.seconds(claims["exp"]) else { throw .malformed }
        guard now < expires + Self.leeway else { throw .expired }
        for name in ["nbf", "iat"] where claims[name] != nil {
            guard let time = Self.seconds(claims[name]) else { throw .malformed }
            guard time <= now + Self.leeway else { throw .notYet }
        }
        guard claims["iss"]?.stringValue == expectation.issuer else { throw .wrongIssuer }
        let audiences = claims["aud"]?.listValue ?? [claims["aud"] ?? .null]
        guard audiences.contains(.string(expectation.audience)) else { throw .wrongAudience }
        guard let subject = claims["sub"]?.stringValue, (1...254).contains(subject.unicodeScalars.count),
            subject.unicodeScalars.allSatisfy({
                !$0.properties.isWhitespace && $0.properties.generalCategory != .control
            }),
            // The runtime's own names are nobody else's.
            !Caller.reservedIDs.contains(subject)
        else { throw .noSubject }
        let roles = claims[expectation.rolesClaim]
        let words =
            roles?.listValue?.compactMap(\.stringValue) ?? roles?.stringValue?.split(separator: " ").map(String.init)
        return Caller(id: subject, roles: (words ?? []).prefix(32).filter { $0 != "public" })
    }

    private static func object(_ part: Substring) -> Value? {
        guard let bytes = Base64URL.decode(part), let value = try? JSON.parse(bytes), value.mapValue != nil else {
            return nil
        }
        return value
    }

    /// A NumericDate; fractions are cut off.
    private static func seconds(_ value: Value?) -> Int64? {
        switch value {
        case .int(let seconds) where (0...253_402_300_799).contains(seconds): seconds
        case .double(let seconds) where (0...253_402_300_799).contains(seconds): Int64(seconds)
        default: nil
        }
    }
}
