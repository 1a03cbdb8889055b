import Foundation
import Synchronization

/// A request on its way to the transfer thread, with the caller that waits for its outcome.
struct Submission: Sendable {
    let number: UInt64
    let request: HTTPRequest
    let origin: HTTPOrigin
    let caller: CheckedContinuation<Result<HTTPResponse, HTTPError>, Never>

    /// Ends a submission of which nothing was sent.
    func refuse(_ code: HTTPError.Code) {
        let error = HTTPError(code, requestMayHaveBeenSent: false, authority: origin.authority)
        caller.resume(returning: .failure(error))
    }
}

/// Takes requests from any task to the one thread that owns the multi handle.
final class TransferDriver: Sendable {
    enum Command: Sendable {
        case start(Submission)
        case cancel(UInt64)
    }

    /// What is handed over between the tasks and the thread.
    private struct Mailbox {
        enum Phase {
            case idle
            case running
            case stopping
            case stopped
        }

        var phase = Phase.idle
        var commands: [Command] = []
        /// Present while the thread has a multi handle.
        var bell: MultiHandle.Bell?
        var stopWaiters: [CheckedContinuation<Void, Never>] = []

        /// Adds a command and rings unless the thread is about to look anyway.
        mutating func post(_ command: Command) {
            if commands.isEmpty { bell?.ring() }
            commands.append(command)
        }
    }

    private enum Admission {
        case taken
        case takenFirst
        case refused
    }

    private let configuration: HTTPClient.Configuration
    private let mailbox = Mutex(Mailbox())
    private let lastNumber = Atomic<UInt64>(0)

    init(configuration: HTTPClient.Configuration) {
        self.configuration = configuration
    }

    /// A number that names one request of this client.
    func nextNumber() -> UInt64 {
        lastNumber.add(1, ordering: .relaxed).newValue
    }

    /// Hands a request over; its caller is resumed in every case, now or later.
    func submit(_ submission: Submission) {
        let admission = mailbox.withLock { mailbox -> Admission in
            switch mailbox.phase {
            case .idle:
                mailbox.phase = .running
                mailbox.post(.start(submission))
                return .takenFirst
            case .running:
                mailbox.post(.start(submission))
                return .taken
            case .stopping, .stopped:
                return .refused
            }
        }
        switch admission {
        case .taken: break
        case .takenFirst: startThread()
        case .refused: submission.refuse(.shutDown)
        }
    }

    /// Takes a request down if it has not ended; an unknown number is no error.
    func cancel(_ number: UInt64) {
        mailbox.withLock { mailbox in
            if mailbox.phase == .running { mailbox.post(.cancel(number)) }
        }
    }

    /// Asks the thread to end, and resumes `waiter` when it has.
    func stop(then waiter: CheckedContinuation<Void, Never>? = nil) {
        let isStopped = mailbox.withLock { mailbox -> Bool in
            switch mailbox.phase {
            case .idle: mailbox.phase = .stopped
            case .running:
                mailbox.phase = .stopping
                mailbox.bell?.ring()
            case .stopping, .stopped: break
            }
            if mailbox.phase == .stopping, let waiter { mailbox.stopWaiters.append(waiter) }
            return mailbox.phase == .stopped
        }
        if isStopped { waiter?.resume() }
    }

    private func startThread() {
        let thread = Thread { self.run() }
        thread.name = "runnel-http"
        thread.start()
    }

    /// The thread's whole life.
    private func run() {
        ignoreBrokenPipesOnThisThread()
        if var loop = TransferLoop(configuration: configuration) {
            mailbox.withLock { $0.bell = loop.bell }
            repeat {
                let (commands, isStopping) = mailbox.withLock { mailbox in
                    let commands = mailbox.commands
                    mailbox.commands = []
                    return (commands, mailbox.phase == .stopping)
                }
                for command in commands { loop.obey(command) }
                if isStopping { break }
            } while loop.turn()
            // From here on nobody may ring: the multi handle goes with the loop.
            mailbox.withLock { $0.bell = nil }
            loop.end(with: reasonToEnd)
        }
        finish(with: reasonToEnd)
    }

    /// Unless it was asked to end, the thread ends only because libcurl could not go on.
    private var reasonToEnd: HTTPError.Code {
        mailbox.withLock { $0.phase == .stopping ? .shutDown : .unusable }
    }

    private func finish(with code: HTTPError.Code) {
        let (commands, waiters) = mailbox.withLock { mailbox in
            mailbox.phase = .stopped
            defer { (mailbox.commands, mailbox.stopWaiters) = ([], []) }
            return (mailbox.commands, mailbox.stopWaiters)
        }
        for case .start(let submission) in commands { submission.refuse(code) }
        for waiter in waiters { waiter.resume() }
    }
}

/// A peer that closes while it is written to must not end the process: where libcurl's TLS library writes by itself,
/// there is no flag to say so.
private func ignoreBrokenPipesOnThisThread() {
    var signals = sigset_t()
    sigemptyset(&signals)
    sigaddset(&signals, SIGPIPE)
    pthread_sigmask(SIG_BLOCK, &signals, nil)
}
