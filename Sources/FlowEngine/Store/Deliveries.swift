package import Expressions

/// An event that came in from outside: the row that makes a 2xx true.
package struct Delivery: Sendable, Hashable {
    package enum Status: String, Sendable, Hashable, CaseIterable {
        /// Durable; what follows from it was decided in the same transaction, or nothing follows.
        case accepted
        /// Nothing in this app waits for it.
        case ignored
        /// Names an object that is not known yet; looked at again when the object appears.
        case unmatched
        /// Came too late to change anything.
        case stale
        /// Names an object without telling of it: that is to be fetched from the sender.
        case awaiting
    }

    /// `stripe`, or the web hook's flow.
    package var source: String
    /// The account (Connect), else empty.
    package var account: String
    package var mode: Mode
    package var eventID: String
    package var type: String
    /// The object that the event is about, such as `pi_…`.
    package var object: String?
    package var receivedAt: Timestamp
    /// As it came, byte for byte.
    package var body: [UInt8]
    package var status: Status
    package var run: RunID?

    package init(
        source: String,
        account: String = "",
        mode: Mode,
        eventID: String,
        type: String,
        object: String? = nil,
        receivedAt: Timestamp,
        body: [UInt8],
        status: Status = .accepted,
        run: RunID? = nil
    ) {
        self.source = source
        self.account = account
        self.mode = mode
        self.eventID = eventID
        self.type = type
        self.object = object
        self.receivedAt = receivedAt
        self.body = body
        self.status = status
        self.run = run
    }
}

package struct DeliveryFilter: Sendable, Hashable {
    package var source: String?
    package var object: String?
    package var status: Delivery.Status?
    /// The run that the delivery started.
    package var run: RunID?
    package var limit: Int

    package init(
        source: String? = nil,
        object: String? = nil,
        status: Delivery.Status? = nil,
        run: RunID? = nil,
        limit: Int = 100
    ) {
        self.source = source
        self.object = object
        self.status = status
        self.run = run
        self.limit = limit
    }
}

package struct DeliveryCounts: Sendable, Hashable {
    package var accepted: Int
    package var repeated: Int

    package init(accepted: Int = 0, repeated: Int = 0) {
        self.accepted = accepted
        self.repeated = repeated
    }
}

/// A caller's token; only its SHA-256 is kept.
package struct TokenRecord: Sendable, Hashable {
    /// Short, shown in lists, used to revoke.
    package var id: String
    package var hash: [UInt8]
    package var caller: Caller
    package var createdAt: Timestamp
    package var revokedAt: Timestamp?

    package init(id: String, hash: [UInt8], caller: Caller, createdAt: Timestamp, revokedAt: Timestamp? = nil) {
        self.id = id
        self.hash = hash
        self.caller = caller
        self.createdAt = createdAt
        self.revokedAt = revokedAt
    }
}

package struct RunFilter: Sendable, Hashable {
    package var flow: String?
    package var statuses: Set<RunStatus>
    package var before: RunID?
    package var limit: Int
    /// Whether branches of other runs count that go on or ended by themselves; those that need a person always do.
    package var includesBranches = true

    package init(flow: String? = nil, statuses: Set<RunStatus> = [], before: RunID? = nil, limit: Int = 50) {
        self.flow = flow
        self.statuses = statuses
        self.before = before
        self.limit = limit
    }
}
