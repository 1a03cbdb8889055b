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
        table.add(.get, "/metrics", access: .anyone) { _, _ in
            Response(
                status: .ok,
                headers: [.contentType: "text/plain; version=0.0.4; charset=utf-8"],
                body: ResponseBody(byteBuffer: ByteBuffer(string: try await metrics()))
            )
        }
    }

    /// Runs under way are few; beyond this many the figures stop growing, so that a scrape stays cheap.
    private static let countedRuns = 1_000

    private func metrics() async throws -> String {
        let open = Set(RunStatus.allCases.filter { !$0.isFinal })
        let (deliveries, runs) = try await engine.store.read { reader throws(StoreError) in
            (
                try reader.deliveryCounts(),
                try reader.runs(matching: RunFilter(statuses: open, limit: Self.countedRuns)).map(\.status)
            )
        }
        let figures = engine.counters.figures
        var text = MetricsText()
        text.family("runnel_ready", .gauge, "Whether the engine takes work.")
        text.sample([], engine.isReady ? 1 : 0)
        text.family("runnel_http_requests_total", .counter, "Requests answered since the start.")
        for (key, count) in counts.all {
            text.sample([("route", key.route), ("method", key.method), ("status", String(key.status))], count)
        }
        text.family("runnel_deliveries_total", .counter, "Events taken in and repetitions of them, ever.")
        for (source, counts) in deliveries.sorted(by: { $0.key < $1.key }) {
            text.sample([("source", source), ("outcome", "accepted")], counts.accepted)
            text.sample([("source", source), ("outcome", "repeated")], counts.repeated)
        }
        text.family("runnel_runs_open", .gauge, "Runs that are not final, by status; \(Self.countedRuns) at most.")
        for status in RunStatus.allCases where open.contains(status) {
            text.sample([("status", status.rawValue)], runs.count { $0 == status })
        }
        text.family("runnel_turns_total", .counter, "Turns of runs since the start, by the status they led to.")
        for status in RunStatus.allCases {
            text.sample([("status", status.rawValue)], figures.turns[status, default: 0])
        }
        text.family("runnel_groups_total", .counter, "Commits of the store since the start.")
        text.sample([("outcome", "committed")], figures.groups)
        text.sample([("outcome", "failed")], figures.failedGroups)
        return text.text
    }
}

/// Builds the text format of Prometheus.
struct MetricsText {
    enum Kind: String { case counter, gauge }

    private(set) var text = ""
    private var name = ""

    mutating func family(_ name: String, _ kind: Kind, _ help: String) {
        self.name = name
        text += "# HELP \(name) \(help)\n# TYPE \(name) \(kind.rawValue)\n"
    }

    mutating func sample(_ labels: [(name: String, value: String)], _ value: Int) {
        let list = labels.map { "\($0.name)=\"\(Self.escaped($0.value))\"" }.joined(separator: ",")
        text += list.isEmpty ? "\(name) \(value)\n" : "\(name){\(list)} \(value)\n"
    }

    private static func escaped(_ value: String) -> String {
        var text = ""
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\\": text += "\\\\"
            case "\"": text += "\\\""
            case "\n": text += "\\n"
            default: text.unicodeScalars.append(scalar)
            }
        }
        return text
    }
}
