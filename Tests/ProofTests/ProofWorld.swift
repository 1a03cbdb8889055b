import Connections
import Expressions
import FlowEngine
import FlowLanguage
import FlowStores
import Foundation
import GRDB
import Logging
import Payments
import TestSupport
import Testing

/// An app of three pages, a web hook and a loop, on a store in a folder of its own.
struct ProofWorld: Sendable {
    let app: App
    let folder: String
    let clock: ManualClock

    init(folder: String? = nil, clock: ManualClock = ManualClock()) throws {
        app = try Self.compiled()
        self.clock = clock
        self.folder = folder ?? FileManager.default.temporaryDirectory.path + "/runnel-proof-" + UUID().uuidString
    }

    func remove() { try? FileManager.default.removeItem(atPath: folder) }

    /// The log is copied into the database once it has so many pages.
    func openStore(checkpointPages: Int = 1000) throws -> SQLiteStore {
        let configuration = SQLiteStore.Configuration(clock: clock, checkpointPages: checkpointPages)
        return try SQLiteStore(folder: folder, tables: app.tables, configuration: configuration)
    }

    /// Puts a trigger beside the store's own tables, as SQLite's own refusal cannot be had otherwise.
    func sabotage(_ sql: String) throws {
        let queue = try DatabaseQueue(path: folder + "/runnel.sqlite")
        try queue.inDatabase { try $0.execute(sql: sql) }
        try queue.close()
    }

    func engine(on store: any Store, transport: any FlowEngine.Transport = ScriptedTransport()) -> Engine {
        Engine(
            app: app,
            store: store,
            transport: transport,
            clock: clock,
            random: SeededRandomSource(),
            features: [PaymentsFeature(app: app, mode: .test, credentials: .init(NoSecrets()))],
            mode: .test,
            logger: Logger(label: "proof") { _ in SwiftLogNoOpLogHandler() }
        )
    }

    /// Runs an engine for as long as `body` takes.
    func run<R>(_ engine: Engine, _ body: () async throws -> R) async throws -> R {
        let running = Task { try await engine.run() }
        await engine.waitUntilReady()
        let result: Result<R, any Error>
        do {
            result = .success(try await body())
        } catch {
            result = .failure(error)
        }
        running.cancel()
        try? await running.value
        return try result.get()
    }

    // MARK: The app

    private static func compiled() throws -> App {
        let files = [
            ("app.yaml", declaration), ("flows/order.yaml", order), ("flows/look.yaml", look),
            ("flows/hook.yaml", hook),
            ("flows/pay.yaml", pay), ("flows/turns.yaml", turns),
        ]
        let sources = files.map { SourceFile(path: $0.0, bytes: Array($0.1.utf8)) }
        let compilation = AppCompiler(catalogue: PaymentsCatalogue.catalogue).compile(sources)
        return try #require(compilation.app, "\(compilation.diagnostics.map { "\($0.range) \($0.message)" })")
    }

    private static let declaration = """
        app: proof
        currency: usd
        roles: [customer]
        tables:
          orders:
            columns:
              name:   { type: string, unique: true }
              total:  { type: int, min: 1 }
              status: { type: string, enum: [NEW, PAID, REFUNDED], default: NEW }
          notes:
            columns:
              text: { type: string }
        connections:
          stripe: { service: stripe, access: { create-payment-intent: [customer] } }
          mail: { service: sendgrid, from: shop@example.com, access: { send-email: [customer] } }
        payments: { connection: stripe, orderTable: orders }

        """

    private static let order = """
        flow: order
        kind: page
        access: [customer]
        input: { name: { type: string } }
        output: { id: '${ blocks.order.id }', status: '${ blocks.after.status }' }
        blocks:
          - id: order
            block: insert-record
            table: orders
            set: { name: '${ input.name }', total: 100 }
          - id: paid
            block: update-record
            table: orders
            where: { id: '${ blocks.order.id }' }
            set: { status: PAID }
            expect: 1
          - id: after
            block: find-record
            table: orders
            where: { id: '${ blocks.order.id }' }

        """

    /// Reads another run's row and writes nothing of its own.
    private static let look = """
        flow: look
        kind: page
        access: [customer]
        input: { name: { type: string } }
        output: { id: '${ blocks.seen.id }', status: '${ blocks.seen.status }' }
        blocks:
          - id: seen
            block: find-record
            table: orders
            where: { name: '${ input.name }' }

        """

    private static let hook = """
        flow: hook
        kind: cloud
        trigger: { webhook: { method: POST, auth: stripe, eventId: trigger.body.id, answer: at-once } }
        blocks:
          - id: note
            block: insert-record
            table: notes
            set: { text: '${ trigger.body.id }' }

        """

    /// Of the flow `turns`.
    static let turnsAtOnce = 50

    private static let turns = """
        flow: turns
        kind: cloud
        trigger: { manual: true }
        input: { count: { type: int } }
        blocks:
          - id: each
            block: for-each
            each: lists.range(input.count)
            as: number
            concurrency: \(turnsAtOnce)
            do:
              - { id: note, block: insert-record, table: notes, set: { text: 'turn ${ number }' } }

        """

    private static let pay = """
        flow: pay
        kind: page
        access: [customer]
        input: { order: { type: int } }
        output: { secret: '${ blocks.intent.client_secret }' }
        blocks:
          - id: intent
            block: execute-connection-command
            connection: stripe
            command: create-payment-intent
            data: { orderId: '${ input.order }', amount: 100 }
          - id: note
            block: insert-record
            table: notes
            set: { text: 'intent of ${ input.order }' }

        """
}

struct NoSecrets: CredentialSource {
    func secret(named name: String) -> Secret? {
        name == "stripe.test.publishableKey" ? Secret("pk_test_proof") : nil
    }
}

extension Caller {
    static let ann = Caller(id: "ann", roles: ["customer"])
}

extension Engine {
    func call(_ flow: String, _ input: Value, key: String) async throws -> (RunAnswer, RunID) {
        let answer = try await callPage(
            flow,
            input: input,
            caller: .ann,
            idempotencyKey: key,
            timeLimit: .seconds(86_400)
        )
        guard case .answered(let answer, let run) = answer else {
            throw EngineError(.notReady, "not answered: \(answer)")
        }
        return (answer, run)
    }

    func allRuns() async throws -> [RunRecord] {
        try await store.read { (reader) throws(StoreError) in try reader.runs(matching: RunFilter(limit: 10_000)) }
    }

    func rows(_ table: String) async throws -> [ValueMap] {
        let query = RecordQuery(table: table, where: [], limit: 100_000)
        return try await store.read { (reader) throws(StoreError) in try reader.find(query) }
    }
}
