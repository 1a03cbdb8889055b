import ArgumentParser
import Expressions
import Foundation
import Logging
import ServiceLifecycle
import StripeSimulator
import UnixSignals

struct SimulatorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "simulator",
        abstract: "A Stripe for the desk: stateful, offline, with signed web hooks.",
        discussion: "Any key of the form sk_test_… is an account's. Nothing is kept when it stops."
    )

    @Option(help: "The port; 0 takes a free one.") var port = 12_111
    @Option(help: "Makes ids and chance repeatable.") var seed: UInt64 = 1
    @Flag(help: "Print the address as JSON on standard output once it listens.") var json = false
    @Flag(help: .hidden) var stopAtEndOfInput = false

    func run() async throws {
        try await reporting {
            var configuration = SimulatorConfiguration()
            configuration.port = port
            configuration.seed = seed
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
