import ArgumentParser
import Capsules
import CustomCode
import FlowEngine
import FlowLanguage
import Foundation

/// Replays the runs of files, on all cores, and tells what became of each in their order.
struct ReplayCheck: Sendable {
    /// What is to be told of one file.
    struct Report: Sendable {
        var text: String?
        /// Nil: the same.
        var code: ExitCode?
    }

    /// Another app to replay on; nil: the capsules' own.
    var other: App?
    /// Tells of differences alone.
    var isQuiet: Bool

    /// Files that one core replays before their outcomes are told.
    private static let batch = 32

    func run(_ files: [String], _ tell: (Report) -> Void) async {
        // One for each core: each keeps the tables of its last app.
        let replays = (0..<ProcessInfo.processInfo.activeProcessorCount).map { _ in CapsuleReplay() }
        var rest = files[...]
        while !rest.isEmpty {
            let batch = Array(rest.prefix(replays.count * Self.batch))
            rest = rest.dropFirst(batch.count)
            for report in await reports(on: batch, replays) { tell(report) }
        }
    }

    private func reports(on files: [String], _ replays: [CapsuleReplay]) async -> [Report] {
        await withTaskGroup(of: [(Int, Report)].self) { group in
            for (place, replay) in replays.enumerated() {
                group.addTask {
                    var reports: [(Int, Report)] = []
                    for number in stride(from: place, to: files.count, by: replays.count) {
                        reports.append((number, await report(on: files[number], replay)))
                    }
                    return reports
                }
            }
            var reports: [(Int, Report)] = []
            for await some in group { reports += some }
            return reports.sorted { $0.0 < $1.0 }.map(\.1)
        }
    }

    private func report(on file: String, _ replay: CapsuleReplay) async -> Report {
        do {
            let capsule = try CapsuleFile.read(file)
            if let other {
                let comparison = try await Self.compare(capsule, replay, with: other)
                let isSame = comparison.divergence == nil
                let text = isSame && isQuiet ? nil : DivergenceView.text(of: comparison, file: file)
                return Report(text: text, code: isSame ? nil : Exit.failed)
            }
            let verdict = try await Self.verdict(on: capsule, replay)
            guard let divergence = verdict.divergence else {
                let given = verdict.given == 0 ? "" : ", \(verdict.given) taken as recorded"
                let entries = verdict.blocks == 1 ? "1 entry" : "\(verdict.blocks) entries"
                return Report(text: isQuiet ? nil : "\(file): the same, \(entries)\(given)")
            }
            return Report(text: DivergenceView(divergence).text(file: file), code: Exit.failed)
        } catch let refusal as CapsuleFile.Refusal {
            return Report(text: "\(refusal.place): cannot be compared: \(refusal.reason)", code: Exit.unable)
        } catch {
            return Report(text: "\(file): cannot be compared: \(error)", code: Exit.unable)
        }
    }

    // MARK: Code

    static func verdict(
        on capsule: Capsule,
        _ replay: CapsuleReplay,
        watch: PassWatch? = nil
    ) async throws -> CapsuleVerdict {
        guard let code = code(of: try replay.compiledApp(of: capsule)) else {
            return try replay.replay(capsule, watch: watch)
        }
        return try await replay.replay(capsule, watch: watch, running: code)
    }

    static func compare(
        _ capsule: Capsule,
        _ replay: CapsuleReplay,
        with other: App,
        watch: PassWatch = PassWatch()
    ) async throws -> AppComparison {
        let own = code(of: try replay.compiledApp(of: capsule))
        guard let code = code(of: other) ?? own else {
            return try replay.compare(capsule, with: other, watch: watch)
        }
        return try await replay.compare(capsule, with: other, watch: watch, running: code)
    }

    /// Nil when the app has none, or no worker is there: then what it asked and gave is taken as recorded.
    private static func code(of app: App) -> CodePool? {
        CodeRuntime.hasCode(app) ? CodeRuntime.pool(connections: app.connections) : nil
    }
}
