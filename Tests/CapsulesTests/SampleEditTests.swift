import Capsules
import Expressions
import FlowEngine
import FlowLanguage
import Testing

/// `replay --against` on the samples: every run of their cases, on flows in which one block was edited.
@Suite("Edits of the samples' flows")
struct SampleEditTests {
    @Test("a hundred, drawn by a seed, are found at the very block that was edited, which the run had passed")
    func found() async throws {
        let drawn = try await Self.edits(passed: true, count: 100, seed: 21)
        #expect(Set(drawn.map(\.edit.path)).count >= 15)
        try Self.check(drawn) { comparison, edit in
            #expect(comparison.divergence?.path?.rawValue == edit.path, "\(edit)")
        }
    }

    @Test("thirty of blocks that the run did not pass, and as many comments and titles, change nothing for it")
    func same() async throws {
        let drawn = try await Self.edits(passed: false, count: 30, seed: 22)
        #expect(Set(drawn.map(\.edit.path)).count >= 10)
        try Self.check(drawn) { comparison, edit in
            #expect(comparison.divergence == nil, "\(edit): \(comparison.divergence?.summary ?? "")")
            #expect(comparison.requests.isEmpty && comparison.rows.isEmpty, "\(edit)")
        }
        let harmless = try drawn.map { one -> Drawn in
            let text = try #require(try one.sample.text(of: one.capsule.run.record.start.flow))
            let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
            let changed = lines.flatMap { $0 == "blocks:" ? ["# a comment", "", "blocks:"] : [$0] }
                .map { $0.hasPrefix("title:") ? "title: Another title" : $0 }
            return Drawn(one.sample, one.capsule, Edit(path: "", text: changed.joined(separator: "\n")))
        }
        try Self.check(harmless) { comparison, edit in
            #expect(comparison.divergence == nil, "\(edit): \(comparison.divergence?.summary ?? "")")
        }
    }

    private struct Edit {
        var path: String
        /// The whole flow, edited.
        var text: String
        var line = ""
    }

    private struct Drawn {
        let sample: RecordedApp
        let capsule: Capsule
        let edit: Edit

        init(_ sample: RecordedApp, _ capsule: Capsule, _ edit: Edit) {
            self.sample = sample
            self.capsule = capsule
            self.edit = edit
        }
    }

    private static func check(_ drawn: [Drawn], _ body: (AppComparison, Edit) -> Void) throws {
        let replay = CapsuleReplay()
        for one in drawn {
            let flow = one.capsule.run.record.start.flow
            let app = try one.sample.compile(try one.sample.sources(changing: flow, to: one.edit.text))
            body(try replay.compare(one.capsule, with: app), one.edit)
        }
    }

    // MARK: Drawing

    private static func edits(passed: Bool, count: Int, seed: UInt64) async throws -> [Drawn] {
        var numbers = SeededNumbers(seed)
        var candidates: [(sample: RecordedApp, capsule: Capsule, path: String, lines: Range<Int>)] = []
        for sample in RecordedApp.samples {
            let app = try sample.compile(try sample.sources())
            for (_, capsule) in try await sample.capsules() {
                // A widget's flow has no file.
                guard let graph = app.flows[capsule.run.record.start.flow],
                    let text = try sample.text(of: graph.name)
                else { continue }
                let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
                // In a run that failed, a block may have failed before it came to what is edited.
                guard !passed || capsule.run.record.failure == nil else { continue }
                let way = capsule.passedPaths
                for node in graph.nodes where way.contains(node.path.rawValue) == passed {
                    let own = FlowLines.ofBlock(at: node.range.start.line, in: lines)
                    candidates.append((sample, capsule, node.path.rawValue, own))
                }
            }
        }
        var drawn: [Drawn] = []
        while drawn.count < count {
            let candidate = candidates[Int.random(in: candidates.indices, using: &numbers)]
            let flow = candidate.capsule.run.record.start.flow
            let number = Int.random(in: 1...9, using: &numbers)
            let text = try #require(try candidate.sample.text(of: flow))
            guard var edit = FlowLines.edit(text, candidate.lines, number: number).map({ Edit(path: "", text: $0) }),
                (try? candidate.sample.compile(try candidate.sample.sources(changing: flow, to: edit.text))) != nil
            else { continue }
            edit.path = candidate.path
            edit.line = "\(flow): \(candidate.path)"
            drawn.append(Drawn(candidate.sample, candidate.capsule, edit))
        }
        return drawn
    }
}

extension Capsule {
    /// The blocks of the run itself that did something.
    fileprivate var passedPaths: Set<String> {
        let steps = run.entries.flatMap(\.trace) + run.record.trace
        let passed = steps.filter { $0.result != .skipped }.map(\.path.rawValue)
        return Set(passed + run.entries.map(\.address.path.rawValue))
    }
}

extension RecordedApp {
    fileprivate func text(of flow: String) throws -> String? {
        try sources().first { $0.path.hasSuffix("flows/\(flow).yaml") }.map {
            String(decoding: $0.bytes, as: UTF8.self)
        }
    }

    fileprivate func sources(changing flow: String, to text: String) throws -> [SourceFile] {
        try sources().map { file in
            file.path.hasSuffix("flows/\(flow).yaml") ? SourceFile(path: file.path, bytes: Array(text.utf8)) : file
        }
    }
}

/// A flow's text by lines, as somebody edits it who does not think of YAML.
private enum FlowLines {
    /// The block's own lines, without the blocks inside it.
    static func ofBlock(at line: Int, in lines: [String]) -> Range<Int> {
        var start = line - 1
        while start > 0, !lines[start].trimmingPrefix({ $0 == " " }).hasPrefix("- ") { start -= 1 }
        let indent = lines[start].prefix { $0 == " " }.count
        var end = start + 1
        while end < lines.count {
            let own = lines[end].trimmingPrefix { $0 == " " }
            if !own.isEmpty, lines[end].prefix(while: { $0 == " " }).count <= indent { break }
            if ["fail:", "success:", "do:", "branches:", "catch:"].contains(where: own.hasPrefix) { break }
            end += 1
        }
        return start..<end
    }

    /// The text with the first line changed that can be; nil: none can.
    static func edit(_ text: String, _ range: Range<Int>, number: Int) -> String? {
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        for index in range {
            guard let changed = edit(lines[index], number) else { continue }
            lines[index] = changed
            return lines.joined(separator: "\n")
        }
        return nil
    }

    private static func edit(_ line: String, _ number: Int) -> String? {
        let replacements = [
            ("message: '", "message: 'edited \(number) "), ("subject: ", "subject: \(number) "),
            ("set: { status: PAID }", "set: { status: NEW }"), ("set: { status: REFUNDED }", "set: { status: NEW }"),
            ("set: { status: ENDED }", "set: { status: NEW }"), ("record.sales + 1", "record.sales + 1 + \(number)"),
            ("where: { id: '${ ", "where: { id: '${ \(number) + "), ("paymentId: ${ ", "paymentId: ${ \(number) + "),
            ("code: ", "code: edited_\(number)_"), ("amount: ${ ", "amount: ${ \(number) + "),
            ("total: ${ ", "total: ${ \(number) + "), ("price: ${ ", "price: ${ \(number) + "),
        ]
        for (old, new) in replacements where line.contains(old) { return line.replacing(old, with: new) }
        return nil
    }
}

extension StringProtocol {
    fileprivate func trimmingPrefix(_ isTrimmed: (Character) -> Bool) -> Substring {
        Substring(self).drop(while: isTrimmed)
    }
}
