/// Web hooks that are still to be sent, and what became of the others.
struct DeliveryQueue: Sendable, Equatable {
    struct Delivery: Sendable, Equatable {
        let number: Int64
        let event: String
        let type: String
        let endpoint: String
        var due: SimulatorInstant
        let created: SimulatorInstant
        var attempts: [Attempt] = []
        var state: State = .waiting
        /// Whether a fault has been applied already.
        var isFaulted = false
    }

    struct Attempt: Sendable, Equatable {
        let at: SimulatorInstant
        /// The status answered; nil when there was none.
        let status: Int?
        let failure: String?
    }

    enum State: String, Sendable { case waiting, sending, delivered, abandoned, dropped }

    /// Finished deliveries kept for the log.
    private static let maximumHistory = 20_000

    private(set) var active: [Int64: Delivery] = [:]
    private(set) var history: [Delivery] = []
    private var next: Int64 = 1

    mutating func add(
        event: String,
        type: String,
        endpoint: String,
        at due: SimulatorInstant,
        isFaulted: Bool = false
    ) {
        var delivery = Delivery(number: next, event: event, type: type, endpoint: endpoint, due: due, created: due)
        delivery.isFaulted = isFaulted
        active[next] = delivery
        next += 1
    }

    /// The earliest moment at which something waits to be sent.
    var nextDue: SimulatorInstant? {
        active.values.lazy.filter { $0.state == .waiting }.map(\.due).min()
    }

    /// Takes deliveries due by a moment, oldest first.
    mutating func takeDue(by moment: SimulatorInstant, limit: Int) -> [Delivery] {
        guard !active.isEmpty, limit > 0 else { return [] }
        let due = active.values.filter { $0.state == .waiting && $0.due <= moment }
            .sorted { ($0.due, $0.number) < ($1.due, $1.number) }
            .prefix(limit)
        for delivery in due { active[delivery.number]?.state = .sending }
        return Array(due)
    }

    mutating func change(_ number: Int64, _ change: (inout Delivery) -> Void) {
        guard var delivery = active[number] else { return }
        change(&delivery)
        active[number] = delivery
    }

    /// Puts a delivery away for good.
    mutating func finish(_ number: Int64, as state: State) -> Delivery? {
        guard var delivery = active.removeValue(forKey: number) else { return nil }
        delivery.state = state
        history.append(delivery)
        if history.count > Self.maximumHistory { history.removeFirst(Self.maximumHistory / 2) }
        return delivery
    }

    /// Puts back a delivery from an exported state.
    mutating func restore(_ delivery: Delivery) {
        active[delivery.number] = delivery
        next = max(next, delivery.number + 1)
    }

    /// What was being sent when the state was saved is sent again.
    mutating func restartSending() {
        for number in active.keys where active[number]?.state == .sending { active[number]?.state = .waiting }
    }
}

/// When a web hook that was not taken is sent again.
package enum WebhookRetrySchedule: String, Sendable, CaseIterable {
    /// For work on one machine: after 1, 2, 4 … up to 60 seconds, for 3 days.
    case loopback
    /// As Stripe does for live mode: with growing pauses, up to 3 days.
    case live
    /// As Stripe does for a sandbox: three tries over some hours.
    case sandbox

    /// Seconds until the next try after so many failed ones; nil gives up.
    package func pause(afterFailures failures: Int, sinceFirstSeconds elapsed: Int64) -> Int64? {
        let limit: Int64 = 3 * 24 * 3_600
        switch self {
        case .loopback:
            return elapsed > limit ? nil : min(60, 1 << Int64(min(max(failures, 1) - 1, 6)))
        case .live:
            let pauses: [Int64] = [60, 300, 1_800, 7_200, 18_000, 36_000, 36_000, 43_200, 43_200]
            return elapsed > limit || failures > pauses.count ? nil : pauses[max(failures, 1) - 1]
        case .sandbox:
            let pauses: [Int64] = [60, 3 * 3_600]
            return failures > pauses.count ? nil : pauses[max(failures, 1) - 1]
        }
    }
}
