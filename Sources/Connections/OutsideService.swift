package import FlowEngine
package import HTTPTransport

/// What one service adds to a request so that it can leave: host and credentials.
package protocol OutsideService: Sendable {
    /// The request as it goes over the wire.
    /// - Throws: `ServiceRefusal` when it must not be sent.
    func request(for request: OutsideRequest, mode: Mode) throws(ServiceRefusal) -> HTTPRequest

    /// What of the answer the engine journals and the command reads.
    func answer(_ response: HTTPResponse, to request: OutsideRequest, mode: Mode) -> OutsideAnswer
}

extension OutsideService {
    /// The body, and the header fields by which errors and repetitions are explained: nothing else is journalled.
    package func answer(_ response: HTTPResponse, to request: OutsideRequest, mode: Mode) -> OutsideAnswer {
        let kept = [
            "content-type", "request-id", "stripe-version", "stripe-should-retry", "idempotent-replayed",
            "original-request", "retry-after", "x-message-id",
        ]
        var headers: [String: String] = [:]
        for name in kept { headers[name] = response.headers[name] }
        return OutsideAnswer(status: response.status, headers: headers, body: response.body)
    }
}

/// Why a request must not leave: nothing was sent.
package struct ServiceRefusal: Error, Sendable, Hashable, CustomStringConvertible {
    /// A sentence for the operator, without secrets.
    package let reason: String

    package init(_ reason: String) {
        self.reason = reason
    }

    package var description: String { "service: \(reason)" }
}
