import Connections
import Expressions
import FlowEngine
import FlowLanguage
import Foundation
import HTTPTransport
import Logging
import StripeSimulator
import TestSupport
import Testing

@testable import CustomCode

// Goal: code that is killed anywhere creates nothing twice.
// Method: a simulator listens here; a child process runs a flow whose code creates a customer, a price and a
// subscription, and kills itself at a named point of a host call. Then this process opens the same folder, lets the run
// go on, and counts what the simulator has.
@Suite("Code that dies at a host call has done each of them once in the end", .serialized)
struct CodeCrashTests {
    static let code = """
        const customer = await stripe.customers.create({ email: 'ann@example.com' });
        const price = await stripe.prices.create({
          currency: 'usd', unit_amount: 1500, recurring: { interval: 'month' }, product_data: { name: 'Tea' },
        });
        const subscription = await stripe.subscriptions.create({
          customer: customer.id, items: [{ price: price.id }], payment_behavior: 'default_incomplete',
        });
        await records.insert('orders', { name: subscription.id, total: price.unit_amount });
        return { customer: customer.id, price: price.id, subscription: subscription.id };
        """

    static let points: [Failpoint] = [
        .keyBeforeCommit, .keyOnDisk, .sendBefore, .sendAfter, .receiveBeforeCommit, .receiveAfterCommit,
        .entryBeforeCommit,
    ]

    @Test("exactly one customer, one price and one subscription", arguments: points, [1, 2, 3])
    func killed(at point: Failpoint, passage: Int) async throws {
        let folder = FileManager.default.temporaryDirectory.path + "/runnel-code-" + UUID().uuidString
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try await Self.withSimulator { base in
            let failpoint = "\(point.rawValue):\(passage):kill"
            await #expect(processExitsWith: .signal(SIGKILL)) {
                [folder = folder as String, failpoint = failpoint as String, base = base as String] in
                setenv("RUNNEL_FAILPOINT", failpoint, 1)
                try await CodeCrashTests.play(folder, base, ManualClock())
            }
            // An hour later: what the dead process set timers for is due.
            try await Self.play(folder, base, ManualClock("2026-11-20T11:00:00Z"))
            for list in ["customers", "prices", "subscriptions?status=all"] {
                #expect(try await Self.count(list, base) == 1, "\(list)")
            }
        }
    }

    @Test("a client with a key of the code's own goes on after a kill with the key that the code gives again")
    func explicitKey() async throws {
        let folder = FileManager.default.temporaryDirectory.path + "/runnel-code-" + UUID().uuidString
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try await Self.withSimulator { base in
            for (passage, point) in [Failpoint.keyOnDisk, .sendAfter, .receiveBeforeCommit].enumerated() {
                let failpoint = "\(point.rawValue):\(passage == 0 ? 2 : 1):kill"
                let time = "2026-11-20T1\(passage):00:00Z"
                await #expect(processExitsWith: .signal(SIGKILL)) {
                    [
                        folder = folder as String, failpoint = failpoint as String, base = base as String,
                        time = time as String
                    ] in
                    setenv("RUNNEL_FAILPOINT", failpoint, 1)
                    try await CodeCrashTests.play(folder, base, ManualClock(time), code: CodeCrashTests.ownKey)
                }
            }
            try await Self.play(folder, base, ManualClock("2026-11-20T14:00:00Z"), code: Self.ownKey)
            for list in ["customers", "prices", "subscriptions?status=all"] {
                #expect(try await Self.count(list, base) == 1, "\(list)")
            }
        }
    }

    /// The same with a client of its own; the key in two parts, since in one it looks like one that was lost here.
    static let ownKey = "const own = new Stripe('sk_test_' + 'simulator');\n" + code.replacing("stripe.", with: "own.")

    /// Starts the run if the folder has none, and waits until it has succeeded.
    static func play(_ folder: String, _ base: String, _ clock: ManualClock, code: String = code) async throws {
        let explicit = ExplicitCredentials()
        let pool = CodePool(.init(executable: try CodeDesk.executable), credentials: explicit)
        let world = try CodeWorld([CodeBlockTests.flow(code)], folder: folder, clock: clock)
        let http = HTTPClient()
        let endpoint = try #require(StripeEndpoint(loopback: base))
        let service = StripeService(
            endpoint: endpoint,
            credentials: StripeCredentials(SimulatorKey()),
            explicit: explicit
        )
        let transport = ServiceTransport(
            connections: world.app.connections,
            services: ["stripe": service],
            sender: { request throws(HTTPError) in try await http.send(request) }
        )
        try await world.run(transport: transport, code: pool) { engine in
            let runs = try await engine.store.read { (reader) throws(StoreError) in
                try reader.runs(matching: RunFilter(limit: 10))
            }
            var run = runs.first?.id
            if run == nil {
                run = try await engine.start("f", input: [:], trigger: .null, origin: .manual, caller: .system)
            }
            let record = try await engine.finished(try #require(run), moving: clock)
            #expect(record.status == .succeeded, "\(record.failure?.message ?? "")")
            #expect(try await engine.rows("orders").count == 1)
        }
        await http.shutdown()
    }

    struct SimulatorKey: CredentialSource {
        func secret(named name: String) -> Secret? {
            name == "stripe.test.secretKey" ? Secret(["sk", "test", "simulator"].joined(separator: "_")) : nil
        }
    }

    /// Runs a simulator on a free loopback port for the time of a closure.
    static func withSimulator(_ body: (String) async throws -> Void) async throws {
        var configuration = SimulatorConfiguration()
        configuration.port = 0
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let simulator = StripeSimulator(configuration: configuration, logger: logger)
        let running = Task { try await simulator.run() }
        let result: Result<Void, any Error>
        do {
            result = .success(try await body("http://127.0.0.1:\(await simulator.boundPort())"))
        } catch {
            result = .failure(error)
        }
        running.cancel()
        _ = try? await running.value  // Cancelled on purpose.
        try result.get()
    }

    private static func count(_ list: String, _ base: String) async throws -> Int {
        let http = HTTPClient()
        let key = try #require(SimulatorKey().secret(named: "stripe.test.secretKey"))
        let response = try await http.send(
            HTTPRequest(
                method: "GET",
                url: "\(base)/v1/\(list)",
                headers: ["Authorization": "Bearer \(key.reveal())"],
                addressPolicy: .loopbackOnly
            )
        )
        await http.shutdown()
        return try JSON.parse(response.body)["data"]?.listValue?.count ?? -1
    }
}
