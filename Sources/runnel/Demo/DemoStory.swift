import Expressions
import Foundation

/// Plays the shop: an order is paid and refunded, another one's card is declined.
///
/// Every state is read back over HTTP from the process that holds it.
struct DemoStory {
    let world: DemoWorld
    private var mismatches: [String] = []

    init(world: DemoWorld) { self.world = world }

    /// - Returns: what was not as it should be; empty when all went well.
    static func play(in world: DemoWorld) async throws -> [String] {
        var story = DemoStory(world: world)
        try await story.paidAndRefunded()
        try await story.declined()
        return story.mismatches
    }

    private mutating func paidAndRefunded() async throws {
        Console.data("1. Ann orders two mugs and pays with 4242 4242 4242 4242")
        let product = try await page("add-product", ["name": "Mug", "price": 1299], token: world.client.adminToken)
        let order = try await placeOrder(product: product, quantity: 2)
        try await expectOrder(order, "NEW")
        let checkout = try await page("checkout", ["orderId": .int(order)], token: world.client.customerToken)
        let intent = try await pay(checkout, card: "pm_card_visa")
        try await expectOrder(order, "PAID")
        try await expectStripe("/v1/payment_intents/\(intent)", "status", "succeeded")
        try showRuns(["checkout", "payment-callback"])

        Console.data("\n2. The boss gives the money back")
        _ = try await page("refund-order", ["orderId": .int(order)], token: world.client.adminToken)
        try await expectOrder(order, "REFUNDED")
        let payment = try await world.client.stripe(
            "GET",
            "/v1/refunds?payment_intent=\(intent)",
            key: DemoClient.secretKey
        )
        let refunds = payment["data"]?.listValue ?? []
        expect("refunds at Stripe", "\(refunds.count)", "1")
        expect("refunded at Stripe", "\(refunds.first?["amount"]?.intValue ?? 0)", "2598")
        try showRuns(["refund-order", "refund-callback"])
    }

    private mutating func declined() async throws {
        Console.data("\n3. Ann orders another mug; her card is declined")
        let order = try await placeOrder(product: ["productId": 1], quantity: 1)
        let checkout = try await page("checkout", ["orderId": .int(order)], token: world.client.customerToken)
        let intent = try await pay(checkout, card: "pm_card_visa_chargeDeclined")
        try await expectPayment(of: checkout, "FAILED")
        try await expectOrder(order, "NEW")
        try await expectStripe("/v1/payment_intents/\(intent)", "status", "requires_payment_method")
        try showRuns(["payment-callback"])
    }

    // MARK: Steps

    private mutating func page(_ flow: String, _ input: Value, token: String) async throws -> Value {
        let answer = try await world.client.page(flow, input, token: token)
        expect("POST /pages/\(flow)", "\(answer.status)", "200")
        return answer.body
    }

    private mutating func placeOrder(product: Value, quantity: Int64) async throws -> Int64 {
        let order = try await page(
            "place-order",
            ["product": product["productId"] ?? .null, "quantity": .int(quantity)],
            token: world.client.customerToken
        )
        return order["orderId"]?.intValue ?? 0
    }

    private mutating func pay(_ checkout: Value, card: String) async throws -> String {
        expect("publishable key", checkout["publishableKey"]?.stringValue ?? "", DemoClient.publishableKey)
        return try await world.client.pay(checkout, card: card)
    }

    private mutating func expectOrder(_ id: Int64, _ status: String) async throws {
        let seen = try await world.client.settled(on: status) {
            try await world.client.row("orders", id)["status"]?.stringValue
        }
        expect("order \(id)", seen, status)
    }

    private mutating func expectPayment(of checkout: Value, _ status: String) async throws {
        let id = checkout["paymentId"]?.intValue ?? 0
        let seen = try await world.client.settled(on: status) {
            try await world.client.row("payments", id)["status"]?.stringValue
        }
        expect("payment \(id)", seen, status)
    }

    private mutating func expectStripe(_ path: String, _ field: String, _ value: String) async throws {
        let object = try await world.client.stripe("GET", path, key: DemoClient.secretKey)
        expect("\(field) at Stripe", object[field]?.stringValue ?? "", value)
    }

    private mutating func expect(_ what: String, _ seen: String, _ wanted: String) {
        let mark = seen == wanted ? "✓" : "✗"
        Console.data("   \(mark) \(what): \(seen)\(seen == wanted ? "" : ", expected \(wanted)")")
        if seen != wanted { mismatches.append("\(what) is \(seen), expected \(wanted)") }
    }

    /// Prints the newest run of each flow as a tree.
    private func showRuns(_ flows: [String]) throws {
        for flow in flows {
            let list = try JSON.parse(
                world.runnel(["runs", "list", world.app, "--flow", flow, "--limit", "1", "--json"])
            )
            guard let id = list.listValue?.first?["id"]?.intValue else { continue }
            let tree = try world.runnel(["runs", "show", "\(id)", world.app])
            for line in tree.split(separator: "\n") { Console.data("     \(line)") }
        }
    }
}
