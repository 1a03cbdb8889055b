package import FlowEngine

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

    /// The web hook's signing secrets; empty when none is set.
    ///
    /// At most eight are looked at.
    package func webhookSecrets(of connection: String, mode: Mode) -> [Secret] {
        guard let text = source.secret(named: "\(connection).\(mode.rawValue).webhookSecret")?.reveal() else {
            return []
        }
        return text.utf8.split { $0 == UInt8(ascii: ",") || $0 <= UInt8(ascii: " ") }.prefix(8)
            .map { Secret(String(Substring($0))) }
    }
}
