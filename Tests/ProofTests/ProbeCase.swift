import Foundation

/// How one case ended: on disk, and outside.
struct ProbeCase: Equatable, CustomStringConvertible {
    var state: String
    var effects: [String]

    var description: String { state + effects.joined(separator: "\n") }

    /// Gives `body` a new folder and an empty simulator, and looks at both afterwards.
    static func run(_ lane: ProbeLane, _ body: (String) async throws -> Void) async throws -> ProbeCase {
        let folder = FileManager.default.temporaryDirectory.path + "/runnel-matrix-" + UUID().uuidString
        // A folder that cannot be removed is the machine's affair.
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try await lane.reset()
        try await body(folder)
        return ProbeCase(state: (try? lane.endState(folder)) ?? "no end", effects: try await lane.effects())
    }
}
