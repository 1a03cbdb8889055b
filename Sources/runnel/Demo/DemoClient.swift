import Expressions
import Foundation
import HTTPTransport

/// Speaks HTTP with the runtime as a page does, and with the simulator as Stripe's clients do.
struct DemoClient: Sendable {
    let simulatorURL: String
    let runtimeURL: String
    let adminToken: String
    let customerToken: String
    private let http = HTTPClient()

    static let secretKey = "sk_test_demoShop"
    static let publishableKey = "pk_test_demoShop"

    init(simulatorURL: String, runtimeURL: String, adminToken: String, customerToken: String) {
        self.simulatorURL = simulatorURL
        self.runtimeURL = runtimeURL
        self.adminToken = adminToken
        self.customerToken = customerToken
    }

    struct Answer: Sendable, Hashable {
        let status: Int
        let body: Value
    }

    /// Calls a page flow; no token: an anonymous caller.
    func page(_ flow: String, _ input: Value, token: String?, key: String? = nil) async throws -> Answer {
        var headers = [("content-type", "application/json")]
        if let token { headers.append(("authorization", "Bearer \(token)")) }
        if let key { headers.append(("idempotency-key", key)) }
        return try await send("POST", "\(runtimeURL)/pages/\(flow)", headers: headers, body: JSON.encode(input))
    }

    /// Reads from the runtime, as the admin unless told otherwise.
    func get(_ path: String, token: String? = nil) async throws -> Answer {
        try await send("GET", runtimeURL + path, headers: [("authorization", "Bearer \(token ?? adminToken)")])
    }

    /// A row of a table.
    func row(_ table: String, _ id: Int64) async throws -> Value {
        let answer = try await get("/tables/\(table)/\(id)")
        guard answer.status == 200 else { throw CommandFailure("GET /tables/\(table)/\(id): \(answer.status)") }
        return answer.body
    }

    /// Posts a web hook, with Stripe's signature header unless it is nil.
    func hook(_ body: [UInt8], signature: String?) async throws -> Answer {
        var headers = [("content-type", "application/json; charset=utf-8")]
        if let signature { headers.append(("stripe-signature", signature)) }
        return try await send("POST", "\(runtimeURL)/hooks/stripe", headers: headers, body: body)
    }

    /// Asks the simulator.
    func stripe(_ method: String, _ path: String, form: String = "", key: String = secretKey) async throws -> Value {
        var headers = [("authorization", "Bearer \(key)")]
        if method == "POST" { headers.append(("content-type", "application/x-www-form-urlencoded")) }
        return try await send(method, simulatorURL + path, headers: headers, body: Array(form.utf8)).body
    }

    /// What Stripe.js does in the browser: confirms with the publishable key and the client secret.
    /// - Returns: the intent's id.
    func pay(_ checkout: Value, card: String) async throws -> String {
        let secret = checkout["clientSecret"]?.stringValue ?? ""
        let intent = String(secret.prefix(upTo: secret.range(of: "_secret_")?.lowerBound ?? secret.endIndex))
        _ = try await stripe(
            "POST",
            "/v1/payment_intents/\(intent)/confirm",
            form: "client_secret=\(secret)&payment_method=\(card)&return_url=http://127.0.0.1/done",
            key: Self.publishableKey
        )
        return intent
    }

    /// Reads until the value is there: web hooks arrive in their own time, within twenty seconds at the most.
    func settled(on wanted: String, _ read: () async throws -> String?) async throws -> String {
        var seen = ""
        for _ in 0..<400 {
            seen = try await read() ?? ""
            if seen == wanted { break }
            try await ContinuousClock().sleep(for: .milliseconds(50))
        }
        return seen
    }

    func shutdown() async { await http.shutdown() }

    private func send(
        _ method: String,
        _ url: String,
        headers: [(String, String)],
        body: [UInt8] = []
    ) async throws -> Answer {
        let response = try await http.send(
            HTTPRequest(method: method, url: url, headers: HTTPHeaders(headers), body: body)
        )
        let text = (try? JSON.parse(response.body)) ?? .string(String(decoding: response.body, as: UTF8.self))
        return Answer(status: response.status, body: response.body.isEmpty ? .null : text)
    }
}
