import Logging
import Synchronization

/// Figures about the engine's work since it was made; for `/metrics`.
package final class EngineCounters: Sendable {
    package struct Figures: Sendable, Hashable {
        /// Groups committed, and the jobs in them.
        package var groups = 0
        package var jobs = 0
        package var failedGroups = 0
        /// The largest group so far, in jobs.
        package var largestGroup = 0
        /// Turns that left a run in this status.
        package var turns: [RunStatus: Int] = [:]
    }

    private let state = Mutex(Figures())

    package init() {}

    package var figures: Figures { state.withLock { $0 } }

    func count(_ status: RunStatus) { state.withLock { $0.turns[status, default: 0] += 1 } }

    func countGroup(jobs: Int) {
        state.withLock { figures in
            figures.groups += 1
            figures.jobs += jobs
            figures.largestGroup = max(figures.largestGroup, jobs)
        }
    }

    func countFailedGroup() { state.withLock { $0.failedGroups += 1 } }
}

/// Counts groups, rings for those that are durable, and tells the operator of those that failed.
struct GroupReport: GroupObserver {
    var counters: EngineCounters
    var commits: CommitSignal
    var logger: Logger

    func groupCommitted(jobs: Int) {
        counters.countGroup(jobs: jobs)
        commits.ring()
    }

    func groupFailed(_ error: StoreError, jobs: Int) {
        counters.countFailedGroup()
        logger.debug("a group failed", metadata: ["code": "\(error.code)", "jobs": "\(jobs)"])
    }
}
