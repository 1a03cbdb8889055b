import Connections
import Expressions
import FlowEngine
import FlowLanguage

/// `cancel-payment-intent`: nobody can pay it any more; the order may then get another one.
///
/// What Stripe has made for a row is not always known here: of an intent since its answer never came or the key was
/// refused, of a page since its intent is told with the first try alone. The request that stands in the row finds it, as
/// its key does not make a second one, and then it is ended.
struct CancelPaymentIntent: Command {
    static let declaration = CommandDeclaration(
        name: "cancel-payment-intent",
        summary: "Cancels a payment that nobody has paid yet",
        parameters: [
            ParameterDeclaration(name: "paymentId", type: .int, isRequired: true, summary: "The id in `payments`"),
            ParameterDeclaration(
                name: "reason",
                type: .string,
                summary: "What Stripe is told",
                allowed: reasons
            ),
        ],
        output: IntentOutput.type,
        needsPayments: true
    )

    private static let reasons = ["abandoned", "duplicate", "fraudulent", "requested_by_customer"]

    var declaration: CommandDeclaration { Self.declaration }

    func begin(_ call: CommandCall, in transaction: any StoreTransaction) throws(StoreError) -> CommandStep {
        guard let payment = try IntentOutput.payment(of: call, in: transaction) else {
            return .fail(IntentOutput.notFound)
        }
        guard payment.status.isOpen else {
            return .fail(
                .payments("payment_closed", "payment \(payment.id) is \(payment.status.rawValue) already", status: 409)
            )
        }
        if !payment.isCheckout, let intent = payment.intent { return cancel(intent, call) }
        guard let body = payment.request else { return .fail(IntentOutput.notFound) }
        guard payment.isCheckout else {
            return .send(StripeRequest.post(CreatePaymentIntent.path, body, key: payment.key, call))
        }
        if let refusal = CreateCheckoutSession.refusal(of: payment, at: call.now) { return .fail(refusal) }
        return .send(StripeRequest.post(CreateCheckoutSession.path, body, key: payment.key, call))
    }

    func receive(
        _ answer: OutsideAnswer,
        to request: OutsideRequest,
        of call: CommandCall,
        in transaction: any StoreTransaction
    ) throws(StoreError) -> CommandStep {
        guard let payment = try IntentOutput.payment(of: call, in: transaction) else {
            return .fail(IntentOutput.notFound)
        }
        switch request.path {
        case CreatePaymentIntent.path, CreateCheckoutSession.path:
            return try found(answer, request, payment, call, PaymentLedger(transaction))
        case _ where request.path.hasPrefix(CreateCheckoutSession.path):
            guard (200..<300).contains(answer.status) else { return .fail(StripeFailure.failure(from: answer)) }
            let report = PaymentReport(status: .cancelled, at: call.now.seconds, failureCode: "session_expired")
            _ = try PaymentLedger(transaction).apply(report, to: payment)
            return Self.done(payment)
        default:
            let step = IntentOutput.step(answer, call)
            if case .succeed(let output) = step, output["status"] == .string("canceled") {
                // What follows is started by Stripe's event; the row moves now, so that the order can be paid anew.
                let report = PaymentReport(status: .cancelled, at: call.now.seconds)
                _ = try PaymentLedger(transaction).apply(report, to: payment)
            }
            return step
        }
    }

    /// What Stripe has made for the row, by the request that made it; it is ended next.
    private func found(
        _ answer: OutsideAnswer,
        _ request: OutsideRequest,
        _ payment: PaymentRecord,
        _ call: CommandCall,
        _ ledger: PaymentLedger
    ) throws(StoreError) -> CommandStep {
        guard (200..<300).contains(answer.status) else {
            var failure = StripeFailure.failure(from: answer)
            guard StripeFailure.isFinal(answer) else {
                failure.message =
                    "whether Stripe has anything that pays payment \(payment.id) is not known: \(failure.message)"
                return .fail(failure)
            }
            // Nothing was made and nothing will be: that is what a cancellation wants.
            try ledger.close(payment, failureCode: failure.code)
            return Self.done(payment)
        }
        guard let object = try? JSON.parse(answer.body), object["livemode"] == .bool(call.mode == .live) else {
            return .fail(StripeFailure.malformed(answer, expected: "what pays the payment, of this mode"))
        }
        guard request.path == CreatePaymentIntent.path else {
            guard let session = StripeID.of(object["id"], prefix: "cs_") else {
                return .fail(StripeFailure.malformed(answer, expected: "a Checkout Session"))
            }
            let path = "\(CreateCheckoutSession.path)/\(session)/expire"
            return .send(StripeRequest.post(path, "", key: call.key, call))
        }
        guard let intent = StripePaymentIntent(object) else {
            return .fail(StripeFailure.malformed(answer, expected: "a Payment Intent"))
        }
        let facts = StripeIntentFacts(id: intent.id, customer: intent.customer)
        guard try ledger.attach(intent: facts, to: payment) else {
            return .fail(
                .payments("payment_changed", "the payment changed meanwhile; ask again", status: 409, retryable: true)
            )
        }
        return cancel(intent.id, call)
    }

    private func cancel(_ intent: String, _ call: CommandCall) -> CommandStep {
        var parameters = ValueMap()
        if let reason = call.data["reason"]?.stringValue {
            parameters["cancellation_reason"] = .string(reason)
        }
        do throws(Refusal) {
            let body = try StripeRequest.body(parameters)
            return .send(StripeRequest.post("/v1/payment_intents/\(intent)/cancel", body, key: call.key, call))
        } catch {
            return .fail(error.failure)
        }
    }

    /// Of a payment that nothing at Stripe can pay any more.
    private static func done(_ payment: PaymentRecord) -> CommandStep {
        .succeed([
            "intent": .string(payment.intent ?? ""), "status": "canceled", "amount": .int(payment.amount),
            "amountReceived": 0, "currency": .string(payment.currency),
        ])
    }
}
