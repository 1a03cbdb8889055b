import FlowLanguage
import FlowTesting
import Foundation

/// Plays cases again whenever files of the app change: only those that the change touches.
///
/// Touched are the cases of a changed case file, those that read a changed file, those that passed through a changed flow
/// the last time, those that failed, and all when `app.yaml` or code changed.
struct CaseWatch {
    private let folder: String
    private let filter: String?

    init(_ folder: String, filter: String?) {
        self.folder = folder
        self.filter = filter
    }

    private static let pause = Duration.milliseconds(300)

    /// Goes on until the process is stopped.
    func run(_ first: LoadedCases) async throws {
        var names = Set(first.cases.flatMap(\.fileNames))
        var seen = contents(names)
        var flows: [String: Set<String>] = [:]
        var failed: Set<String> = []
        /// Changes that were not played yet, since the app had findings.
        var pending: Set<String> = []
        await play(first, &flows, &failed)
        while true {
            try await ContinuousClock().sleep(for: Self.pause)
            let now = contents(names)
            let changed = Set(now.filter { seen[$0.key] != $0.value }.keys).union(seen.keys.filter { now[$0] == nil })
            guard !changed.isEmpty else { continue }
            seen = now
            Console.note("\nchanged: \(changed.sorted().joined(separator: ", "))")
            pending.formUnion(changed)
            // What is found is on the terminal already; the next change may mend it.
            guard var loaded = try? LoadedCases.load(folder) else { continue }
            names = Set(loaded.cases.flatMap(\.fileNames))
            seen = now.merging(contents(names)) { known, _ in known }
            let touched = Self.touched(by: pending, loaded, flows: flows, failed: failed)
            pending = []
            loaded.keep { touched.contains($0.name) }
            await play(loaded, &flows, &failed)
        }
    }

    /// The names of the cases that a change of files touches.
    static func touched(
        by changed: Set<String>,
        _ loaded: LoadedCases,
        flows: [String: Set<String>],
        failed: Set<String>
    ) -> Set<String> {
        let changedFlows = Set(loaded.app.flows.values.filter { changed.contains($0.range.file) }.map(\.name))
        let isAll = changed.contains { $0.hasSuffix("app.yaml") || $0.hasSuffix(".js") }
        let touched = loaded.cases.filter { test in
            isAll || changed.contains(test.range.file) || failed.contains(test.name)
                || !changed.isDisjoint(with: test.fileNames)
                || !(flows[test.name] ?? changedFlows).isDisjoint(with: changedFlows)
        }
        return Set(touched.map(\.name))
    }

    private func play(
        _ loaded: LoadedCases,
        _ flows: inout [String: Set<String>],
        _ failed: inout Set<String>
    ) async {
        var loaded = loaded
        if let filter { loaded.keep { $0.matches(filter) } }
        guard !loaded.cases.isEmpty else { return Console.note("no case is touched by that") }
        guard let report = try? await loaded.play(progress: TestProgress(total: loaded.cases.count)) else {
            return Console.note("the cases could not be played")
        }
        let text = ProblemText(
            sources: loaded.files + loaded.appFiles,
            app: loaded.app,
            isColoured: Terminal.isColoured
        )
        for outcome in report.outcomes {
            flows[outcome.test.name] = outcome.passages.flows
            if outcome.isPassed { failed.remove(outcome.test.name) } else { failed.insert(outcome.test.name) }
        }
        for outcome in report.failed { Console.data(text.render(outcome)) }
        Console.note(report.summary)
    }

    /// The app's files, and those that cases name, with what they hold, hashed.
    private func contents(_ names: Set<String>) -> [String: Int] {
        var contents: [String: Int] = [:]
        // A folder that is just being written may be unreadable for a moment: the next look sees it.
        let files = ((try? AppFolder.read(folder)) ?? []) + ((try? AppFolder.readTests(folder)) ?? [])
        for file in files { contents[file.path] = file.bytes.hashValue }
        for name in names {
            if let bytes = try? AppFolder.readFile(name, of: folder) { contents[name] = bytes.hashValue }
        }
        return contents
    }
}
