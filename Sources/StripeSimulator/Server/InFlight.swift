import Synchronization

/// How many web hooks are being sent.
final class InFlight: Sendable {
    private let number = Mutex(0)

    var count: Int { number.withLock { $0 } }

    func change(by delta: Int) { number.withLock { $0 += delta } }
}
