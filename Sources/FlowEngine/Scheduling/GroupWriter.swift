import Dispatch
import Synchronization

/// Puts all writes of the engine into groups: one transaction and one sync for many runs and callers.
///
/// One thread at a time works here, and nothing can cancel it. While a group is being committed the next one gathers.
final class GroupWriter: Sendable {
    struct Job: Sendable {
        /// Runs inside the open group; what it throws undoes what it did, and that alone.
        ///
        /// May be run again when the group was undone, so it leaves no trace but in the transaction. Jobs put into the array join the same group, behind those
        /// that are in it.
        var body: @Sendable (any StoreTransaction, inout [Job]) throws(StoreError) -> Void
        /// Called once, on the writer's thread, when the outcome is known; must not block.
        var done: @Sendable (Result<Void, StoreError>) -> Void
        /// The run on whose account the process may die: then its job has a group of its own.
        var suspect: RunID?
    }

    private struct State {
        var jobs: [Job] = []
        var isDraining = false
        /// So many groups still keep their jobs apart by savepoints, because a job failed not long ago.
        var guardedGroups = 0
        /// Those who wait until nothing is left to do.
        var idlers: [CheckedContinuation<Void, Never>] = []
    }

    private let store: any Store
    private let observer: any GroupObserver
    private let state = Mutex(State())
    private let thread: any WriterThread

    init(store: any Store, observer: any GroupObserver, thread: any WriterThread) {
        self.store = store
        self.observer = observer
        self.thread = thread
    }

    /// The number of jobs that wait; for back-pressure.
    var backlog: Int { state.withLock { $0.jobs.count } }

    func submit(_ job: Job) {
        let mustStart = state.withLock { state in
            state.jobs.append(job)
            defer { state.isDraining = true }
            return !state.isDraining
        }
        if mustStart { thread.run { self.drain() } }
    }

    /// Nothing waits and no group is open.
    var isIdle: Bool { state.withLock { !$0.isDraining } }

    /// Returns when nothing waits and no group is open; makes no group for it.
    func idle() async {
        await withCheckedContinuation { continuation in
            let isIdle = state.withLock { state in
                if state.isDraining { state.idlers.append(continuation) }
                return !state.isDraining
            }
            if isIdle { continuation.resume() }
        }
    }

    /// Submits `body`; `done` is called once, on the writer's thread, with what it gave, when that is durable.
    func perform<R: Sendable>(
        suspect: RunID? = nil,
        _ body: @escaping @Sendable (any StoreTransaction, inout [Job]) throws(StoreError) -> R,
        done: @escaping @Sendable (Result<R, StoreError>) -> Void
    ) {
        let slot = Slot<R>()
        submit(
            Job(
                body: { (transaction, more) throws(StoreError) in slot.put(try body(transaction, &more)) },
                done: { outcome in done(outcome.map { slot.take() }) },
                suspect: suspect
            )
        )
    }

    /// Submits `body` and returns what it gave, once that is durable.
    ///
    /// `then` runs on the writer's thread before the caller goes on. Not cancellable: a caller that goes away changes
    /// nothing.
    func perform<R: Sendable>(
        suspect: RunID? = nil,
        _ body: @escaping @Sendable (any StoreTransaction, inout [Job]) throws(StoreError) -> R,
        then: @escaping @Sendable (R) -> Void = { _ in }
    ) async throws(StoreError) -> R {
        let outcome: Result<R, StoreError> = await withCheckedContinuation { continuation in
            perform(suspect: suspect, body) { outcome in
                if case .success(let result) = outcome { then(result) }
                continuation.resume(returning: outcome)
            }
        }
        return try outcome.get()
    }
}

extension GroupWriter {
    /// Returns when everything that was submitted before is done.
    func drained() async {
        // An empty job that fails has waited its turn all the same.
        try? await perform { (_, _) throws(StoreError) in }
    }
}

/// Where the writer works: one piece of work at a time, which nothing can cancel.
package protocol WriterThread: Sendable {
    /// Runs `work` soon, behind what was given before.
    func run(_ work: @escaping @Sendable () -> Void)
}

/// A thread of the system's own, outside of the pool that tasks share: it blocks while the disk writes.
package struct SystemWriterThread: WriterThread {
    private let queue = DispatchQueue(label: "runnel.writer")

    package init() {}

    package func run(_ work: @escaping @Sendable () -> Void) { queue.async(execute: work) }
}

/// Hears what became of groups.
protocol GroupObserver: Sendable {
    /// Also when the jobs of a group that was undone are done again.
    func groupBegins()
    func groupCommitted(jobs: Int)
    func groupFailed(_ error: StoreError, jobs: Int)
}

/// Carries a job's result from its body, which may run more than once, to its end.
final class Slot<Content: Sendable>: Sendable {
    private let content = Mutex<Content?>(nil)

    func put(_ content: Content) { self.content.withLock { $0 = content } }

    /// What the last run of the body left; the body has run when its job is done.
    func take() -> Content {
        guard let content = content.withLock({ $0 }) else { preconditionFailure("the job was done without its body") }
        return content
    }
}

// MARK: On the writer's thread

extension GroupWriter {
    private func drain() {
        while let group = takeGroup() { run(group) }
        for idler in takeIdlers() { idler.resume() }
    }

    /// Nobody, when a job came in between: its own drain lets them go.
    private func takeIdlers() -> [CheckedContinuation<Void, Never>] {
        state.withLock { state in
            guard !state.isDraining else { return [] }
            defer { state.idlers = [] }
            return state.idlers
        }
    }

    private func takeGroup() -> [Job]? {
        state.withLock { state in
            guard let first = state.jobs.first else {
                state.isDraining = false
                return nil
            }
            if first.suspect != nil { return [state.jobs.removeFirst()] }
            let group = Array(state.jobs.prefix { $0.suspect == nil }.prefix(Limits.jobsPerGroup))
            state.jobs.removeFirst(group.count)
            return group
        }
    }

    /// How the jobs of a group are kept from each other.
    private enum Guarding {
        /// Not at all, since a job seldom fails: then the group is undone, and done again with savepoints. A savepoint
        /// copies each page that is written behind it, which is a good part of a small job's cost.
        case trusting
        /// Each job has a savepoint.
        case savepoints
        /// The only job of its group, after that group was undone: nobody is to be blamed for a neighbour.
        case replay
    }

    private func run(_ group: [Job]) {
        let isGuarded = state.withLock { state in
            defer { state.guardedGroups = max(0, state.guardedGroups - 1) }
            return state.guardedGroups > 0
        }
        run(group, isGuarded ? .savepoints : .trusting)
    }

    private func run(_ group: [Job], _ guarding: Guarding) {
        if group.count == 1, let suspect = group.first?.suspect { mark(suspect) }
        var jobs = group
        var outcomes: [Result<Void, StoreError>] = []
        var apart: [Job] = []
        var wasTrustedInVain = false
        do throws(StoreError) {
            try store.writeGroup { (transaction) throws(StoreError) in
                observer.groupBegins()
                let triggering = transaction as? TriggeringTransaction
                jobs = group
                outcomes = []
                apart = []
                while outcomes.count < jobs.count {
                    var more: [Job] = []
                    // What the job changes is nobody's doing until a turn in it says whose.
                    triggering?.generation = Generation()
                    let outcome = try attempt(jobs[outcomes.count], guarding, in: transaction, &more)
                    if guarding == .trusting, case .failure(let error) = outcome {
                        wasTrustedInVain = true
                        throw error
                    }
                    outcomes.append(outcome)
                    if guarding == .replay || jobs.count + more.count > 2 * Limits.jobsPerGroup {
                        apart += more
                    } else {
                        jobs += more
                    }
                }
            }
        } catch {
            if wasTrustedInVain, !error.endsGroup {
                state.withLock { $0.guardedGroups = Limits.guardedGroups }
                run(group, .savepoints)
            } else {
                undo(group, jobs: jobs, error, isReplay: guarding == .replay)
            }
            return
        }
        observer.groupCommitted(jobs: jobs.count)
        for (job, outcome) in zip(jobs, outcomes) { job.done(outcome) }
        if guarding == .replay {
            for job in apart { run([job], .replay) }
        } else if !apart.isEmpty {
            state.withLock { $0.jobs.insert(contentsOf: apart, at: 0) }
        }
        if group.count == 1, group.first?.suspect != nil { mark(nil) }
    }

    /// - Throws: Only what ends the whole group; other errors are the job's own.
    private func attempt(
        _ job: Job,
        _ guarding: Guarding,
        in transaction: any StoreTransaction,
        _ more: inout [Job]
    ) throws(StoreError) -> Result<Void, StoreError> {
        do throws(StoreError) {
            if guarding == .trusting {
                try job.body(transaction, &more)
            } else {
                try transaction.savepoint { () throws(StoreError) in try job.body(transaction, &more) }
            }
            return .success(())
        } catch {
            if error.endsGroup { throw error }
            more = []
            return .failure(error)
        }
    }

    /// Tries the parts of an undone group one by one where one of them may be to blame, so that it fails alone.
    private func undo(_ group: [Job], jobs: [Job], _ error: StoreError, isReplay: Bool) {
        observer.groupFailed(error, jobs: jobs.count)
        if error.code == .groupFailed, !isReplay {
            // Jobs that joined on the way are put in again by those that put them in before.
            for job in group { run([job], .replay) }
        } else {
            for job in jobs { job.done(.failure(error)) }
        }
        // A replay has taken its own mark back.
        if group.count == 1, group.first?.suspect != nil { mark(nil) }
    }

    /// Notes which run is executing alone: the next start finds it when this process does not survive.
    private func mark(_ run: RunID?) {
        let mark = run.map { Array($0.description.utf8) } ?? []
        do throws(StoreError) {
            try store.writeGroup { (transaction) throws(StoreError) in
                try transaction.setSetting(Self.suspectSetting, mark)
            }
        } catch {
            // Without the mark a crash gives no strike; the run itself is unharmed.
            observer.groupFailed(error, jobs: 0)
        }
    }

    /// The store's setting that names the run which is executing alone.
    static let suspectSetting = "engine.suspect"
}

extension StoreError {
    /// The transaction is gone, or must not be committed.
    var endsGroup: Bool { [.full, .busy, .unavailable, .groupFailed, .closed].contains(code) }

    /// The store as a whole takes no writes; not the fault of what was to be written.
    var stopsIntake: Bool { code == .full || code == .busy || code == .unavailable }
}
