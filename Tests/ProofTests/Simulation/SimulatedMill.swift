import Expressions
import Foundation
import HTTPTransport
import Synchronization

/// A service that is out of order now and then, refuses now and then, and knows a request again by its key.
final class SimulatedMill: Sendable {
    private struct State {
        var answers: [String: HTTPResponse] = [:]
        var ground: [String] = []
    }

    static let url = "https://mill.example.com/"

    private let world: SimulatedWorld
    private let state = Mutex(State())

    init(_ world: SimulatedWorld) { self.world = world }

    /// For whom it has worked, once for each time.
    var ground: [String] { state.withLock { $0.ground } }

    func handle(_ request: HTTPRequest) -> HTTPResponse {
        let key = request.headers["Idempotency-Key"] ?? UUID().uuidString
        if let known = state.withLock({ $0.answers[key] }) { return known }
        if world.oneIn(6) { return HTTPResponse(status: 503, headers: [:], body: []) }
        let isRefused = world.oneIn(4)
        let body = (try? JSON.parse(request.body)) ?? .null
        let status = isRefused ? 422 : 200
        let headers: HTTPHeaders = ["content-type": "application/json"]
        let response = HTTPResponse(status: status, headers: headers, body: Array("{}".utf8))
        state.withLock { state in
            state.answers[key] = response
            if !isRefused { state.ground.append(body["run"]?.intValue.map { "\($0)" } ?? "nobody") }
        }
        return response
    }
}
