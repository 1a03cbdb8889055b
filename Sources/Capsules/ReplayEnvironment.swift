package import Connections
package import FlowEngine
package import FlowLanguage
import Payments

/// What a replay needs of the program: the words that apps may use, and the features behind them.
package struct ReplayEnvironment: Sendable {
    package var catalogue: Catalogue
    package var features: @Sendable (App, Mode, any CredentialSource) -> [any Feature]

    package init(
        catalogue: Catalogue,
        features: @escaping @Sendable (App, Mode, any CredentialSource) -> [any Feature]
    ) {
        self.catalogue = catalogue
        self.features = features
    }

    /// The program's own.
    package static let runnel = ReplayEnvironment(catalogue: PaymentsCatalogue.catalogue) { app, mode, source in
        [PaymentsFeature(app: app, mode: mode, credentials: StripeCredentials(source)), HTTPFeature()]
    }
}

/// The credentials of a capsule: publishable keys as they were, of all others the fact that they were set.
struct CapsuleCredentials: CredentialSource {
    let header: Capsule.Header

    func secret(named name: String) -> Secret? {
        if let key = header.publishableKeys[name] { return Secret(key) }
        return header.secretNames.contains(name) ? Secret("redacted-\(name)") : nil
    }
}
