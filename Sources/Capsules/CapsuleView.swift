package import Expressions
import FlowEngine
import FlowLanguage

/// A capsule as a person reads it.
package struct CapsuleView: Sendable {
    private let capsule: Capsule
    /// Characters of a value that are shown.
    private static let valueLength = 160

    package init(_ capsule: Capsule) { self.capsule = capsule }

    package var text: String {
        let (header, record) = (capsule.header, capsule.run.record)
        var lines = [
            "run \(record.id) of '\(record.start.flow)' in \(header.app), \(record.start.mode.rawValue) mode: "
                + record.status.rawValue,
            "  exported \(header.exportedAt.rfc3339) by \(header.program)",
            "  version \(record.start.version.short), \(capsule.files.count) files",
        ]
        if let limitation = header.limitation { lines.append("  cannot be replayed: \(limitation)") }
        if let delivery = capsule.delivery {
            lines.append("  started by \(delivery.type) \(delivery.eventID) of \(delivery.source)")
        }
        for run in capsule.history.runs {
            lines.append("")
            lines += Self.lines(of: run)
        }
        if !capsule.changes.isEmpty {
            lines.append("")
            lines.append("rows written")
            for change in capsule.changes { lines.append("  " + Self.line(of: change)) }
        }
        return lines.joined(separator: "\n")
    }

    private static func lines(of run: RecordedRun) -> [String] {
        let start = run.record.start
        var lines = ["run \(run.record.id): \(start.flow) (\(start.origin.rawValue))"]
        if !start.input.isEmpty { lines.append("  input    \(short(.map(start.input)))") }
        if !start.trigger.isNull { lines.append("  trigger  \(short(start.trigger))") }
        for entry in run.entries {
            lines += entry.trace.map(line)
            let call = entry.address.call > 0 ? ", call \(entry.address.call + 1)" : ""
            let visit = entry.address.visit > 1 ? ", visit \(entry.address.visit)" : ""
            lines.append("  \(entry.address.path)  \(entry.block)\(visit)\(call): \(entry.status.rawValue)")
            if !entry.input.isNull { lines.append("    in   \(short(entry.input))") }
            if let receipt = entry.receipt {
                let body = String(decoding: receipt.answer.body, as: UTF8.self)
                lines.append("    got  \(receipt.answer.status) \(cut(body))")
            }
            if !entry.output.isNull { lines.append("    out  \(short(entry.output))") }
            if let failure = entry.failure { lines.append("    \(failure.code): \(failure.message)") }
        }
        lines += run.record.trace.map(line)
        if let failure = run.record.failure { lines.append("  failed: \(failure.code): \(failure.message)") }
        if let answer = run.record.answer { lines.append("  answer   \(answer.status) \(short(answer.body))") }
        return lines
    }

    private static func line(of step: TraceStep) -> String {
        let result = step.result == .done ? "" : ": \(step.result.rawValue)"
        return "  \(step.path)  \(step.block)\(result)" + (step.note.map { " → \(cut($0))" } ?? "")
    }

    static func line(of change: RowChange) -> String {
        let before = change.before.map { short(.map($0)) } ?? "–"
        let after = change.after.map { short(.map($0)) } ?? "–"
        return "\(change.table) \(change.id): \(before) → \(after)"
    }

    /// A value on one line, cut.
    package static func short(_ value: Value) -> String {
        cut(String(decoding: (try? JSON.encode(value)) ?? JSON.encodeExact(value), as: UTF8.self))
    }

    private static func cut(_ text: String) -> String {
        let line = text.replacing("\n", with: " ")
        guard line.count > valueLength else { return line }
        return line.prefix(valueLength) + "…"
    }
}
