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
            """
            A page flow is called as an admin; a cloud flow needs the trigger `manual`. Where a server has the data \
            open, the flow runs there. Exit code 1: it failed.
            """
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
            let value: Value
            do { value = try JSON.parse(input) } catch { throw CommandFailure("--input: \(error)") }
            guard case .map(let members) = value else { throw CommandFailure("--input must be a JSON object") }
            let client = AdminClient(socket: AdminSocket.path(forDataFolder: options.dataFolder(of: app)))
            if await client.isServing { return try await run(members, at: client) }
            let opened = try await OpenedApp.open(app, options: options, makesData: true)
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

    /// A running server owns the data: the flow runs there.
    private func run(_ members: ValueMap, at server: AdminClient) async throws {
        guard stripeURL == nil else {
            throw CommandFailure("--stripe-url is the server's to choose: a server has the data open")
        }
        try await options.agree(with: server)
        let run = try await server.start(flow, input: members, as: caller)
        var report = try await server.report(of: run)
        var looks = 0
        while !report.summary.status.isFinal, !report.summary.status.needsPerson, report.answer == nil, looks < 12 {
            report = try await server.report(of: run, waiting: .seconds(5))
            looks += 1
        }
        if !quiet { Console.note(report.tree) }
        let status = report.summary.status
        let isSuccess = report.answer.map { $0.status < 400 } ?? (status.isFinal ? status == .succeeded : nil)
        let answer = report.answer?.body ?? (isSuccess == nil ? ["run": .int(run.rawValue)] : .null)
        try finish(answer, isSuccess, report.summary, isServed: true)
    }

    private func report(on call: FlowCall, _ opened: OpenedApp) async throws {
        let result = try call.result()
        let administration = opened.administration
        let report: RunReport? = if let run = result.run { try await administration.report(of: run) } else { nil }
        if !quiet, let report { Console.note(report.tree) }
        try finish(result.answer, result.isSuccess, report?.summary, isServed: false)
    }

    /// Prints the answer, and ends the command with 1 for a run that failed and with 2 for one that is not over (nil).
    private func finish(_ answer: Value, _ isSuccess: Bool?, _ run: RunSummary?, isServed: Bool) throws {
        try Console.json(answer)
        // One that has answered well may fail behind its answer.
        let isSuccess = run?.status == .failed ? false : isSuccess
        guard let isSuccess else {
            if let run { Console.note(run.wayOn(at: options.place(of: app), isServed: isServed)) }
            throw Exit.unable
        }
        guard isSuccess else { throw Exit.failed }
    }
}
