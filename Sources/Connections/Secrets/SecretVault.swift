/// Keeps sealed secrets by name.
///
/// Implemented by the store; sees no key and no text.
package protocol SecretStorage: Sendable {
    /// The bytes kept under a name, or nil.
    func load(_ name: String) async throws -> [UInt8]?
    /// Keeps bytes under a name, in place of others; on disk when this returns.
    func save(_ name: String, _ bytes: [UInt8]) async throws
    /// Removes a name; false if there was none.
    func remove(_ name: String) async throws -> Bool
    /// All names, in any order.
    func names() async throws -> [String]
}

/// The secrets of an app: sealed on the way to the storage, opened on the way back.
///
/// Throws `SecretError` for what concerns keys and values, and lets the storage's own errors through.
package struct SecretVault: Sendable {
    private let key: MasterKey
    private let storage: any SecretStorage

    package init(key: MasterKey, storage: any SecretStorage) {
        self.key = key
        self.storage = storage
    }

    /// Sets a secret, in place of another one of that name.
    ///
    /// - Throws: `.unfitValue` if the value breaks the rule for the name; nothing is changed then.
    package func set(_ name: SecretName, to secret: Secret) async throws {
        try SecretRule.check(secret, for: name)
        try await storage.save(name.description, SecretEnvelope.seal(secret, name: name, key: key))
    }

    /// The secret of a name, or nil when none is set.
    ///
    /// - Throws: `.wrongKey`, `.corrupt`, `.unknownVersion`.
    package func secret(_ name: SecretName) async throws -> Secret? {
        guard let bytes = try await storage.load(name.description) else { return nil }
        return try SecretEnvelope.open(bytes, name: name, key: key)
    }

    /// Removes a secret; false if there was none.
    package func remove(_ name: SecretName) async throws -> Bool {
        try await storage.remove(name.description)
    }

    /// The names of all secrets, sorted.
    ///
    /// - Throws: `.malformedName` if the storage holds a name that was not written here.
    package func names() async throws -> [SecretName] {
        try await storage.names().map { name throws(SecretError) in try SecretName(name) }.sorted()
    }

    /// All secrets, opened: what the server does when it starts, so that a wrong key is told then and not at a payment.
    ///
    /// - Throws: `.wrongKey`, `.corrupt`, `.unknownVersion`, naming the first secret that does not open.
    package func all() async throws -> [String: Secret] {
        var secrets: [String: Secret] = [:]
        for name in try await names() {
            if let secret = try await secret(name) { secrets[name.description] = secret }
        }
        return secrets
    }

    /// Wraps every secret's key under another master key; returns how many were changed.
    ///
    /// May be repeated: what is already under the new key is passed over, so a rotation that was interrupted is
    /// finished by calling it again with the same two keys. Keep the old key's file until this has returned.
    ///
    /// - Throws: `.wrongKey` for a secret that is under neither key; those before it are then rotated already.
    @discardableResult
    package func rotate(to newKey: MasterKey) async throws -> Int {
        var changed = 0
        for name in try await names() {
            guard let bytes = try await storage.load(name.description),
                try SecretEnvelope.keyID(of: bytes, name: name) != newKey.id
            else { continue }
            let rewrapped = try SecretEnvelope.rewrap(bytes, name: name, from: key, to: newKey)
            try await storage.save(name.description, rewrapped)
            changed += 1
        }
        return changed
    }
}
