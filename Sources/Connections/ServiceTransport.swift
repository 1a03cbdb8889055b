package import FlowEngine
package import FlowLanguage
package import HTTPTransport

/// Moves the requests of all connections over HTTP, and says honestly what is known about each.
///
/// Repeats nothing by itself: the engine does, because it alone has on disk what was sent before.
package struct ServiceTransport: Transport {
    /// Sends one request; `HTTPClient.send` outside tests.
    package typealias Sender = @Sendable (HTTPRequest) async throws(HTTPError) -> HTTPResponse

    private let services: [String: any OutsideService]
    private let sender: Sender

    /// - Parameters:
    ///   - connections: the app's; each finds its service in `services` by the service's name.
    ///   - services: by name, such as `stripe`.
    ///   - sender: what sends one HTTP request.
    package init(
        connections: [ConnectionDeclaration],
        services: [String: any OutsideService],
        sender: @escaping Sender
    ) {
        var byConnection: [String: any OutsideService] = [:]
        for connection in connections + [.anyHost] { byConnection[connection.name] = services[connection.service] }
        byConnection[ExplicitCredentials.connection] = services["stripe"]
        self.services = byConnection
        self.sender = sender
    }

    package func send(_ request: OutsideRequest, mode: Mode) async -> TransportResult {
        guard let service = services[request.connection] else {
            let reason = "connection \(request.connection) has no service that can be reached"
            return .notSent(reason: reason, retryable: false)
        }
        let outgoing: HTTPRequest
        do throws(ServiceRefusal) {
            outgoing = try service.request(for: request, mode: mode)
        } catch {
            // A person has to do something first, such as set a key: waiting would not help.
            return .notSent(reason: error.reason, retryable: false)
        }
        do throws(HTTPError) {
            let response = try await sender(outgoing)
            let answer = service.answer(response, to: request, mode: mode)
            // What was written before, on a connection that broke, may have been executed.
            if response.wasRepeated, request.effect != .safe, answer.saysNothingOfOthers {
                return .lost(reason: "a repetition was answered \(answer.status)")
            }
            return .answered(answer)
        } catch {
            guard error.requestMayHaveBeenSent else {
                return .notSent(reason: error.description, retryable: error.isWorthAnotherTry)
            }
            // What only reads has done nothing, whether it arrived or not.
            let isHopeless = request.effect == .safe && !error.isWorthAnotherTry
            return isHopeless ? .unusable(reason: error.description) : .lost(reason: error.description)
        }
    }
}

extension HTTPError {
    /// Whether the same request may fare better a moment later.
    fileprivate var isWorthAnotherTry: Bool {
        switch code {
        case .couldNotConnect, .hostNotFound, .timedOut, .connectionLost, .overloaded, .cancelled, .shutDown: true
        case .tls, .responseTooLarge, .malformedResponse, .addressRefused, .malformedRequest, .unusable: false
        }
    }
}
