import Synchronization

/// The simulator inside another program: no port, no clock of its own, no task; everything happens when it is called.
///
/// The same seed and the same calls at the same moments give the same answers and the same web hooks, byte for byte.
package final class EmbeddedSimulator: Sendable {
    package struct Answer: Sendable, Hashable {
        package let status: Int
        /// Lower-case names.
        package let headers: [String: String]
        package let body: [UInt8]
    }

    /// A web hook that is due; what was answered to it is to be reported.
    package struct Webhook: Sendable {
        package let type: String
        package let signature: String
        package let body: [UInt8]
        fileprivate let outgoing: OutgoingWebhook
    }

    /// Why something could not be made to happen.
    package struct Refusal: Error, Sendable, Hashable, CustomStringConvertible {
        package let description: String
    }

    private let state: Mutex<SimulatorState>

    /// - Parameters:
    ///   - seed: Ids and outcomes follow from it.
    ///   - start: The first moment.
    ///   - secret: Signs the web hooks of the one endpoint that takes every event.
    package init(seed: UInt64 = 1, start: SimulatorInstant, secret: String) {
        var configuration = SimulatorConfiguration()
        configuration.seed = seed
        configuration.clockStart = start
        configuration.clockRuns = false
        configuration.webhookRetries = .loopback
        configuration.endpoints = [.init(url: "https://app.test/hooks/stripe", secret: secret)]
        state = Mutex(SimulatorState(settings: configuration.settings))
    }

    /// Carries out one request of Stripe's API.
    package func send(
        _ method: String,
        _ target: String,
        headers: [String: String],
        body: [UInt8] = []
    ) -> Answer {
        let parts = target.utf8.split(separator: UInt8(ascii: "?"), maxSplits: 1, omittingEmptySubsequences: false)
        let request = SimulatorRequest(
            method: method,
            path: String(decoding: parts[0], as: UTF8.self),
            query: parts.count > 1 ? Array(parts[1]) : [],
            headers: headers.map { ($0.key.lowercased(), $0.value) },
            body: body
        )
        let response = state.withLock { $0.handle(request) }
        let fields = Dictionary(
            response.headers.map { ($0.name.lowercased(), $0.value) },
            uniquingKeysWith: { first, _ in first }
        )
        return Answer(status: response.status, headers: fields, body: response.body)
    }

    /// Makes an event happen by the calls that lead to it; `changes` hold `step:path=value`.
    package func trigger(_ event: String, changes: [String]) throws(Refusal) {
        let parameters: JSONObject = [
            "event": .string(event), "override": .array(changes.map(JSONValue.string)),
        ]
        do throws(SimulatorState.ControlError) {
            _ = try state.withLock { state throws(SimulatorState.ControlError) in try state.trigger(parameters) }
        } catch {
            throw Refusal(description: error.message)
        }
    }

    /// Moves the clock forward; everything due until then happens in order.
    package func advance(to target: SimulatorInstant) { state.withLock { $0.advance(to: target) } }

    /// When the next web hook or task of Stripe's own is due.
    package var nextDue: SimulatorInstant? { state.withLock { $0.nextDue } }

    /// Takes the web hooks that are due, oldest first.
    package func takeDueWebhooks() -> [Webhook] {
        state.withLock { state in
            state.settle()
            return state.takeDueWebhooks(limit: 1_000).map { outgoing in
                let event = (try? JSONParser.value(of: outgoing.body))?.object  // It printed this itself.
                return Webhook(
                    type: event?.string("type") ?? "",
                    signature: outgoing.headers.first { $0.name == "Stripe-Signature" }?.value ?? "",
                    body: outgoing.body,
                    outgoing: outgoing
                )
            }
        }
    }

    /// Says what was answered to a web hook; one that was not taken comes again later.
    package func report(_ webhook: Webhook, status: Int) {
        state.withLock { $0.report(webhook.outgoing, status: status, failure: nil) }
    }

    /// The events that `trigger` knows.
    package static var triggers: [String] { TriggerScenario.names }
}
