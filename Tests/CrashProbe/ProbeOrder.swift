import FlowEngine
import Foundation

/// What one child is to do; travels as one line of words.
package struct ProbeOrder: Sendable {
    /// Where the child's store is; kept between a killed child and the one that goes on.
    package var folder: String
    package var kind: String
    /// `name:n:strike`, or nil for a child that nobody disturbs.
    package var failpoint: String?
    /// The Stripe simulator that it calls.
    package var stripe: String
    /// The child's first moment; a later one for the child that goes on, so that what was waited for is due.
    package var start: String

    package init(folder: String, kind: String, failpoint: String?, stripe: String, start: String) {
        self.folder = folder
        self.kind = kind
        self.failpoint = failpoint
        self.stripe = stripe
        self.start = start
    }

    package init?(line: String) {
        let words = line.split(separator: " ").map(String.init)
        guard words.count == 5 else { return nil }
        self.init(
            folder: words[0],
            kind: words[1],
            failpoint: words[2] == "-" ? nil : words[2],
            stripe: words[3],
            start: words[4]
        )
    }

    package var line: String { "\(folder) \(kind) \(failpoint ?? "-") \(stripe) \(start)" }

    /// Where the child that came to its end writes what is on disk then.
    package var endFile: String { folder + "/end.txt" }

    /// Where a child writes how many runs of its flow it found at its start.
    package var foundFile: String { folder + "/found.txt" }

    /// Where the child that came to its end writes how many of its groups were undone.
    package var failuresFile: String { folder + "/failures.txt" }
}

/// What became of a child.
package enum ProbeOutcome: String, Sendable {
    /// It came to its end and wrote down how things stand.
    case survived
    case killed
    /// It ended in another way: a failure of the proof itself.
    case broken
}
