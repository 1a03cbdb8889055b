/// Verifies and takes in an event of Stripe; the payments feature brings it.
package protocol StripeHookReceiver: Sendable {
    /// Returns only when the event is durable, was there already, or was refused.
    ///
    /// The body is as it came, byte for byte, because the signature is over it; `signature` is the `Stripe-Signature`
    /// header, if there is exactly one.
    func receive(body: [UInt8], signature: String?) async -> StripeHookVerdict
}

/// What became of an event.
package enum StripeHookVerdict: Sendable, Hashable {
    case accepted
    /// It had been taken in before.
    case repeated
    /// Nothing was stored; `code` and `message` go to the sender.
    case refused(status: Int, code: String, message: String)
    /// Nothing was stored; the sender tries again.
    case unavailable
}
