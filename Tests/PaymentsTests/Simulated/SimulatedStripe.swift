import Connections
import Expressions
import FlowEngine
import HTTPTransport
import Synchronization

@testable import StripeSimulator

/// The simulator as a value, without sockets: requests go in, signed web hooks come out, time moves by hand.
final class SimulatedStripe: Sendable {
    static let secretKey = "sk_test_canarySecretKey"
    static let webhookSecret = PaymentsWorld.webhookSecret

    private let state: Mutex<SimulatorState>
    /// What the runtime asked for, in order: `POST /v1/refunds`.
    private let log = Mutex<[String]>([])

    /// - Parameters:
    ///   - start: seconds since 1970.
    ///   - seed: ids follow from it.
    ///   - events: the types that the endpoint gets.
    init(start: Int64, seed: UInt64 = 7, events: [String] = ["*"]) {
        var settings = SimulatorSettings()
        settings.seed = seed
        settings.clockStart = SimulatorInstant(seconds: start)
        settings.clockRuns = false
        settings.endpoints = [("https://shop.example.com/hooks/stripe", Self.webhookSecret, events)]
        state = Mutex(SimulatorState(settings: settings))
    }

    var requests: [String] { log.withLock { $0 } }

    /// Sends what the runtime's transport would send over HTTP.
    func send(_ request: HTTPRequest) -> HTTPResponse {
        let target = request.url.drop(while: { $0 != "/" }).dropFirst(2).drop(while: { $0 != "/" })
        log.withLock { $0.append("\(request.method) \(target.prefix { $0 != "?" })") }
        let response = handle(
            request.method,
            String(target),
            headers: request.headers.pairs.map { ($0.name.lowercased(), $0.value) },
            body: request.body
        )
        return HTTPResponse(
            status: response.status,
            headers: HTTPHeaders(response.headers.map { ($0.name, $0.value) }),
            body: response.body
        )
    }

    /// What a person does at Stripe, or a page with its publishable key.
    @discardableResult
    func call(
        _ method: String,
        _ path: String,
        _ form: String = "",
        key: String = SimulatedStripe.secretKey,
        type: String = "application/x-www-form-urlencoded"
    ) throws -> Value {
        let target = method == "GET" && !form.isEmpty ? "\(path)?\(form)" : path
        let response = handle(
            method,
            target,
            headers: [("authorization", "Bearer \(key)"), ("content-type", type)],
            body: method == "GET" ? [] : Array(form.utf8)
        )
        return try JSON.parse(response.body)
    }

    private func handle(
        _ method: String,
        _ target: String,
        headers: [(name: String, value: String)],
        body: [UInt8]
    ) -> SimulatorResponse {
        let parts = target.utf8.split(separator: UInt8(ascii: "?"), maxSplits: 1, omittingEmptySubsequences: false)
        var request = SimulatorRequest(method: method, path: String(decoding: parts[0], as: UTF8.self))
        request.query = parts.count > 1 ? Array(parts[1]) : []
        request.headers = headers
        request.body = body
        return state.withLock { $0.handle(request) }
    }

    /// The customer's card form: confirms with the client secret alone, as Stripe.js does.
    @discardableResult
    func confirm(_ clientSecret: String, card: String) throws -> Value {
        let object = clientSecret.components(before: "_secret_")
        let place = object.hasPrefix("seti_") ? "setup_intents" : "payment_intents"
        return try call(
            "POST",
            "/v1/\(place)/\(object)/confirm",
            "client_secret=\(clientSecret)&payment_method=\(card)&return_url=https://shop.example.com/done",
            key: PaymentsWorld.publishableKey
        )
    }

    /// What the customer does on the bank's page for 3-D Secure.
    func approve(_ url: String) throws {
        let query = url.drop { $0 != "?" }.dropFirst()
        let response = handle(
            "POST",
            "/3d_secure_2/complete",
            headers: [("content-type", "application/x-www-form-urlencoded")],
            body: Array("\(query)&outcome=succeeded".utf8)
        )
        guard (200..<400).contains(response.status) else {
            throw StoreError(.corrupt, "the bank's page answered \(response.status)")
        }
    }

    /// What the customer does on Stripe's own page.
    func payCheckout(_ url: String, card: String) throws {
        let path = url.components(before: "#").drop { $0 != "/" }.dropFirst(2).drop { $0 != "/" }
        let response = handle(
            "POST",
            String(path.prefix { $0 != "?" }),
            headers: [("content-type", "application/x-www-form-urlencoded")],
            body: Array("number=\(card)&exp_month=12&exp_year=2035&cvc=123&email=ann@example.com".utf8)
        )
        guard (200..<400).contains(response.status) else {
            throw StoreError(.corrupt, "Stripe's page answered \(response.status)")
        }
    }

    // MARK: Time and web hooks

    func advance(bySeconds seconds: Int64) {
        state.withLock { $0.advance(to: $0.clock.now.adding(seconds: seconds)) }
    }

    /// A web hook as it leaves Stripe.
    struct Hook: Sendable {
        var body: [UInt8]
        var signature: String
    }

    /// The web hooks that are due, each taken as delivered.
    func takeHooks() -> [Hook] {
        state.withLock { state in
            state.settle()
            var hooks: [Hook] = []
            while true {
                let due = state.takeDueWebhooks(limit: 100)
                if due.isEmpty { return hooks }
                for webhook in due {
                    state.report(webhook, status: 200, failure: nil)
                    let signature = webhook.headers.first { $0.name == "Stripe-Signature" }?.value ?? ""
                    hooks.append(Hook(body: webhook.body, signature: signature))
                }
            }
        }
    }
}

extension String {
    /// The part before a mark; all of it when the mark is not there.
    func components(before mark: String) -> String {
        firstRange(of: mark).map { String(self[..<$0.lowerBound]) } ?? self
    }
}
