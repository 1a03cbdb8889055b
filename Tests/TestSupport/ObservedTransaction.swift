import Expressions
import FlowEngine
import FlowLanguage

/// Passes every call on to a real transaction, and tells of each that writes before and after it.
struct ObservedTransaction: StoreTransaction {
    let base: any StoreTransaction
    let observer: any WriteObserver

    private func writing<T>(_ write: StoreWrite, _ body: () throws(StoreError) -> T) throws(StoreError) -> T {
        try observer.willWrite(write)
        let result = try body()
        try observer.didWrite(write)
        return result
    }

    private func reading<T>(isTable: Bool = false, _ body: () throws(StoreError) -> T) throws(StoreError) -> T {
        try observer.willRead(isTable: isTable)
        return try body()
    }

    func savepoint<Result>(_ body: () throws(StoreError) -> Result) throws(StoreError) -> Result {
        try base.savepoint(body)
    }

    // MARK: Writes

    func insertRun(_ start: RunStart, at now: Timestamp) throws(StoreError) -> RunID {
        try writing(.insertRun) { () throws(StoreError) in try base.insertRun(start, at: now) }
    }

    func updateRun(_ run: RunRecord) throws(StoreError) {
        try writing(.updateRun) { () throws(StoreError) in try base.updateRun(run) }
    }

    func setHalt(_ halt: RunHalt?, of run: RunID) throws(StoreError) {
        try writing(.updateRun) { () throws(StoreError) in try base.setHalt(halt, of: run) }
    }

    func admitRuns(of key: String, upTo limit: Int) throws(StoreError) -> Int {
        try writing(.updateRun) { () throws(StoreError) in try base.admitRuns(of: key, upTo: limit) }
    }

    func insertEntry(_ entry: JournalEntry, epoch: Int64) throws(StoreError) {
        try writing(.insertEntry) { () throws(StoreError) in try base.insertEntry(entry, epoch: epoch) }
    }

    func finishEntry(_ entry: JournalEntry, epoch: Int64) throws(StoreError) {
        try writing(.finishEntry) { () throws(StoreError) in try base.finishEntry(entry, epoch: epoch) }
    }

    func saveSchedule(_ schedule: ScheduleRecord) throws(StoreError) {
        try writing(.setting) { () throws(StoreError) in try base.saveSchedule(schedule) }
    }

    func insert(into table: String, _ values: [(column: String, value: Value)]) throws(StoreError) -> ValueMap {
        try writing(.table) { () throws(StoreError) in try base.insert(into: table, values) }
    }

    func update(_ update: RecordUpdate) throws(StoreError) -> Int {
        try writing(.table) { () throws(StoreError) in try base.update(update) }
    }

    func setNextID(_ id: Int64, of table: String) throws(StoreError) { try base.setNextID(id, of: table) }

    func delete(from table: String, where conditions: [ResolvedCondition]) throws(StoreError) -> Int {
        try writing(.table) { () throws(StoreError) in try base.delete(from: table, where: conditions) }
    }

    func insertAudit(_ record: AuditRecord) throws(StoreError) {
        try writing(.setting) { () throws(StoreError) in try base.insertAudit(record) }
    }

    func recordDelivery(_ delivery: Delivery) throws(StoreError) -> Bool {
        try writing(.delivery) { () throws(StoreError) in try base.recordDelivery(delivery) }
    }

    func settleDelivery(
        source: String,
        account: String,
        mode: Mode,
        eventID: String,
        status: Delivery.Status,
        run: RunID?
    ) throws(StoreError) {
        try writing(.delivery) { () throws(StoreError) in
            try base.settleDelivery(
                source: source,
                account: account,
                mode: mode,
                eventID: eventID,
                status: status,
                run: run
            )
        }
    }

    func insertEvent(_ event: EventRecord) throws(StoreError) -> Int64 {
        try writing(.event) { () throws(StoreError) in try base.insertEvent(event) }
    }

    func wakeRuns(awaiting event: EventRecord) throws(StoreError) {
        try writing(.event) { () throws(StoreError) in try base.wakeRuns(awaiting: event) }
    }

    func removeEvents(receivedBefore time: Timestamp, limit: Int) throws(StoreError) {
        try writing(.event) { () throws(StoreError) in try base.removeEvents(receivedBefore: time, limit: limit) }
    }

    func prune(_ order: PruneOrder) throws(StoreError) -> PruneOrder? { try base.prune(order) }

    func setSetting(_ name: String, _ value: [UInt8]) throws(StoreError) {
        try writing(.setting) { () throws(StoreError) in try base.setSetting(name, value) }
    }

    func saveSealedSecret(_ name: String, _ sealed: [UInt8]) throws(StoreError) {
        try writing(.setting) { () throws(StoreError) in try base.saveSealedSecret(name, sealed) }
    }

    func removeSecret(_ name: String) throws(StoreError) -> Bool {
        try writing(.setting) { () throws(StoreError) in try base.removeSecret(name) }
    }

    func insertToken(_ token: TokenRecord) throws(StoreError) {
        try writing(.setting) { () throws(StoreError) in try base.insertToken(token) }
    }

    func revokeToken(id: String, at now: Timestamp) throws(StoreError) -> Bool {
        try writing(.setting) { () throws(StoreError) in try base.revokeToken(id: id, at: now) }
    }

    func saveFlowSource(_ version: FlowVersion, _ source: [UInt8]) throws(StoreError) {
        try writing(.setting) { () throws(StoreError) in try base.saveFlowSource(version, source) }
    }
}

// MARK: Reads

extension ObservedTransaction {
    func run(_ id: RunID) throws(StoreError) -> RunRecord? {
        try reading { () throws(StoreError) in try base.run(id) }
    }
    func runs(matching filter: RunFilter) throws(StoreError) -> [RunRecord] { try base.runs(matching: filter) }
    func entries(of run: RunID) throws(StoreError) -> [JournalEntry] {
        try reading { () throws(StoreError) in try base.entries(of: run) }
    }
    func evidence(of run: RunID) throws(StoreError) -> [EntryEvidence] { try base.evidence(of: run) }
    func observe(_ address: EntryAddress) { base.observe(address) }
    func takeAccesses() -> [StoreAccess] { base.takeAccesses() }
    func run(flow: String, caller: Caller, mode: Mode, idempotencyKey: String) throws(StoreError) -> RunRecord? {
        try reading { () throws(StoreError) in
            try base.run(flow: flow, caller: caller, mode: mode, idempotencyKey: idempotencyKey)
        }
    }
    func halt(of run: RunID) throws(StoreError) -> RunHalt? { try base.halt(of: run) }
    func entry(at address: EntryAddress) throws(StoreError) -> JournalEntry? { try base.entry(at: address) }
    func lastCall(at address: EntryAddress) throws(StoreError) -> Int? { try base.lastCall(at: address) }
    func status(of run: RunID) throws(StoreError) -> RunStatus? { try base.status(of: run) }
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
    func heldConcurrencyKeys() throws(StoreError) -> [(key: String, flow: String)] { try base.heldConcurrencyKeys() }
    func runCounts() throws(StoreError) -> [RunStatus: Int] { try base.runCounts() }
    func oldestQueued() throws(StoreError) -> [String: Timestamp] { try base.oldestQueued() }
    func heldRuns() throws(StoreError) -> [String: HeldRuns] { try base.heldRuns() }
    func nextWakeTime(after now: Timestamp) throws(StoreError) -> Timestamp? { try base.nextWakeTime(after: now) }
    func event(
        _ subject: EventSubject,
        mode: Mode,
        after: Int64,
        since: Timestamp
    ) throws(StoreError) -> EventRecord? {
        try base.event(subject, mode: mode, after: after, since: since)
    }
    func repeatedEvent(_ event: EventRecord) throws(StoreError) -> EventRecord? { try base.repeatedEvent(event) }
    func schedules() throws(StoreError) -> [ScheduleRecord] { try base.schedules() }
    func find(_ query: RecordQuery) throws(StoreError) -> [ValueMap] {
        try reading(isTable: true) { () throws(StoreError) in try base.find(query) }
    }
    func hasDelivery(_ delivery: Delivery) throws(StoreError) -> Bool { try base.hasDelivery(delivery) }
    func changes(of table: String, after: Int64, limit: Int) throws(StoreError) -> [TableChange] {
        try base.changes(of: table, after: after, limit: limit)
    }

    func changeExtent() throws(StoreError) -> ChangeExtent { try base.changeExtent() }

    func auditRecords(limit: Int) throws(StoreError) -> [AuditRecord] { try base.auditRecords(limit: limit) }

    func delivery(source: String, account: String, mode: Mode, eventID: String) throws(StoreError) -> Delivery? {
        try base.delivery(source: source, account: account, mode: mode, eventID: eventID)
    }
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
}

/// A kind of write.
package enum StoreWrite: String, Sendable, Hashable, CaseIterable {
    case insertRun, updateRun, insertEntry, finishEntry, table, delivery, event, setting
}

/// Hears of each write of a transaction, and may make it fail.
protocol WriteObserver: Sendable {
    func willWrite(_ write: StoreWrite) throws(StoreError)
    func didWrite(_ write: StoreWrite) throws(StoreError)
    /// Before a run, a journal or rows of a table are read.
    func willRead(isTable: Bool) throws(StoreError)
}

extension WriteObserver {
    func willRead(isTable: Bool) throws(StoreError) {}
}
