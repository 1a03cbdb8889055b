import Expressions
import FlowEngine
import HTTPTypes
import Hummingbird
import NIOCore
import Synchronization

/// `POST /hooks/stripe` as Stripe sends it: a 2xx leaves only after the event is durable.
///
/// Stripe's events come in bursts, and most of what one costs would be the way to the route. What is out of the ordinary
/// (a browser's headers, a host that is not ours, a body that is too long or held back, a full server) is left to
/// `HookRoutes`, which refuses it with its reason.
struct StripeHookRoute: DirectRoute {
    static let path = "/hooks/stripe"

    let receiver: any StripeHookReceiver
    let gate: RequestGate
    let clock: any FlowEngine.Clock
    let bodyLimit: Int
    private let date = AnswerDate()

    init(receiver: any StripeHookReceiver, gate: RequestGate, clock: any FlowEngine.Clock, bodyLimit: Int) {
        self.receiver = receiver
        self.gate = gate
        self.clock = clock
        self.bodyLimit = bodyLimit
    }

    func enter(_ head: HTTPRequest) -> Bool {
        guard head.method == .post, head.path == Self.path else { return false }
        let fields = head.headerFields
        guard fields[.origin] == nil, fields[.expect] == nil, fields[.connection] == nil,
            fields[.contentLength].map({ Int($0).map { $0 <= bodyLimit } ?? false }) ?? true
        else { return false }
        return gate.admits(head) && gate.places.enter()
    }

    func leave() { gate.places.leave() }

    func respond(
        to body: ByteBuffer,
        _ head: HTTPRequest,
        done: @escaping @Sendable (_ answer: @escaping @Sendable () -> WholeAnswer) -> Void
    ) {
        let signatures = head.headerFields[values: .stripeSignature]
        receiver.receive(
            body: Array(body.readableBytesView),
            signature: signatures.count == 1 ? signatures.first : nil
        ) { verdict in
            done { answer(verdict) }
        }
    }

    private func answer(_ verdict: StripeHookVerdict) -> WholeAnswer {
        let id = RequestID().description
        var answer = verdict.problem?.answer(requestID: id) ?? verdict.answer
        gate.seal(&answer.headers, requestID: id)
        answer.headers[.date] = date.text(at: clock.now())
        gate.counts.count(route: Self.path, method: .post, status: answer.status.code)
        return answer
    }
}

extension StripeHookVerdict {
    private static let first = ByteBuffer(string: #"{"received":true}"#)
    private static let again = ByteBuffer(string: #"{"received":true,"repeated":true}"#)

    /// What a sender whose event is durable is told.
    var answer: WholeAnswer {
        WholeAnswer(
            status: .ok,
            headers: [.contentType: "application/json"],
            body: self == .repeated ? Self.again : Self.first
        )
    }

    /// Why nothing was stored, if so.
    var problem: Problem? {
        switch self {
        case .accepted, .repeated: nil
        case .refused(let status, let code, let message): Problem(status, code, message)
        case .unavailable: Problem(503, "unavailable", "The event was not stored.", retryAfter: 1)
        }
    }
}

/// The `Date` of answers (RFC 9110, 6.6.1), written once a second.
private final class AnswerDate: Sendable {
    private let last = Mutex<(second: Int64, text: String)>((0, ""))

    func text(at now: Timestamp) -> String {
        last.withLock { last in
            if last.second != now.seconds || last.text.isEmpty {
                last = (now.seconds, Self.text(of: now))
            }
            return last.text
        }
    }

    /// As in `Thu, 26 Nov 2026 17:23:15 GMT` (RFC 9110, 5.6.7).
    private static func text(of moment: Timestamp) -> String {
        let days = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        // 2026-11-26T17:23:15…
        let text = Array(moment.rfc3339)
        let sinceThursday = Int((moment.seconds / 86_400) % 7)
        guard text.count > 19, sinceThursday >= 0, let month = Int(String(text[5..<7])), months.indices ~= month - 1
        else {
            return "Thu, 01 Jan 1970 00:00:00 GMT"
        }
        return "\(days[sinceThursday]), \(String(text[8..<10])) \(months[month - 1]) \(String(text[..<4])) "
            + "\(String(text[11..<19])) GMT"
    }
}
