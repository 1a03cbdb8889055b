extension Migration {
    /// A run sees events of its own mode, which the index tells alone; and the runs that do another one again are found.
    static let eventsByModeAndReruns = Migration(
        number: 14,
        sql: """
            DROP INDEX events_subject;
            CREATE INDEX events_subject ON events (subject, id, received_at, mode);
            CREATE INDEX runs_reruns ON runs (rerun_of) WHERE rerun_of IS NOT NULL;
            """
    )
}
