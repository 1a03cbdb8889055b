import Expressions
import FlowLanguage

/// Lays what a case expects beside what there is, and says where they differ, each difference with its place.
///
/// A mapping says some of a mapping's members, a list all of a list's items. In lists of happenings (runs, requests,
/// log lines, paths) others may stand between those that are named; none named means that there are none.
struct Comparison {
    private let scope: CaseScope
    private(set) var problems: [CaseProblem] = []

    init(_ scope: CaseScope) { self.scope = scope }

    /// Members whose lists may hold more than is expected.
    private static let happenings: Set = ["runs", "requests", "log", "path"]

    mutating func compare(_ expected: CaseValue, with actual: Value, subject: String = "", isHappening: Bool = false) {
        switch expected.content {
        case .scalar(let template): compareScalar(template, expected.range, with: actual, subject)
        case .list(let items):
            guard let values = actual.listValue else { return differ(expected, actual, subject) }
            if isHappening {
                compareHappenings(items, expected, with: values, subject)
            } else {
                compareItems(items, expected, with: values, subject)
            }
        case .map(let members):
            guard let map = actual.mapValue else { return differ(expected, actual, subject) }
            for member in members {
                let inner = subject.isEmpty ? member.name : "\(subject).\(member.name)"
                guard let value = map[member.name] else {
                    report(inner, try? scope.evaluate(member.value), nil, at: member.value.range)
                    continue
                }
                let isHappening = Self.happenings.contains(member.name) && (subject.isEmpty || isStep(subject))
                compare(member.value, with: value, subject: inner, isHappening: isHappening)
            }
        }
    }

    private func isStep(_ subject: String) -> Bool { subject.hasPrefix("runs[") && !subject.contains(".") }

    private mutating func compareScalar(
        _ template: ValueTemplate,
        _ range: SourceRange,
        with actual: Value,
        _ subject: String
    ) {
        do throws(CaseFault) {
            let expected = try scope.evaluate(template, at: range)
            if !Self.isSame(expected, actual) { report(subject, expected, actual, at: range) }
        } catch {
            problems.append(
                CaseProblem(
                    .fault,
                    subject,
                    expected: "a value",
                    actual: error.message,
                    range: error.range
                )
            )
        }
    }

    private mutating func compareItems(_ items: [CaseValue], _ list: CaseValue, with values: [Value], _ subject: String)
    {
        guard items.count == values.count else {
            let shown = Value.list(values.map { Self.visible($0, like: items) })
            problems.append(
                CaseProblem(
                    .value,
                    subject,
                    expected: "\(items.count) item\(items.count == 1 ? "" : "s")",
                    actual: "\(values.count): \(shown.brief())",
                    range: list.range,
                    replacement: shown
                )
            )
            return
        }
        for (index, item) in items.enumerated() {
            compare(item, with: values[index], subject: "\(subject)[\(index)]")
        }
    }

    private mutating func compareHappenings(
        _ items: [CaseValue],
        _ list: CaseValue,
        with values: [Value],
        _ subject: String
    ) {
        if items.isEmpty, !values.isEmpty {
            let shown = Value.list(values.map { Self.visible($0, like: []) })
            problems.append(
                CaseProblem(.value, subject, expected: "none", actual: shown.brief(), range: list.range)
            )
        }
        var position = 0
        for (index, item) in items.enumerated() {
            if let found = values[position...].firstIndex(where: { matches(item, $0) }) {
                position = found + 1
                continue
            }
            reportMissing(item, values[position...], "\(subject)[\(index)]")
        }
    }

    /// Points to what differs from the likeliest candidate, where there is one.
    private mutating func reportMissing(_ item: CaseValue, _ candidates: ArraySlice<Value>, _ subject: String) {
        let attempts = candidates.map { candidate -> [CaseProblem] in
            var comparison = Comparison(scope)
            comparison.compare(item, with: candidate, subject: subject)
            return comparison.problems
        }
        if case .map = item.content, let nearest = attempts.min(by: { $0.count < $1.count }), nearest.count == 1 {
            problems += nearest
            return
        }
        let expected = (try? scope.evaluate(item))?.brief() ?? "a value"
        let rest = candidates.map { Self.visible($0, like: [item]).brief(80) }
        let actual = rest.isEmpty ? "nothing more" : "not among: " + rest.prefix(8).joined(separator: ", ")
        problems.append(CaseProblem(.value, subject, expected: expected, actual: actual, range: item.range))
    }

    private func matches(_ expected: CaseValue, _ actual: Value) -> Bool {
        var comparison = Comparison(scope)
        comparison.compare(expected, with: actual, subject: "runs[]")
        return comparison.problems.isEmpty
    }

    private mutating func differ(_ expected: CaseValue, _ actual: Value, _ subject: String) {
        report(subject, try? scope.evaluate(expected), actual, at: expected.range)
    }

    private mutating func report(_ subject: String, _ expected: Value?, _ actual: Value?, at range: SourceRange) {
        problems.append(
            CaseProblem(
                .value,
                subject,
                expected: expected?.brief() ?? "a value",
                actual: actual?.brief() ?? "not there",
                range: range,
                replacement: actual
            )
        )
    }

    /// Of a row or run the members that the case cares for.
    private static func visible(_ value: Value, like items: [CaseValue]) -> Value {
        guard let map = value.mapValue else { return value }
        var names: [String] = []
        for item in items {
            guard case .map(let members) = item.content else { continue }
            for member in members where !names.contains(member.name) { names.append(member.name) }
        }
        if names.isEmpty {
            names = map.keys.compactMap(\.stringValue).filter { !["createdAt", "updatedAt", "trigger"].contains($0) }
        }
        var shown = ValueMap()
        for name in names { shown[name] = map[name] }
        return .map(shown)
    }

    /// Whether a literal means the value: times are written as text, whole numbers may stand for doubles.
    static func isSame(_ expected: Value, _ actual: Value) -> Bool {
        switch (expected, actual) {
        case (.string(let text), .timestamp(let moment)): Timestamp(rfc3339: text) == moment
        case (.int(let number), .double(let actual)): Double(number) == actual
        case (.double(let number), .int(let actual)): number == Double(actual)
        default: expected == actual
        }
    }
}
