import Capsules
import FlowEngine
import Foundation

/// Replays one capsule again and again on two threads: read, verified, run, compared. Its limit is a replay every 4 ms
/// of a core, which are 500 a second on two.
@main
enum ReplayBenchmark {
    private static let length = Duration.seconds(3)

    static func main() async throws {
        let path = CommandLine.arguments.dropFirst().first ?? "Benchmarks/ReplayBenchmark/payment-callback.capsule"
        guard let data = FileManager.default.contents(atPath: path) else {
            print("there is no capsule \(path)")
            exit(2)
        }
        let bytes = Array(data)
        let first = try CapsuleReplay().replay(CapsuleText.decode(bytes))
        guard first.divergence == nil else {
            print("the capsule differs: \(first.divergence?.summary ?? "")")
            exit(1)
        }
        let start = ContinuousClock.now
        let counts = try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 1...2 {
                group.addTask {
                    let replay = CapsuleReplay()
                    var count = 0
                    while ContinuousClock.now - start < length {
                        _ = try replay.replay(CapsuleText.decode(bytes))
                        count += 1
                    }
                    return count
                }
            }
            var total = 0
            for try await count in group { total += count }
            return total
        }
        let elapsed = ContinuousClock.now - start
        let rate = Double(counts) / (Double(elapsed.components.seconds) + Double(elapsed.components.attoseconds) / 1e18)
        print("replays of \(bytes.count) bytes, \(first.blocks) entries: \(Int(rate)) a second on two threads (limit 500)")
    }
}
