import Connections
import Expressions
import FlowEngine
import FlowLanguage

/// `recurring-payment`: starts a subscription for an order, or cancels it.
///
/// Starting asks what a period of the price costs, which is the order's total or nothing is made. Then it takes a customer
/// and a subscription; what has been made stands in the row, and both requests carry keys that follow from it, so that
/// calls at once, and a call after a crash, go on where the row stands.
struct RecurringPayment: Command {
    let settings: PaymentsSettings
    /// Looks again at events that came before the subscription was known.
    let adopt: @Sendable (String, Mode, Timestamp, any StoreTransaction) throws(StoreError) -> Void

    /// Bounds the loop of "fetch, find it ended, begin a new one".
    private static let exchangesMax = 8

    static let declaration = CommandDeclaration(
        name: "recurring-payment",
        summary: "Starts or cancels the recurring payment of an order",
        parameters: [
            ParameterDeclaration(
                name: "type",
                type: .string,
                isRequired: true,
                summary: "What to do",
                allowed: ["initiate", "cancel"]
            ),
            ParameterDeclaration(name: "orderId", type: .int, isRequired: true, summary: "The order's id"),
            ParameterDeclaration(
                name: "priceId",
                type: .string,
                summary: "A recurring price that is there at Stripe; needed to initiate"
            ),
            ParameterDeclaration(name: "trialDays", type: .int, summary: "Days that cost nothing, 1 to 730"),
            ParameterDeclaration(
                name: "atPeriodEnd",
                type: .bool,
                summary: "To cancel: true lets the paid period run out, false or absent ends it now"
            ),
        ],
        output: RecordType(
            name: "Recurring Payment",
            fields: [
                "recurringPaymentId": RecordType.Field(.int),
                "subscription": RecordType.Field(.string),
                "status": RecordType.Field(.string),
                "client_secret": RecordType.Field(.string),
                "publishable_key": RecordType.Field(.string),
            ]
        ),
        needsPayments: true
    )

    var declaration: CommandDeclaration { Self.declaration }

    func begin(_ call: CommandCall, in transaction: any StoreTransaction) throws(StoreError) -> CommandStep {
        guard let payments = settings.declaration, payments.connection == call.connection.name else {
            return .fail(.payments("connection_not_bound", "payments do not go through this connection"))
        }
        guard let orderID = call.data["orderId"]?.intValue, try settings.order(orderID, in: transaction) != nil else {
            return .fail(Self.orderNotFound)
        }
        let open = try RecurringLedger(transaction).open(order: orderID, mode: call.mode)
        if Self.isCancel(call) { return try cancel(open, call, transaction) }
        // Without it the page could not let anybody pay: nothing is asked of Stripe then.
        do throws(ServiceRefusal) { _ = try publishableKey(call) } catch { return .fail(Self.withoutKey(error)) }
        guard let price = Self.priceID(call) else {
            return .fail(.payments("price_malformed", "`priceId` is an id such as price_…", param: "priceId"))
        }
        if let days = call.data["trialDays"]?.intValue, !(1...730).contains(days) {
            return .fail(.payments("trial_malformed", "a trial takes 1 to 730 days", param: "trialDays"))
        }
        if let open { return try goOn(open, price, call, transaction) }
        if let refusal = try refusal(of: orderID, besides: nil, call, transaction) { return .fail(refusal) }
        return .send(StripeRequest.get("/v1/prices/\(price)", call))
    }

    private static func priceID(_ call: CommandCall) -> String? {
        StripeID.of(call.data["priceId"], prefix: "price_") ?? StripeID.of(call.data["priceId"], prefix: "plan_")
    }

    /// Goes on with the order's recurring payment, which somebody has begun.
    private func goOn(
        _ open: RecurringRecord,
        _ price: String,
        _ call: CommandCall,
        _ transaction: any StoreTransaction
    ) throws(StoreError) -> CommandStep {
        guard open.priceID == price else {
            let message = "the order has a recurring payment of price \(open.priceID): cancel it first"
            return .fail(.payments("recurring_payment_differs", message, status: 409, param: "priceId"))
        }
        guard open.trialDays == call.data["trialDays"]?.intValue else {
            let message = "the order has a recurring payment that began with another trial: cancel it first"
            return .fail(.payments("recurring_payment_differs", message, status: 409, param: "trialDays"))
        }
        if open.status == .incomplete,
            let refusal = try refusal(of: open.orderID, besides: open, call, transaction)
        {
            return .fail(refusal)
        }
        return try step(open, call, transaction)
    }

    /// Why the order cannot be paid by a recurring payment's first period, as it is or may be paid otherwise.
    ///
    /// A recurring payment that has ended counts too: its first period paid the order.
    private func refusal(
        of order: Int64,
        besides row: RecurringRecord?,
        _ call: CommandCall,
        _ transaction: any StoreTransaction
    ) throws(StoreError) -> BlockFailure? {
        let ledger = PaymentLedger(transaction)
        let paid = try ledger.succeededPayments(order: order, mode: call.mode).first {
            $0.refunded < $0.received && ($0.recurringPaymentID == nil || $0.recurringPaymentID != row?.id)
        }
        if let paid {
            let message = "payment \(paid.id) of this order has succeeded"
            return .payments("order_already_paid", message, status: 409)
        }
        // A recurring payment that has begun goes on: only a payment that succeeded takes the order from it.
        guard row == nil, let open = try ledger.openPayment(order: order, mode: call.mode) else { return nil }
        let message = "payment \(open.id) of this order is open: cancel it with cancel-payment-intent first"
        return .payments("open_payment_differs", message, status: 409)
    }

    /// Why an order cannot be paid otherwise: a recurring payment is about to pay it, and both would be charged.
    static func refusal(
        beside order: Int64,
        _ call: CommandCall,
        _ transaction: any StoreTransaction
    ) throws(StoreError) -> BlockFailure? {
        guard let row = try RecurringLedger(transaction).beginning(order: order, mode: call.mode) else { return nil }
        let message = "recurring payment \(row.id) of this order has begun: cancel it with recurring-payment first"
        return .payments("open_payment_differs", message, status: 409)
    }

    /// Opens the order's recurring payment at a price that Stripe told.
    private func open(
        _ answer: OutsideAnswer,
        _ call: CommandCall,
        _ transaction: any StoreTransaction
    ) throws(StoreError) -> CommandStep {
        guard (200..<300).contains(answer.status) else { return .fail(StripeFailure.failure(from: answer)) }
        guard let object = try? JSON.parse(answer.body), let price = StripePrice(object), price.mode == call.mode,
            price.id == Self.priceID(call)
        else { return .fail(StripeFailure.malformed(answer, expected: "the Price of this mode")) }
        guard let orderID = call.data["orderId"]?.intValue, let order = try settings.order(orderID, in: transaction)
        else { return .fail(Self.orderNotFound) }
        do throws(Refusal) { try check(price, order, call.connection) } catch { return .fail(error.failure) }
        let ledger = RecurringLedger(transaction)
        // Another call may have been quicker.
        if let open = try ledger.open(order: orderID, mode: call.mode) {
            return try goOn(open, price.id, call, transaction)
        }
        if let refusal = try refusal(of: orderID, besides: nil, call, transaction) { return .fail(refusal) }
        let days = call.data["trialDays"]?.intValue
        return try step(
            try ledger.insert(order: orderID, price: price, trialDays: days, key: call.key),
            call,
            transaction
        )
    }

    /// Holds a period's price against what the order costs: a page that names a price cannot choose a cheaper one.
    ///
    /// A total that no column gives a currency counts in the connection's, else in the app's: in any other it would be
    /// paid with as many of cheaper coins.
    private func check(
        _ price: StripePrice,
        _ order: ValueMap,
        _ connection: ConnectionDeclaration
    ) throws(Refusal) {
        guard price.isRecurring else {
            throw Refusal(code: "price_not_recurring", message: "\(price.id) is paid once", param: "priceId")
        }
        let fallback = settings.total(of: order) == nil ? nil : settings.currency(of: connection)
        if let currency = settings.currency(of: order) ?? fallback, currency != price.currency {
            let message = "the order is in \(currency), the price in \(price.currency)"
            throw Refusal(code: "currency_differs", message: message, param: "priceId")
        }
        guard let total = settings.total(of: order) else { return }
        guard let amount = price.amount else {
            let message = "the price has no fixed amount to hold against the order's total"
            throw Refusal(code: "price_not_fixed", message: message, param: "priceId")
        }
        guard amount == total else {
            let (costs, asked) = (Money(amount, price.currency), Money(total, price.currency))
            let message = "a period costs \(costs), and the order's total is \(asked)"
            throw Refusal(code: "amount_differs", message: message, param: "priceId")
        }
    }

    func receive(
        _ answer: OutsideAnswer,
        to request: OutsideRequest,
        of call: CommandCall,
        in transaction: any StoreTransaction
    ) throws(StoreError) -> CommandStep {
        if request.path.hasPrefix("/v1/prices/") { return try open(answer, call, transaction) }
        guard let row = try Self.row(askedForBy: request, call.mode, RecurringLedger(transaction)) else {
            return .fail(Self.gone)
        }
        if request.path.hasPrefix(Self.invoices) {
            // One that was paid or ended meanwhile cannot be paid now either: what was asked for is done.
            return try output(row, row.subscription ?? "", clientSecret: nil, call, RecurringLedger(transaction))
        }
        guard (200..<300).contains(answer.status) else { return try refused(answer, request, row, call, transaction) }
        guard let object = try? JSON.parse(answer.body) else {
            return .fail(StripeFailure.malformed(answer, expected: "JSON"))
        }
        if request.path == Self.customers {
            guard let customer = StripeID.of(object["id"], prefix: "cus_") else {
                return .fail(StripeFailure.malformed(answer, expected: "a Customer"))
            }
            guard row.status != .cancelled else { return .fail(Self.cancelledMeanwhile) }
            let ledger = RecurringLedger(transaction)
            try ledger.attach("customer", customer, to: row)
            guard let next = try ledger.recurring(id: row.id) else { return .fail(Self.gone) }
            return try step(next, call, transaction)
        }
        guard let subscription = StripeSubscription(object), subscription.mode == call.mode,
            subscription.id == row.subscription ?? subscription.id
        else { return .fail(StripeFailure.malformed(answer, expected: "the Subscription of this mode")) }
        return try take(subscription, request, row, call, transaction)
    }

    /// The row that a request was about.
    ///
    /// It need not be the order's open one any more: an answer may come when its row has ended and another has begun.
    private static func row(
        askedForBy request: OutsideRequest,
        _ mode: Mode,
        _ ledger: RecurringLedger
    ) throws(StoreError) -> RecurringRecord? {
        let path = request.path.prefix { $0 != "?" }
        guard path == customers || path == subscriptions || path.hasPrefix(invoices) else {
            return try ledger.recurring(subscription: String(path.split(separator: "/").last ?? ""), mode: mode)
        }
        guard let key = request.key, let end = key.lastIndex(of: "-") else { return nil }
        return try ledger.recurring(key: String(key[..<end]))
    }

    /// What Stripe said of the row's subscription, to whoever asked.
    private func take(
        _ subscription: StripeSubscription,
        _ request: OutsideRequest,
        _ row: RecurringRecord,
        _ call: CommandCall,
        _ transaction: any StoreTransaction
    ) throws(StoreError) -> CommandStep {
        let ledger = RecurringLedger(transaction)
        try ledger.attach("subscription", subscription.id, to: row)
        try adopt(subscription.id, call.mode, call.now, transaction)
        if request.path == Self.subscriptions, Self.isCancel(call) || row.status == .cancelled {
            // Found only to be ended, or made for a row that was closed meanwhile: nobody would ever end it.
            return end(subscription.id, key: "\(row.key)-end", call)
        }
        if request.method == "DELETE", !Self.isCancel(call) { return .fail(Self.cancelledMeanwhile) }
        let status = try ledger.recurring(id: row.id)?.status
        let hasEnded = status == .cancelled || RecurringStatus(stripe: subscription.status) == .cancelled
        if hasEnded {
            // What follows is started by Stripe's events; only the end is taken over now.
            _ = try ledger.apply(subscription, at: call.now.seconds, to: row)
            guard Self.isCancel(call) else { return try beginAnew(call, transaction) }
            if let invoice = subscription.latestInvoice, try ledger.isUnpaid(row) {
                // Stripe leaves it open: who has its client secret could still pay for what is no more.
                return .send(StripeRequest.post("\(Self.invoices)\(invoice)/void", "", key: "\(row.key)-void", call))
            }
            return try output(row, subscription.id, clientSecret: nil, call, ledger)
        }
        if Self.isCancel(call), request.method == "GET" {
            // Before its first charge there is no period to run out, and Stripe takes no plan for its end: it ends now.
            let wasEnded = call.exchanges.contains { $0.request.method == "DELETE" }
            if RecurringStatus(stripe: subscription.status) == .incomplete, !wasEnded {
                return end(subscription.id, key: "\(row.key)-end", call)
            }
            // It was asked for because Stripe refused to end it, and it lives.
            return .fail(
                call.exchanges.last.map { StripeFailure.failure(from: $0.answer) } ?? Self.cancelledMeanwhile
            )
        }
        if !Self.isCancel(call), let amount = subscription.amount, let agreed = row.initialAmount, amount != agreed {
            let message = "a period costs another amount at Stripe than recurring payment \(row.id) began with"
            return .fail(.payments("amount_differs", message, status: 409))
        }
        return try output(row, subscription.id, clientSecret: subscription.clientSecret, call, ledger)
    }

    /// The order's recurring payment had ended and nobody here knew: who starts one does not get what is over.
    private func beginAnew(_ call: CommandCall, _ transaction: any StoreTransaction) throws(StoreError) -> CommandStep {
        guard call.exchanges.count < Self.exchangesMax else {
            let message = "the recurring payment changed meanwhile; ask again"
            return .fail(.payments("recurring_payment_changed", message, status: 409, retryable: true))
        }
        return try begin(call, in: transaction)
    }

    /// Stripe refused what was asked for a row.
    ///
    /// A subscription that has ended cannot be ended again: when the event was quicker than the answer, or when the answer
    /// was lost and the request repeated, what was asked for is done. Where only Stripe can know, it is asked.
    private func refused(
        _ answer: OutsideAnswer,
        _ request: OutsideRequest,
        _ row: RecurringRecord,
        _ call: CommandCall,
        _ transaction: any StoreTransaction
    ) throws(StoreError) -> CommandStep {
        let failure = StripeFailure.failure(from: answer)
        if Self.isCancel(call), !failure.retryable, row.subscription != nil, request.method != "GET" {
            guard row.status == .cancelled else { return try step(row, call, transaction) }
            let ledger = RecurringLedger(transaction)
            return try output(row, row.subscription ?? "", clientSecret: nil, call, ledger)
        }
        if request.method == "DELETE", !failure.retryable { return .fail(Self.cancelledMeanwhile) }
        guard StripeFailure.isFinal(answer), row.subscription == nil else { return .fail(failure) }
        let ledger = RecurringLedger(transaction)
        try ledger.close(row)
        // Nothing was made and nothing will be: that is what a cancellation wants.
        return Self.isCancel(call) ? try output(row, "", clientSecret: nil, call, ledger) : .fail(failure)
    }

    private static let orderNotFound = BlockFailure.payments(
        "order_not_found",
        "no such order",
        status: 404,
        param: "orderId"
    )

    private static let gone = BlockFailure.payments("recurring_payment_gone", "the recurring payment's row is gone")

    private static let cancelledMeanwhile = BlockFailure.payments(
        "recurring_payment_gone",
        "the recurring payment was cancelled meanwhile",
        status: 409
    )

    private static let customers = "/v1/customers"
    private static let subscriptions = "/v1/subscriptions"
    private static let invoices = "/v1/invoices/"

    private static func isCancel(_ call: CommandCall) -> Bool { call.data["type"]?.stringValue == "cancel" }

    /// The next request for a row: whatever it has not yet.
    private func step(
        _ row: RecurringRecord,
        _ call: CommandCall,
        _ transaction: any StoreTransaction
    ) throws(StoreError) -> CommandStep {
        let expand = "expand%5B%5D=latest_invoice.confirmation_secret&expand%5B%5D=pending_setup_intent"
        if let subscription = row.subscription {
            return .send(StripeRequest.get("/v1/subscriptions/\(subscription)?\(expand)", call))
        }
        let metadata: Value = [
            "runnel_installation": .string(try Installation.name(in: transaction)),
            "runnel_order": .string("\(row.orderID)"), "runnel_recurring_payment": .string("\(row.id)"),
        ]
        do throws(Refusal) {
            guard let customer = row.customer else {
                let body = try StripeRequest.body(["metadata": metadata])
                return .send(StripeRequest.post(Self.customers, body, key: "\(row.key)-customer", call))
            }
            var parameters: ValueMap = [
                "customer": .string(customer),
                "items": [["price": .string(row.priceID)]],
                // The page lets the customer pay the first invoice; without that the subscription never begins.
                "payment_behavior": "default_incomplete",
                "payment_settings": ["save_default_payment_method": "on_subscription"],
                "expand": ["latest_invoice.confirmation_secret", "pending_setup_intent"],
                "metadata": metadata,
            ]
            // The row's, never the call's: the same key goes with the same body, or Stripe refuses what it has made.
            if let days = row.trialDays { parameters["trial_period_days"] = .int(days) }
            let body = try StripeRequest.body(parameters)
            return .send(StripeRequest.post(Self.subscriptions, body, key: "\(row.key)-subscription", call))
        } catch {
            return .fail(error.failure)
        }
    }

    private func cancel(
        _ open: RecurringRecord?,
        _ call: CommandCall,
        _ transaction: any StoreTransaction
    ) throws(StoreError) -> CommandStep {
        guard let open else {
            return .fail(
                .payments(
                    "recurring_payment_not_found",
                    "the order has no recurring payment",
                    status: 404,
                    param: "orderId"
                )
            )
        }
        guard let subscription = open.subscription else {
            // Whether Stripe has made one is not known when the answer never came: the same request finds it, to end it.
            guard open.customer == nil else { return try step(open, call, transaction) }
            let ledger = RecurringLedger(transaction)
            try ledger.close(open)
            return try output(open, "", clientSecret: nil, call, ledger)
        }
        guard call.data["atPeriodEnd"]?.boolValue == true else { return end(subscription, key: call.key, call) }
        let path = "\(Self.subscriptions)/\(subscription)"
        return .send(StripeRequest.post(path, "cancel_at_period_end=true", key: call.key, call))
    }

    private func end(_ subscription: String, key: String, _ call: CommandCall) -> CommandStep {
        .send(
            OutsideRequest(
                connection: call.connection.name,
                method: "DELETE",
                path: "\(Self.subscriptions)/\(subscription)",
                effect: .keyed,
                key: key
            )
        )
    }

    private func publishableKey(_ call: CommandCall) throws(ServiceRefusal) -> String {
        try settings.credentials.publishableKey(of: call.connection.name, mode: call.mode)
    }

    private static func withoutKey(_ refusal: ServiceRefusal) -> BlockFailure {
        .payments("publishable_key_missing", refusal.reason, retryable: true)
    }

    private func output(
        _ row: RecurringRecord,
        _ subscription: String,
        clientSecret: String?,
        _ call: CommandCall,
        _ ledger: RecurringLedger
    ) throws(StoreError) -> CommandStep {
        let publishableKey: String
        do throws(ServiceRefusal) {
            // Nobody pays what is cancelled, and what Stripe has ended did not fail for want of a key.
            publishableKey =
                Self.isCancel(call) ? (try? self.publishableKey(call)) ?? "" : try self.publishableKey(call)
        } catch {
            return .fail(Self.withoutKey(error))
        }
        let status = try ledger.recurring(id: row.id)?.status ?? row.status
        // Last, as nothing of this run may read it: a capsule holds no secret, so its replay has another hash.
        if let clientSecret { try ledger.note(clientSecret: clientSecret, of: row.id) }
        return .succeed([
            "recurringPaymentId": .int(row.id),
            "subscription": .string(subscription),
            "status": .string(status.rawValue),
            "client_secret": .string(clientSecret ?? ""),
            "publishable_key": .string(publishableKey),
        ])
    }
}
