import BuiltinFlows
import Connections
import Expressions
import FlowEngine
import FlowLanguage
import FlowStores
import Foundation
import Logging
import Payments
import TestSupport
import Testing

/// The whole line but HTTP: flows as text, the real language, engine and store; only Stripe is a double.
@Suite("Payments through the engine")
struct EngineTests {
    static let appText = """
        app: shop
        currency: usd
        roles: [customer]
        tables:
          orders:
            columns:
              total:    { type: int, min: 1 }
              currency: { type: string, default: usd }
              status:   { type: string, enum: [NEW, PAID, REFUNDED], default: NEW }
        connections:
          stripe: { service: stripe, access: { create-payment-intent: [customer], refund: [admin] } }
        payments: { connection: stripe, orderTable: orders }
        """

    static let flowTexts = [
        """
        flow: checkout
        kind: page
        access: [customer]
        input: { orderId: { type: int } }
        output: { clientSecret: '${ blocks.intent.client_secret }', paymentId: '${ blocks.intent.paymentId }' }
        blocks:
          - id: order
            block: find-record
            table: orders
            where: { id: '${ input.orderId }' }
          - id: intent
            block: execute-connection-command
            connection: stripe
            command: create-payment-intent
            data:
              orderId: ${ input.orderId }
              amount: ${ blocks.order.total }
              currency: ${ blocks.order.currency }
        """,
        """
        flow: give-back
        kind: page
        access: [admin]
        input: { paymentId: { type: int }, amount: { type: int } }
        output: { status: '${ blocks.refund.status }' }
        blocks:
          - id: refund
            block: execute-connection-command
            connection: stripe
            command: refund
            data: { paymentId: '${ input.paymentId }', amount: '${ input.amount }' }
        """,
    ]

    struct World {
        let engine: Engine
        let payments: PaymentsFeature
        let stripe: StripeDouble

        func insertOrder() async throws -> Int64 {
            try await engine.write { transaction throws(StoreError) in
                try transaction.insert(into: "orders", [("total", 1000)])["id"]?.intValue ?? 0
            }
        }

        func status(of order: Int64) async throws -> Value? {
            try await engine.store.read { reader throws(StoreError) in
                let query = RecordQuery(
                    table: "orders",
                    where: [ResolvedCondition("id", equals: .int(order))],
                    limit: 1
                )
                return try reader.find(query).first?["status"]
            }
        }

        func payments(_ column: String) async throws -> [Value?] {
            try await engine.store.read { reader throws(StoreError) in
                try reader.find(RecordQuery(table: "payments", where: [], limit: 1000)).map { $0[column] }
            }
        }

        func call(_ flow: String, _ input: Value, _ role: String = "customer") async throws -> RunAnswer? {
            let answer = try await engine.callPage(
                flow,
                input: input,
                caller: Caller(id: "ann", roles: [role]),
                idempotencyKey: nil,
                timeLimit: .seconds(86_400)
            )
            guard case .answered(let run, _) = answer else { return nil }
            return run
        }

        /// Takes an event in and waits for what it started.
        @discardableResult
        func deliver(_ event: TestEvent) async throws -> WebhookOutcome {
            let parsed = try #require(StripeEvent(body: event.body))
            let now = engine.clock.now()
            let outcome = try await engine.write { [payments] transaction throws(StoreError) in
                try payments.accept(parsed, body: event.body, at: now, in: transaction)
            }
            if case .accepted(let runs) = outcome {
                for run in runs {
                    let record = try await engine.answer(of: run, timeLimit: .seconds(86_400))
                    #expect(record.status == .succeeded, "\(String(describing: record.failure))")
                }
            }
            return outcome
        }
    }

    static func compile() throws -> App {
        let files = [SourceFile(path: "app.yaml", bytes: Array(appText.utf8))]
        let compiler = AppCompiler(catalogue: PaymentsCatalogue.catalogue)
        let first = compiler.compile(files)
        let bare = try #require(first.app, "\(first.diagnostics)")
        var flows = flowTexts.enumerated().map { SourceFile(path: "flows/f\($0).yaml", bytes: Array($1.utf8)) }
        for step in PaymentsActivation.steps(for: bare, files: [:]) {
            flows.append(SourceFile(path: step.path, bytes: Array(try #require(step.text).utf8)))
        }
        let compilation = compiler.compile(files + flows)
        #expect(compilation.diagnostics.map { "\($0.range.file):\($0.range.start.line): \($0.message)" } == [])
        return try #require(compilation.app)
    }

    static func with(_ body: (World) async throws -> Void) async throws {
        let app = try compile()
        let folder = FileManager.default.temporaryDirectory.path + "/runnel-payments-" + UUID().uuidString
        let clock = ManualClock()
        let store = try SQLiteStore(folder: folder, tables: app.tables, configuration: .init(clock: clock))
        defer {
            store.close()
            try? FileManager.default.removeItem(atPath: folder)  // The machine's affair, not the test's.
        }
        let secrets = TestSecrets(["stripe.test.publishableKey": PaymentsWorld.publishableKey])
        let payments = PaymentsFeature(app: app, mode: .test, credentials: StripeCredentials(secrets))
        let stripe = StripeDouble()
        let engine = Engine(
            app: app,
            store: store,
            transport: stripe,
            clock: clock,
            random: SeededRandomSource(),
            features: [payments],
            mode: .test,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
        let running = Task { try await engine.run() }
        await engine.waitUntilReady()
        let result: Result<Void, any Error>
        do {
            result = .success(try await body(World(engine: engine, payments: payments, stripe: stripe)))
        } catch {
            result = .failure(error)
        }
        running.cancel()
        try await running.value
        try result.get()
    }

    @Test("M4, M11, M12: the templates compile without a finding and take an order from NEW to PAID to REFUNDED")
    func story() async throws {
        try await Self.with { world in
            let order = try await world.insertOrder()
            let checkout = try #require(try await world.call("checkout", ["orderId": .int(order)]))
            #expect(checkout.body["clientSecret"]?.stringValue?.hasPrefix("pi_") == true)
            let intent = try #require(try await world.payments("intent").first??.stringValue)
            try await world.deliver(.failed(intent))
            #expect(try await world.status(of: order) == "NEW")
            try await world.deliver(.succeeded(intent))
            #expect(try await world.status(of: order) == "PAID")
            let refund = { (amount: Int64) async throws in
                try await world.call(
                    "give-back",
                    ["paymentId": checkout.body["paymentId"] ?? 0, "amount": .int(amount)],
                    "admin"
                )
            }
            for amount in [400, 600] as [Int64] {
                #expect(try await refund(amount)?.body["status"] == "REFUNDED")
                let made = try #require(world.stripe.refunds.first { $0["amount"] == .int(amount) }?["id"]?.stringValue)
                try await world.deliver(
                    .refund("refund.created", made, of: intent, status: "succeeded", amount: amount)
                )
                #expect(try await world.status(of: order) == (amount == 400 ? "PAID" : "REFUNDED"))
            }
            #expect(try await refund(1)?.body["code"] == "refund_too_large")
        }
    }

    @Test("50 checkouts of one order at once make one intent")
    func fiftyCheckouts() async throws {
        try await Self.with { world in
            let order = try await world.insertOrder()
            let secrets = try await withThrowingTaskGroup(of: String?.self) { group in
                for _ in 0..<50 {
                    group.addTask {
                        try await world.call("checkout", ["orderId": .int(order)])?.body["clientSecret"]?.stringValue
                    }
                }
                return try await group.reduce(into: [String?]()) { $0.append($1) }
            }
            #expect(secrets.count == 50 && Set(secrets).count == 1 && secrets.first??.isEmpty == false)
            #expect(world.stripe.intents.count == 1)
            #expect(try await world.payments("id").count == 1)
        }
    }

    @Test("the same event 100 times, 50 of them at once: one run, the order is paid once")
    func hundredEvents() async throws {
        try await Self.with { world in
            let order = try await world.insertOrder()
            _ = try await world.call("checkout", ["orderId": .int(order)])
            let intent = try #require(try await world.payments("intent").first??.stringValue)
            let event = TestEvent.succeeded(intent)
            let outcomes = try await withThrowingTaskGroup(of: WebhookOutcome.self) { group in
                for _ in 0..<50 { group.addTask { try await world.deliver(event) } }
                return try await group.reduce(into: [WebhookOutcome]()) { $0.append($1) }
            }
            var repeated = outcomes.filter { $0 == .duplicate }.count
            for _ in 0..<50 where try await world.deliver(event) == .duplicate { repeated += 1 }
            #expect(repeated == 99)
            #expect(try await world.status(of: order) == "PAID")
            let runs = try await world.engine.store.read { reader throws(StoreError) in
                try reader.runs(matching: RunFilter(flow: "payment-callback"))
            }
            #expect(runs.count == 1)
        }
    }

    @Test("M9, M10: a page may not refund as a customer, and no page marks an order paid")
    func forbidden() async throws {
        try await Self.with { world in
            await #expect(throws: EngineError.self) {
                try await world.call("give-back", ["paymentId": 1, "amount": 1], "customer")
            }
            #expect(world.stripe.refunds.isEmpty)
        }
    }
}

extension StripeDouble: Transport {
    func send(_ request: OutsideRequest, mode: Mode) async -> TransportResult { send(request) }
}
