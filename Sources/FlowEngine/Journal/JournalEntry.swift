package import Expressions
package import FlowLanguage

/// Where an entry stands in a run: the block, which passage through it, which try, and which call within the try.
package struct EntryAddress: Sendable, Hashable {
    package var run: RunID
    package var path: BlockPath
    /// From 1.
    package var visit: Int
    /// The business attempt, from 1: a new one begins only after a definitive refusal.
    package var attempt: Int
    /// From 0; commands that need several requests, and code's host calls, count them.
    package var call: Int

    package init(run: RunID, path: BlockPath, visit: Int, attempt: Int, call: Int = 0) {
        self.run = run
        self.path = path
        self.visit = visit
        self.attempt = attempt
        self.call = call
    }
}

/// A row of a run's journal.
package struct JournalEntry: Sendable, Hashable {
    package enum Status: String, Sendable, Hashable, CaseIterable {
        /// What will be done is on disk; whether it was done is not known yet.
        case started
        case succeeded
        case failed
        case outcomeUnknown = "outcome-unknown"
    }

    package var address: EntryAddress
    /// The entry's number in its run, from 1.
    package var sequence: Int
    /// The block's word, such as `update-record`.
    package var block: String
    package var status: Status
    /// The `now` that the block saw.
    package var startedAt: Timestamp
    package var finishedAt: Timestamp?
    /// The block's evaluated input, or the request without credentials.
    package var input: Value
    /// The output, or null.
    package var output: Value
    package var failure: BlockFailure?
    /// The key that the outside effect carries.
    package var key: String?
    /// Times the request was sent, for display and limits.
    package var sends: Int
    /// The pure blocks passed between the entry before and this one.
    package var trace: [TraceStep]
    /// Written with the entry, read back by `evidence(of:)` alone: see ``EntryEvidence``.
    package var accesses: [StoreAccess]?
    /// Written when the entry is finished, or taken over by another run; read back by `evidence(of:)` alone.
    package var receipt: Receipt?

    package init(
        address: EntryAddress,
        sequence: Int,
        block: String,
        status: Status,
        startedAt: Timestamp,
        finishedAt: Timestamp? = nil,
        input: Value = .null,
        output: Value = .null,
        failure: BlockFailure? = nil,
        key: String? = nil,
        sends: Int = 0,
        trace: [TraceStep] = []
    ) {
        self.address = address
        self.sequence = sequence
        self.block = block
        self.status = status
        self.startedAt = startedAt
        self.finishedAt = finishedAt
        self.input = input
        self.output = output
        self.failure = failure
        self.key = key
        self.sends = sends
        self.trace = trace
    }
}

/// One passage through a block that has no entry of its own.
package struct TraceStep: Sendable, Hashable {
    package enum Result: String, Sendable, Hashable {
        case done, skipped, failed
    }

    package var path: BlockPath
    package var block: String
    package var result: Result
    /// The `now` that the block saw.
    package var at: Timestamp
    /// What is worth showing: the branch taken, a log line's text.
    package var note: String?

    package init(path: BlockPath, block: String, result: Result, at: Timestamp, note: String? = nil) {
        self.path = path
        self.block = block
        self.result = result
        self.at = at
        self.note = note
    }
}
