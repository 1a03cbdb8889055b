import Expressions
import FlowEngine
import FlowLanguage
import Foundation
import Hummingbird
import HummingbirdTesting
import TestSupport
import Testing

@testable import FlowServer

@Suite("/metrics")
struct MetricsTests {
    private func scrape(_ client: any TestClientProtocol, _ accept: String) async throws -> String {
        let answer = try await client.executeRequest(
            uri: "/metrics",
            method: .get,
            headers: [.accept: accept],
            body: nil
        )
        #expect(answer.status == .ok)
        return String(buffer: answer.body)
    }

    @Test("a scrape counts runs, blocks, groups, repetitions and refusals")
    func figures() async throws {
        try await ServerWorld.run { world, client in
            for _ in 0..<2 {
                _ = try await client.json(
                    "/hooks/ticket",
                    .post,
                    headers: [.contentType: "application/json"],
                    body: #"{"id": "t-1"}"#
                )
            }
            let run = try #require(try await world.runs().first?.id)
            _ = try await world.engine.answer(of: run, timeLimit: .seconds(60))
            let text = try await scrape(client, "text/plain")
            for line in [
                #"runnel_deliveries_total{source="ticket",outcome="repeated"} 1"#,
                #"runnel_turns_total{status="succeeded"} 1"#,
                #"runnel_block_seconds_count{block="insert-record"} 1"#,
                #"runnel_block_seconds_bucket{block="insert-record",le="+Inf"} 1"#,
                #"runnel_refused_calls_total{reason="overloaded"} 0"#,
                #"runnel_runs_open{status="queued"} 0"#,
                "runnel_ready 1",
            ] { #expect(text.contains(line + "\n"), "\(line)") }
            let families = text.split(separator: "\n").filter { $0.hasPrefix("# TYPE ") }
                .map { String($0.split(separator: " ")[2]) }
            // Whoever draws or alarms goes by these names.
            #expect(
                Set(families) == [
                    "runnel_ready", "runnel_runs_open", "runnel_runs_held", "runnel_held_age_seconds",
                    "runnel_queue_age_seconds", "runnel_places_taken", "runnel_writer_waiting_jobs",
                    "runnel_turns_total", "runnel_retries_total", "runnel_block_seconds", "runnel_groups_total",
                    "runnel_group_jobs", "runnel_group_seconds", "runnel_deliveries_total",
                    "runnel_refused_calls_total", "runnel_http_requests_total",
                ]
            )
            #expect(Set(families).count == families.count)
            let groups = world.engine.counters.figures
            #expect(groups.groupSizes.count == groups.groups)
            #expect(groups.groupTimes.count >= groups.groups)
        }
    }

    @Test("runs that a flow's concurrency holds back are counted by flow, with the age of the oldest")
    func held() async throws {
        try await ServerWorld.run { world, client in
            let graph = try #require(world.engine.app.flows["slow"])
            let now = world.clock.now()
            try await world.engine.write { transaction throws(StoreError) in
                var start = RunStart(
                    flow: "slow",
                    version: graph.version,
                    origin: .webhook,
                    caller: .system,
                    mode: .test
                )
                start.concurrency = "slow"
                let first = try transaction.insertRun(start, at: now)
                _ = try transaction.admitRuns(of: "slow", upTo: 1)
                try transaction.updateRun(RunRecord(id: first, start: start, status: .paused, createdAt: now))
                for _ in 1...2 { _ = try transaction.insertRun(start, at: now) }
            }
            world.clock.advance(by: .seconds(90))
            let text = try await scrape(client, "text/plain")
            for line in [
                #"runnel_runs_held{flow="slow"} 2"#, #"runnel_held_age_seconds{flow="slow"} 90.0"#,
                #"runnel_runs_open{status="queued"} 2"#,
            ] { #expect(text.contains(line + "\n"), "\(line)") }
            #expect(!text.contains(#"runnel_queue_age_seconds{"#))
        }
    }

    @Test("a run that waits for a place has its age told by flow")
    func queued() async throws {
        try await ServerWorld.run { world, client in
            let graph = try #require(world.engine.app.flows["slow"])
            // Nobody takes it up, as a run before it in its lane does not end.
            let (now, epoch) = (world.clock.now(), world.engine.store.bootEpoch)
            try await world.engine.write { transaction throws(StoreError) in
                var start = RunStart(
                    flow: "slow",
                    version: graph.version,
                    origin: .webhook,
                    caller: .system,
                    mode: .test
                )
                start.lane = "payment:pi_1"
                let first = try transaction.insertRun(start, at: now)
                try transaction.updateRun(
                    RunRecord(id: first, start: start, status: .running, epoch: epoch, createdAt: now)
                )
                _ = try transaction.insertRun(start, at: now)
            }
            world.clock.advance(by: .seconds(90))
            let text = try await scrape(client, "text/plain")
            #expect(text.contains(#"runnel_queue_age_seconds{flow="slow"} 90.0"# + "\n"))
            #expect(text.contains(#"runnel_runs_open{status="queued"} 1"# + "\n"))
        }
    }

    @Test("a label's value cannot end the line or the label")
    func escaping() {
        var text = MetricsText(.openMetrics)
        text.family("a", .counter, "A.")
        text.sample([("flow", "x\"y\\z\nq")], 1)
        #expect(text.finished == "# HELP a A.\n# TYPE a counter\na_total{flow=\"x\\\"y\\\\z\\nq\"} 1\n# EOF\n")
    }

    @Test("a histogram's classes add up")
    func histogram() {
        var histogram = Histogram(bounds: [1, 2])
        for value in [0.5, 1, 1.5, 9] { histogram.add(value) }
        var text = MetricsText(.prometheus)
        text.family("h", .histogram, "H.")
        text.sample([], histogram)
        #expect(
            text.finished.split(separator: "\n").dropFirst(2) == [
                #"h_bucket{le="1.0"} 2"#, #"h_bucket{le="2.0"} 3"#, #"h_bucket{le="+Inf"} 4"#, "h_sum 12.0",
                "h_count 4",
            ]
        )
    }

    @Test("the official parsers of both formats take a scrape", .enabled(if: PrometheusClient.isHere))
    func officialParsers() async throws {
        try await ServerWorld.run { world, client in
            _ = try await client.json(
                "/hooks/ticket",
                .post,
                headers: [.contentType: "application/json"],
                body: #"{"id": "t-1"}"#
            )
            let run = try #require(try await world.runs().first?.id)
            _ = try await world.engine.answer(of: run, timeLimit: .seconds(60))
            let plain = try await scrape(client, "text/plain")
            let open = try await scrape(client, "application/openmetrics-text; version=1.0.0")
            #expect(try PrometheusClient.parse(plain, by: "prometheus_client.parser") >= 14)
            #expect(try PrometheusClient.parse(open, by: "prometheus_client.openmetrics.parser") >= 14)
            #expect(throws: PrometheusClient.Refusal.self) {
                try PrometheusClient.parse(open + "x", by: "prometheus_client.openmetrics.parser")
            }
        }
    }
}

/// The PyPI package `prometheus-client`, if there is one.
enum PrometheusClient {
    struct Refusal: Error {
        var output: String
    }

    static let isHere: Bool = (try? run("import prometheus_client.openmetrics.parser", input: "")) != nil

    /// - Returns: The number of families.
    static func parse(_ text: String, by parser: String) throws -> Int {
        let program = """
            import sys
            from \(parser) import text_string_to_metric_families as parse
            print(len(list(parse(sys.stdin.read()))))
            """
        return Int(try run(program, input: text).trimmingCharacters(in: .whitespacesAndNewlines)) ?? 0
    }

    private static func run(_ program: String, input: String) throws -> String {
        let (status, bytes) = try SpawnedProgram.run("python3", ["-c", program], input: Array(input.utf8))
        let output = String(decoding: bytes, as: UTF8.self)
        guard status == 0 else { throw Refusal(output: output) }
        return output
    }
}
