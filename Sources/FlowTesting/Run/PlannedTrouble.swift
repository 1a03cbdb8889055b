import FlowLanguage

/// A case's disturbances, by what they meet.
struct PlannedTrouble: Sendable {
    private var twice: Set<CaseEvent> = []
    private var late: [CaseEvent: Int] = [:]
    private var partners: [CaseEvent: CaseEvent] = [:]
    private var requests: [Int: Trouble] = [:]
    /// Whether runs take turns at the tables block by block.
    private(set) var isInterleaved = false
    private(set) var deaths: [MortalStore.Death] = []

    /// Nothing disturbs the case.
    let isQuiet: Bool

    init(_ disturbances: [Disturbance]) {
        isQuiet = disturbances.isEmpty
        for disturbance in disturbances {
            switch disturbance {
            case .twice(let event): twice.insert(event)
            case .late(let event, let by): late[event] = by
            case .together(let event, let partner, let isInterleaved):
                partners[event] = partner
                if isInterleaved { self.isInterleaved = true }
            case .trouble(let request, let trouble): requests[request] = trouble
            case .kill(let write, let isDurable):
                deaths.append(MortalStore.Death(write: write, isDurable: isDurable))
            }
        }
    }

    func isTwice(_ event: CaseEvent) -> Bool { twice.contains(event) }
    /// Later deliveries to let pass first, 0 for all; nil: it comes in its turn.
    func lateness(of event: CaseEvent) -> Int? { late[event] }
    /// The later event that this one waits for.
    func partner(of event: CaseEvent) -> CaseEvent? { partners[event] }
    func trouble(ofRequest number: Int) -> Trouble? { requests[number] }
}
