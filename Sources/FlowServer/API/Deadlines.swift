import Expressions
import FlowEngine
import Synchronization

/// One time limit for many requests, kept by one sleeper.
///
/// A timer of its own for each request would cost more than reading its body does.
final class Deadlines: Sendable {
    private struct Waiter {
        var deadline: Timestamp
        var continuation: CheckedContinuation<Bool, Never>
    }

    private struct State {
        var waiters: [Int: Waiter] = [:]
        /// Cancelled before they began to wait.
        var cancelled: Set<Int> = []
        var nextTicket = 0
        var isWatched = false
    }

    private let clock: any FlowEngine.Clock
    private let limit: Duration
    private let state = Mutex(State())

    init(clock: any FlowEngine.Clock, limit: Duration) {
        self.clock = clock
        self.limit = limit
    }

    /// Runs `body` for as long as the limit allows.
    ///
    /// - Returns: What `body` gave; nil when the time was over first, and `body` was cancelled.
    func within<R: Sendable>(_ body: @escaping @Sendable () async throws -> R) async throws -> R? {
        guard let deadline = clock.now() + limit else { return nil }
        return try await withThrowingTaskGroup(of: R?.self) { group in
            group.addTask { try await body() }
            group.addTask { [self] in
                if await wait(until: deadline) { return nil }
                throw CancellationError()
            }
            defer { group.cancelAll() }
            return try await group.next() ?? nil
        }
    }

    /// - Returns: Whether the time has come; false when the task was cancelled before.
    private func wait(until deadline: Timestamp) async -> Bool {
        let ticket = state.withLock { state in
            state.nextTicket += 1
            return state.nextTicket
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let (isCancelled, mustWatch) = state.withLock { state in
                    if state.cancelled.remove(ticket) != nil { return (true, false) }
                    state.waiters[ticket] = Waiter(deadline: deadline, continuation: continuation)
                    defer { state.isWatched = true }
                    return (false, !state.isWatched)
                }
                if isCancelled { continuation.resume(returning: false) }
                // Ends by itself once nobody waits; nothing of a request depends on it but its limit.
                if mustWatch { Task { await watch(from: deadline) } }
            }
        } onCancel: {
            let waiter = state.withLock { state in
                let waiter = state.waiters.removeValue(forKey: ticket)
                if waiter == nil { state.cancelled.insert(ticket) }
                return waiter
            }
            waiter?.continuation.resume(returning: false)
        }
    }

    /// Sleeps to the earliest deadline, and on to the next, until nobody waits.
    private func watch(from first: Timestamp) async {
        var next: Timestamp? = first
        while let deadline = next {
            // Nobody cancels this task; a clock that fails must not let requests wait for ever.
            try? await clock.sleep(until: deadline)
            let now = max(clock.now(), deadline)
            let (due, later) = state.withLock { state in
                let due = state.waiters.filter { $0.value.deadline <= now }
                for ticket in due.keys { state.waiters[ticket] = nil }
                let later = state.waiters.values.map(\.deadline).min()
                if later == nil { state.isWatched = false }
                return (due, later)
            }
            for waiter in due.values { waiter.continuation.resume(returning: true) }
            next = later
        }
    }
}
