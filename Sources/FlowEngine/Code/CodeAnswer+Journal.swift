import Expressions

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
    }

    private static func json(_ value: Value) -> [UInt8] { (try? JSON.encode(value)) ?? Array("null".utf8) }
}

extension JournalEntry {
    /// A host call of a code block, not the block's own outcome.
    var isHostCall: Bool { input["call"]?.stringValue != nil }
}
