import Expressions
import FlowLanguage

/// The flows of an app that start by themselves, and what is known of when.
struct Schedules: Sendable {
    /// When the next one fires, as far as memory knows; the disk is asked when it is due.
    enum NextTick: Sendable, Hashable {
        /// Since the start nobody has asked.
        case unknown
        case never
        case at(Timestamp)

        func isDue(by now: Timestamp) -> Bool {
            switch self {
            case .unknown: true
            case .never: false
            case .at(let moment): moment <= now
            }
        }

        var moment: Timestamp? {
            if case .at(let moment) = self { moment } else { nil }
        }
    }

    private struct Scheduled: Sendable {
        var graph: FlowGraph
        var trigger: ScheduleTrigger
    }

    private let flows: [Scheduled]
    private let mode: Mode
    /// When the process began: it was not there for moments before.
    private let began: Timestamp

    init(_ app: App, mode: Mode, began: Timestamp) {
        self.mode = mode
        self.began = began
        flows = app.flows.values.sorted { $0.name < $1.name }.compactMap { graph in
            guard case .schedule(let trigger) = graph.trigger else { return nil }
            return Scheduled(graph: graph, trigger: trigger)
        }
    }

    var isEmpty: Bool { flows.isEmpty }

    /// Starts a run for each moment that is due, and notes the next one, in one transaction: a moment that is passed
    /// has its run, and never a second one.
    ///
    /// - Returns: When the next schedule fires; a moment that has passed when there is more to start.
    func fire(at now: Timestamp, in transaction: any StoreTransaction) throws(StoreError) -> NextTick {
        var stored: [String: ScheduleRecord] = [:]
        for record in try transaction.schedules() { stored[record.flow] = record }
        var earliest: Timestamp?
        for scheduled in flows {
            var record = ScheduleRecord(
                flow: scheduled.graph.name,
                definition: scheduled.trigger.definition,
                nextAt: nil
            )
            if let known = stored[record.flow], known.definition == record.definition {
                record.nextAt = known.nextAt
                if let due = known.nextAt, due <= now {
                    let firing = Firing(scheduled.trigger, due: due, now: now, began: began)
                    for tick in firing.ticks { try start(scheduled.graph, tick, now: now, in: transaction) }
                    record.nextAt = firing.next
                    try transaction.saveSchedule(record)
                }
            } else {
                record.nextAt = scheduled.trigger.next(after: now)
                try transaction.saveSchedule(record)
            }
            earliest = [earliest, record.nextAt].compactMap { $0 }.min()
        }
        return earliest.map(NextTick.at) ?? .never
    }

    private func start(
        _ graph: FlowGraph,
        _ tick: Timestamp,
        now: Timestamp,
        in transaction: any StoreTransaction
    ) throws(StoreError) {
        let start = RunStart(
            flow: graph.name,
            version: graph.version,
            origin: .schedule,
            trigger: ["scheduledAt": .timestamp(tick), "firedAt": .timestamp(now)],
            caller: .system,
            mode: mode
        )
        _ = try StartAdmission(graph, now: now).insert(start, in: transaction)
        try Failpoint.ingestBeforeCommit.reach()
    }
}

/// What is to be started for a schedule that is due.
private struct Firing {
    var ticks: [Timestamp] = []
    var next: Timestamp?

    init(_ trigger: ScheduleTrigger, due: Timestamp, now: Timestamp, began: Timestamp) {
        switch trigger.missed {
        case .all:
            var tick: Timestamp? = due
            while let moment = tick, moment <= now, ticks.count < Limits.ticksPerLook {
                ticks.append(moment)
                tick = trigger.next(after: moment)
            }
            next = tick
        case .once:
            ticks = [Self.last(of: trigger, from: due, through: now)]
            next = trigger.next(after: now)
        case .skip:
            let last = Self.last(of: trigger, from: due, through: now)
            if last >= began, now - last <= Limits.tickDelay { ticks = [last] }
            next = trigger.next(after: now)
        }
    }

    /// The latest moment of the schedule in the span, of which `due` is the first.
    private static func last(of trigger: ScheduleTrigger, from due: Timestamp, through now: Timestamp) -> Timestamp {
        // A year of seconds is not counted one by one: the search begins near the end and reaches back further and
        // further until it finds one.
        var reach = Duration.seconds(60)
        var last = due
        while let start = now - reach, start > due {
            if let tick = trigger.next(after: start), tick <= now {
                last = tick
                break
            }
            reach *= 4
        }
        while let tick = trigger.next(after: last), tick <= now { last = tick }
        return last
    }
}
