import Crypto
import Synchronization

/// Keys that code gave to `new Stripe(key)`, by a name that may stand in a journal.
///
/// They are kept in memory alone. After a restart the code runs again before its open request is sent, and gives them
/// again.
package final class ExplicitCredentials: Sendable {
    /// The connection of requests with such a key.
    package static let connection = "custom-code.stripe"
    /// The header, never sent, that names the key.
    package static let header = "runnel-credential"
    /// Keys of an app are few; more come from code that makes them up.
    private static let keysMax = 1_000

    private let keys = Mutex<[String: Secret]>([:])

    package init() {}

    /// Remembers a key; nil when it is none with which a server calls Stripe.
    package func keep(_ text: String) -> String? {
        guard let key = StripeKey(text), key.kind != .publishable else { return nil }
        var reference = ""
        for byte in SHA256.hash(data: Array(text.utf8)).prefix(12) {
            reference += String(byte >> 4, radix: 16) + String(byte & 15, radix: 16)
        }
        return keys.withLock { keys in
            if keys.count >= Self.keysMax, keys[reference] == nil { return nil }
            keys[reference] = Secret(text)
            return reference
        }
    }

    func key(_ reference: String) -> Secret? { keys.withLock { $0[reference] } }
}
