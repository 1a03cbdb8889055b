package import Connections
package import FlowEngine
import FlowLanguage
import Hummingbird
import HummingbirdCore
package import Logging
import NIOCore
package import Payments
import ServiceLifecycle
import Synchronization

/// The runtime's HTTP side: pages, web hooks, reads, health on one listener, administration on a unix socket.
///
/// Constructing it starts nothing. It does not run the engine; put both into one `ServiceGroup`, the engine first, so
/// that at a stop the server goes first.
package struct RuntimeServer: Service {
    private let engine: Engine
    private let stripe: (any StripeHookReceiver)?
    private let vault: SecretVault?
    private let secrets: UnsealedSecrets
    private let reconciler: PaymentsReconciler?
    private let random: any RandomSource
    private let configuration: ServerConfiguration
    private let version: String
    private let logger: Logger
    private let onReady: @Sendable (Int) async -> Void
    private let port = BoundPort()
    let feed: ChangeFeed

    /// Puts the parts together and starts nothing.
    ///
    /// `stripe` takes in what comes to `/hooks/stripe`; without it there is no such route. `vault` keeps the secrets
    /// that are set through the admin socket; `secrets`, which hold the keys of signed web hooks, are read again
    /// after such a change. `reconciler` compares payments with Stripe when asked to. `random` makes tokens; `version` is the program's, for `GET /admin/status`. `onReady` is
    /// called with the port once both listeners accept connections.
    package init(
        engine: Engine,
        stripe: (any StripeHookReceiver)? = nil,
        vault: SecretVault? = nil,
        secrets: UnsealedSecrets = UnsealedSecrets(),
        reconciler: PaymentsReconciler? = nil,
        random: any RandomSource,
        configuration: ServerConfiguration = ServerConfiguration(),
        version: String = "",
        logger: Logger,
        onReady: @escaping @Sendable (Int) async -> Void = { _ in }
    ) {
        self.engine = engine
        self.stripe = stripe
        self.vault = vault
        self.secrets = secrets
        self.reconciler = reconciler
        self.random = random
        self.configuration = configuration
        self.version = version
        self.logger = logger
        self.onReady = onReady
        feed = ChangeFeed(engine: engine, limits: configuration.limits)
    }

    /// Serves until a graceful shutdown: then it accepts nothing more and finishes the answers under way, for
    /// `configuration.stopTimeLimit` at most.
    ///
    /// - Throws: `AdministrationError` when the admin socket cannot be made safe; `ListenError` when a port is taken.
    package func run() async throws {
        var services: [any Service] = []
        if let socket = configuration.adminSocket {
            try AdminSocket.prepare(at: socket)
            // The public listener comes up once the socket is there and closed to others.
            let isUp = AsyncStream.makeStream(of: Void.self)
            services.append(
                adminApplication(socket: socket) {
                    isUp.continuation.finish()
                }
            )
            services.append(
                publicApplication {
                    for await _ in isUp.stream {}
                    await onReady($0)
                }
            )
        } else {
            services.append(publicApplication(onReady))
        }
        // The last one is stopped first: the listener waits for its streams, and they for the feed's end.
        services.append(feed)
        // One that cannot begin lets the others end in order: cancelled listeners complain in the log.
        let ordered = services.map {
            ServiceGroupConfiguration.ServiceConfiguration(
                service: $0,
                failureTerminationBehavior: .gracefullyShutdownGroup
            )
        }
        var group = ServiceGroupConfiguration(services: ordered, logger: quietLogger)
        group.maximumGracefulShutdownDuration = configuration.stopTimeLimit
        defer { configuration.adminSocket.map(AdminSocket.remove) }
        do {
            try await ServiceGroup(configuration: group).run()
        } catch {
            throw ListenError(error, host: configuration.host, port: configuration.port) ?? error
        }
    }

    // MARK: The two listeners

    /// The public listener's routes, without a socket.
    func publicRouter() -> Router<ServerRequestContext> { publicRouter(behind: publicGate()) }

    private func publicRouter(behind gate: RequestGate) -> Router<ServerRequestContext> {
        publicRoutes(gate.counts).router(behind: gate)
    }

    private func publicGate() -> RequestGate {
        let hosts = HostPolicy(
            publicHosts: configuration.publicHosts + [configuration.hostAsNamed],
            allowedOrigins: configuration.allowedOrigins
        )
        var gate = gate(hosts: hosts, counts: RequestCounts())
        let audit = RefusalAudit(engine: engine)
        gate.audit = { await audit.note("request", on: $0, by: $1.caller, $1.code) }
        return gate
    }

    /// What the public listener serves, and to whom.
    func publicRoutes(_ counts: RequestCounts = RequestCounts()) -> RouteTable {
        let authenticator = Authenticator(
            store: engine.store,
            roles: Set(engine.app.roles),
            verifier: configuration.tokens,
            clock: engine.clock
        )
        let reader = RequestReader(limits: configuration.limits)
        let wait = AnswerWait(clock: engine.clock, grace: configuration.answerGrace)
        var table = RouteTable()
        PageRoutes(
            engine: engine,
            authenticator: authenticator,
            reader: reader,
            wait: wait,
            timeLimit: configuration.pageTimeLimit
        ).add(to: &table)
        HookRoutes(
            engine: engine,
            authentication: HookAuthentication(
                authenticator: authenticator,
                signatures: HookSignatures(secrets: secrets, clock: engine.clock)
            ),
            reader: reader,
            stripe: stripe,
            wait: wait,
            timeLimit: configuration.pageTimeLimit
        ).add(to: &table)
        EventRoutes(engine: engine, authenticator: authenticator, reader: reader).add(to: &table)
        RunRoutes(engine: engine, authenticator: authenticator).add(to: &table)
        TableRoutes(app: engine.app, store: engine.store, authenticator: authenticator, reader: reader).add(to: &table)
        SubscriptionRoutes(
            engine: engine,
            authenticator: authenticator,
            reader: reader,
            feed: feed,
            tickets: SubscriptionTickets(clock: engine.clock, random: random, limit: configuration.limits.tickets),
            audit: RefusalAudit(engine: engine)
        ).add(to: &table)
        HealthRoutes(engine: engine, counts: counts).add(to: &table)
        PublicRoutes(files: configuration.files, stripe: configuration.stripe).add(to: &table)
        return table
    }

    /// The admin socket's routes, without the socket.
    func adminRouter() -> Router<ServerRequestContext> {
        let port = port
        let administration = Administration(
            app: engine.app,
            mode: engine.mode,
            store: engine.store,
            clock: engine.clock,
            random: random,
            engine: engine,
            vault: vault,
            unsealed: secrets,
            reconciler: reconciler,
            version: version,
            port: { port.value }
        )
        var table = RouteTable()
        let reader = RequestReader(limits: configuration.limits)
        AdminRoutes(administration: administration, reader: reader).add(to: &table)
        return table.router(behind: gate(hosts: nil, counts: RequestCounts()))
    }

    private func publicApplication(_ onReady: @escaping @Sendable (Int) async -> Void) -> some ApplicationProtocol {
        let port = port
        let fallback = configuration.port
        let gate = publicGate()
        let hooks = stripe.map {
            StripeHookRoute(
                receiver: $0,
                gate: gate,
                clock: engine.clock,
                bodyLimit: configuration.limits.hookBodyBytes
            )
        }
        return Application(
            router: publicRouter(behind: gate),
            server: listener(direct: hooks),
            configuration: ApplicationConfiguration(
                address: .hostname(configuration.host, port: configuration.port),
                // As many may knock at once as may be inside: the kernel would let those beyond wait for seconds.
                backlog: configuration.limits.connections,
                availableConnectionsDelegate: .maximum(configuration.limits.connections, logger: quietLogger)
            ),
            onServerRunning: { channel in
                let bound = channel.localAddress?.port ?? fallback
                port.value = bound
                await onReady(bound)
            },
            logger: quietLogger
        )
    }

    private func adminApplication(
        socket: String,
        onReady: @escaping @Sendable () -> Void
    ) -> some ApplicationProtocol {
        let logger = logger
        return Application(
            router: adminRouter(),
            server: listener(),
            configuration: ApplicationConfiguration(address: .unixDomainSocket(path: socket)),
            onServerRunning: { channel in
                do {
                    try AdminSocket.close(toOthersAt: socket)
                    onReady()
                } catch {
                    // The mode that the process gives new files keeps others out already.
                    logger.error("admin socket not available", metadata: ["error": "\(error)"])
                    channel.close(promise: nil)
                    onReady()
                }
            },
            logger: quietLogger
        )
    }

    private func listener(direct: (any DirectRoute)? = nil) -> HTTPServerBuilder {
        let limits = configuration.limits
        let configuration = HTTP1Channel.Configuration(
            additionalChannelHandlers: [
                SlowRequestHandler(
                    limit: .init(limits.bodyTimeLimit),
                    silenceLimit: .init(limits.silenceTimeLimit)
                ),
                ContinueHandler(),
            ],
            idleTimeout: .init(limits.idleTimeLimit),
            httpDecoderConfiguration: .init(
                maxHeaderFieldSize: limits.headerBytes,
                maxHeaderListSize: limits.headerBytes,
                maxHeaderFieldCount: limits.headerCount
            )
        )
        return HTTPServerBuilder {
            LoopBoundChannel(child: HTTP1Channel(responder: $0, configuration: configuration), direct: direct)
        }
    }

    private func gate(hosts: HostPolicy?, counts: RequestCounts) -> RequestGate {
        RequestGate(
            hosts: hosts,
            places: RequestPlaces(limit: configuration.limits.concurrentRequests),
            counts: counts,
            logger: logger
        )
    }

    /// What the web framework logs below a warning is its own inner life.
    private var quietLogger: Logger {
        var quiet = logger
        quiet.logLevel = max(logger.logLevel, .warning)
        return quiet
    }
}

/// The port that the public listener got.
private final class BoundPort: Sendable {
    private let port = Mutex<Int?>(nil)

    var value: Int? {
        get { port.withLock { $0 } }
        set { port.withLock { $0 = newValue } }
    }
}
