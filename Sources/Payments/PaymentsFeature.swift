package import Connections
import Expressions
package import FlowEngine
package import FlowLanguage

/// The payments of one app in one mode: its commands, its callbacks, and what Stripe's events do.
package struct PaymentsFeature: Feature {
    /// How Stripe's deliveries are filed.
    package static let source = "stripe"

    package let settings: PaymentsSettings
    package let mode: Mode
    let flows: [CallbackTrigger: [CallbackFlow]]

    struct CallbackFlow: Sendable, Hashable {
        var name: String
        var version: FlowVersion
    }

    /// - Parameters:
    ///   - app: the checked app; without `payments:` only `create-payment-intent` without an order works.
    ///   - mode: the server's.
    ///   - credentials: the keys, read on each use.
    package init(app: App, mode: Mode, credentials: StripeCredentials) {
        self.settings = PaymentsSettings(app: app, credentials: credentials)
        self.mode = mode
        var flows: [CallbackTrigger: [CallbackFlow]] = [:]
        for trigger in CallbackTrigger.allCases {
            flows[trigger] = app.flows(on: trigger).map { CallbackFlow(name: $0.name, version: $0.version) }
        }
        self.flows = flows
    }

    package func command(_ name: String, of service: String) -> (any Command)? {
        bareCommand(name, of: service).map(AuditedCommand.init)
    }

    private func bareCommand(_ name: String, of service: String) -> (any Command)? {
        if service == PaymentsCatalogue.sendGrid.name {
            return SendEmail.Kind(rawValue: name).map { SendEmail(kind: $0, settings: settings) }
        }
        guard service == PaymentsCatalogue.stripe.name else { return nil }
        switch name {
        case CreatePaymentIntent.declaration.name: return intents(CreatePaymentIntent.declaration)
        case CreatePaymentIntent.singlePayment.name: return intents(CreatePaymentIntent.singlePayment)
        case CreateCheckoutSession.declaration.name:
            return CreateCheckoutSession(settings: settings, intents: intents(CreateCheckoutSession.declaration))
        case LowerRecurringAmount.declaration.name: return LowerRecurringAmount()
        case StripeCall.declaration.name: return StripeCall(settings: settings)
        case RecurringPayment.declaration.name:
            return RecurringPayment(settings: settings) { subscription, mode, now, transaction throws(StoreError) in
                try adoptDeliveries(object: subscription, mode: mode, at: now, in: transaction)
            }
        case ConfirmPaymentIntent.declaration.name: return ConfirmPaymentIntent(settings: settings)
        case RetrievePaymentIntent.declaration.name: return RetrievePaymentIntent()
        case CancelPaymentIntent.declaration.name: return CancelPaymentIntent()
        case CapturePaymentIntent.declaration.name: return CapturePaymentIntent()
        case RefundPayment.declaration.name: return RefundPayment()
        default: return StripeObjectCommand.all.first { $0.declaration.name == name }
        }
    }

    private func intents(_ declaration: CommandDeclaration) -> CreatePaymentIntent {
        CreatePaymentIntent(settings: settings, declaration: declaration) {
            payment,
            now,
            transaction throws(StoreError) in
            guard let intent = payment.intent else { return }
            try adoptDeliveries(object: intent, mode: payment.mode, at: now, in: transaction)
        }
    }
}
