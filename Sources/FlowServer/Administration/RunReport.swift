package import Expressions
package import FlowEngine
import FlowLanguage

/// One run as lists show it.
package struct RunSummary: Sendable, Hashable {
    package var id: RunID
    package var flow: String
    package var version: String
    package var origin: RunOrigin
    package var mode: Mode
    package var status: RunStatus
    package var caller: Caller
    package var createdAt: Timestamp
    package var startedAt: Timestamp?
    package var finishedAt: Timestamp?
    package var failure: RunReport.Failure?
    /// What it is to do once what it sent is settled.
    package var halt: RunHalt?
    /// The run that this one does again.
    package var rerunOf: RunID?

    package init(_ record: RunRecord) {
        id = record.id
        flow = record.start.flow
        version = record.start.version.rawValue
        origin = record.start.origin
        mode = record.start.mode
        status = record.status
        caller = record.start.caller
        createdAt = record.createdAt
        startedAt = record.startedAt
        finishedAt = record.finishedAt
        failure = record.failure.map(RunReport.Failure.init)
        halt = record.status.isFinal ? nil : record.halt
        rerunOf = record.start.rerunOf
    }

    init(
        id: RunID,
        flow: String,
        version: String,
        origin: RunOrigin,
        mode: Mode,
        status: RunStatus,
        caller: Caller,
        createdAt: Timestamp,
        startedAt: Timestamp?,
        finishedAt: Timestamp?,
        failure: RunReport.Failure?,
        halt: RunHalt? = nil,
        rerunOf: RunID? = nil
    ) {
        self.id = id
        self.flow = flow
        self.version = version
        self.origin = origin
        self.mode = mode
        self.status = status
        self.caller = caller
        self.createdAt = createdAt
        self.startedAt = startedAt
        self.finishedAt = finishedAt
        self.failure = failure
        self.halt = halt
        self.rerunOf = rerunOf
    }

    /// From creation to the end; nil while it is under way.
    package var duration: Duration? { finishedAt.map { $0 - createdAt } }
}

/// Everything that is recorded about one run: `runnel runs show`.
package struct RunReport: Sendable, Hashable {
    package var summary: RunSummary
    package var input: Value
    package var trigger: Value
    package var answer: RunAnswer?
    package var lane: String?
    package var idempotencyKey: String?
    /// The run that waits for this one.
    package var parent: RunID?
    package var wakesAt: Timestamp?
    package var strikes: Int
    /// In the order in which the run passed them.
    package var steps: [Step]
    /// Entries that are not shown, since the run is a long one.
    package var omitted = 0

    /// A failure, as far as it is shown.
    package struct Failure: Sendable, Hashable {
        package var code: String
        package var type: String
        package var message: String
        package var status: Int?
        package var declineCode: String?
        package var requestID: String?
        /// The path of the block that failed.
        package var block: String?

        package init(_ failure: BlockFailure) {
            code = failure.code
            type = failure.type
            message = failure.message
            status = failure.status
            declineCode = failure.declineCode
            requestID = failure.requestID
            block = failure.block
        }

        init(
            code: String,
            type: String,
            message: String,
            status: Int?,
            declineCode: String?,
            requestID: String?,
            block: String?
        ) {
            self.code = code
            self.type = type
            self.message = message
            self.status = status
            self.declineCode = declineCode
            self.requestID = requestID
            self.block = block
        }
    }

    /// One passage through a block.
    package struct Step: Sendable, Hashable {
        package var path: String
        package var block: String
        /// `done` and `skipped` for blocks without an entry of their own; an entry's status for the others.
        package var result: String
        package var startedAt: Timestamp
        /// Nil for blocks without an entry, and while it is under way.
        package var finishedAt: Timestamp?
        /// The branch taken, a log line's text.
        package var note: String?
        package var entry: Entry?

        package var duration: Duration? { finishedAt.map { $0 - startedAt } }
    }

    /// What the journal holds of a block that has an entry.
    package struct Entry: Sendable, Hashable {
        package var sequence: Int
        package var visit: Int
        package var attempt: Int
        package var call: Int
        package var sends: Int
        /// The key that the outside effect carried.
        package var key: String?
        package var input: Value
        package var output: Value
        package var failure: Failure?
    }

    /// A report without what its branches did.
    package init(_ record: RunRecord, entries: [JournalEntry]) {
        summary = RunSummary(record)
        input = .map(record.start.input)
        trigger = record.start.trigger
        answer = record.answer
        lane = record.start.lane
        idempotencyKey = record.start.idempotencyKey
        parent = record.start.parent?.run
        wakesAt = record.wakesAt
        strikes = record.strikes
        steps = entries.flatMap { $0.trace.map(Step.init) + [Step($0)] } + record.trace.map(Step.init)
    }

    init(
        summary: RunSummary,
        input: Value,
        trigger: Value,
        answer: RunAnswer?,
        lane: String?,
        idempotencyKey: String?,
        parent: RunID?,
        wakesAt: Timestamp?,
        strikes: Int,
        steps: [Step],
        omitted: Int = 0
    ) {
        self.summary = summary
        self.input = input
        self.trigger = trigger
        self.answer = answer
        self.lane = lane
        self.idempotencyKey = idempotencyKey
        self.parent = parent
        self.wakesAt = wakesAt
        self.strikes = strikes
        self.steps = steps
        self.omitted = omitted
    }

    /// The report without what blocks took and gave, for one that would be too large with them.
    package var withoutValues: RunReport {
        var report = self
        for index in report.steps.indices {
            report.steps[index].entry?.input = .null
            report.steps[index].entry?.output = .null
        }
        return report
    }
}

extension RunReport.Step {
    init(_ step: TraceStep) {
        path = step.path.rawValue
        block = step.block
        result = step.result.rawValue
        startedAt = step.at
        finishedAt = nil
        note = step.note
        entry = nil
    }

    init(_ entry: JournalEntry) {
        path = entry.branchPath ?? entry.address.path.rawValue
        block = entry.isBranch ? "branch" : entry.block
        result = entry.status.rawValue
        startedAt = entry.startedAt
        finishedAt = entry.finishedAt
        note = entry.branchRun.map { "run \($0)" }
        self.entry = RunReport.Entry(
            sequence: entry.sequence,
            visit: entry.address.visit,
            attempt: entry.address.attempt,
            call: entry.address.call,
            sends: entry.sends,
            key: entry.key,
            input: entry.input,
            output: entry.output,
            failure: entry.failure.map(RunReport.Failure.init)
        )
    }
}
