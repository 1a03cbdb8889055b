import CodeFrames

/// The operations of Stripe's API, as the client in `stripe.js` reads them.
enum StripeTable {
    static var bytes: [UInt8] { StripeOperations.text }
}
