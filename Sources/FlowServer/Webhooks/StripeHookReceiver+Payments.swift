import Expressions
package import FlowEngine
package import Logging
package import Payments

/// Takes events of Stripe in for the payments feature: verified first, then stored in one transaction with all that
/// follows from them.
package struct PaymentsHookReceiver: StripeHookReceiver {
    private let engine: Engine
    private let webhook: StripeWebhook
    private let payments: PaymentsFeature
    private let logger: Logger?
    private let onAwaiting: @Sendable () -> Void

    /// - Parameters:
    ///   - engine: takes the events in.
    ///   - webhook: checks who sent them.
    ///   - payments: decides what follows.
    ///   - logger: hears of events that were sent and could not be stored.
    ///   - onAwaiting: called once a thin event is durable, whose object is to be fetched.
    package init(
        engine: Engine,
        webhook: StripeWebhook,
        payments: PaymentsFeature,
        logger: Logger? = nil,
        onAwaiting: @escaping @Sendable () -> Void = {}
    ) {
        self.engine = engine
        self.webhook = webhook
        self.payments = payments
        self.logger = logger
        self.onAwaiting = onAwaiting
    }

    package func receive(
        body: [UInt8],
        signature: String?,
        verdict: @escaping @Sendable (StripeHookVerdict) -> Void
    ) {
        let now = engine.clock.now()
        let event: StripeEvent
        do throws(WebhookRefusal) {
            event = try webhook.receive(body: body, signature: signature, now: now) { type in
                engine.flowsOfStripeEvents[type] != nil
            }
        } catch {
            let refused = StripeHookVerdict.refused(
                status: error.status,
                code: error.code.rawValue,
                message: error.description
            )
            let audit = RefusalAudit(engine: engine)
            return audit.note("webhook", on: PaymentsFeature.source, by: .anonymous, error.code.rawValue) {
                verdict(refused)
            }
        }
        guard engine.isReady else { return verdict(.unavailable) }
        engine.write { [engine, payments] transaction throws(StoreError) in
            try payments.accept(event, body: body, startingFlowsOf: engine, at: now, in: transaction)
        } done: { [logger, onAwaiting] outcome in
            switch outcome {
            case .success(.duplicate): verdict(.repeated)
            case .success(let outcome):
                if outcome == .awaiting { onAwaiting() }
                verdict(.accepted)
            case .failure(let error):
                // Stripe sends it again for days, and whoever looks why has nothing but this line.
                logger?.warning(
                    "an event of Stripe is not taken in",
                    metadata: ["event": "\(event.id)", "type": "\(event.type)", "reason": "\(error)"]
                )
                verdict(.unavailable)
            }
        }
    }
}
