import Crypto
import Testing

@testable import StripeSimulator

@Suite("Web hooks") struct WebhookTests {
    private static let secret = "whsec_desk"

    private func desk(_ events: [String] = ["*"]) -> Desk {
        Desk(endpoints: [("http://127.0.0.1:1/hook", Self.secret, events)])
    }

    /// Goal: a server with a clock of its own takes a renewal's web hook, a simulated year from now.
    @Test("a web hook is stamped with the moment of its sending, however far the clock was advanced")
    func stampedWhenSent() throws {
        var desk = Desk(endpoints: [("http://127.0.0.1:1/hooks", "whsec_x", ["*"])])
        let real = Desk.start.adding(seconds: 7)
        desk.state.observe(real)
        desk.state.advance(to: Desk.start.adding(seconds: 365 * 86_400))
        desk.pay(900)
        let webhook = try #require(desk.state.takeDueWebhooks(limit: 1).first)
        let event = try #require(try JSONParser.value(of: webhook.body).object)
        #expect(event.int("created") == Desk.start.seconds + 365 * 86_400)
        let signature = webhook.headers.first { $0.name == "Stripe-Signature" }?.value
        #expect(signature == SimulatorState.signature(of: webhook.body, at: real.seconds, secrets: ["whsec_x"]))
    }

    @Test("a delivery is signed over its time and body with the whole secret")
    func signature() throws {
        var desk = desk()
        desk.pay(900)
        let webhook = try #require(desk.state.takeDueWebhooks(limit: 10).first)
        let header = try #require(webhook.headers.first { $0.name == "Stripe-Signature" }?.value)
        let signed = Array("\(Desk.start.seconds).".utf8) + webhook.body
        let code = HMAC<SHA256>.authenticationCode(for: signed, using: SymmetricKey(data: Array(Self.secret.utf8)))
        let hex = code.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
        #expect(header == "t=\(Desk.start.seconds),v1=\(hex)")
        let event = try #require(try JSONParser.value(of: webhook.body).object)
        #expect(event.string("object") == "event")
        #expect(event.int("pending_webhooks") == 1)
    }

    @Test("what is not taken is sent again, signed anew, until it is")
    func retries() throws {
        var desk = desk(["payment_intent.succeeded"])
        desk.pay(900)
        var pauses: [Int64] = []
        for _ in 0..<4 {
            let webhook = try #require(desk.state.takeDueWebhooks(limit: 10).first)
            #expect(desk.state.takeDueWebhooks(limit: 10).isEmpty)
            desk.state.report(webhook, status: nil, failure: "connection refused")
            let due = try #require(desk.state.nextDue(ofWebhooks: true))
            pauses.append(due.seconds - desk.state.clock.now.seconds)
            desk.advance(seconds: pauses.last ?? 0)
        }
        #expect(pauses == [1, 2, 4, 8])
        let webhook = try #require(desk.state.takeDueWebhooks(limit: 10).first)
        desk.state.report(webhook, status: 200, failure: nil)
        #expect(desk.state.nextDue(ofWebhooks: true) == nil)
        let event = desk.get("/v1/events", "type=payment_intent.succeeded").data()[0]
        #expect(event.int("pending_webhooks") == 0)
    }

    @Test("a redirect and a 500 are failures; after three days nothing is tried any more")
    func givingUp() throws {
        var desk = desk(["payment_intent.succeeded"])
        desk.pay(900)
        var tries = 0
        while let due = desk.state.nextDue(ofWebhooks: true), tries < 10_000 {
            desk.state.advance(to: due)
            for webhook in desk.state.takeDueWebhooks(limit: 10) {
                desk.state.report(webhook, status: tries % 2 == 0 ? 302 : 500, failure: nil)
                tries += 1
            }
        }
        #expect((4_000...4_400).contains(tries))
        #expect(desk.state.clock.now.seconds - Desk.start.seconds > 3 * 86_400)
    }

    @Test("an endpoint hears what it asked for, and its secret is told once")
    func subscriptions() {
        var desk = Desk()
        let made = desk.post(
            "/v1/webhook_endpoints",
            "url=http://127.0.0.1:1/hook&enabled_events[]=charge.refunded"
        )
        #expect(made.string("secret")?.hasPrefix("whsec_") == true)
        #expect(desk.get("/v1/webhook_endpoints/\(made.id)")["secret"] == nil)
        desk.post("/v1/refunds", "payment_intent=\(desk.pay(900).id)")
        let types = desk.state.takeDueWebhooks(limit: 10).compactMap { webhook in
            (try? JSONParser.value(of: webhook.body))?.object?.string("type")
        }
        #expect(types == ["charge.refunded"])
        desk.post("/v1/webhook_endpoints/\(made.id)", "disabled=true")
        desk.post("/v1/refunds", "payment_intent=\(desk.pay(900).id)")
        #expect(desk.state.takeDueWebhooks(limit: 10).isEmpty)
    }

    @Test("a rolled secret signs beside the new one for a day")
    func rolling() throws {
        var desk = desk()
        let id = desk.get("/v1/webhook_endpoints").data()[0].id
        desk.call("POST", "/_simulator/webhook_endpoints/\(id)/roll")
        desk.post("/v1/customers")
        let both = try #require(desk.state.takeDueWebhooks(limit: 1).first?.headers.last?.value)
        #expect(both.split(separator: ",").count == 3)
        desk.advance(seconds: 86_400)
        desk.post("/v1/customers")
        let one = try #require(desk.state.takeDueWebhooks(limit: 1).first?.headers.last?.value)
        #expect(one.split(separator: ",").count == 2)
    }

    @Test("web hooks can be doubled, dropped and delayed")
    func faults() {
        var desk = desk(["payment_intent.succeeded"])
        desk.call("POST", "/_simulator/faults", "action=duplicate&times=1")
        desk.pay(900)
        #expect(desk.state.takeDueWebhooks(limit: 10).count == 1)
        #expect(desk.state.takeDueWebhooks(limit: 10).count == 1)
        desk.call("POST", "/_simulator/faults", "action=drop&times=1")
        desk.pay(900)
        #expect(desk.state.takeDueWebhooks(limit: 10).isEmpty)
        desk.call("POST", "/_simulator/faults", "action=delay&delay_ms=60000&times=1")
        desk.pay(900)
        #expect(desk.state.takeDueWebhooks(limit: 10).isEmpty)
        desk.advance(seconds: 60)
        #expect(desk.state.takeDueWebhooks(limit: 10).count == 1)
    }

    @Test("a thin destination gets what happened to which object, signed, and nothing of its content")
    func thinEvents() throws {
        var desk = Desk()
        let asked = """
            {"name": "Thin", "type": "webhook_endpoint", "event_payload": "thin",
             "enabled_events": ["v1.payment_intent.succeeded"], "include": ["webhook_endpoint.signing_secret"],
             "webhook_endpoint": {"url": "http://127.0.0.1:1/thin"}}
            """
        let destination = desk.post("/v2/core/event_destinations", asked)
        #expect(desk.last.status == 200)
        let secret = try #require(destination.object("webhook_endpoint")?.string("signing_secret"))
        #expect(desk.get("/v2/core/event_destinations/\(destination.id)")["webhook_endpoint"] == .null)
        let intent = desk.pay(900)
        let sent = desk.state.takeDueWebhooks(limit: 10)
        let webhook = try #require(sent.first)
        #expect(sent.count == 1)
        let event = try #require(try JSONParser.value(of: webhook.body).object)
        #expect(event.string("object") == "v2.core.event")
        #expect(event.string("type") == "v1.payment_intent.succeeded")
        #expect(event.string("created") == "2026-11-20T12:00:00.000Z")
        #expect(event["data"] == nil)
        let related = event.object("related_object")
        #expect(related?.id == intent.id)
        #expect(desk.get(related?.string("url") ?? "").id == intent.id)
        let signature = webhook.headers.first { $0.name == "Stripe-Signature" }?.value
        #expect(signature == SimulatorState.signature(of: webhook.body, at: Desk.start.seconds, secrets: [secret]))
        let fetched = desk.get("/v2/core/events/\(event.id)")
        #expect(desk.get("/v1/events/\(fetched.string("snapshot_event") ?? "")").string("type")?.isEmpty == false)
        desk.post("/v2/core/event_destinations/\(destination.id)/disable")
        desk.pay(800)
        #expect(desk.state.takeDueWebhooks(limit: 10).isEmpty)
        desk.post("/v2/core/event_destinations", asked.replacing("v1.payment", with: "payment"))
        #expect(desk.last.status == 400)
        desk.post("/v2/core/event_destinations", "{\"name\":")
        #expect(desk.last.status == 400)
    }
}

extension SimulatorState {
    func nextDue(ofWebhooks: Bool) -> SimulatorInstant? { ledgers.values.compactMap(\.deliveries.nextDue).min() }
}
