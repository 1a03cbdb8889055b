import Connections
import Expressions
import FlowEngine
import FlowLanguage

/// The payments' rows inside one transaction: looks them up and moves them by conditional updates.
///
/// Each move is one statement whose condition holds the statuses it may replace, so that it is atomic on any store.
struct PaymentLedger {
    let transaction: any StoreTransaction

    init(_ transaction: any StoreTransaction) {
        self.transaction = transaction
    }

    // MARK: Looking up

    func payment(id: Int64) throws(StoreError) -> PaymentRecord? {
        try payment(where: [ResolvedCondition("id", equals: .int(id))])
    }

    func payment(intent: String, mode: Mode) throws(StoreError) -> PaymentRecord? {
        try payment(where: [
            ResolvedCondition("intent", equals: .string(intent)),
            ResolvedCondition("mode", equals: .string(mode.rawValue)),
        ])
    }

    func payment(key: String) throws(StoreError) -> PaymentRecord? {
        try payment(where: [ResolvedCondition("key", equals: .string(key))])
    }

    /// Whether a payment of either mode has the intent, which no other one may have then.
    func hasPayment(withIntent intent: String) throws(StoreError) -> Bool {
        let query = RecordQuery(
            table: PaymentsTables.payments.name,
            where: [ResolvedCondition("intent", equals: .string(intent))],
            limit: 1,
            isNotedWhenEmpty: false
        )
        return try !transaction.find(query).isEmpty
    }

    /// The one payment of the order that somebody may still pay.
    func openPayment(order: Int64, mode: Mode) throws(StoreError) -> PaymentRecord? {
        try payment(where: [
            ResolvedCondition("orderId", equals: .int(order)),
            ResolvedCondition("mode", equals: .string(mode.rawValue)),
            ResolvedCondition("status", .in, .value(.list(PaymentStatus.open.map { .string($0.rawValue) }))),
        ])
    }

    /// Whether a page of Stripe's is open whose intent nobody has told of.
    func awaitsIntent(mode: Mode) throws(StoreError) -> Bool {
        try payment(where: [
            ResolvedCondition("status", .in, .value(.list(PaymentStatus.open.map { .string($0.rawValue) }))),
            ResolvedCondition("mode", equals: .string(mode.rawValue)),
            ResolvedCondition("intent", .isNull, .value(.bool(true))),
            ResolvedCondition("key", .startsWith, .value(.string(CreateCheckoutSession.keyPrefix))),
        ]) != nil
    }

    /// The order's payments that succeeded; at most 1,000 are looked at.
    func succeededPayments(
        order: Int64,
        mode: Mode,
        isNotedWhenEmpty: Bool = true
    ) throws(StoreError) -> [PaymentRecord] {
        let query = RecordQuery(
            table: PaymentsTables.payments.name,
            where: [
                ResolvedCondition("orderId", equals: .int(order)),
                ResolvedCondition("mode", equals: .string(mode.rawValue)),
                ResolvedCondition("status", equals: .string(PaymentStatus.succeeded.rawValue)),
            ],
            limit: 1_000,
            isNotedWhenEmpty: isNotedWhenEmpty
        )
        var records: [PaymentRecord] = []
        for row in try transaction.find(query) { records.append(try PaymentRecord(row: row)) }
        return records
    }

    private func payment(where conditions: [ResolvedCondition]) throws(StoreError) -> PaymentRecord? {
        let query = RecordQuery(table: PaymentsTables.payments.name, where: conditions, limit: 1)
        guard let row = try transaction.find(query).first else { return nil }
        return try PaymentRecord(row: row)
    }

    // MARK: Payments

    /// Opens a payment of an order; its unique index allows one that is open.
    func insert(order: Int64, _ money: Money, mode: Mode, key: String) throws(StoreError) -> PaymentRecord {
        try PaymentRecord(
            row: transaction.insert(
                into: PaymentsTables.payments.name,
                [
                    ("orderId", .int(order)), ("amount", .int(money.minorUnits)), ("currency", .string(money.currency)),
                    ("mode", .string(mode.rawValue)), ("key", .string(key)),
                ]
            )
        )
    }

    /// Adds what was paid beside the payment that was asked for, so that it can be seen and given back.
    func insertSurplus(_ intent: StripePaymentIntent, beside payment: PaymentRecord) throws(StoreError)
        -> PaymentRecord
    {
        var values: [(column: String, value: Value)] = [
            ("orderId", .int(payment.orderID)), ("amount", .int(intent.amount)),
            ("currency", .string(intent.currency)), ("status", .string(PaymentStatus.succeeded.rawValue)),
            ("received", .int(intent.amountReceived)), ("intent", .string(intent.id)),
            ("mode", .string(payment.mode.rawValue)), ("key", .string("surplus:\(intent.id)")),
        ]
        if let charge = intent.latestCharge { values.append(("charge", .string(charge))) }
        if let customer = intent.customer { values.append(("customer", .string(customer))) }
        return try PaymentRecord(row: transaction.insert(into: PaymentsTables.payments.name, values))
    }

    /// Records that Stripe made the payment's intent, once.
    /// - Returns: false when the row has another intent already.
    func attach(intent: StripeIntentFacts, to payment: PaymentRecord) throws(StoreError) -> Bool {
        if let known = payment.intent { return known == intent.id }
        var set = [ResolvedAssignment("intent", .string(intent.id))]
        // A session's request gives the session again, for as long as its page can be used.
        if !payment.isCheckout { set.append(ResolvedAssignment("request", .null)) }
        if let customer = intent.customer { set.append(ResolvedAssignment("customer", .string(customer))) }
        return try update(
            PaymentsTables.payments,
            [
                ResolvedCondition("id", equals: .int(payment.id)),
                ResolvedCondition("intent", .isNull, .value(.bool(true))),
            ],
            set
        ) == 1
    }

    /// Moves a payment to a status as `PaymentStatus` orders them; of two reports of one status the newer one's details
    /// stay.
    /// - Returns: whether the row's status is now `report.status`.
    func apply(_ report: PaymentReport, to payment: PaymentRecord) throws(StoreError) -> Bool {
        let details = report.details
        for replaced in report.replaced {
            let moved = try update(
                PaymentsTables.payments,
                [ResolvedCondition("id", equals: .int(payment.id))] + replaced,
                [ResolvedAssignment("status", .string(report.status.rawValue))] + details
            )
            if moved == 1 { return true }
        }
        let sameStatus = [
            ResolvedCondition("id", equals: .int(payment.id)),
            ResolvedCondition("status", equals: .string(report.status.rawValue)),
        ]
        let newer = try update(
            PaymentsTables.payments,
            sameStatus + [ResolvedCondition("statusAt", .lt, .value(.int(report.at)))],
            details
        )
        if newer == 0, let code = report.failureCode {
            // Stripe's stamps are whole seconds: of two in one second the greater code stays, in either order.
            _ = try update(
                PaymentsTables.payments,
                sameStatus + [
                    ResolvedCondition("statusAt", equals: .int(report.at)),
                    ResolvedCondition("failureCode", .lt, .value(.string(code))),
                ],
                details
            )
        }
        return try self.payment(id: payment.id)?.status == report.status
    }

    /// Notes the charge of a payment that has none yet.
    func fill(charge: String, of payment: PaymentRecord) throws(StoreError) -> Bool {
        try update(
            PaymentsTables.payments,
            [
                ResolvedCondition("id", equals: .int(payment.id)),
                ResolvedCondition("charge", .isNull, .value(.bool(true))),
            ],
            [ResolvedAssignment("charge", .string(charge))]
        ) == 1
    }

    /// Gives a payment to another order.
    func move(_ payment: PaymentRecord, to order: Int64) throws(StoreError) {
        _ = try update(
            PaymentsTables.payments,
            [ResolvedCondition("id", equals: .int(payment.id))],
            [ResolvedAssignment("orderId", .int(order))]
        )
    }

    /// Closes a payment whose intent Stripe refused to make.
    func close(_ payment: PaymentRecord, failureCode: String) throws(StoreError) {
        _ = try update(
            PaymentsTables.payments,
            [
                ResolvedCondition("id", equals: .int(payment.id)),
                ResolvedCondition("intent", .isNull, .value(.bool(true))),
                ResolvedCondition("status", equals: .string(PaymentStatus.created.rawValue)),
            ],
            [
                ResolvedAssignment("status", .string(PaymentStatus.cancelled.rawValue)),
                ResolvedAssignment("failureCode", .string(String(failureCode.prefix(64)))),
                ResolvedAssignment("request", .null),
            ]
        )
    }

    func update(
        _ table: Table,
        _ conditions: [ResolvedCondition],
        _ set: [ResolvedAssignment]
    ) throws(StoreError) -> Int {
        try transaction.update(RecordUpdate(table: table.name, where: conditions, set: set))
    }
}

/// What is taken over from an intent when it is made.
struct StripeIntentFacts: Sendable, Hashable {
    var id: String
    var customer: String?
}

/// What Stripe says of a payment at one moment.
struct PaymentReport: Sendable, Hashable {
    var status: PaymentStatus
    /// Seconds since 1970, from the event.
    var at: Int64
    /// What came in, when it succeeded.
    var received: Int64?
    var charge: String?
    var customer: String?
    /// Why the last try was declined.
    var failureCode: String?

    /// The rows of another status that it replaces: they fulfil one of these.
    fileprivate var replaced: [[ResolvedCondition]] {
        let isOneOf = { (statuses: [PaymentStatus]) in
            ResolvedCondition("status", .in, .value(.list(statuses.map { .string($0.rawValue) })))
        }
        guard status.isOpen else { return [[isOneOf(status.lower)]] }
        return [
            [
                isOneOf(PaymentStatus.open.filter { $0 != status }),
                ResolvedCondition("statusAt", .lt, .value(.int(at))),
            ],
            [isOneOf(status.lower), ResolvedCondition("statusAt", equals: .int(at))],
        ]
    }

    fileprivate var details: [ResolvedAssignment] {
        var set = [
            ResolvedAssignment("statusAt", .int(at)),
            ResolvedAssignment("failureCode", failureCode.map { .string(String($0.prefix(64))) } ?? .null),
        ]
        if !status.isOpen { set.append(ResolvedAssignment("request", .null)) }
        guard status == .succeeded else { return set }
        set.append(ResolvedAssignment("received", .int(received ?? 0)))
        if let charge { set.append(ResolvedAssignment("charge", .string(charge))) }
        if let customer { set.append(ResolvedAssignment("customer", .string(customer))) }
        return set
    }
}
