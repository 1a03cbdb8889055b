package import FlowEngine
package import HTTPTransport

/// What one service adds to a request so that it can leave: host, credentials, and which answers are worth another try.
package protocol OutsideService: Sendable {
    /// The request as it goes over the wire.
    /// - Throws: `ServiceRefusal` when it must not be sent.
    func request(for request: OutsideRequest, mode: Mode) throws(ServiceRefusal) -> HTTPRequest

    /// How an answer is to be taken, after `attempt` (from 1) tries with the same key.
    func verdict(on answer: OutsideAnswer, to request: OutsideRequest, attempt: Int) -> AnswerVerdict

    /// How often at most one request is sent, the first time included.
    var attemptsMax: Int { get }
}

/// What to make of a service's answer.
package enum AnswerVerdict: Sendable, Hashable {
    /// It is the service's word; the command reads it.
    case definite
    /// Send the same request, with the same key, after the given time.
    case again(after: Duration)
    /// The service does not know itself what became of the request.
    case unclear(String)
}

/// Why a request must not leave: nothing was sent.
package struct ServiceRefusal: Error, Sendable, Hashable, CustomStringConvertible {
    /// A sentence for the operator, without secrets.
    package let reason: String
    /// Whether it may go through later with nothing changed in the flow, such as after a key was set.
    package let isRetryable: Bool

    package init(_ reason: String, isRetryable: Bool = false) {
        self.reason = reason
        self.isRetryable = isRetryable
    }

    package var description: String { "service: \(reason)" }
}
