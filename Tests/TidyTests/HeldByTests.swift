import Foundation
import Testing

/// The table in `Sources/Payments/README.md`: which test holds which numbered requirement.
@Suite struct HeldByTests {
    private struct Row {
        var numbers: [String]
        var tests: [String]
    }

    private static let rows: [Row] = {
        let file = SourceTree.root.appending(path: "Sources/Payments/README.md")
        let text = (try? String(contentsOf: file, encoding: .utf8)) ?? ""
        return text.split(separator: "\n").filter { $0.hasPrefix("| ") }.compactMap { line in
            let cells = line.split(separator: "|", omittingEmptySubsequences: false)
            guard cells.count >= 3 else { return nil }
            let numbers = cells[1].split(separator: " ").prefix { $0.wholeMatch(of: /[ZME]\d+/) != nil }.map(
                String.init
            )
            let tests = cells[2].matches(of: /`([A-Za-z.]+\/[A-Za-z]+)`/).map { String($0.1) }
            return numbers.isEmpty ? nil : Row(numbers: numbers, tests: tests)
        }
    }()

    @Test("each number of the seeds stands in the table, once")
    func numbers() {
        let wanted = (1...21).map { "Z\($0)" } + (1...17).map { "M\($0)" } + (1...18).map { "E\($0)" }
        #expect(Self.rows.flatMap(\.numbers).sorted() == wanted.sorted())
    }

    @Test("each row names tests, or says why it does not apply")
    func names() throws {
        let file = SourceTree.root.appending(path: "Sources/Payments/README.md")
        let lines = try String(contentsOf: file, encoding: .utf8).split(separator: "\n")
        for row in Self.rows where row.tests.isEmpty {
            let line = lines.first { $0.hasPrefix("| \(row.numbers[0]) ") } ?? ""
            #expect(line.contains("does not apply:"), "\(row.numbers)")
        }
    }

    @Test("each test that is named is there, under that name")
    func exist() {
        for name in Set(Self.rows.flatMap(\.tests)) {
            let parts = name.split(separator: "/")
            let suite = parts[0].split(separator: ".")
            let target = suite.count == 2 ? String(suite[0]) : "PaymentsTests"
            let isThere = SourceTree.tests.contains { file in
                file.room == target
                    && file.lines.contains { $0.contains("struct \(suite.last ?? "")") }
                    && Self.holds(String(parts[1]), file.lines)
            }
            #expect(isThere, "\(name): no such test in Tests/\(target)")
        }
    }

    /// Whether a function of this name stands below a `@Test`.
    private static func holds(_ function: String, _ lines: [String]) -> Bool {
        lines.indices.contains { index in
            guard lines[index].contains("func \(function)(") else { return false }
            let above = lines[..<index].reversed().prefix { !$0.contains("func ") }
            return lines[index].contains("@Test") || above.contains { $0.contains("@Test") }
        }
    }
}
