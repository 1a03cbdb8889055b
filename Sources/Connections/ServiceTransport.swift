package import FlowEngine
package import FlowLanguage
package import HTTPTransport
import Expressions

/// Moves the requests of all connections over HTTP, and says honestly what is known about each.
///
/// The only retries here repeat one request with its key, or one that only reads; everything else is for the engine
/// to decide, because it alone has what is on disk.
package struct ServiceTransport: Transport {
    /// Sends one request; `HTTPClient.send` outside tests.
    package typealias Sender = @Sendable (HTTPRequest) async throws(HTTPError) -> HTTPResponse

    private let services: [String: any OutsideService]
    private let clock: any Clock
    private let sender: Sender

    /// - Parameters:
    ///   - connections: the app's; each finds its service in `services` by the service's name.
    ///   - services: by name, such as `stripe`.
    ///   - clock: waits between two tries.
    ///   - sender: what sends one HTTP request.
    package init(
        connections: [ConnectionDeclaration],
        services: [String: any OutsideService],
        clock: any Clock,
        sender: @escaping Sender
    ) {
        var byConnection: [String: any OutsideService] = [:]
        for connection in connections { byConnection[connection.name] = services[connection.service] }
        self.services = byConnection
        self.clock = clock
        self.sender = sender
    }

    package func send(_ request: OutsideRequest, mode: Mode) async -> TransportResult {
        guard let service = services[request.connection] else {
            return .notSent(
                reason: "connection \(request.connection) has no service that can be reached",
                retryable: false
            )
        }
        var mayHaveBeenSeen = false
        for attempt in 1...max(1, service.attemptsMax) {
            let outgoing: HTTPRequest
            do {
                outgoing = try service.request(for: request, mode: mode)
            } catch {
                let reason = error.reason
                return mayHaveBeenSeen ? .lost(reason: reason) : .notSent(reason: reason, retryable: error.isRetryable)
            }
            let isLast = attempt >= service.attemptsMax || request.effect == .once
            var pause = Duration.milliseconds(500)
            do {
                let answer = Self.answer(from: try await sender(outgoing))
                switch service.verdict(on: answer, to: request, attempt: isLast ? service.attemptsMax : attempt) {
                case .definite:
                    return .answered(answer)
                case .unclear(let reason):
                    return .lost(reason: reason)
                case .again(let delay):
                    mayHaveBeenSeen = true
                    guard !isLast else { return .lost(reason: "the service asks to be asked again") }
                    pause = delay
                }
            } catch {
                mayHaveBeenSeen = mayHaveBeenSeen || error.requestMayHaveBeenSent
                guard !isLast, error.code != .cancelled, error.code != .shutDown, error.isWorthAnotherTry else {
                    let reason = error.description
                    return mayHaveBeenSeen
                        ? .lost(reason: reason) : .notSent(reason: reason, retryable: error.isWorthAnotherTry)
                }
                pause = .milliseconds(500) * (1 << (attempt - 1))
            }
            guard let deadline = clock.now() + pause, (try? await clock.sleep(until: deadline)) != nil else {
                // Only cancellation ends the wait early; what is known stays the same.
                return mayHaveBeenSeen
                    ? .lost(reason: "stopped while waiting to repeat the request")
                    : .notSent(reason: "stopped while waiting to repeat the request", retryable: true)
            }
        }
        return .lost(reason: "no definite answer")
    }

    /// The header fields that are journalled: what errors and retries are explained by, and nothing else.
    private static let keptHeaders = [
        "content-type", "request-id", "stripe-version", "stripe-should-retry", "idempotent-replayed",
        "original-request", "retry-after", "x-message-id",
    ]

    private static func answer(from response: HTTPResponse) -> OutsideAnswer {
        var headers: [String: String] = [:]
        for name in keptHeaders { headers[name] = response.headers[name] }
        return OutsideAnswer(status: response.status, headers: headers, body: response.body)
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
