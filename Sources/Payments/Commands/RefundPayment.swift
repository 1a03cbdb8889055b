import Connections
import Expressions
import FlowEngine
import FlowLanguage

/// `refund`: gives back a payment or a part of it, never more than came in, however many ask at once.
///
/// The amount is reserved on the payment before the request leaves and released only when Stripe said no, or the request
/// certainly never reached it: an answer that was lost leaves it reserved, and the web hook settles it.
struct RefundPayment: Command {
    static let path = "/v1/refunds"

    static let declaration = CommandDeclaration(
        name: "refund",
        summary: "Gives back a payment or a part of it",
        parameters: [
            ParameterDeclaration(name: "paymentId", type: .int, isRequired: true, summary: "The id in `payments`"),
            ParameterDeclaration(
                name: "amount",
                type: .int,
                summary: "Minor units of the payment's currency; absent: all that is left"
            ),
            ParameterDeclaration(
                name: "reason",
                type: .string,
                summary: "What Stripe is told",
                allowed: reasons
            ),
        ],
        output: RecordType(
            name: "Refund",
            fields: [
                "refundId": RecordType.Field(.int),
                "refund": RecordType.Field(.string),
                "amount": RecordType.Field(.int),
                "status": RecordType.Field(.string),
            ]
        ),
        needsPayments: true,
        risk: "pay money out"
    )

    private static let reasons = ["duplicate", "fraudulent", "requested_by_customer"]

    var declaration: CommandDeclaration { Self.declaration }

    func begin(_ call: CommandCall, in transaction: any StoreTransaction) throws(StoreError) -> CommandStep {
        guard let id = call.data["paymentId"]?.intValue,
            let payment = try PaymentLedger(transaction).payment(id: id), payment.mode == call.mode
        else { return .fail(.payments("payment_not_found", "no such payment", status: 404, param: "paymentId")) }
        guard payment.status == .succeeded else {
            let message = "payment \(id) is \(payment.status.rawValue), not SUCCEEDED"
            return .fail(.payments("payment_not_refundable", message, status: 409))
        }
        guard let intent = payment.intent else {
            // A recurring payment's charge is told by its invoice first.
            let message = "the intent of payment \(id) is not known yet: Stripe's next event tells it; ask again then"
            return .fail(.payments("payment_not_refundable", message, status: 409, retryable: true))
        }
        let reason = call.data["reason"]?.stringValue
        let amount: Int64
        do throws(Refusal) { amount = try Self.amount(call.data["amount"], of: payment) } catch {
            return .fail(error.failure)
        }
        let refunds = RefundLedger(transaction)
        guard try refunds.reserve(amount, of: payment) else { return .fail(Self.tooMuch(amount, payment)) }
        let refund = try refunds.insert(payment: payment.id, amount: amount, reason: reason, key: call.key)
        var parameters: ValueMap = ["payment_intent": .string(intent), "amount": .int(amount)]
        if let reason { parameters["reason"] = .string(reason) }
        parameters["metadata"] = .map([
            "runnel_installation": .string(try Installation.name(in: transaction)),
            "runnel_payment": .string("\(payment.id)"), "runnel_refund": .string("\(refund.id)"),
        ])
        do throws(Refusal) {
            return .send(StripeRequest.post(Self.path, try StripeRequest.body(parameters), key: call.key, call))
        } catch {
            _ = try refunds.apply(.failed, to: refund, failureCode: error.failure.code)
            return .fail(error.failure)
        }
    }

    func receive(
        _ answer: OutsideAnswer,
        to request: OutsideRequest,
        of call: CommandCall,
        in transaction: any StoreTransaction
    ) throws(StoreError) -> CommandStep {
        let refunds = RefundLedger(transaction)
        guard let row = try refunds.refund(key: request.key ?? "") else {
            return .fail(.payments("refund_gone", "the refund's row is not there any more"))
        }
        guard (200..<300).contains(answer.status) else {
            let failure = StripeFailure.failure(from: answer)
            // Stripe's event has told of it before: it was made by an earlier sending, whose answer was lost.
            if row.refund != nil { return Self.outcome(of: row) }
            // A 429 was not executed, every other 4xx was refused: either way nothing goes back. Beyond, Stripe may
            // have done it, so the amount stays reserved until an event says what became of it.
            if answer.status < 500, answer.status != 409 {
                _ = try refunds.apply(.failed, to: row, failureCode: failure.code)
            }
            return .fail(failure)
        }
        guard let object = try? JSON.parse(answer.body), let refund = StripeRefund(object), refund.amount == row.amount
        else {
            return .fail(Self.malformed(answer))
        }
        guard try refunds.attach(stripeID: refund.id, to: row), let reported = RefundStatus(stripe: refund.status)
        else {
            return .fail(Self.malformed(answer))
        }
        // What follows from the status is started by Stripe's event, which is sure to come, and by that alone.
        _ = try refunds.apply(reported, to: row, failureCode: refund.failureReason)
        return Self.outcome(of: try refunds.refund(id: row.id) ?? row)
    }

    /// What the block gives for a refund that Stripe has made.
    private static func outcome(of row: RefundRecord) -> CommandStep {
        guard row.status != .failed, row.status != .cancelled else {
            return .fail(
                .payments("refund_failed", "Stripe did not make the refund: \(row.status.rawValue)", status: 402)
            )
        }
        return .succeed([
            "refundId": .int(row.id),
            "refund": row.refund.map(Value.string) ?? .null,
            "amount": .int(row.amount),
            "status": .string(row.status.rawValue),
        ])
    }

    /// Not retryable: another attempt would be another refund, and this one may have been made.
    private static func malformed(_ answer: OutsideAnswer) -> BlockFailure {
        StripeFailure.malformed(answer, expected: "the Refund that was asked for", retryable: false)
    }

    private static func amount(_ value: Value?, of payment: PaymentRecord) throws(Refusal) -> Int64 {
        guard let value else {
            guard payment.refundable > 0 else {
                throw Refusal(
                    code: "nothing_refundable",
                    message: "nothing of payment \(payment.id) is left",
                    status: 409
                )
            }
            return payment.refundable
        }
        guard value != .null else {
            throw Refusal(
                code: "amount_missing",
                message: "`amount` is null; leave the line out to give back all that is left",
                param: "amount"
            )
        }
        let amount = try StripeMoneyRules.minorUnits(value, parameter: "amount")
        guard amount > 0 else {
            throw Refusal(code: "amount_not_positive", message: "an amount is greater than zero", param: "amount")
        }
        // The smallest charge is no rule of refunds; what the amount is a multiple of is.
        let step = StripeMoneyRules.multiple(of: payment.currency)
        guard amount % step == 0 else {
            throw Refusal(
                code: "amount_not_multiple",
                message: "an amount in \(payment.currency) is a multiple of \(step)",
                param: "amount"
            )
        }
        return amount
    }

    private static func tooMuch(_ amount: Int64, _ payment: PaymentRecord) -> BlockFailure {
        .payments(
            "refund_too_large",
            "\(Money(amount, payment.currency)) is more than the \(Money(payment.refundable, payment.currency)) that is left "
                + "of payment \(payment.id) (received less refunded less under way)",
            status: 409,
            param: "amount"
        )
    }
}
