extension Migration {
    /// The refusal of a change to a final run, as `FAIL`.
    ///
    /// It comes before the row is touched, so that nothing of it is to be undone. For `ABORT`, which undoes the whole
    /// statement, SQLite kept a copy of each page that any update of a run changed.
    static let cheapRefusals = Migration(
        number: 12,
        sql: """
            DROP TRIGGER runs_final;
            CREATE TRIGGER runs_final BEFORE UPDATE ON runs
                WHEN OLD.status = 'succeeded' OR OLD.status = 'failed' OR OLD.status = 'cancelled'
                BEGIN SELECT RAISE(FAIL, 'runnel: final'); END;
            """
    )
}
