import Expressions
import FlowEngine
import FlowStores
import Foundation

/// Many runs that wait: what they cost in memory, how fast a process starts with them, and whether each goes on.
///
/// Each stage is a process of its own, so that no stage is measured with what another one left in memory.
struct WaitingRuns {
    enum Stage: String {
        /// Starts runs until all of them wait.
        case park
        /// Starts with them, does another flow, and ends.
        case hold
        /// Starts when all of them are due, and ends when all are over.
        case resume
    }

    let folder: String
    let runs: Int

    func measure(_ report: inout Report) throws {
        let machine = Machine()
        let parked = try child(.park)
        report.add("waiting runs: to wait", Double(runs) / parked[0], "runs/s", machine)
        let held = try child(.hold)
        report.add("waiting runs: start with \(runs)", held[0], "s", machine, .atMost(2))
        report.add("waiting runs: memory with \(runs)", held[1], "MiB", machine, .atMost(200))
        let resumed = try child(.resume)
        report.add("waiting runs: each resumed", resumed[2], "runs", machine, .atLeast(Double(runs)))
        report.add("waiting runs: resumed", Double(runs) / resumed[0], "runs/s", machine)
        report.add("waiting runs: memory while all resume", resumed[1], "MiB", machine)
    }

    private func child(_ stage: Stage) throws -> [Double] {
        // Absolute, as `/proc/self/exe` of a child is the child's own.
        let own = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        let words = ["--stage", stage.rawValue, folder, String(runs), String(Machine.monotonicSeconds)]
        let output = try ChildProgram.output(own, words)
        let figures = output.split(whereSeparator: \.isWhitespace).compactMap { Double($0) }
        guard figures.count == 3 else { throw BenchmarkFailure("the stage \(stage) gave no figures: \(output)") }
        return figures
    }

    // MARK: In the child

    /// Carries a stage out and prints: seconds, resident MiB, runs that are where they should be.
    static func carryOut(_ words: [String]) async throws {
        guard words.count == 4, let stage = Stage(rawValue: words[0]), let runs = Int(words[2]),
            let begin = Double(words[3])
        else { throw BenchmarkFailure("--stage STAGE FOLDER RUNS BEGIN") }
        let clock = ShiftedClock(shift: stage == .resume ? .seconds(7_200) : .zero)
        let figures = try await EngineLoad.with(folder: words[1], clock: clock) { load in
            switch stage {
            case .park: try await park(runs, load, since: begin)
            case .hold: try await hold(load, since: begin)
            case .resume: try await resume(runs, load, since: begin)
            }
        }
        print(figures.map { String($0) }.joined(separator: " "))
    }

    private static func park(_ runs: Int, _ load: EngineLoad, since begin: Double) async throws -> [Double] {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for caller in 0..<100 {
                group.addTask {
                    for number in 0..<(runs / 100) {
                        _ = try await load.engine.start(
                            "parked",
                            input: ["order": .int(Int64(caller * runs + number))],
                            trigger: .null,
                            origin: .manual,
                            caller: .system
                        )
                    }
                }
            }
            try await group.waitForAll()
        }
        var waiting = 0
        var last: UInt64 = 0
        while waiting < runs {
            last = await load.engine.commits.next(after: last)
            waiting = try await count(.waiting, load)
        }
        return [Machine.monotonicSeconds - begin, Machine.residentMebibytes, Double(waiting)]
    }

    private static func hold(_ load: EngineLoad, since begin: Double) async throws -> [Double] {
        try await load.run(1, concurrency: 1)
        let seconds = Machine.monotonicSeconds - begin
        // What every page and scrape reads must not bring the waiting ones into memory either.
        let waiting = try await count(.waiting, load)
        try await load.run(2_560, concurrency: 32)
        return [seconds, Machine.residentMebibytes, Double(waiting)]
    }

    private static func resume(_ runs: Int, _ load: EngineLoad, since begin: Double) async throws -> [Double] {
        var last: UInt64 = 0
        var memory = 0.0
        while load.engine.counters.figures.turns[.succeeded, default: 0] < runs {
            last = await load.engine.commits.next(after: last)
            // The signal comes before the runs of its group are counted: behind the last one another has to come.
            if load.engine.counters.figures.turns[.succeeded, default: 0] + 1_000 > runs {
                try await load.engine.write { _ throws(StoreError) in }
            }
            if last.isMultiple(of: 64) { memory = max(memory, Machine.residentMebibytes) }
        }
        let seconds = Machine.monotonicSeconds - begin
        let succeeded = try await load.store.read { reader throws(StoreError) in
            try reader.find(
                RecordQuery(table: "orders", where: [.init("email", equals: "parked@example.com")], limit: .max)
            )
            .count
        }
        return [seconds, memory, Double(succeeded)]
    }

    private static func count(_ status: RunStatus, _ load: EngineLoad) async throws -> Int {
        try await load.store.read { reader throws(StoreError) in try reader.runCounts()[status, default: 0] }
    }
}
