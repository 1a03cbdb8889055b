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
            table.add(method, "/healthz") { _, _ in try .json(["status": "ok"]) }
            table.add(method, "/readyz") { _, _ in
                guard engine.isReady else { throw Problem.notReady }
                return try .json(["status": "ready"])
            }
        }
        table.add(.get, "/metrics") { _, _ in
            Response(
                status: .ok,
                headers: [.contentType: "text/plain; version=0.0.4; charset=utf-8"],
                body: ResponseBody(byteBuffer: ByteBuffer(string: try await metrics()))
            )
        }
    }

    private func metrics() async throws -> String {
        let deliveries = try await engine.store.read { reader throws(StoreError) in try reader.deliveryCounts() }
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
