/// Where a payment stands: the values of `payments.status`.
///
/// A final status replaces every open one, and `SUCCEEDED` replaces `CANCELLED`, whenever they were told. Of the open
/// ones, between which an intent goes back and forth, that of the newest event stands, of two in one second that of the
/// higher rank. So the row after a set of events is the same whatever their order, repetition or delay: nothing is
/// assumed of the sender. Stripe's own order agrees: `succeeded` and `canceled` are final there and exclude each other,
/// and a declined intent can still be paid.
package enum PaymentStatus: String, Sendable, Hashable, CaseIterable {
    /// The intent is wanted or made; nobody has paid yet.
    case created = "CREATED"
    /// The customer has done their part; the bank has not.
    case processing = "PROCESSING"
    /// The customer has to do something more, such as 3-D Secure.
    case requiresAction = "REQUIRES_ACTION"
    /// The last try was declined; another one may still succeed.
    case failed = "FAILED"
    /// The intent was cancelled, or never came to be.
    case cancelled = "CANCELLED"
    case succeeded = "SUCCEEDED"

    /// Higher replaces lower among events of one moment, and a final one replaces whatever is lower.
    package var rank: Int {
        switch self {
        case .created: 0
        case .processing: 1
        case .requiresAction: 2
        case .failed: 3
        case .cancelled: 4
        case .succeeded: 5
        }
    }

    /// Somebody may still pay it: an order has at most one such payment.
    package var isOpen: Bool {
        switch self {
        case .created, .processing, .requiresAction, .failed: true
        case .cancelled, .succeeded: false
        }
    }

    /// Whether reaching it starts the payment callback: each final one, a decline, and what needs the customer.
    package var startsCallback: Bool {
        switch self {
        case .requiresAction, .failed, .cancelled, .succeeded: true
        case .created, .processing: false
        }
    }

    /// The statuses of lower rank: all open ones are among those of a final one.
    var lower: [PaymentStatus] { Self.allCases.filter { $0.rank < rank } }

    /// The open ones, as the unique index and the queries name them.
    static let open = allCases.filter(\.isOpen)

    /// What a Payment Intent's own status says, as far as it is certain; nil for the ordinary ones in between.
    init?(intentStatus: String) {
        switch intentStatus {
        case "succeeded": self = .succeeded
        case "canceled": self = .cancelled
        default: return nil
        }
    }
}

/// Where a refund stands: the values of `refunds.status`.
///
/// A refund only ever moves to a status of higher rank: `failed` outranks `succeeded`, because a refund can fail after it looked fine (`refund.failed`).
package enum RefundStatus: String, Sendable, Hashable, CaseIterable {
    case pending = "PENDING"
    case requiresAction = "REQUIRES_ACTION"
    /// The money went back.
    case refunded = "REFUNDED"
    case cancelled = "CANCELLED"
    case failed = "FAILED"

    /// Higher replaces lower.
    package var rank: Int {
        switch self {
        case .pending: 0
        case .requiresAction: 1
        case .refunded: 2
        case .cancelled: 3
        case .failed: 4
        }
    }

    /// Which of the payment's two sums the amount stands in.
    package enum Share: Sendable, Hashable {
        case pending, refunded, none
    }

    package var share: Share {
        switch self {
        case .pending, .requiresAction: .pending
        case .refunded: .refunded
        case .cancelled, .failed: .none
        }
    }

    /// Whether reaching it starts the refund callback.
    package var startsCallback: Bool { self != .pending }

    /// What Stripe calls it; nil for a word that this version does not have.
    package init?(stripe word: String) {
        switch word {
        case "pending": self = .pending
        case "requires_action": self = .requiresAction
        case "succeeded": self = .refunded
        case "canceled": self = .cancelled
        case "failed": self = .failed
        default: return nil
        }
    }
}
