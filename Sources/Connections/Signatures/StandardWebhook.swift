import Crypto
package import Expressions
import Foundation

/// Standard Webhooks 1.0: `webhook-id`, `webhook-timestamp` and `webhook-signature: v1,<base64>[ v1,<base64>…]`.
///
/// The signature is HMAC-SHA256 over `<id>.<timestamp>.<body>`, keyed with the bytes that the secret's text gives in
/// base64 after `whsec_`.
package enum StandardWebhook {
    /// The three headers of a message.
    package struct Headers: Sendable, Hashable {
        /// `webhook-id`: the same for every delivery of one message.
        package var id: String
        /// `webhook-timestamp`: seconds since 1970.
        package var timestamp: String
        /// `webhook-signature`.
        package var signature: String

        package init(id: String, timestamp: String, signature: String) {
            self.id = id
            self.timestamp = timestamp
            self.signature = signature
        }
    }

    private static let signatureBytesMax = 8 << 10
    private static let signaturesMax = 32

    /// Verifies the raw bytes of a body; returns the position of the secret that signed.
    ///
    /// - Throws: `SignatureError`; `.malformedSecret` if a secret is not base64 of 16 bytes or more.
    @discardableResult
    package static func verify(
        _ headers: Headers,
        body: [UInt8],
        secrets: [Secret],
        now: Timestamp,
        tolerance: Duration? = .seconds(300)
    ) throws(SignatureError) -> Int {
        // A dot in the id would let bytes move between id, time stamp and body under one signature.
        guard !headers.id.isEmpty, headers.id.utf8.count <= 256, !headers.id.contains("."),
            let signedAt = timeStamp(headers.timestamp), headers.signature.utf8.count <= signatureBytesMax
        else { throw SignatureError(.malformedHeader) }
        let signatures = headers.signature.split(separator: " ").filter { $0.hasPrefix("v1,") }
        guard !signatures.isEmpty else { throw SignatureError(.noKnownSignature) }
        guard signatures.count <= signaturesMax else { throw SignatureError(.malformedHeader) }
        for (index, secret) in secrets.enumerated() {
            let expected = try sign(id: headers.id, timestamp: headers.timestamp, body: body, secret: secret)
            for signature in signatures where isEqualInConstantTime(signature.utf8, expected.utf8) {
                try checkTimeStamp(signedAt, now: now.seconds, tolerance: tolerance)
                return index
            }
        }
        throw SignatureError(.mismatch)
    }

    /// The headers for a body that is sent at a time.
    ///
    /// - Throws: `.malformedSecret`.
    package static func sign(
        id: String,
        body: [UInt8],
        secret: Secret,
        at time: Timestamp
    ) throws(SignatureError) -> Headers {
        let stamp = String(time.seconds)
        let signature = try sign(id: id, timestamp: stamp, body: body, secret: secret)
        return Headers(id: id, timestamp: stamp, signature: signature)
    }

    private static func sign(
        id: String,
        timestamp: String,
        body: [UInt8],
        secret: Secret
    ) throws(SignatureError) -> String {
        let text = secret.reveal()
        guard let key = Data(base64Encoded: text.hasPrefix("whsec_") ? String(text.dropFirst(6)) : text),
            key.count >= 16
        else { throw SignatureError(.malformedSecret) }
        var code = HMAC<SHA256>(key: SymmetricKey(data: key))
        code.update(data: Data("\(id).\(timestamp).".utf8))
        code.update(data: body)
        return "v1," + Data(code.finalize()).base64EncodedString()
    }
}
