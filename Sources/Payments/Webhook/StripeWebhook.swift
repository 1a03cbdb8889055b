package import Connections
package import Expressions
package import FlowEngine

/// The door for Stripe's events: checks who sent them before anything reads them.
package struct StripeWebhook: Sendable {
    /// How far a time stamp may lie from now, to either side.
    package static let tolerance = Duration.seconds(300)

    private let mode: Mode
    private let keys: StripeWebhookKeys

    /// - Parameters:
    ///   - connection: the name of the Stripe connection, whose `webhookSecret` signs.
    ///   - mode: the server's; only secrets and events of this mode are let in.
    ///   - credentials: where the secrets are, asked on each delivery.
    package init(connection: String, mode: Mode, credentials: StripeCredentials) {
        self.mode = mode
        self.keys = StripeWebhookKeys(of: connection, mode: mode, in: credentials)
    }

    /// Lets a delivery in or not; stores nothing.
    ///
    /// - Parameters:
    ///   - body: the raw bytes as they came.
    ///   - signature: the value of `Stripe-Signature`, nil when the header is missing or stands there twice.
    ///   - now: the present.
    ///   - isWanted: whether a flow waits for events of a type, and needs them whole.
    /// - Returns: the event, ready for `PaymentsFeature.accept`.
    /// - Throws: `WebhookRefusal`; nothing may be stored then.
    package func receive(
        body: [UInt8],
        signature: String?,
        now: Timestamp,
        whole isWanted: (_ type: String) -> Bool = { _ in true }
    ) throws(WebhookRefusal) -> StripeEvent {
        guard body.count <= StripeEvent.bytesMax else { throw WebhookRefusal(.bodyTooLarge) }
        let keys = keys.current()
        guard !keys.isEmpty else { throw WebhookRefusal(.noSecret) }
        guard let signature else { throw WebhookRefusal(.signatureMissing) }
        do {
            try StripeSignature.verify(
                header: signature,
                body: body,
                keys: keys,
                now: now,
                tolerance: Self.tolerance
            )
        } catch {
            throw WebhookRefusal(.signatureInvalid, detail: error.description)
        }
        guard let event = StripeEvent(body: body, whole: isWanted) else { throw WebhookRefusal(.malformed) }
        guard event.mode == mode else { throw WebhookRefusal(.wrongMode) }
        return event
    }
}

/// Why a delivery was not let in: nothing was stored.
package struct WebhookRefusal: Error, Sendable, Hashable, CustomStringConvertible {
    package enum Code: String, Sendable, Hashable, CaseIterable {
        /// No secret is set for this mode: the sender may try again once there is one.
        case noSecret = "webhook_secret_missing"
        case bodyTooLarge = "body_too_large"
        case signatureMissing = "signature_missing"
        case signatureInvalid = "signature_invalid"
        case malformed = "event_malformed"
        case wrongMode = "event_of_other_mode"
    }

    package let code: Code
    private let detail: String

    init(_ code: Code, detail: String = "") {
        self.code = code
        self.detail = detail
    }

    /// The HTTP status to answer with.
    package var status: Int {
        switch code {
        case .noSecret: 503
        case .bodyTooLarge: 413
        case .signatureMissing, .signatureInvalid, .malformed, .wrongMode: 400
        }
    }

    /// A sentence that quotes nothing of what came.
    package var description: String {
        switch code {
        case .noSecret: "no web-hook secret is set for this mode"
        case .bodyTooLarge: "the body is larger than \(StripeEvent.bytesMax) bytes"
        case .signatureMissing: "the header Stripe-Signature is missing"
        case .signatureInvalid: detail
        case .malformed: "the body is not an event as Stripe sends it"
        case .wrongMode: "the event is of the other mode"
        }
    }
}
