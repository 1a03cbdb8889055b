import Expressions
import FlowEngine
package import FlowLanguage

/// A failed case as a person reads it: each difference with the line of the file that says otherwise.
package struct ProblemText: Sendable {
    private let sources: [SourceFile]
    private let app: App?
    /// Whether the words are coloured, for a terminal.
    private let isColoured: Bool

    package init(sources: [SourceFile], app: App? = nil, isColoured: Bool) {
        self.sources = sources
        self.app = app
        self.isColoured = isColoured
    }

    /// Problems of one case that are told; behind these they seldom tell anything new.
    private static let shown = 12

    package func render(_ outcome: CaseOutcome) -> String {
        var text = "\(red("✗")) \(bold(outcome.test.name))\n"
        for problem in outcome.problems.prefix(Self.shown) { text += render(problem, of: outcome) }
        let left = outcome.problems.count - Self.shown
        if left > 0 { text += "  … and \(left) more\n" }
        return text
    }

    private func render(_ problem: CaseProblem, of outcome: CaseOutcome) -> String {
        var text = "  \(problem.range.file):\(problem.range.start.line):\(problem.range.start.column): "
        text += bold(title(of: problem)) + "\n"
        if let quote = quote(problem.range) { text += quote }
        text += "    expected  \(green(problem.expected))\n"
        text += "    is        \(red(problem.actual))\n"
        if let writer = writer(of: problem, outcome) { text += "    \(writer)\n" }
        if let way = way(of: problem, outcome) { text += "    \(way)\n" }
        return text
    }

    private func title(of problem: CaseProblem) -> String {
        let step = problem.step.map { " after step \($0)" } ?? ""
        switch problem.kind {
        case .value: return "did not expect this of \(problem.subject)\(step)"
        case .condition: return "does not hold\(step)"
        case .invariant: return "the app's invariant is broken\(step)"
        case .refused: return "a request would have gone outside: \(problem.subject)"
        case .fault: return "the case cannot be played as it is written"
        case .failure: return "a run failed, and the case does not say so"
        case .error: return "the case does not come to an end"
        }
    }

    /// The line of the file, with a mark below the place.
    private func quote(_ range: SourceRange) -> String? {
        guard let source = sources.first(where: { $0.path == range.file }) else { return nil }
        let lines = String(decoding: source.bytes, as: UTF8.self)
            .split(separator: "\n", omittingEmptySubsequences: false)
        guard lines.indices.contains(range.start.line - 1) else { return nil }
        let line = lines[range.start.line - 1].prefix(Self.lineLength)
        let number = String(range.start.line)
        let isOneLine = range.start.line == range.end.line
        let width =
            isOneLine ? range.end.column - range.start.column : line.unicodeScalars.count - range.start.column + 1
        let room = line.unicodeScalars.count - range.start.column + 1
        let mark = String(repeating: "^", count: max(1, min(width, room)))
        let margin = String(repeating: " ", count: number.count)
        let indent = String(repeating: " ", count: max(0, range.start.column - 1))
        return "    \(number) | \(line)\n    \(margin) | \(indent)\(red(mark))\n"
    }

    private static let lineLength = 110

    /// The block that last wrote the table which is not as expected.
    private func writer(of problem: CaseProblem, _ outcome: CaseOutcome) -> String? {
        guard problem.kind == .value, problem.subject.hasPrefix("tables.") else { return nil }
        let table = problem.subject.dropFirst("tables.".count).prefix { $0 != "[" && $0 != "." }
        for run in outcome.record?.runs.reversed() ?? [] {
            let entry = run.entries.last {
                $0.status == .succeeded && !$0.block.hasPrefix("find-")
                    && $0.input["table"]?.stringValue == String(table)
            }
            guard let entry else { continue }
            let flow = run.record.start.flow
            let node = app?.flows[flow]?.nodes.first { $0.path == entry.address.path }
            let place = node.map { ", \($0.range.file):\($0.range.start.line)" } ?? ""
            return "last written by \(flow) at \(entry.address.path)\(place)"
        }
        return nil
    }

    /// The runs that failed: the likeliest cause of what is not as expected.
    private func way(of problem: CaseProblem, _ outcome: CaseOutcome) -> String? {
        guard problem.kind != .fault, problem == outcome.problems.first else { return nil }
        let failed = outcome.record?.runs.filter { $0.record.failure != nil } ?? []
        guard let run = failed.last, let failure = run.record.failure else { return nil }
        let place = failure.block.map { " at \($0)" } ?? ""
        return "run \(run.record.id) of \(run.record.start.flow) is \(run.record.status.rawValue)\(place): "
            + "\(failure.code): \(failure.message)"
    }

    private func red(_ text: String) -> String { isColoured ? "\u{1B}[31m\(text)\u{1B}[0m" : text }
    private func green(_ text: String) -> String { isColoured ? "\u{1B}[32m\(text)\u{1B}[0m" : text }
    private func bold(_ text: String) -> String { isColoured ? "\u{1B}[1m\(text)\u{1B}[0m" : text }
}
