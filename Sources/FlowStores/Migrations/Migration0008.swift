extension Migration {
    /// Deliveries are counted by the session, once a group, and no more by triggers, for each row.
    static let countedByGroups = Migration(
        number: 8,
        sql: """
            DROP TRIGGER deliveries_accepted;
            DROP TRIGGER deliveries_repeated;
            """
    )
}
