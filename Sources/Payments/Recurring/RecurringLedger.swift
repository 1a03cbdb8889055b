import Connections
import Expressions
import FlowEngine
import FlowLanguage

/// A row of `recurring_payments`, read and checked.
struct RecurringRecord: Sendable, Hashable {
    var id: Int64
    var orderID: Int64
    var priceID: String
    var status: RecurringStatus
    var subscription: String?
    var customer: String?
    var amount: Int64?
    /// What a period cost when it began; nil for a price without a fixed amount.
    var initialAmount: Int64?
    /// It began with so many days that cost nothing.
    var trialDays: Int64?
    var currency: String?
    var currentPeriodEnd: Timestamp?
    var cancelsAtPeriodEnd: Bool
    var mode: Mode
    var key: String

    /// Whether the row says what Stripe says, so that telling it again is no news.
    func agrees(with subscription: StripeSubscription) -> Bool {
        status == RecurringStatus(stripe: subscription.status)
            && cancelsAtPeriodEnd == subscription.cancelsAtPeriodEnd
            && (subscription.amount == nil || amount == subscription.amount)
            && (subscription.currentPeriodEnd == nil || currentPeriodEnd?.seconds == subscription.currentPeriodEnd)
    }

    /// - Throws: `.corrupt` when the row is not as the table declares it.
    init(row: ValueMap) throws(StoreError) {
        guard let id = row["id"]?.intValue, let orderID = row["orderId"]?.intValue,
            let priceID = row["priceId"]?.stringValue,
            let status = row["status"]?.stringValue.flatMap(RecurringStatus.init(rawValue:)),
            let mode = row["mode"]?.stringValue.flatMap(Mode.init(rawValue:)), let key = row["key"]?.stringValue
        else { throw StoreError(.corrupt, "a row of recurring_payments is not as declared") }
        self.id = id
        self.orderID = orderID
        self.priceID = priceID
        self.status = status
        self.subscription = row["subscription"]?.stringValue
        self.customer = row["customer"]?.stringValue
        self.amount = row["amount"]?.intValue
        self.initialAmount = row["initialAmount"]?.intValue
        self.trialDays = row["trialDays"]?.intValue
        self.currency = row["currency"]?.stringValue
        self.currentPeriodEnd = row["currentPeriodEnd"]?.timestampValue
        self.cancelsAtPeriodEnd = row["cancelAtPeriodEnd"]?.boolValue ?? false
        self.mode = mode
        self.key = key
    }
}

/// The recurring payments' rows inside one transaction: looks them up and moves them by conditional updates.
struct RecurringLedger {
    let transaction: any StoreTransaction

    init(_ transaction: any StoreTransaction) {
        self.transaction = transaction
    }

    /// The order's recurring payment that is about to pay it: it is open, and its first period is not paid yet.
    ///
    /// Payments of other kinds ask since they must not be charged beside it; what they recorded before says nothing of it.
    func beginning(order: Int64, mode: Mode) throws(StoreError) -> RecurringRecord? {
        guard let row = try recurring(where: Self.isOpen(order, mode), isNotedWhenEmpty: false) else { return nil }
        let paid = try PaymentLedger(transaction).succeededPayments(order: order, mode: mode)
        return paid.contains { $0.recurringPaymentID == row.id } ? nil : row
    }

    func recurring(id: Int64) throws(StoreError) -> RecurringRecord? {
        try recurring(where: [ResolvedCondition("id", equals: .int(id))])
    }

    /// Whether nobody has paid one yet, as far as is known here.
    ///
    /// One that has ended was unpaid when it did: the end may be told before the answer to who asked for it.
    func isUnpaid(_ recurring: RecurringRecord) throws(StoreError) -> Bool {
        guard recurring.status == .cancelled else { return recurring.status == .incomplete }
        let paid = try PaymentLedger(transaction).succeededPayments(
            order: recurring.orderID,
            mode: recurring.mode,
            isNotedWhenEmpty: false
        )
        return !paid.contains { $0.recurringPaymentID == recurring.id }
    }

    /// The recurring payment that a payment belongs to; earlier versions did not ask for it wherever this one does.
    func recurring(paidBy id: Int64) throws(StoreError) -> RecurringRecord? {
        try recurring(where: [ResolvedCondition("id", equals: .int(id))], isNotedWhenEmpty: false)
    }

    func recurring(key: String) throws(StoreError) -> RecurringRecord? {
        try recurring(where: [ResolvedCondition("key", equals: .string(key))])
    }

    func recurring(subscription: String, mode: Mode) throws(StoreError) -> RecurringRecord? {
        try recurring(where: [
            ResolvedCondition("subscription", equals: .string(subscription)),
            ResolvedCondition("mode", equals: .string(mode.rawValue)),
        ])
    }

    /// The order's recurring payment that is not cancelled.
    func open(order: Int64, mode: Mode) throws(StoreError) -> RecurringRecord? {
        try recurring(where: Self.isOpen(order, mode))
    }

    private static func isOpen(_ order: Int64, _ mode: Mode) -> [ResolvedCondition] {
        [
            ResolvedCondition("orderId", equals: .int(order)),
            ResolvedCondition("mode", equals: .string(mode.rawValue)),
            ResolvedCondition("status", .in, .value(.list(RecurringStatus.open.map { .string($0.rawValue) }))),
        ]
    }

    private func recurring(
        where conditions: [ResolvedCondition],
        isNotedWhenEmpty: Bool = true
    ) throws(StoreError) -> RecurringRecord? {
        let query = RecordQuery(
            table: PaymentsTables.recurringPayments.name,
            where: conditions,
            limit: 1,
            isNotedWhenEmpty: isNotedWhenEmpty
        )
        guard let row = try transaction.find(query).first else { return nil }
        return try RecurringRecord(row: row)
    }

    func insert(
        order: Int64,
        price: StripePrice,
        trialDays: Int64?,
        key: String
    ) throws(StoreError) -> RecurringRecord {
        try RecurringRecord(
            row: transaction.insert(
                into: PaymentsTables.recurringPayments.name,
                [
                    ("orderId", .int(order)), ("priceId", .string(price.id)), ("mode", .string(price.mode.rawValue)),
                    ("key", .string(key)), ("currency", .string(price.currency)),
                    ("amount", price.amount.map(Value.int) ?? .null),
                    ("initialAmount", price.amount.map(Value.int) ?? .null),
                    ("trialDays", trialDays.map(Value.int) ?? .null),
                ]
            )
        )
    }

    /// Notes the id that Stripe gave, once: of the customer or of the subscription.
    func attach(_ column: String, _ id: String, to recurring: RecurringRecord) throws(StoreError) {
        _ = try update(
            [
                ResolvedCondition("id", equals: .int(recurring.id)),
                ResolvedCondition(column, .isNull, .value(.bool(true))),
            ],
            [ResolvedAssignment(column, .string(id))]
        )
    }

    /// Closes one whose subscription Stripe refused to make.
    func close(_ recurring: RecurringRecord) throws(StoreError) {
        _ = try update(
            [
                ResolvedCondition("id", equals: .int(recurring.id)),
                ResolvedCondition("subscription", .isNull, .value(.bool(true))),
            ],
            [ResolvedAssignment("status", .string(RecurringStatus.cancelled.rawValue))]
        )
    }

    /// Takes over what Stripe says of a subscription at `time` (seconds since 1970).
    /// - Returns: whether it was news.
    func apply(_ subscription: StripeSubscription, at time: Int64, to recurring: RecurringRecord) throws(StoreError)
        -> Bool
    {
        guard let status = RecurringStatus(stripe: subscription.status) else { return false }
        let set =
            [ResolvedAssignment("status", .string(status.rawValue)), ResolvedAssignment("statusAt", .int(time))]
            + Self.details(subscription)
        let own = [ResolvedCondition("id", equals: .int(recurring.id))]
        let isOpen = ResolvedCondition("status", .not, .value(.string(RecurringStatus.cancelled.rawValue)))
        if status == .cancelled { return try update(own + [isOpen], set) == 1 }
        if try update(own + [isOpen, ResolvedCondition("statusAt", .lt, .value(.int(time)))], set) == 1 { return true }
        let sameSecond = own + [isOpen, ResolvedCondition("statusAt", equals: .int(time))]
        let lower = ResolvedCondition("status", .in, .value(.list(status.lower.map { .string($0.rawValue) })))
        if try update(sameSecond + [lower], set) == 1 { return true }
        // The same status in the same second: what was asked for later, a cancellation or a further period, stays.
        let same = sameSecond + [ResolvedCondition("status", equals: .string(status.rawValue))]
        guard subscription.cancelsAtPeriodEnd else { return false }
        return try update(
            same + [ResolvedCondition("cancelAtPeriodEnd", equals: .bool(false))],
            [ResolvedAssignment("cancelAtPeriodEnd", .bool(true))]
        ) == 1
    }

    private static func details(_ subscription: StripeSubscription) -> [ResolvedAssignment] {
        var set = [ResolvedAssignment("cancelAtPeriodEnd", .bool(subscription.cancelsAtPeriodEnd))]
        if let end = subscription.currentPeriodEnd, let time = Timestamp(seconds: end, nanoseconds: 0) {
            set.append(ResolvedAssignment("currentPeriodEnd", .timestamp(time)))
        }
        if let amount = subscription.amount { set.append(ResolvedAssignment("amount", .int(amount))) }
        if let currency = subscription.currency { set.append(ResolvedAssignment("currency", .string(currency))) }
        return set
    }

    private func update(_ conditions: [ResolvedCondition], _ set: [ResolvedAssignment]) throws(StoreError) -> Int {
        try transaction.update(
            RecordUpdate(table: PaymentsTables.recurringPayments.name, where: conditions, set: set)
        )
    }
}
