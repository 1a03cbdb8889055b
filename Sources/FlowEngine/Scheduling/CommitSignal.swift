import Synchronization

/// Tells whoever waits that something more is durable; carries nothing, so it can neither grow nor fall behind.
package final class CommitSignal: Sendable {
    private struct State {
        var count: UInt64 = 0
        var waiters: [UInt64: CheckedContinuation<UInt64, Never>] = [:]
        var cancelled: Set<UInt64> = []
        var nextTicket: UInt64 = 0
    }

    private let state = Mutex(State())

    /// Lets everyone go who waits.
    package func ring() {
        let (count, waiters) = state.withLock { state in
            state.count += 1
            defer { state.waiters = [:] }
            return (state.count, state.waiters)
        }
        for waiter in waiters.values { waiter.resume(returning: count) }
    }

    /// Returns once it has rung since `count`, which an earlier call returned (0: ever), or the task is cancelled.
    package func next(after count: UInt64) async -> UInt64 {
        let ticket = state.withLock { state in
            defer { state.nextTicket += 1 }
            return state.nextTicket
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let now: UInt64? = state.withLock { state in
                    if state.cancelled.remove(ticket) != nil || state.count != count { return state.count }
                    state.waiters[ticket] = continuation
                    return nil
                }
                if let now { continuation.resume(returning: now) }
            }
        } onCancel: {
            let waiter = state.withLock { state in
                if let waiter = state.waiters.removeValue(forKey: ticket) { return Optional(waiter) }
                state.cancelled.insert(ticket)
                return nil
            }
            waiter?.resume(returning: count)
        }
    }
}
