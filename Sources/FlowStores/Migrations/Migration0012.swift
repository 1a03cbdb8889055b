extension Migration {
    /// The refusal of a change to a final run, as `ROLLBACK`.
    ///
    /// No statement of the engine comes so far: each says itself that it means open runs. One that does must not go on.
    /// For `ABORT`, which undoes the statement alone, SQLite kept a copy of each page that any update of a run changed.
    static let cheapRefusals = Migration(
        number: 12,
        sql: """
            DROP TRIGGER runs_final;
            CREATE TRIGGER runs_final BEFORE UPDATE ON runs
                WHEN OLD.status = 'succeeded' OR OLD.status = 'failed' OR OLD.status = 'cancelled'
                BEGIN SELECT RAISE(ROLLBACK, 'runnel: final'); END;
            """
    )
}
