import Expressions
import FlowEngine
import Synchronization

/// A world in which one thing happens at a time, in an order that a seed decides, and in which time passes only when
/// nothing else is to be done.
///
/// Tasks, the writer's work and sleepers of all processes are steps here. Nothing runs beside `run`, so the same seed
/// gives the same world, step by step.
final class SimulatedWorld: Sendable {
    private struct Step {
        var process: SimulatedProcess
        var work: Work

        enum Work {
            case job(UnownedJob)
            case piece(@Sendable () -> Void)
        }
    }

    private struct Sleeper {
        var process: SimulatedProcess
        var deadline: Timestamp
        /// Unsafe, since those of dead processes are never resumed, and that is no mistake.
        var continuation: UnsafeContinuation<Bool, Never>
    }

    private struct State {
        var now: Timestamp
        var chance: UInt64
        var steps: [Step] = []
        var sleepers: [Int: Sleeper] = [:]
        var cancelled: Set<Int> = []
        var nextTicket = 0
        var stepsDone = 0
    }

    /// More steps than any world of these proofs takes: beyond, something goes round in circles.
    static let stepLimit = 400_000

    let seed: UInt64
    private let state: Mutex<State>

    init(seed: UInt64) {
        guard let start = Timestamp(rfc3339: "2026-11-20T10:00:00Z") else { preconditionFailure("no time") }
        self.seed = seed
        state = Mutex(State(now: start, chance: seed &* 0x9E37_79B9_7F4A_7C15 &+ 1))
    }

    var now: Timestamp { state.withLock { $0.now } }
    var steps: Int { state.withLock { $0.stepsDone } }

    // MARK: Chance

    /// A number from 0 up to `bound`, from the seed.
    func draw(_ bound: Int) -> Int {
        state.withLock { state in Int(Self.next(&state.chance) % UInt64(max(1, bound))) }
    }

    /// True once in so many times.
    func oneIn(_ count: Int) -> Bool { draw(count) == 0 }

    /// SplitMix64.
    private static func next(_ chance: inout UInt64) -> UInt64 {
        chance &+= 0x9E37_79B9_7F4A_7C15
        var mixed = chance
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    // MARK: Steps

    fileprivate func add(_ job: UnownedJob, of process: SimulatedProcess) {
        state.withLock { $0.steps.append(Step(process: process, work: .job(job))) }
    }

    fileprivate func add(_ piece: @escaping @Sendable () -> Void, of process: SimulatedProcess) {
        state.withLock { $0.steps.append(Step(process: process, work: .piece(piece))) }
    }

    /// Does one step after the other until `isOver`; `between` is called between them.
    ///
    /// - Returns: Whether it came to that; false when nothing more can happen before, or too much has.
    func run(between: () -> Void, isOver: () -> Bool) -> Bool {
        while !isOver() {
            if let step = takeStep() {
                switch step.work {
                case .job(let job): job.runSynchronously(on: step.process.asUnownedTaskExecutor())
                case .piece(let piece): piece()
                }
                between()
            } else if !wakeNext() {
                return false
            }
            if steps > Self.stepLimit { return false }
        }
        return true
    }

    /// Any of the steps that are ready may be the next, those of dead processes never.
    private func takeStep() -> Step? {
        state.withLock { state in
            while !state.steps.isEmpty {
                let choice = Int(Self.next(&state.chance) % UInt64(state.steps.count))
                let step = state.steps.remove(at: choice)
                if step.process.isDead { continue }
                state.stepsDone += 1
                return step
            }
            return nil
        }
    }

    private func wakeNext() -> Bool {
        let sleeper: Sleeper? = state.withLock { state in
            let alive = state.sleepers.filter { !$0.value.process.isDead }
            guard let next = alive.min(by: { ($0.value.deadline, $0.key) < ($1.value.deadline, $1.key) }) else {
                return nil
            }
            state.sleepers[next.key] = nil
            state.now = max(state.now, next.value.deadline)
            return next.value
        }
        sleeper?.continuation.resume(returning: true)
        return sleeper != nil
    }

    // MARK: Sleeping

    fileprivate func sleep(until deadline: Timestamp, of process: SimulatedProcess) async throws {
        let ticket = state.withLock { state in
            state.nextTicket += 1
            return state.nextTicket
        }
        let isDue = await withTaskCancellationHandler {
            await withUnsafeContinuation { continuation in
                let outcome: Bool? = state.withLock { state in
                    if state.cancelled.remove(ticket) != nil { return false }
                    if deadline <= state.now { return true }
                    let sleeper = Sleeper(process: process, deadline: deadline, continuation: continuation)
                    state.sleepers[ticket] = sleeper
                    return nil
                }
                if let outcome { continuation.resume(returning: outcome) }
            }
        } onCancel: {
            let sleeper = state.withLock { state in
                let sleeper = state.sleepers.removeValue(forKey: ticket)
                if sleeper == nil { state.cancelled.insert(ticket) }
                return sleeper
            }
            sleeper?.continuation.resume(returning: false)
        }
        if !isDue { throw CancellationError() }
    }
}

/// A process of the simulated world: its tasks, its writer's thread, its clock.
///
/// Once dead, nothing of it goes on.
final class SimulatedProcess: TaskExecutor, WriterThread, Clock {
    let world: SimulatedWorld
    private let dead = Atomic(false)

    init(_ world: SimulatedWorld) { self.world = world }

    var isDead: Bool { dead.load(ordering: .relaxed) }

    /// As `kill -9`: what it was about to do is never done.
    func die() { dead.store(true, ordering: .relaxed) }

    func enqueue(_ job: consuming ExecutorJob) { world.add(UnownedJob(job), of: self) }
    func run(_ work: @escaping @Sendable () -> Void) { world.add(work, of: self) }

    func now() -> Timestamp { world.now }
    func sleep(until deadline: Timestamp) async throws { try await world.sleep(until: deadline, of: self) }

    /// Sleeps for a time between nothing and `milliseconds`, by the seed.
    func pause(upTo milliseconds: Int) async {
        guard let deadline = now() + .milliseconds(world.draw(milliseconds)) else { return }
        // Cancelled: what comes next sees to that.
        try? await sleep(until: deadline)
    }
}
