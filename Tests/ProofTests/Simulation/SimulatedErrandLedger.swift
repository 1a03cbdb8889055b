import Expressions
import FlowEngine
import FlowLanguage

/// What must hold, when all is over, of runs, journals and rows beside the money.
struct SimulatedErrandLedger {
    var runs: [RunRecord]
    var entries: [RunID: [JournalEntry]]
    var notes: [ValueMap]
    var parcels: [ValueMap]
    var tallies: [ValueMap]

    init(_ transaction: any StoreReader) throws(StoreError) {
        runs = try transaction.runs(matching: RunFilter(limit: 10_000)).reversed()
        entries = [:]
        for run in runs { entries[run.id] = try transaction.entries(of: run.id) }
        notes = try transaction.find(RecordQuery(table: "notes", where: [], limit: 10_000))
        parcels = try transaction.find(RecordQuery(table: "parcels", where: [], limit: 10_000))
        tallies = try transaction.find(RecordQuery(table: "tallies", where: [], limit: 10_000))
    }

    func findings(events: [SimulatedShop.SentEvent], deliveries: [String], mill: SimulatedMill) -> [String] {
        journals() + rows() + counts() + ends() + queues() + inTime(events) + starts(deliveries) + ground(mill)
    }

    private func of(_ flow: String) -> [RunRecord] { runs.filter { $0.start.flow == flow } }

    private func texts(_ rows: [ValueMap], _ column: String) -> [String] {
        rows.compactMap { $0[column]?.stringValue }
    }

    private static func table(of hostCall: JournalEntry) -> String? {
        hostCall.input["arguments"]?.listValue?.first?.stringValue
    }

    // MARK: Journals

    /// Entries are numbered without gaps, and a run that is over has none that is open.
    private func journals() -> [String] {
        runs.flatMap { run -> [String] in
            let own = entries[run.id] ?? []
            var findings: [String] = []
            if own.map(\.sequence) != Array(1..<(own.count + 1)) {
                findings.append("run \(run.id): entries \(own.map(\.sequence))")
            }
            if run.status.isFinal, let open = own.first(where: { $0.status == .started }) {
                findings.append("run \(run.id) is \(run.status.rawValue), and \(open.address.path) is open")
            }
            return findings
        }
    }

    /// What journals say to be inserted is what the tables have, no row more or less.
    private func rows() -> [String] {
        let tables: [(name: String, column: String, rows: [ValueMap])] = [
            ("notes", "text", notes), ("parcels", "name", parcels),
        ]
        return tables.flatMap { table -> [String] in
            let said = inserts(into: table.name).compactMap { $0.output[table.column]?.stringValue }.sorted()
            let found = texts(table.rows, table.column).sorted()
            return said == found ? [] : ["journals have of \(table.name) \(said), and the table has \(found)"]
        }
    }

    private func inserts(into table: String) -> [JournalEntry] {
        runs.flatMap { entries[$0.id] ?? [] }.filter { entry in
            guard entry.status == .succeeded else { return false }
            if entry.block == "insert-record" { return entry.input["table"]?.stringValue == table }
            return entry.input["call"] == "records.insert" && Self.table(of: entry) == table
        }
    }

    /// What journals say to be counted is what was counted.
    private func counts() -> [String] {
        var findings: [String] = []
        for tally in tallies {
            guard let name = tally["name"]?.stringValue else { continue }
            var wanted: Int64 = 0
            for run in runs
            where name == (run.start.flow == "errand-watch" ? "parcels" : run.start.input["key"]?.stringValue) {
                for entry in entries[run.id] ?? [] where entry.status == .succeeded {
                    if entry.address.path.rawValue == "more" { wanted += 1 }
                    if entry.address.path.rawValue == "less" { wanted -= 1 }
                }
            }
            if tally["count"] != .int(wanted) {
                findings.append("the tally '\(name)' is \(tally["count"] ?? .null), and \(wanted) were counted")
            }
        }
        let watched = of("errand-watch").compactMap { $0.start.trigger["new"]?["name"]?.stringValue }.sorted()
        let found = texts(parcels, "name").sorted()
        if watched != found { findings.append("of parcels \(found), \(watched) started a run") }
        return findings
    }

    // MARK: Ends

    /// A run that succeeded did all of its flow, and the others ended as they may.
    private func ends() -> [String] {
        let found = Set(texts(notes, "text"))
        return runs.filter { $0.start.flow.hasPrefix("errand-") }.flatMap { run -> [String] in
            let failure = "\(run.failure?.code ?? "") \(run.failure?.message ?? "")"
            let told = "run \(run.id) of \(run.start.flow) is \(run.status.rawValue) \(failure) \(path(of: run))"
            switch (run.status, run.start.flow) {
            case (.cancelled, _): return []
            case (.failed, "errand-late"):
                guard let startedAt = run.startedAt, let end = startedAt + .seconds(15) else { return [told] }
                return run.failure?.code == "timeout" && run.finishedAt.map { $0 >= end } == true ? [] : [told]
            case (.succeeded, let flow) where flow != "errand-late":
                let missing = words(flow).map { "\(run.id) \($0)" }.filter { !found.contains($0) }
                return missing.isEmpty ? [] : [told + ", without \(missing)"]
            default: return [told]
            }
        }
    }

    /// How far a run came that did not end.
    private func path(of run: RunRecord) -> String {
        guard !run.status.isFinal else { return "" }
        let steps = (entries[run.id] ?? []).map { "\($0.address.path).\($0.address.call) \($0.status.rawValue)" }
        return "of epoch \(run.epoch), \(run.halt?.rawValue ?? "wanted"), since \(steps)"
    }

    private func words(_ flow: String) -> [String] {
        switch flow {
        case "errand-leaf", "errand-nest", "errand-hook": ["done"]
        case "errand-queue": ["begun", "done"]
        case "errand-take": ["one", "two"]
        case "errand-mill": ["ground"]
        case "errand-code": ["done", "call 2"]
        case "errand-parcel": ["begun"]
        default: []
        }
    }

    /// Runs of one key of `errand-queue` hold their place one after the other.
    private func queues() -> [String] {
        var findings: [String] = []
        var last: [String: RunRecord] = [:]
        let begun = of("errand-queue").filter { $0.startedAt != nil }
        for run in begun.sorted(by: { ($0.startedAt ?? $0.createdAt, $0.id) < ($1.startedAt ?? $1.createdAt, $1.id) }) {
            let key = run.start.input["key"]?.stringValue ?? ""
            if let before = last[key], let end = before.finishedAt, let start = run.startedAt, start < end {
                findings.append("runs \(before.id) and \(run.id) of '\(key)' went on at once")
            }
            last[key] = run
        }
        return findings
    }

    // MARK: What came from outside

    /// An event that came in time was seen.
    private func inTime(_ events: [SimulatedShop.SentEvent]) -> [String] {
        let found = Set(texts(notes, "text"))
        return of("errand-parcel").filter { $0.status == .succeeded }.compactMap { run in
            let key = run.start.input["key"]?.stringValue
            guard let end = run.createdAt + .seconds(60) else { return nil }
            let isDue = events.contains { $0.key == key && $0.earliest >= run.createdAt && $0.latest <= end }
            let (got, late) = (found.contains("\(run.id) got"), found.contains("\(run.id) late"))
            if got == late { return "run \(run.id) saw its parcel \(got ? "and did not" : "neither way")" }
            return isDue && late ? "run \(run.id) did not see the parcel that came in time" : nil
        }
    }

    /// Each event of the hook has one run, and each moment of the schedule up to the last one.
    private func starts(_ deliveries: [String]) -> [String] {
        var findings: [String] = []
        let hooked = of("errand-hook").compactMap { $0.start.trigger["body"]?["id"]?.stringValue }.sorted()
        if hooked != deliveries.sorted() {
            findings.append("deliveries \(deliveries.sorted()) started the runs \(hooked)")
        }
        let ticks = of("errand-tick").compactMap { $0.start.trigger["scheduledAt"]?.timestampValue }.sorted()
        for (tick, next) in zip(ticks, ticks.dropFirst()) where next - tick != .seconds(240) {
            findings.append("the schedule fired at \(tick) and next at \(next)")
        }
        return findings
    }

    /// Whom code made known to Stripe is known there once.
    func findings(customers: [String]) -> [String] {
        let made = of("errand-code").filter { run in
            (entries[run.id] ?? []).contains { $0.input["call"] == "stripe" && $0.status == .succeeded }
        }
        let known = made.map { SimulatedCode.customer(of: $0.id) }.sorted()
        return known == customers.sorted() ? [] : ["Stripe has the customers \(customers.sorted()), code made \(known)"]
    }

    /// What the mill did, it did once, for runs that know of it.
    private func ground(_ mill: SimulatedMill) -> [String] {
        let done = of("errand-mill").filter { run in
            (entries[run.id] ?? []).contains { $0.address.path.rawValue == "grind" && $0.status == .succeeded }
        }
        let known = done.map { "\($0.id)" }.sorted()
        let ground = mill.ground.sorted()
        return known == ground ? [] : ["the mill ground for \(ground), and \(known) know of it"]
    }
}
