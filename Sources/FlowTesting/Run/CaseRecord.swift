package import Expressions
package import FlowEngine
import FlowLanguage

/// What there is when a case has been played: the rows, the runs, and what left the house.
package struct CaseRecord: Sendable {
    package struct RecordedRun: Sendable {
        package var record: RunRecord
        package var entries: [JournalEntry]
    }

    /// By table.
    package var tables: ValueMap
    /// Oldest first.
    package var runs: [RecordedRun]
    package var requests: Value
    package var emails: Value
    package var log: [String]

    /// As expectations see it.
    package var value: Value {
        [
            "tables": .map(tables), "runs": .list(runs.filter { $0.record.start.origin != .branch }.map(\.value)),
            "requests": requests, "emails": emails,
            "log": .list(log.map(Value.string)),
        ]
    }
}

extension CaseRecord.RecordedRun {
    /// The paths of the blocks that the run passed, in order; skipped ones are left out.
    package var path: [String] {
        var path: [String] = []
        for entry in entries {
            path += entry.trace.compactMap(\.passedPath)
            if entry.address.call == 0 { path.append(entry.address.path.rawValue) }
        }
        return path + record.trace.compactMap(\.passedPath)
    }

    var value: Value {
        var output: Value = .null
        if record.status == .succeeded, let answer = record.answer { output = answer.body }
        return [
            "id": .int(record.id.rawValue), "flow": .string(record.start.flow),
            "status": .string(record.status.rawValue), "origin": .string(record.start.origin.rawValue),
            "path": .list(path.map(Value.string)), "input": .map(record.start.input), "output": output,
            "error": record.failure?.value ?? .null,
        ]
    }
}

extension TraceStep {
    fileprivate var passedPath: String? { result == .skipped ? nil : path.rawValue }
}

extension BlockFailure {
    /// As an expectation sees it.
    var value: Value {
        [
            "code": .string(code), "type": .string(type), "message": .string(message),
            "status": status.map { .int(Int64($0)) } ?? .null,
            "declineCode": declineCode.map(Value.string) ?? .null, "param": param.map(Value.string) ?? .null,
            "block": block.map(Value.string) ?? .null,
        ]
    }
}
