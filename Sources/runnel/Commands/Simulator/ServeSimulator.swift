import ArgumentParser
import Expressions
import Foundation
import Logging
import ServiceLifecycle
import StripeSimulator
import UnixSignals

struct ServeSimulator: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "serve", abstract: "Serves until it is stopped.")

    @Option(help: "The port; 0 takes a free one.") var port = 12_111
    @Option(help: "Makes ids and chance repeatable.") var seed: UInt64 = 1
    @Option(
        help: ArgumentHelp(
            "Sends every test event to this address, signed with this secret; may be given again.",
            valueName: "url=whsec_…"
        )
    ) var endpoint: [SignedEndpoint] = []
    @Option(
        help: ArgumentHelp(
            "The version for events and for callers that name none, such as 2026-08-26.dahlia.",
            valueName: "version"
        )
    ) var accountVersion: String?
    @Option(help: "When a web hook that was not taken is sent again.") var retries = WebhookRetrySchedule.loopback
    @Flag(help: "Print the address as JSON on standard output once it listens.") var json = false
    @Flag(help: .hidden) var stopAtEndOfInput = false

    func validate() throws {
        guard (0...65_535).contains(port) else { throw ValidationError("--port is 0 to 65535") }
        if let accountVersion, !SimulatorConfiguration.isVersion(accountVersion) {
            throw ValidationError("--account-version is a date and a name, such as 2026-08-26.dahlia")
        }
    }

    func run() async throws {
        try await reporting {
            var configuration = SimulatorConfiguration()
            configuration.port = port
            configuration.seed = seed
            configuration.endpoints = endpoint.map { .init(url: $0.url, secret: $0.secret) }
            if let accountVersion { configuration.accountVersion = accountVersion }
            configuration.webhookRetries = retries
            let simulator = StripeSimulator(configuration: configuration, logger: ServerLog.logger(level: "warning"))
            var services: [any Service] = [simulator, Announcement(simulator: simulator, json: json)]
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
        }
    }

    /// Tells the address once there is one, then waits for the end.
    private struct Announcement: Service {
        let simulator: StripeSimulator
        let json: Bool

        func run() async throws {
            let url = "http://127.0.0.1:\(await simulator.boundPort())"
            if json { Console.data(#"{"url":"\#(url)"}"#) }
            Console.note("Stripe simulator on \(url)")
            try? await gracefulShutdown()
        }
    }
}

/// Where web hooks go and what signs them, written `URL=whsec_…`.
///
/// One word for both, so that no secret can come to stand beside another's address.
struct SignedEndpoint: ExpressibleByArgument {
    let url: String
    let secret: String

    init?(argument: String) {
        // The last one: an address may itself hold `=`.
        guard let mark = argument.range(of: "=whsec_", options: .backwards) else { return nil }
        url = String(argument[..<mark.lowerBound])
        secret = String(argument[argument.index(after: mark.lowerBound)...])
        let isHTTP = url.hasPrefix("http://") || url.hasPrefix("https://")
        guard isHTTP, URL(string: url)?.host?.isEmpty == false, secret.utf8.count > "whsec_".utf8.count,
            secret.utf8.allSatisfy({ (0x21...0x7E).contains($0) })
        else { return nil }
    }
}

extension WebhookRetrySchedule: ExpressibleByArgument {}
