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
    /// Keys of an app are few; of more, the ones that were used last are kept.
    private static let keysMax = 1_000

    private struct Kept {
        var key: Secret
        var use: UInt64
    }

    private struct State {
        var keys: [String: Kept] = [:]
        var uses: UInt64 = 0

        mutating func use(_ reference: String, _ key: Secret) {
            uses += 1
            keys[reference] = Kept(key: key, use: uses)
        }
    }

    private let state = Mutex(State())

    package init() {}

    /// Remembers a key; nil when it is none with which a server calls Stripe.
    package func keep(_ text: String) -> String? {
        guard let key = StripeKey(text), key.kind != .publishable else { return nil }
        var reference = ""
        for byte in SHA256.hash(data: Array(text.utf8)).prefix(12) {
            reference += String(byte >> 4, radix: 16) + String(byte & 15, radix: 16)
        }
        return state.withLock { state in
            state.use(reference, Secret(text))
            if state.keys.count > Self.keysMax, let oldest = state.keys.min(by: { $0.value.use < $1.value.use }) {
                state.keys[oldest.key] = nil
            }
            return reference
        }
    }

    func key(_ reference: String) -> Secret? {
        state.withLock { state in
            guard let key = state.keys[reference]?.key else { return nil }
            state.use(reference, key)
            return key
        }
    }
}
