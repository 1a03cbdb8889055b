import Connections
import Expressions
import Payments

/// An event as Stripe sends it, made by hand.
struct TestEvent: Sendable {
    var id: String
    var type: String
    var object: ValueMap
    var created: Int64 = 1_700_000_000
    var isLive = false
    var account: String?

    var body: [UInt8] {
        var event: ValueMap = [
            "id": .string(id), "object": "event", "api_version": "2026-08-26.dahlia", "created": .int(created),
            "data": ["object": .map(object)], "livemode": .bool(isLive), "pending_webhooks": 1,
            "request": ["id": nil, "idempotency_key": nil], "type": .string(type),
        ]
        if let account { event["account"] = .string(account) }
        return (try? JSON.encode(.map(event))) ?? []
    }

    func signed(_ secret: String = PaymentsWorld.webhookSecret, at time: Timestamp = PaymentsWorld.start) -> String {
        StripeSignature.sign(body: body, secret: Secret(secret), at: time)
    }

    static func intent(
        _ type: String,
        _ intent: String,
        id: String? = nil,
        status: String,
        amount: Int64 = 1000,
        received: Int64 = 0,
        currency: String = "usd",
        charge: String? = nil,
        declineCode: String? = nil,
        created: Int64 = 1_700_000_000
    ) -> TestEvent {
        var object: ValueMap = [
            "id": .string(intent), "object": "payment_intent", "amount": .int(amount),
            "amount_received": .int(received),
            "currency": .string(currency), "status": .string(status), "livemode": false,
            "latest_charge": charge.map { .string($0) } ?? .null, "customer": nil, "metadata": [:],
        ]
        if let declineCode {
            object["last_payment_error"] = ["code": "card_declined", "decline_code": .string(declineCode)]
        }
        return TestEvent(
            id: id ?? "evt_\(intent)_\(type.filter { $0 != "." })_\(created)",
            type: type,
            object: object,
            created: created
        )
    }

    static func succeeded(_ intent: String, amount: Int64 = 1000) -> TestEvent {
        .intent(
            "payment_intent.succeeded",
            intent,
            status: "succeeded",
            amount: amount,
            received: amount,
            charge: "ch_\(intent)"
        )
    }

    static func failed(_ intent: String, _ code: String = "generic_decline", at created: Int64 = 1_700_000_000)
        -> TestEvent
    {
        .intent(
            "payment_intent.payment_failed",
            intent,
            status: "requires_payment_method",
            charge: "ch_failed",
            declineCode: code,
            created: created
        )
    }

    static func charge(_ type: String, _ intent: String, status: String, id: String? = nil) -> TestEvent {
        TestEvent(
            id: "evt_\(intent)_\(type.filter { $0 != "." })_\(status)",
            type: type,
            object: [
                "id": .string(id ?? "ch_\(intent)"), "object": "charge", "payment_intent": .string(intent),
                "status": .string(status), "livemode": false,
            ]
        )
    }

    static func refund(
        _ type: String,
        _ refund: String,
        of intent: String,
        status: String,
        amount: Int64,
        metadata: ValueMap = [:]
    ) -> TestEvent {
        TestEvent(
            id: "evt_\(refund)_\(type.filter { $0 != "." })_\(status)",
            type: type,
            object: [
                "id": .string(refund), "object": "refund", "amount": .int(amount), "currency": "usd",
                "status": .string(status), "payment_intent": .string(intent), "charge": "ch_1", "reason": nil,
                "metadata": .map(metadata),
            ]
        )
    }
}
