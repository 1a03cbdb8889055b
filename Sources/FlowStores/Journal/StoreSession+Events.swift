import Expressions
import FlowEngine

// Events that runs wait for
extension StoreSession {
    private static let columns = "id, subject, data, caller_id, caller_roles, idempotency_key, received_at, mode"
    /// The index alone tells which one it is.
    static let following = FixedStatement(
        """
        SELECT \(columns) FROM events WHERE id =
          (SELECT id FROM events
           WHERE subject = ?1 AND id > ?2 AND received_at >= ?3 AND ifnull(mode, ?4) = ?4 ORDER BY id LIMIT 1)
        """
    )
    private static let byKey = FixedStatement(
        """
        SELECT \(columns) FROM events
        WHERE subject = ? AND ifnull(caller_id, x'') = ifnull(?, x'') AND idempotency_key = ?
          AND ifnull(mode, '') IN ('', ?)
        """
    )
    private static let record = FixedStatement(
        """
        INSERT INTO events (subject, data, caller_id, caller_roles, idempotency_key, received_at, mode)
        VALUES (?, ?, ?, ?, ?, ?, ?)
        """
    )
    private static let wake = FixedStatement(
        """
        UPDATE runs INDEXED BY runs_awaiting SET wakes_at = ?1
        WHERE awaits = ?2 AND awaits IS NOT NULL AND status = 'waiting' AND mode = ifnull(?3, mode)
        """
    )
    private static let remove = FixedStatement(
        "DELETE FROM events WHERE id IN (SELECT id FROM events ORDER BY id LIMIT ?) AND received_at < ?"
    )

    func event(
        _ subject: EventSubject,
        mode: Mode,
        after: Int64,
        since: Timestamp
    ) throws(StoreError) -> EventRecord? {
        let statement = try prepared(Self.following)
        statement.bind(subject.text)
        statement.bind(after)
        statement.bind(since)
        statement.bind(mode.rawValue)
        return try first(statement, Self.event)
    }

    func repeatedEvent(_ event: EventRecord) throws(StoreError) -> EventRecord? {
        guard let key = event.idempotencyKey else { return nil }
        let statement = try prepared(Self.byKey)
        statement.bind(event.subject.text)
        statement.bind(event.caller.id)
        statement.bind(key)
        statement.bind(event.mode?.rawValue)
        return try first(statement, Self.event)
    }

    func insertEvent(_ event: EventRecord) throws(StoreError) -> Int64 {
        let statement = try prepared(Self.record)
        statement.bind(event.subject.text)
        try statement.bindExact(event.data, "the event's data")
        statement.bind(event.caller.id)
        statement.bindText(StoredForms.encode(event.caller.roles))
        statement.bind(event.idempotencyKey)
        statement.bind(event.receivedAt)
        statement.bind(event.mode?.rawValue)
        try execute(statement)
        return lastInsertedID
    }

    func wakeRuns(awaiting event: EventRecord) throws(StoreError) {
        claimed = [:]
        let statement = try prepared(Self.wake)
        statement.bind(event.receivedAt)
        statement.bind(event.subject.text)
        statement.bind(event.mode?.rawValue)
        try execute(statement)
    }

    func removeEvents(receivedBefore time: Timestamp, limit: Int) throws(StoreError) {
        let statement = try prepared(Self.remove)
        statement.bind(limit)
        statement.bind(time)
        try execute(statement)
    }

    private static func event(_ row: PreparedStatement) throws(StoreError) -> EventRecord {
        let mode = try row.optionalText(7)
        guard mode == nil || mode.flatMap(Mode.init(rawValue:)) != nil else { throw StoredForms.corrupt("mode") }
        return EventRecord(
            id: try row.int(0),
            subject: EventSubject(text: try row.text(1)),
            data: try row.exactOrNull(2, "the event's data"),
            caller: Caller(id: try row.optionalText(3), roles: try StoredForms.names(row.textBytes(4), "roles")),
            mode: mode.flatMap(Mode.init(rawValue:)),
            idempotencyKey: try row.optionalText(5),
            receivedAt: try row.timestamp(6)
        )
    }
}
