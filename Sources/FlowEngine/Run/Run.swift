package import Expressions
package import FlowLanguage

/// Names one run in one store; assigned by the store, growing.
package struct RunID: Sendable, Hashable, Comparable, CustomStringConvertible {
    package var rawValue: Int64

    package init(_ rawValue: Int64) { self.rawValue = rawValue }

    package var description: String { String(rawValue) }

    package static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}

/// Where a run stands; those that are final never change again, since the store refuses it.
package enum RunStatus: String, Sendable, Hashable, CaseIterable {
    /// Durable, not started yet.
    case queued
    case running
    /// For a due time, an event or another run.
    case waiting
    /// For the due time of a block's next attempt.
    case retrying
    case paused
    /// A request may have been executed and cannot be repeated safely: a person decides.
    case outcomeUnknown = "outcome-unknown"
    case succeeded
    case failed
    case cancelled
    /// The process died three times while this run alone was executing.
    case quarantined

    package var isFinal: Bool {
        switch self {
        case .succeeded, .failed, .cancelled: true
        case .queued, .running, .waiting, .retrying, .paused, .outcomeUnknown, .quarantined: false
        }
    }

    /// Whether a run goes on by a person's decision alone.
    package var needsPerson: Bool { [.paused, .outcomeUnknown, .quarantined].contains(self) }
}

/// What a run is to do at its next safe place: when nothing that it sent is without its answer.
package enum RunHalt: String, Sendable, Hashable, CaseIterable {
    case cancel, pause
}

/// Which keys are used: chosen by the environment, never by a flow.
package enum Mode: String, Sendable, Hashable, CaseIterable {
    case test, live
}

/// Who called; roles are checked before a run starts, and again at commands and sub-flows.
package struct Caller: Sendable, Hashable {
    /// Nil for an anonymous caller, who has the role `public` alone.
    package var id: String?
    package var roles: [String]

    package init(id: String?, roles: [String]) {
        self.id = id
        self.roles = roles
    }

    /// The runtime itself: callbacks, schedules.
    package static let system = Caller(id: "system", roles: ["admin"])
    /// Ids under which the runtime and its operator act: no token may carry them.
    package static let reservedIDs: Set<String> = ["system", "operator"]
    package static let anonymous = Caller(id: nil, roles: ["public"])

    /// Whether both are one known person, by the bytes of the id, as the store tells them apart.
    ///
    /// Swift's own `==` takes two writings of an accented letter for the same.
    package func isSamePerson(as other: Caller) -> Bool {
        guard let id, let otherID = other.id else { return false }
        return id.hasSameScalars(as: otherID)
    }

    /// Whether one of the caller's roles is among `roles`; `admin` always is, and `public` names everyone.
    package func isAllowed(_ roles: [String]) -> Bool {
        self.roles.contains("admin") || roles.contains("public") || self.roles.contains { roles.contains($0) }
    }
}

/// What started a run.
package enum RunOrigin: String, Sendable, Hashable, CaseIterable {
    case page, webhook, callback, manual
    case subflow = "sub-flow"
    case schedule
    /// A change of a table.
    case table
    /// A branch of another run, which waits for it: `parallel`, or `for-each` with `concurrency`.
    case branch
}

/// Everything a run starts with; kept with it, so that a replay sees the same.
package struct RunStart: Sendable, Hashable {
    package var flow: String
    package var version: FlowVersion
    package var origin: RunOrigin
    package var input: ValueMap
    /// What expressions see as `trigger`; null for page and manual runs.
    package var trigger: Value
    package var caller: Caller
    package var mode: Mode
    /// Runs with the same lane go one at a time, in the order of their start: `payment:pi_…`.
    package var lane: String?
    /// The waiting run and the entry that this run answers.
    package var parent: EntryAddress?
    /// Of `POST /pages/…`: with flow and caller it is unique, so a second call gets the first one's answer.
    package var idempotencyKey: String?
    /// Among runs with the same key only so many go at once; the flow and what its `concurrency` says.
    package var concurrency: String?
    package var generation = Generation()
    /// The run that this one does again.
    package var rerunOf: RunID?

    package init(
        flow: String,
        version: FlowVersion,
        origin: RunOrigin,
        input: ValueMap = ValueMap(),
        trigger: Value = .null,
        caller: Caller,
        mode: Mode,
        lane: String? = nil,
        parent: EntryAddress? = nil,
        idempotencyKey: String? = nil
    ) {
        self.flow = flow
        self.version = version
        self.origin = origin
        self.input = input
        self.trigger = trigger
        self.caller = caller
        self.mode = mode
        self.lane = lane
        self.parent = parent
        self.idempotencyKey = idempotencyKey
    }
}

/// A run's row.
package struct RunRecord: Sendable, Hashable {
    package var id: RunID
    package var start: RunStart
    package var status: RunStatus
    /// The boot epoch of the process that last owned it; 0 while nobody has.
    package var epoch: Int64
    package var createdAt: Timestamp
    package var startedAt: Timestamp?
    package var finishedAt: Timestamp?
    /// When a `retrying` or `waiting` run is due.
    package var wakesAt: Timestamp?
    /// What a `waiting` run is woken by, if by an event.
    package var awaits: EventSubject?
    /// What the caller gets: set when the run responds, at the latest when it ends.
    package var answer: RunAnswer?
    /// Set when the run failed, was parked or quarantined.
    package var failure: BlockFailure?
    /// Crashes while this run alone was executing.
    package var strikes: Int
    /// The pure blocks passed after the last entry; with the entries' own traces, the whole way.
    package var trace: [TraceStep]
    /// What an operator wants of it, until it is done; written by `setHalt` alone.
    package var halt: RunHalt?
    /// Queued behind other runs of its concurrency key; written by `admitRuns` alone.
    package var isHeld: Bool
    /// What of its row cannot be read, and stands here as if it were empty; such a run goes no further.
    package var damage: String?

    package init(
        id: RunID,
        start: RunStart,
        status: RunStatus,
        epoch: Int64 = 0,
        createdAt: Timestamp,
        startedAt: Timestamp? = nil,
        finishedAt: Timestamp? = nil,
        wakesAt: Timestamp? = nil,
        awaits: EventSubject? = nil,
        answer: RunAnswer? = nil,
        failure: BlockFailure? = nil,
        strikes: Int = 0,
        trace: [TraceStep] = [],
        halt: RunHalt? = nil,
        isHeld: Bool = false
    ) {
        self.id = id
        self.start = start
        self.status = status
        self.epoch = epoch
        self.createdAt = createdAt
        self.startedAt = startedAt
        self.finishedAt = finishedAt
        self.wakesAt = wakesAt
        self.awaits = awaits
        self.answer = answer
        self.failure = failure
        self.strikes = strikes
        self.trace = trace
        self.halt = halt
        self.isHeld = isHeld
    }
}

/// What a waiting caller gets.
package struct RunAnswer: Sendable, Hashable {
    /// An HTTP status.
    package var status: Int
    /// Lower-case names; only those that a flow may set.
    package var headers: ValueMap
    /// A page's output, a web hook's body, or the failure as `{code, message}`.
    package var body: Value

    package init(status: Int, headers: ValueMap = ValueMap(), body: Value) {
        self.status = status
        self.headers = headers
        self.body = body
    }
}
