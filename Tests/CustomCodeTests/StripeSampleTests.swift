import Connections
import Expressions
import FlowEngine
import FlowLanguage
import FlowStores
import Foundation
import HTTPTransport
import Logging
import Payments
import TestSupport
import Testing

@testable import CustomCode

@Suite("What users of stripe-node write runs as it stands, against the simulator")
struct StripeSampleTests {
    static let folder = #filePath.replacing(
        "Tests/CustomCodeTests/StripeSampleTests.swift",
        with: "samples/stripe-code"
    )

    static let expected: [String: Value] = [
        "retrieve-expanded": ["status": "succeeded", "email": "bea@example.com"],
        "list-everything": ["manual": 5, "automatic": 5, "collected": 5],
        "subscribe-and-cancel": [
            "created": "incomplete", "updated": "6735", "cancelled": "canceled", "price": "$15.00",
        ],
        "handle-errors": [
            "declined": ["kind": "card", "code": "card_declined", "decline": "insufficient_funds", "status": 402],
            "missing": ["kind": "request", "code": "resource_missing", "param": "id", "status": 404],
            "invalid": ["kind": "request", "code": "parameter_missing", "param": "amount", "status": 400],
        ],
        "repeat-safely": ["same": true, "conflict": "StripeIdempotencyError"],
        "verify-webhook": ["type": "payment_intent.succeeded", "refused": "StripeSignatureVerificationError"],
    ]

    @Test("the app has no findings, and its code parses")
    func isSound() async throws {
        let compilation = AppCompiler(catalogue: PaymentsCatalogue.catalogue).compile(try AppFolder.read(Self.folder))
        #expect(compilation.diagnostics.isEmpty, "\(compilation.diagnostics)")
        let findings = try await CodeSyntaxCheck(CodeDesk().pool).findings(in: try #require(compilation.app))
        #expect(findings.isEmpty, "\(findings)")
    }

    @Test("a sample gives what it promises", arguments: expected.keys.sorted())
    func sample(_ flow: String) async throws {
        #expect(try await Self.play(flow) == Self.expected[flow])
    }

    @Test("the first sample makes a customer, and the row that remembers it")
    func createsCustomer() async throws {
        let result = try await Self.play("create-customer")
        #expect(result["row"] == 1)
        #expect(result["customer"]?.stringValue?.hasPrefix("cus_") == true)
    }

    private static func play(_ flow: String) async throws -> Value {
        let compilation = AppCompiler(catalogue: PaymentsCatalogue.catalogue).compile(try AppFolder.read(folder))
        let app = try #require(compilation.app)
        let data = FileManager.default.temporaryDirectory.path + "/runnel-sample-" + UUID().uuidString
        defer { try? FileManager.default.removeItem(atPath: data) }
        let clock = ManualClock()
        let store = try SQLiteStore(folder: data, tables: app.tables, configuration: .init(clock: clock))
        defer { store.close() }
        var result = Value.null
        try await CodeCrashTests.withSimulator { base in
            let http = HTTPClient()
            let service = StripeService(
                endpoint: try #require(StripeEndpoint(loopback: base)),
                credentials: StripeCredentials(CodeCrashTests.SimulatorKey())
            )
            let transport = ServiceTransport(
                connections: app.connections,
                services: ["stripe": service],
                sender: { request throws(HTTPError) in try await http.send(request) }
            )
            let engine = Engine(
                app: app,
                store: store,
                transport: transport,
                clock: clock,
                random: SeededRandomSource(),
                features: [],
                code: try CodeDesk().pool,
                mode: .test,
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
            )
            let running = Task { try await engine.run() }
            await engine.waitUntilReady()
            let record = try await engine.play(flow)
            #expect(record.status == .succeeded, "\(record.failure?.message ?? "")")
            result = record.answer?.body["result"] ?? .null
            running.cancel()
            try await running.value
            await http.shutdown()
        }
        return result
    }
}
