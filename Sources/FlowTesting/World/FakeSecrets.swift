import Connections

/// Credentials that open nothing: every name has one, so that a test needs no setting up.
struct FakeSecrets: CredentialSource {
    /// Signs the simulator's web hooks.
    static let webhookSecret = "whsec_" + "runnelTestCase"

    /// What the case gives instead.
    var given: [String: String] = [:]

    func secret(named name: String) -> Secret? {
        if let text = given[name] { return Secret(text) }
        // In two parts: a key in one piece looks like one that was lost here.
        if name.hasSuffix(".secretKey") { return Secret("sk_test_" + "runnelTestCase") }
        if name.hasSuffix(".publishableKey") { return Secret("pk_test_" + "runnelTestCase") }
        if name.hasSuffix(".webhookSecret") { return Secret(Self.webhookSecret) }
        return Secret("fake-" + name)
    }
}
