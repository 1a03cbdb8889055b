import Connections
import Expressions
import FlowEngine
import FlowServer
import FlowStores
import Foundation
import Logging
import Payments
import ServiceLifecycle
import Synchronization

/// Signed events of Stripe against the server over HTTP: how many are durable in a second.
struct HookLoad {
    struct Result {
        /// Answers with 2xx in a second, each with a row in the inbox.
        var acceptedPerSecond: Double
        var refused: Int
        /// Callback runs that ended meanwhile, and in all.
        var finishedPerSecond: Double
        var p50: Double
        var p99: Double
        /// Seconds of the process's own processor time for one event, the callback runs included.
        var processorTime: Double
    }

    static let secret = "whsec_benchmark_1234567890"
    static let connections = 64

    let folder: String
    let wrk: String
    let script: String
    let seconds: Int
    /// Events that are made before; more than can be sent.
    let events: Int

    func measure() async throws -> Result {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let credentials = HookCredentials()
        return try await EngineLoad.with(folder: folder + "/store", credentials: credentials) { load in
            try Self.seedPayments(load, events: events)
            let webhook = StripeWebhook(
                connection: "stripe",
                mode: .test,
                credentials: StripeCredentials(credentials)
            )
            let port = Mutex(0)
            let isUp = AsyncStream.makeStream(of: Void.self)
            let server = RuntimeServer(
                engine: load.engine,
                stripe: PaymentsHookReceiver(engine: load.engine, webhook: webhook, payments: load.feature),
                random: SystemRandomSource(),
                configuration: ServerConfiguration(port: 0),
                logger: Logger(label: "bench") { _ in SwiftLogNoOpLogHandler() },
                onReady: { bound in
                    port.withLock { $0 = bound }
                    isUp.continuation.finish()
                }
            )
            let serving = Task { try await server.run() }
            for await _ in isUp.stream {}
            let bound = port.withLock { $0 }
            let requests = folder + "/requests"
            let length = try writeRequests(to: requests, port: bound)
            let before = try await counts(load)
            let processorTime = Machine.processorTime
            let output = try await Self.wrk(
                wrk,
                [
                    "-t1", "-c\(Self.connections)", "-d\(seconds)s", "--latency", "-s", script,
                    "http://127.0.0.1:\(bound)",
                ],
                ["RUNNEL_REQUESTS": requests, "RUNNEL_REQUEST_BYTES": "\(length)"]
            )
            let after = try await counts(load)
            let spent = Machine.processorTime - processorTime
            serving.cancel()
            _ = try? await serving.value
            return try result(output, before: before, after: after, spent: spent)
        }
    }

    private struct Counts: Sendable {
        var accepted: Int
        var finished: Int
    }

    private func counts(_ load: EngineLoad) async throws -> Counts {
        let accepted = try await load.store.read { reader throws(StoreError) in
            try reader.deliveryCounts()["stripe"]?.accepted ?? 0
        }
        return Counts(accepted: accepted, finished: load.engine.counters.figures.turns[.succeeded] ?? 0)
    }

    private func result(_ output: String, before: Counts, after: Counts, spent: Double) throws -> Result {
        // The script's last line: requests, microseconds, refused, p50, p99.
        guard let line = output.split(separator: "\n").last(where: { $0.hasPrefix("RUNNEL ") }) else {
            throw BenchmarkFailure("wrk gave no figures: \(output)")
        }
        let figures = line.split(separator: " ").dropFirst().compactMap { Double($0) }
        guard figures.count == 5 else { throw BenchmarkFailure("wrk gave odd figures: \(line)") }
        let time = figures[1] / 1e6
        let answered = Int(figures[0]) - Int(figures[2])
        let accepted = after.accepted - before.accepted
        // An answer may still be under way when wrk stops, so there may be a few rows more than answers, never fewer.
        guard accepted >= answered, accepted <= answered + Self.connections else {
            throw BenchmarkFailure("\(answered) answers with 2xx, but \(accepted) rows in the inbox")
        }
        return Result(
            acceptedPerSecond: Double(answered) / time,
            refused: Int(figures[2]),
            finishedPerSecond: Double(after.finished - before.finished) / time,
            p50: figures[3] / 1e6,
            p99: figures[4] / 1e6,
            processorTime: spent / Double(max(1, accepted))
        )
    }

    /// One in ten events is the success of a payment that is open here, and starts a callback run.
    static func seedPayments(_ load: EngineLoad, events: Int) throws {
        let count = events / 10
        for start in stride(from: 0, to: count, by: 1_000) {
            try load.store.writeGroup { transaction throws(StoreError) in
                for number in start..<min(start + 1_000, count) {
                    let order = try transaction.insert(
                        into: "orders",
                        [("email", "ann@example.com"), ("total", 1_000)]
                    )
                    _ = try transaction.insert(
                        into: "payments",
                        [
                            ("orderId", order["id"] ?? .null), ("amount", 1_000), ("currency", "usd"),
                            ("status", "CREATED"), ("intent", .string("pi_bench\(number)")), ("mode", "test"),
                            ("key", .string("key\(number)")),
                        ]
                    )
                }
            }
        }
    }

    /// Whole requests of one length, one behind the other; gives that length.
    private func writeRequests(to path: String, port: Int) throws -> Int {
        _ = FileManager.default.createFile(atPath: path, contents: nil)
        guard let file = FileHandle(forWritingAtPath: path) else { throw BenchmarkFailure("\(path) cannot be written") }
        defer { try? file.close() }
        let now = SystemClock().now()
        var length = 0
        var chunk: [UInt8] = []
        for number in 0..<events {
            let (body, signature) = Self.signed(number, at: now)
            let head =
                "POST /hooks/stripe HTTP/1.1\r\nHost: 127.0.0.1:\(port)\r\nContent-Type: application/json\r\n"
                + "Stripe-Signature: \(signature)\r\nContent-Length: \(body.count)\r\n\r\n"
            chunk += head.utf8
            chunk += body
            if length == 0 { length = chunk.count }
            if chunk.count > 1 << 22 {
                try file.write(contentsOf: Data(chunk))
                chunk = []
            }
        }
        try file.write(contentsOf: Data(chunk))
        return length
    }

    static func signed(_ number: Int, at time: Timestamp = SystemClock().now()) -> (body: [UInt8], signature: String) {
        let body = event(number)
        return (body, StripeSignature.sign(body: body, secret: Secret(secret), at: time))
    }

    /// An event of 2 kB, as Stripe sends it.
    static func event(_ number: Int) -> [UInt8] {
        let isPayment = number % 10 == 0
        let digits = String(1_000_000_000 + number)
        let type = isPayment ? "payment_intent.succeeded" : "customer.source.expiring"
        let intent = isPayment ? "pi_bench\(number / 10)" : "txi_bench\(number)"
        let text = """
            {"id":"evt_\(digits)","object":"event","api_version":"2026-08-26.dahlia","created":1798761600,"data":{"object":\
            {"id":"\(intent)","object":"payment_intent","amount":1000,"amount_capturable":0,"amount_received":1000,\
            "currency":"usd","status":"succeeded","livemode":false,"latest_charge":"ch_\(digits)","customer":null,\
            "metadata":{"note":"
            """
        let rest =
            "\"}}},\"livemode\":false,\"pending_webhooks\":1,\"request\":{\"id\":null,\"idempotency_key\":null},\"type\":\"\(type)\"}"
        let length = max(0, 2_048 - text.utf8.count - rest.utf8.count)
        return Array(text.utf8) + repeatElement(UInt8(ascii: "x"), count: length) + Array(rest.utf8)
    }

    private static func wrk(_ path: String, _ arguments: [String], _ environment: [String: String]) async throws
        -> String
    {
        try await withCheckedThrowingContinuation { continuation in
            // Waiting for a process blocks a thread, and the server needs those of the pool.
            Thread.detachNewThread {
                for (name, value) in environment { setenv(name, value, 1) }
                continuation.resume(with: Swift.Result { try ChildProgram.output(path, arguments) })
            }
        }
    }
}

struct HookCredentials: CredentialSource {
    func secret(named name: String) -> Secret? {
        name == "stripe.test.webhookSecret" ? Secret(HookLoad.secret) : nil
    }
}
