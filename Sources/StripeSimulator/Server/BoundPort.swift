import Synchronization

/// A number that is known later.
final class BoundPort: Sendable {
    private enum State {
        case waiting([CheckedContinuation<Int, Never>])
        case known(Int)
    }
    private let state = Mutex(State.waiting([]))

    func set(_ port: Int) {
        let waiting: [CheckedContinuation<Int, Never>] = state.withLock { state in
            guard case .waiting(let waiting) = state else { return [] }
            state = .known(port)
            return waiting
        }
        for waiter in waiting { waiter.resume(returning: port) }
    }

    func value() async -> Int {
        await withCheckedContinuation { continuation in
            let known: Int? = state.withLock { state in
                switch state {
                case .known(let port): return port
                case .waiting(let waiting):
                    state = .waiting(waiting + [continuation])
                    return nil
                }
            }
            if let known { continuation.resume(returning: known) }
        }
    }
}
