import ArgumentParser
import Capsules
import Connections
import FlowEngine
import FlowLanguage
import FlowServer
import FlowStores
import Foundation
import HTTPTransport
import Logging
import Payments
import ServiceLifecycle

/// A checked app whose data this process has open, as its owner.
struct OpenedApp {
    let app: App
    let sources: [SourceFile]
    let mode: Mode
    let store: SQLiteStore
    let vault: SecretVault
    let secrets: UnsealedSecrets

    /// - Throws: findings as exit code 3; `CommandFailure` when another process owns the data or the key is wrong.
    static func open(_ folder: String, options: AppOptions) async throws -> OpenedApp {
        let loaded = try AppLoading.app(in: folder)
        let key = try KeyLocation.file(forApp: folder).readOrCreate()
        let store = try SQLiteStore(folder: options.dataFolder(of: folder), tables: loaded.app.tables)
        let vault = SecretVault(key: key, storage: StoreSecretStorage(store: store))
        let secrets = UnsealedSecrets()
        do {
            try await secrets.reload(from: vault)
        } catch {
            store.close()
            throw error
        }
        return OpenedApp(
            app: loaded.app,
            sources: loaded.sources,
            mode: try options.effectiveMode(),
            store: store,
            vault: vault,
            secrets: secrets
        )
    }

    /// For one command: its engine only writes, and runs nothing.
    var administration: Administration {
        Administration(
            app: app,
            mode: mode,
            store: store,
            clock: SystemClock(),
            random: SystemRandomSource(),
            engine: engine(stripe: .stripe, http: HTTPClient(), logger: ServerLog.logger(level: "warning")),
            vault: vault,
            unsealed: secrets,
            version: RunnelCommand.configuration.version,
            sources: sources
        )
    }

    /// Keeps the files of today's versions of the flows, for capsules of their runs.
    func keepSources() async throws { try await SourceArchive.save(app, sources, in: store) }

    private var credentials: StripeCredentials { StripeCredentials(secrets) }

    private var payments: PaymentsFeature { PaymentsFeature(app: app, mode: mode, credentials: credentials) }

    /// Takes Stripe's events in; nil for an app without `payments:`.
    func stripeHook(engine: Engine, onAwaiting: @escaping @Sendable () -> Void) -> PaymentsHookReceiver? {
        guard let declaration = app.payments else { return nil }
        let webhook = StripeWebhook(connection: declaration.connection, mode: mode, credentials: credentials)
        return PaymentsHookReceiver(engine: engine, webhook: webhook, payments: payments, onAwaiting: onAwaiting)
    }

    /// Compares the payments with Stripe; nil for an app without `payments:`.
    func reconciler(engine: Engine, stripe endpoint: StripeEndpoint, http: HTTPClient) -> PaymentsReconciler? {
        guard app.payments != nil else { return nil }
        return PaymentsReconciler(
            engine: engine,
            payments: payments,
            transport: transport(stripe: endpoint, http: http)
        )
    }

    /// The engine with everything that flows of this app can reach.
    func engine(stripe endpoint: StripeEndpoint, http: HTTPClient, logger: Logger) -> Engine {
        Engine(
            app: app,
            store: store,
            transport: transport(stripe: endpoint, http: http),
            clock: SystemClock(),
            random: SystemRandomSource(),
            features: [payments, HTTPFeature()],
            mode: mode,
            logger: logger
        )
    }

    private func transport(stripe endpoint: StripeEndpoint, http: HTTPClient) -> ServiceTransport {
        ServiceTransport(
            connections: app.connections,
            services: [
                "stripe": StripeService(endpoint: endpoint, credentials: credentials),
                "http": HTTPService(connections: app.connections, credentials: secrets),
                "sendgrid": SendGridService(credentials: SendGridCredentials(secrets)),
            ],
            sender: { request throws(HTTPError) in try await http.send(request) }
        )
    }
}
