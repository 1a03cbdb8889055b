/// Gives credentials by name: `<connection>.<mode>.<field>`, such as `stripe.test.secretKey`.
///
/// Asked on each use, so that a rotated key is used by the next request without a restart.
package protocol CredentialSource: Sendable {
    /// The secret of that name, or nil when none is set.
    func secret(named name: String) -> Secret?
}

/// The opened secrets of a running server.
extension UnsealedSecrets: CredentialSource {}
