package import Expressions
package import FlowEngine
package import FlowLanguage

/// A request that one way sends and the other does not, or sends otherwise.
package struct RequestDifference: Sendable, Hashable {
    package enum Kind: String, Sendable, Hashable { case new, gone, changed }

    package var kind: Kind
    package var path: BlockPath
    package var method: String
    package var target: String
}

/// A row that one way leaves otherwise than the other.
package struct RowDifference: Sendable, Hashable {
    package var table: String
    package var id: Int64
    /// As it was left then; nil: it was not there, or not touched.
    package var old: ValueMap?
    package var new: ValueMap?
}

/// What a recorded run would do on another version of its app.
package struct AppComparison: Sendable {
    /// The first block whose behaviour changed; nil: nothing did.
    package var divergence: Divergence?
    package var requests: [RequestDifference] = []
    package var rows: [RowDifference] = []
    /// What cannot be known.
    package var notes: [String] = []
    package var snapshot: BlockSnapshot?
}

extension CapsuleReplay {
    /// Replays a capsule on another app and tells what its run would do there.
    ///
    /// - Throws: When it cannot be compared: the capsule does not replay on its own files, or the app has no such flow
    ///   or takes no such input.
    package func compare(
        _ capsule: Capsule,
        with app: App,
        watch: PassWatch = PassWatch()
    ) throws(ReplayRefusal) -> AppComparison {
        let verdict = try replay(capsule, watch: PassWatch())
        try checkComparable(capsule, verdict, app)
        let new = try run(capsule, on: app, outside: verdict.outcome.outside, code: nil, watch: watch)
        return try comparison(of: capsule, verdict.outcome, new, on: app)
    }

    func checkComparable(_ capsule: Capsule, _ verdict: CapsuleVerdict, _ app: App) throws(ReplayRefusal) {
        if let found = verdict.divergence {
            throw ReplayRefusal("the capsule does not replay on its own files: \(found.summary)")
        }
        let start = capsule.run.record.start
        guard let graph = app.flows[start.flow] else { throw ReplayRefusal("the app has no flow '\(start.flow)' now") }
        if case .failure(let invalid) = InputCheck(graph.inputs).check(start.input) {
            let text = invalid.findings.map { "'\($0.path)' \($0.message)" }.joined(separator: "; ")
            throw ReplayRefusal("'\(start.flow)' does not take the run's input now: \(text)")
        }
    }

    func comparison(
        of capsule: Capsule,
        _ old: ReplayOutcome,
        _ new: ReplayOutcome,
        on app: App
    ) throws(ReplayRefusal) -> AppComparison {
        let start = capsule.run.record.start
        let before = try compiledApp(of: capsule)
        var comparison = AppComparison(snapshot: new.snapshot)
        comparison.divergence = Self.firstDifference(capsule, (before, old), (app, new))
        comparison.requests = Self.requests(old, new)
        comparison.rows = Self.rows(old.changes, new.changes)
        for run in new.runs {
            switch run.stop {
            case .unanswered(let address):
                comparison.notes.append("\(address.path) asks for an answer that nobody recorded: it ends there")
            case .lost(let message): comparison.notes.append(message)
            case .recordEnds, .code, nil: break
            }
        }
        if comparison.divergence == nil, let row = comparison.rows.first {
            comparison.divergence = Divergence(
                run: capsule.run.record.id,
                flow: start.flow,
                path: nil,
                visit: 1,
                aspect: .row,
                old: row.old.map(Value.map) ?? .null,
                new: row.new.map(Value.map) ?? .null
            )
        }
        return comparison
    }

    // MARK: Blocks

    private static func firstDifference(
        _ capsule: Capsule,
        _ old: (app: App, outcome: ReplayOutcome),
        _ new: (app: App, outcome: ReplayOutcome)
    ) -> Divergence? {
        // A sub-run's difference comes before what its caller makes of it.
        let pairs = zip(old.outcome.runs, new.outcome.runs).reversed()
        for (before, after) in pairs {
            if let found = difference(before, after, old.app, new.app) { return found }
        }
        guard old.outcome.runs.count != new.outcome.runs.count else { return nil }
        var found = Divergence(
            run: capsule.run.record.id,
            flow: capsule.run.record.start.flow,
            path: nil,
            visit: 1,
            aspect: .way,
            old: .null,
            new: .null
        )
        found.old = .int(Int64(old.outcome.runs.count))
        found.new = .int(Int64(new.outcome.runs.count))
        return found
    }

    private static func difference(
        _ old: ReplayedRun,
        _ new: ReplayedRun,
        _ oldApp: App,
        _ newApp: App
    ) -> Divergence? {
        let (before, after) = (BehaviourStep.steps(of: old), BehaviourStep.steps(of: new))
        let flow = old.record.start.flow
        func divergence(
            _ one: BehaviourStep?,
            _ other: BehaviourStep?,
            _ aspect: Divergence.Aspect,
            _ oldValue: Value,
            _ newValue: Value
        ) -> Divergence {
            Divergence(
                run: old.record.id,
                flow: flow,
                path: other?.path ?? one?.path,
                visit: other?.visit ?? one?.visit ?? 1,
                aspect: aspect,
                old: oldValue,
                new: newValue,
                oldPlace: one.flatMap { oldApp.place(of: $0.path, in: flow) },
                newPlace: other.flatMap { newApp.place(of: $0.path, in: flow) }
            )
        }
        for place in 0..<max(before.count, after.count) {
            let one = place < before.count ? before[place] : nil
            let other = place < after.count ? after[place] : nil
            guard let one, let other, one.isSameBlock(as: other) else {
                return divergence(
                    one,
                    other,
                    .way,
                    one.map { .string("\($0.block) at \($0.path)") } ?? "the end",
                    other.map { .string("\($0.block) at \($0.path)") } ?? "the end"
                )
            }
            if let found = one.difference(from: other) {
                return divergence(one, other, found.aspect, found.old, found.new)
            }
            // Another branch: a change if what comes behind it is another thing as well.
            if one.isChoice, !one.result.isIdentical(to: other.result),
                !leadsToTheSame(before, after, behind: place)
            {
                return divergence(one, other, .result, one.result, other.result)
            }
        }
        return ending(old, new, newApp) { divergence(nil, nil, $0, $1, $2) }
    }

    private static func leadsToTheSame(_ old: [BehaviourStep], _ new: [BehaviourStep], behind place: Int) -> Bool {
        guard place + 1 < old.count, place + 1 < new.count else { return old.count == new.count }
        return old[place + 1].isSameBlock(as: new[place + 1]) && old[place + 1].difference(from: new[place + 1]) == nil
    }

    private static func ending(
        _ old: ReplayedRun,
        _ new: ReplayedRun,
        _ app: App,
        _ divergence: (Divergence.Aspect, Value, Value) -> Divergence
    ) -> Divergence? {
        guard old.record.status.isFinal else { return nil }
        if old.record.status != new.record.status {
            return divergence(.status, .string(old.record.status.rawValue), .string(new.record.status.rawValue))
        }
        let (failure, again) = (old.record.failure?.behaviour ?? .null, new.record.failure?.behaviour ?? .null)
        if old.record.failure?.type != "expression", !failure.isIdentical(to: again) {
            return divergence(.failure, failure, again)
        }
        let (before, after) = (old.record.answer?.capsuleValue ?? .null, new.record.answer?.capsuleValue ?? .null)
        guard !before.isIdentical(to: after) else { return nil }
        var found = divergence(.answer, before, after)
        let outputs = app.flows[old.record.start.flow]?.outputs ?? []
        let changed = outputs.first {
            !(before["body"]?[$0.name] ?? .null).isIdentical(to: after["body"]?[$0.name] ?? .null)
        }
        if let changed {
            found.path = BlockPath("output/\(changed.name)")
            if case .expression(let placed) = changed.value { found.newPlace = placed.range }
        }
        return found
    }

    // MARK: Effects

    private static func requests(_ old: ReplayOutcome, _ new: ReplayOutcome) -> [RequestDifference] {
        let (before, after) = (sent(old), sent(new))
        var differences: [RequestDifference] = []
        for (name, request) in before.sorted(by: { $0.value.order < $1.value.order }) {
            guard let again = after[name] else {
                differences.append(request.difference(.gone))
                continue
            }
            if !again.isSame(as: request) { differences.append(again.difference(.changed)) }
        }
        for (name, request) in after.sorted(by: { $0.value.order < $1.value.order }) where before[name] == nil {
            differences.append(request.difference(.new))
        }
        return differences
    }

    private struct Sent {
        var order: Int
        var path: BlockPath
        var request: OutsideRequest

        func isSame(as other: Sent) -> Bool {
            var (own, its) = (request, other.request)
            (own.key, its.key) = (nil, nil)
            return own == its
        }

        func difference(_ kind: RequestDifference.Kind) -> RequestDifference {
            RequestDifference(kind: kind, path: path, method: request.method, target: request.path)
        }
    }

    /// By run, block, visit, attempt and call; blocks by their ids, since an edit may move them.
    private static func sent(_ outcome: ReplayOutcome) -> [String: Sent] {
        var sent: [String: Sent] = [:]
        for (number, run) in outcome.runs.enumerated() {
            for entry in run.entries {
                guard let request = OutsideRequest(entry.input) else { continue }
                let block = entry.address.path.rawValue.split(separator: "/").last ?? ""
                let name = "\(number) \(block) \(entry.address.visit) \(entry.address.attempt) \(entry.address.call)"
                sent[name] = Sent(order: sent.count, path: entry.address.path, request: request)
            }
        }
        return sent
    }

    private static func rows(_ old: [RowChange], _ new: [RowChange]) -> [RowDifference] {
        struct Key: Hashable {
            var table: String
            var id: Int64
        }
        func left(_ changes: [RowChange]) -> [Key: ValueMap?] {
            var rows: [Key: ValueMap?] = [:]
            for change in changes { rows[Key(table: change.table, id: change.id)] = .some(change.after) }
            return rows
        }
        let (before, after) = (left(old), left(new))
        let keys = Set(before.keys).union(after.keys).sorted { ($0.table, $0.id) < ($1.table, $1.id) }
        return keys.compactMap { key in
            let (one, other) = (before[key] ?? nil, after[key] ?? nil)
            let isSame = (one.map(Value.map) ?? .null).isIdentical(to: other.map(Value.map) ?? .null)
            return isSame ? nil : RowDifference(table: key.table, id: key.id, old: one, new: other)
        }
    }
}
