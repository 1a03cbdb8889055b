package import FlowEngine
package import HTTPTransport

/// What one service adds to a request so that it can leave: host and credentials.
package protocol OutsideService: Sendable {
    /// The request as it goes over the wire.
    /// - Throws: `ServiceRefusal` when it must not be sent.
    func request(for request: OutsideRequest, mode: Mode) throws(ServiceRefusal) -> HTTPRequest
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
