import Connections
import Expressions
import FlowEngine
import FlowLanguage
import Payments
import StripeSimulator

// Web hooks that come in, through the same door as on a server: signed, checked, stored, answered.
extension CaseRun {
    /// Delivers letters of Stripe, all in one moment.
    ///
    /// - Returns: Whether there were any.
    func deliver(_ letters: [Mailbox.Letter]) async throws -> Bool {
        guard !letters.isEmpty else { return false }
        let now = world.clock.now()
        let accepted = app.hearsStripe ? try letters.map { (try verified($0, at: now), $0.body) } : []
        let payments = world.payments
        try await surviving {
            let engine = world.engine
            try await engine.write { (transaction) throws(StoreError) in
                for (event, body) in accepted {
                    let outcome = try payments.accept(event, body: body, at: now, in: transaction)
                    guard outcome != .duplicate else { continue }
                    try engine.startFlows(onStripe: event.type, event: event.value, at: now, in: transaction)
                }
            }
        }
        for letter in letters {
            if let webhook = letter.webhook { world.simulator.report(webhook, status: 200) }
        }
        return true
    }

    private func verified(_ letter: Mailbox.Letter, at now: Timestamp) throws -> StripeEvent {
        let secret = Secret(FakeSecrets.webhookSecret)
        let signature = StripeSignature.sign(body: letter.body, secret: secret, at: now)
        do throws(WebhookRefusal) {
            return try world.webhook.receive(body: letter.body, signature: signature, now: now)
        } catch {
            throw CaseError("the event \(letter.event.type) is refused: \(error.description)")
        }
    }

    /// Delivers to a web hook of the app.
    func deliver(_ hook: HookStep, at range: SourceRange) async throws -> StepResult {
        guard let graph = app.flows[hook.flow], case .webhook(let declared) = graph.trigger else {
            throw CaseFault(message: "'\(hook.flow)' is no web hook", range: range)
        }
        let body = try hook.body.map(value) ?? .null
        var headers = try scope.evaluate(hook.headers, at: range)
        if headers["content-type"] == nil { headers["content-type"] = "application/json" }
        let trigger: Value = [
            "body": body, "headers": .map(headers), "query": .map(try scope.evaluate(hook.query, at: range)),
            "method": .string(declared.method), "receivedAt": .timestamp(world.clock.now()),
        ]
        let bytes = (try? JSON.encode(body)) ?? []  // What JSON cannot say came from an expression and is no body.
        let event = mailbox.name(hook.flow)
        let eventID = try declared.eventID.map { try self.eventID(by: $0, trigger, at: range) }
        var first: RunID?
        for _ in 0..<(plan.isTwice(event) ? 2 : 1) {
            let run = try await surviving {
                try await world.engine.receive(hook: hook.flow, eventID: eventID, trigger: trigger, body: bytes)
            }
            first = first ?? run
            await world.quiet()
        }
        return StepResult(status: 200, output: ["received": true], run: declared.answer == .atOnce ? nil : first)
    }

    private func eventID(by expression: Expression, _ trigger: Value, at range: SourceRange) throws -> String {
        var values = [Value?](repeating: nil, count: ScopeSlot.allCases.count)
        values[ScopeSlot.trigger.rawValue] = trigger
        switch try? expression.evaluate(in: Bindings(values)) {
        case .string(let text)?: return text
        case .int(let number)?: return String(number)
        default:
            throw CaseFault(message: "the delivery does not carry the id that 'eventId' asks for", range: range)
        }
    }

    /// The body as a value: what the case says, or what its file holds.
    func value(_ body: CaseBody) throws -> Value {
        switch body {
        case .value(let value): return try scope.evaluate(value)
        case .file(let name, let range):
            guard let bytes = files.read(name) else {
                throw CaseFault(message: "the app has no file '\(name)'", range: range)
            }
            guard let value = try? JSON.parse(bytes) else {
                throw CaseFault(message: "'\(name)' is not JSON", range: range)
            }
            return value
        }
    }
}

extension App {
    /// Whether anything of it waits for events of Stripe; else nobody has told Stripe where to send them.
    fileprivate var hearsStripe: Bool {
        payments != nil || flows.values.contains { if case .stripe = $0.trigger { true } else { false } }
    }
}

/// Reads files of the app that a case names; nil: there is none.
package struct CaseFiles: Sendable {
    package var read: @Sendable (String) -> [UInt8]?

    package init(_ read: @escaping @Sendable (String) -> [UInt8]?) { self.read = read }
}
