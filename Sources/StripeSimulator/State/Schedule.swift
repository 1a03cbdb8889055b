/// What happens by itself later, in order of time and then of planning.
struct Schedule: Sendable, Equatable {
    struct Entry: Sendable, Equatable {
        let due: SimulatorInstant
        let sequence: Int64
        let task: ScheduledTask

        static func precedes(_ left: Entry, _ right: Entry) -> Bool {
            left.due == right.due ? left.sequence < right.sequence : left.due < right.due
        }
    }

    /// A binary heap; the first is due next.
    private(set) var heap: [Entry] = []
    private(set) var nextSequence: Int64 = 0

    var nextDue: SimulatorInstant? { heap.first?.due }

    mutating func add(_ task: ScheduledTask, at due: SimulatorInstant) {
        heap.append(Entry(due: due, sequence: nextSequence, task: task))
        nextSequence += 1
        var child = heap.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard Entry.precedes(heap[child], heap[parent]) else { break }
            heap.swapAt(child, parent)
            child = parent
        }
    }

    /// A schedule with the given entries, planned in their order.
    init(_ entries: [(ScheduledTask, SimulatorInstant)] = []) {
        for (task, due) in entries { add(task, at: due) }
    }

    /// Takes the next entry due at or before a moment.
    mutating func takeDue(by moment: SimulatorInstant) -> Entry? {
        guard let first = heap.first, first.due <= moment else { return nil }
        let last = heap.removeLast()
        guard !heap.isEmpty else { return first }
        heap[0] = last
        var parent = 0
        while true {
            var smallest = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count {
                if Entry.precedes(heap[child], heap[smallest]) { smallest = child }
            }
            guard smallest != parent else { return first }
            heap.swapAt(parent, smallest)
            parent = smallest
        }
    }
}

/// Something Stripe does by itself to one object.
struct ScheduledTask: Sendable, Hashable {
    enum Action: String, Sendable, CaseIterable {
        case settleCharge, expireAuthorization, completeRefund, failRefund, openDispute, closeDispute
        case expireSession, finalizeInvoice, retryInvoice, renewSubscription, remindTrialEnd
        case expireIncompleteSubscription, announceInvoicePayment, completeDebit, payPayout, expirePendingUpdate
        case resumeCollection, expireResumption, passDueDate, announceBalance
    }

    let action: Action
    let id: String
}
