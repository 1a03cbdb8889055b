package import Expressions

/// One change of one row of a table that can be subscribed to; written in the transaction that made it.
package struct TableChange: Sendable, Hashable {
    package enum Kind: String, Sendable, Hashable, CaseIterable {
        case insert, update, delete
    }

    /// Grows with every change of every table, and is never given twice.
    package var sequence: Int64
    package var row: Int64
    package var kind: Kind
    /// What the `owner` column held before the change, when it held something: whoever that was may lose the row by it.
    package var formerOwner: String?

    package init(sequence: Int64, row: Int64, kind: Kind, formerOwner: String?) {
        self.sequence = sequence
        self.row = row
        self.kind = kind
        self.formerOwner = formerOwner
    }
}

/// How far back the log of changes reaches: older ones were pruned.
package struct ChangeExtent: Sendable, Hashable {
    /// The oldest that is kept; one beyond `newest` when none is.
    package var oldest: Int64
    /// The last that was given, 0 at the beginning.
    package var newest: Int64

    package init(oldest: Int64, newest: Int64) {
        self.oldest = oldest
        self.newest = newest
    }
}

/// Something that was refused, and to whom: for the operator who asks later.
package struct AuditRecord: Sendable, Hashable {
    package var at: Timestamp
    /// What was tried: `table.subscribe`, `table.ticket`.
    package var action: String
    /// On what: a table's or a flow's name, as long as it is one of the app's.
    package var subject: String
    package var caller: Caller
    /// The code that the caller was told.
    package var reason: String

    package init(at: Timestamp, action: String, subject: String, caller: Caller, reason: String) {
        self.at = at
        self.action = action
        self.subject = subject
        self.caller = caller
        self.reason = reason
    }
}
