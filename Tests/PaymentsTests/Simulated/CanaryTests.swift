import Connections
import Expressions
import FlowEngine
import Foundation
import Payments
import TestSupport
import Testing

@testable import Payments

/// Secrets that would be known again wherever they turned up.
@Suite("Canaries and forgeries")
struct CanaryTests {
    private static let card = "4242424242424242"
    private static let canaries = [SimulatedStripe.secretKey, PaymentsWorld.webhookSecret, card, "sk_test_second"]

    /// The bytes of every file below a folder.
    private func bytes(below folder: String) throws -> [(name: String, bytes: Data)] {
        let names = FileManager.default.enumerator(atPath: folder)?.compactMap { $0 as? String } ?? []
        return names.compactMap { name in
            FileManager.default.contents(atPath: "\(folder)/\(name)").map { (name, $0) }
        }
    }

    /// Goal: a key, a signing secret or a card number stands nowhere but where it was put.
    ///
    /// Method: a shop's whole story with failures of every kind, then every byte of the data folder, every log line,
    /// every page's answer and every failure is searched.
    @Test("Z2, Z5: canary secrets are in no log, journal, table, page or error")
    func canaries() async throws {
        try await SimulatedWorld.with("shop") { world in
            var texts: [String] = []
            let note = { (answer: RunAnswer) in texts.append("\(answer.body)") }
            try await world.page("add-product", ["name": "Mug", "price": 1299], as: SimulatedWorld.admin)
            try await world.page("place-order", ["product": 1])
            let checkout = try await world.page("checkout", ["orderId": 1])
            note(checkout)
            let secret = try #require(checkout.body["clientSecret"]?.stringValue)
            try world.stripe.confirm(secret, card: "pm_card_visa_chargeDeclined")
            try world.stripe.confirm(secret, card: "pm_card_visa")
            try await world.deliver()
            note(try await world.page("refund-order", ["orderId": 1], as: SimulatedWorld.admin))
            try await world.deliver()
            // A key of the wrong kind, a missing one, and one that Stripe does not know.
            try await world.page("place-order", ["product": 1])
            for key in ["pk_test_notSecret", nil, "sk_test_second", SimulatedStripe.secretKey] as [String?] {
                world.secrets.set("stripe.test.secretKey", key)
                note(try await world.page("checkout", ["orderId": 2]))
            }
            texts += world.log.lines
            texts += try await world.engine.store.read { reader throws(StoreError) in
                var texts: [String] = []
                for run in try reader.runs(matching: RunFilter(limit: 1_000)) {
                    texts.append("\(run)")
                    texts += try reader.entries(of: run.id).map { "\($0)" }
                }
                return texts
            }
            for canary in Self.canaries {
                #expect(!texts.contains { $0.contains(canary) }, "\(canary)")
                for file in try bytes(below: world.folder) {
                    #expect(file.bytes.range(of: Data(canary.utf8)) == nil, "\(canary) in \(file.name)")
                }
            }
            #expect(try bytes(below: world.folder).contains { $0.bytes.range(of: Data("ann@example.com".utf8)) != nil })
        }
    }

    /// One way in which a page lies.
    @Test(
        "E12, Z14: a forged confirmation is refused, nothing is recorded, and stands in the audit",
        arguments: ["other intent", "other secret", "other mode", "other amount"]
    )
    func forgedConfirm(lie: String) async throws {
        try await SimulatedWorld.with("shop") { world in
            try await world.page("add-product", ["name": "Mug", "price": 1299], as: SimulatedWorld.admin)
            for caller in [SimulatedWorld.ann, SimulatedWorld.ben] {
                try await world.page("place-order", ["product": 1], as: caller)
            }
            let anns = try await world.page("checkout", ["orderId": 1])
            let bens = try await world.page("checkout", ["orderId": 2], as: SimulatedWorld.ben)
            let secret = try #require(anns.body["clientSecret"]?.stringValue)
            let other = try #require(bens.body["clientSecret"]?.stringValue)
            try world.stripe.confirm(secret, card: "pm_card_visa")
            var (intent, given) = (secret.components(before: "_secret_"), secret)
            var code = "payment_intent_unknown"
            switch lie {
            case "other intent": intent = "pi_3nobody"
            case "other secret": given = other
            case "other mode":
                try await world.set("mode", .string("live"), of: "payments", id: 1)
            default:
                try await world.set("amount", 1, of: "payments", id: 1)
                code = "amount_differs"
            }
            let answer = try await world.page(
                "confirm",
                ["paymentIntent": .string(intent), "clientSecret": .string(given)]
            )
            #expect(answer.status >= 400 && answer.body["code"] == .string(code), "\(answer.body)")
            #expect(try await world.rows("connection_data").isEmpty)
            let audit = try await world.engine.store.read { reader throws(StoreError) in
                try reader.auditRecords(limit: 10)
            }
            #expect(audit.map(\.reason) == [code])
            #expect(audit.first?.caller == SimulatedWorld.ann && audit.first?.subject == "confirm-payment-intent")
            #expect(try await world.column("status", of: "orders") == ["NEW", "NEW"])
        }
    }

    @Test(
        "E9, Z18: while a secret is rolled both count; after it the old one does not; an event of the other mode never"
    )
    func rolled() async throws {
        try await SimulatedWorld.with("shop") { world in
            let event = TestEvent.succeeded("pi_nobody")
            let receive = { (secret: String) in
                try world.webhook.receive(
                    body: event.body,
                    signature: event.signed(secret, at: world.clock.now()),
                    now: world.clock.now()
                )
            }
            world.secrets.set("stripe.test.webhookSecret", "whsec_old,whsec_new")
            let (old, new) = (try receive("whsec_old"), try receive("whsec_new"))
            #expect(old.id == event.id && new.id == event.id)
            world.secrets.set("stripe.test.webhookSecret", "whsec_new")
            #expect(throws: WebhookRefusal.self) { try receive("whsec_old") }
            let later = try receive("whsec_new")
            #expect(later.id == event.id)
            var live = event
            live.isLive = true
            live.object["livemode"] = true
            let now = world.clock.now()
            let refusal = #expect(throws: WebhookRefusal.self) {
                try world.webhook.receive(body: live.body, signature: live.signed("whsec_new", at: now), now: now)
            }
            #expect(refusal?.code == .wrongMode)
        }
    }
}
