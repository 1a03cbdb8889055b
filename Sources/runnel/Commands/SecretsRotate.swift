import ArgumentParser
import Connections
import FlowLanguage
import FlowServer
import FlowStores
import Foundation

extension SecretsCommand {
    struct RotateKey: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "rotate",
            abstract: "Seals all secrets under a new key, and puts it in the old key file's place.",
            discussion: """
                The server must be stopped. When it is interrupted, call it again: nothing is lost. The old key stays \
                beside the new one, under its id: backups from before need it.
                """
        )
        @Argument(help: "The app's folder.") var app: String = "."
        @OptionGroup var options: AppOptions

        func run() async throws {
            try await reporting {
                let file = try KeyLocation.file(forApp: app)
                let next = KeyLocation.next(file)
                let loaded = try AppLoading.app(in: app)
                let folder = try options.usedDataFolder(of: app)
                let nothing = CommandFailure(
                    "no secret is sealed in \(folder); --data names the folder that has them"
                )
                // Opening would make it.
                guard FileManager.default.fileExists(atPath: folder + "/runnel.sqlite") else { throw nothing }
                let store = try SQLiteStore(folder: folder, tables: loaded.app.tables)
                defer { store.close() }
                let key = try file.read()
                let vault = SecretVault(key: key, storage: StoreSecretStorage(store: store))
                guard try await !vault.names().isEmpty else { throw nothing }
                let count = try await vault.rotate(to: try next.readOrCreate())
                let kept = try next.replace(file)
                Console.note(
                    "\(count == 1 ? "one secret is" : "\(count) secrets are") sealed under a new key; \(file.path) holds it"
                )
                Console.note(
                    "\(kept.path) holds the old one: backups from before, and other apps with this key file, need it; "
                        + "RUNNEL_KEY_FILE names it there. Delete it when nothing does"
                )
            }
        }
    }
}
