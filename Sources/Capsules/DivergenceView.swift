import Expressions
import FlowEngine
import FlowLanguage

/// A divergence as a person reads it: which block, where it stands, what it did and does.
package struct DivergenceView: Sendable {
    private let divergence: Divergence

    package init(_ divergence: Divergence) { self.divergence = divergence }

    package func text(file: String) -> String {
        var lines = ["\(file): differs: \(divergence.summary)"]
        switch (divergence.oldPlace, divergence.newPlace) {
        case (let old?, let new?) where old == new: lines.append("  \(Self.text(of: old))")
        case (let old?, let new?): lines.append("  \(Self.text(of: old)) in the capsule, \(Self.text(of: new)) now")
        case (let old?, nil): lines.append("  \(Self.text(of: old)) in the capsule")
        case (nil, let new?): lines.append("  \(Self.text(of: new)) now")
        case (nil, nil): break
        }
        lines += Self.differences(divergence.old, divergence.new, at: "").prefix(Self.lineLimit).map { "  " + $0 }
        return lines.joined(separator: "\n")
    }

    /// A comparison with another app: the first block, then requests and rows.
    package static func text(of comparison: AppComparison, file: String) -> String {
        guard let divergence = comparison.divergence else { return "\(file): the same" }
        var lines = [DivergenceView(divergence).text(file: file)]
        if !comparison.requests.isEmpty { lines.append("requests") }
        for request in comparison.requests {
            lines.append("  \(request.kind.rawValue)  \(request.method) \(request.target), by \(request.path)")
        }
        if !comparison.rows.isEmpty { lines.append("rows") }
        for row in comparison.rows.prefix(lineLimit) {
            lines.append("  \(row.table) \(row.id)")
            let (old, new) = (row.old.map(Value.map) ?? .null, row.new.map(Value.map) ?? .null)
            lines += differences(old, new, at: "").map { "    " + $0 }
        }
        lines += comparison.notes.map { "note: \($0)" }
        return lines.joined(separator: "\n")
    }

    private static let lineLimit = 40

    private static func text(of range: SourceRange) -> String {
        "\(range.file):\(range.start.line):\(range.start.column)"
    }

    /// The members that differ, each with its path in the value.
    static func differences(_ old: Value, _ new: Value, at path: String) -> [String] {
        if old.isIdentical(to: new) { return [] }
        if case .map(let before) = old, case .map(let after) = new {
            var lines: [String] = []
            for (key, value) in before {
                lines += differences(value, after[key], at: path, key)
            }
            for (key, value) in after where before[key] == nil { lines += differences(nil, value, at: path, key) }
            if !lines.isEmpty { return lines }
        }
        if case .list(let before) = old, case .list(let after) = new, before.count == after.count {
            var lines: [String] = []
            for (number, (one, other)) in zip(before, after).enumerated() {
                lines += differences(one, other, at: "\(path)[\(number)]")
            }
            if !lines.isEmpty { return lines }
        }
        let name = path.isEmpty ? "" : path + ": "
        return ["- \(name)\(CapsuleView.short(old))", "+ \(name)\(CapsuleView.short(new))"]
    }

    private static func differences(_ old: Value?, _ new: Value?, at path: String, _ key: MapKey) -> [String] {
        let name = path + (path.isEmpty ? "" : ".") + (key.stringValue ?? CapsuleView.short(key.value))
        switch (old, new) {
        case (let old?, let new?): return differences(old, new, at: name)
        case (let old?, nil): return ["- \(name): \(CapsuleView.short(old))"]
        case (nil, let new?): return ["+ \(name): \(CapsuleView.short(new))"]
        case (nil, nil): return []
        }
    }
}
