import Connections
import Expressions
import FlowEngine
import Foundation
import Testing

@testable import Payments

@Suite("The door for Stripe's events")
struct WebhookTests {
    let secrets = TestSecrets(["stripe.test.webhookSecret": PaymentsWorld.webhookSecret])
    var door: StripeWebhook {
        StripeWebhook(connection: "stripe", mode: .test, credentials: StripeCredentials(secrets))
    }
    let event = TestEvent.succeeded("pi_1")
    let now = PaymentsWorld.start

    private func refusal(
        _ body: [UInt8],
        _ signature: String?,
        at time: Timestamp = PaymentsWorld.start
    ) -> WebhookRefusal.Code? {
        do throws(WebhookRefusal) {
            _ = try door.receive(body: body, signature: signature, now: time)
            return nil
        } catch {
            return error.code
        }
    }

    @Test("a rightly signed event is let in")
    func letsIn() throws {
        let read = try door.receive(body: event.body, signature: event.signed(), now: now)
        #expect(read.id == event.id)
        #expect(read.object == "pi_1")
        guard case .payment(let intent, .succeeded) = read.subject else {
            Issue.record("not a payment's success")
            return
        }
        #expect(intent.amountReceived == 1000)
    }

    @Test("an event that nobody waits for is judged as strictly, and only what is looked at is kept")
    func outline() throws {
        func read(_ event: TestEvent, whole: Bool) throws -> StripeEvent {
            try door.receive(body: event.body, signature: event.signed(), now: now) { _ in whole }
        }
        var other = TestEvent(id: "evt_1", type: "customer.updated", object: ["id": "cus_1", "email": "a@b.c"])
        let kept = try read(other, whole: false)
        let whole = try read(other, whole: true)
        #expect(kept.subject == .other && kept.object == "cus_1" && kept.id == "evt_1" && kept.created == whole.created)
        #expect(kept.value["data"] == ["object": ["id": "cus_1"]])
        #expect(whole.value["data"]?["object"]?["email"] == "a@b.c")
        // What the payments wait for is whole, whoever else does.
        #expect(try read(event, whole: false) == read(event, whole: true))
        for event in [TestEvent(id: "ev_1", type: "a.b", object: [:]), TestEvent(id: "evt_1", type: "A", object: [:])] {
            #expect(refusal(event.body, event.signed()) == .malformed)
            #expect(throws: WebhookRefusal.self) { try read(event, whole: false) }
        }
        other.isLive = true
        #expect(throws: WebhookRefusal.self) { try read(other, whole: false) }
        for body in [#"{"id":"evt_1","id":"evt_1","#, #"{"x":{"a":1,"a":2},"#, #"{"x":"\q","#] {
            let text = body + #""object":"event","created":1,"livemode":false,"type":"a.b","data":{"object":{}}}"#
            let bytes = Array(text.utf8)
            let signature = StripeSignature.sign(body: bytes, secret: Secret(PaymentsWorld.webhookSecret), at: now)
            let refused = #expect(throws: WebhookRefusal.self) {
                try door.receive(body: bytes, signature: signature, now: now) { _ in false }
            }
            #expect(refused?.code == .malformed)
        }
    }

    @Test("E9: one changed byte, no header, another secret, an old or a future stamp: 400")
    func refusesWhatIsNotStripes() {
        var changed = event.body
        changed[changed.count / 2] ^= 1
        #expect(refusal(changed, event.signed()) == .signatureInvalid)
        #expect(refusal(event.body, nil) == .signatureMissing)
        #expect(refusal(event.body, "") == .signatureInvalid)
        #expect(refusal(event.body, event.signed("whsec_other")) == .signatureInvalid)
        for seconds in [-301, 301] {
            #expect(refusal(event.body, event.signed(), at: now.advanced(seconds)) == .signatureInvalid)
        }
        for seconds in [-300, 300] { #expect(refusal(event.body, event.signed(), at: now.advanced(seconds)) == nil) }
        #expect(WebhookRefusal(.signatureInvalid).status == 400)
    }

    @Test("while a secret is rolled, both are taken, and the old one no longer once it is gone")
    func rolling() {
        let old = event.signed("whsec_old")
        secrets.set("stripe.test.webhookSecret", "whsec_old, whsec_new")
        #expect(refusal(event.body, old) == nil)
        #expect(refusal(event.body, event.signed("whsec_new")) == nil)
        secrets.set("stripe.test.webhookSecret", "whsec_new")
        #expect(refusal(event.body, old) == .signatureInvalid)
        secrets.set("stripe.test.webhookSecret", nil)
        #expect(refusal(event.body, old) == .noSecret)
        #expect(WebhookRefusal(.noSecret).status == 503)
    }

    @Test("Z18: a live event, or one signed with the live secret, does not get into the test server")
    func modes() {
        var live = event
        live.isLive = true
        #expect(refusal(live.body, live.signed()) == .malformed)  // Its object says test mode: not Stripe's doing.
        var other = TestEvent(id: "evt_2", type: "customer.created", object: ["id": "cus_1"], isLive: true)
        #expect(refusal(other.body, other.signed()) == .wrongMode)
        other.isLive = false
        #expect(refusal(other.body, other.signed()) == nil)
        secrets.set("stripe.live.webhookSecret", "whsec_live")
        #expect(refusal(event.body, event.signed("whsec_live")) == .signatureInvalid)
    }

    @Test("a body beyond the bound is refused unread")
    func bounded() {
        let body = [UInt8](repeating: 0x20, count: StripeEvent.bytesMax + 1)
        let signature = StripeSignature.sign(body: body, secret: Secret(PaymentsWorld.webhookSecret), at: now)
        #expect(refusal(body, signature) == .bodyTooLarge)
        #expect(WebhookRefusal(.bodyTooLarge).status == 413)
    }

    @Test(
        "a signed body that is no event of Stripe's shape is refused",
        arguments: [
            "", "null", "[]", "{}", "{\"id\":\"evt_1\"}", "\u{0}", "{\"id\":\"evt_1\",\"id\":\"evt_2\"}",
            "{\"id\":\"x\",\"object\":\"event\",\"type\":\"a.b\",\"created\":1,\"livemode\":false,\"data\":{\"object\":{}}}",
            "{\"id\":\"evt_1\",\"object\":\"event\",\"type\":\"A B\",\"created\":1,\"livemode\":false,\"data\":{\"object\":{}}}",
            "{\"id\":\"evt_1\",\"object\":\"event\",\"type\":\"a.b\",\"created\":-1,\"livemode\":false,\"data\":{\"object\":{}}}",
            "{\"id\":\"evt_1\",\"object\":\"event\",\"type\":\"a.b\",\"created\":1,\"livemode\":\"no\",\"data\":{\"object\":{}}}",
            "{\"id\":\"evt_1\",\"object\":\"event\",\"type\":\"a.b\",\"created\":1,\"livemode\":false,\"data\":[]}",
            "{\"id\":\"evt_1\",\"object\":\"event\",\"type\":\"payment_intent.succeeded\",\"created\":1,\"livemode\":false,"
                + "\"data\":{\"object\":{\"id\":\"pi_1\",\"object\":\"payment_intent\"}}}",
        ]
    )
    func malformed(text: String) {
        let body = Array(text.utf8)
        let signature = StripeSignature.sign(body: body, secret: Secret(PaymentsWorld.webhookSecret), at: now)
        #expect(refusal(body, signature) == .malformed)
    }

    @Test("nesting without end is refused, not followed")
    func nesting() {
        let body = Array((String(repeating: "[", count: 200_000)).utf8)
        let signature = StripeSignature.sign(body: body, secret: Secret(PaymentsWorld.webhookSecret), at: now)
        #expect(refusal(body, signature) == .malformed)
    }

    /// Bytes changed, cut, doubled or replaced by pieces that JSON trips over.
    private func mutate(_ body: inout [UInt8], _ random: inout SplitMix) {
        let pieces = [
            "null", "{}", "[]", "\"\"", "-1", "1e999", "99999999999999999999", "true", "\"pi_2\"", "\u{FFFD}",
            "\\u0000", "{",
            "9223372036854775807", "0.5",
        ]
        for _ in 0...(random.next() % 3) {
            let place = Int(random.next() % UInt64(max(1, body.count)))
            switch random.next() % 4 {
            case 0: if !body.isEmpty { body[place] = UInt8(truncatingIfNeeded: random.next()) }
            case 1: body.removeSubrange(place..<min(body.count, place + Int(random.next() % 20)))
            case 2: body.insert(contentsOf: pieces[Int(random.next() % UInt64(pieces.count))].utf8, at: place)
            default: body.insert(contentsOf: body.prefix(Int(random.next() % 40)), at: place)
            }
        }
    }

    @Test("5,000 seeded mutations: unsigned none gets in; signed each is an event or refused, and nothing crashes")
    func mutations() {
        var random = SplitMix(seed: 20_261_120)
        let signature = event.signed()
        for round in 0..<5000 {
            var body = event.body
            mutate(&body, &random)
            if body != event.body { #expect(refusal(body, signature) == .signatureInvalid, "round \(round)") }
            let own = StripeSignature.sign(body: body, secret: Secret(PaymentsWorld.webhookSecret), at: now)
            if let code = refusal(body, own) { #expect(code == .malformed || code == .wrongMode, "round \(round)") }
        }
    }

    @Test(
        "3,000 seeded mutations of signed events reach the store: the sums stay true, and each is stored whole or not"
    )
    func mutationsInTheStore() throws {
        var random = SplitMix(seed: 4711)
        let world = try PaymentsWorld()
        let (_, _, intent) = try world.openPayment()
        try world.deliver(.succeeded(intent))
        var taken = 0
        for round in 0..<3000 {
            let amount = Int64(random.next() % 400)
            let events: [TestEvent] = [
                .succeeded(intent), .failed(intent), .charge("charge.refunded", intent, status: "succeeded"),
                .refund("refund.created", "re_\(round % 7)", of: intent, status: "succeeded", amount: amount),
                .refund("refund.failed", "re_\(round % 7)", of: intent, status: "failed", amount: amount),
            ]
            var event = events[Int(random.next() % UInt64(events.count))]
            event.id = "evt_m\(round)"
            var body = event.body
            mutate(&body, &random)
            guard let parsed = StripeEvent(body: body) else { continue }
            taken += 1
            try world.write { transaction throws(StoreError) in
                _ = try world.feature.accept(parsed, body: body, at: now, in: transaction)
            }
        }
        #expect(taken > 100)
        let payment = try #require(try world.rows("payments").first)
        let refunds = try world.rows("refunds")
        let sum = { (statuses: [Value]) in
            refunds.filter { statuses.contains($0["status"] ?? .null) }.reduce(Int64(0)) {
                $0 + ($1["amount"]?.intValue ?? 0)
            }
        }
        #expect(payment["refunded"] == .int(sum(["REFUNDED"])))
        #expect(payment["refundPending"] == .int(sum(["PENDING", "REQUIRES_ACTION"])))
        #expect(payment["status"] == "SUCCEEDED")
    }

    static let vectors = SharedData.url("misc/stripe-signature-vectors.json")

    @Test("the published signature vectors, but the one where we check the future too", .enabled(if: vectors != nil))
    func publishedVectors() throws {
        let url = try #require(Self.vectors)
        let file = try JSON.parse([UInt8](Data(contentsOf: url)))
        let vectors = try #require(file["vectors"]?.listValue)
        #expect(vectors.count == 16)
        for vector in vectors {
            let name = vector["name"]?.stringValue ?? ""
            guard let tolerance = vector["tolerance"]?.intValue else { continue }  // We always check the stamp.
            #expect(tolerance == 300)
            secrets.set("stripe.test.webhookSecret", vector["secret"]?.stringValue)
            let body = Array((vector["payload"]?.stringValue ?? "").utf8)
            let time = try #require(Timestamp(seconds: vector["now"]?.intValue ?? 0, nanoseconds: 0))
            let code = refusal(body, vector["header"]?.stringValue, at: time)
            // The payloads are no whole events: whose signature is right comes as far as being read.
            let isRight = vector["valid"]?.boolValue == true && name != "future timestamp accepted by SDK"
            #expect((code == .malformed || code == nil) == isRight, "\(name): \(String(describing: code))")
        }
    }
}

extension Timestamp {
    func advanced(_ seconds: Int) -> Timestamp { self + .seconds(seconds) ?? self }
}

/// Where the shared data is, when it is there.
enum SharedData {
    static func url(_ path: String) -> URL? {
        let root =
            ProcessInfo.processInfo.environment["RUNNEL_SHARED"]
            ?? URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../../shared").standardized.path
        let url = URL(filePath: root).appending(path: "data").appending(path: path)
        return FileManager.default.fileExists(atPath: url.path) ? url : nil
    }
}

/// A small generator with a seed, the same on every machine.
struct SplitMix: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
