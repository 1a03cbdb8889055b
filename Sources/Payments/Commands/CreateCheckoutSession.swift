import Connections
import Expressions
import FlowEngine
import FlowLanguage

/// `create-checkout-session`: a page at Stripe where an order is paid, for apps without a card form of their own.
///
/// The order's payment is opened first, under a key that every later call sends too: asking again gives the same
/// session. Which intent Stripe makes for it is told by the first event, in metadata that this command wrote.
struct CreateCheckoutSession: Command {
    let settings: PaymentsSettings
    let intents: CreatePaymentIntent

    /// The key of a payment that a session opened.
    static let keyPrefix = "checkout-"
    static let path = "/v1/checkout/sessions"

    static let declaration = CommandDeclaration(
        name: "create-checkout-session",
        summary: "Makes a page at Stripe where an order is paid, or gives the open one back",
        parameters: [
            ParameterDeclaration(name: "orderId", type: .int, isRequired: true, summary: "The order's id"),
            ParameterDeclaration(
                name: "amount",
                type: .int,
                isRequired: true,
                summary: "Minor units; equals the order's `total` when its table has one"
            ),
            ParameterDeclaration(name: "currency", type: .string, summary: "ISO 4217; absent: the order's"),
            ParameterDeclaration(name: "name", type: .string, isRequired: true, summary: "What is paid for, as shown"),
            ParameterDeclaration(
                name: "successUrl",
                type: .string,
                isRequired: true,
                summary: "Where the customer comes back to; it proves nothing"
            ),
            ParameterDeclaration(
                name: "cancelUrl",
                type: .string,
                summary: "Where a customer goes who changes their mind"
            ),
        ],
        output: RecordType(
            name: "Checkout Session",
            fields: [
                "session": RecordType.Field(.string), "url": RecordType.Field(.string),
                "paymentId": RecordType.Field(.int),
            ]
        ),
        needsPayments: true
    )

    var declaration: CommandDeclaration { Self.declaration }

    func begin(_ call: CommandCall, in transaction: any StoreTransaction) throws(StoreError) -> CommandStep {
        guard settings.declaration?.connection == call.connection.name else {
            return .fail(.payments("connection_not_bound", "payments do not go through this connection"))
        }
        guard let orderID = call.data["orderId"]?.intValue, let order = try settings.order(orderID, in: transaction)
        else { return .fail(.payments("order_not_found", "no such order", status: 404, param: "orderId")) }
        let money: Money
        do throws(Refusal) {
            try Self.checkAddresses(call)
            money = try intents.money(call, order: order)
        } catch {
            return .fail(error.failure)
        }
        let ledger = PaymentLedger(transaction)
        if let open = try ledger.openPayment(order: orderID, mode: call.mode) {
            guard open.isCheckout, open.money == money, let body = open.request else {
                let message = "payment \(open.id) of this order is open: cancel it with cancel-payment-intent first"
                return .fail(.payments("open_payment_differs", message, status: 409))
            }
            if let failure = Self.refusal(of: open, at: call.now) { return .fail(failure) }
            return .send(request(body, open.key, call))
        }
        if let failure = try RecurringPayment.refusal(beside: orderID, call, transaction) { return .fail(failure) }
        if let paid = try ledger.succeededPayments(order: orderID, mode: call.mode).first(where: {
            $0.refunded < $0.received
        }) {
            let message = "payment \(paid.id) of this order has succeeded"
            return .fail(.payments("order_already_paid", message, status: 409))
        }
        return try open(money, order: orderID, call, ledger)
    }

    /// Why the page of an open payment is not asked for once more.
    ///
    /// Stripe's page ends after 24 hours, and so does its memory of keys: the same request would then make a second page,
    /// whose payment belongs to no row.
    static func refusal(of open: PaymentRecord, at now: Timestamp) -> BlockFailure? {
        if open.status == .processing {
            let message = "payment \(open.id) of this order is with the bank: what becomes of it will be told"
            return .payments("payment_processing", message, status: 409)
        }
        guard now.seconds - open.createdAt > Self.pageSeconds else { return nil }
        let message = "the page of payment \(open.id) of this order is over: wait until Stripe tells so, or reconcile"
        return .payments("checkout_session_over", message, status: 409)
    }

    /// A little less than the 24 hours of Stripe's page.
    private static let pageSeconds: Int64 = 23 * 3_600

    private func open(
        _ money: Money,
        order: Int64,
        _ call: CommandCall,
        _ ledger: PaymentLedger
    ) throws(StoreError) -> CommandStep {
        let key = Self.keyPrefix + call.key
        let payment = try ledger.insert(order: order, money, mode: call.mode, key: key)
        let metadata: Value = [
            "runnel_installation": .string(try Installation.name(in: ledger.transaction)),
            "runnel_order": .string("\(order)"), "runnel_payment": .string("\(payment.id)"),
        ]
        var parameters: ValueMap = [
            "mode": "payment", "success_url": call.data["successUrl"] ?? .null, "metadata": metadata,
            "payment_intent_data": ["metadata": metadata],
            "line_items": [
                [
                    "quantity": 1,
                    "price_data": [
                        "currency": .string(money.currency), "unit_amount": .int(money.minorUnits),
                        "product_data": ["name": call.data["name"] ?? .null],
                    ],
                ]
            ],
        ]
        if let url = call.data["cancelUrl"], url != .null { parameters["cancel_url"] = url }
        let body: String
        do throws(Refusal) { body = try StripeRequest.body(parameters) } catch {
            try ledger.close(payment, failureCode: error.failure.code)
            return .fail(error.failure)
        }
        _ = try note(body, of: payment, ledger)
        return .send(request(body, key, call))
    }

    private func note(_ body: String, of payment: PaymentRecord, _ ledger: PaymentLedger) throws(StoreError) -> Int {
        try ledger.update(
            PaymentsTables.payments,
            [ResolvedCondition("id", equals: .int(payment.id))],
            [ResolvedAssignment("request", .string(body))]
        )
    }

    private func request(_ body: String, _ key: String, _ call: CommandCall) -> OutsideRequest {
        StripeRequest.post(Self.path, body, key: key, call)
    }

    func receive(
        _ answer: OutsideAnswer,
        to request: OutsideRequest,
        of call: CommandCall,
        in transaction: any StoreTransaction
    ) throws(StoreError) -> CommandStep {
        let ledger = PaymentLedger(transaction)
        guard let key = request.key, let payment = try ledger.payment(key: key) else {
            return .fail(.payments("payment_gone", "the payment's row is not there any more"))
        }
        guard (200..<300).contains(answer.status) else {
            let failure = StripeFailure.failure(from: answer)
            // Only a refusal that Stripe executed ends the row: after anything else the same request is sent again.
            if StripeFailure.isFinal(answer) { try ledger.close(payment, failureCode: failure.code) }
            return .fail(failure)
        }
        guard let session = try? JSON.parse(answer.body), session["object"] == "checkout.session",
            let id = StripeID.of(session["id"], prefix: "cs_"), let url = session["url"]?.stringValue,
            session["amount_total"]?.intValue == payment.amount
        else { return .fail(StripeFailure.malformed(answer, expected: "a Checkout Session over the order's amount")) }
        return .succeed(["session": .string(id), "url": .string(url), "paymentId": .int(payment.id)])
    }

    private static func checkAddresses(_ call: CommandCall) throws(Refusal) {
        for name in ["successUrl", "cancelUrl"] {
            guard let url = call.data[name]?.stringValue else { continue }
            guard url.hasPrefix("https://") || url.hasPrefix("http://127.0.0.1") || url.hasPrefix("http://localhost"),
                url.utf8.count <= 2_048
            else {
                throw Refusal(code: "url_malformed", message: "`\(name)` begins with https://", param: name)
            }
        }
    }
}
