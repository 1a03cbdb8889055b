import Crypto
package import Expressions
import Foundation

/// Stripe's signature of web hooks: `Stripe-Signature: t=<seconds>,v1=<hex>[,v1=<hex>…][,v0=…]`.
///
/// `v1` is HMAC-SHA256 over `<t>.<body>`, keyed with the secret's text as it stands, `whsec_` included. While a secret
/// is rolled there is one `v1` for each. `v0` is for tests of Stripe's own and never looked at.
package enum StripeSignature {
    /// What was found to be right.
    package struct Match: Sendable, Hashable {
        /// The position of the secret that signed, in the list that was given.
        package let secretIndex: Int
        /// When the sender signed, in seconds since 1970.
        package let signedAt: Int64
    }

    /// A secret made ready to sign with: what HMAC does with the key alone is done once, not for each message.
    package struct Key: Sendable {
        private let keyed: HMAC<SHA256>
        /// Anybody could sign with an empty secret.
        fileprivate let isEmpty: Bool

        package init(_ secret: Secret) {
            let bytes = Array(secret.reveal().utf8)
            keyed = HMAC<SHA256>(key: SymmetricKey(data: bytes))
            isEmpty = bytes.isEmpty
        }

        /// The signature's digits over `<stamp>.<body>`.
        fileprivate func digits(stamp: some Collection<UInt8>, body: [UInt8]) -> String {
            var signed: [UInt8] = []
            signed.reserveCapacity(stamp.count + 1 + body.count)
            signed += stamp
            signed.append(UInt8(ascii: "."))
            signed += body
            var code = keyed
            code.update(data: signed)
            return code.finalize().withUnsafeBytes { hexadecimal($0) }
        }
    }

    private static let headerBytesMax = 8 << 10
    private static let signaturesMax = 32

    /// Verifies the raw bytes of a body, before anything reads them.
    ///
    /// - Parameters:
    ///   - header: The value of `Stripe-Signature`.
    ///   - body: The body as received, no byte changed.
    ///   - keys: All that may have signed; that of an empty secret matches nothing.
    ///   - now: The present.
    ///   - tolerance: How far the time stamp may lie from `now`, to either side. Stripe's libraries check the past
    ///     alone. Nil leaves the check out, which is for recorded messages and never for a server.
    /// - Returns: Which secret signed, and when.
    /// - Throws: `SignatureError`; the time stamp is judged only after a signature matched.
    @discardableResult
    package static func verify(
        header: String,
        body: [UInt8],
        keys: [Key],
        now: Timestamp,
        tolerance: Duration? = .seconds(300)
    ) throws(SignatureError) -> Match {
        guard header.utf8.count <= headerBytesMax else { throw SignatureError(.malformedHeader) }
        let (stamps, signatures) = fields(of: Array(header.utf8))
        // Two time stamps would leave open which one was signed and which one is judged.
        guard let stamp = stamps.first, stamps.count == 1,
            let signedAt = timeStamp(String(decoding: stamp, as: UTF8.self))
        else { throw SignatureError(.malformedHeader) }
        guard !signatures.isEmpty else { throw SignatureError(.noKnownSignature) }
        guard signatures.count <= signaturesMax else { throw SignatureError(.malformedHeader) }
        for (index, key) in keys.enumerated() where !key.isEmpty {
            let expected = key.digits(stamp: stamp, body: body)
            for signature in signatures where isEqualInConstantTime(signature, expected.utf8) {
                try checkTimeStamp(signedAt, now: now.seconds, tolerance: tolerance)
                return Match(secretIndex: index, signedAt: signedAt)
            }
        }
        throw SignatureError(.mismatch)
    }

    /// The values of `t` and of `v1`, each in their order.
    ///
    /// By bytes and places: taking texts apart costs more than the signature itself.
    private static func fields(of header: [UInt8]) -> (stamps: [ArraySlice<UInt8>], signatures: [ArraySlice<UInt8>]) {
        var stamps: [ArraySlice<UInt8>] = []
        var signatures: [ArraySlice<UInt8>] = []
        var start = 0
        while start < header.count {
            var end = start
            var mark: Int?
            while end < header.count, header[end] != UInt8(ascii: ",") {
                if mark == nil, header[end] == UInt8(ascii: "=") { mark = end }
                end += 1
            }
            if let mark, mark + 1 < end {
                let value = header[(mark + 1)..<end]
                switch mark - start {
                case 1 where header[start] == UInt8(ascii: "t"): stamps.append(value)
                case 2 where header[start] == UInt8(ascii: "v") && header[start + 1] == UInt8(ascii: "1"):
                    signatures.append(value)
                default: break
                }
            }
            start = end + 1
        }
        return (stamps, signatures)
    }

    /// Verifies as above, with secrets that are used for this message alone.
    @discardableResult
    package static func verify(
        header: String,
        body: [UInt8],
        secrets: [Secret],
        now: Timestamp,
        tolerance: Duration? = .seconds(300)
    ) throws(SignatureError) -> Match {
        try verify(header: header, body: body, keys: secrets.map(Key.init), now: now, tolerance: tolerance)
    }

    /// The header's value for a body that is sent at a time.
    package static func sign(body: [UInt8], secret: Secret, at time: Timestamp) -> String {
        let stamp = String(time.seconds)
        return "t=\(stamp),v1=\(Key(secret).digits(stamp: stamp.utf8, body: body))"
    }
}
