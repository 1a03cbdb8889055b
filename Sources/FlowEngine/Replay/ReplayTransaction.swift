import Expressions
import FlowLanguage

/// What a turn of a replay reads and writes: rows in memory, runs and journals in arrays.
///
/// It is fed with what the recorded blocks met: before a block reads or changes rows, those that the record says it met
/// are put there, unless the replay itself wrote them in this turn. So the block's query and change are done again, and
/// what they give can differ from the record.
final class ReplayTransaction {
    let tables: any ReplayTables
    let clock: ReplayClock
    let installation: [UInt8]
    let recorded: [RunID: RecordedRun]
    /// With it a replay of another version of the flow learns what others did; nil: it is to be found out.
    let plan: [EntryAddress: [OutsideChange]]?

    var records: [RunID: RunRecord] = [:]
    var journals: [RunID: [JournalEntry]] = [:]
    var changes: [RowChange] = []
    var outside: [OutsideChange] = []
    /// Entries whose outcome was taken as recorded, for want of what would be needed to repeat them.
    var given: Set<EntryAddress> = []
    private var usedChildren: Set<RunID> = []
    /// Rows that were written in this turn: nobody else can have changed them since.
    private var written: Set<RowKey> = []
    /// The place of each recorded entry in its run.
    private let places: [EntryAddress: Int]
    /// How many recorded entries of each run are behind.
    private var position: [RunID: Int] = [:]
    private var current: EntryAddress?
    private var cursors: [EntryAddress: Int] = [:]
    /// Open transactions whose record says that they were undone.
    ///
    /// What is in them is at no recorded address: the addresses were given back, and blocks that came later have them.
    private var undone: [EntryAddress] = []
    private var noted: [StoreAccess] = []

    private struct RowKey: Hashable {
        var table: String
        var id: Int64
    }

    init(
        history: RecordedHistory,
        tables: any ReplayTables,
        clock: ReplayClock,
        plan: [EntryAddress: [OutsideChange]]?
    ) {
        self.tables = tables
        self.clock = clock
        self.plan = plan
        installation = history.installation
        recorded = Dictionary(history.runs.map { ($0.record.id, $0) }) { first, _ in first }
        var places: [EntryAddress: Int] = [:]
        for run in history.runs {
            for (place, entry) in run.entries.enumerated() { places[entry.address] = place }
        }
        self.places = places
    }

    func recordedEntry(_ address: EntryAddress) -> JournalEntry? {
        places[address].flatMap { recorded[address.run]?.entries[$0] }
    }

    /// Begins a run behind entries that it took over: they are taken as recorded.
    func keep(_ count: Int, of run: RecordedRun) {
        let kept = run.entries.prefix(count)
        guard !kept.isEmpty else { return }
        journals[run.record.id] = Array(kept)
        position[run.record.id] = kept.count
        given.formUnion(kept.map(\.address))
    }

    // MARK: Time

    /// Begins a turn of a run: what others did meanwhile may show from here on.
    func beginTurn(of run: RunID) {
        written = []
        current = nil
        undone = []
        tell(position[run] ?? 0, of: run)
    }

    /// Sets the clock to when the recorded entry at `place` began, or to the end behind the last.
    private func tell(_ place: Int, of run: RunID) {
        guard let recorded = recorded[run] else { return }
        if place < recorded.entries.count {
            clock.set(recorded.entries[place].startedAt)
        } else if let end = recorded.record.finishedAt ?? recorded.entries.last?.finishedAt {
            clock.set(end)
        }
    }

    func observe(_ address: EntryAddress) {
        noted = []
        if undone.last == address { undone.removeLast() }
        current = address
        guard undone.isEmpty else { return }
        let entry = recordedEntry(address)
        if let place = places[address] {
            position[address.run] = max(position[address.run] ?? 0, place + 1)
            tell(place + 1, of: address.run)
        }
        if entry?.block == "transaction", entry?.status == .failed, journals[address.run]?.last?.address != address,
            cursors[address] == nil
        {
            undone.append(address)
            cursors[address] = 0
        }
        if let start = entry?.startedAt { tables.setTime(start) }
    }

    /// Without those of a run that was exported before it made them; another version of the flow makes its own.
    var recordedChanges: [RowChange] {
        guard plan == nil else { return changes }
        return changes.filter { change in
            guard let address = change.address, let run = recorded[address.run], !run.record.status.isFinal else {
                return true
            }
            return places[address] != nil
        }
    }

    func takeAccesses() -> [StoreAccess] {
        defer { noted = [] }
        return noted
    }

    /// What an access of the replay met, for a comparison with the record: rows that the run wrote itself are not taken
    /// from there.
    private func note(_ access: StoreAccess, of table: String) {
        noted.append(access.rows.count <= StoreAccess.rowLimit ? access : .tooMany(table: table))
    }

    // MARK: What the record says of the next access

    /// The next access of the recorded block that is of this kind.
    private func next(_ isWanted: (StoreAccess) -> Bool) -> StoreAccess? {
        guard let source = undone.last ?? current, let accesses = recordedEntry(source)?.allAccesses else { return nil }
        var number = cursors[source] ?? 0
        while number < accesses.count {
            defer { number += 1 }
            guard isWanted(accesses[number]) else { continue }
            cursors[source] = number + 1
            return accesses[number]
        }
        return nil
    }

    private func nextOfRows(_ table: String, _ isWanted: (StoreAccess) -> Bool) throws(StoreError) -> StoreAccess? {
        let found = next { access in
            switch access {
            case .find(table, _), .insert(table, _), .update(table, _), .delete(table, _), .tooMany(table),
                .refused(table, _):
                isWanted(access)
            default: false
            }
        }
        guard let found, let source = undone.last ?? current else { return found }
        let number = (cursors[source] ?? 1) - 1
        if let plan {
            for change in plan[source] ?? [] where change.access == number { try apply(change) }
        } else if case .insert = found {
            // Nobody met the row before.
        } else {
            try meet(found.rows, of: table, source, number)
        }
        return found
    }

    // MARK: What others did

    /// Puts the rows as the block met them, and notes what differs from what the replay knew.
    private func meet(
        _ rows: [ValueMap],
        of table: String,
        _ source: EntryAddress,
        _ number: Int
    ) throws(StoreError) {
        for row in rows {
            guard let id = row["id"]?.intValue else { continue }
            let known = try tables.row(id, of: table)
            guard let known else {
                outside.append(
                    OutsideChange(address: source, access: number, table: table, id: id, kind: .seen(row))
                )
                try tables.put(row, into: table)
                continue
            }
            let isOwn = written.contains(RowKey(table: table, id: id))
            var columns = ValueMap()
            for (key, value) in row where known[key] != value {
                let isStamp = key == .string("createdAt") || key == .string("updatedAt")
                if !isOwn || isStamp { columns[key] = value }
            }
            guard !columns.isEmpty else { continue }
            let change = OutsideChange(
                address: source,
                access: number,
                table: table,
                id: id,
                kind: .columns(columns)
            )
            outside.append(change)
            try apply(change)
        }
    }

    private func apply(_ change: OutsideChange) throws(StoreError) {
        let known = try tables.row(change.id, of: change.table)
        switch change.kind {
        case .seen(let row): if known == nil { try tables.put(row, into: change.table) }
        case .columns(let columns):
            guard var row = known else { return }
            for (key, value) in columns { row[key] = value }
            try tables.put(row, into: change.table)
        case .removed: try tables.remove(change.id, from: change.table)
        case .numbered: break
        }
    }

    /// Puts all rows that the run saw as it first saw them, for a version of the flow that may see them earlier.
    func prepareRows() throws(StoreError) {
        for changes in plan?.values.map({ $0 }) ?? [] {
            for change in changes {
                if case .seen = change.kind { try apply(change) }
            }
        }
    }

    // MARK: Rows

    func find(_ query: RecordQuery) throws(StoreError) -> [ValueMap] {
        let access = try nextOfRows(query.table) { if case .find = $0 { true } else { false } }
        // The record is of a time when nobody looked, or says that nothing was found.
        if access == nil, plan == nil, !query.isNotedWhenEmpty { return [] }
        var found = try tables.find(query)
        defer {
            if query.isNotedWhenEmpty || !found.isEmpty {
                note(.find(table: query.table, rows: found), of: query.table)
            }
        }
        guard plan == nil, let access, let source = undone.last ?? current else { return found }
        let seen = Set(access.rows.compactMap { $0["id"]?.intValue })
        var isStale = false
        for row in found {
            guard let id = row["id"]?.intValue, !seen.contains(id),
                !written.contains(RowKey(table: query.table, id: id))
            else { continue }
            // The run did not find it any more: somebody else deleted or changed it.
            let number = (cursors[source] ?? 1) - 1
            let change = OutsideChange(address: source, access: number, table: query.table, id: id, kind: .removed)
            outside.append(change)
            try apply(change)
            isStale = true
        }
        if isStale { found = try tables.find(query) }
        return found
    }

    func insert(into table: String, _ values: [(column: String, value: Value)]) throws(StoreError) -> ValueMap {
        let access = try nextOfRows(table) {
            switch $0 {
            case .insert, .refused: true
            default: false
            }
        }
        let fresh = try refusing(access, of: table) { () throws(StoreError) in try tables.insert(into: table, values) }
        var row = fresh
        if case .insert(_, let given) = access, let id = fresh["id"]?.intValue {
            // What the store gave, and not the block.
            var own = ValueMap()
            for key in ["id", "createdAt", "updatedAt"] where row[key] != nil {
                guard let value = given[key] else { continue }
                row[key] = value
                own[key] = value
            }
            noteNumbers(own, of: table)
            if row != fresh {
                try tables.remove(id, from: table)
                try tables.put(row, into: table)
            }
        }
        if let id = row["id"]?.intValue {
            written.insert(RowKey(table: table, id: id))
            changes.append(RowChange(table: table, id: id, before: nil, after: row, address: current))
        }
        note(.insert(table: table, row: row), of: table)
        return row
    }

    func update(_ update: RecordUpdate) throws(StoreError) -> Int {
        let access = try nextOfRows(update.table) {
            switch $0 {
            case .update, .refused, .tooMany: true
            default: false
            }
        }
        if case .tooMany = access, let count = takeGivenCount() { return count }
        let query = RecordQuery(table: update.table, where: update.conditions, limit: Self.rowLimit)
        let before = try tables.find(query)
        let count = try refusing(access, of: update.table) { () throws(StoreError) in try tables.update(update) }
        note(.update(table: update.table, before: before), of: update.table)
        for row in before {
            guard let id = row["id"]?.intValue else { continue }
            written.insert(RowKey(table: update.table, id: id))
            let after = try tables.row(id, of: update.table)
            changes.append(RowChange(table: update.table, id: id, before: row, after: after, address: current))
        }
        return count
    }

    func delete(from table: String, where conditions: [ResolvedCondition]) throws(StoreError) -> Int {
        let access = try nextOfRows(table) {
            switch $0 {
            case .delete, .refused, .tooMany: true
            default: false
            }
        }
        if case .tooMany = access, let count = takeGivenCount() { return count }
        let before = try tables.find(RecordQuery(table: table, where: conditions, limit: Self.rowLimit))
        let count = try refusing(access, of: table) { () throws(StoreError) in
            try tables.delete(from: table, where: conditions)
        }
        note(.delete(table: table, before: before), of: table)
        for row in before {
            guard let id = row["id"]?.intValue else { continue }
            written.insert(RowKey(table: table, id: id))
            changes.append(RowChange(table: table, id: id, before: row, after: nil, address: current))
        }
        return count
    }

    private func noteNumbers(_ own: ValueMap, of table: String) {
        guard plan == nil, let source = undone.last ?? current, let id = own["id"]?.intValue else { return }
        let number = (cursors[source] ?? 1) - 1
        outside.append(OutsideChange(address: source, access: number, table: table, id: id, kind: .numbered(own)))
    }

    /// Rows of one change that a replay looks at, far more than a capsule holds.
    private static let rowLimit = 10_000

    /// Does a change, and refuses it where the store did for rows that nobody read.
    private func refusing<T>(
        _ access: StoreAccess?,
        of table: String,
        _ change: () throws(StoreError) -> T
    ) throws(StoreError) -> T {
        do throws(StoreError) {
            guard case .refused(_, let error) = access, error.code == .constraint else { return try change() }
            return try tables.savepoint { () throws(StoreError) in
                _ = try change()
                throw error
            }
        } catch {
            if error.isBlockFailure { note(.refused(table: table, error), of: table) }
            throw error
        }
    }

    private func takeGivenCount() -> Int? {
        guard undone.isEmpty, let current, let count = recordedEntry(current)?.output["changed"]?.intValue else {
            return nil
        }
        given.insert(current)
        return Int(exactly: count)
    }

    func savepoint<Result>(_ body: () throws(StoreError) -> Result) throws(StoreError) -> Result {
        let (records, journals, changes) = (records, journals, changes)
        do throws(StoreError) {
            return try tables.savepoint(body)
        } catch {
            (self.records, self.journals, self.changes) = (records, journals, changes)
            throw error
        }
    }

    // MARK: Runs

    func insertRun(_ start: RunStart, at now: Timestamp) throws(StoreError) -> RunID {
        let id = identity(of: start)
        var record = RunRecord(id: id, start: start, status: .queued, createdAt: now)
        // A flow sees its version, and an earlier program called it otherwise.
        if plan == nil, let version = recorded[id]?.record.start.version { record.start.version = version }
        record.startedAt = recorded[id]?.record.startedAt
        records[id] = record
        journals[id] = []
        return id
    }

    private func identity(of start: RunStart) -> RunID {
        if let parent = start.parent {
            let children = recorded.values.filter {
                $0.record.start.parent == parent && $0.record.start.flow == start.flow
                    && !usedChildren.contains($0.record.id)
            }
            if let child = children.map(\.record.id).min() {
                usedChildren.insert(child)
                return child
            }
        }
        if case .started(let run) = next({ if case .started = $0 { true } else { false } }) { return run }
        if undone.isEmpty, start.parent == nil, let current,
            let run = recordedEntry(current)?.output["run"]?.intValue
        {
            return RunID(run)
        }
        let known = Set(records.keys).union(recorded.keys)
        // A capsule may claim to hold the last number there is: then the run is taken for it, and differs.
        let last = known.max()?.rawValue ?? 0
        return RunID(last == .max ? last : last + 1)
    }

    func updateRun(_ run: RunRecord) throws(StoreError) { records[run.id] = run }

    func insertEntry(_ entry: JournalEntry, epoch: Int64) throws(StoreError) {
        journals[entry.address.run, default: []].append(entry)
        if undone.isEmpty, let place = places[entry.address] {
            position[entry.address.run] = max(position[entry.address.run] ?? 0, place + 1)
        }
    }

    func finishEntry(_ entry: JournalEntry, epoch: Int64) throws(StoreError) {
        let run = entry.address.run
        guard let place = journals[run]?.lastIndex(where: { $0.address == entry.address }) else {
            throw StoreError(.constraint, "there is no entry for this try of \(entry.address.path)")
        }
        var entry = entry
        entry.accesses = journals[run]?[place].accesses
        journals[run]?[place] = entry
    }

    func run(_ id: RunID) throws(StoreError) -> RunRecord? {
        if let record = records[id] { return record }
        let access = next { if case .run(id, _) = $0 { true } else { false } }
        guard case .run(_, let status?) = access, let current, var other = records[current.run] else { return nil }
        other.id = id
        other.status = status
        return other
    }

    func setting(_ name: String) throws(StoreError) -> [UInt8]? {
        if case .setting(_, let value) = next({ if case .setting(name, _) = $0 { true } else { false } }) {
            return value
        }
        return name == "engine.installation" ? installation : nil
    }

    func deliveries(matching filter: DeliveryFilter) throws(StoreError) -> [Delivery] {
        if case .deliveries(let list) = next({ if case .deliveries = $0 { true } else { false } }) { return list }
        return []
    }

    func entries(of run: RunID) throws(StoreError) -> [JournalEntry] { journals[run] ?? [] }
}
