/// Verifies and takes in an event of Stripe; the payments feature brings it.
package protocol StripeHookReceiver: Sendable {
    /// Calls `verdict` once, from any thread, and only when the event is durable, was there already, or was refused.
    ///
    /// The body is as it came, byte for byte, because the signature is over it; `signature` is the `Stripe-Signature`
    /// header, if there is exactly one. `verdict` must not block.
    func receive(body: [UInt8], signature: String?, verdict: @escaping @Sendable (StripeHookVerdict) -> Void)
}

extension StripeHookReceiver {
    package func receive(body: [UInt8], signature: String?) async -> StripeHookVerdict {
        await withCheckedContinuation { continuation in
            receive(body: body, signature: signature) { continuation.resume(returning: $0) }
        }
    }
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
