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

    /// `makesData`: the command is one of those with which an app's data begins.
    /// - Throws: findings as exit code 3; `CommandFailure` when another process owns the data, when `--data` names none, or
    ///   the key is wrong.
    static func open(
        _ folder: String,
        options: AppOptions,
        makesData: Bool = false,
        confirmsBinding: Bool = true
    ) async throws -> OpenedApp {
        let loaded = try AppLoading.app(in: folder)
        let data = makesData ? options.dataFolder(of: folder) : try options.usedDataFolder(of: folder)
        let store = try SQLiteStore(folder: data, tables: loaded.app.tables)
        do {
            if confirmsBinding { try confirmBinding(of: loaded.app, in: store) }
            let opened = try await OpenedSecrets(forApp: folder, in: store)
            return OpenedApp(
                app: loaded.app,
                sources: loaded.sources,
                mode: try options.effectiveMode(),
                store: store,
                vault: opened.vault,
                secrets: opened.secrets
            )
        } catch {
            store.close()
            throw error
        }
    }

    /// Payments count in one order table; another one needs a migration.
    private static func confirmBinding(of app: App, in store: SQLiteStore) throws {
        var bound: String?
        try store.writeGroup { transaction throws(StoreError) in bound = try PaymentsBinding(transaction).confirm(app) }
        guard let bound, let declared = app.payments?.orderTable else { return }
        throw CommandFailure(
            "the recorded payments belong to orders of '\(bound)', and app.yaml names '\(declared)': "
                + "move them with `runnel payments rebind --by COLUMN`, or name '\(bound)' again"
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

    /// Takes Stripe's events in; nil for an app without `payments:` and flows that wait for events.
    func stripeHook(
        engine: Engine,
        logger: Logger,
        onAwaiting: @escaping @Sendable () -> Void
    ) -> PaymentsHookReceiver? {
        let waits = app.flows.values.contains { if case .stripe = $0.trigger { true } else { false } }
        let connection = app.connections.first { $0.service == "stripe" }?.name
        guard let name = app.payments?.connection ?? (waits ? connection : nil) else { return nil }
        let webhook = StripeWebhook(connection: name, mode: mode, credentials: credentials)
        return PaymentsHookReceiver(
            engine: engine,
            webhook: webhook,
            payments: payments,
            logger: logger,
            onAwaiting: onAwaiting
        )
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
    func engine(
        stripe endpoint: StripeEndpoint,
        http: HTTPClient,
        retention: Retention = .standard,
        logger: Logger
    ) -> Engine {
        let explicit = ExplicitCredentials()
        return Engine(
            app: app,
            store: store,
            transport: transport(stripe: endpoint, http: http, explicit),
            clock: SystemClock(),
            random: SystemRandomSource(),
            features: [payments, HTTPFeature()],
            code: CodeRuntime.hasCode(app)
                ? CodeRuntime.pool(connections: app.connections, credentials: explicit) : nil,
            earlier: earlier,
            mode: mode,
            logger: logger,
            retention: retention
        )
    }

    /// Runs go on with the flows that they began with, from the files kept for them.
    private var earlier: EarlierVersions {
        let today = app
        return EarlierVersions { (version, reader) throws(StoreError) in
            let found = try SourceArchive.app(of: version, today: today, PaymentsCatalogue.catalogue, in: reader)
            guard case .found(let app) = found, CodeRuntime.hasCode(app), !CodeRuntime.hasCode(today) else {
                return found
            }
            return .gone("it runs code, for which an app without any has no worker")
        }
    }

    private func transport(
        stripe endpoint: StripeEndpoint,
        http: HTTPClient,
        _ explicit: ExplicitCredentials = ExplicitCredentials()
    ) -> ServiceTransport {
        ServiceTransport(
            connections: app.connections,
            services: [
                "stripe": StripeService(endpoint: endpoint, credentials: credentials, explicit: explicit),
                "http": HTTPService(connections: app.connections, credentials: secrets),
                "sendgrid": SendGridService(credentials: SendGridCredentials(secrets)),
            ],
            sender: { request throws(HTTPError) in try await http.send(request) }
        )
    }
}
