extension Migration {
    /// Idempotency keys of test and live mode, which are two worlds: a call in one is no repetition of one in the other.
    ///
    /// Events that came before have no mode, and count in both.
    static let keysByMode = Migration(
        number: 13,
        sql: """
            DROP INDEX runs_idempotency;
            CREATE UNIQUE INDEX runs_idempotency ON runs (flow, ifnull(caller_id, x''), idempotency_key, mode)
                WHERE idempotency_key IS NOT NULL;

            ALTER TABLE events ADD COLUMN mode TEXT;
            DROP INDEX events_idempotency;
            CREATE UNIQUE INDEX events_idempotency ON events
                (subject, ifnull(caller_id, x''), idempotency_key, ifnull(mode, ''))
                WHERE idempotency_key IS NOT NULL;
            """
    )
}
