import Foundation

/// Measures the engine beside the raw limit of this machine's disk and library, in the same run.
///
/// `FlowBenchmark REPLAY [--seconds N] [--rounds N] [--json FILE] [--only flows|hooks|receiver|waiting|code|cold|soak] [--runs N]`:
/// `REPLAY` is the built `RawSQLite/replay.c`.
@main
struct FlowBenchmark {
    static func main() async throws {
        if CommandLine.arguments.dropFirst().first == "--stage" {
            return try await WaitingRuns.carryOut(Array(CommandLine.arguments.dropFirst(2)))
        }
        let options = try Options(Array(CommandLine.arguments.dropFirst()))
        let folder = NSTemporaryDirectory() + "runnel-flow-benchmark-\(getpid())"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        var report = Report(machine: Machine.description)
        report.isQuiet = Machine.waitForQuiet()
        if options.measures("flows") { try await flows(options, folder, &report) }
        if options.measures("hooks") { try await hooks(options, folder, &report) }
        if options.measures("waiting") {
            try WaitingRuns(folder: folder + "/waiting", runs: 100_000).measure(&report)
        }
        if options.measures("code") || options.measures("cold") { try await processes(options, folder, &report) }
        if options.only == "receiver" {
            return try await ReceiverLoad(folder: folder + "/receiver", events: options.runs).run()
        }
        if options.only == "soak" {
            try await Soak(folder: folder + "/soak", runs: options.runs).measure(&report)
        }
        report.print()
        if let path = options.json { try report.write(to: path) }
    }

    /// Limit and engine in turn, so that a slow minute of the machine slows both.
    private static func flows(_ options: Options, _ folder: String, _ report: inout Report) async throws {
        let limit = try await RawLimit(program: options.replay, folder: folder, flows: options.seconds * 2_560)
        for round in 0..<options.rounds {
            let machine = Machine()
            let raw = try limit.measure()
            report.add("raw SQLite, the same statements, groups of 100", raw.flowsPerSecond, "flows/s", machine)
            report.add("statements of a flow", raw.statementsPerFlow, "", machine)
            for concurrency in [1, 32, 256] {
                let machine = Machine()
                let result = try await EngineLoad.with(folder: "\(folder)/engine-\(round)-\(concurrency)") { load in
                    try await load.run(256, concurrency: 32)
                    return try await load.run(concurrency: concurrency, for: .seconds(options.seconds))
                }
                let name = "engine, \(concurrency) at once"
                let share = result.perSecond / raw.flowsPerSecond * 100
                report.add(name, result.perSecond, "flows/s", machine, concurrency == 1 ? nil : .atLeast(5_000))
                report.add("\(name): blocks", result.perSecond * 10, "blocks/s", machine)
                report.add("\(name): share of the limit", share, "%", machine, concurrency == 1 ? nil : .atLeast(25))
                report.add("\(name): p50", result.p50 * 1_000, "ms", machine, concurrency == 1 ? .atMost(1.5) : nil)
                report.add("\(name): p99", result.p99 * 1_000, "ms", machine)
                report.add("\(name): commits of a flow", result.commitsPerFlow, "", machine)
            }
            report.add("memory", Machine.residentMebibytes, "MiB", machine)
        }
    }

    /// What needs other programs: those who run code, and the whole server.
    private static func processes(_ options: Options, _ folder: String, _ report: inout Report) async throws {
        for round in 0..<options.rounds {
            if options.measures("code"), try await !CodeWork(folder: "\(folder)/code-\(round)").measure(&report) {
                return report.remarks.append("Custom Code was not measured: no runnel-code-worker beside this program")
            }
            if options.measures("cold"), try await !ColdStart(folder: "\(folder)/cold-\(round)").measure(&report) {
                return report.remarks.append("the cold start was not measured: no runnel beside this program")
            }
        }
    }

    private static func hooks(_ options: Options, _ folder: String, _ report: inout Report) async throws {
        guard let wrk = ["/usr/bin/wrk", "/usr/local/bin/wrk"].first(where: FileManager.default.fileExists) else {
            report.remarks.append("web hooks were not measured: wrk is not installed")
            return
        }
        for round in 0..<options.rounds {
            let machine = Machine()
            let load = HookLoad(
                folder: "\(folder)/hooks-\(round)",
                wrk: wrk,
                script: options.script,
                seconds: options.seconds,
                events: options.seconds * 50_000
            )
            let result = try await load.measure()
            report.add("web hooks, 64 connections", result.acceptedPerSecond, "events/s", machine, .atLeast(15_000))
            report.add("web hooks: refused", Double(result.refused), "", machine)
            report.add("web hooks: callback runs finished meanwhile", result.finishedPerSecond, "runs/s", machine)
            report.add("web hooks: p50", result.p50 * 1_000, "ms", machine)
            report.add("web hooks: p99", result.p99 * 1_000, "ms", machine)
            report.add(
                "web hooks: processor time of one, without the sender",
                result.processorTime * 1e6,
                "µs",
                machine
            )
        }
    }
}

/// What the command line asks for.
struct Options {
    var replay = ""
    var script = "Benchmarks/FlowBenchmark/requests.lua"
    var seconds = 4
    var rounds = 3
    var json: String?
    var only: String?
    /// Of a soak.
    var runs = 1_000_000

    init(_ words: [String]) throws {
        var words = words[...]
        while let word = words.popFirst() {
            switch word {
            case "--seconds": seconds = words.popFirst().flatMap { Int($0) } ?? seconds
            case "--rounds": rounds = words.popFirst().flatMap { Int($0) } ?? rounds
            case "--json": json = words.popFirst()
            case "--runs": runs = words.popFirst().flatMap { Int($0) } ?? runs
            case "--only": only = words.popFirst()
            default: replay = word
            }
        }
        guard !replay.isEmpty else { throw BenchmarkFailure("usage: FlowBenchmark REPLAY [--seconds N] [--rounds N]") }
    }

    func measures(_ section: String) -> Bool { only == nil || only == section }
}
