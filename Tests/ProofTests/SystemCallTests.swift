import CrashProbe
import Foundation
import Testing

// Goal: not only at our own points: a death at any write, sync or send of the operating system changes nothing.
// Method: `strace` kills the child at its N-th call, for N = 1, 2, 3 … until it makes fewer; another child goes on.
// The reference flow inserts a row and makes a Payment Intent at the simulator, whose first answers are lost.
@Suite(
    "System calls: killed at every N-th one",
    .serialized,
    .enabled(if: Strace.path != nil, "strace is not installed")
)
struct SystemCallTests {
    @Test("nothing is lost, nothing happens twice", arguments: ["pwrite64", "fdatasync", "sendto"])
    func everyCall(name: String) async throws {
        let kind = try #require(BlockKind.all.first { $0.name == "execute-connection-command" })
        try await ProbeLane.with { lane in
            let undisturbed = try await ProbeCase.run(lane) { folder in
                let outcome = try await lane.run(kind, in: folder)
                #expect(outcome == .survived)
            }
            var number = 1
            // Far enough apart in CI that it takes a minute: the first calls of the start are all tried.
            while true {
                var outcome = ProbeOutcome.broken
                let disturbed = try await ProbeCase.run(lane) { folder in
                    outcome = try await Strace.run(lane.order(kind, in: folder), call: name, number: number)
                    guard outcome == .killed else { return }
                    let second = try await lane.run(kind, in: folder, hour: 11)
                    #expect(second == .survived, "\(name) \(number)")
                }
                #expect(outcome != .broken && disturbed == undisturbed, "\(name) \(number)")
                guard outcome == .killed else { break }
                number += number < 8 ? 1 : ProofSize.of(11, large: 1)
            }
            #expect(number > (name == "sendto" ? 1 : 8), "\(name) was called too seldom")
        }
    }
}

enum Strace {
    static let path = ["/usr/bin/strace", "/usr/local/bin/strace"].first(where: FileManager.default.isExecutableFile)

    /// Runs a nursery of one child under `strace`.
    static func run(_ order: ProbeOrder, call: String, number: Int) async throws -> ProbeOutcome {
        guard let path else { return .broken }
        return try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread {
                continuation.resume(with: Result { try outcome(path, order, call, number) })
            }
        }
    }

    private static func outcome(_ path: String, _ order: ProbeOrder, _ call: String, _ number: Int) throws
        -> ProbeOutcome
    {
        let process = Process()
        process.executableURL = URL(filePath: path)
        process.arguments = [
            "-f", "-qq", "-o", "/dev/null", "-e", "trace=\(call)", "-e", "inject=\(call):signal=KILL:when=\(number)",
            URL(filePath: CommandLine.arguments[0]).resolvingSymlinksInPath().deletingLastPathComponent()
                .appending(path: "CrashProbe").path,
        ]
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
