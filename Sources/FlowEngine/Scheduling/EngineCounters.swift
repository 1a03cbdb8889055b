import Expressions
import Logging
import Synchronization

/// Figures about the engine's work since it was made; for `/metrics`.
package final class EngineCounters: Sendable {
    /// Why a call was refused before anything happened.
    package enum Refusal: String, Sendable, Hashable, CaseIterable {
        /// Starting, stopping or out of space.
        case notReady = "not-ready"
        /// Too much waited for the writer.
        case overloaded
    }

    package struct Figures: Sendable, Hashable {
        /// Groups committed, and the jobs in them.
        package var groups = 0
        package var jobs = 0
        package var failedGroups = 0
        /// The largest group so far, in jobs.
        package var largestGroup = 0
        package var groupSizes = Histogram.jobs
        /// From a group's begin to its being on disk, in seconds.
        package var groupTimes = Histogram.seconds
        /// Turns that left a run in this status.
        package var turns: [RunStatus: Int] = [:]
        /// From a block's beginning to its recorded end, in seconds, by the block's word.
        package var blockTimes: [String: Histogram] = [:]
        package var refusals: [Refusal: Int] = [:]
    }

    private let state = Mutex(Figures())

    package init() {}

    package var figures: Figures { state.withLock { $0 } }

    func count(_ status: RunStatus, _ timings: [BlockTiming]) {
        state.withLock { figures in
            figures.turns[status, default: 0] += 1
            for timing in timings {
                figures.blockTimes[timing.block, default: .seconds].add(Double(timing.microseconds) / 1e6)
            }
        }
    }

    func count(_ refusal: Refusal) { state.withLock { $0.refusals[refusal, default: 0] += 1 } }

    func countGroup(jobs: Int) {
        state.withLock { figures in
            figures.groups += 1
            figures.jobs += jobs
            figures.largestGroup = max(figures.largestGroup, jobs)
            figures.groupSizes.add(Double(jobs))
        }
    }

    func countGroup(taking time: Duration) {
        let (seconds, attoseconds) = time.components
        state.withLock { $0.groupTimes.add(Double(seconds) + Double(attoseconds) / 1e18) }
    }

    func countFailedGroup() { state.withLock { $0.failedGroups += 1 } }
}

/// A store that notes how long its groups take.
struct TimedStore: Store {
    let base: any Store
    let clock: any Clock
    let counters: EngineCounters

    var bootEpoch: Int64 { base.bootEpoch }

    func writeGroup(_ body: (any StoreTransaction) throws(StoreError) -> Void) throws(StoreError) {
        let begin = clock.now()
        try base.writeGroup(body)
        counters.countGroup(taking: clock.now() - begin)
    }

    func read<Result: Sendable>(
        _ body: @Sendable (any StoreReader) throws(StoreError) -> Result
    ) async throws(StoreError) -> Result {
        try await base.read(body)
    }

    func close() { base.close() }
}

/// Counts groups, rings for those that are durable, and tells the operator of those that failed.
struct GroupReport: GroupObserver {
    var counters: EngineCounters
    var commits: CommitSignal
    var logger: Logger
    var turned: GroupTurns

    func groupBegins() { turned.reset() }

    func groupCommitted(jobs: Int) {
        counters.countGroup(jobs: jobs)
        commits.ring()
    }

    func groupFailed(_ error: StoreError, jobs: Int) {
        counters.countFailedGroup()
        logger.debug("a group failed", metadata: ["code": "\(error.code)", "jobs": "\(jobs)"])
    }
}
