import Expressions
package import FlowLanguage

/// The system tables that `payments:` brings: flows read them, only the payments feature writes them.
package enum PaymentsTables {
    /// In the order in which references need them.
    package static let all = [recurringPayments, payments, refunds, connectionData, transitions, emails]

    /// What of a system table its subscribers do not see: keys, and what was asked of Stripe.
    package static let innerColumns: Set<String> = [
        "key", "request", "secretHash", "statusAt", "intent", "charge", "customer", "subscription",
    ]

    /// One row per Payment Intent, wanted or made; an order has at most one that can still be paid.
    ///
    /// `received` is what came in. `key` is the idempotency key of the request that makes the intent and `request` its
    /// body, until it is made, or for a session until it is over: whoever asks meanwhile sends the same. `statusAt` is the newest event's second, and
    /// `secretHash` recognises the client secret of whoever may follow the payment. `callback` is the status with which
    /// the app's own callback flow has dealt.
    package static let payments = Table(
        name: "payments",
        columns: [
            Column(name: "orderId", type: .int),
            Column(name: "amount", type: .int, min: 1),
            currency,
            status(PaymentStatus.allCases.map(\.rawValue), default: PaymentStatus.created.rawValue),
            Column(name: "received", type: .int, defaultValue: .int(0), min: 0),
            Column(name: "refunded", type: .int, defaultValue: .int(0), min: 0),
            Column(name: "refundPending", type: .int, defaultValue: .int(0), min: 0),
            Column(name: "intent", type: .string, isOptional: true, isUnique: true, maxLength: 255),
            Column(name: "charge", type: .string, isOptional: true, maxLength: 255),
            Column(name: "customer", type: .string, isOptional: true, maxLength: 255),
            mode,
            Column(name: "failureCode", type: .string, isOptional: true, maxLength: 64),
            Column(name: "recurringPaymentId", type: .int, isOptional: true, references: "recurring_payments"),
            Column(name: "statusAt", type: .int, defaultValue: .int(0)),
            Column(name: "key", type: .string, isUnique: true, maxLength: 255),
            Column(name: "request", type: .string, isOptional: true, maxLength: 64 << 10),
            Column(name: "secretHash", type: .string, isOptional: true, isUnique: true, maxLength: 64),
            Column(name: "callback", type: .string, isOptional: true, maxLength: 64),
        ],
        access: TableAccess(subscribe: ["admin"]),
        isSystem: true,
        indexes: [
            TableIndex(
                columns: ["orderId", "mode"],
                isUnique: true,
                when: TableIndex.Condition(column: "status", values: PaymentStatus.open.map(\.rawValue))
            ),
            TableIndex(columns: ["orderId"], isUnique: false),
        ]
    )

    /// `initialAmount` is what a period cost when it began, and never changes; `amount` is what Stripe says now.
    ///
    /// `secretHash` recognises the client secret of whoever may follow it, and `callback` is `PAID` once the app's own flow
    /// has dealt with the first invoice.
    package static let recurringPayments = Table(
        name: "recurring_payments",
        columns: [
            Column(name: "orderId", type: .int),
            Column(name: "priceId", type: .string, maxLength: 255),
            status(RecurringStatus.allCases.map(\.rawValue), default: RecurringStatus.incomplete.rawValue),
            Column(name: "amount", type: .int, isOptional: true, min: 0),
            Column(name: "initialAmount", type: .int, isOptional: true, min: 0),
            Column(name: "trialDays", type: .int, isOptional: true),
            Column(name: "currency", type: .string, isOptional: true, maxLength: 3),
            Column(name: "subscription", type: .string, isOptional: true, isUnique: true, maxLength: 255),
            Column(name: "customer", type: .string, isOptional: true, maxLength: 255),
            Column(name: "currentPeriodEnd", type: .timestamp, isOptional: true),
            Column(name: "cancelAtPeriodEnd", type: .bool, defaultValue: .bool(false)),
            mode,
            Column(name: "statusAt", type: .int, defaultValue: .int(0)),
            Column(name: "key", type: .string, isUnique: true, maxLength: 200),
            Column(name: "secretHash", type: .string, isOptional: true, isUnique: true, maxLength: 64),
            Column(name: "callback", type: .string, isOptional: true, maxLength: 64),
        ],
        access: TableAccess(subscribe: ["admin"]),
        isSystem: true,
        indexes: [
            TableIndex(
                columns: ["orderId", "mode"],
                isUnique: true,
                when: TableIndex.Condition(column: "status", values: RecurringStatus.open.map(\.rawValue))
            )
        ]
    )

    /// `key` is the idempotency key of a refund asked for here; one made in Stripe's dashboard has none.
    package static let refunds = Table(
        name: "refunds",
        columns: [
            Column(name: "paymentId", type: .int, references: "payments"),
            Column(name: "amount", type: .int, min: 1),
            status(RefundStatus.allCases.map(\.rawValue), default: RefundStatus.pending.rawValue),
            Column(name: "refund", type: .string, isOptional: true, isUnique: true, maxLength: 255),
            Column(name: "reason", type: .string, isOptional: true, maxLength: 64),
            Column(name: "failureCode", type: .string, isOptional: true, maxLength: 64),
            Column(name: "key", type: .string, isOptional: true, isUnique: true, maxLength: 255),
        ],
        access: TableAccess(subscribe: ["admin"]),
        isSystem: true,
        indexes: [TableIndex(columns: ["paymentId"], isUnique: false)]
    )

    /// What a confirmed command recorded, once per object.
    package static let connectionData = Table(
        name: "connection_data",
        columns: [
            Column(name: "connection", type: .string, maxLength: 64),
            Column(name: "command", type: .string, maxLength: 64),
            Column(name: "object", type: .string, maxLength: 255),
            mode,
            Column(name: "data", type: .json, maxLength: 64 << 10),
        ],
        isSystem: true,
        indexes: [TableIndex(columns: ["connection", "command", "object", "mode"], isUnique: true)]
    )

    /// Which change of which object a callback run has taken on: one row, one effect.
    package static let transitions = Table(
        name: "payment_transitions",
        columns: [
            Column(name: "object", type: .string, maxLength: 255),
            Column(name: "transition", type: .string, maxLength: 64),
            Column(name: "flow", type: .string, maxLength: 64),
            Column(
                name: "state",
                type: .string,
                defaultValue: .string("new"),
                allowed: ["new", "in-progress", "done"]
            ),
            Column(name: "run", type: .int, isOptional: true),
        ],
        isSystem: true,
        indexes: [
            TableIndex(columns: ["object", "transition", "flow"], isUnique: true),
            TableIndex(columns: ["run"], isUnique: false),
        ]
    )

    /// The outbox: what was to be sent, and what became of it.
    package static let emails = Table(
        name: "emails",
        columns: [
            Column(name: "connection", type: .string, maxLength: 64),
            Column(name: "purpose", type: .string, maxLength: 64),
            Column(name: "object", type: .string, maxLength: 512),
            Column(name: "recipient", type: .string, maxLength: 254),
            Column(name: "subject", type: .string, maxLength: 512),
            Column(name: "text", type: .string, maxLength: 4096),
            mode,
            Column(
                name: "state",
                type: .string,
                defaultValue: .string("sending"),
                allowed: EmailOutbox.State.allCases.map(\.rawValue)
            ),
            Column(name: "failureCode", type: .string, isOptional: true, maxLength: 64),
            Column(name: "run", type: .int),
        ],
        isSystem: true,
        indexes: [
            TableIndex(columns: ["purpose", "object", "recipient", "mode"], isUnique: true),
            TableIndex(columns: ["run"], isUnique: false),
        ]
    )

    private static let currency = Column(name: "currency", type: .string, maxLength: 3)
    private static let mode = Column(name: "mode", type: .string, allowed: ["test", "live"])

    private static func status(_ allowed: [String], default initial: String) -> Column {
        Column(name: "status", type: .string, defaultValue: .string(initial), allowed: allowed)
    }
}
