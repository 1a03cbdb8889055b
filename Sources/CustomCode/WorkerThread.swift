import Foundation
import Synchronization

/// A thread that owns one worker at a time: the kernel ends a worker together with the thread that started it.
final class WorkerThread: Sendable {
    private struct State: Sendable {
        var jobs: [@Sendable (inout WorkerProcess?) -> Void] = []
        var isStopped = false
    }

    private let state = Mutex(State())
    private let wakes = DispatchSemaphore(value: 0)

    init() {
        let thread = Thread { [self] in run() }
        thread.name = "code-worker"
        thread.start()
    }

    /// Does `body` on the thread, with the worker that the last one left; does not wait for it.
    func submit(_ body: @escaping @Sendable (inout WorkerProcess?) -> Void) {
        state.withLock { $0.jobs.append(body) }
        wakes.signal()
    }

    /// Ends the worker and the thread once what was submitted is done.
    func stop() {
        state.withLock { $0.isStopped = true }
        wakes.signal()
    }

    private func run() {
        var worker: WorkerProcess?
        while true {
            wakes.wait()
            let (job, isOver) = state.withLock { state in
                let job = state.jobs.isEmpty ? nil : state.jobs.removeFirst()
                return (job, job == nil && state.isStopped)
            }
            job?(&worker)
            if isOver { break }
        }
        worker?.end()
    }
}
