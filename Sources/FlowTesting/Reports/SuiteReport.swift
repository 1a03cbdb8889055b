package import Expressions
import FlowLanguage

/// What a suite's run came to, for a terminal, a script and a build server.
package struct SuiteReport: Sendable {
    package let outcomes: [CaseOutcome]
    package let duration: Duration

    package init(_ outcomes: [CaseOutcome], duration: Duration) {
        self.outcomes = outcomes
        self.duration = duration
    }

    package var failed: [CaseOutcome] { outcomes.filter { !$0.isPassed } }
    package var isPassed: Bool { failed.isEmpty }

    package var passages: Passages {
        var all = Passages()
        for outcome in outcomes { all.merge(outcome.passages) }
        return all
    }

    /// One line: `12 cases, 1 failed, 0.3 s`.
    package var summary: String {
        let cases = "\(outcomes.count) case\(outcomes.count == 1 ? "" : "s")"
        let verdict = isPassed ? "all passed" : "\(failed.count) failed"
        return "\(cases), \(verdict), \(Self.seconds(duration))"
    }

    static func seconds(_ duration: Duration) -> String {
        let milliseconds = duration.components.seconds * 1_000 + duration.components.attoseconds / 1_000_000_000_000_000
        let tenths = (milliseconds % 1_000) / 100
        return milliseconds < 1_000 ? "\(milliseconds) ms" : "\(milliseconds / 1_000).\(tenths) s"
    }

    // MARK: For a script

    package var value: Value {
        [
            "passed": .bool(isPassed), "cases": .int(Int64(outcomes.count)), "failed": .int(Int64(failed.count)),
            "milliseconds": .int(Self.milliseconds(duration)),
            "results": .list(outcomes.map(Self.value)),
        ]
    }

    private static func milliseconds(_ duration: Duration) -> Int64 {
        duration.components.seconds * 1_000 + duration.components.attoseconds / 1_000_000_000_000_000
    }

    private static func value(of outcome: CaseOutcome) -> Value {
        [
            "case": .string(outcome.test.name), "file": .string(outcome.test.range.file),
            "line": .int(Int64(outcome.test.range.start.line)), "passed": .bool(outcome.isPassed),
            "milliseconds": .int(milliseconds(outcome.duration)),
            "problems": .list(outcome.problems.map { $0.value }),
        ]
    }

    // MARK: For a build server

    /// JUnit's XML, as build servers read it: a suite for each file.
    package var junit: String {
        var files: [String] = []
        for outcome in outcomes where !files.contains(outcome.test.range.file) { files.append(outcome.test.range.file) }
        var xml = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
        xml += "<testsuites tests=\"\(outcomes.count)\" failures=\"\(failed.count)\" time=\"\(Self.time(duration))\">\n"
        for file in files {
            let group = outcomes.filter { $0.test.range.file == file }
            let failures = group.filter { !$0.isPassed }.count
            let time = group.map(\.duration).reduce(.zero, +)
            xml += "  <testsuite name=\"\(XML.escaped(file))\" tests=\"\(group.count)\" failures=\"\(failures)\""
            xml += " time=\"\(Self.time(time))\">\n"
            for outcome in group { xml += Self.testCase(outcome) }
            xml += "  </testsuite>\n"
        }
        return xml + "</testsuites>\n"
    }

    private static func testCase(_ outcome: CaseOutcome) -> String {
        let test = outcome.test
        var xml = "    <testcase classname=\"\(XML.escaped(test.range.file))\" name=\"\(XML.escaped(test.name))\""
        xml += " file=\"\(XML.escaped(test.range.file))\" line=\"\(test.range.start.line)\""
        xml += " time=\"\(time(outcome.duration))\""
        guard let first = outcome.problems.first else { return xml + "/>\n" }
        xml += ">\n      <failure message=\"\(XML.escaped(first.headline))\" type=\"\(first.kind.rawValue)\">"
        xml += XML.escaped(outcome.problems.map(\.headline).joined(separator: "\n"))
        return xml + "</failure>\n    </testcase>\n"
    }

    private static func time(_ duration: Duration) -> String {
        let milliseconds = milliseconds(duration)
        return "\(milliseconds / 1_000).\(String(milliseconds % 1_000 + 1_000).dropFirst())"
    }
}

extension CaseProblem {
    /// One line with the place: `tests/a.yaml:12:9: orders[0].status: expected PAID, is NEW`.
    package var headline: String {
        "\(range.file):\(range.start.line):\(range.start.column): \(subject): expected \(expected), is \(actual.cut(300))"
    }

    var value: Value {
        [
            "kind": .string(kind.rawValue), "file": .string(range.file), "line": .int(Int64(range.start.line)),
            "column": .int(Int64(range.start.column)), "subject": .string(subject),
            "expected": .string(expected), "actual": .string(actual),
            "step": step.map { .int(Int64($0)) } ?? .null,
        ]
    }
}

enum XML {
    /// Text for an element or an attribute; what XML cannot hold is left out.
    static func escaped(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            case "\n": result += "&#10;"
            default:
                if scalar.value >= 0x20 || scalar == "\t" { result.unicodeScalars.append(scalar) }
            }
        }
        return result
    }
}
