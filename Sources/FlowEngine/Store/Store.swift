package import Expressions
package import FlowLanguage

/// Keeps runs, journals, tables and everything else that must survive.
///
/// One process owns a store; one thread of it, the engine's writer, calls `writeGroup`.
package protocol Store: Sendable {
    /// Raised at each opening: what ran under an earlier epoch is claimable at once.
    var bootEpoch: Int64 { get }

    /// Runs `body` in one transaction and makes it durable (`synchronous=FULL`) before it returns.
    ///
    /// Blocks the calling thread; nothing can cancel it. A failure of a block's data inside `body` is handled there
    /// by `StoreTransaction.savepoint`; whatever `body` throws undoes the group.
    /// - Throws: `.full`, `.unavailable`, `.groupFailed`, `.closed`: nothing of the group is visible, except that
    ///   after `.unavailable` the store was reopened and callers must read again what they had written.
    func writeGroup(_ body: (any StoreTransaction) throws(StoreError) -> Void) throws(StoreError)

    /// Runs `body` on a read-only snapshot, beside the writer.
    func read<Result: Sendable>(
        _ body: @Sendable (any StoreReader) throws(StoreError) -> Result
    ) async throws(StoreError) -> Result

    /// Checkpoints and closes; later calls throw `.closed`.
    func close()
}

/// What can be asked of a store.
package protocol StoreReader {
    // Runs and journals
    func run(_ id: RunID) throws(StoreError) -> RunRecord?
    /// Newest first.
    func runs(matching filter: RunFilter) throws(StoreError) -> [RunRecord]
    /// In the order of their sequence.
    func entries(of run: RunID) throws(StoreError) -> [JournalEntry]
    /// What people are shown of a journal that may be a long one: `limit` of the first entries, of the last ones, and
    /// of those between that did not succeed.
    func excerpt(of run: RunID, limit: Int) throws(StoreError) -> JournalExcerpt
    /// The entry at an address; nil when there is none.
    func entry(at address: EntryAddress) throws(StoreError) -> JournalEntry?
    /// The highest number of a call of the same attempt; nil when it has no entry.
    func lastCall(at address: EntryAddress) throws(StoreError) -> Int?
    /// What a replay needs besides the entries, in the same order; for capsules alone.
    func evidence(of run: RunID) throws(StoreError) -> [EntryEvidence]
    /// The run that a page call with this key started.
    func run(flow: String, caller: Caller, mode: Mode, idempotencyKey: String) throws(StoreError) -> RunRecord?
    func status(of run: RunID) throws(StoreError) -> RunStatus?
    /// What an operator wants of a run that is in memory.
    func halt(of run: RunID) throws(StoreError) -> RunHalt?
    /// Runs that are not final and whose end a run waits for, oldest first.
    func openChildren(of run: RunID) throws(StoreError) -> [RunID]
    /// The runs that do this one again, oldest first.
    func reruns(of run: RunID) throws(StoreError) -> [RunID]
    /// Runs to take up: `running` under an earlier epoch; those due by `now`; and `queued` ones that are not held, shared
    /// among their flows as `order` says.
    ///
    /// Those whose lane is busy with an earlier run that is not final are left out.
    func claimableRuns(
        epoch: Int64,
        now: Timestamp,
        limit: Int,
        order: ClaimOrder
    ) throws(StoreError) -> ClaimedRuns
    /// Concurrency keys of which runs are held, with their flows.
    func heldConcurrencyKeys() throws(StoreError) -> [(key: String, flow: String)]
    /// Runs that are not final, by status.
    func runCounts() throws(StoreError) -> [RunStatus: Int]
    /// Since when the oldest queued run of each flow waits.
    func oldestQueued() throws(StoreError) -> [String: Timestamp]
    /// Of each flow with queued runs that wait for a place of their concurrency key: how many, and since when.
    func heldRuns() throws(StoreError) -> [String: HeldRuns]
    /// The earliest `wakesAt` after `now` of a run that is not final: what is due already must not hide what comes next.
    func nextWakeTime(after now: Timestamp) throws(StoreError) -> Timestamp?

    /// When each schedule fires next.
    func schedules() throws(StoreError) -> [ScheduleRecord]

    // Events
    /// The first event of the subject, in this mode or from before modes were kept, behind the one with the number
    /// `after`, that came at `since` or later.
    func event(
        _ subject: EventSubject,
        mode: Mode,
        after: Int64,
        since: Timestamp
    ) throws(StoreError) -> EventRecord?
    /// The event of the same subject, caller and idempotency key; nil when `event` has no such key.
    func repeatedEvent(_ event: EventRecord) throws(StoreError) -> EventRecord?

    // Tables of the app and of its features
    func find(_ query: RecordQuery) throws(StoreError) -> [ValueMap]

    // Changes of tables that can be subscribed to
    /// In the order of their sequence, from the first beyond `after`.
    func changes(of table: String, after: Int64, limit: Int) throws(StoreError) -> [TableChange]
    func changeExtent() throws(StoreError) -> ChangeExtent

    // What was refused
    /// The newest first.
    func auditRecords(limit: Int) throws(StoreError) -> [AuditRecord]

    // Deliveries
    /// Whether the event has been recorded: asked first, so that its row is written once, with what became of it.
    func hasDelivery(_ delivery: Delivery) throws(StoreError) -> Bool
    func delivery(source: String, account: String, mode: Mode, eventID: String) throws(StoreError) -> Delivery?
    func deliveries(matching filter: DeliveryFilter) throws(StoreError) -> [Delivery]
    /// Accepted and repeated deliveries so far, by source.
    func deliveryCounts() throws(StoreError) -> [String: DeliveryCounts]

    // Settings of the store itself, sealed secrets, hashed tokens
    func setting(_ name: String) throws(StoreError) -> [UInt8]?
    func sealedSecret(_ name: String) throws(StoreError) -> [UInt8]?
    func secretNames() throws(StoreError) -> [String]
    func token(hash: [UInt8]) throws(StoreError) -> TokenRecord?
    func tokens() throws(StoreError) -> [TokenRecord]
    func flowSource(_ version: FlowVersion) throws(StoreError) -> [UInt8]?
}

/// What can be changed, inside a group.
package protocol StoreTransaction: StoreReader {
    /// Runs `body` in a savepoint: when it throws a failure of its data, what it changed is undone and the error is
    /// thrown on; the group goes on. Savepoints nest.
    func savepoint<Result>(_ body: () throws(StoreError) -> Result) throws(StoreError) -> Result

    // Evidence
    /// Says that what follows is done for the entry at `address`: what is read and changed is noted from here on.
    func observe(_ address: EntryAddress)
    /// Hands out what was noted since the last call, and forgets it.
    func takeAccesses() -> [StoreAccess]

    // Runs and journals
    /// Inserts a queued run; one with a concurrency key is held until `admitRuns`.
    func insertRun(_ start: RunStart, at now: Timestamp) throws(StoreError) -> RunID
    /// Writes status, epoch, times, what it awaits, answer, failure, strikes and trace of a run.
    /// - Throws: `.finalState` if the run on disk is final; `.staleEpoch` if it belongs to a later epoch.
    func updateRun(_ run: RunRecord) throws(StoreError)
    /// Notes what an operator wants of a run, nil: nothing any more; a final run is left as it is.
    func setHalt(_ halt: RunHalt?, of run: RunID) throws(StoreError)
    /// Lets queued runs go that a concurrency key holds, oldest first, while fewer than `limit` of it are not final.
    ///
    /// - Returns: How many.
    func admitRuns(of key: String, upTo limit: Int) throws(StoreError) -> Int
    /// - Throws: `.constraint` if an entry with the address is there already; `.staleEpoch`.
    func insertEntry(_ entry: JournalEntry, epoch: Int64) throws(StoreError)
    /// Writes status, finish time, output, failure, sends and receipt of an entry that is `started`.
    /// - Throws: `.finalState` if it is not `started`; `.staleEpoch`.
    func finishEntry(_ entry: JournalEntry, epoch: Int64) throws(StoreError)

    /// Inserts or replaces the row of the schedule's flow.
    func saveSchedule(_ schedule: ScheduleRecord) throws(StoreError)

    // Events
    /// - Returns: the event's number.
    func insertEvent(_ event: EventRecord) throws(StoreError) -> Int64
    /// Makes the runs of the event's mode that wait for its subject due when it came.
    func wakeRuns(awaiting event: EventRecord) throws(StoreError)
    /// Removes at most so many of the oldest events.
    func removeEvents(receivedBefore time: Timestamp, limit: Int) throws(StoreError)

    // Tables
    /// - Returns: the whole row.
    func insert(into table: String, _ values: [(column: String, value: Value)]) throws(StoreError) -> ValueMap
    /// - Returns: the number of rows changed.
    func update(_ update: RecordUpdate) throws(StoreError) -> Int
    func delete(from table: String, where conditions: [ResolvedCondition]) throws(StoreError) -> Int
    /// Gives the table's next row this id, or the next free one behind it.
    func setNextID(_ id: Int64, of table: String) throws(StoreError)

    /// Keeps a refusal; the oldest of very many are dropped.
    func insertAudit(_ record: AuditRecord) throws(StoreError)

    // Deliveries
    /// Inserts the event, unless one with its source, account, mode and id is there: then counts the repetition.
    /// - Returns: whether it is new.
    func recordDelivery(_ delivery: Delivery) throws(StoreError) -> Bool
    /// Notes what became of a delivery.
    func settleDelivery(
        source: String,
        account: String,
        mode: Mode,
        eventID: String,
        status: Delivery.Status,
        run: RunID?
    ) throws(StoreError)

    // Retention
    /// Removes some runs that ended before a time, with their journals, and some deliveries that came before one.
    /// - Returns: Where the next call goes on, nil when nothing that old is left.
    func prune(_ order: PruneOrder) throws(StoreError) -> PruneOrder?

    // Settings, secrets, tokens
    func setSetting(_ name: String, _ value: [UInt8]) throws(StoreError)
    func saveSealedSecret(_ name: String, _ sealed: [UInt8]) throws(StoreError)
    func removeSecret(_ name: String) throws(StoreError) -> Bool
    func insertToken(_ token: TokenRecord) throws(StoreError)
    func revokeToken(id: String, at now: Timestamp) throws(StoreError) -> Bool
    /// Keeps the text of a flow's version, once.
    func saveFlowSource(_ version: FlowVersion, _ source: [UInt8]) throws(StoreError)
}
