import Connections
import Expressions
import FlowEngine
import FlowLanguage
import HTTPTransport
import Testing

@testable import Payments

@Suite("E-mails")
struct EmailTests {
    let world: PaymentsWorld
    let stripe = StripeDouble()

    init() throws {
        world = try PaymentsWorld()
        world.secrets.set("mail.test.apiKey", "SG.canary")
    }

    private func paid() throws -> ValueMap {
        let (_, _, intent) = try world.openPayment(stripe: stripe)
        stripe.change(intent, "status", "succeeded")
        stripe.change(intent, "amount_received", 1000)
        stripe.change(intent, "latest_charge", ["id": "ch_9", "billing_details": ["email": "ann@example.com"]])
        return [
            "payment_intent": .string(intent), "payment_intent_client_secret": .string("\(intent)_secret_abc"),
            "sgInstName": "mail", "emailCust": true, "sendNotfn": true, "notfnEmail": "boss@example.com",
        ]
    }

    private func recipients() -> [Value?] {
        stripe.mails.map { $0["personalizations"]?.listValue?.first?["to"]?.listValue?.first?["email"] }
    }

    private func states() throws -> [Value?] { try world.rows("emails").map { $0["state"] } }

    @Test("Z15: a receipt to the customer at Stripe's address, a notification to the given one")
    func both() throws {
        let output = try #require(try world.run("confirm-payment-intent", try paid(), against: stripe).output)
        #expect(recipients() == ["ann@example.com", "boss@example.com"])
        #expect(stripe.mails.allSatisfy { $0["from"]?["email"] == "shop@example.com" })
        #expect(stripe.mails.first?["content"]?.listValue?.first?["value"]?.stringValue?.contains("10.00 usd") == true)
        #expect(
            output["emails"] == [
                ["purpose": "receipt", "state": "sent"], ["purpose": "notification", "state": "sent"],
            ]
        )
        #expect(try states() == ["sent", "sent"])
    }

    @Test("a receipt is for money that came in, and says how much that was")
    func receiptOfMoney() throws {
        let data = try paid()
        let intent = try #require(data["payment_intent"]?.stringValue)
        stripe.change(intent, "status", "requires_capture")
        stripe.change(intent, "amount_received", 0)
        let authorised = try #require(try world.run("confirm-payment-intent", data, against: stripe).output)
        #expect(authorised["emails"]?.listValue?.first == ["purpose": "receipt", "state": "not-paid"])
        #expect(recipients() == ["boss@example.com"])
        stripe.change(intent, "status", "succeeded")
        stripe.change(intent, "amount_received", 600)
        #expect(try world.run("confirm-payment-intent", data, against: stripe).output != nil)
        #expect(recipients() == ["boss@example.com", "ann@example.com"])
        #expect(stripe.mails.last?["content"]?.listValue?.first?["value"]?.stringValue?.contains("of 6.00 usd") == true)
    }

    @Test("confirming again sends nothing twice")
    func again() throws {
        let data = try paid()
        for _ in 1...3 { #expect(try world.run("confirm-payment-intent", data, against: stripe).output != nil) }
        #expect(stripe.mails.count == 2)
    }

    @Test(
        "in test mode without a key the e-mails stay in the outbox; in live mode that is told before anything is sent"
    )
    func held() throws {
        world.secrets.set("mail.test.apiKey", nil)
        let data = try paid()
        #expect(try world.run("confirm-payment-intent", data, against: stripe).output != nil)
        #expect(stripe.mails.isEmpty)
        #expect(try states() == ["held", "held"])
        let live = try world.run("confirm-payment-intent", data, against: stripe, mode: .live)
        #expect(live.failure?.code == "email_key_missing")
    }

    @Test("a refused e-mail fails no confirmation, and may be tried again; an unclear one is not sent again")
    func refusedAndLost() throws {
        let data = try paid()
        stripe.fail(.answer(status: 400, code: "bad"))
        #expect(try world.run("confirm-payment-intent", data, against: stripe).output != nil)
        #expect(try states() == ["failed", "sent"])
        stripe.fail(.loseAnswer)
        #expect(try world.run("confirm-payment-intent", data, against: stripe).failure == PaymentsWorld.lost)
        #expect(try states() == ["sending", "sent"])
        #expect(try world.run("confirm-payment-intent", data, against: stripe).output != nil)
        #expect(stripe.mails.count == 2, "the boss's, and the one that nobody knows of")
    }

    @Test("a customer without an address gets none; a connection that is not SendGrid's is refused")
    func noAddress() throws {
        var data = try paid()
        let intent = try #require(data["payment_intent"]?.stringValue)
        stripe.change(intent, "latest_charge", "ch_9")
        let output = try world.run("confirm-payment-intent", data, against: stripe).output
        #expect(output?["emails"]?.listValue?.first == ["purpose": "receipt", "state": "no-address"])
        data["sgInstName"] = "stripe"
        #expect(try world.run("confirm-payment-intent", data, against: stripe).failure?.param == "sgInstName")
    }

    @Test("send-email and send-template send one e-mail each, and refuse what is none")
    func commands() throws {
        let run = { (name: String, data: ValueMap) in
            try world.run(name, data, against: stripe, connection: "mail")
        }
        let mail: ValueMap = ["to": "ann@example.com", "subject": "Hello", "text": "there"]
        #expect(try run("send-email", mail).output == ["state": "sent", "messageId": "m1"])
        let template: ValueMap = ["to": "ann@example.com", "templateId": "d-1", "data": ["name": "Ann"]]
        #expect(try run("send-template", template).output?["state"] == "sent")
        #expect(stripe.mails.last?["template_id"] == "d-1")
        for (name, value) in [("to", "ann"), ("subject", "a\nBcc: x@y.zz"), ("text", ""), ("subject", "")]
            as [(String, Value)]
        {
            var broken = mail
            broken[name] = value
            #expect(try run("send-email", broken).failure?.code == "email_malformed")
        }
        stripe.fail(.answer(status: 401, code: "x"))
        #expect(try run("send-email", mail).failure?.code == "email_refused")
        #expect(stripe.mails.count == 2)
    }

    @Test("letters that are several scalars long are cut for the outbox where its columns count scalars")
    func longScripts() throws {
        let letter = "क्षि"
        let mail: ValueMap = [
            "to": "ann@example.com", "subject": .string(String(repeating: letter, count: 200)),
            "text": .string(String(repeating: letter, count: 4_000)),
        ]
        let output = try world.run("send-email", mail, against: stripe, connection: "mail").output
        #expect(output?["state"] == "sent")
        #expect(stripe.mails.last?["subject"] == mail["subject"])
        #expect(try world.rows("emails").first?["text"]?.stringValue?.unicodeScalars.count == 4_096)
    }

    @Test("the key goes to SendGrid alone, and only for sending")
    func service() throws {
        let service = SendGridService(credentials: SendGridCredentials(world.secrets))
        let mail = SendGridMail(from: "a@b.cc", to: "d@e.ff", content: .text(subject: "s", text: "t", html: nil))
        var request = try #require(mail.request(through: "mail"))
        let sent = try service.request(for: request, mode: .test)
        #expect(sent.url == "https://api.sendgrid.com/v3/mail/send")
        #expect(sent.headers["Authorization"] == "Bearer SG.canary")
        #expect(sent.resending == .never && request.effect == .once)
        request.path = "/v3/api_keys"
        #expect(throws: ServiceRefusal.self) { try service.request(for: request, mode: .test) }
    }
}
