import Capsules
import Expressions
import FlowEngine
import FlowLanguage
import Foundation
import Testing

/// Capsules that earlier versions wrote: each version after them replays them to the last byte.
@Suite("Capsules of earlier versions")
struct RegressionTests {
    private static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Regression")
    /// Names a folder into which the capsules of today are written, for a new block or a new format.
    private static let variable = "RUNNEL_WRITE_CAPSULES"

    private static func files() throws -> [URL] {
        try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
            .filter { $0.pathExtension == "capsule" }
            .sorted { $0.path < $1.path }
    }

    @Test("replay as they ran")
    func replay() throws {
        for file in try Self.files() {
            let bytes = Array(try Data(contentsOf: file))
            let capsule = try CapsuleText.decode(bytes)
            #expect(capsule.header.limitation == nil)
            let verdict = try CapsuleReplay().replay(capsule)
            #expect(verdict.divergence == nil, "\(file.lastPathComponent): \(verdict.divergence?.summary ?? "")")
            #expect(CapsuleText.encode(capsule) == bytes, "\(file.lastPathComponent)")
        }
    }

    private static func capsules() throws -> [Capsule] {
        try files().map { try CapsuleText.decode(Array(try Data(contentsOf: $0))) }
    }

    @Test("every block that the language has is among them")
    func kinds() throws {
        let kinds = try Self.capsules().reduce(into: Set<String>()) { $0.formUnion($1.blocks) }
        let missing = Set(BlockAction.words).subtracting(kinds).sorted()
        #expect(missing.isEmpty, "play a flow with \(missing) in Workshop/ and write its capsule: see `write` below")
    }

    @Test("so are further attempts, waits, time limits, skipped blocks, events, sub-runs, and every way to start a run")
    func ways() throws {
        let runs = try Self.capsules().flatMap(\.history.runs)
        let entries = runs.flatMap(\.entries)
        let steps = entries.flatMap(\.trace) + runs.flatMap(\.record.trace)
        #expect(entries.contains { $0.address.attempt > 1 })
        #expect(entries.contains { $0.address.visit > 1 })
        #expect(entries.contains { $0.failure?.code == "timeout" })
        #expect(entries.contains { $0.block == "wait" && $0.output["data"] != nil })
        #expect(entries.contains { $0.block == "transaction" && $0.status == .failed })
        #expect(steps.contains { $0.result == .skipped })
        #expect(Set(runs.map(\.record.start.origin)) == Set(RunOrigin.allCases))
        #expect(Set(runs.map(\.record.status)).isSuperset(of: [.succeeded, .failed]))
    }

    /// Adds the runs of today; what earlier versions wrote stays, since it must replay for ever.
    @Test("are written anew when asked for", .enabled(if: ProcessInfo.processInfo.environment[variable] != nil))
    func write() async throws {
        let target = URL(filePath: try #require(ProcessInfo.processInfo.environment[Self.variable]))
        var ways: Set<[String]> = []
        var counts: [String: Int] = [:]
        for (_, capsule) in try await RecordedApp.workshop.capsules() where ways.insert(capsule.way).inserted {
            let flow = capsule.run.record.start.flow
            counts[flow, default: 0] += 1
            let name = "\(flow)-\(counts[flow, default: 1]).capsule"
            try Data(CapsuleText.encode(capsule)).write(to: target.appending(path: name))
        }
    }
}
