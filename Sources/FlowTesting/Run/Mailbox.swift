import FlowLanguage
import StripeSimulator

/// Web hooks of Stripe on their way to the app, in the order in which they will come.
struct Mailbox: Sendable {
    struct Letter: Sendable {
        var event: CaseEvent
        var body: [UInt8]
        /// To be told what was answered; nil for a repetition, and for one that the case sends itself.
        var webhook: EmbeddedSimulator.Webhook?
        fileprivate var patience = Patience.none
    }

    /// What a letter waits for.
    fileprivate enum Patience: Sendable, Hashable {
        case none
        /// So many later deliveries.
        case deliveries(Int)
        case event(CaseEvent)
        case end
    }

    private var letters: [Letter] = []
    private var counts: [String: Int] = [:]
    private let plan: PlannedTrouble
    /// Every event so far, in the order in which they were posted.
    private(set) var posted: [CaseEvent] = []

    init(_ plan: PlannedTrouble) { self.plan = plan }

    /// The event's name: the n-th of its type.
    mutating func name(_ type: String) -> CaseEvent {
        counts[type, default: 0] += 1
        let event = CaseEvent(type: type, number: counts[type, default: 1])
        posted.append(event)
        return event
    }

    mutating func post(_ type: String, body: [UInt8], webhook: EmbeddedSimulator.Webhook?) {
        var letter = Letter(event: name(type), body: body, webhook: webhook)
        if let lateness = plan.lateness(of: letter.event) {
            letter.patience = lateness == 0 ? .end : .deliveries(lateness)
        } else if let partner = plan.partner(of: letter.event) {
            letter.patience = .event(partner)
        }
        letters.append(letter)
        guard plan.isTwice(letter.event) else { return }
        letter.webhook = nil
        letter.patience = .end
        letters.append(letter)
    }

    /// The next that come, in one moment; `isLast`: nothing else will happen, so those that wait may come too.
    mutating func next(isLast: Bool) -> [Letter] {
        let index = letters.firstIndex { $0.patience == .none } ?? (isLast ? letters.indices.first : nil)
        guard let index else { return [] }
        let letter = letters.remove(at: index)
        let companions = letters.filter { $0.patience == .event(letter.event) }
        letters.removeAll { $0.patience == .event(letter.event) }
        for other in letters.indices {
            guard case .deliveries(let count) = letters[other].patience else { continue }
            letters[other].patience = count > 1 ? .deliveries(count - 1) : .none
        }
        return companions + [letter]
    }
}
