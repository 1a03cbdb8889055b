import ArgumentParser
import Connections
import Expressions
import FlowEngine
import FlowLanguage
import FlowServer
import FlowStores
import Foundation
import HTTPTransport
import Logging
import Payments
import ServiceLifecycle
import UnixSignals

struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Serves an app: pages, web hooks and tables over HTTP; runs its flows."
    )

    @Argument(help: "The app's folder.") var app: String = "."
    @OptionGroup var options: AppOptions
    @Option(help: "The address to listen on; loopback unless told otherwise.") var host = "127.0.0.1"
    @Option(help: "The port; 0 takes a free one.") var port = 8787
    @Option(help: "A Stripe simulator on this machine, such as http://127.0.0.1:12111; test mode alone.")
    var stripeURL: String?
    @Option(help: "A host name under which callers reach this server; may be given again.")
    var publicHost: [String] = []
    @Option(help: "An origin whose pages may call; may be given again.") var allowOrigin: [String] = []
    @OptionGroup(title: "JSON Web Tokens") var tokens: TokenOptions
    @OptionGroup(title: "Retention") var keeping: RetentionOptions
    @Option(help: "trace, debug, info, notice, warning or error.") var logLevel = "notice"
    @Option(help: "text, or json: one object a line.") var logFormat = ServerLog.Format.text
    @Flag(help: "Print the address as JSON on standard output once the server listens.") var json = false
    @Flag(help: .hidden) var stopAtEndOfInput = false

    func validate() throws {
        guard Logger.Level(rawValue: logLevel) != nil else {
            throw ValidationError("unknown --log-level '\(logLevel)'")
        }
        guard (0...65_535).contains(port) else { throw ValidationError("--port must be 0 to 65535") }
    }

    func run() async throws {
        try await reporting(failure) {
            let endpoint = try stripeEndpoint()
            let opened = try await OpenedApp.open(app, options: options, makesData: true)
            defer { opened.store.close() }
            try await opened.keepSources()
            let files = try publicFiles()
            let logger = ServerLog.logger(level: logLevel, format: logFormat)
            let http = HTTPClient()
            let engine = opened.engine(
                stripe: endpoint,
                http: http,
                retention: keeping.retention,
                logger: logger
            )
            let vault = SecretVault(
                key: try KeyLocation.file(forApp: app).read(),
                storage: StoreSecretStorage(store: opened.store, engine: engine)
            )
            let reconciler = opened.reconciler(engine: engine, stripe: endpoint, http: http)
            let fetch = reconciler.map { ThinEventFetch(engine: engine, reconciler: $0, logger: logger) }
            var limits = ServerConfiguration.Limits()
            limits.connections = min(limits.connections, OpenFiles.raised())
            limits.subscribers = min(limits.subscribers, limits.connections * 3 / 4)
            let server = RuntimeServer(
                engine: engine,
                stripe: opened.stripeHook(engine: engine, logger: logger) { fetch?.ring() },
                vault: vault,
                secrets: opened.secrets,
                reconciler: reconciler,
                random: SystemRandomSource(),
                configuration: ServerConfiguration(
                    host: host,
                    port: port,
                    adminSocket: AdminSocket.path(forDataFolder: options.dataFolder(of: app)),
                    publicHosts: publicHost,
                    allowedOrigins: allowOrigin,
                    tokens: try tokens.verifier(),
                    files: files,
                    stripe: endpoint.isStripe ? .stripe : .simulator(endpoint.url),
                    limits: limits
                ),
                version: RunnelCommand.configuration.version,
                logger: logger,
                onReady: { announce($0, mode: opened.mode, name: opened.app.name) }
            )
            var services: [any Service] = [engine, server]
            if let fetch { services.append(fetch) }
            if stopAtEndOfInput { services.append(EndOfInput()) }
            let group = ServiceGroup(
                configuration: ServiceGroupConfiguration(
                    services: services.map {
                        .init(service: $0, successTerminationBehavior: .gracefullyShutdownGroup)
                    },
                    gracefulShutdownSignals: [.sigterm, .sigint],
                    logger: ServerLog.logger(level: "error")
                )
            )
            try await group.run()
            await http.shutdown()
        }
    }

    /// A log collector takes the line that says why there is no server as it takes the others.
    private func failure(_ words: String) {
        switch logFormat {
        case .text: Console.failure(words)
        case .json: ServerLog.logger(level: logLevel, format: .json).critical("\(words)")
        }
    }

    private func publicFiles() throws -> PublicFiles {
        do {
            return try PublicFiles(folder: URL(filePath: app).appending(path: "public").path)
        } catch let refusal as PublicFiles.Refusal {
            throw CommandFailure(refusal.description)
        }
    }

    private func stripeEndpoint() throws -> StripeEndpoint {
        guard let stripeURL else { return .stripe }
        guard let endpoint = StripeEndpoint(loopback: stripeURL) else {
            throw CommandFailure("--stripe-url takes an address of this machine, such as http://127.0.0.1:12111")
        }
        guard endpoint.permits(try options.effectiveMode()) else {
            throw CommandFailure("--stripe-url is for test mode; a live key goes to Stripe's own host alone")
        }
        return endpoint
    }

    private func announce(_ port: Int, mode: Mode, name: String) {
        let url = "http://\(host.contains(":") ? "[\(host)]" : host):\(port)"
        if json {
            let facts: ValueMap = [
                "url": .string(url), "pid": .int(Int64(ProcessInfo.processInfo.processIdentifier)),
                "mode": .string(mode.rawValue),
            ]
            Console.data(String(decoding: (try? JSON.encode(.map(facts))) ?? [], as: UTF8.self))
        }
        let words = "\(name) (\(mode.rawValue) mode) on \(url)"
        switch logFormat {
        case .text: Console.note(words)
        case .json: ServerLog.logger(level: "notice", format: .json).notice("\(words)")
        }
    }
}
