import CrashProbe
import FlowEngine
import Foundation
import Testing

// Goal: what may happen once only never happens twice, and nobody says that it happened when it did not.
// Method: six runs with a request of `effect: once`, the first two of which lose their answer. The child is killed at the
// n-th passage through each failpoint, another one goes on; effects are counted by run at the simulator.
@Suite("At most once, under kills")
struct AtMostOnceTests {
    private static let runs = ProbeRun.calls + 1

    @Test("a run has one effect at most, none succeeds without, and who does not know says so")
    func kills() async throws {
        try await ProbeLane.with { lane in
            let undisturbed = try await Self.outcome(lane, failpoint: nil)
            #expect(undisturbed.unknown == 2 && undisturbed.effects == Self.runs)
            var kills: [Failpoint: Int] = [:]
            var mostUnknown = 0
            for point in Failpoint.allCases {
                for passage in 1...ProofSize.of(4, large: 100) {
                    let one = try await Self.outcome(lane, failpoint: "\(point.rawValue):\(passage):kill")
                    guard one.wasKilled else { break }
                    kills[point, default: 0] += 1
                    mostUnknown = max(mostUnknown, one.unknown)
                }
            }
            for point in Failpoint.allCases {
                // Nothing is attempted again, and nobody waits.
                let isPassed =
                    BlockKind.once.reason(against: point) == nil
                    && ![.retryBeforeCommit, .retryAfterCommit, .timerBefore].contains(point)
                #expect((kills[point] ?? 0 > 0) == isPassed, "\(point.rawValue)")
            }
            #expect(mostUnknown == 3, "a death between sending and receiving leaves one more to a person")
        }
    }

    private struct Outcome {
        var wasKilled = false
        var unknown = 0
        var effects = 0
    }

    /// One case, of which everything that must hold in each is checked.
    private static func outcome(_ lane: ProbeLane, failpoint: String?) async throws -> Outcome {
        let place = Comment(rawValue: failpoint ?? "undisturbed")
        var result = Outcome()
        let end = try await ProbeCase.run(lane) { folder in
            var last = try await lane.run(.once, in: folder, failpoint: failpoint)
            result.wasKilled = last == .killed
            if result.wasKilled { last = try await lane.run(.once, in: folder, hour: 11) }
            #expect(last == .survived, place)
        }
        var statuses: [String: String] = [:]
        for line in end.state.split(separator: "\n") {
            let words = line.split(separator: " ").map(String.init)
            guard words.count > 6, words[0] == "run", words[2] == BlockKind.once.name else { continue }
            statuses[words[1]] = words[6]
        }
        var effects: [String: Int] = [:]
        for effect in end.effects {
            let intent = try JSONSerialization.jsonObject(with: Data(effect.utf8)) as? [String: Any]
            let run = try #require((intent?["metadata"] as? [String: String])?["run"], place)
            effects[run, default: 0] += 1
        }
        #expect(statuses.count == runs && Set(statuses.values).isSubset(of: ["succeeded", "outcome-unknown"]), place)
        #expect(Set(effects.keys).isSubset(of: statuses.keys) && effects.values.allSatisfy { $0 == 1 }, place)
        for (run, status) in statuses where status == "succeeded" { #expect(effects[run] == 1, place) }
        result.unknown = statuses.values.count { $0 == "outcome-unknown" }
        result.effects = effects.count
        return result
    }
}
