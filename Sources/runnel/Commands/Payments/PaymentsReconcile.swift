import ArgumentParser
import Connections
import Expressions
import FlowEngine
import FlowServer
import FlowStores
import HTTPTransport
import Payments
import ServiceLifecycle
import Synchronization
import UnixSignals

extension PaymentsCommand {
    struct Reconcile: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "reconcile",
            abstract: "Compares the payments with Stripe, and takes in what was missed.",
            discussion:
                "What is found runs the same flows as a web hook would. It may be repeated; exit code 1: something was missing."
        )
        @Argument(help: "The app's folder.") var app: String = "."
        @Option(help: "How many days back; Stripe lists events for 30.") var days = 30
        @Option(help: "A Stripe simulator on this machine; test mode alone; not beside a server.")
        var stripeURL: String?
        @OptionGroup var options: AppOptions
        @Flag(help: "As JSON.") var json = false

        func validate() throws {
            guard (1...30).contains(days) else { throw ValidationError("--days must be 1 to 30") }
        }

        func run() async throws {
            try await reporting {
                let client = AdminClient(socket: AdminSocket.path(forDataFolder: options.dataFolder(of: app)))
                let span = Duration.seconds(days * 86_400)
                let report =
                    if await client.isServing {
                        try await reconcile(since: span, at: client)
                    } else {
                        try await reconcileAlone(since: span)
                    }
                try print(report)
            }
        }

        private func reconcile(since span: Duration, at server: AdminClient) async throws -> Value {
            guard stripeURL == nil else {
                throw CommandFailure("--stripe-url is the server's to choose: a server has the data open")
            }
            try await options.agree(with: server)
            return try await server.reconcilePayments(since: span)
        }

        /// Without a server: an engine runs for this command, so that what follows is run too.
        private func reconcileAlone(since span: Duration) async throws -> Value {
            let endpoint = try StripeEndpoint.chosen(by: stripeURL, mode: options.effectiveMode())
            let opened = try await OpenedApp.open(app, options: options)
            defer { opened.store.close() }
            let http = HTTPClient()
            let engine = opened.engine(stripe: endpoint, http: http, logger: ServerLog.logger(level: "warning"))
            guard let reconciler = opened.reconciler(engine: engine, stripe: endpoint, http: http) else {
                throw CommandFailure("\(app)/app.yaml has no `payments:`")
            }
            let call = ReconcileCall(engine: engine, reconciler: reconciler, span: span)
            try await ServiceGroup(
                configuration: ServiceGroupConfiguration(
                    services: [
                        .init(service: engine),
                        .init(service: call, successTerminationBehavior: .gracefullyShutdownGroup),
                    ],
                    gracefulShutdownSignals: [.sigterm, .sigint],
                    logger: ServerLog.logger(level: "error")
                )
            ).run()
            await http.shutdown()
            return try call.result().value
        }

        private func print(_ report: Value) throws {
            let list = { (name: String) in report[name]?.listValue ?? [] }
            if json {
                try Console.json(report)
            } else {
                for event in list("missedEvents") {
                    let text = { (name: String) in event[name]?.stringValue ?? "" }
                    Console.data("missed: \(text("type")) of \(text("object")) (\(text("id")))")
                }
                for repair in list("repairs") { Console.data("moved on without an event: \(repair.stringValue ?? "")") }
                for problem in list("problems") { Console.data("look at it: \(problem.stringValue ?? "")") }
                Console.note(
                    "\(report["eventsCompared"]?.intValue ?? 0) events and "
                        + "\(report["objectsCompared"]?.intValue ?? 0) objects compared, "
                        + "\(list("runs").count) callback runs started"
                )
            }
            let isClean = ["missedEvents", "repairs", "problems"].allSatisfy { list($0).isEmpty }
            guard isClean else { throw Exit.failed }
        }
    }
}

/// One reconciliation beside a running engine; ends when the runs that it started have ended or wait.
private final class ReconcileCall: Service {
    private let engine: Engine
    private let reconciler: PaymentsReconciler
    private let span: Duration
    private let outcome = Mutex<Result<ReconciliationReport, any Error>?>(nil)

    init(engine: Engine, reconciler: PaymentsReconciler, span: Duration) {
        self.engine = engine
        self.reconciler = reconciler
        self.span = span
    }

    func run() async throws {
        await engine.waitUntilReady()
        do {
            let report = try await reconciler.reconcile(since: span)
            for run in report.runs { _ = try await engine.answer(of: run, timeLimit: .seconds(60)) }
            outcome.withLock { $0 = .success(report) }
        } catch {
            outcome.withLock { $0 = .failure(error) }
        }
    }

    func result() throws -> ReconciliationReport {
        guard let outcome = outcome.withLock({ $0 }) else { throw CommandFailure("the reconciliation was stopped") }
        return try outcome.get()
    }
}

extension StripeEndpoint {
    /// What `--stripe-url` says; Stripe's own host without it.
    static func chosen(by stripeURL: String?, mode: Mode) throws -> StripeEndpoint {
        guard let stripeURL else { return .stripe }
        guard let endpoint = StripeEndpoint(loopback: stripeURL) else {
            throw CommandFailure("--stripe-url takes an address of this machine, such as http://127.0.0.1:12111")
        }
        guard endpoint.permits(mode) else {
            throw CommandFailure("--stripe-url is for test mode; a live key goes to Stripe's own host alone")
        }
        return endpoint
    }
}
