import CCurl

/// The transfers of one thread: those under way and those that wait for a place.
struct TransferLoop: ~Copyable {
    private let configuration: HTTPClient.Configuration
    private let multi: MultiHandle
    private var active: [UnsafeMutableRawPointer: Transfer] = [:]
    private var handles: [UInt64: UnsafeMutableRawPointer] = [:]
    /// In order of arrival, each with the time at which waiting is over.
    private var waiting: [(submission: Submission, deadline: ContinuousClock.Instant)] = []

    init?(configuration: HTTPClient.Configuration) {
        guard let multi = MultiHandle(idleConnectionsMax: configuration.idleConnectionsMax) else { return nil }
        self.multi = multi
        self.configuration = configuration
    }

    var bell: MultiHandle.Bell { multi.bell }

    /// Starts, queues or takes down a request.
    mutating func obey(_ command: TransferDriver.Command) {
        switch command {
        case .start(let submission):
            if active.count < configuration.transfersMax {
                start(submission, timeout: submission.request.timeout)
            } else if waiting.count < configuration.waitingMax {
                waiting.append((submission, .now + submission.request.timeout))
            } else {
                submission.refuse(.overloaded)
            }
        case .cancel(let number):
            if let easy = handles[number] {
                take(easy)?.fail(.cancelled)
            } else if let place = waiting.firstIndex(where: { $0.submission.number == number }) {
                waiting.remove(at: place).submission.refuse(.cancelled)
            }
        }
    }

    /// Moves every transfer on, resumes the callers of those that ended, then waits for something to happen.
    ///
    /// False if libcurl cannot go on; the loop is then to be ended.
    mutating func turn() -> Bool {
        guard multi.perform() else { return false }
        while let (easy, code) = multi.nextEnded() {
            take(easy)?.end(code)
        }
        startWaiting()
        return multi.wait(milliseconds: pause())
    }

    /// Takes every transfer down.
    ///
    /// Nothing is under way or waits afterwards.
    mutating func end(with code: HTTPError.Code) {
        for easy in Array(active.keys) { take(easy)?.fail(code) }
        for (submission, _) in waiting { submission.refuse(code) }
        waiting = []
    }

    private mutating func start(_ submission: Submission, timeout: Duration) {
        let transfer: Transfer
        do {
            transfer = try Transfer(submission, timeout: timeout, configuration: configuration)
        } catch {
            submission.caller.resume(returning: .failure(error))
            return
        }
        let easy = transfer.easyPointer
        guard multi.add(easy) else { return transfer.fail(.unusable) }
        active[easy] = transfer
        handles[submission.number] = easy
    }

    /// Fills free places from the queue, and gives up on those whose time has passed.
    private mutating func startWaiting() {
        guard !waiting.isEmpty else { return }
        let now = ContinuousClock.now
        for entry in waiting where entry.deadline <= now { entry.submission.refuse(.timedOut) }
        waiting.removeAll { $0.deadline <= now }
        let places = min(waiting.count, configuration.transfersMax - active.count)
        guard places > 0 else { return }
        let next = waiting.prefix(places)
        waiting.removeFirst(places)
        for entry in next { start(entry.submission, timeout: entry.deadline - now) }
    }

    /// Removes a transfer from libcurl and from the tables; its connection goes back to the pool if it is sound.
    private mutating func take(_ easy: UnsafeMutableRawPointer) -> Transfer? {
        guard let transfer = active.removeValue(forKey: easy) else { return nil }
        handles.removeValue(forKey: transfer.number)
        multi.remove(easy)
        return transfer
    }

    /// How long to wait for an event: libcurl shortens it by its own timers, the queue's deadlines are ours.
    private func pause() -> Int32 {
        guard let first = waiting.lazy.map(\.deadline).min() else { return 60_000 }
        let left = ContinuousClock.now.duration(to: first)
        return Int32(clamping: max(0, min(60_000, left.milliseconds + 1)))
    }
}

extension Duration {
    /// Whole milliseconds, rounded up and kept within what libcurl's `long` options take.
    var milliseconds: Int {
        let (seconds, attoseconds) = components
        guard seconds < 2_000_000 else { return 2_000_000_000 }
        return Int(seconds) * 1_000 + Int((attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000)
    }
}
