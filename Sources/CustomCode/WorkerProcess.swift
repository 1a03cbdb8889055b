import CodeFrames
import FlowEngine
import Foundation

/// One worker, used by one thread: the worker dies with it.
final class WorkerProcess {
    /// How an exchange with the worker ended.
    enum Outcome: Sendable {
        /// A frame that hands the turn back: `waiting`, `returned`, `problem`, `parsed`, `ready`, `attempted`.
        case frame(Frame)
        /// The worker is gone.
        case died(Death)
    }

    enum Death: Sendable, Hashable {
        case timedOut
        case outOfMemory
        /// By somebody else: nothing that code does ends in this signal.
        case killed
        /// Behind the last call, whose time had run out: this one was not begun.
        case spent
        /// By a signal, or with an exit code.
        case crashed(String)
        /// It did what the worker's program never does.
        case violated(String)
    }

    /// How long one exchange may take.
    struct Allowance: Sendable {
        /// Processor time before it is killed.
        var processor: Duration
        /// Time on the clock: larger, since a busy machine must not fail innocent code.
        var wall: Duration
        /// Frames before the last one, and their bytes: a worker that is not ours any more must not fill our memory.
        var frames: Int
        var bytes = 32 << 20

        static let start = Allowance(processor: .seconds(10), wall: .seconds(120), frames: 0)
    }

    let budget: Int
    private(set) var ready = ReadyFrame(missing: [], landlockABI: 0, residentBytes: 0)
    private(set) var calls = 0
    private(set) var isAlive = true
    /// The highest resident size that was seen.
    private(set) var peakBytes = 0
    /// Processor time of the last exchange, as far as it was seen.
    private(set) var processorTime = Duration.zero
    /// Whether it runs only where next to nobody else wants to.
    private(set) var isLast = false
    private let pid: pid_t
    private let memory: WorkerMemory
    private let input: Int32
    private let output: Int32

    /// Starts a worker and waits for its walls.
    ///
    /// - Throws: `WorkerError` when it cannot be started, or refuses to run code.
    init(_ executable: String, budget: Int, options: [String] = []) throws(WorkerError) {
        Self.ignoreBrokenPipes
        self.budget = budget
        (pid, input, output) = try WorkerSpawn.start(executable, [String(budget)] + options)
        memory = WorkerMemory(pid)
        switch exchange(nil, .start, collecting: { _ in }) {
        case .frame(let frame) where frame.kind == .ready:
            guard let ready = ReadyFrame(frame.payload) else { throw refused("it speaks another language") }
            self.ready = ready
        case .frame(let frame):
            let wall = CodeProblemFrame(frame.payload)?.message ?? "?"
            throw refused("its wall '\(wall)' is missing")
        case .died(let death): throw refused("it ended: \(death)")
        }
    }

    deinit { end() }

    private func refused(_ reason: String) -> WorkerError {
        end()
        return WorkerError("the code worker runs no code: \(reason)")
    }

    /// Kills the worker, if it still lives.
    func end() {
        guard isAlive else { return }
        kill(pid, SIGKILL)
        _ = reap()
    }

    func countCall() { calls += 1 }

    /// Puts a worker that a long call made the last back into its place; false where the kernel allows no way back.
    func comesForward() -> Bool {
        if isLast {
            isLast = setpriority(__priority_which_t(PRIO_PROCESS.rawValue), id_t(pid), WorkerInvocation.niceness) != 0
        }
        return !isLast
    }

    /// Resident bytes now; 0 if that cannot be told.
    var residentBytes: Int { memory.residentBytes }

    // MARK: Exchange

    /// Sends a frame and reads until the worker hands the turn back.
    func exchange(_ frame: Frame?, _ allowance: Allowance, collecting: (Frame) -> Void) -> Outcome {
        guard isAlive else { return .died(.crashed("it had ended before")) }
        let watch = Watch(pid: pid, memory: memory, allowance: allowance)
        defer {
            processorTime = watch.seen
            isLast = isLast || watch.isLast
        }
        // What is over within a few milliseconds has not taken much.
        defer { peakBytes = max(peakBytes, watch.peakBytes, watch.hasWaited ? memory.peakBytes : 0) }
        if let frame, !write(frame, watch) { return .died(death(watch, allowance)) }
        var frames = 0
        var bytes = 0
        while true {
            guard let header = read(Frame.headerSize, watch) else { return .died(death(watch, allowance)) }
            guard let (kind, count) = Frame.header(header) else { return violation("a frame that is none") }
            guard let payload = read(count, watch) else { return .died(death(watch, allowance)) }
            let frame = Frame(kind, payload)
            switch kind {
            case .ask, .log:
                frames += 1
                bytes += count
                guard frames <= allowance.frames, bytes <= allowance.bytes else {
                    return violation("more frames than it may send")
                }
                collecting(frame)
            case .waiting, .returned, .problem, .parsed, .ready, .attempted: return .frame(frame)
            case .call, .answer, .check, .drop, .attempt: return violation("a frame of the host's")
            }
        }
    }

    /// Sends a frame that has no answer.
    func tell(_ frame: Frame) { _ = write(frame, Watch(pid: pid, memory: memory, allowance: .start)) }

    private func violation(_ what: String) -> Outcome {
        end()
        return .died(.violated(what))
    }

    private func write(_ frame: Frame, _ watch: Watch) -> Bool {
        frame.pieces.allSatisfy { write($0, watch) }
    }

    private func write(_ bytes: [UInt8], _ watch: Watch) -> Bool {
        var done = 0
        while done < bytes.count {
            guard watch.waits(for: input, POLLOUT) else { return false }
            let count = bytes[done...].withUnsafeBytes { Glibc.write(input, $0.baseAddress, $0.count) }
            if count < 0, errno != EAGAIN, errno != EINTR { return false }
            done += max(0, count)
        }
        return true
    }

    /// Nil when the worker's end came first, or its time had run out.
    private func read(_ count: Int, _ watch: Watch) -> [UInt8]? {
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, done in
            while done < count {
                guard watch.waits(for: output, POLLIN) else { return }
                let got = Glibc.read(output, buffer.baseAddress?.advanced(by: done), count - done)
                if got == 0 { return }
                if got < 0, errno != EAGAIN, errno != EINTR { return }
                done += max(0, got)
            }
        }
        return bytes.count == count ? bytes : nil
    }

    /// A worker may die while it is written to: that is an error of that write, not the end of this process.
    private static let ignoreBrokenPipes: Void = { _ = signal(SIGPIPE, SIG_IGN) }()

    // MARK: Its end

    private func death(_ watch: Watch, _ allowance: Allowance) -> Death {
        let isLate = watch.isOver
        // A loop that is stopped within `finally` can take the engine down with it.
        let isSpent = watch.seen >= allowance.processor - .milliseconds(520)
        peakBytes = max(peakBytes, watch.peakBytes)
        if isLate { kill(pid, SIGKILL) }
        let status = reap()
        if isLate { return .timedOut }
        let signal = status & 0x7F
        let code = status >> 8 & 0xFF
        if isSpent, signal != 0 || code == WorkerInvocation.outOfMemory { return .timedOut }
        if signal == SIGKILL || signal == SIGTERM { return .killed }
        guard signal != 0 else {
            return switch code {
            case WorkerInvocation.outOfMemory: .outOfMemory
            case WorkerInvocation.spent: .spent
            default: .crashed("exit code \(code)")
            }
        }
        // What JavaScriptCore ends with when an allocation fails it (SIGSYS: its handler of the others would ask for a
        // system call); a worker far from its budget has another reason.
        let isMemory = [SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGSEGV, SIGSYS].contains(signal)
        let isNear = peakBytes > max((budget << 20) * 2 / 5, ready.residentBytes + (8 << 20))
        if isMemory, isNear { return .outOfMemory }
        return signal == SIGSYS ? .violated("a system call that is not on the list") : .crashed("signal \(signal)")
    }

    private func reap() -> Int32 {
        var status: Int32 = 0
        while waitpid(pid, &status, 0) < 0, errno == EINTR {}
        isAlive = false
        close(input)
        close(output)
        return status
    }
}

/// Why there is no worker.
package struct WorkerError: Error, Sendable, Hashable, CustomStringConvertible {
    package let description: String

    init(_ description: String) { self.description = description }
}

/// What the kernel tells of a worker's memory.
///
/// Not `ru_maxrss`: until a child has started its program it counts the server's own memory as the child's.
private final class WorkerMemory {
    private let pid: pid_t
    /// Kept open: it is read before each call.
    private let sizes: Int32
    private static let pageBytes = sysconf(Int32(_SC_PAGESIZE))

    init(_ pid: pid_t) {
        self.pid = pid
        sizes = open("/proc/\(pid)/statm", O_RDONLY | O_CLOEXEC)
    }

    deinit { if sizes >= 0 { close(sizes) } }

    /// 0 if that cannot be told.
    var residentBytes: Int {
        var text = [UInt8](repeating: 0, count: 128)
        let count = pread(sizes, &text, text.count, 0)
        guard count > 0 else { return 0 }
        let words = text[..<count].split(separator: UInt8(ascii: " "), maxSplits: 2)
        guard words.count > 1 else { return 0 }
        return words[1].reduce(0) { $0 &* 10 &+ Int($1 &- UInt8(ascii: "0")) } &* Self.pageBytes
    }

    /// The highest so far; 0 if that cannot be told.
    var peakBytes: Int {
        guard let text = try? String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8),
            let line = text.split(separator: "\n").first(where: { $0.hasPrefix("VmHWM:") })
        else { return 0 }
        return (Int(line.split { !$0.isNumber }.first ?? "") ?? 0) << 10
    }
}

/// The clocks beside one exchange.
private final class Watch {
    /// Processor time that is no short call's any more: two endless loops took a seventh of the engine's flows until their
    /// end, and take a fifteenth from here on.
    private static let long = Duration.milliseconds(100)
    private static let last: Int32 = 19

    /// Whether the worker was made the last of all that want to run.
    private(set) var isLast = false
    /// The highest resident size seen while waiting.
    private(set) var peakBytes = 0
    /// Whether anything was not there at once.
    private(set) var hasWaited = false
    private let pid: pid_t
    private let memory: WorkerMemory
    private let allowance: WorkerProcess.Allowance
    private let start = ContinuousClock.now
    private let clock: clockid_t?
    private let startProcessor: Duration

    init(pid: pid_t, memory: WorkerMemory, allowance: WorkerProcess.Allowance) {
        self.pid = pid
        self.memory = memory
        self.allowance = allowance
        var clock = clockid_t()
        self.clock = clock_getcpuclockid(pid, &clock) == 0 ? clock : nil
        startProcessor = Self.read(self.clock) ?? .zero
    }

    private static func read(_ clock: clockid_t?) -> Duration? {
        var time = timespec()
        guard let clock, clock_gettime(clock, &time) == 0 else { return nil }
        return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
    }

    /// The processor time that was seen last: a worker that has ended has no clock any more.
    private(set) var seen = Duration.zero

    /// Times that something was waited for.
    private var polls = 0

    var isOver: Bool {
        if let now = Self.read(clock) { seen = max(seen, now - startProcessor) }
        return seen >= allowance.processor || ContinuousClock.now - start >= allowance.wall
    }

    /// Waits until the descriptor is ready; false when the time has run out first.
    func waits(for descriptor: Int32, _ event: Int32) -> Bool {
        var waited = pollfd(fd: descriptor, events: Int16(event), revents: 0)
        // Most answers are there before a clock need be read; one that comes in drops may take no longer for it.
        polls &+= 1
        if polls % 64 == 0, isOver { return false }
        if poll(&waited, 1, 5) > 0 { return true }
        hasWaited = true
        while !isOver {
            peakBytes = max(peakBytes, memory.peakBytes)
            if seen >= Self.long, !isLast {
                isLast = setpriority(__priority_which_t(PRIO_PROCESS.rawValue), id_t(pid), Self.last) == 0
            }
            let ready = poll(&waited, 1, 10)
            if ready > 0 { return true }
            if ready < 0, errno != EINTR { return false }
        }
        return false
    }
}
