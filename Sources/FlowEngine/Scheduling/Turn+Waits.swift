import Expressions
import FlowLanguage

// Waiting: a row with a due time or an event's subject, no memory and no thread.
extension Turn {
    mutating func wait(for work: WaitWork, _ call: BlockCall) throws(StoreError) -> Stop? {
        switch work {
        case .time(let time) where time <= call.now:
            try conclude(call, .success(.null))
            return nil
        case .event(let subject, let after):
            if let event = try event(subject, after: after, before: call.deadline) {
                try conclude(call, .success(event.output))
                return nil
            }
        case .time: break
        }
        try insert(entry(of: call, status: .started, input: work.journalInput))
        try park(work, call)
        return .left
    }

    /// Goes on with a run that waited: what it waits for has come, or its time is over, or it waits on.
    mutating func resume(_ work: WaitWork, _ call: BlockCall, _ entry: JournalEntry) throws(StoreError) -> Stop? {
        switch work {
        case .time(let time):
            // Whoever looks late finds both over: then what was over first counts.
            if time <= now, call.deadline.map({ time <= $0 }) ?? true {
                try settle(entry, .success(.null), call)
                return nil
            }
        case .event(let subject, let after):
            if let event = try event(subject, after: after, before: call.deadline) {
                try settle(entry, .success(event.output), call)
                return nil
            }
        }
        if let deadline = call.deadline, deadline <= now {
            // Something around may be out of time instead, which is looked at when the outcome is handed on.
            try settle(entry, .failure(.timeout("'\(call.path)'", call.timeout ?? deadline - call.now)), call)
            return nil
        }
        try park(work, call)
        return .left
    }

    private mutating func park(_ work: WaitWork, _ call: BlockCall) throws(StoreError) {
        switch work {
        case .time(let time):
            var status = RunStatus.waiting
            if case .tryAgain = run.interpreter.graph[call.node].action {
                // Between two attempts, as a pause at one effect is: the run keeps its lane.
                status = .retrying
                try Failpoint.retryBeforeCommit.reach()
            }
            try save(status, wakesAt: call.deadline.map { min($0, time) } ?? time)
        case .event(let subject, _): try save(.waiting, wakesAt: call.deadline, awaits: subject)
        }
    }

    /// The event that the run sees next: the first one that came since the run was created and that it has not seen.
    private func event(
        _ subject: EventSubject,
        after: Int64,
        before deadline: Timestamp?
    ) throws(StoreError) -> EventRecord? {
        let since = run.interpreter.listensSince ?? run.record.createdAt
        let event = try transaction.event(subject, mode: run.record.start.mode, after: after, since: since)
        guard let event, let deadline else { return event }
        return event.receivedAt <= deadline ? event : nil
    }

    // MARK: Attempts

    /// Lets the time between two attempts pass: on disk, as everything that takes time.
    mutating func pause(_ pause: RetryPause) throws(StoreError) -> Stop? {
        lines += run.interpreter.takeLines()
        try Failpoint.retryBeforeCommit.reach()
        let delay = max(pause.atLeast, Backoff(pause.policy).delay(before: pause.attempt, random: context.random))
        guard delay > .zero else {
            run.interpreter.endPause()
            return nil
        }
        guard let end = now + delay else { throw StoreError(.corrupt, "the clock has run out") }
        try save(.retrying, wakesAt: pause.deadline.map { min($0, end) } ?? end)
        return .left
    }
}

extension Backoff {
    init(_ policy: RetryPolicy) {
        self.init(first: policy.first, factor: policy.factor, max: policy.max, jitter: policy.jitter)
    }
}
