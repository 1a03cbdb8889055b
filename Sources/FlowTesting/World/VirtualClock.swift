import Expressions
import FlowEngine
import Synchronization

/// Time that stands still until somebody moves it on; whoever sleeps wakes when their moment is reached.
final class VirtualClock: Clock {
    private struct Sleeper {
        var deadline: Timestamp
        var continuation: CheckedContinuation<Bool, Never>
    }

    private struct State {
        var now: Timestamp
        var sleepers: [Int: Sleeper] = [:]
        /// Cancelled before they fell asleep.
        var cancelled: Set<Int> = []
        var nextTicket = 0
    }

    private let state: Mutex<State>

    init(_ start: Timestamp) { state = Mutex(State(now: start)) }

    func now() -> Timestamp { state.withLock { $0.now } }

    func sleep(until deadline: Timestamp) async throws {
        let ticket = state.withLock { state in
            state.nextTicket += 1
            return state.nextTicket
        }
        let wasReached = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let outcome: Bool? = state.withLock { state in
                    if state.cancelled.remove(ticket) != nil { return false }
                    if deadline <= state.now { return true }
                    state.sleepers[ticket] = Sleeper(deadline: deadline, continuation: continuation)
                    return nil
                }
                if let outcome { continuation.resume(returning: outcome) }
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

    /// The earliest moment at which somebody wakes.
    var nextWake: Timestamp? {
        state.withLock { state in state.sleepers.values.map(\.deadline).min { $0 < $1 } }
    }

    /// Moves the time on, never back.
    ///
    /// - Returns: How many sleepers were woken.
    @discardableResult
    func advance(to moment: Timestamp) -> Int {
        let due = state.withLock { state in
            if state.now < moment { state.now = moment }
            let due = state.sleepers.filter { $0.value.deadline <= state.now }
            for ticket in due.keys { state.sleepers[ticket] = nil }
            return due.values.sorted { $0.deadline < $1.deadline }
        }
        for sleeper in due { sleeper.continuation.resume(returning: true) }
        return due.count
    }
}
