import Expressions
import Synchronization

/// What the engine keeps in memory; everything in it can be lost and is found again on disk.
struct EngineState: Sendable {
    enum Phase: Sendable, Hashable {
        case created, recovering, ready
        /// The store failed; intake waits until it takes writes again.
        case stalled
        case stopping
    }

    /// A turn that was undone together with its group.
    struct StalledTurn: Sendable {
        var run: RunID
        var input: TurnInput
    }

    var phase = Phase.created
    var installation: [UInt8] = []
    /// Runs whose request is on its way or whose next turn is queued.
    var live: [RunID: LiveRun] = [:]
    var waiters: [RunID: [AnswerWaiter]] = [:]
    /// Where runs stood when they began the branches that they wait for, as it is on disk.
    private(set) var origins: [RunID: BranchOrigin] = [:]
    /// Those who wait until calls are taken.
    var readiness: [CheckedContinuation<Void, Never>] = []
    var stalled: [StalledTurn] = []
    /// Groups that failed on the store's account; counted, so that one behind a probe is not overlooked.
    var failures = 0
    /// After a crash: runs up to this one may have caused it, and are first taken up one at a time.
    private(set) var suspectsUpTo: RunID?
    private var suspectsLeft = 0
    /// Runs that could not even be failed; left alone until the next start.
    var broken: Set<RunID> = []
    var isLookQueued = false
    /// The last look found more runs than there were places.
    var isMoreWaiting = false
    /// The earliest time for which a timer is set.
    var wakesAt: Timestamp?
    var nextTick = Schedules.NextTick.unknown
    /// The flow that got a place last, and how many were given.
    var lastFlow = ""
    var placesGiven = 0

    /// Remembers where a branch begins, so that the next one need not look for it on disk.
    mutating func noteOrigins(of run: LiveRun, isLeft: Bool) {
        if run.record.status.isFinal { origins[run.record.id] = nil }
        var origin = run.origin
        if isLeft, run.record.status == .waiting {
            origin = BranchOrigin(run.interpreter, record: run.record) ?? origin
        }
        guard let origin, origins[origin.address.run]?.address != origin.address else { return }
        // Whose is dropped does not matter: it is found again on disk.
        if origins.count >= Limits.branchOrigins, let any = origins.keys.first { origins[any] = nil }
        origins[origin.address.run] = origin
    }

    /// Changes the phase.
    ///
    /// - Returns: Whom to tell, once the lock is given back.
    mutating func enter(_ phase: Phase) -> [CheckedContinuation<Void, Never>] {
        self.phase = phase
        guard phase == .ready || phase == .stopping else { return [] }
        defer { readiness = [] }
        return readiness
    }

    mutating func suspect(upTo run: RunID?) {
        suspectsUpTo = run
        // The oldest runs are taken up first, so the one that was executing is among those that had a place.
        suspectsLeft = 2 * Limits.places
    }

    /// Counts runs that were taken up alone.
    mutating func hasTried(_ count: Int) {
        suspectsLeft -= count
        if suspectsLeft <= 0 { suspectsUpTo = nil }
    }

    var freePlaces: Int { max(0, Limits.places - live.count) }

    /// Whether a run of this flow finds a place without keeping others out.
    func hasPlace(for flow: String) -> Bool {
        guard live.count >= Limits.placesPerFlow else { return true }
        return freePlaces > 0 && placesByFlow[flow, default: 0] < Limits.placesPerFlow
    }

    var placesByFlow: [String: Int] {
        live.values.reduce(into: [:]) { counts, run in counts[run.record.start.flow, default: 0] += 1 }
    }
}

/// What a turn begins with.
enum TurnInput: Sendable {
    /// Take the run up from the store. `isUnsent`: this process knows that its open request has not left.
    case takeUp(isUnsent: Bool)
    case answer(EntryAddress, TransportResult)
    /// What the code at the address came to when it had so many answers.
    case progress(EntryAddress, answers: Int, CodeProgress)
    case goOn
}

/// What a turn did, to be released once its group is on disk.
struct TurnResult: Sendable {
    var run: LiveRun
    var stop: Turn.Stop
    var lines: [FlowLogLine]
    var startsWork: Bool
    /// Other runs that it stopped.
    var stopped: [RunRecord] = []
    var timings: [BlockTiming] = []
}

/// One caller that waits for a run to answer, end or park.
final class AnswerWaiter: Sendable {
    private enum State {
        case empty
        case waiting(CheckedContinuation<RunRecord?, Never>)
        case over(RunRecord?)
    }

    private let state = Mutex(State.empty)

    /// Lets the caller go; only the first call has an effect.
    func signal(_ record: RunRecord?) {
        let continuation: CheckedContinuation<RunRecord?, Never>? = state.withLock { state in
            switch state {
            case .empty:
                state = .over(record)
                return nil
            case .waiting(let continuation):
                state = .over(record)
                return continuation
            case .over: return nil
            }
        }
        continuation?.resume(returning: record)
    }

    /// Returns the signalled record; nil when the caller's task is cancelled before.
    func value() async -> RunRecord? {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let record: RunRecord?? = state.withLock { state in
                    if case .over(let record) = state { return .some(record) }
                    state = .waiting(continuation)
                    return .none
                }
                if let record { continuation.resume(returning: record) }
            }
        } onCancel: {
            signal(nil)
        }
    }
}

extension RunRecord {
    /// Whether a waiting caller can be told something: it answered, ended, or a person must decide.
    package var isSettled: Bool { answer != nil || status.isFinal || status.needsPerson }
}
