import Synchronization

/// The opened secrets of a running server, read by name at each use.
///
/// Filled from a ``SecretVault`` at start and again after `runnel secrets set`; between the two, every reader sees
/// either all old or all new values.
package final class UnsealedSecrets: Sendable {
    private let secrets: Mutex<[String: Secret]>

    /// The given secrets, by name.
    package init(_ secrets: [String: Secret] = [:]) {
        self.secrets = Mutex(secrets)
    }

    /// The secret of a name, or nil when none is set.
    package func secret(named name: String) -> Secret? {
        secrets.withLock { $0[name] }
    }

    /// Puts the vault's present content in place of what was read before.
    ///
    /// - Throws: as ``SecretVault/all()``; what was read before then stays.
    package func reload(from vault: SecretVault) async throws {
        let all = try await vault.all()
        secrets.withLock { $0 = all }
    }
}
