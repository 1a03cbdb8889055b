import Capsules
package import FlowLanguage

/// Writes what there is in the place of what was expected: `--update`.
///
/// Only literal values are changed, each in its own place; comments and everything else stay.
package struct ExpectationUpdate: Sendable {
    package let changed: [SourceFile]
    /// Values that were replaced.
    package let count: Int

    /// - Parameters:
    ///   - sources: The files of the cases.
    ///   - outcomes: Of all cases in them.
    package init(_ sources: [SourceFile], _ outcomes: [CaseOutcome]) {
        var byFile: [String: [(Range<Int>, [UInt8])]] = [:]
        for outcome in outcomes {
            for problem in outcome.problems where problem.kind == .value {
                guard let value = problem.replacement else { continue }
                let range = problem.range.start.offset..<problem.range.end.offset
                byFile[problem.range.file, default: []].append((range, Array(YAMLText.flow(value).utf8)))
            }
        }
        var changed: [SourceFile] = []
        var count = 0
        for source in sources {
            guard let edits = byFile[source.path] else { continue }
            var bytes = source.bytes
            // From the end, so that the places before stay; of overlapping ones the first found wins.
            var limit = Int.max
            for (range, text) in edits.sorted(by: { $0.0.lowerBound > $1.0.lowerBound }) {
                guard range.upperBound <= limit, range.upperBound <= bytes.count else { continue }
                bytes.replaceSubrange(Self.trimmed(range, in: bytes), with: text)
                limit = range.lowerBound
                count += 1
            }
            changed.append(SourceFile(path: source.path, bytes: bytes))
        }
        self.changed = changed
        self.count = count
    }

    /// Without the line break that a block's place may end with.
    private static func trimmed(_ range: Range<Int>, in bytes: [UInt8]) -> Range<Int> {
        var end = range.upperBound
        while end > range.lowerBound, bytes[end - 1] == UInt8(ascii: "\n") || bytes[end - 1] == UInt8(ascii: " ") {
            end -= 1
        }
        return range.lowerBound..<end
    }
}
