import Dispatch
import FlowEngine
import Foundation
import Synchronization

/// One thread for everything that writes to the store, as long as the process lives.
///
/// The system's queues move their work between threads, and `strace` counts the calls of each thread by itself: only of
/// one that does all the writing is the N-th call a place in the whole run.
final class PinnedThread: WriterThread {
    private let waiting = Mutex<[@Sendable () -> Void]>([])
    private let count = DispatchSemaphore(value: 0)

    init() {
        Thread.detachNewThread { [self] in
            while true {
                count.wait()
                waiting.withLock { $0.removeFirst() }()
            }
        }
    }

    func run(_ work: @escaping @Sendable () -> Void) {
        waiting.withLock { $0.append(work) }
        count.signal()
    }

    /// Runs `body` on the thread and waits for it.
    func perform<R: Sendable>(_ body: @escaping @Sendable () throws -> R) async throws -> R {
        try await withCheckedThrowingContinuation { continuation in
            run { continuation.resume(with: Result { try body() }) }
        }
    }
}
