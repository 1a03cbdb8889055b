import Connections
import Expressions
import FlowEngine
import FlowLanguage

/// `retrieve-payment-intent`: what Stripe says of a payment now; changes nothing.
struct RetrievePaymentIntent: Command {
    static let declaration = CommandDeclaration(
        name: "retrieve-payment-intent",
        summary: "Asks Stripe how a payment stands",
        parameters: [
            ParameterDeclaration(name: "paymentId", type: .int, isRequired: true, summary: "The id in `payments`")
        ],
        output: IntentOutput.type,
        effect: .safe,
        needsPayments: true
    )

    var declaration: CommandDeclaration { Self.declaration }

    func begin(_ call: CommandCall, in transaction: any StoreTransaction) throws(StoreError) -> CommandStep {
        guard let payment = try IntentOutput.payment(of: call, in: transaction), let intent = payment.intent else {
            return .fail(IntentOutput.notFound)
        }
        return .send(StripeRequest.get("/v1/payment_intents/\(intent)", call))
    }

    func receive(
        _ answer: OutsideAnswer,
        to request: OutsideRequest,
        of call: CommandCall,
        in transaction: any StoreTransaction
    ) throws(StoreError) -> CommandStep {
        IntentOutput.step(answer, call)
    }
}

/// `capture-payment-intent`: takes the money of a payment that was made with `capture_method: manual`, or a part of it.
///
/// What was not taken is released by Stripe; the web hook tells what came in.
struct CapturePaymentIntent: Command {
    static let declaration = CommandDeclaration(
        name: "capture-payment-intent",
        summary: "Takes the money of an authorised payment",
        parameters: [
            ParameterDeclaration(name: "paymentId", type: .int, isRequired: true, summary: "The id in `payments`"),
            ParameterDeclaration(
                name: "amount",
                type: .int,
                summary: "Minor units, at most the payment's; absent: all"
            ),
        ],
        output: IntentOutput.type,
        needsPayments: true
    )

    var declaration: CommandDeclaration { Self.declaration }

    func begin(_ call: CommandCall, in transaction: any StoreTransaction) throws(StoreError) -> CommandStep {
        guard let payment = try IntentOutput.payment(of: call, in: transaction), let intent = payment.intent else {
            return .fail(IntentOutput.notFound)
        }
        guard payment.status.isOpen else {
            return .fail(
                .payments("payment_closed", "payment \(payment.id) is \(payment.status.rawValue) already", status: 409)
            )
        }
        do throws(Refusal) {
            var parameters = ValueMap()
            if let value = call.data["amount"] {
                guard value != .null else {
                    throw Refusal(
                        code: "amount_missing",
                        message: "`amount` is null; leave the line out to capture all that is held",
                        param: "amount"
                    )
                }
                let amount = try StripeMoneyRules.minorUnits(value, parameter: "amount")
                guard (1...payment.amount).contains(amount) else {
                    throw Refusal(
                        code: "capture_too_large",
                        message: "\(Money(amount, payment.currency)) is not within the \(payment.money) of the payment",
                        param: "amount"
                    )
                }
                parameters["amount_to_capture"] = .int(amount)
            }
            let body = try StripeRequest.body(parameters)
            return .send(StripeRequest.post("/v1/payment_intents/\(intent)/capture", body, key: call.key, call))
        } catch {
            return .fail(error.failure)
        }
    }

    func receive(
        _ answer: OutsideAnswer,
        to request: OutsideRequest,
        of call: CommandCall,
        in transaction: any StoreTransaction
    ) throws(StoreError) -> CommandStep {
        IntentOutput.step(answer, call)
    }
}

/// What the commands that act on one known intent share.
enum IntentOutput {
    static let type = RecordType(
        name: "Payment Intent",
        fields: [
            "intent": RecordType.Field(.string),
            "status": RecordType.Field(.string),
            "amount": RecordType.Field(.int),
            "amountReceived": RecordType.Field(.int),
            "currency": RecordType.Field(.string),
        ]
    )

    static let notFound = BlockFailure.payments(
        "payment_not_found",
        "no such payment with an intent",
        status: 404,
        param: "paymentId"
    )

    static func payment(of call: CommandCall, in transaction: any StoreTransaction) throws(StoreError) -> PaymentRecord?
    {
        guard let id = call.data["paymentId"]?.intValue,
            let payment = try PaymentLedger(transaction).payment(id: id), payment.mode == call.mode
        else { return nil }
        return payment
    }

    static func step(_ answer: OutsideAnswer, _ call: CommandCall) -> CommandStep {
        guard (200..<300).contains(answer.status) else { return .fail(StripeFailure.failure(from: answer)) }
        guard let object = try? JSON.parse(answer.body), let intent = StripePaymentIntent(object),
            intent.mode == call.mode
        else { return .fail(StripeFailure.malformed(answer, expected: "a Payment Intent of this mode")) }
        return .succeed([
            "intent": .string(intent.id),
            "status": .string(intent.status),
            "amount": .int(intent.amount),
            "amountReceived": .int(intent.amountReceived),
            "currency": .string(intent.currency),
        ])
    }
}
