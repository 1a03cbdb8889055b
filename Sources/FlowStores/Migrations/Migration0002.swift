extension Migration {
    /// What operators want of runs; the sub-flows that a run waits for.
    static let halts = Migration(
        number: 2,
        sql: """
            ALTER TABLE runs ADD COLUMN halt TEXT;
            CREATE INDEX runs_children ON runs (parent_run)
                WHERE parent_run IS NOT NULL AND status NOT IN ('succeeded', 'failed', 'cancelled');
            """
    )
}
