import Expressions
import FlowLanguage
import Logging

// What is over goes after a while, a little at a time.
extension Engine {
    /// Between two looks for what is old enough; the first one comes sooner.
    private static let pause = Duration.seconds(3_600)

    /// Prunes now and then until the task is cancelled.
    func pruneRegularly() async {
        var pause = retention.firstLook
        while !Task.isCancelled {
            guard let next = clock.now() + pause, (try? await clock.sleep(until: next)) != nil else { return }
            pause = Self.pause
            do throws(StoreError) {
                try await prune()
            } catch {
                if error.code == .closed { return }
                logger.warning("old runs could not be removed", metadata: ["code": "\(error.code)"])
            }
        }
    }

    /// Removes everything that is older than `retention` says, in small groups between which others get their turn.
    ///
    /// - Throws: As `write`; what was removed before stays removed.
    package func prune() async throws(StoreError) {
        let now = clock.now()
        guard let runsBefore = now + (.zero - retention.runs),
            let deliveriesBefore = now + (.zero - retention.deliveries)
        else { return }
        var order: PruneOrder? = PruneOrder(runsBefore: runsBefore, deliveriesBefore: deliveriesBefore)
        while let current = order {
            order = try await writer.perform { (transaction, _) throws(StoreError) in
                let next = try transaction.prune(current)
                try Failpoint.pruneBeforeCommit.reach()
                return next
            }
            Failpoint.pruneAfterCommit.pass()
        }
    }
}
