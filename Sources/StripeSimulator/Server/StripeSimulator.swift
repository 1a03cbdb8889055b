package import Logging
import ServiceLifecycle
import Hummingbird
import NIOCore

/// A Stripe on loopback: HTTP routes around a state, and a deliverer of web hooks beside them.
///
/// Nothing starts by constructing it; ``run()`` serves until the task is cancelled or the service group shuts down.
package struct StripeSimulator: Service {
    /// What it was started with.
    package let configuration: SimulatorConfiguration
    private let host: SimulatorHost
    private let port = BoundPort()
    private let logger: Logger
    private let onReady: @Sendable (Int) async -> Void

    /// - Parameters:
    ///   - configuration: where to listen, and how to begin.
    ///   - logger: gets no key and no secret.
    ///   - onReady: called with the port once requests are taken.
    package init(
        configuration: SimulatorConfiguration = .init(),
        logger: Logger = Logger(label: "runnel.simulator"),
        onReady: @escaping @Sendable (Int) async -> Void = { _ in }
    ) {
        self.configuration = configuration
        self.logger = logger
        self.onReady = onReady
        host = SimulatorHost(SimulatorState(settings: configuration.settings))
    }

    /// The port requests are taken on; waits until they are.
    package func boundPort() async -> Int { await port.value() }

    /// Serves until it is cancelled or asked to shut down.
    ///
    /// Throws: the server's error when the address cannot be used.
    package func run() async throws {
        let application = Application(
            responder: SimulatorResponder(host: host),
            configuration: .init(address: .hostname(configuration.host, port: configuration.port), serverName: "nginx"),
            services: [WebhookDeliverer(host: host, sender: HTTPClientSender(), logger: logger)],
            onServerRunning: { [configuration, host, port, onReady] channel in
                let bound = channel.localAddress?.port ?? configuration.port
                host.listen(at: "http://\(configuration.host):\(bound)")
                port.set(bound)
                await onReady(bound)
            },
            logger: logger
        )
        try await application.run()
    }
}
