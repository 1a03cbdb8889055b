import Foundation
import Synchronization

/// The state between its callers: the HTTP routes and the deliverer of web hooks.
///
/// Every call tells the state the real time first. This is the one place that reads it.
final class SimulatorHost: Sendable {
    private let state: Mutex<SimulatorState>
    private let bell = Bell()

    init(_ state: SimulatorState) { self.state = Mutex(state) }

    private static var realTime: SimulatorInstant {
        SimulatorInstant(milliseconds: Int64(Date().timeIntervalSince1970 * 1_000))
    }

    func listen(at baseURL: String) {
        state.withLock { state in
            state.settings.baseURL = baseURL
            for key in state.keysInOrder { state.ledgers[key]?.baseURL = baseURL }
        }
    }

    func handle(_ request: SimulatorRequest) -> SimulatorResponse {
        let (response, isDue) = state.withLock { state in
            state.observe(Self.realTime)
            let response = state.handle(request)
            return (response, state.hasWaitingWebhooks)
        }
        if isDue { bell.ring() }
        return response
    }

    func takeDueWebhooks(limit: Int) -> [OutgoingWebhook] {
        state.withLock { state in
            state.observe(Self.realTime)
            return state.takeDueWebhooks(limit: limit)
        }
    }

    func report(_ webhook: OutgoingWebhook, status: Int?, failure: String?) {
        state.withLock { state in
            state.observe(Self.realTime)
            state.report(webhook, status: status, failure: failure)
        }
        bell.ring()
    }

    /// Waits until something may be due; with no place free, until something is reported.
    func waitForWork(isFull: Bool) async {
        let pause: Duration? = state.withLock { state in
            guard !isFull, state.clock.runs, let due = state.nextDue else { return nil }
            state.observe(Self.realTime)
            return .milliseconds(max(1, due.milliseconds - state.clock.now.milliseconds))
        }
        await bell.wait(atMost: pause)
    }
}

/// Wakes one waiting task.
private final class Bell: Sendable {
    private struct State {
        var isRung = false
        var waiter: CheckedContinuation<Void, Never>?
    }
    private let state = Mutex(State())

    func ring() {
        let waiter = state.withLock { state in
            let waiter = state.waiter
            state.waiter = nil
            state.isRung = waiter == nil
            return waiter
        }
        waiter?.resume()
    }

    /// Returns when it rings, when the time is over, or when the task is cancelled.
    func wait(atMost pause: Duration?) async {
        await withTaskGroup(of: Void.self) { group in
            if let pause {
                // Cancelled when the bell was first; then the answer does not matter.
                group.addTask { try? await ContinuousClock().sleep(for: pause) }
            }
            group.addTask { await self.waitForRing() }
            await group.next()
            group.cancelAll()
        }
    }

    private func waitForRing() async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
                let isOver = state.withLock { state in
                    if state.isRung || Task.isCancelled {
                        state.isRung = false
                        return true
                    }
                    state.waiter = continuation
                    return false
                }
                if isOver { continuation.resume() }
            }
        } onCancel: {
            let waiter = state.withLock { state in
                defer { state.waiter = nil }
                return state.waiter
            }
            waiter?.resume()
        }
    }
}

extension SimulatorState {
    var hasWaitingWebhooks: Bool { ledgers.values.contains { !$0.deliveries.active.isEmpty } }
}
