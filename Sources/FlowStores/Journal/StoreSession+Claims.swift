import Expressions
import FlowEngine

// What is to be taken up
extension StoreSession {
    /// True when another run of the same lane goes first.
    ///
    /// A lane is released when its run ends, waits or parks.
    private static let laneIsBusy = """
        r.lane IS NOT NULL AND EXISTS (
            SELECT 1 FROM runs AS o
            WHERE o.lane = r.lane AND \(StatusCondition.takesLane("o")) AND o.id <> r.id
              AND ((o.status = 'running' AND (r.status <> 'running' OR o.id < r.id))
                OR (o.id < r.id AND (o.status IN ('queued', 'retrying')
                                     OR (o.status = 'waiting' AND o.wakes_at <= ?2)))))
        """
    static let leftRunning = FixedStatement(
        """
        SELECT r.id FROM runs AS r INDEXED BY runs_running
        WHERE r.status = 'running' AND r.epoch < ?1 AND NOT (\(laneIsBusy)) ORDER BY r.epoch, r.id LIMIT ?3
        """
    )
    private static let hasMoment = "status IN ('waiting', 'retrying') AND wakes_at IS NOT NULL"
    static let nextFlowWithMoment = FixedStatement(
        "SELECT min(flow) FROM runs INDEXED BY runs_due WHERE \(hasMoment) AND flow > ?"
    )
    static let dueOfFlow = FixedStatement(
        """
        SELECT r.id FROM runs AS r INDEXED BY runs_due
        WHERE r.flow = ?1 AND r.status IN ('waiting', 'retrying') AND r.wakes_at IS NOT NULL AND r.wakes_at <= ?2
          AND NOT (\(laneIsBusy))
        ORDER BY r.wakes_at, r.id LIMIT ?3
        """
    )
    /// One step from flow to flow in the index, whatever stands between them.
    static let nextQueuedFlow = FixedStatement(
        "SELECT min(flow) FROM runs INDEXED BY runs_queue WHERE status = 'queued' AND held = 0 AND flow > ?"
    )
    static let queuedOfFlow = FixedStatement(
        """
        SELECT r.id FROM runs AS r INDEXED BY runs_queue
        WHERE r.flow = ?1 AND r.status = 'queued' AND r.held = 0 AND NOT (\(laneIsBusy)) ORDER BY r.id LIMIT ?3
        """
    )
    static let nextWakeOfFlow = FixedStatement(
        """
        SELECT min(wakes_at) FROM runs INDEXED BY runs_due
        WHERE \(hasMoment) AND flow = ? AND wakes_at > ? AND wakes_at <= ?
        """
    )

    func claimableRuns(
        epoch: Int64,
        now: Timestamp,
        limit: Int,
        order: ClaimOrder
    ) throws(StoreError) -> ClaimedRuns {
        let limit = max(0, limit)
        // What the last process was doing goes first.
        let left = try candidates(Self.leftRunning, limit: limit) {
            $0.bind(epoch)
        } now: {
            $0.bind(now)
        }
        var found: [RunRecord] = []
        for id in left { if let record = try readable(id) { found.append(record) } }
        var places = limit - found.count
        guard places > 0 else {
            found.sort { $0.id < $1.id }
            return ClaimedRuns(runs: found, isMoreWaiting: true)
        }
        var byFlow: [String: [RunID]] = [:]
        var isMoreWaiting = false
        for (query, flows) in [
            (Self.dueOfFlow, try flows(Self.nextFlowWithMoment)), (Self.queuedOfFlow, try flows(Self.nextQueuedFlow)),
        ] {
            for flow in flows {
                let share = order.share(of: flow, of: places)
                let waiting = try candidates(query, limit: share) {
                    $0.bind(flow)
                } now: {
                    $0.bind(now)
                }
                // Of a flow without a share nobody knows; its next place to be free is one to look again.
                if waiting.count == share { isMoreWaiting = true }
                byFlow[flow, default: []] += waiting
            }
        }
        for (flow, ids) in byFlow { byFlow[flow] = Array(ids.sorted().prefix(order.share(of: flow, of: places))) }
        var lastFlow: String?
        for id in order.choose(byFlow, places: places) {
            // A row that cannot be read must not keep the others from running.
            guard let record = try readable(id) else { continue }
            found.append(record)
            lastFlow = record.start.flow
            places -= 1
        }
        if places == 0 { isMoreWaiting = true }
        found.sort { $0.id < $1.id }
        return ClaimedRuns(runs: found, lastFlow: lastFlow, isMoreWaiting: isMoreWaiting)
    }

    private func candidates(
        _ query: FixedStatement,
        limit: Int,
        first bindFirst: (PreparedStatement) -> Void,
        now bindNow: (PreparedStatement) -> Void
    ) throws(StoreError) -> [RunID] {
        guard limit > 0 else { return [] }
        let statement = try prepared(query)
        bindFirst(statement)
        bindNow(statement)
        statement.bind(limit)
        return try all(statement) { row throws(StoreError) in RunID(try row.int(0)) }
    }

    /// The flows that `next` steps through.
    ///
    /// A name that is no text any more is passed over: its runs cannot be read, and must not keep the others from running.
    func flows(_ next: FixedStatement) throws(StoreError) -> [String] {
        var flows: [String] = []
        var last: [UInt8] = []
        while true {
            let statement = try prepared(next)
            statement.bindText(last)
            let found = try first(statement) { row throws(StoreError) in row.isNull(0) ? nil : try row.textBytes(0) }
            guard let name = found ?? nil else { return flows }
            if let flow = String(validating: name, as: UTF8.self) { flows.append(flow) }
            last = name
        }
    }

    private func readable(_ id: RunID) throws(StoreError) -> RunRecord? {
        do throws(StoreError) {
            let record = try readRun(id)
            claimed[id] = record
            return record
        } catch {
            guard error.code == .corrupt else { throw error }
            return nil
        }
    }

    func nextWakeTime(after now: Timestamp) throws(StoreError) -> Timestamp? {
        var earliest: Timestamp?
        for flow in try flows(Self.nextFlowWithMoment) {
            let statement = try prepared(Self.nextWakeOfFlow)
            statement.bind(flow)
            statement.bind(now)
            // A moment that is none, of a damaged row, must not hide the others.
            statement.bind(Timestamp.latest)
            let found = try first(statement) { row throws(StoreError) in try row.optionalTimestamp(0) }
            earliest = [earliest, found ?? nil].compactMap { $0 }.min()
        }
        return earliest
    }
}

// Places among the runs of one concurrency key
extension StoreSession {
    static let admitted = FixedStatement(
        """
        SELECT count(*) FROM (
            SELECT 1 FROM runs INDEXED BY runs_concurrency
            WHERE concurrency = ?1 AND held = 0 AND \(StatusCondition.isOpen) LIMIT ?2)
        """
    )
    static let admit = FixedStatement(
        """
        UPDATE runs SET held = 0 WHERE id IN (
            SELECT id FROM runs INDEXED BY runs_concurrency
            WHERE concurrency = ?1 AND held = 1 AND \(StatusCondition.isOpen)
              AND status = 'queued'
            ORDER BY id LIMIT ?2)
        """
    )
    private static let heldKeys = FixedStatement(
        """
        SELECT concurrency, min(flow) FROM runs INDEXED BY runs_concurrency
        WHERE concurrency IS NOT NULL AND held = 1 AND \(StatusCondition.isOpen)
        GROUP BY concurrency
        """
    )

    func admitRuns(of key: String, upTo limit: Int) throws(StoreError) -> Int {
        let count = try prepared(Self.admitted)
        count.bind(key)
        count.bind(limit)
        let taken = try first(count) { row throws(StoreError) in try row.count(0) } ?? 0
        guard taken < limit else { return 0 }
        claimed = [:]
        let statement = try prepared(Self.admit)
        statement.bind(key)
        statement.bind(limit - taken)
        return try execute(statement)
    }

    func heldConcurrencyKeys() throws(StoreError) -> [(key: String, flow: String)] {
        // Who holds one that cannot be read is passed over, as `flows` does.
        try all(try prepared(Self.heldKeys)) { row throws(StoreError) in
            let texts = (try row.textBytes(0), try row.textBytes(1))
            guard let key = String(validating: texts.0, as: UTF8.self),
                let flow = String(validating: texts.1, as: UTF8.self)
            else { return nil }
            return (key, flow)
        }.compactMap { (pair: (String, String)?) in pair }
    }
}
