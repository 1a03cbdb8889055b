extension Migration {
    /// Events that runs wait for.
    ///
    /// A subject is an event's name and, behind a line break, its key.
    static let events = Migration(
        number: 7,
        sql: """
            ALTER TABLE runs ADD COLUMN awaits TEXT;
            CREATE INDEX runs_awaiting ON runs (awaits) WHERE awaits IS NOT NULL AND status = 'waiting';

            -- AUTOINCREMENT: runs remember the number of the last event that they saw.
            CREATE TABLE events (
                id              INTEGER PRIMARY KEY AUTOINCREMENT,
                subject         TEXT NOT NULL,
                data            TEXT,
                caller_id       TEXT,
                caller_roles    TEXT NOT NULL,
                idempotency_key TEXT,
                received_at     INTEGER NOT NULL
            ) STRICT;
            CREATE INDEX events_subject ON events (subject, id);
            CREATE UNIQUE INDEX events_idempotency ON events (subject, ifnull(caller_id, x''), idempotency_key)
                WHERE idempotency_key IS NOT NULL;
            """
    )
}
