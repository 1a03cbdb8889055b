import Expressions
import FlowEngine

// Figures about runs, from indexes alone
extension StoreSession {
    private static let parked = FixedStatement(
        """
        SELECT status, count(*) FROM runs INDEXED BY runs_parked
        WHERE \(StatusCondition.isParked) GROUP BY status
        """
    )
    private static let running = FixedStatement(
        "SELECT count(*) FROM runs INDEXED BY runs_running WHERE status = 'running'"
    )
    private static let queued = FixedStatement(
        "SELECT count(*) FROM runs INDEXED BY runs_queue WHERE status = 'queued' AND held = 0"
    )
    private static let held = FixedStatement(
        """
        SELECT flow, count(*), min(created_at) FROM runs INDEXED BY runs_concurrency
        WHERE concurrency IS NOT NULL AND held = 1 AND \(StatusCondition.isOpen)
          AND status = 'queued' GROUP BY flow
        """
    )
    private static let oldest = FixedStatement(
        """
        SELECT created_at FROM runs INDEXED BY runs_queue
        WHERE flow = ? AND status = 'queued' AND held = 0 ORDER BY id LIMIT 1
        """
    )

    func runCounts() throws(StoreError) -> [RunStatus: Int] {
        let rows = try all(try prepared(Self.parked)) { row throws(StoreError) in
            (status: try row.word(0, RunStatus.self), count: try row.count(1))
        }
        var counts = Dictionary(rows.map { ($0.status, $0.count) }) { first, _ in first }
        counts[.running] = try count(Self.running)
        counts[.queued] = try count(Self.queued) + heldRuns().values.reduce(0) { $0 + $1.count }
        return counts
    }

    private func count(_ query: FixedStatement) throws(StoreError) -> Int {
        try first(try prepared(query)) { row throws(StoreError) in try row.count(0) } ?? 0
    }

    func oldestQueued() throws(StoreError) -> [String: Timestamp] {
        var oldest: [String: Timestamp] = [:]
        for flow in try flows(Self.nextQueuedFlow) {
            let statement = try prepared(Self.oldest)
            statement.bind(flow)
            oldest[flow] = try first(statement) { row throws(StoreError) in try row.timestamp(0) }
        }
        return oldest
    }

    func heldRuns() throws(StoreError) -> [String: HeldRuns] {
        let rows = try all(try prepared(Self.held)) { row throws(StoreError) in
            (flow: try row.text(0), held: HeldRuns(count: try row.count(1), since: try row.timestamp(2)))
        }
        return Dictionary(rows.map { ($0.flow, $0.held) }) { first, _ in first }
    }
}
