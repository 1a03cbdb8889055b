import Connections
import Expressions
import FlowEngine
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import TestSupport
import Testing

@testable import FlowServer

/// Each way in which somebody may pretend to be somebody else, or something to have happened that did not.
///
/// What `confirm-payment-intent` is told is in `PaymentsTests.CanaryTests`, tickets and streams in `SubscriptionTests`.
@Suite("Forgeries")
struct ForgeryTests {
    /// One request, and what has to become of it.
    struct Forgery: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var method = HTTPRequest.Method.post
        var path: String
        var body = "{}"
        var caller: Caller?
        /// Made of the body; nil: there is none.
        var signature: (@Sendable ([UInt8], Timestamp) -> String)?
        var bearer: String?
        var status: Int
        /// The audit's row: action, subject, caller, reason.
        var audit: String
    }

    private static func event(isLive: Bool = false) -> String {
        """
        {"id": "evt_forged", "object": "event", "type": "payment_intent.succeeded", "created": 1795168800,
         "livemode": \(isLive), "data": {"object": {"id": "pi_1", "object": "payment_intent", "amount": 1200,
         "amount_received": 1200, "currency": "usd", "status": "succeeded", "livemode": \(isLive)}}}
        """
    }

    private static func sign(
        _ secret: Secret = ServerWorld.stripeSecret,
        earlier seconds: Int = 0
    ) -> @Sendable ([UInt8], Timestamp) -> String {
        { body, now in StripeSignature.sign(body: body, secret: secret, at: now - .seconds(seconds) ?? now) }
    }

    static let forgeries = [
        Forgery(
            testDescription: "an event that nobody signed",
            path: "/hooks/stripe",
            body: event(),
            status: 400,
            audit: "webhook stripe - signature_missing"
        ),
        Forgery(
            testDescription: "an event under another secret",
            path: "/hooks/stripe",
            body: event(),
            signature: sign(Secret("whsec_anotherSecretOfSomebodyElse")),
            status: 400,
            audit: "webhook stripe - signature_invalid"
        ),
        Forgery(
            testDescription: "a recorded event, 301 seconds later",
            path: "/hooks/stripe",
            body: event(),
            signature: sign(earlier: 301),
            status: 400,
            audit: "webhook stripe - signature_invalid"
        ),
        Forgery(
            testDescription: "an event of the other mode",
            path: "/hooks/stripe",
            body: event(isLive: true),
            signature: sign(),
            status: 400,
            audit: "webhook stripe - event_of_other_mode"
        ),
        Forgery(
            testDescription: "an event whose object is of the other mode",
            path: "/hooks/stripe",
            body: event().replacing("\"status\": \"succeeded\", \"livemode\": false", with: "\"livemode\": true"),
            signature: sign(),
            status: 400,
            audit: "webhook stripe - event_malformed"
        ),
        Forgery(
            testDescription: "the checkout of somebody else's order",
            path: "/pages/checkout",
            body: #"{"orderId": 1}"#,
            caller: .bob,
            status: 404,
            audit: "page checkout bob@example.com not_found"
        ),
        Forgery(
            testDescription: "somebody else's order",
            method: .get,
            path: "/tables/orders/1",
            caller: .bob,
            status: 404,
            audit: "request GET /tables/{table}/{id} bob@example.com foreign_row"
        ),
        Forgery(
            testDescription: "somebody else's run",
            method: .get,
            path: "/runs/1",
            caller: .bob,
            status: 404,
            audit: "request GET /runs/{run} bob@example.com foreign_run"
        ),
        Forgery(
            testDescription: "a page without a token",
            path: "/pages/place-order",
            body: #"{"total": 5}"#,
            status: 401,
            audit: "request POST /pages/{flow} - token_required"
        ),
        Forgery(
            testDescription: "a token that nobody issued",
            path: "/pages/place-order",
            body: #"{"total": 5}"#,
            bearer: "rnl_" + String(repeating: "A", count: 43),
            status: 401,
            audit: "request POST /pages/{flow} - invalid_token"
        ),
        Forgery(
            testDescription: "a table that is not for customers",
            method: .get,
            path: "/tables/payments",
            caller: .bob,
            status: 403,
            audit: "request GET /tables/{table} bob@example.com forbidden"
        ),
        Forgery(
            testDescription: "an event of the app that is not for customers",
            path: "/events/recalled",
            caller: .bob,
            status: 403,
            audit: "request POST /events/{name} bob@example.com forbidden"
        ),
    ]

    @Test("M10, M16, Z20: it is refused, nothing is recorded but who tried what", arguments: forgeries)
    func refused(_ forgery: Forgery) async throws {
        try await ServerWorld.run { world, client in
            let anns = try await world.headers(.ann)
            let placed = try await client.json("/pages/place-order", .post, headers: anns, body: #"{"total": 1200}"#)
            #expect(placed.status == 200)
            var headers = try await world.headers(forgery.caller)
            if let bearer = forgery.bearer { headers[.authorization] = "Bearer \(bearer)" }
            let name = try #require(HTTPField.Name("Stripe-Signature"))
            headers[name] = forgery.signature?(Array(forgery.body.utf8), world.clock.now())
            let body = forgery.method == .get ? nil : forgery.body
            let answer = try await client.json(forgery.path, forgery.method, headers: headers, body: body)
            #expect(answer.status == forgery.status, "\(answer.body)")
            let (audit, deliveries) = try await world.engine.store.read { (reader) throws(StoreError) in
                (try reader.auditRecords(limit: 10), try reader.deliveries(matching: DeliveryFilter()))
            }
            #expect(
                audit.map { "\($0.action) \($0.subject) \($0.caller.id ?? "-") \($0.reason)" } == [forgery.audit]
            )
            #expect(deliveries.isEmpty)
            let orders = try await world.rows("orders")
            #expect(orders.map { $0["status"] } == ["NEW"] && orders.first?["total"] == 1200)
            for table in ["payments", "refunds", "connection_data"] { #expect(try await world.rows(table).isEmpty) }
        }
    }
}
