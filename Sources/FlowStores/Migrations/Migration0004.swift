extension Migration {
    /// What a replay needs of an entry besides the entry: rows read and changed, the answer from outside.
    static let evidence = Migration(
        number: 4,
        sql: """
            ALTER TABLE entries ADD COLUMN accesses TEXT;
            ALTER TABLE entries ADD COLUMN receipt TEXT;
            """
    )
}
