import Expressions
import FlowLanguage

// How host calls stand in the journal.

extension CodeQuestion {
    /// The call beside what it became.
    func journalValue(with work: Value) -> Value {
        var map = work.mapValue ?? ValueMap()
        map["call"] = .string(call)
        map["arguments"] = arguments
        return .map(map)
    }

    func isRecorded(in entry: JournalEntry) -> Bool {
        entry.input["call"] == .string(call) && entry.input["arguments"] == arguments
    }
}

extension CodeAnswer {
    /// The answer that a finished entry of a host call holds.
    init(_ entry: JournalEntry) {
        let outcome: Outcome =
            if let failure = entry.failure, entry.status == .failed {
                .failure(failure)
            } else if OutsideRequest(entry.input) != nil {
                // What a person decided about a request has no status: it is what the service would have told.
                .response(OutsideAnswer(entry.output) ?? OutsideAnswer(status: 200, body: Self.json(entry.output)))
            } else {
                .value(entry.output)
            }
        self.init(
            call: entry.input["call"]?.stringValue ?? "",
            arguments: entry.input["arguments"] ?? .null,
            outcome: outcome
        )
        answeredAt = entry.finishedAt
    }

    private static func json(_ value: Value) -> [UInt8] { (try? JSON.encode(value)) ?? Array("null".utf8) }
}

extension JournalEntry {
    /// A host call of a code block, not the block's own outcome.
    var isHostCall: Bool { input["call"]?.stringValue != nil }
}

extension Value {
    /// The value without the characters of what looks like a key of a service.
    var redacted: Value { holdsKey ? covered : self }

    private var holdsKey: Bool {
        switch self {
        case .string(let text): !SecretPattern.ranges(in: Array(text.utf8)).isEmpty
        case .list(let items): items.contains { $0.holdsKey }
        case .map(let map): map.contains { $0.value.holdsKey }
        case .optional(let optional): optional.value?.holdsKey ?? false
        default: false
        }
    }

    private var covered: Value {
        switch self {
        case .string(let text): return .string(SecretPattern.redacted(text))
        case .list(let items): return .list(items.map(\.covered))
        case .map(let map):
            var covered = ValueMap(minimumCapacity: map.count)
            for (key, value) in map { covered[key] = value.covered }
            return .map(covered)
        case .optional(let optional): return optional.value?.covered ?? self
        default: return self
        }
    }
}
