import Expressions
import FlowEngine
import HTTPTypes
import Hummingbird
import NIOCore

/// `/healthz` (the process answers), `/readyz` (the engine takes work), `/metrics` (Prometheus text; counts only).
struct HealthRoutes: Sendable {
    let engine: Engine
    let counts: RequestCounts

    func add(to table: inout RouteTable) {
        for method in [HTTPRequest.Method.get, .head] {
            table.add(method, "/healthz", access: .anyone) { _, _ in try .json(["status": "ok"]) }
            table.add(method, "/readyz", access: .anyone) { _, _ in
                guard engine.isReady else { throw Problem.notReady }
                return try .json(["status": "ready"])
            }
        }
        table.add(.get, "/metrics", access: .anyone) { request, _ in
            let format = MetricsFormat(accepting: request.headers[.accept] ?? "")
            return Response(
                status: .ok,
                headers: [.contentType: format.contentType],
                body: ResponseBody(byteBuffer: ByteBuffer(string: try await metrics(format)))
            )
        }
    }

    private func metrics(_ format: MetricsFormat) async throws -> String {
        let (deliveries, runs, oldest, held) = try await engine.store.read { reader throws(StoreError) in
            (try reader.deliveryCounts(), try reader.runCounts(), try reader.oldestQueued(), try reader.heldRuns())
        }
        var text = MetricsText(format)
        text.gauge("runnel_ready", "Whether the engine takes work.", engine.isReady ? 1 : 0)
        text.family("runnel_http_requests", .counter, "Requests answered since the start.")
        for (key, count) in counts.all {
            text.sample([("route", key.route), ("method", key.method), ("status", String(key.status))], count)
        }
        text.family("runnel_deliveries", .counter, "Events taken in and repetitions of them, ever.")
        for (source, counts) in deliveries.sorted(by: { $0.key < $1.key }) {
            text.sample([("source", source), ("outcome", "accepted")], counts.accepted)
            text.sample([("source", source), ("outcome", "repeated")], counts.repeated)
        }
        text.family("runnel_runs_open", .gauge, "Runs that are not final, by status.")
        for status in RunStatus.allCases where !status.isFinal {
            text.sample([("status", status.rawValue)], runs[status, default: 0])
        }
        addQueues(oldest, held, to: &text)
        addEngine(to: &text)
        return text.finished
    }

    private func addQueues(
        _ oldest: [String: Timestamp],
        _ held: [String: HeldRuns],
        to text: inout MetricsText
    ) {
        let now = engine.clock.now()
        func age(_ since: Timestamp) -> Double { Double(max(0, now.microseconds - since.microseconds)) / 1e6 }
        text.family(
            "runnel_queue_age_seconds",
            .gauge,
            "How long the oldest queued run of each flow has waited; runs held back by concurrency are left out."
        )
        for (flow, since) in oldest.sorted(by: { $0.key < $1.key }) { text.sample([("flow", flow)], age(since)) }
        let held = held.sorted { $0.key < $1.key }
        text.family("runnel_runs_held", .gauge, "Queued runs of each flow that its concurrency holds back.")
        for (flow, runs) in held { text.sample([("flow", flow)], runs.count) }
        text.family(
            "runnel_held_age_seconds",
            .gauge,
            "How long the oldest run of each flow that its concurrency holds back has waited."
        )
        for (flow, runs) in held { text.sample([("flow", flow)], age(runs.since)) }
    }

    private func addEngine(to text: inout MetricsText) {
        let figures = engine.counters.figures
        text.gauge("runnel_places_taken", "Runs in memory.", engine.takenPlaces)
        text.gauge("runnel_writer_waiting_jobs", "Jobs that wait for the writer.", engine.waitingJobs)
        text.family("runnel_turns", .counter, "Turns of runs since the start, by the status they led to.")
        for status in RunStatus.allCases {
            text.sample([("status", status.rawValue)], figures.turns[status, default: 0])
        }
        text.family("runnel_retries", .counter, "Turns that ended with another try to come.")
        text.sample([], figures.turns[.retrying, default: 0])
        text.family("runnel_refused_calls", .counter, "Calls refused before anything happened, by reason.")
        for reason in EngineCounters.Refusal.allCases {
            text.sample([("reason", reason.rawValue)], figures.refusals[reason, default: 0])
        }
        text.family("runnel_groups", .counter, "Commits of the store since the start.")
        text.sample([("outcome", "committed")], figures.groups)
        text.sample([("outcome", "failed")], figures.failedGroups)
        text.family("runnel_group_jobs", .histogram, "Jobs in a committed group.")
        text.sample([], figures.groupSizes)
        text.family("runnel_group_seconds", .histogram, "From a group's begin to its being on disk.")
        text.sample([], figures.groupTimes)
        text.family("runnel_block_seconds", .histogram, "From a block's beginning to its recorded end.")
        for (block, times) in figures.blockTimes.sorted(by: { $0.key < $1.key }) {
            text.sample([("block", block)], times)
        }
    }
}
