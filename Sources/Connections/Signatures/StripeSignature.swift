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
        /// The position of the secret that signed, in the list that was given: it tells the mode.
        package let secretIndex: Int
        /// When the sender signed, in seconds since 1970.
        package let signedAt: Int64
    }

    private static let headerBytesMax = 8 << 10
    private static let signaturesMax = 32

    /// Verifies the raw bytes of a body, before anything reads them.
    ///
    /// - Parameters:
    ///   - header: The value of `Stripe-Signature`.
    ///   - body: The body as received, no byte changed.
    ///   - secrets: All that may have signed; an empty one matches nothing.
    ///   - now: The present.
    ///   - tolerance: How far the time stamp may lie from `now`, to either side. Stripe's libraries check the past
    ///     alone. Nil leaves the check out, which is for recorded messages and never for a server.
    /// - Returns: Which secret signed, and when.
    /// - Throws: `SignatureError`; the time stamp is judged only after a signature matched.
    @discardableResult
    package static func verify(
        header: String,
        body: [UInt8],
        secrets: [Secret],
        now: Timestamp,
        tolerance: Duration? = .seconds(300)
    ) throws(SignatureError) -> Match {
        guard header.utf8.count <= headerBytesMax else { throw SignatureError(.malformedHeader) }
        // By bytes: taking characters apart costs more than the signature itself.
        var stamps: [ArraySlice<UInt8>] = []
        var signatures: [ArraySlice<UInt8>] = []
        for field in Array(header.utf8).split(separator: UInt8(ascii: ",")) {
            guard let mark = field.firstIndex(of: UInt8(ascii: "=")), mark + 1 < field.endIndex else { continue }
            let value = field[(mark + 1)...]
            if field[..<mark].elementsEqual("t".utf8) { stamps.append(value) }
            if field[..<mark].elementsEqual("v1".utf8) { signatures.append(value) }
        }
        // Two time stamps would leave open which one was signed and which one is judged.
        guard let digits = stamps.first, stamps.count == 1, case let stamp = String(decoding: digits, as: UTF8.self),
            let signedAt = timeStamp(stamp)
        else { throw SignatureError(.malformedHeader) }
        guard !signatures.isEmpty else { throw SignatureError(.noKnownSignature) }
        guard signatures.count <= signaturesMax else { throw SignatureError(.malformedHeader) }
        for (index, secret) in secrets.enumerated() where !secret.reveal().isEmpty {
            let expected = signature(stamp: stamp, body: body, secret: secret)
            for signature in signatures where isEqualInConstantTime(signature, expected.utf8) {
                try checkTimeStamp(signedAt, now: now.seconds, tolerance: tolerance)
                return Match(secretIndex: index, signedAt: signedAt)
            }
        }
        throw SignatureError(.mismatch)
    }

    /// The header's value for a body that is sent at a time.
    package static func sign(body: [UInt8], secret: Secret, at time: Timestamp) -> String {
        "t=\(time.seconds),v1=\(signature(stamp: String(time.seconds), body: body, secret: secret))"
    }

    private static func signature(stamp: String, body: [UInt8], secret: Secret) -> String {
        var code = HMAC<SHA256>(key: SymmetricKey(data: Data(secret.reveal().utf8)))
        code.update(data: Array((stamp + ".").utf8))
        code.update(data: body)
        return hexadecimal(code.finalize())
    }
}
