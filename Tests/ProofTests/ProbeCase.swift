import Foundation

/// How one case ended: on disk, and outside.
struct ProbeCase: Equatable, CustomStringConvertible {
    var state: String
    var effects: [String]

    var description: String { state + effects.joined(separator: "\n") }

    /// Gives `body` a new folder, or a copy of `warm`, and an empty simulator, and looks at both afterwards.
    static func run(
        _ lane: ProbeLane,
        warm: String? = nil,
        _ body: (String) async throws -> Void
    ) async throws -> ProbeCase {
        let folder = newFolder()
        if let warm { try FileManager.default.copyItem(atPath: warm, toPath: folder) }
        // A folder that cannot be removed is the machine's affair.
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try await lane.reset()
        try await body(folder)
        return ProbeCase(state: (try? lane.endState(folder)) ?? "no end", effects: try await lane.effects())
    }

    /// A path at which nothing stands yet.
    static func newFolder() -> String {
        FileManager.default.temporaryDirectory.path + "/runnel-matrix-" + UUID().uuidString
    }
}
