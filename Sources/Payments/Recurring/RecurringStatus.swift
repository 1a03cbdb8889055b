/// Where a recurring payment stands: the values of `recurring_payments.status`.
///
/// A subscription goes back and forth, so the newest event decides, by Stripe's stamp; `CANCELLED` is final and beats
/// them all. Stripe's stamps are whole seconds: of two events in one second the higher rank stays. So the row after a
/// set of events is the same in whatever order they come.
package enum RecurringStatus: String, Sendable, Hashable, CaseIterable {
    case incomplete = "INCOMPLETE"
    case trialing = "TRIALING"
    case active = "ACTIVE"
    case pastDue = "PAST_DUE"
    case unpaid = "UNPAID"
    case paused = "PAUSED"
    case cancelled = "CANCELLED"

    /// Decides between two events of one second.
    var rank: Int { Self.allCases.firstIndex(of: self) ?? 0 }

    var lower: [RecurringStatus] { Self.allCases.filter { $0.rank < rank } }

    /// All but the final one: an order has at most one recurring payment that is not cancelled.
    static let open = allCases.filter { $0 != .cancelled }

    /// What Stripe calls it; nil for a word that this version does not have.
    package init?(stripe word: String) {
        switch word {
        case "incomplete": self = .incomplete
        case "trialing": self = .trialing
        case "active": self = .active
        case "past_due": self = .pastDue
        case "unpaid": self = .unpaid
        case "paused": self = .paused
        case "canceled", "incomplete_expired": self = .cancelled
        default: return nil
        }
    }
}
