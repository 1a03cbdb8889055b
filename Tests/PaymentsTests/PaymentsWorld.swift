import Connections
import Expressions
import FlowEngine
import FlowLanguage
import FlowStores
import Foundation
import Payments
import Synchronization

/// An app with payments on a real SQLite store in a folder of its own, without the engine: the tests call the
/// feature's parts in the order that they are about.
final class PaymentsWorld: Sendable {
    static let webhookSecret = "whsec_canary_1234567890"
    static let publishableKey = "pk_test_canary"
    static let start = Timestamp(microseconds: 1_700_000_000_000_000) ?? { preconditionFailure("a time") }()

    let store: SQLiteStore
    let app: App
    let feature: PaymentsFeature
    let secrets: TestSecrets
    private let folder: String
    private let calls = Atomic<Int64>(0)

    static func orders(status: [String] = ["NEW", "PAID", "REFUNDED", "FAILED"]) -> Table {
        Table(
            name: "orders",
            columns: [
                Column(name: "total", type: .int, min: 1),
                Column(name: "currency", type: .string, defaultValue: .string("usd")),
                Column(name: "status", type: .string, defaultValue: .string("NEW"), allowed: status),
            ]
        )
    }

    static let triggers: [String: CallbackTrigger] = [
        "payment-callback": .paymentCompleted, "refund-callback": .refundCompleted,
        "recurring-payment-callback": .recurringManaged, "recurring-charge-callback": .recurringCharged,
    ]

    static func app(orders: Table = PaymentsWorld.orders(), callbacks: Bool = true) -> App {
        let place = SourcePosition.start
        let range = SourceRange(file: "app.yaml", start: place, end: place)
        let flows = triggers.map {
            FlowGraph(
                name: $0.key,
                kind: .cloud,
                trigger: .callback($0.value),
                nodes: [],
                entry: nil,
                version: FlowVersion("v1"),
                range: range
            )
        }
        return App(
            name: "shop",
            currency: "usd",
            roles: ["admin", "public"],
            tables: [orders] + PaymentsTables.all,
            connections: [
                ConnectionDeclaration(name: "stripe", service: "stripe", range: range),
                ConnectionDeclaration(
                    name: "mail",
                    service: "sendgrid",
                    settings: ["from": "shop@example.com"],
                    range: range
                ),
            ],
            payments: PaymentsDeclaration(connection: "stripe", orderTable: "orders"),
            flows: callbacks ? Dictionary(uniqueKeysWithValues: flows.map { ($0.name, $0) }) : [:]
        )
    }

    init() throws {
        app = Self.app()
        secrets = TestSecrets([
            "stripe.test.publishableKey": Self.publishableKey, "stripe.test.webhookSecret": Self.webhookSecret,
            "stripe.test.secretKey": "sk_test_canary",
        ])
        folder = FileManager.default.temporaryDirectory.path + "/runnel-payments-" + UUID().uuidString
        store = try SQLiteStore(folder: folder, tables: app.tables, configuration: .init(clock: FixedClock()))
        feature = PaymentsFeature(app: app, mode: .test, credentials: StripeCredentials(secrets))
    }

    deinit {
        store.close()
        try? FileManager.default.removeItem(atPath: folder)
    }

    /// Runs `body` in one group and gives back what it returned.
    func write<Result>(_ body: (any StoreTransaction) throws(StoreError) -> Result) throws -> Result {
        var result: Result?
        try store.writeGroup { transaction throws(StoreError) in result = try body(transaction) }
        guard let result else { throw StoreError(.groupFailed, "nothing came back") }
        return result
    }

    func insertOrder(total: Int64 = 1000, currency: String = "usd") throws -> Int64 {
        try write { transaction throws(StoreError) in
            let row = try transaction.insert(
                into: "orders",
                [("total", .int(total)), ("currency", .string(currency))]
            )
            return row["id"]?.intValue ?? 0
        }
    }

    func rows(_ table: String, where conditions: [ResolvedCondition] = []) throws -> [ValueMap] {
        try write { transaction throws(StoreError) in
            try transaction.find(RecordQuery(table: table, where: conditions, limit: 10_000))
        }
    }

    // MARK: Commands

    func call(_ data: ValueMap, mode: Mode = .test, connection: String = "stripe") -> CommandCall {
        let number = calls.wrappingAdd(1, ordering: .relaxed).newValue
        let place = SourcePosition.start
        return CommandCall(
            address: EntryAddress(run: RunID(number), path: BlockPath("pay"), visit: 1, attempt: 1),
            connection: ConnectionDeclaration(
                name: connection,
                service: connection == "mail" ? "sendgrid" : "stripe",
                settings: connection == "mail" ? ["from": "shop@example.com"] : [:],
                range: SourceRange(file: "app.yaml", start: place, end: place)
            ),
            data: data,
            mode: mode,
            caller: .system,
            now: Self.start,
            key: "key-\(number)"
        )
    }

    /// Plays a command to its end against `stripe`, as the engine would.
    func run(
        _ name: String,
        _ data: ValueMap,
        against stripe: StripeDouble,
        mode: Mode = .test,
        connection: String = "stripe"
    ) throws -> CommandStep {
        var pending = try begin(name, data, mode: mode, connection: connection)
        while let request = pending.request {
            guard case .answered(let answer) = stripe.send(request) else { return .fail(Self.lost) }
            pending = try receive(answer, pending)
        }
        return pending.step
    }

    /// What the engine would park as `outcome-unknown`.
    static let lost = BlockFailure(code: "lost", type: "test", message: "the answer was lost")

    struct Pending: Sendable {
        var name: String
        var call: CommandCall
        var step: CommandStep

        var request: OutsideRequest? { if case .send(let request) = step { request } else { nil } }
    }

    func begin(
        _ name: String,
        _ data: ValueMap,
        mode: Mode = .test,
        connection: String = "stripe"
    ) throws -> Pending {
        let call = call(data, mode: mode, connection: connection)
        guard let command = feature.command(name, of: call.connection.service) else {
            throw StoreError(.corrupt, "no command \(name)")
        }
        let step = try write { transaction throws(StoreError) in try command.begin(call, in: transaction) }
        return Pending(name: name, call: call, step: step)
    }

    func receive(_ answer: OutsideAnswer, _ pending: Pending) throws -> Pending {
        guard let request = pending.request,
            let command = feature.command(pending.name, of: pending.call.connection.service)
        else {
            return pending
        }
        var next = pending
        // As the engine does it: what the command sends next carries a key of its own.
        next.call.key = "key-\(calls.wrappingAdd(1, ordering: .relaxed).newValue)"
        let call = next.call
        next.step = try write { transaction throws(StoreError) in
            try command.receive(answer, to: request, of: call, in: transaction)
        }
        next.call.exchanges.append(.init(request: request, answer: answer))
        return next
    }

    /// An order with a payment whose intent Stripe made; gives the payment's id and the intent's.
    func openPayment(total: Int64 = 1000, stripe: StripeDouble = StripeDouble()) throws -> (
        order: Int64, id: Int64, intent: String
    ) {
        let order = try insertOrder(total: total)
        let step = try run("create-payment-intent", ["orderId": .int(order), "amount": .int(total)], against: stripe)
        guard case .succeed(let output) = step, let id = output["paymentId"]?.intValue,
            let intent = output["intent"]?.stringValue
        else { throw StoreError(.corrupt, "no intent: \(step)") }
        return (order, id, intent)
    }

    // MARK: Events and callbacks

    @discardableResult
    func deliver(_ event: TestEvent) throws -> WebhookOutcome {
        guard let parsed = StripeEvent(body: event.body) else {
            throw StoreError(.corrupt, "the test's own event is not one")
        }
        return try write { transaction throws(StoreError) in
            try feature.accept(parsed, body: event.body, at: Self.start, in: transaction)
        }
    }

    /// Runs every callback run that is queued, oldest first, with the handler alone as its flow.
    /// - Returns: what each handler gave.
    @discardableResult
    func runCallbacks(ending status: RunStatus = .succeeded) throws -> [ValueMap] {
        try write { transaction throws(StoreError) in try runCallbacks(ending: status, in: transaction) }
    }

    func runCallbacks(
        ending status: RunStatus = .succeeded,
        in transaction: any StoreTransaction
    ) throws(StoreError) -> [ValueMap] {
        var outputs: [ValueMap] = []
        let queued = try transaction.runs(matching: RunFilter(statuses: [.queued], limit: 1000))
        for var run in queued.sorted(by: { $0.id < $1.id }) {
            guard let trigger = Self.triggers[run.start.flow] else { continue }
            let result = try feature.handleCallback(trigger, of: run, at: Self.start, in: transaction)
            if case .output(let output) = result { outputs.append(output) }
            run.status = .running
            run.epoch = store.bootEpoch
            try transaction.updateRun(run)
            run.status = status
            try transaction.updateRun(run)
            try feature.runFinished(run, in: transaction)
        }
        return outputs
    }
}

/// Secrets of a test, which may be rotated in its course.
final class TestSecrets: CredentialSource {
    private let values: Mutex<[String: String]>

    init(_ values: [String: String]) { self.values = Mutex(values) }

    func set(_ name: String, _ value: String?) { values.withLock { $0[name] = value } }

    func secret(named name: String) -> Secret? { values.withLock { $0[name] }.map { Secret($0) } }
}

struct FixedClock: FlowEngine.Clock {
    func now() -> Timestamp { PaymentsWorld.start }
    func sleep(until deadline: Timestamp) async throws {}
}
