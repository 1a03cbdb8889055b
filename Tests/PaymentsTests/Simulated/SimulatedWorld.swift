import Connections
import Expressions
import FlowEngine
import FlowLanguage
import FlowStores
import Foundation
import HTTPTransport
import Payments
import TestSupport
import Testing

/// A sample app, whole: its own files, the real language, engine, store and services; Stripe is the simulator.
///
/// Time stands still until a test moves it, on both sides at once.
struct SimulatedWorld: Sendable {
    let app: App
    let engine: Engine
    let payments: PaymentsFeature
    let webhook: StripeWebhook
    let transport: ServiceTransport
    let stripe: SimulatedStripe
    let clock: ManualClock
    let secrets: TestSecrets
    let folder: String
    let log = CapturedLog()

    static let admin = Caller(id: "boss@example.com", roles: ["admin"])
    static let ann = Caller(id: "ann@example.com", roles: ["customer"])
    static let ben = Caller(id: "ben@example.com", roles: ["customer"])

    static var samples: String {
        URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: "samples").path
    }

    static func compile(_ sample: String) throws -> App {
        let sources = try AppFolder.read("\(samples)/\(sample)")
        let compilation = AppCompiler(catalogue: PaymentsCatalogue.catalogue).compile(sources)
        #expect(compilation.diagnostics.map { "\($0.range.file):\($0.range.start.line): \($0.message)" } == [])
        return try #require(compilation.app)
    }

    static func with(
        _ sample: String,
        events: [String] = ["*"],
        _ body: (SimulatedWorld) async throws -> Void
    ) async throws {
        try await with(try compile(sample), events: events, body)
    }

    static func with(_ app: App, events: [String] = ["*"], _ body: (SimulatedWorld) async throws -> Void) async throws {
        let folder = FileManager.default.temporaryDirectory.path + "/runnel-simulated-" + UUID().uuidString
        let clock = ManualClock()
        let store = try SQLiteStore(folder: folder, tables: app.tables, configuration: .init(clock: clock))
        defer {
            store.close()
            try? FileManager.default.removeItem(atPath: folder)  // The machine's affair, not the test's.
        }
        let world = try SimulatedWorld(app, store: store, clock: clock, folder: folder, events: events)
        let engine = world.engine
        let running = Task { try await engine.run() }
        await engine.waitUntilReady()
        let result: Result<Void, any Error>
        do {
            result = .success(try await body(world))
        } catch {
            result = .failure(error)
        }
        running.cancel()
        try await running.value
        try result.get()
    }

    private init(_ app: App, store: SQLiteStore, clock: ManualClock, folder: String, events: [String]) throws {
        let secrets = TestSecrets([
            "stripe.test.publishableKey": PaymentsWorld.publishableKey,
            "stripe.test.webhookSecret": PaymentsWorld.webhookSecret,
            "stripe.test.secretKey": SimulatedStripe.secretKey,
        ])
        let credentials = StripeCredentials(secrets)
        let stripe = SimulatedStripe(start: clock.now().seconds, events: events)
        let endpoint = try #require(StripeEndpoint(loopback: "http://127.0.0.1:12111"))
        self.transport = ServiceTransport(
            connections: app.connections,
            services: [
                "stripe": StripeService(endpoint: endpoint, credentials: credentials),
                "sendgrid": SendGridService(credentials: SendGridCredentials(secrets)),
            ],
            sender: { request throws(HTTPError) in stripe.send(request) }
        )
        self.app = app
        self.payments = PaymentsFeature(app: app, mode: .test, credentials: credentials)
        self.webhook = StripeWebhook(
            connection: app.payments?.connection ?? "stripe",
            mode: .test,
            credentials: credentials
        )
        self.stripe = stripe
        self.clock = clock
        self.secrets = secrets
        self.folder = folder
        self.engine = Engine(
            app: app,
            store: store,
            transport: transport,
            clock: clock,
            random: SeededRandomSource(),
            features: [payments],
            mode: .test,
            logger: log.logger
        )
    }

    // MARK: Callers

    /// A page's answer, whatever it is.
    @discardableResult
    func page(_ flow: String, _ input: Value, as caller: Caller = ann) async throws -> RunAnswer {
        let answer = try await engine.callPage(
            flow,
            input: input,
            caller: caller,
            idempotencyKey: nil,
            timeLimit: .seconds(86_400)
        )
        guard case .answered(let run, _) = answer else { throw StoreError(.corrupt, "\(flow) has not answered") }
        return run
    }

    func rows(_ table: String) async throws -> [ValueMap] {
        try await engine.store.read { reader throws(StoreError) in
            try reader.find(RecordQuery(table: table, where: [], limit: 10_000))
        }
    }

    /// One column of a table, in the rows' order.
    func column(_ column: String, of table: String) async throws -> [Value] {
        try await rows(table).map { $0[column] ?? .null }
    }

    /// Changes a row behind everybody's back.
    func set(_ column: String, _ value: Value, of table: String, id: Int64) async throws {
        _ = try await engine.write { transaction throws(StoreError) in
            try transaction.update(
                RecordUpdate(
                    table: table,
                    where: [ResolvedCondition("id", equals: .int(id))],
                    set: [ResolvedAssignment(column, value)]
                )
            )
        }
    }

    // MARK: Stripe's side

    /// Lets every web hook in that is due, and waits for the runs that follow.
    @discardableResult
    func deliver(_ hooks: [SimulatedStripe.Hook]? = nil) async throws -> [WebhookOutcome] {
        var outcomes: [WebhookOutcome] = []
        for hook in hooks ?? stripe.takeHooks() {
            let outcome = try await accept(hook)
            outcomes.append(outcome)
            if case .accepted(let runs) = outcome { try await finish(runs) }
        }
        return outcomes
    }

    /// Lets every web hook in that is due.
    /// - Returns: the runs that follow, which nobody waits for.
    func accept() async throws -> [RunID] {
        var started: [RunID] = []
        for hook in stripe.takeHooks() {
            if case .accepted(let runs) = try await accept(hook) { started += runs }
        }
        return started
    }

    private func accept(_ hook: SimulatedStripe.Hook) async throws -> WebhookOutcome {
        let now = clock.now()
        let event = try webhook.receive(body: hook.body, signature: hook.signature, now: now)
        return try await engine.write { [payments] transaction throws(StoreError) in
            try payments.accept(event, body: hook.body, at: now, in: transaction)
        }
    }

    func finish(_ runs: [RunID]) async throws {
        for run in runs {
            let record = try await engine.answer(of: run, timeLimit: .seconds(86_400))
            #expect(record.status == .succeeded, "\(record.start.flow): \(String(describing: record.failure))")
        }
    }

    /// Moves both clocks, and delivers what Stripe sends on each day.
    func advance(days: Int) async throws {
        for _ in 0..<days {
            // Four times a day: a renewal's draft lies for an hour before it is charged.
            for _ in 0..<4 { try await advance(hours: 6) }
        }
    }

    func advance(hours: Int) async throws {
        stripe.advance(bySeconds: Int64(hours) * 3_600)
        clock.advance(by: .seconds(hours * 3_600))
        try await deliver()
    }
}
