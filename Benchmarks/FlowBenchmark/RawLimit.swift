import FlowStores
import Foundation

/// The raw limit: the engine's own statements for a stretch of flows, repeated by a C program.
struct RawLimit {
    struct Result {
        var flowsPerSecond: Double
        var statementsPerFlow: Double
    }

    let program: String
    private let folder: String
    private var recording: String { folder + "/recording" }
    private var snapshot: String { folder + "/snapshot.sqlite" }

    /// Records `flows` flows of an engine on a store of its own.
    init(program: String, folder: String, flows: Int) async throws {
        self.program = program
        self.folder = folder
        let statements = StatementRecording()
        let snapshot = folder + "/snapshot.sqlite"
        let recording = folder + "/recording"
        try await EngineLoad.with(folder: folder + "/recorded", trace: statements.trace) { load in
            try await load.run(2_560, concurrency: 256)
            try await load.store.backUp(to: snapshot)
            statements.start()
            try await load.run(flows, concurrency: 256)
            _ = try statements.finish(to: recording)
        }
    }

    /// Repeats the recording on a fresh copy of the store.
    func measure() throws -> Result {
        let copy = folder + "/copy.sqlite"
        for suffix in ["", "-wal", "-shm"] { try? FileManager.default.removeItem(atPath: copy + suffix) }
        try FileManager.default.copyItem(atPath: snapshot, toPath: copy)
        let figures = try ChildProgram.output(program, [recording, copy]).split(separator: " ").compactMap {
            Double($0.trimmingCharacters(in: .whitespacesAndNewlines))
        }
        guard figures.count == 3, figures[0] > 0, figures[1] > 0 else {
            throw BenchmarkFailure("no figures of the limit")
        }
        return Result(flowsPerSecond: figures[0] / figures[1], statementsPerFlow: figures[2] / figures[0])
    }
}
