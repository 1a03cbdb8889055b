extension Migration {
    /// When scheduled flows fire next.
    static let schedules = Migration(
        number: 5,
        sql: """
            CREATE TABLE schedules (
                flow       TEXT PRIMARY KEY,
                definition TEXT NOT NULL,
                next_at    INTEGER
            ) STRICT, WITHOUT ROWID;
            """
    )
}
