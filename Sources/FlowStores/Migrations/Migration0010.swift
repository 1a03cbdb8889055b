extension Migration {
    /// An index of the deliveries that are looked for again, in the place of one of all objects.
    ///
    /// Nobody looks for the object of an event that is done with, but each event wrote into its index, at a place of its
    /// own since Stripe's ids are random. And those that wait for their object to be fetched were found by reading all.
    static let openDeliveries = Migration(
        number: 10,
        sql: """
            DROP INDEX deliveries_object;
            CREATE INDEX deliveries_open ON deliveries (status, object)
                WHERE status = 'unmatched' OR status = 'awaiting';
            """
    )
}
