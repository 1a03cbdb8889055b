package import Expressions

/// What an event is about and what a run waits for: a name and, if only some events of it are meant, a key.
package struct EventSubject: Sendable, Hashable {
    package var name: String
    package var key: String?

    package init(name: String, key: String? = nil) {
        self.name = name
        self.key = key
    }

    /// One text for both; names hold no line break.
    package var text: String { key.map { "\(name)\n\($0)" } ?? name }

    package init(text: some StringProtocol) {
        let parts = text.split(separator: "\n", maxSplits: 1, omittingEmptySubsequences: false)
        self.init(name: String(parts[0]), key: parts.count > 1 ? String(parts[1]) : nil)
    }

    package static func isKey(_ text: String) -> Bool { (1...Limits.eventKeyBytes).contains(text.utf8.count) }
}

/// An event that somebody sent; kept, so that a run that waits for it later sees it too.
package struct EventRecord: Sendable, Hashable {
    /// Growing in the order of arrival; assigned by the store.
    package var id: Int64
    package var subject: EventSubject
    package var data: Value
    package var caller: Caller
    /// Of the server that took it in; nil for one that came before modes were kept.
    package var mode: Mode?
    /// Unique for a subject, a caller and a mode, so that sending again sends nothing.
    package var idempotencyKey: String?
    package var receivedAt: Timestamp

    package init(
        id: Int64 = 0,
        subject: EventSubject,
        data: Value,
        caller: Caller,
        mode: Mode?,
        idempotencyKey: String? = nil,
        receivedAt: Timestamp
    ) {
        self.id = id
        self.subject = subject
        self.data = data
        self.caller = caller
        self.mode = mode
        self.idempotencyKey = idempotencyKey
        self.receivedAt = receivedAt
    }

    /// What a block gives that waited for it.
    var output: Value {
        [
            "id": .int(id), "name": .string(subject.name), "key": subject.key.map(Value.string) ?? .null,
            "data": data, "receivedAt": .timestamp(receivedAt),
        ]
    }
}
