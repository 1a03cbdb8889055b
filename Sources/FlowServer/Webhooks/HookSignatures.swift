import Connections
import Crypto
import FlowEngine
import FlowLanguage

/// Verifies deliveries that carry a signature over their body, with the secret `hooks.<flow>.secret`.
struct HookSignatures: Sendable {
    /// What each of several secrets must have that stand in one text.
    private static let leastBytesOfSeveral = 16

    let secrets: UnsealedSecrets
    let clock: any FlowEngine.Clock

    /// Passes a genuine delivery; header names are lower-case, the body is as it came, byte for byte.
    ///
    /// Throws `Problem` 401 for a delivery that is not genuine, 503 while no secret is set, or one that cannot be used.
    func verify(
        _ authentication: WebhookTrigger.Authentication,
        flow: String,
        headers: [String: String],
        body: [UInt8]
    ) throws {
        let name = "hooks.\(flow).secret"
        guard let secret = secrets.secret(named: name), case let secrets = secret.alternatives, !secrets.isEmpty else {
            throw Problem(503, "signature_unavailable", "The secret of this hook is not set.", retryAfter: 60)
        }
        do throws(SignatureError) {
            switch authentication {
            case .none, .bearer: return
            case .stripe:
                let header = headers["stripe-signature"] ?? ""
                try StripeSignature.verify(header: header, body: body, secrets: secrets, now: clock.now())
            case .standardWebhooks:
                let parts = StandardWebhook.Headers(
                    id: headers["webhook-id"] ?? "",
                    timestamp: headers["webhook-timestamp"] ?? "",
                    signature: headers["webhook-signature"] ?? ""
                )
                try StandardWebhook.verify(parts, body: body, secrets: secrets, now: clock.now())
            case .hmac:
                // A secret that was set as one may have a comma in it: what is too short for a secret is a part of one.
                let areWhole = secrets.allSatisfy { $0.reveal().utf8.count >= Self.leastBytesOfSeveral }
                let all = areWhole ? secrets + [secret] : [secret]
                try verifyHMAC(headers["x-hub-signature-256"] ?? headers["x-signature-256"], body, all)
            }
        } catch {
            guard error.code != .malformedSecret else {
                // Not the sender's fault: it tries again until the secret is set right.
                let message = "The secret of this hook is not one that its senders can sign with."
                throw Problem(503, "signature_unavailable", message, retryAfter: 60)
            }
            let header = error.code == .malformedHeader ? authentication.header.map { ": \($0)" } ?? "" : ""
            throw Problem(401, "invalid_signature", "\(error)\(header)")
        }
    }

    /// `X-Hub-Signature-256` or `X-Signature-256: sha256=<hex>`: HMAC-SHA256 over the body.
    ///
    /// It has no time stamp, so a hook that must not take a recorded delivery twice names its `eventId`.
    private func verifyHMAC(_ header: String?, _ body: [UInt8], _ secrets: [Secret]) throws(SignatureError) {
        let scheme = "sha256="
        guard let header, header.hasPrefix(scheme), let code = Self.bytes(hex: header.dropFirst(scheme.count)) else {
            throw SignatureError(.malformedHeader)
        }
        let isGenuine = secrets.contains { secret in
            let key = SymmetricKey(data: Array(secret.reveal().utf8))
            return HMAC<SHA256>.isValidAuthenticationCode(code, authenticating: body, using: key)
        }
        guard isGenuine else { throw SignatureError(.mismatch) }
    }

    private static func bytes(hex: Substring) -> [UInt8]? {
        let digits = hex.utf8.map { UInt8(String(UnicodeScalar($0)), radix: 16) }
        guard digits.count == 64, !digits.contains(nil) else { return nil }
        let values = digits.compactMap { $0 }
        return stride(from: 0, to: 64, by: 2).map { values[$0] << 4 | values[$0 + 1] }
    }
}

extension WebhookTrigger.Authentication {
    /// What a sender writes its signature into.
    fileprivate var header: String? {
        switch self {
        case .stripe: "Stripe-Signature"
        case .standardWebhooks: "webhook-id, webhook-timestamp and webhook-signature"
        case .hmac: "X-Hub-Signature-256 or X-Signature-256, as sha256=<64 hexadecimal digits>"
        case .bearer, .none: nil
        }
    }
}
