import Connections
import Expressions
import FlowEngine
import FlowLanguage
import FlowStores
import Foundation
import Logging
import Payments
import StripeSimulator

/// A whole runtime for one case: a real engine on a real file, a simulator, and a clock that stands still.
final class TestWorld {
    let app: App
    let given: GivenState
    let clock: VirtualClock
    let simulator: EmbeddedSimulator
    let outside = OutsideWorld()
    let log = FlowLog()
    let payments: PaymentsFeature
    let webhook: StripeWebhook
    var answers: OutsideAnswers
    private let folder: URL
    private let random: SeededRandomSource
    private let plan: PlannedTrouble
    private let code: (any CodeRunner)?
    private(set) var store: MortalStore
    private(set) var engine: Engine
    private var running: Task<Void, any Error>
    /// How often the process died and was started again.
    private(set) var restarts = 0

    /// A moment's life is short: a case that restarts more often than this does not come to an end.
    private static let restartsMax = 64

    static func make(
        _ app: App,
        given: GivenState,
        template: StoreTemplate,
        folder: URL,
        seed: UInt64,
        plan: PlannedTrouble,
        code: (any CodeRunner)? = nil,
        explicit: ExplicitCredentials = ExplicitCredentials()
    ) async throws -> TestWorld {
        try template.write(to: folder)
        let clock = VirtualClock(given.clock)
        let file = try Self.open(app, folder, clock)
        do {
            try GivenRows(given, of: app).write(to: file)
        } catch {
            file.close()
            try? FileManager.default.removeItem(at: folder)  // What stays behind is a folder for temporary files.
            throw error
        }
        let world = TestWorld(
            app,
            given,
            clock,
            MortalStore(file, writes: 0, deaths: plan.deaths),
            folder: folder,
            seed: seed,
            plan: plan,
            code: code,
            explicit: explicit
        )
        await world.engine.waitUntilReady()
        return world
    }

    private init(
        _ app: App,
        _ given: GivenState,
        _ clock: VirtualClock,
        _ store: MortalStore,
        folder: URL,
        seed: UInt64,
        plan: PlannedTrouble,
        code: (any CodeRunner)?,
        explicit: ExplicitCredentials
    ) {
        self.app = app
        self.given = given
        self.code = code
        self.clock = clock
        self.folder = folder
        self.plan = plan
        self.store = store
        random = SeededRandomSource(seed: seed)
        let credentials = StripeCredentials(FakeSecrets(given: given.secrets))
        payments = PaymentsFeature(app: app, mode: .test, credentials: credentials)
        webhook = StripeWebhook(
            connection: app.payments?.connection ?? "stripe",
            mode: .test,
            credentials: credentials
        )
        simulator = EmbeddedSimulator(
            seed: seed,
            start: given.clock.simulatorInstant,
            secret: FakeSecrets.webhookSecret
        )
        answers = OutsideAnswers(
            app: app,
            simulator: simulator,
            credentials: credentials,
            explicit: explicit,
            given: given.answers
        )
        engine = Self.engine(app, store, outside, clock, random, payments, code, log.logger(), plan)
        running = Self.start(engine)
    }

    private static func open(_ app: App, _ folder: URL, _ clock: VirtualClock) throws -> SQLiteStore {
        let configuration = SQLiteStore.Configuration(clock: clock, readers: 1)
        return try SQLiteStore(folder: folder.path, tables: app.tables, configuration: configuration)
    }

    private static func engine(
        _ app: App,
        _ store: MortalStore,
        _ outside: OutsideWorld,
        _ clock: VirtualClock,
        _ random: SeededRandomSource,
        _ payments: PaymentsFeature,
        _ code: (any CodeRunner)?,
        _ logger: Logger,
        _ plan: PlannedTrouble
    ) -> Engine {
        Engine(
            app: app,
            store: store,
            transport: outside,
            clock: clock,
            random: random,
            features: [payments, HTTPFeature()],
            code: code,
            mode: .test,
            logger: logger,
            effectsPerTurn: plan.isInterleaved ? 1 : FlowEngine.Limits.effectsPerTurn
        )
    }

    private static func start(_ engine: Engine) -> Task<Void, any Error> { Task { try await engine.run() } }

    // MARK: Life and death

    var isDead: Bool { store.isDead }

    /// Starts a new process on the file that the dead one left.
    func restart() async throws {
        guard restarts < Self.restartsMax else { throw CaseError("the case restarts on and on") }
        restarts += 1
        let writes = store.writes
        await end()
        outside.open()
        store = MortalStore(try Self.open(app, folder, clock), writes: writes, deaths: plan.deaths)
        engine = Self.engine(app, store, outside, clock, random, payments, code, log.logger(), plan)
        running = Self.start(engine)
        await engine.waitUntilReady()
        await look()
    }

    /// Ends the process and removes its file.
    func close() async {
        await end()
        try? FileManager.default.removeItem(at: folder)  // What stays behind is a folder for temporary files.
    }

    private func end() async {
        running.cancel()
        outside.close()
        _ = try? await running.value  // A dead process ends with an error, which says nothing new.
        store.close()
    }

    // MARK: Time

    func quiet() async { await engine.waitUntilQuiet { [outside] in outside.count } }

    /// Moves the time on, in the engine and at Stripe, and lets the engine look for what is due.
    func advance(to moment: Timestamp) async throws {
        let woken = clock.advance(to: moment)
        simulator.advance(to: moment.simulatorInstant)
        // Those that woke are on their way to the writer.
        for _ in 0..<woken * 8 { await Task.yield() }
        await look()
        await quiet()
    }

    /// Has the engine look for runs to take up: it does so by itself, but nobody is told when.
    private func look() async {
        _ = try? await engine.write { _ in }  // A dead store: the caller sees that by itself.
    }

    func read<Result: Sendable>(
        _ body: @Sendable (any StoreReader) throws(StoreError) -> Result
    ) async throws -> Result {
        try await store.read(body)
    }
}

extension Timestamp {
    var simulatorInstant: SimulatorInstant { SimulatorInstant(milliseconds: microseconds / 1_000) }
}

extension SimulatorInstant {
    var timestamp: Timestamp? { Timestamp(microseconds: milliseconds * 1_000) }
}

/// Why a case could not be played to its end; not a finding about the app.
package struct CaseError: Error, Sendable, Hashable, CustomStringConvertible {
    package let description: String

    init(_ description: String) { self.description = description }
}
