import Connections
import FlowEngine
import FlowLanguage
import FlowStores
import Foundation
import TestSupport
import Testing

@testable import FlowServer

@Suite("What an operator may do")
struct AdministrationTests {
    @Test("a token carries none of the names under which the runtime itself acts", arguments: ["system", "operator"])
    func reservedNames(id: String) async throws {
        try await ServerWorld.with { world in
            await #expect(throws: AdministrationError.self) {
                try await world.administration.createToken(for: Caller(id: id, roles: ["customer"]))
            }
            let tokens = try await world.administration.tokens()
            #expect(tokens.isEmpty)
        }
    }

    @Test("a secret can be set that an auth names, whatever connection it stands at, and one that nothing names cannot")
    func namedSecret() async throws {
        let text = """
            app: sample
            connections:
              sh: { service: http, url: 'https://a.example', access: { request: [public] }, auth: { bearer: shared.token } }

            """
        let files = [SourceFile(path: "app.yaml", bytes: Array(text.utf8))]
        let app = try #require(AppCompiler(catalogue: Catalogue(services: [HTTPFeature.service])).compile(files).app)
        let folder = NSTemporaryDirectory() + "rnl-" + UUID().uuidString.prefix(8)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let store = try SQLiteStore(folder: folder, tables: app.tables)
        defer { store.close() }
        let administration = Administration(
            app: app,
            mode: .test,
            store: store,
            clock: ManualClock(),
            random: SeededRandomSource(),
            vault: SecretVault(key: MasterKey(), storage: StoreSecretStorage(store: store))
        )
        try await administration.setSecret("shared.test.token", to: Secret("0123456789"))
        let names = try await administration.secretNames()
        #expect(names == ["shared.test.token"])
        for name in ["shared.test.other", "other.test.token"] {
            await #expect(throws: AdministrationError.self) {
                try await administration.setSecret(name, to: Secret("0123456789"))
            }
        }
    }
}
