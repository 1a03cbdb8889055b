extension Migration {
    /// Due runs are found flow by flow, as queued ones are.
    ///
    /// The earliest of all flows were looked at before each flow's share of the places was known: those of a flow that had
    /// its share already hid those of every other flow.
    static let dueByFlow = Migration(
        number: 11,
        sql: """
            DROP INDEX runs_due;
            CREATE INDEX runs_due ON runs (flow, wakes_at)
                WHERE status IN ('waiting', 'retrying') AND wakes_at IS NOT NULL;
            """
    )
}
