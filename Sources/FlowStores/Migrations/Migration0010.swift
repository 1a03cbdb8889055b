extension Migration {
    /// Indexes of what somebody looks for among what nobody asks about again.
    ///
    /// Nobody looks for the object of an event that is done with, but each event wrote into an index of all objects, at a
    /// place of its own since Stripe's ids are random. The events that wait for their object to be fetched, and the runs
    /// that failed, were found by reading all. Who waits for an event passed over all earlier ones of its subject, each
    /// with its data, to read when they came.
    static let rareRows = Migration(
        number: 10,
        sql: """
            DROP INDEX deliveries_object;
            CREATE INDEX deliveries_open ON deliveries (status)
                WHERE status = 'unmatched' OR status = 'awaiting';
            CREATE INDEX deliveries_unmatched ON deliveries (object) WHERE status = 'unmatched';
            CREATE INDEX runs_undone ON runs (status)
                WHERE (status = 'failed' OR status = 'cancelled');
            DROP INDEX events_subject;
            CREATE INDEX events_subject ON events (subject, id, received_at);
            """
    )
}
