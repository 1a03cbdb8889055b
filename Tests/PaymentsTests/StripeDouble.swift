import Expressions
import FlowEngine
import Synchronization

/// As much of Stripe as the commands talk to: intents and refunds by key, kept in memory.
///
/// It is told what to answer when a test is about a refusal or a loss. The whole of Stripe's behaviour is the
/// simulator's, which the end-to-end tests use.
final class StripeDouble: Sendable {
    enum Fault: Sendable {
        case answer(status: Int, code: String, headers: [String: String] = [:])
        /// Executed, but the answer never comes.
        case loseAnswer
    }

    struct State: Sendable {
        var intents: [String: ValueMap] = [:]
        var refunds: [String: ValueMap] = [:]
        /// What a key was first answered, with the body it came with.
        var answers: [String: (body: [UInt8], answer: OutsideAnswer)] = [:]
        var faults: [Fault] = []
        var posts = 0
        var number = 0
        var refundStatus = "succeeded"
        /// SendGrid is played here too: what it was given.
        var mails: [Value] = []
    }

    private let state: Mutex<State>
    private let prefix: String

    init(prefix: String = "d") {
        self.prefix = prefix
        state = Mutex(State())
    }

    var intents: [ValueMap] { state.withLock { Array($0.intents.values) } }
    var refunds: [ValueMap] { state.withLock { Array($0.refunds.values) } }
    func fail(_ fault: Fault) { state.withLock { $0.faults.append(fault) } }
    func setRefundStatus(_ status: String) { state.withLock { $0.refundStatus = status } }
    func forget(_ intent: String) { state.withLock { _ = $0.intents.removeValue(forKey: intent) } }
    func change(_ intent: String, _ field: String, _ value: Value) {
        state.withLock { $0.intents[intent]?[field] = value }
    }
    func intent(_ id: String) -> ValueMap? { state.withLock { $0.intents[id] } }

    func send(_ request: OutsideRequest) -> TransportResult {
        state.withLock { state in
            if request.path == "/v3/mail/send" { return Self.mail(request, &state) }
            if request.method == "GET" { return .answered(Self.read(request, state)) }
            state.posts += 1
            let key = request.key ?? ""
            if let first = state.answers[key] {
                return .answered(
                    first.body == request.body
                        ? first.answer : Self.error(400, "idempotency_error", type: "idempotency_error")
                )
            }
            var isLost = false
            if !state.faults.isEmpty {
                switch state.faults.removeFirst() {
                case .answer(let status, let code, let headers):
                    let answer = Self.error(status, code, headers: headers)
                    // Only what was executed is kept under the key.
                    if ![401, 403, 409, 429].contains(status) { state.answers[key] = (request.body, answer) }
                    return .answered(answer)
                case .loseAnswer: isLost = true
                }
            }
            let answer = Self.execute(request, prefix: prefix, &state)
            state.answers[key] = (request.body, answer)
            return isLost ? .lost(reason: "test") : .answered(answer)
        }
    }

    var mails: [Value] { state.withLock { $0.mails } }

    private static func mail(_ request: OutsideRequest, _ state: inout State) -> TransportResult {
        var isLost = false
        if !state.faults.isEmpty {
            switch state.faults.removeFirst() {
            case .answer(let status, let code, _): return .answered(error(status, code))
            case .loseAnswer: isLost = true
            }
        }
        state.mails.append((try? JSON.parse(request.body)) ?? .null)
        return isLost ? .lost(reason: "test") : .answered(OutsideAnswer(status: 202, headers: ["x-message-id": "m1"]))
    }

    private static func read(_ request: OutsideRequest, _ state: State) -> OutsideAnswer {
        let id = String(request.path.split(separator: "?")[0].split(separator: "/").last ?? "")
        guard let intent = state.intents[id] else { return error(404, "resource_missing") }
        return json(intent)
    }

    private static func execute(_ request: OutsideRequest, prefix: String, _ state: inout State) -> OutsideAnswer {
        let form = fields(request.body)
        state.number += 1
        if request.path == "/v1/payment_intents" {
            let id = "pi_\(prefix)\(state.number)"
            let intent: ValueMap = [
                "id": .string(id), "object": "payment_intent", "amount": .int(Int64(form["amount"] ?? "") ?? -1),
                "amount_received": 0, "currency": .string(form["currency"] ?? ""), "status": "requires_payment_method",
                "livemode": false, "client_secret": .string("\(id)_secret_abc"), "latest_charge": nil, "customer": nil,
                "metadata": [:],
            ]
            state.intents[id] = intent
            return json(intent)
        }
        if request.path.hasSuffix("/cancel") {
            let id = String(request.path.split(separator: "/").dropLast().last ?? "")
            state.intents[id]?["status"] = "canceled"
            return json(state.intents[id] ?? [:])
        }
        if request.path.hasSuffix("/capture") {
            let id = String(request.path.split(separator: "/").dropLast().last ?? "")
            state.intents[id]?["status"] = "succeeded"
            state.intents[id]?["amount_received"] =
                form["amount_to_capture"].flatMap { Int64($0) }.map { .int($0) } ?? 1000
            return json(state.intents[id] ?? [:])
        }
        let id = "re_\(prefix)\(state.number)"
        let refund: ValueMap = [
            "id": .string(id), "object": "refund", "amount": .int(Int64(form["amount"] ?? "") ?? -1), "currency": "usd",
            "status": .string(state.refundStatus), "payment_intent": .string(form["payment_intent"] ?? ""),
            "charge": "ch_1", "reason": nil,
            "metadata": ["runnel_refund": .string(form["metadata[runnel_refund]"] ?? "")],
        ]
        state.refunds[id] = refund
        return json(refund)
    }

    static func fields(_ body: [UInt8]) -> [String: String] {
        var fields: [String: String] = [:]
        for pair in String(decoding: body, as: UTF8.self).split(separator: "&") {
            let parts = pair.split(separator: "=", maxSplits: 1)
            let name = String(parts[0]).replacing("%5B", with: "[").replacing("%5D", with: "]")
            fields[name] = parts.count == 2 ? String(parts[1]) : ""
        }
        return fields
    }

    private static func json(_ object: ValueMap) -> OutsideAnswer {
        OutsideAnswer(status: 200, headers: ["request-id": "req_1"], body: (try? JSON.encode(.map(object))) ?? [])
    }

    private static func error(
        _ status: Int,
        _ code: String,
        type: String = "invalid_request_error",
        headers: [String: String] = [:]
    ) -> OutsideAnswer {
        let body: Value = ["error": ["code": .string(code), "type": .string(type), "message": "refused by the test"]]
        return OutsideAnswer(status: status, headers: headers, body: (try? JSON.encode(body)) ?? [])
    }
}
