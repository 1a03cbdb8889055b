package import Expressions
package import FlowEngine
package import FlowLanguage

/// Where two ways of one run part: the first block that did something else.
package struct Divergence: Sendable, Hashable {
    package enum Aspect: String, Sendable, Hashable {
        /// The block's evaluated input, or its request.
        case input
        case output
        case failure
        /// What a block without an effect did: the branch taken, the line logged, the variables set.
        case result
        /// One way passes a block that the other does not.
        case way
        /// How the run ended, or what its caller got.
        case answer
        case status
        /// A row as the run left it.
        case row
        /// What started the run, as it came.
        case event
    }

    package var run: RunID
    package var flow: String
    /// The block; nil for the run's end.
    package var path: BlockPath?
    package var visit: Int
    package var aspect: Aspect
    package var old: Value
    package var new: Value
    /// Where the block stands in the files of the capsule.
    package var oldPlace: SourceRange?
    /// Where it stands in the files that it was replayed on.
    package var newPlace: SourceRange?

    /// One sentence.
    package var summary: String {
        if aspect == .event { return "the event that started '\(flow)' is not the one that the run saw" }
        let place = path.map { "\($0)" + (visit > 1 ? " (visit \(visit))" : "") } ?? "the end"
        return "\(aspect.rawValue) of \(place) in '\(flow)'"
    }
}

extension Value {
    /// Equal to the last byte: what an expression takes for the same, such as 1 and 1.0, differs.
    func isIdentical(to other: Value) -> Bool { JSON.encodeExact(self) == JSON.encodeExact(other) }
}

/// Compares what a replay did with the record, entry by entry.
struct RecordComparison {
    let app: App
    let capsule: Capsule
    let outcome: ReplayOutcome

    private var history: RecordedHistory { capsule.history }

    /// The first difference, in the order in which things happened; nil when there is none.
    var first: Divergence? {
        if let found = compareDelivery() { return found }
        let replayed = Dictionary(outcome.runs.map { ($0.record.id, $0) }) { first, _ in first }
        for run in history.runs {
            guard let again = replayed[run.record.id] else {
                return end(run, .way, "the run", "no such sub-run was started")
            }
            if let found = compare(run, again) { return found }
        }
        for run in outcome.runs where !history.runs.contains(where: { $0.record.id == run.record.id }) {
            return end(history.runs[0], .way, "no such sub-run", .string("run of '\(run.record.start.flow)'"))
        }
        return compareRows() ?? compareMet()
    }

    /// Rows that a later access mends, or that were undone, show nowhere else.
    private func compareMet() -> Divergence? {
        guard let metHash = capsule.metHash, metHash != outcome.metHash else { return nil }
        return end(history.runs[0], .row, .string(metHash), .string(outcome.metHash))
    }

    /// The event is what started the run, byte for byte.
    private func compareDelivery() -> Divergence? {
        guard let delivery = capsule.delivery, let member = capsule.deliveryMember else { return nil }
        let run = history.runs[0]
        let told = run.record.start.trigger[member] ?? .null
        let came = (try? JSON.parse(delivery.body)) ?? .bytes(delivery.body)
        return came.isIdentical(to: told) ? nil : end(run, .event, came, told)
    }

    private func compare(_ run: RecordedRun, _ again: ReplayedRun) -> Divergence? {
        for (place, entry) in run.entries.enumerated() {
            guard place < again.entries.count else {
                let stop = again.stop.map { "\($0)" } ?? "the run is over"
                return divergence(run, entry, .way, entry.capsuleValue, .string(stop))
            }
            if let found = compare(run, entry, again.entries[place]) { return found }
        }
        // Ended here from outside; the replay cannot know.
        if run.record.wasStopped || !run.record.status.isFinal { return nil }
        if again.entries.count > run.entries.count {
            let entry = again.entries[run.entries.count]
            return divergence(run, entry, .way, "the record ends", entry.capsuleValue)
        }
        if let found = steps(run, run.record.trace, again.record.trace) { return found }
        if run.record.status != again.record.status {
            return end(run, .status, .string(run.record.status.rawValue), .string(again.record.status.rawValue))
        }
        let (old, new) = (run.record.failure?.capsuleValue ?? .null, again.record.failure?.capsuleValue ?? .null)
        if !old.isIdentical(to: new) { return end(run, .failure, old, new) }
        let (before, after) = (run.record.answer?.capsuleValue ?? .null, again.record.answer?.capsuleValue ?? .null)
        if !before.isIdentical(to: after) { return end(run, .answer, before, after) }
        return nil
    }

    private func compare(_ run: RecordedRun, _ old: JournalEntry, _ new: JournalEntry) -> Divergence? {
        if let found = steps(run, old.trace, new.trace) { return found }
        guard old.address == new.address, old.block == new.block else {
            return divergence(run, old, .way, old.capsuleValue, new.capsuleValue)
        }
        guard old.input.isIdentical(to: new.input) else { return divergence(run, old, .input, old.input, new.input) }
        if old.key != new.key {
            let (key, again) = (old.key.map(Value.string) ?? .null, new.key.map(Value.string) ?? .null)
            return divergence(run, old, .input, ["key": key], ["key": again])
        }
        guard old.status == .succeeded || old.status == .failed else { return nil }
        let (before, after) = (old.failure?.capsuleValue ?? .null, new.failure?.capsuleValue ?? .null)
        guard before.isIdentical(to: after) else { return divergence(run, old, .failure, before, after) }
        guard old.output.isIdentical(to: new.output) else {
            return divergence(run, old, .output, old.output, new.output)
        }
        guard old.status == new.status else {
            return divergence(run, old, .status, .string(old.status.rawValue), .string(new.status.rawValue))
        }
        guard old.startedAt == new.startedAt else {
            return divergence(run, old, .input, .timestamp(old.startedAt), .timestamp(new.startedAt))
        }
        // An entry without accesses of its own shows them in its output.
        return rows(run, old, old.accesses, new.accesses)
            ?? rows(run, old, old.receipt?.accesses, new.receipt?.accesses)
    }

    /// The rows that a block met: those that the run wrote itself are as it left them.
    private func rows(
        _ run: RecordedRun,
        _ entry: JournalEntry,
        _ old: [StoreAccess]?,
        _ new: [StoreAccess]?
    ) -> Divergence? {
        guard let old, let new else { return nil }
        let before = old.filter(\.isOfRows).map(\.value)
        let after = new.filter(\.isOfRows).map(\.value)
        for place in 0..<max(before.count, after.count) {
            let one = place < before.count ? before[place] : .null
            let other = place < after.count ? after[place] : .null
            if !one.isIdentical(to: other) { return divergence(run, entry, .row, one, other) }
        }
        return nil
    }

    private func steps(_ run: RecordedRun, _ old: [TraceStep], _ new: [TraceStep]) -> Divergence? {
        for place in 0..<max(old.count, new.count) {
            let before = place < old.count ? old[place] : nil
            let after = place < new.count ? new[place] : nil
            guard before != after else { continue }
            let path = before?.path ?? after?.path
            return divergence(
                run,
                path,
                before?.path == after?.path ? .result : .way,
                before?.capsuleValue ?? .null,
                after?.capsuleValue ?? .null
            )
        }
        return nil
    }

    private func compareRows() -> Divergence? {
        let changes = capsule.changes
        // None were noted while the capsule is being made.
        guard !changes.isEmpty else { return nil }
        for place in 0..<max(changes.count, outcome.changes.count) {
            let old = place < changes.count ? changes[place] : nil
            let new = place < outcome.changes.count ? outcome.changes[place] : nil
            let (before, after) = (old?.capsuleValue ?? .null, new?.capsuleValue ?? .null)
            guard !before.isIdentical(to: after) else { continue }
            let address = old?.address ?? new?.address
            let run = history.runs.first { $0.record.id == address?.run } ?? history.runs[0]
            return divergence(run, address?.path, .row, before, after, visit: address?.visit ?? 1)
        }
        return nil
    }

    // MARK: Places

    private func divergence(
        _ run: RecordedRun,
        _ entry: JournalEntry,
        _ aspect: Divergence.Aspect,
        _ old: Value,
        _ new: Value
    ) -> Divergence {
        divergence(run, entry.address.path, aspect, old, new, visit: entry.address.visit)
    }

    private func divergence(
        _ run: RecordedRun,
        _ path: BlockPath?,
        _ aspect: Divergence.Aspect,
        _ old: Value,
        _ new: Value,
        visit: Int = 1
    ) -> Divergence {
        let place = path.flatMap { app.place(of: $0, in: run.record.start.flow) }
        return Divergence(
            run: run.record.id,
            flow: run.record.start.flow,
            path: path,
            visit: visit,
            aspect: aspect,
            old: old,
            new: new,
            oldPlace: place,
            newPlace: place
        )
    }

    private func end(_ run: RecordedRun, _ aspect: Divergence.Aspect, _ old: Value, _ new: Value) -> Divergence {
        divergence(run, nil, aspect, old, new)
    }
}

extension App {
    /// Where a block stands in its file.
    func place(of path: BlockPath, in flow: String) -> SourceRange? {
        flows[flow]?.nodes.first { $0.path == path }?.range
    }
}
