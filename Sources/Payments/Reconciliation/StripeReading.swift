import Connections
import Expressions
import FlowEngine
import FlowLanguage

/// Asks Stripe for objects and lists, patiently; sends nothing that changes anything.
struct StripeReading: Sendable {
    let connection: String
    let mode: Mode
    let transport: any Transport
    let clock: any Clock

    struct Page: Sendable {
        var items: [Value]
        var hasMore: Bool
        var askedAt: Timestamp
    }

    /// An object, and when it was asked for.
    ///
    /// What Stripe answers is as old as the question, or newer; taken for newer than it is, it would undo what events
    /// have told since.
    struct Fetched: Sendable {
        var object: Value
        var askedAt: Timestamp
    }

    private static let attempts = 5

    /// - Returns: the object; nil when Stripe does not have it.
    func object(at path: String) async throws -> Fetched? {
        let (answer, askedAt) = try await get(path)
        if answer.status == 404 { return nil }
        return Fetched(object: try value(of: answer, path), askedAt: askedAt)
    }

    func list(_ path: String) async throws -> Page {
        let (answer, askedAt) = try await get(path)
        let list = try value(of: answer, path)
        guard list["object"] == "list", let items = list["data"]?.listValue else {
            throw ReconciliationFailure("Stripe's answer to GET \(name(path)) is not a list")
        }
        return Page(items: items, hasMore: list["has_more"]?.boolValue ?? false, askedAt: askedAt)
    }

    private func value(of answer: OutsideAnswer, _ path: String) throws -> Value {
        guard answer.status == 200, let value = try? JSON.parse(answer.body) else {
            throw ReconciliationFailure(
                "Stripe answered GET \(name(path)) with \(answer.status)",
                isOfOneObject: answer.status != 401
            )
        }
        return value
    }

    /// One answer that says something; a busy or failing Stripe is asked again after a pause.
    /// - Returns: the answer, and when the request that it answers was sent.
    private func get(_ path: String) async throws -> (OutsideAnswer, askedAt: Timestamp) {
        var pause = Duration.milliseconds(500)
        var reason = ""
        for attempt in 1...Self.attempts {
            let request = OutsideRequest(connection: connection, method: "GET", path: path, effect: .safe)
            let askedAt = clock.now()
            switch await transport.send(request, mode: mode) {
            case .answered(let answer) where answer.status == 429 || answer.status >= 500:
                reason = "it answered \(answer.status)"
            case .answered(let answer): return (answer, askedAt)
            case .notSent(let why, retryable: false), .unusable(let why): throw ReconciliationFailure(why)
            case .notSent(let why, retryable: true), .lost(let why): reason = why
            }
            guard attempt < Self.attempts, let next = clock.now() + pause else { break }
            try await clock.sleep(until: next)
            pause = pause * 2
        }
        throw ReconciliationFailure("Stripe could not be asked for \(name(path)): \(reason)")
    }

    /// Without the query, which is long and says nothing to a person.
    private func name(_ path: String) -> Substring { path.prefix { $0 != "?" } }
}
