import Connections
import Expressions
import FlowEngine
import FlowLanguage

/// `create-payment-intent`: gives the page what it needs to let the customer pay an order.
///
/// An order has at most one payment that can still be paid. The first call inserts its row, whose key and request body
/// every other call sends too until Stripe has answered: fifty at once get one intent. Later calls fetch that intent.
struct CreatePaymentIntent: Command {
    let settings: PaymentsSettings
    let declaration: CommandDeclaration
    /// Looks again at events that came before the intent was known.
    let adopt: @Sendable (PaymentRecord, Timestamp, any StoreTransaction) throws(StoreError) -> Void

    static let path = "/v1/payment_intents"

    /// Bounds the loop of "fetch, find it gone, make a new one".
    private static let exchangesMax = 4

    static let declaration = CommandDeclaration(
        name: "create-payment-intent",
        summary: "Makes Stripe's Payment Intent for an order, or gives the open one back",
        parameters: [
            ParameterDeclaration(
                name: "orderId",
                type: .int,
                summary: "The order's id; required when the app has `payments:`"
            ),
            ParameterDeclaration(
                name: "amount",
                type: .int,
                isRequired: true,
                summary: "Minor units (1000 is 10.00 usd); equals the order's `total` when its table has one"
            ),
            ParameterDeclaration(
                name: "currency",
                type: .string,
                summary: "ISO 4217; absent: the order's, else the connection's, else the app's"
            ),
            ParameterDeclaration(
                name: "partial",
                type: .bool,
                summary: "true: the amount may be less than the order's total, and the order may have several payments"
            ),
            ParameterDeclaration(
                name: "customProps",
                type: .map(.string, .dynamic),
                summary: "Further parameters of Stripe's Payment Intent"
            ),
        ],
        output: RecordType(
            name: "Payment Intent",
            fields: [
                "client_secret": RecordType.Field(.string),
                "publishable_key": RecordType.Field(.string),
                "paymentId": RecordType.Field(.int),
                "intent": RecordType.Field(.string),
            ],
            isOpen: false
        )
    )

    /// `single-payment`: the same under the name and with the parameters of a plain payment of an order.
    static let singlePayment = CommandDeclaration(
        name: "single-payment",
        summary: "Starts the one-time payment of an order",
        parameters: [
            ParameterDeclaration(name: "orderId", type: .int, isRequired: true, summary: "The order's id"),
            ParameterDeclaration(name: "currency", type: .string, summary: "ISO 4217; absent: the order's"),
            ParameterDeclaration(
                name: "amount",
                type: .int,
                isRequired: true,
                summary: "Minor units: 10000 is 100.00 usd, and 100 is 100 jpy"
            ),
        ],
        output: declaration.output,
        needsPayments: true
    )

    func begin(_ call: CommandCall, in transaction: any StoreTransaction) throws(StoreError) -> CommandStep {
        // Without it the page could not let anybody pay: nothing is asked of Stripe then.
        do throws(Refusal) { _ = try publishableKey(call) } catch { return .fail(error.failure) }
        guard let payments = settings.declaration else { return withoutOrder(call) }
        guard payments.connection == call.connection.name else {
            return .fail(.payments("connection_not_bound", "payments go through connection '\(payments.connection)'"))
        }
        guard let orderID = call.data["orderId"]?.intValue else {
            return .fail(
                .payments("order_required", "`orderId` is missing: payments are bound to an order", param: "orderId")
            )
        }
        guard let order = try settings.order(orderID, in: transaction) else {
            return .fail(.payments("order_not_found", "no order \(orderID)", status: 404, param: "orderId"))
        }
        let money: Money
        do throws(Refusal) { money = try self.money(call, order: order) } catch { return .fail(error.failure) }
        return try step(for: money, order: orderID, total: settings.total(of: order), call, in: transaction)
    }

    private func step(
        for money: Money,
        order: Int64,
        total: Int64?,
        _ call: CommandCall,
        in transaction: any StoreTransaction
    ) throws(StoreError) -> CommandStep {
        let ledger = PaymentLedger(transaction)
        if let open = try ledger.openPayment(order: order, mode: call.mode) {
            guard open.money == money else {
                return .fail(
                    .payments(
                        "open_payment_differs",
                        "payment \(open.id) of this order is open over \(open.money), not \(money): "
                            + "cancel it with cancel-payment-intent, then ask again",
                        status: 409
                    )
                )
            }
            guard !open.isCheckout else {
                let message = "payment \(open.id) of this order waits for Stripe's page: cancel it, or let it run out"
                return .fail(.payments("open_checkout_session", message, status: 409))
            }
            if let intent = open.intent { return .send(StripeRequest.get("/v1/payment_intents/\(intent)", call)) }
            return .send(create(open, call))
        }
        if let failure = try RecurringPayment.refusal(beside: order, call, transaction) { return .fail(failure) }
        let paid = try ledger.succeededPayments(order: order, mode: call.mode).filter { $0.refunded < $0.received }
        if call.data["partial"]?.boolValue != true, let first = paid.first {
            return .fail(
                .payments("order_already_paid", "payment \(first.id) of this order has succeeded", status: 409)
            )
        }
        // Parts are meant to add up to the order, never to more. Each is at most 99,999,999, so nothing overflows.
        let kept = paid.reduce(0) { $0 + min($1.received - $1.refunded, StripeMoneyRules.amountMax) }
        if let total, kept + money.minorUnits > total {
            let rest = Money(max(0, total - kept), money.currency)
            let message = "\(rest) of the order's \(Money(total, money.currency)) is left to pay, and \(money) is more"
            return .fail(.payments("amount_differs", message, status: 409, param: "amount"))
        }
        return try insert(money, order: order, call, in: transaction)
    }

    private func insert(
        _ money: Money,
        order: Int64,
        _ call: CommandCall,
        in transaction: any StoreTransaction
    ) throws(StoreError) -> CommandStep {
        var payment = try PaymentLedger(transaction).insert(order: order, money, mode: call.mode, key: call.key)
        let installation = try Installation.name(in: transaction)
        let body: String
        do throws(Refusal) {
            body = try requestBody(
                money,
                metadata: [
                    ("runnel_installation", installation), ("runnel_order", "\(order)"),
                    ("runnel_payment", "\(payment.id)"),
                ],
                call
            )
        } catch {
            let ledger = PaymentLedger(transaction)
            try ledger.close(payment, failureCode: error.failure.code)
            return .fail(error.failure)
        }
        payment.request = body
        _ = try PaymentLedger(transaction).update(
            PaymentsTables.payments,
            [ResolvedCondition("id", equals: .int(payment.id))],
            [ResolvedAssignment("request", .string(body))]
        )
        return .send(create(payment, call))
    }

    func receive(
        _ answer: OutsideAnswer,
        to request: OutsideRequest,
        of call: CommandCall,
        in transaction: any StoreTransaction
    ) throws(StoreError) -> CommandStep {
        guard settings.declaration != nil else { return output(answer, payment: nil, call) }
        let ledger = PaymentLedger(transaction)
        guard request.method == "POST", let key = request.key else {
            return try fetched(answer, request, call, ledger)
        }
        guard let payment = try ledger.payment(key: key) else {
            return .fail(.payments("payment_gone", "the payment's row is not there any more"))
        }
        guard (200..<300).contains(answer.status) else {
            let failure = StripeFailure.failure(from: answer)
            // Only a refusal that Stripe executed ends the row: after anything else the same request is sent again.
            if StripeFailure.isFinal(answer) { try ledger.close(payment, failureCode: failure.code) }
            return .fail(failure)
        }
        guard let intent = Self.intent(answer), intent.mode == call.mode else {
            return .fail(StripeFailure.malformed(answer, expected: "a Payment Intent of this mode"))
        }
        guard Money(intent.amount, intent.currency) == payment.money else {
            return .fail(
                .payments("amount_differs", "Stripe's intent is over another amount than payment \(payment.id)")
            )
        }
        let facts = StripeIntentFacts(id: intent.id, customer: intent.customer)
        guard try ledger.attach(intent: facts, to: payment) else {
            return .fail(.payments("intent_differs", "payment \(payment.id) has another intent already"))
        }
        if let attached = try ledger.payment(id: payment.id) { try adopt(attached, call.now, transaction) }
        if let secret = intent.clientSecret { try ledger.note(clientSecret: secret, of: payment.id) }
        return output(answer, payment: payment.id, call)
    }

    /// The open intent, fetched: given back, or replaced when it can no longer be paid.
    private func fetched(
        _ answer: OutsideAnswer,
        _ request: OutsideRequest,
        _ call: CommandCall,
        _ ledger: PaymentLedger
    ) throws(StoreError) -> CommandStep {
        let id = String(request.path.split(separator: "/").last ?? "")
        guard let payment = try ledger.payment(intent: id, mode: call.mode) else {
            return .fail(.payments("payment_gone", "the payment's row is not there any more"))
        }
        if answer.status == 404 {
            return try replace(payment, failureCode: "resource_missing", call, ledger)
        }
        guard (200..<300).contains(answer.status) else { return .fail(StripeFailure.failure(from: answer)) }
        guard let intent = Self.intent(answer), intent.id == id, intent.mode == call.mode else {
            return .fail(StripeFailure.malformed(answer, expected: "the Payment Intent of this mode"))
        }
        switch PaymentStatus(intentStatus: intent.status) {
        case .succeeded:
            // The web hook says so too, and it alone starts what follows from it.
            return .fail(
                .payments("order_already_paid", "payment \(payment.id) of this order has succeeded", status: 409)
            )
        case .cancelled:
            return try replace(payment, failureCode: nil, call, ledger)
        default: break
        }
        guard Money(intent.amount, intent.currency) == payment.money else {
            return .fail(
                .payments(
                    "amount_differs",
                    "Stripe's intent is over another amount than payment \(payment.id)",
                    status: 409
                )
            )
        }
        return output(answer, payment: payment.id, call)
    }

    /// Closes a payment whose intent is gone, and begins anew.
    private func replace(
        _ payment: PaymentRecord,
        failureCode: String?,
        _ call: CommandCall,
        _ ledger: PaymentLedger
    ) throws(StoreError) -> CommandStep {
        let report = PaymentReport(status: .cancelled, at: call.now.seconds, failureCode: failureCode)
        guard try ledger.apply(report, to: payment), call.exchanges.count < Self.exchangesMax else {
            return .fail(
                .payments("payment_changed", "the payment changed meanwhile; ask again", status: 409, retryable: true)
            )
        }
        return try begin(call, in: ledger.transaction)
    }

    // MARK: Requests and answers

    private func withoutOrder(_ call: CommandCall) -> CommandStep {
        do throws(Refusal) {
            let money = try self.money(call, order: ValueMap())
            return .send(
                StripeRequest.post(
                    Self.path,
                    try requestBody(money, metadata: [], call),
                    key: call.key,
                    call
                )
            )
        } catch {
            return .fail(error.failure)
        }
    }

    private func create(_ payment: PaymentRecord, _ call: CommandCall) -> OutsideRequest {
        StripeRequest.post(Self.path, payment.request ?? "", key: payment.key, call)
    }

    /// The amount to charge, held against the order in the same transaction: what a page sent cannot lower it.
    ///
    /// Currency: order > command > connection > app. A deposit needs `partial: true`, so that it is meant.
    func money(_ call: CommandCall, order: ValueMap) throws(Refusal) -> Money {
        let amount = try StripeMoneyRules.minorUnits(call.data["amount"], parameter: "amount")
        let given = call.data["currency"]?.stringValue?.lowercased()
        let own = settings.currency(of: order)
        if let given, let own, given != own {
            throw Refusal(
                code: "currency_differs",
                message: "the order is in \(own); it cannot be paid in \(given.prefix(16))",
                param: "currency"
            )
        }
        let money = Money(amount, own ?? given ?? settings.currency(of: call.connection))
        try StripeMoneyRules.check(money)
        if let total = settings.total(of: order), total != amount {
            let isPart = call.data["partial"]?.boolValue == true && amount < total
            guard isPart else {
                throw Refusal(
                    code: "amount_differs",
                    message: "the order's total is \(Money(total, money.currency)), not \(money)"
                        + (amount < total ? "; a part of it needs `partial: true`" : ""),
                    param: "amount"
                )
            }
        }
        return money
    }

    private func requestBody(
        _ money: Money,
        metadata: [(String, String)],
        _ call: CommandCall
    ) throws(Refusal) -> String {
        let parameters = try CustomProperties.parameters(call.data["customProps"], money: money, metadata: metadata)
        return try StripeRequest.body(parameters)
    }

    private static func intent(_ answer: OutsideAnswer) -> StripePaymentIntent? {
        (try? JSON.parse(answer.body)).flatMap(StripePaymentIntent.init)  // What is no JSON is no intent either.
    }

    private func output(_ answer: OutsideAnswer, payment: Int64?, _ call: CommandCall) -> CommandStep {
        guard (200..<300).contains(answer.status) else { return .fail(StripeFailure.failure(from: answer)) }
        guard let intent = Self.intent(answer), intent.mode == call.mode, let clientSecret = intent.clientSecret else {
            return .fail(StripeFailure.malformed(answer, expected: "a Payment Intent of this mode"))
        }
        let publishableKey: String
        do throws(Refusal) { publishableKey = try self.publishableKey(call) } catch { return .fail(error.failure) }
        return .succeed([
            "client_secret": .string(clientSecret),
            "publishable_key": .string(publishableKey),
            "paymentId": .int(payment ?? 0),
            "intent": .string(intent.id),
        ])
    }
    private func publishableKey(_ call: CommandCall) throws(Refusal) -> String {
        do throws(ServiceRefusal) {
            return try settings.credentials.publishableKey(of: call.connection.name, mode: call.mode)
        } catch {
            throw Refusal(code: "publishable_key_missing", message: error.reason, status: 500)
        }
    }
}
