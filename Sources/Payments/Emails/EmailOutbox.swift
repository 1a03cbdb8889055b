import Connections
import Expressions
import FlowEngine
import FlowLanguage

/// The e-mails that were to be sent: rows of `emails`, one for each purpose, object and recipient, so none goes twice.
///
/// `sending` → `sent`, or `failed` when it was certainly not sent; `held` when test mode has no key: the row is all.
struct EmailOutbox {
    enum State: String, Sendable, Hashable, CaseIterable {
        case sending, sent, failed, held
    }

    struct Entry: Sendable, Hashable {
        var purpose: String
        /// What it is about: an intent, or the key of the block that sends it.
        var object: String
        var mail: SendGridMail
    }

    private static let table = PaymentsTables.emails.name
    private let transaction: any StoreTransaction
    private let connection: String
    private let mode: Mode
    private let owner: RunID

    init(_ transaction: any StoreTransaction, connection: String, mode: Mode, owner: RunID) {
        self.transaction = transaction
        self.connection = connection
        self.mode = mode
        self.owner = owner
    }

    /// Puts an e-mail into the outbox, unless it is there; one that failed is taken up again.
    /// - Returns: whether the caller is to send it now.
    func put(_ entry: Entry, hasKey: Bool) throws(StoreError) -> Bool {
        let state = hasKey ? State.sending : .held
        if let row = try find(entry) {
            guard row["state"]?.stringValue == State.failed.rawValue else { return false }
            let taken = try update(entry, from: .failed, to: state, failureCode: nil)
            return taken && hasKey
        }
        _ = try transaction.insert(
            into: Self.table,
            [
                ("connection", .string(connection)), ("purpose", .string(entry.purpose)),
                ("object", .string(entry.object)), ("recipient", .string(entry.mail.to)),
                ("subject", .string(entry.subject)), ("text", .string(entry.text)), ("mode", .string(mode.rawValue)),
                ("state", .string(state.rawValue)), ("run", .int(owner.rawValue)),
            ]
        )
        return hasKey
    }

    /// Notes what became of an e-mail that this run was sending.
    func settle(_ entry: Entry, failureCode: String?) throws(StoreError) {
        _ = try update(entry, from: .sending, to: failureCode == nil ? .sent : .failed, failureCode: failureCode)
    }

    /// The e-mail's state, for the output.
    func state(of entry: Entry) throws(StoreError) -> State? {
        try find(entry)?["state"]?.stringValue.flatMap(State.init(rawValue:))
    }

    /// Whether this run has still to send it.
    func isDue(_ entry: Entry) throws(StoreError) -> Bool {
        let row = try find(entry)
        return row?["state"]?.stringValue == State.sending.rawValue && row?["run"]?.intValue == owner.rawValue
    }

    /// What a run that failed was still sending certainly did not go out: an unclear one would have parked the run.
    static func release(_ run: RunID, in transaction: any StoreTransaction) throws(StoreError) {
        _ = try transaction.update(
            RecordUpdate(
                table: table,
                where: [
                    ResolvedCondition("run", equals: .int(run.rawValue)),
                    ResolvedCondition("state", equals: .string(State.sending.rawValue)),
                ],
                set: [
                    ResolvedAssignment("state", .string(State.failed.rawValue)),
                    ResolvedAssignment("failureCode", .string("not_sent")),
                ]
            )
        )
    }

    private func find(_ entry: Entry) throws(StoreError) -> ValueMap? {
        try transaction.find(RecordQuery(table: Self.table, where: conditions(entry), limit: 1)).first
    }

    private func update(_ entry: Entry, from: State, to: State, failureCode: String?) throws(StoreError) -> Bool {
        try transaction.update(
            RecordUpdate(
                table: Self.table,
                where: conditions(entry) + [ResolvedCondition("state", equals: .string(from.rawValue))],
                set: [
                    ResolvedAssignment("state", .string(to.rawValue)),
                    ResolvedAssignment("failureCode", failureCode.map { .string($0.cut(to: 64)) } ?? .null),
                    ResolvedAssignment("run", .int(owner.rawValue)),
                ]
            )
        ) == 1
    }

    private func conditions(_ entry: Entry) -> [ResolvedCondition] {
        [
            ResolvedCondition("purpose", equals: .string(entry.purpose)),
            ResolvedCondition("object", equals: .string(entry.object)),
            ResolvedCondition("recipient", equals: .string(entry.mail.to)),
            ResolvedCondition("mode", equals: .string(mode.rawValue)),
        ]
    }
}

extension EmailOutbox.Entry {
    fileprivate var subject: String {
        switch mail.content {
        case .text(let subject, _, _): subject.cut(to: 512)
        case .template(let id, _): "template \(id)"
        }
    }

    fileprivate var text: String {
        switch mail.content {
        case .text(_, let text, _): text.cut(to: 4_096)
        case .template: ""
        }
    }
}

extension String {
    /// Its first `length` Unicode scalars, which is what a column's `maxLength` counts: one letter of Hindi may be four.
    fileprivate func cut(to length: Int) -> String { String(unicodeScalars.prefix(length)) }
}
