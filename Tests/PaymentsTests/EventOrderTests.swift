import Expressions
import FlowEngine
import FlowLanguage
import Testing

@testable import Payments

/// Any order, repetition or delay of events ends in the same rows, and each change is handled once.
///
/// Method: for each set of events, every permutation is played on a payment of its own, each event twice at once and
/// once more at the end, with the callbacks run after each event, or all at the end; rows and handled changes are
/// compared with those of the right order.
@Suite("Any order of events")
struct EventOrderTests {
    struct Story: Sendable, CustomTestStringConvertible {
        var name: String
        /// Makes the events, in the right order, for an intent.
        var events: @Sendable (String) -> [TestEvent]
        var status: PaymentStatus
        /// Whether exactly one run must handle this transition.
        var once: String?

        var testDescription: String { name }
    }

    static let stories: [Story] = [
        Story(
            name: "paid",
            events: {
                [
                    .intent("payment_intent.created", $0, status: "requires_payment_method"),
                    .intent("payment_intent.processing", $0, status: "processing"),
                    .charge("charge.succeeded", $0, status: "succeeded"), .succeeded($0),
                    .charge("charge.updated", $0, status: "succeeded"),
                ]
            },
            status: .succeeded,
            once: "SUCCEEDED"
        ),
        Story(
            name: "declined twice in one second, then paid",
            events: {
                [
                    .failed($0, "insufficient_funds"), .charge("charge.failed", $0, status: "failed", id: "ch_no"),
                    .failed($0, "lost_card", at: 1_700_000_001), .charge("charge.succeeded", $0, status: "succeeded"),
                    .succeeded($0),
                ]
            },
            status: .succeeded,
            once: "SUCCEEDED"
        ),
        Story(
            name: "declined three times",
            events: {
                [
                    .failed($0, "a_code"), .failed($0, "b_code", at: 1_700_000_005),
                    .failed($0, "c_code", at: 1_700_000_003),
                ]
            },
            status: .failed,
            once: "FAILED"
        ),
        Story(
            name: "3-D Secure, then paid",
            events: {
                [
                    .intent("payment_intent.requires_action", $0, status: "requires_action"),
                    .intent("payment_intent.processing", $0, status: "processing"),
                    .charge("charge.succeeded", $0, status: "succeeded"), .succeeded($0),
                ]
            },
            status: .succeeded,
            once: "SUCCEEDED"
        ),
        Story(
            name: "declined, then 3-D Secure",
            events: {
                [
                    .intent("payment_intent.processing", $0, status: "processing"), .failed($0, at: 1_700_000_003),
                    .intent(
                        "payment_intent.requires_action",
                        $0,
                        status: "requires_action",
                        created: 1_700_000_005
                    ),
                ]
            },
            status: .requiresAction,
            once: "REQUIRES_ACTION"
        ),
        Story(
            name: "3-D Secure, then declined",
            events: {
                [
                    .intent("payment_intent.requires_action", $0, status: "requires_action"),
                    .failed($0, at: 1_700_000_005), .failed($0, "other_code", at: 1_700_000_003),
                ]
            },
            status: .failed,
            once: "FAILED"
        ),
        Story(
            name: "declined, then cancelled",
            events: {
                [
                    .failed($0), .intent("payment_intent.requires_action", $0, status: "requires_action"),
                    .intent("payment_intent.canceled", $0, status: "canceled"),
                ]
            },
            status: .cancelled,
            once: "CANCELLED"
        ),
        Story(
            name: "paid, given back in two parts",
            events: {
                [
                    .succeeded($0), .refund("refund.created", "re_a\($0)", of: $0, status: "pending", amount: 300),
                    .refund("refund.updated", "re_a\($0)", of: $0, status: "succeeded", amount: 300),
                    .refund("refund.created", "re_b\($0)", of: $0, status: "succeeded", amount: 700),
                    .charge("charge.refunded", $0, status: "succeeded"),
                ]
            },
            status: .succeeded,
            once: "SUCCEEDED"
        ),
        Story(
            name: "paid, a refund that fails after it looked fine, another that is cancelled",
            events: {
                [
                    .succeeded($0), .refund("refund.created", "re_a\($0)", of: $0, status: "succeeded", amount: 400),
                    .refund("refund.failed", "re_a\($0)", of: $0, status: "failed", amount: 400),
                    .refund("refund.created", "re_b\($0)", of: $0, status: "requires_action", amount: 200),
                    .refund("refund.updated", "re_b\($0)", of: $0, status: "canceled", amount: 200),
                ]
            },
            status: .succeeded,
            once: "SUCCEEDED"
        ),
    ]

    /// What must be the same in the end.
    struct Ending: Hashable {
        var status: Value?
        var received: Value?
        var refunded: Value?
        var refundPending: Value?
        var charge: Value?
        var failureCode: Value?
        var statusAt: Value?
        var refunds: [String]
    }

    @Test("a permutation ends in the rows of the right order, and handles each change at most once", arguments: stories)
    func permutations(story: Story) throws {
        let world = try PaymentsWorld()
        var expected: Ending?
        var number = 0
        for order in permutations(of: story.events("x").count) {
            for runsAtEnd in [false, true] {
                number += 1
                let intent = "pi_\(number)"
                let events = story.events(intent)
                let (ending, handled) = try world.write { transaction throws(StoreError) in
                    try open(intent, in: transaction)
                    var handled: [String: Int] = [:]
                    let note = { (outputs: [ValueMap]) in
                        for output in outputs where output["callbackProcessed"] == .bool(false) {
                            let status = output["paymentStatus"] ?? output["status"]
                            let subject = output["refundId"].map { "\($0) " } ?? ""
                            handled[subject + (status?.stringValue ?? ""), default: 0] += 1
                        }
                    }
                    for position in order + order {
                        let event = events[position]
                        for _ in 1...2 {
                            guard let parsed = StripeEvent(body: event.body) else { continue }
                            _ = try world.feature.accept(
                                parsed,
                                body: event.body,
                                at: PaymentsWorld.start,
                                in: transaction
                            )
                        }
                        if !runsAtEnd { note(try world.runCallbacks(in: transaction)) }
                    }
                    note(try world.runCallbacks(in: transaction))
                    return (try Self.ending(intent, in: transaction), handled)
                }
                if expected == nil { expected = ending }
                #expect(ending == expected, "order \(order) of \(story.name)")
                #expect(ending.status == .string(story.status.rawValue))
                #expect(handled.values.allSatisfy { $0 == 1 }, "order \(order): \(handled)")
                if let once = story.once { #expect(handled[once] == 1, "order \(order): \(handled)") }
            }
        }
    }

    /// A payment whose intent is known, without asking any Stripe.
    private func open(_ intent: String, in transaction: any StoreTransaction) throws(StoreError) {
        let order = try transaction.insert(into: "orders", [("total", 1000)])["id"] ?? .int(0)
        _ = try transaction.insert(
            into: "payments",
            [
                ("orderId", order), ("amount", 1000), ("currency", "usd"), ("mode", "test"),
                ("key", .string("k\(intent)")), ("intent", .string(intent)),
            ]
        )
    }

    private static func ending(_ intent: String, in transaction: any StoreTransaction) throws(StoreError) -> Ending {
        let conditions = [ResolvedCondition("intent", equals: .string(intent))]
        let row = try transaction.find(RecordQuery(table: "payments", where: conditions, limit: 1)).first ?? [:]
        let id = row["id"] ?? .int(0)
        let refunds = try transaction.find(
            RecordQuery(table: "refunds", where: [ResolvedCondition("paymentId", equals: id)], limit: 100)
        )
        return Ending(
            status: row["status"],
            received: row["received"],
            refunded: row["refunded"],
            refundPending: row["refundPending"],
            charge: (row["charge"]?.stringValue).map { .string($0.replacing(intent, with: "")) },
            failureCode: row["failureCode"],
            statusAt: row["statusAt"],
            refunds: refunds.map {
                "\($0["refund"]?.stringValue?.replacing(intent, with: "") ?? "") \($0["status"]?.stringValue ?? "")"
            }.sorted()
        )
    }

    private func permutations(of count: Int) -> [[Int]] {
        guard count > 0 else { return [[]] }
        return permutations(of: count - 1).flatMap { shorter in
            (0..<count).map { place in
                var longer = shorter
                longer.insert(count - 1, at: place)
                return longer
            }
        }
    }
}
