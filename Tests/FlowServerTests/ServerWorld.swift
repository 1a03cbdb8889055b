import Connections
import Expressions
import FlowEngine
import FlowLanguage
import FlowStores
import Foundation
import Hummingbird
import HummingbirdTesting
import Logging
import Payments
import ServiceLifecycle
import TestSupport
import Testing

@testable import FlowServer

/// A server with its engine on a real store in a folder of its own; time stands still, Stripe is a script.
struct ServerWorld: Sendable {
    static let stripeSecret = Secret("whsec_0123456789abcdef0123456789abcdef")

    let engine: Engine
    let server: RuntimeServer
    let clock: ManualClock
    let secrets: UnsealedSecrets
    let administration: Administration
    let folder: String

    /// Headers of a caller's request with a JSON body.
    func headers(_ caller: Caller? = nil, key: String? = nil) async throws -> HTTPFields {
        var fields: HTTPFields = [.contentType: "application/json"]
        if let caller {
            let issued = try await administration.createToken(for: caller)
            fields[.authorization] = "Bearer \(issued.text)"
        }
        fields[.idempotencyKey] = key
        return fields
    }

    func rows(_ table: String) async throws -> [ValueMap] {
        try await engine.store.read { reader throws(StoreError) in
            try reader.find(RecordQuery(table: table, where: [], limit: 1_000))
        }
    }

    func runs() async throws -> [RunRecord] {
        try await engine.store.read { reader throws(StoreError) in try reader.runs(matching: RunFilter()) }
    }

    /// Runs `body` with a client of the public routes, without a socket.
    static func run(
        _ configuration: ServerConfiguration = ServerConfiguration(),
        _ body: @escaping @Sendable (ServerWorld, any TestClientProtocol) async throws -> Void
    ) async throws {
        try await with(configuration) { world in
            let application = Application(router: world.server.publicRouter())
            try await application.test(.router) { client in try await body(world, client) }
        }
    }

    /// Makes a world whose engine runs, and stops it again.
    static func with(
        _ configuration: ServerConfiguration = ServerConfiguration(),
        transport: any FlowEngine.Transport = ScriptedTransport(),
        onReady: @escaping @Sendable (Int) async -> Void = { _ in },
        _ body: @escaping @Sendable (ServerWorld) async throws -> Void
    ) async throws {
        let folder = NSTemporaryDirectory() + "rnl-" + UUID().uuidString.prefix(8)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let app = try ShopApp.compiled()
        let store = try SQLiteStore(folder: folder, tables: app.tables)
        defer { store.close() }
        let world = world(app, store, folder, configuration, transport, onReady)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await world.engine.run() }
            // The engine recovers in another task; there is no event to wait for before it takes calls.
            while !world.engine.isReady { await Task.yield() }
            defer { group.cancelAll() }
            try await body(world)
        }
    }

    private static func world(
        _ app: App,
        _ store: SQLiteStore,
        _ folder: String,
        _ configuration: ServerConfiguration,
        _ transport: any FlowEngine.Transport,
        _ onReady: @escaping @Sendable (Int) async -> Void
    ) -> ServerWorld {
        let clock = ManualClock()
        let random = SeededRandomSource(seed: 7)
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let secrets = UnsealedSecrets([
            "stripe.test.webhookSecret": stripeSecret, "hooks.signed.secret": Secret("Kq, it is me"),
            "hooks.rolled.secret": Secret("the old one of many, the new one of many"),
            "hooks.charged.secret": Secret("whsec_old,whsec_new"),
            "hooks.letters.secret": Secret("whsec_b2xkIHNlY3JldCBvZiBsZXR0ZXJz,whsec_bmV3IHNlY3JldCBvZiBsZXR0ZXJz"),
            "hooks.spoiled.secret": Secret("a password"),
            "stripe.test.secretKey": Secret("sk_test_0123456789abcdefghijklmn"),
            "stripe.test.publishableKey": Secret("pk_test_0123456789abcdefghijklmn"),
        ])
        let credentials = StripeCredentials(SecretsOf(secrets: secrets))
        let payments = PaymentsFeature(app: app, mode: .test, credentials: credentials)
        let engine = Engine(
            app: app,
            store: store,
            transport: transport,
            clock: clock,
            random: random,
            features: [payments],
            mode: .test,
            logger: logger
        )
        let webhook = StripeWebhook(connection: "stripe", mode: .test, credentials: credentials)
        let vault = SecretVault(key: MasterKey(), storage: StoreSecretStorage(store: store, engine: engine))
        let server = RuntimeServer(
            engine: engine,
            stripe: PaymentsHookReceiver(engine: engine, webhook: webhook, payments: payments),
            vault: vault,
            secrets: secrets,
            random: random,
            configuration: configuration,
            version: "0.0.1",
            logger: logger,
            onReady: onReady
        )
        let administration = Administration(
            app: app,
            mode: .test,
            store: store,
            clock: clock,
            random: random,
            engine: engine,
            vault: vault,
            unsealed: secrets
        )
        return ServerWorld(
            engine: engine,
            server: server,
            clock: clock,
            secrets: secrets,
            administration: administration,
            folder: folder
        )
    }
}

private struct SecretsOf: CredentialSource {
    let secrets: UnsealedSecrets

    func secret(named name: String) -> Secret? { secrets.secret(named: name) }
}

extension Caller {
    static let ann = Caller(id: "ann@example.com", roles: ["customer"])
    static let bob = Caller(id: "bob@example.com", roles: ["customer"])
    static let boss = Caller(id: "boss@example.com", roles: ["admin"])
}
