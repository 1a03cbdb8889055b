import CustomCode
import Expressions
import FlowEngine
import FlowLanguage
import FlowStores
import Foundation
import Logging

/// Measures code blocks beside what the issue asks of them; needs `runnel-code-worker` beside itself.
///
/// Arguments choose sections: `cold`, `calls`, `json`, `beside`; none: all.
///
/// Each line: what, the figure, the bound, whether it holds. Nothing is a ratio here: the bounds are absolute.
@main
struct CodeBenchmark {
    static func main() async throws {
        guard let executable = WorkerLocation.find() else {
            FileHandle.standardError.write(Data("no runnel-code-worker beside this program\n".utf8))
            exit(2)
        }
        let sections: [(name: String, measure: (String) async throws -> Void)] = [
            ("cold", coldStart), ("calls", trivialCalls), ("json", largeJSON), ("beside", beside),
        ]
        let chosen = CommandLine.arguments.dropFirst()
        for section in sections where chosen.isEmpty || chosen.contains(section.name) {
            try await section.measure(executable)
        }
    }

    private static func line(_ what: String, _ value: Double, _ unit: String, _ bound: String, _ holds: Bool) {
        let figure = String(format: "%.2f", value)
        let text = "\(holds ? "ok " : "BAD") \(what): \(figure) \(unit) (\(bound))\n"
        FileHandle.standardOutput.write(Data(text.utf8))
    }

    private static func seconds(_ body: () async throws -> Void) async rethrows -> Double {
        let start = ContinuousClock.now
        try await body()
        let time = ContinuousClock.now - start
        return Double(time.components.seconds) + Double(time.components.attoseconds) / 1e18
    }

    private static func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }

    private static func job(_ code: String, _ run: Int64 = 1, args: Value = [:], milliseconds: Int = 1_000) -> CodeJob {
        CodeJob(
            address: EntryAddress(run: RunID(run), path: BlockPath("code"), visit: 1, attempt: 1),
            block: CodeBlock(
                body: CodeText(file: "code.js", text: code),
                limits: CodeLimits(milliseconds: milliseconds)
            ),
            args: args,
            mode: .test,
            now: SystemClock().now(),
            seed: Array(repeating: 7, count: 32)
        )
    }

    private static func value(_ pool: CodePool, _ job: CodeJob) async throws -> Value {
        guard case .returned(let value) = await pool.advance(job, answers: []).step else { throw BenchmarkFailure() }
        return value
    }

    private struct BenchmarkFailure: Error {}

    // MARK: Measurements

    private static func coldStart(_ executable: String) async throws {
        var times: [Double] = []
        for _ in 0..<15 {
            let pool = CodePool(.init(executable: executable))
            times.append(try await seconds { _ = try await pool.probe() })
        }
        line("cold worker, p50", median(times) * 1_000, "ms", "at most 40", median(times) <= 0.040)
    }

    private static func trivialCalls(_ executable: String) async throws {
        let pool = CodePool(.init(executable: executable))
        let trivial = job("return 1 + 1")
        for _ in 0..<200 { _ = try await value(pool, trivial) }
        var times: [Double] = []
        for _ in 0..<2_000 { times.append(try await seconds { _ = try await value(pool, trivial) }) }
        line("trivial call, warm, p50", median(times) * 1_000, "ms", "at most 1", median(times) <= 0.001)
        let count = 8_000
        let time = try await seconds {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for worker in 0..<8 {
                    group.addTask {
                        for number in 0..<count / 8 {
                            _ = try await value(pool, job("return 1 + 1", Int64(worker * count + number)))
                        }
                    }
                }
                try await group.waitForAll()
            }
        }
        let rate = Double(count) / time
        line("trivial calls, all cores", rate, "calls/s", "at least 2,000", rate >= 2_000)
    }

    private static func largeJSON(_ executable: String) async throws {
        let pool = CodePool(.init(executable: executable))
        let row: Value = [
            "id": 123_456, "name": "a row of some length, with text", "price": 1_999, "tags": ["a", "b", "c"],
        ]
        let rows = Value.list(Array(repeating: row, count: 12_000))
        let bytes = try JSON.encode(rows).count
        let large = job("return args", args: rows)
        var times: [Double] = []
        for _ in 0..<15 { times.append(try await seconds { _ = try await value(pool, large) }) }
        let what = "\(bytes / 1_000) kB of JSON in and out, p50"
        line(what, median(times) * 1_000, "ms", "at most 25", median(times) <= 0.025)
    }

    /// Flows a second of record blocks while two scripts never end, beside the windows of time before and after in which
    /// none runs: the machine's own drift is in both.
    private static func beside(_ executable: String) async throws {
        let pool = CodePool(.init(executable: executable))
        var alone = [try await flowsPerSecond()]
        var shares: [Double] = []
        for pair in 0..<Int64(5) {
            // Processor time for the whole window, and next to none behind it.
            let endless = (1...2).map { job("for (;;) {}", 2 * pair + $0, milliseconds: 3_500) }
            async let first = pool.advance(endless[0], answers: [])
            async let second = pool.advance(endless[1], answers: [])
            let burning = try await flowsPerSecond()
            _ = await (first, second)
            alone.append(try await flowsPerSecond())
            shares.append(burning / ((alone[alone.count - 2] + alone[alone.count - 1]) / 2) * 100)
        }
        line("flows of ten record blocks, alone, median of six windows", median(alone), "flows/s", "no bound", true)
        let share = median(shares)
        let spread = shares.sorted().map { String(format: "%.0f", $0) }.joined(separator: " ")
        line("the same while two scripts burn, median of \(spread)", share, "%", "at least 80", share >= 80)
    }

    /// One window of three seconds.
    private static func flowsPerSecond() async throws -> Double {
        let app = try app()
        let folder = NSTemporaryDirectory() + "runnel-code-benchmark-\(getpid())-\(UInt32.random(in: 0...UInt32.max))"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let store = try SQLiteStore(folder: folder, tables: app.tables)
        defer { store.close() }
        let engine = Engine(
            app: app,
            store: store,
            transport: NoTransport(),
            clock: SystemClock(),
            random: SystemRandomSource(),
            features: [],
            mode: .test,
            logger: Logger(label: "benchmark") { _ in SwiftLogNoOpLogHandler() }
        )
        let running = Task { try await engine.run() }
        await engine.waitUntilReady()
        let start = ContinuousClock.now + .milliseconds(300)
        let end = start + .seconds(3)
        let count = try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<32 {
                group.addTask {
                    var count = 0
                    while ContinuousClock.now < end {
                        _ = try await engine.callPage(
                            "ten",
                            input: ["total": 5],
                            caller: .system,
                            idempotencyKey: nil,
                            timeLimit: .seconds(60)
                        )
                        let now = ContinuousClock.now
                        if now >= start, now < end { count += 1 }
                    }
                    return count
                }
            }
            return try await group.reduce(0, +)
        }
        running.cancel()
        try await running.value
        return Double(count) / 3
    }

    private struct NoTransport: Transport {
        func send(_ request: OutsideRequest, mode: Mode) async -> TransportResult {
            .notSent(reason: "nothing is reached here", retryable: false)
        }
    }

    private static func app() throws -> App {
        var blocks = ""
        for number in 0..<5 {
            blocks += """
                  - id: insert\(number)
                    block: insert-record
                    table: orders
                    set: { total: '${ input.total }' }
                  - id: update\(number)
                    block: update-record
                    table: orders
                    where: { id: '${ blocks.insert\(number).id }' }
                    set: { total: '${ record.total + 1 }' }

                """
        }
        let declaration = "app: bench\ncurrency: usd\ntables:\n  orders:\n    columns:\n      total: { type: int }\n"
        let flow = "flow: ten\nkind: page\ninput:\n  total: { type: int }\nblocks:\n" + blocks
        let compilation = AppCompiler(catalogue: Catalogue()).compile([
            SourceFile(path: "app.yaml", bytes: Array(declaration.utf8)),
            SourceFile(path: "flows/ten.yaml", bytes: Array(flow.utf8)),
        ])
        guard let app = compilation.app else { throw BenchmarkFailure() }
        return app
    }
}
