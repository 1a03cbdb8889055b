import Expressions
import FlowLanguage
import Synchronization

/// The flows that changes of tables start.
struct TableTriggers: Sendable {
    struct Watcher: Sendable {
        var graph: FlowGraph
        var trigger: TableTrigger
    }

    private let watchers: [String: [Watcher]]
    let mode: Mode
    let clock: any Clock

    /// Nil when no flow waits for a change.
    init?(_ app: App, mode: Mode, clock: any Clock) {
        var watchers: [String: [Watcher]] = [:]
        for graph in app.flows.values.sorted(by: { $0.name < $1.name }) {
            guard case .table(let trigger) = graph.trigger else { continue }
            watchers[trigger.table, default: []].append(Watcher(graph: graph, trigger: trigger))
        }
        if watchers.isEmpty { return nil }
        self.watchers = watchers
        self.mode = mode
        self.clock = clock
    }

    func watchers(of table: String, on change: TableTrigger.Change) -> [Watcher] {
        watchers[table]?.filter { $0.trigger.changes.contains(change) } ?? []
    }
}

/// A store whose groups start the flows that wait for what they change.
final class TriggeringStore: Store {
    private let base: any Store
    private let triggers: TableTriggers
    private let onStart = Mutex<(@Sendable () -> Void)?>(nil)

    init(_ base: any Store, _ triggers: TableTriggers) {
        self.base = base
        self.triggers = triggers
    }

    /// Says whom to tell, on the writer's thread, when a committed group has started runs.
    func tell(_ action: @escaping @Sendable () -> Void) { onStart.withLock { $0 = action } }

    var bootEpoch: Int64 { base.bootEpoch }

    func writeGroup(_ body: (any StoreTransaction) throws(StoreError) -> Void) throws(StoreError) {
        var hasStarted = false
        try base.writeGroup { (transaction) throws(StoreError) in
            let triggering = TriggeringTransaction(transaction, triggers)
            try body(triggering)
            hasStarted = triggering.hasStarted
        }
        if hasStarted, let action = onStart.withLock({ $0 }) { action() }
    }

    func read<Result: Sendable>(
        _ body: @Sendable (any StoreReader) throws(StoreError) -> Result
    ) async throws(StoreError) -> Result {
        try await base.read(body)
    }

    func close() { base.close() }
}

/// Passes everything on, and starts runs in the transaction of the change that they wait for.
final class TriggeringTransaction: StoreTransaction {
    private let base: any StoreTransaction
    private let triggers: TableTriggers
    /// Of the run that makes the changes now; the first one outside of runs.
    var generation = Generation()
    private(set) var hasStarted = false
    /// The entry whose reads and changes are noted, and what was noted so far.
    private var observed: EntryAddress?
    private var noted: [StoreAccess] = []

    init(_ base: any StoreTransaction, _ triggers: TableTriggers) {
        self.base = base
        self.triggers = triggers
    }

    func savepoint<Result>(_ body: () throws(StoreError) -> Result) throws(StoreError) -> Result {
        try base.savepoint(body)
    }

    // MARK: Evidence

    func observe(_ address: EntryAddress) {
        observed = address
        noted = []
        base.observe(address)
    }

    func takeAccesses() -> [StoreAccess] {
        defer {
            observed = nil
            noted = []
        }
        return noted + base.takeAccesses()
    }

    /// Does what no block asked for: a replay, which starts nothing, must not look for it.
    private func unnoted<Result>(_ body: () throws(StoreError) -> Result) throws(StoreError) -> Result {
        guard let observed else { return try body() }
        noted += base.takeAccesses()
        defer { base.observe(observed) }
        return try body()
    }

    // MARK: Changes

    // A run that cannot be started undoes the change with it: no statement of this kind undoes itself.
    func insert(into table: String, _ values: [(column: String, value: Value)]) throws(StoreError) -> ValueMap {
        let watchers = triggers.watchers(of: table, on: .insert)
        if watchers.isEmpty { return try base.insert(into: table, values) }
        return try base.savepoint { () throws(StoreError) in
            let row = try base.insert(into: table, values)
            try unnoted { () throws(StoreError) in try start(watchers, .insert, old: nil, new: row) }
            return row
        }
    }

    func update(_ update: RecordUpdate) throws(StoreError) -> Int {
        let watchers = triggers.watchers(of: update.table, on: .update)
        if watchers.isEmpty { return try base.update(update) }
        return try base.savepoint { () throws(StoreError) in
            let before = try unnoted { () throws(StoreError) in
                try rows(of: update.table, where: update.conditions)
            }
            let count = try base.update(update)
            try unnoted { () throws(StoreError) in
                for old in before {
                    guard let id = old["id"] else { continue }
                    let byID = [ResolvedCondition("id", equals: id)]
                    let found = try base.find(RecordQuery(table: update.table, where: byID, limit: 1))
                    if let new = found.first { try start(watchers, .update, old: old, new: new) }
                }
            }
            return count
        }
    }

    func delete(from table: String, where conditions: [ResolvedCondition]) throws(StoreError) -> Int {
        let watchers = triggers.watchers(of: table, on: .delete)
        if watchers.isEmpty { return try base.delete(from: table, where: conditions) }
        return try base.savepoint { () throws(StoreError) in
            let before = try unnoted { () throws(StoreError) in try rows(of: table, where: conditions) }
            let count = try base.delete(from: table, where: conditions)
            try unnoted { () throws(StoreError) in
                for old in before { try start(watchers, .delete, old: old, new: nil) }
            }
            return count
        }
    }

    private func rows(of table: String, where conditions: [ResolvedCondition]) throws(StoreError) -> [ValueMap] {
        let limit = Limits.rowsPerTriggeringChange
        let rows = try base.find(RecordQuery(table: table, where: conditions, limit: limit + 1))
        guard rows.count <= limit else {
            throw StoreError(.constraint, "a table that starts flows takes changes of \(limit) rows at once at most")
        }
        return rows
    }

    // MARK: Starts

    private func start(
        _ watchers: [TableTriggers.Watcher],
        _ change: TableTrigger.Change,
        old: ValueMap?,
        new: ValueMap?
    ) throws(StoreError) {
        if watchers.isEmpty { return }
        var members: ValueMap = ["change": .string(change.rawValue)]
        members["old"] = old.map(Value.map)
        members["new"] = new.map(Value.map)
        let now = triggers.clock.now()
        for watcher in watchers {
            var start = RunStart(
                flow: watcher.graph.name,
                version: watcher.graph.version,
                origin: .table,
                trigger: .map(members),
                caller: .system,
                mode: triggers.mode
            )
            start.generation = generation
            start.generation.changes += 1
            let decision = StartScope(start, now: now)
            var failure: BlockFailure?
            do throws(BlockFailure) {
                if let when = watcher.trigger.when, try !decision.holds(when, at: watcher.graph.range) { continue }
            } catch {
                // The change stands; who waits for it and cannot say whether it fits is a failed run of its own.
                failure = error
            }
            guard start.generation.changes <= Limits.changeChain else {
                throw StoreError(
                    .constraint,
                    "the change would start '\(start.flow)' behind \(Limits.changeChain) runs that changes started; "
                        + "give its trigger a 'when'"
                )
            }
            let run = try StartAdmission(watcher.graph, now: now).insert(start, failure: failure, in: base)
            hasStarted = hasStarted || run.status == .queued
        }
    }
}

// MARK: Passed on

extension TriggeringTransaction {
    func run(_ id: RunID) throws(StoreError) -> RunRecord? { try base.run(id) }
    func runs(matching filter: RunFilter) throws(StoreError) -> [RunRecord] { try base.runs(matching: filter) }
    func entries(of run: RunID) throws(StoreError) -> [JournalEntry] { try base.entries(of: run) }
    func entry(at address: EntryAddress) throws(StoreError) -> JournalEntry? { try base.entry(at: address) }
    func lastCall(at address: EntryAddress) throws(StoreError) -> Int? { try base.lastCall(at: address) }
    func status(of run: RunID) throws(StoreError) -> RunStatus? { try base.status(of: run) }
    func evidence(of run: RunID) throws(StoreError) -> [EntryEvidence] { try base.evidence(of: run) }
    func run(flow: String, caller: Caller, mode: Mode, idempotencyKey: String) throws(StoreError) -> RunRecord? {
        try base.run(flow: flow, caller: caller, mode: mode, idempotencyKey: idempotencyKey)
    }
    func halt(of run: RunID) throws(StoreError) -> RunHalt? { try base.halt(of: run) }
    func openChildren(of run: RunID) throws(StoreError) -> [RunID] { try base.openChildren(of: run) }
    func reruns(of run: RunID) throws(StoreError) -> [RunID] { try base.reruns(of: run) }
    func claimableRuns(
        epoch: Int64,
        now: Timestamp,
        limit: Int,
        order: ClaimOrder
    ) throws(StoreError) -> ClaimedRuns {
        try base.claimableRuns(epoch: epoch, now: now, limit: limit, order: order)
    }
    func nextWakeTime(after now: Timestamp) throws(StoreError) -> Timestamp? { try base.nextWakeTime(after: now) }
    func heldConcurrencyKeys() throws(StoreError) -> [(key: String, flow: String)] { try base.heldConcurrencyKeys() }
    func schedules() throws(StoreError) -> [ScheduleRecord] { try base.schedules() }
    func event(
        _ subject: EventSubject,
        mode: Mode,
        after: Int64,
        since: Timestamp
    ) throws(StoreError) -> EventRecord? {
        try base.event(subject, mode: mode, after: after, since: since)
    }
    func repeatedEvent(_ event: EventRecord) throws(StoreError) -> EventRecord? { try base.repeatedEvent(event) }
    func runCounts() throws(StoreError) -> [RunStatus: Int] { try base.runCounts() }
    func oldestQueued() throws(StoreError) -> [String: Timestamp] { try base.oldestQueued() }
    func heldRuns() throws(StoreError) -> [String: HeldRuns] { try base.heldRuns() }
    func find(_ query: RecordQuery) throws(StoreError) -> [ValueMap] { try base.find(query) }
    func changes(of table: String, after: Int64, limit: Int) throws(StoreError) -> [TableChange] {
        try base.changes(of: table, after: after, limit: limit)
    }
    func changeExtent() throws(StoreError) -> ChangeExtent { try base.changeExtent() }
    func auditRecords(limit: Int) throws(StoreError) -> [AuditRecord] { try base.auditRecords(limit: limit) }
    func insertAudit(_ record: AuditRecord) throws(StoreError) { try base.insertAudit(record) }
    func delivery(source: String, account: String, mode: Mode, eventID: String) throws(StoreError) -> Delivery? {
        try base.delivery(source: source, account: account, mode: mode, eventID: eventID)
    }
    func hasDelivery(_ delivery: Delivery) throws(StoreError) -> Bool { try base.hasDelivery(delivery) }
    func prune(_ order: PruneOrder) throws(StoreError) -> PruneOrder? { try base.prune(order) }
    func deliveries(matching filter: DeliveryFilter) throws(StoreError) -> [Delivery] {
        try base.deliveries(matching: filter)
    }
    func deliveryCounts() throws(StoreError) -> [String: DeliveryCounts] { try base.deliveryCounts() }
    func setting(_ name: String) throws(StoreError) -> [UInt8]? { try base.setting(name) }
    func sealedSecret(_ name: String) throws(StoreError) -> [UInt8]? { try base.sealedSecret(name) }
    func secretNames() throws(StoreError) -> [String] { try base.secretNames() }
    func token(hash: [UInt8]) throws(StoreError) -> TokenRecord? { try base.token(hash: hash) }
    func tokens() throws(StoreError) -> [TokenRecord] { try base.tokens() }
    func flowSource(_ version: FlowVersion) throws(StoreError) -> [UInt8]? { try base.flowSource(version) }

    func insertRun(_ start: RunStart, at now: Timestamp) throws(StoreError) -> RunID {
        try base.insertRun(start, at: now)
    }
    func setNextID(_ id: Int64, of table: String) throws(StoreError) { try base.setNextID(id, of: table) }
    func updateRun(_ run: RunRecord) throws(StoreError) { try base.updateRun(run) }
    func setHalt(_ halt: RunHalt?, of run: RunID) throws(StoreError) { try base.setHalt(halt, of: run) }
    func admitRuns(of key: String, upTo limit: Int) throws(StoreError) -> Int {
        try base.admitRuns(of: key, upTo: limit)
    }
    func insertEntry(_ entry: JournalEntry, epoch: Int64) throws(StoreError) {
        try base.insertEntry(entry, epoch: epoch)
    }
    func finishEntry(_ entry: JournalEntry, epoch: Int64) throws(StoreError) {
        try base.finishEntry(entry, epoch: epoch)
    }
    func saveSchedule(_ schedule: ScheduleRecord) throws(StoreError) { try base.saveSchedule(schedule) }
    func insertEvent(_ event: EventRecord) throws(StoreError) -> Int64 { try base.insertEvent(event) }
    func wakeRuns(awaiting event: EventRecord) throws(StoreError) { try base.wakeRuns(awaiting: event) }
    func removeEvents(receivedBefore time: Timestamp, limit: Int) throws(StoreError) {
        try base.removeEvents(receivedBefore: time, limit: limit)
    }
    func recordDelivery(_ delivery: Delivery) throws(StoreError) -> Bool { try base.recordDelivery(delivery) }
    func settleDelivery(
        source: String,
        account: String,
        mode: Mode,
        eventID: String,
        status: Delivery.Status,
        run: RunID?
    ) throws(StoreError) {
        try base.settleDelivery(
            source: source,
            account: account,
            mode: mode,
            eventID: eventID,
            status: status,
            run: run
        )
    }
    func setSetting(_ name: String, _ value: [UInt8]) throws(StoreError) { try base.setSetting(name, value) }
    func saveSealedSecret(_ name: String, _ sealed: [UInt8]) throws(StoreError) {
        try base.saveSealedSecret(name, sealed)
    }
    func removeSecret(_ name: String) throws(StoreError) -> Bool { try base.removeSecret(name) }
    func insertToken(_ token: TokenRecord) throws(StoreError) { try base.insertToken(token) }
    func revokeToken(id: String, at now: Timestamp) throws(StoreError) -> Bool {
        try base.revokeToken(id: id, at: now)
    }
    func saveFlowSource(_ version: FlowVersion, _ source: [UInt8]) throws(StoreError) {
        try base.saveFlowSource(version, source)
    }
}
