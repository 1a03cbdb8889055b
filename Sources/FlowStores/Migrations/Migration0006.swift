extension Migration {
    /// Fair places among flows, limits of runs at once, chains of changes, runs that do others again.
    static let places = Migration(
        number: 6,
        sql: """
            ALTER TABLE runs ADD COLUMN concurrency TEXT;
            ALTER TABLE runs ADD COLUMN held INTEGER NOT NULL DEFAULT 0;
            ALTER TABLE runs ADD COLUMN generation INTEGER NOT NULL DEFAULT 0;
            ALTER TABLE runs ADD COLUMN rerun_of INTEGER;
            -- By flow, so that the queue of one is never walked to find the first of another.
            DROP INDEX runs_ready;
            CREATE INDEX runs_queue ON runs (flow) WHERE status = 'queued' AND held = 0;
            CREATE INDEX runs_running ON runs (epoch, id) WHERE status = 'running';
            CREATE INDEX runs_concurrency ON runs (concurrency, held, id)
                WHERE concurrency IS NOT NULL AND status NOT IN ('succeeded', 'failed', 'cancelled');
            CREATE INDEX runs_parked ON runs (status)
                WHERE status IN ('waiting', 'retrying', 'paused', 'outcome-unknown', 'quarantined');
            """
    )
}
