import CrashProbe
import Foundation
import Testing

// Goal: not only at our own points: a death at any write, sync or send of the operating system changes nothing.
// Method: `strace` kills the child at its N-th call, for N from 1 until it makes fewer; another child goes on and tells
// how far the first one came. `strace` counts by thread, and the child writes on one alone. Each begins with a folder that
// was opened before, so that the calls are those of the flow, not of making the tables.
// The reference flow inserts a row and makes a Payment Intent at the simulator, whose first answers are lost.
@Suite(
    "System calls: killed at every N-th one",
    .serialized,
    .enabled(if: Strace.path != nil, "strace is not installed")
)
struct SystemCallTests {
    /// Kills of a call in CI, spread over the whole run; a soak tries each call.
    private static let kills = 24

    @Test("nothing is lost, nothing happens twice", arguments: ["pwrite64", "fdatasync", "sendto"])
    func everyCall(name: String) async throws {
        let kind = try #require(BlockKind.all.first { $0.name == "execute-connection-command" })
        try await ProbeLane.with { lane in
            let warm = try await Self.warmFolder(kind, lane)
            defer { try? FileManager.default.removeItem(atPath: warm) }
            var counts: [Int] = []
            let undisturbed = try await ProbeCase.run(lane, warm: warm) { folder in
                counts = try await Strace.callsByThread(lane.order(kind, in: folder), call: name)
            }
            let total = counts.max() ?? 0
            // Sends are those of the thread that carries every transfer; who wakes it sends a byte as well.
            let isOneThread = counts.count == 1 || name == "sendto"
            #expect(isOneThread, "\(name) is called by several threads: \(counts)")
            let step = ProofSize.of(max(1, total / Self.kills), large: 1)
            var number = 1
            var stages: Set<Int> = []
            while true {
                var outcome = ProbeOutcome.broken
                let disturbed = try await ProbeCase.run(lane, warm: warm) { folder in
                    let order = lane.order(kind, in: folder)
                    outcome = try await Strace.run(order, call: name, number: number)
                    guard outcome == .killed else { return }
                    let second = try await lane.run(kind, in: folder, hour: 11)
                    #expect(second == .survived, "\(name) \(number)")
                    stages.insert(try #require(try lane.runsFound(order)))
                }
                #expect(outcome != .broken && disturbed == undisturbed, "\(name) \(number)")
                guard outcome == .killed else { break }
                number += step
            }
            // Groups that happen to meet make it a little fewer than before.
            #expect(number > total * 9 / 10, "\(name) was called \(number) times instead of \(total)")
            // One run a call, one by hand; nothing is sent before the first.
            #expect(stages == Set((name == "sendto" ? 1 : 0)...ProbeRun.calls + 1), "\(name)")
        }
    }

    /// A folder in which the flow has not run yet, and whose tables are in the database already.
    private static func warmFolder(_ kind: BlockKind, _ lane: ProbeLane) async throws -> String {
        let folder = ProbeCase.newFolder()
        // The second one copies the log that the first left.
        for _ in 1...2 {
            let outcome = try await lane.run(kind, in: folder, failpoint: "ingest-before-commit:1:kill")
            try #require(outcome == .killed)
        }
        return folder
    }
}

enum Strace {
    static let path = ["/usr/bin/strace", "/usr/local/bin/strace"].first(where: FileManager.default.isExecutableFile)

    /// Runs a nursery of one child, which is killed at the `number`-th call that one of its threads makes.
    static func run(_ order: ProbeOrder, call: String, number: Int) async throws -> ProbeOutcome {
        try await outcome(
            of: order,
            ["-o", "/dev/null", "-e", "inject=\(call):signal=KILL:when=\(number)"],
            call: call
        )
    }

    /// Runs a nursery of one child that nobody disturbs; tells how often each of its threads made the call.
    static func callsByThread(_ order: ProbeOrder, call: String) async throws -> [Int] {
        let file = order.folder + "/trace.txt"
        let outcome = try await outcome(of: order, ["-o", file], call: call)
        #expect(outcome == .survived)
        // "4711 pwrite64(3, …"; one that another thread's line interrupted has a second line.
        let lines = try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n")
        let threads = lines.filter { $0.contains("\(call)(") }.compactMap { $0.split(separator: " ").first }
        return Dictionary(grouping: threads) { $0 }.values.map(\.count)
    }

    private static func outcome(
        of order: ProbeOrder,
        _ options: [String],
        call: String
    ) async throws -> ProbeOutcome {
        guard let path else { return .broken }
        return try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread {
                continuation.resume(
                    with: Result { try carryOut(path, order, ["-f", "-qq", "-e", "trace=\(call)"] + options) }
                )
            }
        }
    }

    private static func carryOut(_ path: String, _ order: ProbeOrder, _ options: [String]) throws -> ProbeOutcome {
        let process = Process()
        process.executableURL = URL(filePath: path)
        let probe = URL(filePath: CommandLine.arguments[0]).resolvingSymlinksInPath().deletingLastPathComponent()
            .appending(path: "CrashProbe").path
        process.arguments = options + [probe]
        let (orders, outcomes) = (Pipe(), Pipe())
        process.standardInput = orders
        process.standardOutput = outcomes
        try process.run()
        try orders.fileHandleForWriting.write(contentsOf: Data((order.line + "\n").utf8))
        try orders.fileHandleForWriting.close()
        let data = outcomes.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        let text = String(decoding: data, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
        return ProbeOutcome(rawValue: text) ?? .broken
    }
}
