import Expressions
import FlowLanguage

// What no block asks for: a replay has no other runs, no callers, no secrets, and keeps nothing.
extension ReplayTransaction: StoreTransaction {
    func runs(matching filter: RunFilter) throws(StoreError) -> [RunRecord] { [] }
    func evidence(of run: RunID) throws(StoreError) -> [EntryEvidence] { [] }
    func run(flow: String, caller: Caller, mode: Mode, idempotencyKey: String) throws(StoreError) -> RunRecord? { nil }
    func halt(of run: RunID) throws(StoreError) -> RunHalt? { nil }
    func openChildren(of run: RunID) throws(StoreError) -> [RunID] {
        records.values.filter { $0.start.parent?.run == run && !$0.status.isFinal }.map(\.id).sorted()
    }
    func reruns(of run: RunID) throws(StoreError) -> [RunID] { [] }
    func entry(at address: EntryAddress) throws(StoreError) -> JournalEntry? {
        journals[address.run]?.last { $0.address == address }
    }
    func lastCall(at address: EntryAddress) throws(StoreError) -> Int? {
        journals[address.run]?.filter { $0.address.blockOfBranch == address.blockOfBranch }.map(\.address.call).max()
    }
    func status(of run: RunID) throws(StoreError) -> RunStatus? { records[run]?.status }
    func claimableRuns(
        epoch: Int64,
        now: Timestamp,
        limit: Int,
        order: ClaimOrder
    ) throws(StoreError) -> ClaimedRuns { ClaimedRuns(runs: []) }
    func heldConcurrencyKeys() throws(StoreError) -> [(key: String, flow: String)] { [] }
    func runCounts() throws(StoreError) -> [RunStatus: Int] { [:] }
    func oldestQueued() throws(StoreError) -> [String: Timestamp] { [:] }
    func heldRuns() throws(StoreError) -> [String: HeldRuns] { [:] }
    func schedules() throws(StoreError) -> [ScheduleRecord] { [] }
    func saveSchedule(_ schedule: ScheduleRecord) throws(StoreError) {}
    func admitRuns(of key: String, upTo limit: Int) throws(StoreError) -> Int { 0 }
    func nextWakeTime(after now: Timestamp) throws(StoreError) -> Timestamp? { nil }
    func event(
        _ subject: EventSubject,
        mode: Mode,
        after: Int64,
        since: Timestamp
    ) throws(StoreError) -> EventRecord? { nil }
    func repeatedEvent(_ event: EventRecord) throws(StoreError) -> EventRecord? { nil }
    func insertEvent(_ event: EventRecord) throws(StoreError) -> Int64 { 0 }
    func wakeRuns(awaiting event: EventRecord) throws(StoreError) {}
    func removeEvents(receivedBefore time: Timestamp, limit: Int) throws(StoreError) {}
    func delivery(source: String, account: String, mode: Mode, eventID: String) throws(StoreError) -> Delivery? { nil }
    func deliveryCounts() throws(StoreError) -> [String: DeliveryCounts] { [:] }
    func sealedSecret(_ name: String) throws(StoreError) -> [UInt8]? { nil }
    func secretNames() throws(StoreError) -> [String] { [] }
    func token(hash: [UInt8]) throws(StoreError) -> TokenRecord? { nil }
    func tokens() throws(StoreError) -> [TokenRecord] { [] }
    func flowSource(_ version: FlowVersion) throws(StoreError) -> [UInt8]? { nil }
    func changes(of table: String, after: Int64, limit: Int) throws(StoreError) -> [TableChange] { [] }
    func changeExtent() throws(StoreError) -> ChangeExtent { ChangeExtent(oldest: 1, newest: 0) }
    func auditRecords(limit: Int) throws(StoreError) -> [AuditRecord] { [] }
    func setNextID(_ id: Int64, of table: String) throws(StoreError) {}
    func insertAudit(_ record: AuditRecord) throws(StoreError) {}
    func setHalt(_ halt: RunHalt?, of run: RunID) throws(StoreError) {}
    func hasDelivery(_ delivery: Delivery) throws(StoreError) -> Bool { false }
    func recordDelivery(_ delivery: Delivery) throws(StoreError) -> Bool { true }
    func prune(_ order: PruneOrder) throws(StoreError) -> PruneOrder? { nil }
    func settleDelivery(
        source: String,
        account: String,
        mode: Mode,
        eventID: String,
        status: Delivery.Status,
        run: RunID?
    ) throws(StoreError) {}
    func setSetting(_ name: String, _ value: [UInt8]) throws(StoreError) {}
    func saveSealedSecret(_ name: String, _ sealed: [UInt8]) throws(StoreError) {}
    func removeSecret(_ name: String) throws(StoreError) -> Bool { false }
    func insertToken(_ token: TokenRecord) throws(StoreError) {}
    func revokeToken(id: String, at now: Timestamp) throws(StoreError) -> Bool { false }
    func saveFlowSource(_ version: FlowVersion, _ source: [UInt8]) throws(StoreError) {}
}
