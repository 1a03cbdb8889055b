package import Expressions
import FlowEngine
import Synchronization

/// A clock that stands still until a test moves it.
package final class ManualClock: Clock {
    private struct Sleeper {
        var deadline: Timestamp
        var continuation: CheckedContinuation<Bool, Never>
    }

    private struct State {
        var now: Timestamp
        var sleepers: [Int: Sleeper] = [:]
        var cancelled: Set<Int> = []
        var nextTicket = 0
        /// Tests that wait for somebody to be due by a time.
        var watchers: [Int: Watcher] = [:]
    }

    private struct Watcher {
        var deadline: Timestamp
        var continuation: CheckedContinuation<Void, Never>
    }

    private let state: Mutex<State>
    private let tick: Duration?

    /// With a `tick`, each look at the clock moves it on, as a real one moves: no two moments are the same.
    package init(_ start: String = "2026-11-20T10:00:00Z", tick: Duration? = nil) {
        guard let now = Timestamp(rfc3339: start) else { preconditionFailure("no RFC 3339 time: \(start)") }
        state = Mutex(State(now: now))
        self.tick = tick
    }

    package func now() -> Timestamp {
        state.withLock { state in
            let now = state.now
            if let tick, let next = now + tick { state.now = next }
            return now
        }
    }

    package func sleep(until deadline: Timestamp) async throws {
        let ticket = state.withLock { state in
            defer { state.nextTicket += 1 }
            return state.nextTicket
        }
        let wasReached = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let (outcome, watchers): (Bool?, [Int: Watcher]) = state.withLock { state in
                    if state.cancelled.remove(ticket) != nil { return (false, [:]) }
                    if deadline <= state.now { return (true, [:]) }
                    state.sleepers[ticket] = Sleeper(deadline: deadline, continuation: continuation)
                    let watchers = state.watchers.filter { $0.value.deadline >= deadline }
                    for id in watchers.keys { state.watchers[id] = nil }
                    return (nil, watchers)
                }
                if let outcome { continuation.resume(returning: outcome) }
                for watcher in watchers.values { watcher.continuation.resume() }
            }
        } onCancel: {
            let sleeper = state.withLock { state in
                if let sleeper = state.sleepers.removeValue(forKey: ticket) { return Optional(sleeper) }
                state.cancelled.insert(ticket)
                return nil
            }
            sleeper?.continuation.resume(returning: false)
        }
        if !wasReached { throw CancellationError() }
    }

    /// How many sleep.
    package var sleeperCount: Int { state.withLock { $0.sleepers.count } }

    /// Moves the clock on and wakes those whose time has come.
    package func advance(by span: Duration) {
        let due = state.withLock { state in
            guard let later = state.now + span else { preconditionFailure("the clock has run out") }
            state.now = later
            let due = state.sleepers.filter { $0.value.deadline <= later }
            for ticket in due.keys { state.sleepers[ticket] = nil }
            return due.values.sorted { $0.deadline < $1.deadline }
        }
        for sleeper in due { sleeper.continuation.resume(returning: true) }
    }

    /// Returns once somebody sleeps who is due within `span`, or when the test's time is over.
    package func waitForSleeper(within span: Duration) async {
        let id = state.withLock { state in
            defer { state.nextTicket += 1 }
            return state.nextTicket
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let sleeps = state.withLock { state in
                    guard let deadline = state.now + span else { preconditionFailure("the clock has run out") }
                    if Task.isCancelled || state.sleepers.values.contains(where: { $0.deadline <= deadline }) {
                        return true
                    }
                    state.watchers[id] = Watcher(deadline: deadline, continuation: continuation)
                    return false
                }
                if sleeps { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.watchers.removeValue(forKey: id) }?.continuation.resume()
        }
    }
}
