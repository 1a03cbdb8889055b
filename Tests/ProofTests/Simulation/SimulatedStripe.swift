import Expressions
import FlowEngine
import HTTPTransport
import Synchronization

@testable import StripeSimulator

/// The real simulator's state on virtual time, behind a network that loses and repeats things.
final class SimulatedStripe: Sendable {
    static let webhookSecret = "whsec_simulation_1234567890"
    static let secretKey = "sk_test_simulation"

    private let state: Mutex<SimulatorState>
    let world: SimulatedWorld

    init(_ world: SimulatedWorld) {
        self.world = world
        var settings = SimulatorSettings()
        settings.seed = world.seed
        settings.clockStart = Self.instant(world.now)
        settings.clockRuns = false
        settings.endpoints = [("http://127.0.0.1:1/hooks/stripe", Self.webhookSecret, ["*"])]
        state = Mutex(SimulatorState(settings: settings))
    }

    private static func instant(_ time: Timestamp) -> SimulatorInstant {
        SimulatorInstant(milliseconds: time.microseconds / 1_000)
    }

    private func atThisTime<R>(_ body: (inout SimulatorState) -> R) -> R {
        let now = Self.instant(world.now)
        return state.withLock { state in
            state.advance(to: now)
            return body(&state)
        }
    }

    /// Carries a request out at once.
    func handle(_ request: HTTPRequest) -> HTTPResponse {
        let target = request.url.dropFirst("http://127.0.0.1:1".count)
        let parts = target.split(separator: "?", maxSplits: 1)
        let answer = atThisTime { state in
            state.handle(
                SimulatorRequest(
                    method: request.method,
                    path: String(parts.first ?? "/"),
                    query: parts.count > 1 ? Array(parts[1].utf8) : [],
                    headers: request.headers.pairs.map { ($0.name.lowercased(), $0.value) },
                    body: request.body
                )
            )
        }
        var headers: HTTPHeaders = [:]
        for (name, value) in answer.headers { headers.add(name: name, value: value) }
        return HTTPResponse(status: answer.status, headers: headers, body: answer.body)
    }

    /// What the customer's browser asks of Stripe.
    @discardableResult
    func call(_ method: String, _ path: String, _ form: String = "") -> Value {
        let response = handle(
            HTTPRequest(
                method: method,
                url: "http://127.0.0.1:1" + path,
                headers: [
                    "authorization": "Bearer \(Self.secretKey)", "content-type": "application/x-www-form-urlencoded",
                ],
                body: Array(form.utf8)
            )
        )
        return (try? JSON.parse(response.body)) ?? .null
    }

    // MARK: Web hooks

    func takeDueWebhooks() -> [OutgoingWebhook] { atThisTime { $0.takeDueWebhooks(limit: 16) } }

    func report(_ webhook: OutgoingWebhook, status: Int?) {
        atThisTime { $0.report(webhook, status: status, failure: status == nil ? "lost" : nil) }
    }

    var hasWaitingWebhooks: Bool { atThisTime { $0.hasWaitingWebhooks } }
}

/// The network between a process and Stripe: what is sent may be lost, its answer may be lost, it may arrive twice.
struct SimulatedNetwork: Sendable {
    let stripe: SimulatedStripe
    let mill: SimulatedMill
    let process: SimulatedProcess
    let troubles: Troubles

    func send(_ request: HTTPRequest) async throws(HTTPError) -> HTTPResponse {
        await process.pause(upTo: 400)
        let trouble = troubles.ofMessage()
        if case .lost = trouble { throw HTTPError(.connectionLost, requestMayHaveBeenSent: true) }
        var response = handle(request)
        if case .twice = trouble { response = handle(request) }
        await process.pause(upTo: 400)
        if case .answerLost = trouble { throw HTTPError(.timedOut, requestMayHaveBeenSent: true) }
        return response
    }

    private func handle(_ request: HTTPRequest) -> HTTPResponse {
        request.url.hasPrefix(SimulatedMill.url) ? mill.handle(request) : stripe.handle(request)
    }
}
