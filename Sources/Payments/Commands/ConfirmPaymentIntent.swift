import Connections
import Crypto
import Expressions
import FlowEngine
import FlowLanguage

/// `confirm-payment-intent`: the page says that the customer is done; we ask Stripe what is true and record it.
///
/// A page can forge everything it sends and may never send it, so this changes no payment's status: the web hook does.
struct ConfirmPaymentIntent: Command {
    let settings: PaymentsSettings

    static let declaration = CommandDeclaration(
        name: "confirm-payment-intent",
        summary: "Retrieves a payment's confirmation from Stripe and records it in the Connection Data",
        parameters: [
            ParameterDeclaration(
                name: "payment_intent",
                type: .string,
                isRequired: true,
                summary: "The id that Stripe's client side gave"
            ),
            ParameterDeclaration(
                name: "payment_intent_client_secret",
                type: .string,
                isRequired: true,
                summary: "The client_secret of create-payment-intent"
            ),
            ParameterDeclaration(
                name: "sgInstName",
                type: .string,
                summary: "The SendGrid connection that sends the e-mails"
            ),
            ParameterDeclaration(
                name: "notfnEmail",
                type: .string,
                summary: "Where a payment notification is sent; needs `sgInstName` and `sendNotfn: true`"
            ),
            ParameterDeclaration(
                name: "emailCust",
                type: .bool,
                summary: "true: the customer gets a receipt; needs `sgInstName`"
            ),
            ParameterDeclaration(
                name: "sendNotfn",
                type: .bool,
                summary: "true: a notification is sent; needs `sgInstName` and `notfnEmail`"
            ),
        ],
        output: RecordType(
            name: "Payment Confirmation",
            fields: [
                "paymentId": RecordType.Field(.int), "status": RecordType.Field(.string),
                "emails": RecordType.Field(.list(.dynamic)),
            ]
        ),
        effect: .safe,
        needsPayments: true
    )

    var declaration: CommandDeclaration { Self.declaration }

    func begin(_ call: CommandCall, in transaction: any StoreTransaction) throws(StoreError) -> CommandStep {
        let emails: PaymentEmails?
        do throws(Refusal) { emails = try PaymentEmails(call, settings) } catch { return .fail(error.failure) }
        guard let intent = StripeID.of(call.data["payment_intent"], prefix: "pi_") else {
            return .fail(
                .payments("payment_intent_malformed", "`payment_intent` is an id such as pi_…", param: "payment_intent")
            )
        }
        guard try PaymentLedger(transaction).payment(intent: intent, mode: call.mode) != nil else {
            return .fail(Self.unknown)
        }
        // Only for a receipt: the customer's address may stand in the charge.
        let query = emails?.wantsReceipt == true ? "?expand%5B%5D=latest_charge" : ""
        return .send(StripeRequest.get("/v1/payment_intents/\(intent)\(query)", call))
    }

    func receive(
        _ answer: OutsideAnswer,
        to request: OutsideRequest,
        of call: CommandCall,
        in transaction: any StoreTransaction
    ) throws(StoreError) -> CommandStep {
        let emails: PaymentEmails?
        do throws(Refusal) { emails = try PaymentEmails(call, settings) } catch { return .fail(error.failure) }
        // The first exchange is Stripe's confirmation, each further one an e-mail.
        let confirmation = call.exchanges.first?.answer ?? answer
        guard (200..<300).contains(confirmation.status) else {
            return .fail(StripeFailure.failure(from: confirmation))
        }
        guard let object = try? JSON.parse(confirmation.body), let intent = StripePaymentIntent(object),
            intent.id == call.data["payment_intent"]?.stringValue
        else { return .fail(StripeFailure.malformed(confirmation, expected: "the Payment Intent")) }
        let ledger = PaymentLedger(transaction)
        guard let payment = try ledger.payment(intent: intent.id, mode: call.mode) else { return .fail(Self.unknown) }
        if call.exchanges.isEmpty {
            if let failure = try confirm(intent, payment, call, ledger) { return .fail(failure) }
        } else {
            try emails?.settle(request, answer, intent, payment, in: transaction)
        }
        if let next = try emails?.next(intent, payment, after: request, in: transaction) { return .send(next) }
        return .succeed([
            "paymentId": .int(payment.id),
            "status": .string(payment.status.rawValue),
            "emails": .list(try emails?.states(intent, payment, in: transaction) ?? []),
        ])
    }

    /// Compares and records; gives the failure when there is one.
    private func confirm(
        _ intent: StripePaymentIntent,
        _ payment: PaymentRecord,
        _ call: CommandCall,
        _ ledger: PaymentLedger
    ) throws(StoreError) -> BlockFailure? {
        do throws(Refusal) { try Self.compare(intent, with: payment, call) } catch { return error.failure }
        guard ["succeeded", "processing", "requires_capture"].contains(intent.status) else {
            let message = "the payment is not complete: it stands at \(intent.status)"
            return .payments("payment_not_complete", message, status: 409)
        }
        try record(intent, payment: payment, call, in: ledger.transaction)
        if intent.status == "succeeded", let charge = intent.latestCharge {
            _ = try ledger.fill(charge: charge, of: payment)
        }
        return nil
    }

    /// Not told apart for the caller: an intent of somebody else, of the other mode, or none.
    private static let unknown = BlockFailure.payments(
        "payment_intent_unknown",
        "no payment here has this intent",
        status: 404,
        param: "payment_intent"
    )

    private static func compare(
        _ intent: StripePaymentIntent,
        with payment: PaymentRecord,
        _ call: CommandCall
    ) throws(Refusal) {
        let given = call.data["payment_intent_client_secret"]?.stringValue ?? ""
        // Digests of equal length are compared in constant time, so nothing is told about how much is right.
        guard let secret = intent.clientSecret,
            SHA256.hash(data: Array(secret.utf8)) == SHA256.hash(data: Array(given.utf8))
        else { throw Refusal(code: unknown.code, message: unknown.message, param: unknown.param, status: 404) }
        guard intent.mode == call.mode, payment.mode == call.mode else {
            throw Refusal(code: "mode_differs", message: "the intent is of the other mode", status: 409)
        }
        guard Money(intent.amount, intent.currency) == payment.money else {
            throw Refusal(
                code: "amount_differs",
                message:
                    "the intent is over \(Money(intent.amount, intent.currency)), payment \(payment.id) over \(payment.money)",
                status: 409
            )
        }
    }

    private func record(
        _ intent: StripePaymentIntent,
        payment: PaymentRecord,
        _ call: CommandCall,
        in transaction: any StoreTransaction
    ) throws(StoreError) {
        let data: Value = .map([
            "paymentId": .int(payment.id),
            "orderId": .int(payment.orderID),
            "status": .string(intent.status),
            "amount": .int(intent.amount),
            "amountReceived": .int(intent.amountReceived),
            "currency": .string(intent.currency),
            "charge": intent.latestCharge.map(Value.string) ?? .null,
            "customer": intent.customer.map(Value.string) ?? .null,
        ])
        try ConnectionData.record(
            data,
            object: intent.id,
            connection: call.connection.name,
            command: Self.declaration.name,
            mode: call.mode,
            in: transaction
        )
    }
}

/// `connection_data`: what a confirmed command recorded, one row per object; a repetition writes it anew.
enum ConnectionData {
    static func record(
        _ data: Value,
        object: String,
        connection: String,
        command: String,
        mode: Mode,
        in transaction: any StoreTransaction
    ) throws(StoreError) {
        let table = PaymentsTables.connectionData.name
        let conditions = [
            ResolvedCondition("connection", equals: .string(connection)),
            ResolvedCondition("command", equals: .string(command)),
            ResolvedCondition("object", equals: .string(object)),
            ResolvedCondition("mode", equals: .string(mode.rawValue)),
        ]
        let changed = try transaction.update(
            RecordUpdate(table: table, where: conditions, set: [ResolvedAssignment("data", data)])
        )
        guard changed == 0 else { return }
        _ = try transaction.insert(
            into: table,
            [
                ("connection", .string(connection)), ("command", .string(command)), ("object", .string(object)),
                ("mode", .string(mode.rawValue)), ("data", data),
            ]
        )
    }
}
