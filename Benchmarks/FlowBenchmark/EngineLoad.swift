import Expressions
import FlowEngine
import FlowLanguage
import FlowStores
import Foundation
import Logging
import Payments
import Connections
import Synchronization

/// An engine on a store of its own, as a server has it, and calls to it.
struct EngineLoad: Sendable {
    struct Result: Sendable {
        var flows: Int
        var seconds: Double
        var p50: Double
        var p99: Double
        var commits: Int

        var perSecond: Double { Double(flows) / seconds }
        var commitsPerFlow: Double { Double(commits) / Double(max(1, flows)) }
    }

    let engine: Engine
    let store: SQLiteStore
    let feature: PaymentsFeature

    /// Opens a store in `folder`, runs an engine on it while `body` runs, and closes both.
    static func with<R: Sendable>(
        folder: String,
        credentials: any CredentialSource = NoCredentials(),
        trace: StatementTrace? = nil,
        clock: any Clock = SystemClock(),
        code: (any CodeRunner)? = nil,
        _ body: (EngineLoad) async throws -> R
    ) async throws -> R {
        let app = try BenchmarkApp.compiled()
        let store = try SQLiteStore(
            folder: folder,
            tables: app.tables,
            configuration: .init(clock: clock, trace: trace)
        )
        defer { store.close() }
        let feature = PaymentsFeature(app: app, mode: .test, credentials: StripeCredentials(credentials))
        let engine = Engine(
            app: app,
            store: store,
            transport: NoTransport(),
            clock: clock,
            random: SystemRandomSource(),
            features: [feature],
            code: code,
            mode: .test,
            logger: Logger(label: "bench") { _ in SwiftLogNoOpLogHandler() }
        )
        let running = Task { try await engine.run() }
        await engine.waitUntilReady()
        let load = EngineLoad(engine: engine, store: store, feature: feature)
        let result: Swift.Result<R, any Error>
        do {
            result = .success(try await body(load))
        } catch {
            result = .failure(error)
        }
        running.cancel()
        try await running.value
        return try result.get()
    }

    /// Calls the page `ten` over and over from `concurrency` callers, each waiting for its answer.
    func run(concurrency: Int, for duration: Duration) async throws -> Result {
        let clock = ContinuousClock()
        let before = engine.counters.figures.groups
        let start = clock.now
        let deadline = start + duration
        let latencies = try await withThrowingTaskGroup(of: [Double].self) { group in
            for caller in 0..<concurrency {
                group.addTask {
                    let input: Value = [
                        "email": .string("caller\(caller)@example.com"), "total": .int(Int64(caller + 1)),
                    ]
                    var latencies: [Double] = []
                    while clock.now < deadline {
                        let begin = clock.now
                        try await call(input)
                        latencies.append((clock.now - begin).seconds)
                    }
                    return latencies
                }
            }
            return try await group.reduce(into: []) { $0 += $1 }
        }
        let seconds = (clock.now - start).seconds
        let sorted = latencies.sorted()
        return Result(
            flows: sorted.count,
            seconds: seconds,
            p50: sorted.percentile(0.5),
            p99: sorted.percentile(0.99),
            commits: engine.counters.figures.groups - before
        )
    }

    /// Runs `count` flows, no matter how long it takes.
    func run(_ count: Int, concurrency: Int) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for caller in 0..<concurrency {
                group.addTask {
                    for _ in 0..<(count / concurrency) {
                        try await call(["email": .string("caller\(caller)@example.com"), "total": 7])
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    private func call(_ input: Value) async throws {
        let answer = try await engine.callPage(
            "ten",
            input: input,
            caller: Caller(id: "ann@example.com", roles: ["customer"]),
            idempotencyKey: nil,
            timeLimit: .seconds(60)
        )
        guard case .answered(let answer, _) = answer, answer.status == 200, answer.body["status"] == "PAID" else {
            throw BenchmarkFailure("the flow answered \(answer)")
        }
    }
}

/// Nothing that is measured leaves the process.
struct NoTransport: Transport {
    func send(_ request: OutsideRequest, mode: Mode) async -> TransportResult {
        .notSent(reason: "no network here", retryable: false)
    }
}

struct NoCredentials: CredentialSource {
    func secret(named name: String) -> Secret? { nil }
}

extension Duration {
    var seconds: Double { Double(components.seconds) + Double(components.attoseconds) / 1e18 }
}

extension [Double] {
    /// Of a sorted list.
    func percentile(_ share: Double) -> Double {
        isEmpty ? 0 : self[Swift.min(count - 1, Int(Double(count) * share))]
    }

    var median: Double { sorted().percentile(0.5) }
}
