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
            fields: ["paymentId": RecordType.Field(.int), "status": RecordType.Field(.string)]
        ),
        effect: .safe,
        needsPayments: true
    )

    var declaration: CommandDeclaration { Self.declaration }

    func begin(_ call: CommandCall, in transaction: any StoreTransaction) throws(StoreError) -> CommandStep {
        do throws(Refusal) { try Self.checkEmails(call.data) } catch { return .fail(error.failure) }
        guard let intent = StripeID.of(call.data["payment_intent"], prefix: "pi_") else {
            return .fail(
                .payments("payment_intent_malformed", "`payment_intent` is an id such as pi_…", param: "payment_intent")
            )
        }
        guard try PaymentLedger(transaction).payment(intent: intent, mode: call.mode) != nil else {
            return .fail(Self.unknown)
        }
        return .send(StripeRequest.get("/v1/payment_intents/\(intent)", call))
    }

    func receive(
        _ answer: OutsideAnswer,
        to request: OutsideRequest,
        of call: CommandCall,
        in transaction: any StoreTransaction
    ) throws(StoreError) -> CommandStep {
        guard (200..<300).contains(answer.status) else { return .fail(StripeFailure.failure(from: answer)) }
        guard let object = try? JSON.parse(answer.body), let intent = StripePaymentIntent(object),
            intent.id == call.data["payment_intent"]?.stringValue
        else { return .fail(StripeFailure.malformed(answer, expected: "the Payment Intent")) }
        let ledger = PaymentLedger(transaction)
        guard let payment = try ledger.payment(intent: intent.id, mode: call.mode) else { return .fail(Self.unknown) }
        do throws(Refusal) { try Self.compare(intent, with: payment, call) } catch { return .fail(error.failure) }
        guard ["succeeded", "processing", "requires_capture"].contains(intent.status) else {
            return .fail(
                .payments(
                    "payment_not_complete",
                    "the payment is not complete: it stands at \(intent.status)",
                    status: 409
                )
            )
        }
        try record(intent, payment: payment, call, in: transaction)
        if intent.status == "succeeded", let charge = intent.latestCharge {
            _ = try ledger.fill(charge: charge, of: payment)
        }
        return .succeed(["paymentId": .int(payment.id), "status": .string(payment.status.rawValue)])
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

    /// The rules between the optional parameters.
    static func checkEmails(_ data: ValueMap) throws(Refusal) {
        let refusal = { (parameter: String, message: String) in
            Refusal(code: "email_parameters", message: message, param: parameter)
        }
        let sendsNotification = data["sendNotfn"]?.boolValue == true
        let address = data["notfnEmail"]?.stringValue
        guard data["sgInstName"]?.stringValue != nil else {
            for name in ["notfnEmail", "emailCust", "sendNotfn"] where data[name] != nil && data[name] != .bool(false) {
                throw refusal(name, "`\(name)` is valid only with `sgInstName`")
            }
            return
        }
        if address != nil, !sendsNotification {
            throw refusal("notfnEmail", "`notfnEmail` is valid only with `sendNotfn: true`")
        }
        if sendsNotification {
            guard let address else { throw refusal("sendNotfn", "`sendNotfn: true` needs `notfnEmail`") }
            guard EmailAddress.isValid(address) else {
                throw refusal("notfnEmail", "`notfnEmail` is not an e-mail address")
            }
        }
        throw Refusal(
            code: "email_not_available",
            message: "this version sends no e-mails yet: leave `sgInstName` out",
            param: "sgInstName",
            status: 501
        )
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

/// What is asked of an e-mail address before it is handed on: that it can be one, in one line.
enum EmailAddress {
    static func isValid(_ text: String) -> Bool {
        guard text.utf8.count <= 254, text.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7F }) else { return false }
        let parts = text.split(separator: "@", omittingEmptySubsequences: false)
        guard parts.count == 2, (1...64).contains(parts[0].utf8.count) else { return false }
        let labels = parts[1].split(separator: ".", omittingEmptySubsequences: false)
        let isForbidden = { (character: Character) in "<>(),;:\\\"[]".contains(character) }
        return labels.count >= 2 && labels.allSatisfy { !$0.isEmpty } && !text.contains(where: isForbidden)
    }
}
