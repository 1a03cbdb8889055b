import Testing

@testable import StripeSimulator

/// A simulator's state with a person at the desk: sends calls, reads answers, moves the clock.
struct Desk {
    var state: SimulatorState
    var key = "sk_test_desk"
    var version: String?
    private(set) var last = SimulatorResponse(status: 0)

    /// 2026-11-20 12:00 UTC.
    static let start = SimulatorInstant(seconds: 1_795_176_000)

    init(seed: UInt64 = 1, endpoints: [(url: String, secret: String, events: [String])] = []) {
        var settings = SimulatorSettings()
        settings.seed = seed
        settings.clockStart = Self.start
        settings.clockRuns = false
        settings.endpoints = endpoints
        state = SimulatorState(settings: settings)
    }

    @discardableResult
    mutating func call(
        _ method: String,
        _ path: String,
        _ form: String = "",
        idempotencyKey: String? = nil
    ) -> JSONObject {
        var request = SimulatorRequest(method: method, path: path)
        request.headers = [("authorization", "Bearer \(key)")]
        if let version { request.headers.append(("stripe-version", version)) }
        if let idempotencyKey { request.headers.append(("idempotency-key", idempotencyKey)) }
        if method == "POST" {
            request.headers.append(("content-type", "application/x-www-form-urlencoded"))
            request.body = Array(form.utf8)
        } else {
            request.query = Array(form.utf8)
        }
        last = state.handle(request)
        let value = try? JSONParser.value(of: last.body)
        if last.status == 200, version == nil, path.hasPrefix("/v1"), key.hasPrefix("sk_"), let value {
            for violation in TypeCheck.violations(in: value) { Issue.record("\(method) \(path): \(violation)") }
        }
        return value?.object ?? JSONObject()
    }

    @discardableResult
    mutating func post(_ path: String, _ form: String = "", idempotencyKey: String? = nil) -> JSONObject {
        call("POST", path, form, idempotencyKey: idempotencyKey)
    }

    @discardableResult
    mutating func get(_ path: String, _ query: String = "") -> JSONObject { call("GET", path, query) }

    mutating func advance(seconds: Int64) { state.advance(to: state.clock.now.adding(seconds: seconds)) }

    /// The types of all events so far, in order.
    var events: [String] {
        state.ledgers.values.flatMap { $0.all(.event) }.compactMap { $0.string("type") }
    }

    /// A payment that needs no page to return to.
    @discardableResult
    mutating func pay(_ amount: Int64, _ card: String = "pm_card_visa", more: String = "") -> JSONObject {
        post(
            "/v1/payment_intents",
            "amount=\(amount)&currency=usd&confirm=true&payment_method=\(card)&payment_method_types[]=card\(more)"
        )
    }
}

extension JSONObject {
    var errorCode: String? { object("error")?.string("code") }
    var errorType: String? { object("error")?.string("type") }
    var errorParam: String? { object("error")?.string("param") }
    var errorMessage: String? { object("error")?.string("message") }
    func data() -> [JSONObject] { (array("data") ?? []).compactMap(\.object) }
}
