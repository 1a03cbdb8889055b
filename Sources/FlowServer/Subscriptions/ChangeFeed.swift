import Expressions
import FlowEngine
import FlowLanguage
import ServiceLifecycle
import Synchronization

/// Brings the changes of tables to those who follow them, once they are durable and never before.
///
/// One task reads the log after each commit, for all; a subscriber holds its place and takes what it can. So slow
/// readers cost no memory, and what they missed is in the log.
final class ChangeFeed: Service, Sendable {
    enum Wake: Sendable {
        case changes
        /// With its number.
        case heartbeat(UInt64)
        case end
    }

    private struct Waiter {
        var table: String
        var continuation: CheckedContinuation<Wake, Never>
    }

    private struct State {
        var rings: [String: (ring: ChangeRing, followers: Int)] = [:]
        var waiters: [UInt64: Waiter] = [:]
        var cancelled: Set<UInt64> = []
        var nextTicket: UInt64 = 0
        /// Heartbeats so far.
        var beats: UInt64 = 0
        var followers: [String: Int] = [:]
        var count = 0
        var isOver = false
    }

    /// Changes read at once.
    static let batch = 64
    /// Below the 60 s after which proxies close what is silent.
    private static let heartbeat = Duration.seconds(15)

    private let app: App
    private let store: any Store
    private let commits: CommitSignal
    private let clock: any FlowEngine.Clock
    private let limits: ServerConfiguration.Limits
    private let state = Mutex(State())
    /// That somebody has come to follow.
    private let arrivals = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))

    init(engine: Engine, limits: ServerConfiguration.Limits) {
        app = engine.app
        store = engine.store
        commits = engine.commits
        clock = engine.clock
        self.limits = limits
    }

    /// Runs until a graceful shutdown, which ends every subscription.
    func run() async throws {
        await cancelWhenGracefulShutdown {
            await withDiscardingTaskGroup { group in
                group.addTask { await self.beat() }
                var count: UInt64 = 0
                var arrivals = self.arrivals.stream.makeAsyncIterator()
                while !Task.isCancelled {
                    // With nobody to tell, a commit need wake nobody.
                    if self.followers == 0 {
                        await arrivals.next()
                    } else {
                        count = await self.commits.next(after: count)
                    }
                    await self.readOn()
                }
                group.cancelAll()
            }
        }
        wake(.end) { _ in true }
    }

    // MARK: Following

    /// A place among the subscribers, given back when nobody holds it any more.
    final class Seat: Sendable {
        /// The last heartbeat before it was taken.
        let beat: UInt64
        private let leave: @Sendable () -> Void

        init(beat: UInt64, leave: @escaping @Sendable () -> Void) {
            self.beat = beat
            self.leave = leave
        }

        deinit { leave() }
    }

    /// How many follow now.
    var followers: Int { state.withLock { $0.count } }

    /// Takes a place from `position` on.
    ///
    /// - Throws: `Problem` 503 or 429 when there is none; 503 while the server stops.
    func enter(_ scope: RowScope, after position: Int64, caller: String) throws -> Seat {
        let beat = try state.withLock { state in
            guard !state.isOver else { throw Problem.stopping }
            guard state.count < limits.subscribers else { throw Problem.overloaded }
            guard state.followers[caller, default: 0] < limits.subscribersPerCaller else {
                throw Problem(429, "too_many_subscriptions", "This caller follows enough already.", retryAfter: 5)
            }
            state.count += 1
            state.followers[caller, default: 0] += 1
            state.rings[scope.table, default: (ChangeRing(after: position), 0)].followers += 1
            return state.beats
        }
        // What was committed since `position` was read must not wait for the next commit.
        arrivals.continuation.yield()
        commits.ring()
        return Seat(beat: beat) { [self] in leave(scope.table, caller) }
    }

    private func leave(_ table: String, _ caller: String) {
        state.withLock { state in
            state.count -= 1
            state.followers[caller, default: 1] -= 1
            if state.followers[caller] == 0 { state.followers[caller] = nil }
            state.rings[table]?.followers -= 1
            if state.rings[table]?.followers == 0 { state.rings[table] = nil }
        }
    }

    /// What is new beyond `position`.
    enum News: Sendable {
        /// Perhaps none; `position` is the last change that was looked at.
        case entries([ChangeRing.Entry], position: Int64)
        /// What came next was pruned; `position` is where to go on after the rows were read anew.
        case lost(position: Int64)
    }

    func news(of table: String, after position: Int64) async throws -> News {
        let found = state.withLock { state -> News? in
            guard let ring = state.rings[table]?.ring, let entries = ring.entries(after: position, limit: Self.batch)
            else { return nil }
            // The ring may have looked at changes of other tables beyond its last one; ours are what counts.
            let last = entries.count < Self.batch ? ring.newest : entries.last?.change.sequence ?? ring.newest
            return .entries(entries, position: max(position, last))
        }
        if let found { return found }
        guard let declared = app.table(named: table) else { return .entries([], position: position) }
        let followed = FollowedTable(declared)
        return try await store.read { (reader) throws(StoreError) in
            let extent = try reader.changeExtent()
            guard position >= extent.oldest - 1, position <= extent.newest else {
                return .lost(position: extent.newest)
            }
            let entries = try Self.entries(of: followed, after: position, in: reader)
            let last = entries.count < Self.batch ? extent.newest : entries.last?.change.sequence ?? extent.newest
            return .entries(entries, position: last)
        }
    }

    /// Returns when there may be something beyond `position`, at a heartbeat after `beat`, or when it is over.
    ///
    /// A heartbeat that came while its subscriber was busy is not lost on it: it returns at once.
    func wait(for table: String, after position: Int64, beat: UInt64) async -> Wake {
        let ticket = state.withLock { state in
            defer { state.nextTicket += 1 }
            return state.nextTicket
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let wake = state.withLock { state -> Wake? in
                    if state.cancelled.remove(ticket) != nil || state.isOver { return .end }
                    if let ring = state.rings[table]?.ring, ring.newest > position { return .changes }
                    if state.beats > beat { return .heartbeat(state.beats) }
                    state.waiters[ticket] = Waiter(table: table, continuation: continuation)
                    return nil
                }
                if let wake { continuation.resume(returning: wake) }
            }
        } onCancel: {
            let waiter = state.withLock { state in
                if let waiter = state.waiters.removeValue(forKey: ticket) { return Optional(waiter) }
                state.cancelled.insert(ticket)
                return nil
            }
            waiter?.continuation.resume(returning: .end)
        }
    }

    private func wake(_ wake: Wake, _ isMeant: (String) -> Bool) {
        let waiters = state.withLock { state in
            switch wake {
            case .changes: break
            case .heartbeat(let number): state.beats = number
            case .end: state.isOver = true
            }
            let meant = state.waiters.filter { isMeant($0.value.table) }
            for ticket in meant.keys { state.waiters[ticket] = nil }
            return meant.values
        }
        for waiter in waiters { waiter.continuation.resume(returning: wake) }
    }

    // MARK: Reading the log

    private func beat() async {
        var number: UInt64 = 0
        while let next = clock.now() + Self.heartbeat, (try? await clock.sleep(until: next)) != nil {
            number += 1
            wake(.heartbeat(number)) { _ in true }
        }
    }

    /// Brings the rings up to what is durable, and wakes those for whom there is something.
    private func readOn() async {
        let places = state.withLock { state in state.rings.mapValues(\.ring.newest) }
        for (name, position) in places {
            guard let table = app.table(named: name) else { continue }
            // A store that cannot be read is asked again after the next commit; nothing is lost.
            guard await readOn(FollowedTable(table), after: position) else { continue }
            wake(.changes) { $0 == name }
        }
    }

    /// - Returns: Whether there was anything.
    private func readOn(_ table: FollowedTable, after start: Int64) async -> Bool {
        var position = start
        var found = false
        while !Task.isCancelled {
            let place = position
            let read = try? await store.read { (reader) throws(StoreError) in
                (try Self.entries(of: table, after: place, in: reader), try reader.changeExtent().newest)
            }
            guard let (entries, newest) = read else { return found }
            let isLast = entries.count < Self.batch
            position = isLast ? newest : entries.last?.change.sequence ?? newest
            let end = position
            state.withLock { $0.rings[table.name]?.ring.append(entries, after: place, upTo: end) }
            found = found || !entries.isEmpty
            if isLast { return found }
        }
        return found
    }

    /// Changes with the rows as they are now.
    private static func entries(
        of table: FollowedTable,
        after position: Int64,
        in reader: any StoreReader
    ) throws(StoreError) -> [ChangeRing.Entry] {
        let changes = try reader.changes(of: table.name, after: position, limit: batch)
        guard !changes.isEmpty else { return [] }
        let ids = Set(changes.filter { $0.kind != .delete }.map(\.row))
        var rows: [Int64: (owner: String?, json: [UInt8])] = [:]
        if !ids.isEmpty {
            let isOne = ResolvedCondition("id", .in, .value(.list(ids.sorted().map { .int($0) })))
            for row in try reader.find(RecordQuery(table: table.name, where: [isOne], limit: ids.count)) {
                guard let id = row["id"]?.intValue, let json = table.json(of: row) else { continue }
                rows[id] = (table.ownerColumn.flatMap { row[$0]?.stringValue }, json)
            }
        }
        return changes.map { change in
            let row = rows[change.row]
            return ChangeRing.Entry(
                change: change,
                owner: row?.owner,
                event: row.map { ServerSentEvent.event(change.kind.rawValue, id: change.sequence, data: $0.json) }
            )
        }
    }
}
