import Connections
import Expressions
import FlowEngine
import FlowLanguage
import FlowServer
import FlowStores
import Foundation
import HTTPTransport
import Logging
import Payments
import Synchronization
import TestSupport

/// The server's machine: a folder that survives, and one process after the other that works on it.
final class SimulatedServer: Sendable {
    /// The connection broke: the caller knows nothing.
    struct Torn: Error {}

    /// What a living process consists of.
    struct Running: Sendable {
        var process: SimulatedProcess
        var store: SQLiteStore
        var engine: Engine
        var hooks: PaymentsHookReceiver
    }

    private struct State {
        var running: Running?
        /// Calls under way, by number; each hears once what became of it.
        var calls: [Int: @Sendable () -> Void] = [:]
        var nextCall = 0
        var deaths = 0
        var failure: String?
    }

    let world: SimulatedWorld
    let app: App
    let folder: String
    let stripe: SimulatedStripe
    let mill: SimulatedMill
    let troubles: Troubles
    private let state = Mutex(State())

    init(_ world: SimulatedWorld, app: App, folder: String, stripe: SimulatedStripe, troubles: Troubles) {
        self.world = world
        self.app = app
        self.folder = folder
        self.stripe = stripe
        self.mill = SimulatedMill(world)
        self.troubles = troubles
    }

    /// What an engine that stands still believes.
    var standing: String {
        guard let engine = state.withLock({ $0.running?.engine }) else { return "no process" }
        return "\(engine.isReady ? "ready" : "not ready"), epoch \(engine.store.bootEpoch), "
            + "\(engine.takenPlaces) places taken, \(engine.waitingJobs) jobs"
    }

    var deaths: Int { state.withLock { $0.deaths } }
    var failure: String? { state.withLock { $0.failure } }

    /// Starts a process on the folder, as a supervisor does.
    func start() throws {
        let process = SimulatedProcess(world)
        let base = try SQLiteStore(folder: folder, tables: app.tables, configuration: .init(clock: process))
        let store = SimulatedStore(base, process: process, troubles: troubles)
        let credentials = StripeCredentials(SimulatedCredentials())
        guard let endpoint = StripeEndpoint(loopback: "http://127.0.0.1:1") else { return }
        let network = SimulatedNetwork(stripe: stripe, mill: mill, process: process, troubles: troubles)
        let payments = PaymentsFeature(app: app, mode: .test, credentials: credentials)
        let engine = Engine(
            app: app,
            store: store,
            transport: ServiceTransport(
                connections: app.connections,
                services: [
                    "stripe": StripeService(endpoint: endpoint, credentials: credentials),
                    "http": HTTPService(connections: app.connections, credentials: SimulatedCredentials()),
                ],
                sender: { request throws(HTTPError) in try await network.send(request) }
            ),
            clock: process,
            random: SeededRandomSource(seed: UInt64(bitPattern: base.bootEpoch) &+ world.seed),
            features: [payments, HTTPFeature()],
            code: SimulatedCode(process),
            mode: .test,
            logger: Logger(label: "simulation") { _ in SwiftLogNoOpLogHandler() },
            writerThread: process
        )
        let webhook = StripeWebhook(connection: "stripe", mode: .test, credentials: credentials)
        let hooks = PaymentsHookReceiver(engine: engine, webhook: webhook, payments: payments)
        state.withLock { $0.running = Running(process: process, store: base, engine: engine, hooks: hooks) }
        Task(executorPreference: process) { [self] in
            do {
                try await engine.run()
            } catch {
                // The store failed while it recovered: the process ends, and is started again.
                process.die()
                _ = self
            }
        }
    }

    /// Between two steps: kills by chance, and buries and replaces what has died.
    func attend() {
        guard let running = state.withLock({ $0.running }) else { return }
        if troubles.killsNow { running.process.die() }
        guard running.process.isDead else { return }
        running.store.close()
        let calls = state.withLock { state in
            defer { state.calls = [:] }
            state.deaths += 1
            state.running = nil
            // In the order in which they were made: a dictionary has none that a seed repeats.
            return state.calls.sorted { $0.key < $1.key }.map(\.value)
        }
        for call in calls { call() }
        do {
            try start()
        } catch {
            state.withLock { $0.failure = "the server does not start: \(error)" }
        }
    }

    /// Ends it for good.
    func stop() {
        let running = state.withLock { $0.running }
        running?.process.die()
        running?.store.close()
    }

    // MARK: Calls

    /// Calls the living process over a network on which the call or its answer may be lost.
    func call<R: Sendable>(_ body: @escaping @Sendable (Running) async throws -> R) async throws -> R {
        let trouble = troubles.ofMessage()
        if case .lost = trouble { throw Torn() }
        guard let running = state.withLock({ $0.running }), running.engine.isReady else { throw Torn() }
        let result: Result<R, any Error> = await withCheckedContinuation { continuation in
            let number = state.withLock { state in
                state.nextCall += 1
                state.calls[state.nextCall] = { continuation.resume(returning: .failure(Torn())) }
                return state.nextCall
            }
            Task(executorPreference: running.process) { [self] in
                let result: Result<R, any Error>
                do {
                    result = .success(try await body(running))
                } catch {
                    result = .failure(error)
                }
                if state.withLock({ $0.calls.removeValue(forKey: number) }) != nil {
                    continuation.resume(returning: result)
                }
            }
        }
        if case .answerLost = trouble { throw Torn() }
        return try result.get()
    }
}

struct SimulatedCredentials: CredentialSource {
    func secret(named name: String) -> Secret? {
        switch name {
        case "stripe.test.secretKey": Secret(SimulatedStripe.secretKey)
        case "stripe.test.publishableKey": Secret("pk_test_simulation")
        case "stripe.test.webhookSecret": Secret(SimulatedStripe.webhookSecret)
        default: nil
        }
    }
}
