import Capsules
import FlowEngine
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

    @Test("every kind of block is among them")
    func kinds() throws {
        var kinds: Set<String> = []
        for file in try Self.files() {
            for run in try CapsuleText.decode(Array(try Data(contentsOf: file))).history.runs {
                for entry in run.entries { kinds.formUnion([entry.block] + entry.trace.map(\.block)) }
                kinds.formUnion(run.record.trace.map(\.block))
            }
        }
        let expected: Set = [
            "insert-record", "set-variables", "update-record", "upsert-record", "conditional-branch", "log",
            "find-records", "for-each", "find-record", "transaction", "try", "fail", "delete-record", "run-flow",
            "http-request", "parallel", "wait",
        ]
        #expect(expected.subtracting(kinds).isEmpty, "\(expected.subtracting(kinds).sorted())")
    }

    @Test("are written anew when asked for", .enabled(if: ProcessInfo.processInfo.environment[variable] != nil))
    func write() async throws {
        let target = URL(filePath: try #require(ProcessInfo.processInfo.environment[Self.variable]))
        for capsule in try await CapsuleWorld.capsules(CapsuleWorld.calls.prefix(4) + CapsuleWorld.branchCalls) {
            let name = "\(capsule.run.record.start.flow).capsule"
            try Data(CapsuleText.encode(capsule)).write(to: target.appending(path: name))
        }
    }
}
