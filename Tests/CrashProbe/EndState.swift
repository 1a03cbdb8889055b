import Expressions
import FlowEngine
import FlowLanguage

/// How things stand on disk, as text: all that must be the same whether or not a process died on the way.
///
/// Left out is what may differ: times, how often a request was sent, whose epoch wrote last, and the ids that the other
/// side gave.
struct EndState {
    let text: String

    init(_ reader: any StoreReader, tables: [Table]) throws(StoreError) {
        var lines: [String] = []
        for run in try reader.runs(matching: RunFilter(limit: 1_000)).reversed() {
            let parent = run.start.parent.map { " for \($0.run) \($0.path)" } ?? ""
            lines.append(
                "run \(run.id) \(run.start.flow) \(run.start.origin) key \(run.start.idempotencyKey ?? "none")\(parent) "
                    + "\(run.status.rawValue) answer \(Self.text(run.answer?.body ?? .null)) "
                    + "failure \(run.failure?.code ?? "none") strikes \(run.strikes)"
            )
            lines += run.trace.map { "  behind \($0.path) \($0.block) \($0.result)" }
            for entry in try reader.entries(of: run.id) { lines += Self.lines(of: entry) }
        }
        for table in tables {
            for row in try reader.find(RecordQuery(table: table.name, where: [], limit: 10_000)) {
                lines.append("row of \(table.name) \(Self.text(.map(row)))")
            }
        }
        for (source, counts) in try reader.deliveryCounts().sorted(by: { $0.key < $1.key }) {
            lines.append("deliveries of \(source): \(counts.accepted)")
        }
        text = lines.joined(separator: "\n") + "\n"
    }

    private static func lines(of entry: JournalEntry) -> [String] {
        let address = entry.address
        return entry.trace.map { "  before \($0.path) \($0.block) \($0.result)" } + [
            "  \(entry.sequence) \(address.path) visit \(address.visit) attempt \(address.attempt) call \(address.call) "
                + "\(entry.block) \(entry.status.rawValue) key \(entry.key ?? "none") input \(text(entry.input)) "
                + "output \(text(entry.output)) failure \(entry.failure?.code ?? "none")"
        ]
    }

    private static func text(_ value: Value) -> String {
        String(decoding: JSON.encodeExact(steady(value)), as: UTF8.self)
    }

    /// The value without times and without ids that another side gave.
    private static func steady(_ value: Value) -> Value {
        switch value {
        case .timestamp: return "a time"
        case .string(let text): return .string(steady(text))
        case .list(let elements): return .list(elements.map(steady))
        case .map(let map):
            var result = ValueMap(minimumCapacity: map.count)
            for (key, member) in map {
                switch key.stringValue ?? "" {
                case "created", "statusAt", "createdAt", "updatedAt": result[key] = "a time"
                // Of a secret that the other side draws anew each time.
                case "secretHash": result[key] = member.isNull ? .null : "a hash"
                // Of an answer: when it was given, and whether it was given before.
                case "date", "request-id", "idempotent-replayed", "original-request": break
                default: result[key] = steady(member)
                }
            }
            return .map(result)
        default: return value
        }
    }

    private static func steady(_ text: String) -> String {
        // An answer's body is JSON within JSON; what is compared of the other side is what its own state shows.
        if text.hasPrefix("{") { return "a document" }
        for prefix in ["pi_", "req_", "ch_", "cus_", "re_"] where text.hasPrefix(prefix) { return prefix + "…" }
        return text
    }
}
