import Crypto
import Expressions
import Foundation
import Testing

@testable import runnel

extension PaidOrderTests {
    /// - Returns: the id of an order that nobody has paid.
    func newOrder(in world: DemoWorld) async throws -> Int64 {
        let client = world.client
        _ = try await client.page("add-product", ["name": "Mug", "price": 1299], token: client.adminToken)
        let order = try await client.page("place-order", ["product": 1, "quantity": 2], token: client.customerToken)
        return try #require(order.body["orderId"]?.intValue)
    }

    func paidOrder(in world: DemoWorld) async throws -> Int64 {
        let order = try await newOrder(in: world)
        let client = world.client
        let checkout = try await client.page("checkout", ["orderId": .int(order)], token: client.customerToken)
        let intent = try await client.pay(checkout.body, card: "pm_card_visa")
        try await expectPaid(order, intent, in: world)
        return order
    }

    func expectPaid(_ order: Int64, _ intent: String, in world: DemoWorld) async throws {
        let client = world.client
        let status = try await client.settled(on: "PAID") {
            try await client.row("orders", order)["status"]?.stringValue
        }
        #expect(status == "PAID", "\(world.log())")
        let charges = try await client.stripe("GET", "/v1/charges?payment_intent=\(intent)")
        #expect(charges["data"]?.listValue?.count == 1)
    }

    /// Sets a signing secret that the test knows: the one that the simulator's end point got is the world's own.
    func hookSecret(of world: DemoWorld) async throws -> String {
        let secret = "whsec_endToEndTest"
        let words = ["secrets", "set", "stripe.test.webhookSecret", world.app]
        let result = try ChildProcess.run(
            world.executable,
            words,
            environment: world.environment,
            input: secret + "\n"
        )
        try #require(result.code == 0, "\(result.errors)")
        return secret
    }

    /// An event as Stripe holds it, as bytes to post.
    func event(_ type: String, in world: DemoWorld) async throws -> [UInt8] {
        let events = try await world.client.stripe("GET", "/v1/events?type=\(type)")
        return try JSON.encode(#require(events["data"]?.listValue?.first))
    }

    func sampleEvent() -> [UInt8] {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let file = root.appending(path: "samples/shop/events/payment_intent.succeeded.json")
        return Array(FileManager.default.contents(atPath: file.path) ?? Data())
    }

    /// Stripe's header, made here by hand: hexadecimal HMAC-SHA256 over `<t>.<body>`.
    func signature(of body: [UInt8], secret: String, at date: Date) -> String {
        let stamp = Int(date.timeIntervalSince1970)
        let message = Array("\(stamp).".utf8) + body
        let code = HMAC<SHA256>.authenticationCode(for: message, using: SymmetricKey(data: Array(secret.utf8)))
        let digits = Array("0123456789abcdef")
        let hex = code.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }
        return "t=\(stamp),v1=\(String(hex))"
    }

    func callbackRuns(in world: DemoWorld) throws -> [Value] {
        let words = ["runs", "list", world.app, "--flow", "payment-callback", "--limit", "100", "--json"]
        return try JSON.parse(world.runnel(words)).listValue ?? []
    }

    func allRuns(in world: DemoWorld) throws -> [Value] {
        try JSON.parse(world.runnel(["runs", "list", world.app, "--limit", "100", "--json"])).listValue ?? []
    }

    /// The lines of `/metrics` that count deliveries.
    func deliveries(_ metrics: String) -> [String] {
        metrics.split(separator: "\n").filter { $0.hasPrefix("runnel_deliveries") }.map(String.init)
    }
}
