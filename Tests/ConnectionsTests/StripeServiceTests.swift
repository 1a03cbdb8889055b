import Connections
import Expressions
import FlowEngine
import FlowLanguage
import HTTPTransport
import Testing

@Suite("The Stripe service")
struct StripeServiceTests {
    private struct Keys: CredentialSource {
        var values: [String: String]
        func secret(named name: String) -> Secret? { values[name].map { Secret($0) } }
    }

    private func service(_ keys: [String: String], at endpoint: StripeEndpoint = .stripe) -> StripeService {
        StripeService(endpoint: endpoint, credentials: StripeCredentials(Keys(values: keys)))
    }

    private let post = OutsideRequest(
        connection: "stripe",
        method: "POST",
        path: "/v1/payment_intents",
        body: Array("amount=1000".utf8),
        effect: .keyed,
        key: "run-1-pay"
    )
    private let get = OutsideRequest(
        connection: "stripe",
        method: "GET",
        path: "/v1/payment_intents/pi_1",
        effect: .safe
    )

    @Test("a POST carries key, version, bearer and form; a GET no key")
    func headers() throws {
        let service = service(["stripe.test.secretKey": "sk_test_canary"])
        let sent = try service.request(for: post, mode: .test)
        #expect(sent.url == "https://api.stripe.com/v1/payment_intents")
        #expect(sent.headers["Authorization"] == "Bearer sk_test_canary")
        #expect(sent.headers["Stripe-Version"] == "2026-08-26.dahlia")
        #expect(sent.headers["Idempotency-Key"] == "run-1-pay")
        #expect(sent.headers["Content-Type"] == "application/x-www-form-urlencoded")
        #expect(sent.headers["User-Agent"]?.isEmpty == false)
        #expect(sent.body == post.body)
        #expect(try service.request(for: get, mode: .test).headers["Idempotency-Key"] == nil)
    }

    @Test("a POST without a key, or a path that is not the API's, does not leave")
    func refusesRequests() {
        let service = service(["stripe.test.secretKey": "sk_test_canary"])
        var unkeyed = post
        unkeyed.key = nil
        #expect(throws: ServiceRefusal.self) { try service.request(for: unkeyed, mode: .test) }
        for path in ["/v3/x", "v1/x", "/v1/../x", "/v1/a b", "/v1/a#b", "/v1/a\r\nX: y"] {
            var other = get
            other.path = path
            #expect(throws: ServiceRefusal.self) { try service.request(for: other, mode: .test) }
        }
    }

    @Test("Z3, Z18: the key is the mode's, and read anew on each use; a key of the other mode or kind is refused")
    func modes() throws {
        let both = service(["stripe.test.secretKey": "sk_test_1aa", "stripe.live.secretKey": "rk_live_2bb"])
        #expect(try both.request(for: get, mode: .test).headers["Authorization"] == "Bearer sk_test_1aa")
        #expect(try both.request(for: get, mode: .live).headers["Authorization"] == "Bearer rk_live_2bb")
        for wrong in ["sk_live_1aa", "pk_test_1aa", "sk_test_", "nonsense", "sk_test_a b"] {
            let refusal = #expect(throws: ServiceRefusal.self) {
                try service(["stripe.test.secretKey": wrong]).request(for: get, mode: .test)
            }
            #expect(refusal?.reason.contains(wrong) == false, "no part of a key is told")
        }
        let missing = #expect(throws: ServiceRefusal.self) { try service([:]).request(for: get, mode: .test) }
        #expect(missing?.reason.contains("runnel secrets set stripe.test.secretKey") == true)
    }

    @Test("a live key goes to Stripe's own host alone")
    func liveKeyStays() throws {
        let simulator = try #require(StripeEndpoint(loopback: "http://127.0.0.1:12111"))
        let service = service(
            ["stripe.live.secretKey": "sk_live_1aa", "stripe.test.secretKey": "sk_test_1aa"],
            at: simulator
        )
        #expect(throws: ServiceRefusal.self) { try service.request(for: get, mode: .live) }
        let sent = try service.request(for: get, mode: .test)
        #expect(sent.url == "http://127.0.0.1:12111/v1/payment_intents/pi_1")
        #expect(sent.addressPolicy == .loopbackOnly)
    }

    @Test(
        "--stripe-url takes this machine's addresses",
        arguments: [
            "http://127.0.0.1:12111", "http://127.0.0.1:12111/", "https://localhost:1", "http://[::1]:65535",
            "http://127.9.9.9",
        ]
    )
    func loopback(url: String) {
        #expect(StripeEndpoint(loopback: url)?.isStripe == false)
    }

    @Test(
        "--stripe-url takes nothing else",
        arguments: [
            "", "127.0.0.1:1", "ftp://127.0.0.1", "http://", "http://api.stripe.com", "http://127.0.0.1.example.com",
            "http://localhost.example.com", "http://user@127.0.0.1", "http://127.0.0.1@example.com",
            "http://127.0.0.1/x",
            "http://127.0.0.1:0", "http://127.0.0.1:99999", "http://127.0.0.1:", "http://2130706433", "http://127.1",
            "http://[::ffff:1.2.3.4]", "http://127.0.0.1?x", "http://127.0.0.1#x", "http://10.0.0.1", "http://0.0.0.0",
            "http://[::1]x", "http://127.0.0.256",
        ]
    )
    func notLoopback(url: String) {
        #expect(StripeEndpoint(loopback: url) == nil)
    }

    @Test("Stripe's error becomes the Connection Error, with its own words and never a key")
    func failures() throws {
        let body = """
            {"error":{"type":"card_error","code":"card_declined","decline_code":"insufficient_funds","param":"source",
            "message":"Your card has insufficient funds. sk_test_abc"}}
            """
        let failure = StripeFailure.failure(
            from: OutsideAnswer(status: 402, headers: ["request-id": "req_1"], body: Array(body.utf8))
        )
        #expect(failure.code == "card_declined" && failure.type == "card_error" && failure.status == 402)
        #expect(
            failure.declineCode == "insufficient_funds" && failure.param == "source" && failure.requestID == "req_1"
        )
        #expect(!failure.retryable && !failure.message.contains("sk_test_abc"))
        let empty = StripeFailure.failure(from: OutsideAnswer(status: 502, body: Array("<html>".utf8)))
        #expect(empty.code == "stripe_http_502" && empty.retryable)
        let lock = OutsideAnswer(status: 429, headers: ["stripe-should-retry": "true"])
        #expect(StripeFailure.failure(from: lock).retryable)
        let said = OutsideAnswer(status: 500, headers: ["stripe-should-retry": "false"])
        #expect(!StripeFailure.failure(from: said).retryable)
    }

    @Test("keys say their kind and mode", arguments: ["pk_test_abc", "sk_live_abc", "rk_test_abc"])
    func keys(text: String) throws {
        let key = try #require(StripeKey(text))
        #expect(text.contains(key.mode.rawValue))
    }
}
