package import Expressions

/// How long what is over is kept.
package struct Retention: Sendable, Hashable {
    /// From a run's end; its journal and its idempotency key go with it.
    ///
    /// A sub-flow or branch stays as long as the run that waited for it, of which it is a part.
    package var runs: Duration
    /// From an event's arrival: as long as its sender may still repeat it or list it (Stripe: 30 days).
    package var deliveries: Duration
    /// From the engine's start to its first look, so that one that is started anew each hour looks too.
    package var firstLook = Duration.seconds(300)

    package init(runs: Duration, deliveries: Duration) {
        self.runs = runs
        self.deliveries = max(deliveries, Self.shortestDeliveries)
    }

    /// Stripe lists events for 30 days; forgetting one earlier could start a second run for it.
    package static let shortestDeliveries = Duration.seconds(31 * 86_400)
    package static let standard = Retention(runs: .seconds(90 * 86_400), deliveries: .seconds(35 * 86_400))
}

/// A stretch of the store that is looked through for what is old enough to go.
package struct PruneOrder: Sendable, Hashable {
    /// Final runs that ended before go, each behind the run that waited for it.
    package var runsBefore: Timestamp
    /// Deliveries that came before go.
    package var deliveriesBefore: Timestamp
    /// Runs up to this one have been looked at.
    package var after: RunID
    /// Runs, and deliveries, that are looked at in one call.
    package var limit: Int
    /// Entries that go in one call at most: nobody waits long for the writer.
    package var entryLimit: Int

    package init(
        runsBefore: Timestamp,
        deliveriesBefore: Timestamp,
        after: RunID = RunID(0),
        limit: Int = 200,
        entryLimit: Int = 2_000
    ) {
        self.runsBefore = runsBefore
        self.deliveriesBefore = deliveriesBefore
        self.after = after
        self.limit = limit
        self.entryLimit = entryLimit
    }
}
