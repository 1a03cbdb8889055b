import Expressions
import FlowEngine
import FlowLanguage
import Payments
import TestSupport
import Testing

/// Whatever order Stripe's events come in, however often, and with one late: the same tables, and each effect once.
///
/// Method: the simulator plays a story and its web hooks are kept back. Then the story's events are taken in, from the
/// same state, in every order (2,000 by chance beyond 7 events), each doubled and one once more at the end; the
/// sample's own callback flows run after each event or all at the end. The right order's tables are the measure.
@Suite("Every order of events")
struct PermutationTests {
    struct Story: Sendable, CustomTestStringConvertible {
        var name: String
        var sample: String
        /// Leaves the story's web hooks at Stripe.
        var play: @Sendable (SimulatedWorld) async throws -> Void
        /// The blocks that must run exactly so often: `flow path`.
        var once: [String: Int]
        /// What the order table's rows end as.
        var orders: [String]

        var testDescription: String { name }
    }

    private static let paid = "payment-callback outcome/3/markPaid"

    static let stories: [Story] = [
        Story(name: "paid", sample: "shop", play: { try await pay($0) }, once: [paid: 1], orders: ["PAID"]),
        Story(
            name: "declined, then paid",
            sample: "shop",
            play: { world in try await pay(world, ["pm_card_visa_chargeDeclined", "pm_card_visa"]) },
            once: [paid: 1],
            orders: ["PAID"]
        ),
        Story(
            name: "3-D Secure",
            sample: "shop",
            play: { world in try await pay(world, ["pm_card_threeDSecure2Required"]) },
            once: [paid: 1],
            orders: ["PAID"]
        ),
        Story(
            name: "paid, a part given back",
            sample: "shop",
            play: { world in
                try await pay(world)
                try await refund(500, world)
            },
            once: [paid: 1, "refund-callback handler": 1],
            orders: ["PAID"]
        ),
        Story(
            name: "paid, given back in two parts",
            sample: "shop",
            play: { world in
                try await pay(world)
                try await refund(500, world)
                try await refund(799, world)
            },
            once: [paid: 1, "refund-callback handler": 2],
            orders: ["REFUNDED"]
        ),
        Story(
            name: "paid, a refund that fails",
            sample: "shop",
            play: { world in
                try await pay(world, ["pm_card_refundFail"])
                try await refund(500, world)
                wait(days: 20, world)
            },
            once: [paid: 1],
            orders: ["PAID"]
        ),
        Story(
            name: "subscription start",
            sample: "subscriptions",
            play: { try await start($0) },
            once: ["recurring-charge-callback outcome/4/markPaid": 1],
            orders: ["PAID"]
        ),
        Story(
            name: "renewal",
            sample: "subscriptions",
            play: { world in
                try await SampleTests.subscribe(in: world)
                wait(days: 32, world)
            },
            once: ["recurring-charge-callback outcome/5/newOrder": 1],
            orders: ["PAID", "PAID"]
        ),
        Story(
            name: "failed renewal",
            sample: "subscriptions",
            play: { world in
                try await SampleTests.subscribe(in: world)
                try await SampleTests.useCard("pm_card_chargeCustomerFail", in: world)
                wait(days: 32, world)
            },
            once: [
                "recurring-charge-callback outcome/5/newOrder": 0, "recurring-charge-callback outcome/4/markPaid": 0,
            ],
            orders: ["PAID"]
        ),
        Story(
            name: "cancel",
            sample: "subscriptions",
            play: { world in
                try await SampleTests.subscribe(in: world)
                try await world.page("unsubscribe", ["orderId": 1])
                wait(days: 32, world)
            },
            once: ["recurring-payment-callback outcome/1/markEnded": 1],
            orders: ["ENDED"]
        ),
    ]

    @Test("an order of the events ends in the tables of the right order, and does each thing once", arguments: stories)
    func everyOrder(story: Story) async throws {
        try await SimulatedWorld.with(story.sample) { world in
            try await story.play(world)
            let player = StoryPlayer(world, world.stripe.takeHooks())
            let orders = player.orders(seed: 2026)
            let events = player.events.map(\.event.type)
            #expect(events.count >= 2, "\(events)")
            let faults = try await world.engine.write { transaction throws(StoreError) in
                try Self.faults(story, player, orders, in: transaction)
            }
            #expect(faults.isEmpty, "\(events)\n\(faults.prefix(5).joined(separator: "\n"))")
        }
    }

    /// What differs from the right order, in words; empty when nothing does.
    private static func faults(
        _ story: Story,
        _ player: StoryPlayer,
        _ orders: [[Int]],
        in transaction: any StoreTransaction
    ) throws(StoreError) -> [String] {
        var faults: [String] = []
        let right = try player.play(Array(player.events.indices), runsAtEnd: false, in: transaction)
        let statuses = right.tables.filter { $0.hasPrefix("orders: ") }
            .compactMap { line in line.split(separator: " ").first { $0.hasPrefix("status=") } }
        let wanted = story.orders.map { "status=\(Value.string($0))" }
        if statuses.map(String.init).sorted() != wanted.sorted() {
            faults.append("the right order ends in \(statuses)")
        }
        for (number, order) in orders.enumerated() {
            let ending = try player.play(order, runsAtEnd: number % 3 == 2, in: transaction)
            if ending.tables != right.tables {
                let lines = Set(ending.tables).symmetricDifference(right.tables).sorted()
                faults.append("\(order): tables differ:\n\(lines.joined(separator: "\n"))")
            }
            for (block, count) in story.once where ending.visits[block, default: 0] != count {
                faults.append("\(order): \(block) ran \(ending.visits[block, default: 0]) times")
            }
            for (change, count) in ending.handled where count > 1 {
                faults.append("\(order): \(change) \(count) times")
            }
            faults += ending.failures.map { "\(order): \($0)" }
            if faults.count > 20 { break }
        }
        return faults
    }

    // MARK: Parts of stories

    /// Ann's order, its checkout, and the cards she tries; nothing is delivered.
    private static func pay(_ world: SimulatedWorld, _ cards: [String] = ["pm_card_visa"]) async throws {
        try await world.page("add-product", ["name": "Mug", "price": 1299], as: SimulatedWorld.admin)
        try await world.page("place-order", ["product": 1])
        let checkout = try await world.page("checkout", ["orderId": 1])
        _ = world.stripe.takeHooks()
        let secret = try #require(checkout.body["clientSecret"]?.stringValue)
        for card in cards {
            let answer = try world.stripe.confirm(secret, card: card)
            if let url = answer["next_action"]?["redirect_to_url"]?["url"]?.stringValue {
                try world.stripe.approve(url)
            }
            wait(seconds: 5, world)
        }
    }

    private static func refund(_ amount: Int, _ world: SimulatedWorld) async throws {
        let intent = try #require(try await world.column("intent", of: "payments").first?.stringValue)
        try world.stripe.call("POST", "/v1/refunds", "payment_intent=\(intent)&amount=\(amount)")
        wait(seconds: 5, world)
    }

    private static func start(_ world: SimulatedWorld) async throws {
        let secret = try await SampleTests.begin(in: world)
        _ = world.stripe.takeHooks()
        try world.stripe.confirm(secret, card: "pm_card_visa")
        wait(seconds: 3_600, world)
    }

    private static func wait(days: Int64, _ world: SimulatedWorld) { wait(seconds: days * 86_400, world) }

    private static func wait(seconds: Int64, _ world: SimulatedWorld) {
        world.stripe.advance(bySeconds: seconds)
        world.clock.advance(by: .seconds(seconds))
    }
}
