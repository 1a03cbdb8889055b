import Connections
import Expressions
import FlowEngine
import Synchronization

/// As much of Stripe's subscriptions as the command talks to: by key, kept in memory.
final class SubscriptionDouble: Sendable {
    private struct State: Sendable {
        var answers: [String: OutsideAnswer] = [:]
        var bodies: [String: [UInt8]] = [:]
        var subscriptions: [String: ValueMap] = [:]
        var prices: [String: ValueMap] = [:]
        var made: [String: Int] = [:]
        var posts: [String] = []
        var isRefusing = false
    }

    private let state = Mutex(State())

    var made: [String: Int] { state.withLock { $0.made } }
    var posts: [String] { state.withLock { $0.posts } }
    /// The subscriptions that have not ended.
    var living: [String] {
        state.withLock { $0.subscriptions.filter { $0.value["status"] != "canceled" }.keys.sorted() }
    }
    func refuseNext() { state.withLock { $0.isRefusing = true } }

    static func subscription(_ id: String, status: String, ending: Bool = false) -> ValueMap {
        [
            "id": .string(id), "object": "subscription", "livemode": false, "status": .string(status),
            "customer": "cus_1", "currency": "usd", "cancel_at_period_end": .bool(ending),
            "items": [
                "data": [["price": ["id": "price_1", "unit_amount": 900], "quantity": 1, "current_period_end": 99]]
            ],
            "latest_invoice": ["id": "in_x", "confirmation_secret": ["client_secret": .string("pi_\(id)_secret_x")]],
        ]
    }

    static func price(
        _ id: String = "price_1",
        amount: Int64? = 900,
        currency: String = "usd",
        isRecurring: Bool = true
    )
        -> ValueMap
    {
        [
            "id": .string(id), "object": "price", "livemode": false, "currency": .string(currency),
            "unit_amount": amount.map { .int($0) } ?? .null,
            "recurring": isRecurring ? ["interval": "month"] : .null,
        ]
    }

    func set(price: ValueMap) { state.withLock { $0.prices[price["id"]?.stringValue ?? ""] = price } }

    func set(_ subscription: String, unitAmount: Int64) {
        state.withLock {
            $0.subscriptions[subscription]?["items"] = [
                "data": [["price": ["id": "price_1", "unit_amount": .int(unitAmount)], "quantity": 1]]
            ]
        }
    }

    func send(_ request: OutsideRequest) -> OutsideAnswer {
        state.withLock { state in
            let id = String(request.path.split(separator: "?")[0].split(separator: "/").last ?? "")
            if request.path.hasPrefix("/v1/prices/") { return Self.json(state.prices[id] ?? Self.price(id)) }
            if request.method == "GET" { return Self.json(state.subscriptions[id] ?? [:]) }
            // As Stripe does: what has ended cannot be ended again, and a repeated DELETE is no repetition to it.
            if request.method == "DELETE", state.subscriptions[id]?["status"] == "canceled" { return Self.missing }
            if let known = state.answers[request.key ?? ""] {
                // As Stripe does: the same key goes with the same body.
                guard state.bodies[request.key ?? ""] == request.body else { return Self.otherBody }
                return known
            }
            if state.isRefusing, request.path == "/v1/subscriptions" {
                state.isRefusing = false
                let error: Value = ["error": ["code": "resource_missing", "type": "invalid_request_error"]]
                return OutsideAnswer(status: 400, body: (try? JSON.encode(error)) ?? [])
            }
            state.posts.append(request.path)
            let answer = Self.execute(request, id, &state)
            state.answers[request.key ?? ""] = answer
            state.bodies[request.key ?? ""] = request.body
            return answer
        }
    }

    private static let missing: OutsideAnswer = {
        let error: Value = ["error": ["code": "resource_missing", "type": "invalid_request_error"]]
        return OutsideAnswer(status: 404, body: (try? JSON.encode(error)) ?? [])
    }()

    private static let otherBody: OutsideAnswer = {
        let error: Value = ["error": ["type": "idempotency_error", "message": "Keys go with the same parameters."]]
        return OutsideAnswer(status: 400, body: (try? JSON.encode(error)) ?? [])
    }()

    private static func execute(_ request: OutsideRequest, _ id: String, _ state: inout State) -> OutsideAnswer {
        switch (request.method, request.path) {
        case ("POST", "/v1/customers"):
            state.made["customer", default: 0] += 1
            return json(["id": .string("cus_\(state.made["customer"] ?? 0)"), "object": "customer"])
        case ("POST", "/v1/subscriptions"):
            state.made["subscription", default: 0] += 1
            let made = subscription("sub_\(state.made["subscription"] ?? 0)", status: "incomplete")
            state.subscriptions[made["id"]?.stringValue ?? ""] = made
            return json(made)
        case ("DELETE", _): state.subscriptions[id]?["status"] = "canceled"
        default: state.subscriptions[id]?["cancel_at_period_end"] = true
        }
        return json(state.subscriptions[id] ?? [:])
    }

    private static func json(_ object: ValueMap) -> OutsideAnswer {
        OutsideAnswer(status: 200, body: (try? JSON.encode(.map(object))) ?? [])
    }
}
