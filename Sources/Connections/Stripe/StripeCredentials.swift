package import FlowEngine
import Synchronization

/// The keys of one Stripe connection, read on each use.
///
/// Names: `<connection>.<mode>.publishableKey`, `.secretKey`, `.webhookSecret`. While a web hook's secret is rolled,
/// `.webhookSecret` holds both, separated by a comma or white space.
package struct StripeCredentials: Sendable {
    /// Where all connections' credentials are.
    package let source: any CredentialSource

    package init(_ source: any CredentialSource) {
        self.source = source
    }

    /// The key that the backend calls Stripe with.
    /// - Throws: when there is none, or it is of another kind or mode.
    package func secretKey(of connection: String, mode: Mode) throws(ServiceRefusal) -> Secret {
        let name = "\(connection).\(mode.rawValue).secretKey"
        guard let secret = source.secret(named: name) else {
            throw ServiceRefusal("no key is set: `runnel secrets set \(name)`")
        }
        guard let key = StripeKey(secret.reveal()), key.kind != .publishable else {
            throw ServiceRefusal("\(name) is not a secret or restricted key of Stripe (sk_… or rk_…)")
        }
        guard key.mode == mode else {
            throw ServiceRefusal("\(name) is a \(key.mode.rawValue) key, but this run is in \(mode.rawValue) mode")
        }
        return secret
    }

    /// The key that pages show: no secret.
    /// - Throws: when there is none, or it is of another kind or mode.
    package func publishableKey(of connection: String, mode: Mode) throws(ServiceRefusal) -> String {
        let name = "\(connection).\(mode.rawValue).publishableKey"
        guard let text = source.secret(named: name)?.reveal() else {
            throw ServiceRefusal("no key is set: `runnel secrets set \(name)`")
        }
        // The kind is checked first: a secret key entered here by mistake must never reach a page.
        guard let key = StripeKey(text), key.kind == .publishable else {
            throw ServiceRefusal("\(name) is not a publishable key of Stripe (pk_…)")
        }
        guard key.mode == mode else {
            throw ServiceRefusal("\(name) is a \(key.mode.rawValue) key, but this run is in \(mode.rawValue) mode")
        }
        return text
    }
}

/// The keys that a web hook's deliveries are verified with, made ready once for each value of its secret.
package final class StripeWebhookKeys: Sendable {
    private let source: any CredentialSource
    private let name: String
    private let last = Mutex<(secret: Secret, keys: [StripeSignature.Key])?>(nil)

    /// The keys of a connection's web hook in one mode.
    package init(of connection: String, mode: Mode, in credentials: StripeCredentials) {
        source = credentials.source
        name = "\(connection).\(mode.rawValue).webhookSecret"
    }

    /// One for each secret that is set now, at most eight; empty when none is.
    package func current() -> [StripeSignature.Key] {
        guard let secret = source.secret(named: name) else { return [] }
        return last.withLock { last in
            if let last, last.secret == secret { return last.keys }
            let texts = secret.reveal().utf8.split { $0 == UInt8(ascii: ",") || $0 <= UInt8(ascii: " ") }
            let keys = texts.prefix(8).map { StripeSignature.Key(Secret(String(Substring($0)))) }
            last = (secret, keys)
            return keys
        }
    }
}
