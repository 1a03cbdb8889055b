import ArgumentParser
import Connections
import Expressions
import FlowEngine
import FlowLanguage
import FlowServer
import FlowStores
import Foundation
import HTTPTransport
import ServiceLifecycle
import UnixSignals

struct RunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Runs one flow and prints its answer.",
        discussion:
            "A page flow is called as an admin; a cloud flow needs the trigger `manual`. Exit code 1: it failed."
    )

    @Argument(help: "The app's folder.") var app: String
    @Argument(help: "The flow's name.") var flow: String
    @Option(help: "The input as a JSON object.") var input = "{}"
    @Option(name: .customLong("as"), help: "The caller's id.") var caller = "operator"
    @Option(help: "A Stripe simulator on this machine; test mode alone.") var stripeURL: String?
    @OptionGroup var options: AppOptions
    @Flag(help: "Print the answer alone, not the run's tree.") var quiet = false

    func run() async throws {
        try await reporting {
            guard case .map(let members) = try JSON.parse(input) else {
                throw CommandFailure("--input must be a JSON object")
            }
            try await refuseBesideServer()
            let opened = try await OpenedApp.open(app, options: options)
            defer { opened.store.close() }
            try await opened.keepSources()
            guard let graph = opened.app.flows[flow] else {
                let names = opened.app.flows.keys.sorted().joined(separator: ", ")
                throw CommandFailure("\(opened.app.name) has no flow '\(flow)'; it has \(names)")
            }
            guard graph.kind == .page || graph.trigger == .manual else {
                throw CommandFailure("'\(flow)' runs behind its trigger alone; `run` takes pages and 'manual: true'")
            }
            var endpoint = StripeEndpoint.stripe
            if let stripeURL {
                guard let local = StripeEndpoint(loopback: stripeURL) else {
                    throw CommandFailure("--stripe-url takes an address of this machine")
                }
                endpoint = local
            }
            let http = HTTPClient()
            let engine = opened.engine(stripe: endpoint, http: http, logger: ServerLog.logger(level: "warning"))
            let call = FlowCall(graph.kind, flow, members, Caller(id: caller, roles: ["admin"]), engine)
            let group = ServiceGroup(
                configuration: ServiceGroupConfiguration(
                    services: [
                        .init(service: engine),
                        .init(
                            service: call,
                            successTerminationBehavior: .gracefullyShutdownGroup,
                            failureTerminationBehavior: .gracefullyShutdownGroup
                        ),
                    ],
                    gracefulShutdownSignals: [.sigterm, .sigint],
                    logger: ServerLog.logger(level: "error")
                )
            )
            try await group.run()
            await http.shutdown()
            try await report(on: call, opened)
        }
    }

    /// A running server owns the data; what it serves is called over HTTP.
    private func refuseBesideServer() async throws {
        let client = AdminClient(socket: AdminSocket.path(forDataFolder: options.dataFolder(of: app)))
        guard let status = try? await client.status() else { return }
        throw CommandFailure(
            "a server (pid \(status.processID), port \(status.port ?? 0)) has the data open: "
                + "call POST /pages/\(flow) there, or stop it first"
        )
    }

    private func report(on call: FlowCall, _ opened: OpenedApp) async throws {
        let result = try call.result()
        if !quiet, let run = result.run {
            Console.note(try await opened.administration.report(of: run).tree)
        }
        try Console.json(result.answer)
        guard let isSuccess = result.isSuccess else {
            Console.note(
                "the run is not over; `runnel runs show` tells how it went on, and `runnel serve` lets it go on"
            )
            throw Exit.unable
        }
        guard isSuccess else { throw Exit.failed }
    }
}
