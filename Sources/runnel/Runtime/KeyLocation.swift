import Connections
import FlowServer
import FlowStores
import Foundation

/// Where the key that seals an app's secrets is.
enum KeyLocation {
    static func file(forApp app: String) throws -> KeyFile {
        try KeyFile(appFolder: app, environment: ProcessInfo.processInfo.environment)
    }

    /// - Returns: The key file's path.
    static func makeIfMissing(forApp app: String) throws -> String {
        let file = try file(forApp: app)
        _ = try file.readOrCreate()
        return file.path
    }

    /// Of a rotation that has not put it in the old key's place yet; made before anything is sealed under it.
    static func next(_ file: KeyFile) -> KeyFile { KeyFile(path: file.path + ".next") }
}

/// An app's secrets, with the key that opens them.
struct OpenedSecrets {
    let vault: SecretVault
    let secrets = UnsealedSecrets()

    /// Opens the secrets in `store`, which this process owns.
    ///
    /// A new key is made only where nothing is sealed: beside sealed secrets it would hide that the right one is missing.
    /// A rotation that was interrupted is finished.
    init(forApp app: String, in store: SQLiteStore) async throws {
        let file = try KeyLocation.file(forApp: app)
        let storage = StoreSecretStorage(store: store)
        let key = try await storage.names().isEmpty ? file.readOrCreate() : file.read()
        let vault = SecretVault(key: key, storage: storage)
        do {
            try await secrets.reload(from: vault)
            self.vault = vault
        } catch let error as SecretError where error.code == .wrongKey {
            self.vault = try await Self.finishRotation(of: vault, in: file, storage, else: error)
            try await secrets.reload(from: self.vault)
        }
    }

    private static func finishRotation(
        of vault: SecretVault,
        in file: KeyFile,
        _ storage: StoreSecretStorage,
        else error: SecretError
    ) async throws -> SecretVault {
        let next = KeyLocation.next(file)
        guard let newKey = try? next.read() else { throw error }
        do {
            try await vault.rotate(to: newKey)
        } catch let other as SecretError where other.code == .wrongKey {
            throw error
        }
        let kept = try next.replace(file)
        Console.note(
            "a rotation of the key was interrupted; it is finished now: \(file.path) holds the new key, \(kept.path) the old"
        )
        return SecretVault(key: newKey, storage: storage)
    }
}
