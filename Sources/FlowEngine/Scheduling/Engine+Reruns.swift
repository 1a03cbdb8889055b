package import Expressions
package import FlowLanguage

/// From where a run is done again.
package enum RerunStart: Sendable, Hashable {
    case beginning
    /// The first passage of the block: what was recorded before it is kept.
    case block(BlockPath)
    /// The block that the run failed at: what succeeded is kept.
    case failure
}

/// What doing a run again would mean.
package struct RerunPlan: Sendable, Hashable {
    /// An effect that the run had and that the new one has again.
    package struct Effect: Sendable, Hashable {
        package var path: BlockPath
        package var visit: Int
        package var block: String
        /// The request, or the table.
        package var what: String

        package init(path: BlockPath, visit: Int, block: String, what: String) {
            self.path = path
            self.visit = visit
            self.block = block
            self.what = what
        }
    }

    package var run: RunID
    package var flow: String
    /// Entries that the new run takes over.
    package var kept: Int
    /// At most `Limits.repeatsListed` of them.
    package var repeats: [Effect]
    /// How many there are beyond those.
    package var furtherRepeats: Int

    package init(run: RunID, flow: String, kept: Int, repeats: [Effect], furtherRepeats: Int = 0) {
        self.run = run
        self.flow = flow
        self.kept = kept
        self.repeats = repeats
        self.furtherRepeats = furtherRepeats
    }
}

// Final runs never change: doing one again makes a new run that names the old one.
extension Engine {
    /// Tells what `rerun` would do, and does nothing.
    ///
    /// - Throws: `.unknownRun`; `.wrongState` for a run that is not final, whose flow is gone, or that did not pass the
    ///   block; `.store`.
    package func planRerun(of run: RunID, from start: RerunStart) async throws(EngineError) -> RerunPlan {
        let found: (RunRecord, [JournalEntry])?
        do throws(StoreError) {
            found = try await store.read { (reader) throws(StoreError) in
                guard let record = try reader.run(run) else { return nil }
                return (record, try reader.entries(of: run))
            }
        } catch {
            throw EngineError(error)
        }
        guard let (record, entries) = found else { throw EngineError(.unknownRun, "there is no such run") }
        let kept = try kept(of: record, entries, from: start)
        do throws(StoreError) {
            return try await store.read { (reader) throws(StoreError) in
                var plan = RerunPlan(run: run, flow: record.start.flow, kept: kept, repeats: [])
                try Self.list(entries.dropFirst(kept), of: record, in: &plan, reader)
                try Self.listReruns(beside: record, in: &plan, reader)
                return plan
            }
        } catch {
            throw EngineError(error)
        }
    }

    /// Lists what entries did to the world, those of branches and of sub-flows among them.
    ///
    /// A block that failed may have done something all the same: a sub-flow before it failed, a request whose answer was
    /// not the expected one.
    private static func list(
        _ entries: some Sequence<JournalEntry>,
        of record: RunRecord,
        in plan: inout RerunPlan,
        _ reader: any StoreReader
    ) throws(StoreError) {
        var answers: [EntryAddress: OutsideAnswer]?
        for entry in entries {
            if let child = entry.branchRun ?? entry.subflowRun {
                guard let found = try reader.run(child) else {
                    plan.note(RerunPlan.Effect(entry, ofGone: child), of: record)
                    continue
                }
                if entry.branchRun == nil, entry.status != .failed { plan.note(RerunPlan.Effect(entry), of: record) }
                try list(reader.entries(of: child), of: found, in: &plan, reader)
                continue
            }
            if entry.status == .failed, entry.subflowRun == nil {
                guard let request = OutsideRequest(entry.input), request.effect != .safe else { continue }
                let known = if let answers { answers } else { try Self.answers(in: record.id, reader) }
                answers = known
                guard let status = known[entry.address]?.status, (200...299).contains(status) else { continue }
            }
            plan.note(RerunPlan.Effect(entry), of: record)
        }
    }

    /// Lists what other runs did that do the same one again, and those that are still about it: what has been done since
    /// is repeated as well.
    private static func listReruns(
        beside record: RunRecord,
        in plan: inout RerunPlan,
        _ reader: any StoreReader
    ) throws(StoreError) {
        var first = record
        // Ends: whoever does a run again began later.
        while let former = first.start.rerunOf, former < first.id, let found = try reader.readableRun(former) {
            first = found
        }
        var originals = [(first.id, try reader.entries(of: first.id))]
        while let (original, known) = originals.popLast() {
            for id in try reader.reruns(of: original) where id > original {
                let entries = try reader.entries(of: id)
                originals.append((id, entries))
                guard id != record.id, let again = try reader.readableRun(id) else { continue }
                let kept = zip(entries, known).prefix { $0.isTakenOver(from: $1) }.count
                if !again.status.isFinal { plan.note(RerunPlan.Effect(unfinished: again), of: record) }
                try list(entries.dropFirst(kept), of: again, in: &plan, reader)
            }
        }
    }

    /// What requests of a run were answered with.
    private static func answers(
        in run: RunID,
        _ reader: any StoreReader
    ) throws(StoreError) -> [EntryAddress: OutsideAnswer] {
        var answers: [EntryAddress: OutsideAnswer] = [:]
        for evidence in try reader.evidence(of: run) { answers[evidence.address] = evidence.receipt?.answer }
        return answers
    }

    /// Starts a new run that does a final one again, with other input if some is given; durable when this returns.
    ///
    /// Its effects carry keys of their own: whoever asks for it wants them again. What is kept is in the new run's
    /// journal, and is checked to be what the flow does with the input; another input may take another way.
    /// - Throws: As `planRerun`; `.invalidInput`; `.wrongState` when the kept entries do not fit.
    package func rerun(
        _ run: RunID,
        from start: RerunStart,
        input: ValueMap? = nil
    ) async throws(EngineError) -> RunID {
        try checkWriting()
        _ = try await planRerun(of: run, from: start)
        let record = try await final(run)
        guard let graph = app.flows[record.start.flow] else {
            throw EngineError(.wrongState, "the app has no flow '\(record.start.flow)' any more")
        }
        guard record.start.mode == mode else {
            throw EngineError(.wrongState, "the run is of \(record.start.mode.rawValue) mode")
        }
        var again = record.start
        again.version = graph.version
        again.parent = nil
        again.idempotencyKey = nil
        again.concurrency = nil
        // Somebody asks for this one.
        again.generation = Generation()
        again.rerunOf = run
        if let input {
            switch InputCheck(graph.inputs).check(input) {
            case .failure(let invalid):
                throw EngineError(.invalidInput(invalid.findings), "the input does not fit the flow's declaration")
            case .success(let checked): again.input = checked
            }
        }
        return try await insert(again, again: record, from: start, graph)
    }

    private func final(_ run: RunID) async throws(EngineError) -> RunRecord {
        let record: RunRecord?
        do throws(StoreError) {
            record = try await store.read { (reader) throws(StoreError) in try reader.run(run) }
        } catch {
            throw EngineError(error)
        }
        guard let record else { throw EngineError(.unknownRun, "there is no such run") }
        return record
    }

    private func insert(
        _ start: RunStart,
        again old: RunRecord,
        from place: RerunStart,
        _ graph: FlowGraph
    ) async throws(EngineError) -> RunID {
        let epoch = store.bootEpoch
        let now = clock.now()
        let misfit = Slot<String?>()
        misfit.put(nil)
        do throws(StoreError) {
            return try await writer.perform { [self] (transaction, _) throws(StoreError) -> RunID in
                let entries = try transaction.entries(of: old.id)
                let kept: Int
                do throws(EngineError) {
                    kept = try self.kept(of: old, entries, from: place)
                } catch {
                    throw StoreError(.constraint, error.message)
                }
                var record = try StartAdmission(graph, now: now).insert(start, in: transaction)
                guard kept > 0, !record.status.isFinal else { return record.id }
                // One that waits for a place begins when it has it, and so do its time limits.
                if !record.isHeld {
                    record.startedAt = now
                    try transaction.updateRun(record)
                }
                var taken: [JournalEntry] = []
                for (var entry, evidence) in zip(entries.prefix(kept), try transaction.evidence(of: old.id)) {
                    entry.address.run = record.id
                    entry.accesses = evidence.accesses
                    entry.receipt = evidence.receipt
                    taken.append(entry)
                    try transaction.insertEntry(entry, epoch: epoch)
                }
                let fresh = Interpreter(graph: graph, run: record.id, start: record.start, startedAt: now)
                do throws(NondeterminismError) {
                    _ = try JournalReplay(fresh, entries: taken)
                } catch {
                    misfit.put("what was recorded before does not fit (\(error.message)); begin earlier")
                    throw StoreError(.constraint, error.message)
                }
                if let reason = try takeOnCallback(of: record, keeping: taken, graph, at: now, in: transaction) {
                    misfit.put(reason)
                    throw StoreError(.constraint, reason)
                }
                return record.id
            } then: { [self] _ in
                requestLook()
            }
        } catch {
            stall(after: error)
            guard error.code == .constraint else { throw EngineError(error) }
            let reason = "what was recorded before does not fit (\(error.message)); begin earlier"
            throw EngineError(.wrongState, misfit.take() ?? reason)
        }
    }

    /// The number of entries before the place.
    private func kept(
        of record: RunRecord,
        _ entries: [JournalEntry],
        from start: RerunStart
    ) throws(EngineError) -> Int {
        guard record.start.origin != .branch else {
            let parent = record.start.parent.map { " of run \($0.run), which can be done again" } ?? ""
            throw EngineError(.wrongState, "run \(record.id) is a branch\(parent)")
        }
        guard record.status.isFinal else {
            let way = record.status == .outcomeUnknown ? "settle it first" : "it is not over"
            throw EngineError(.wrongState, "run \(record.id) is \(record.status.rawValue); \(way)")
        }
        if let damage = record.damage { throw EngineError(.wrongState, "run \(record.id): \(damage)") }
        if start == .beginning { return 0 }
        // What sub-flows did is in the entries.
        guard app.flows[record.start.flow]?.version.own == record.start.version.own else {
            throw EngineError(
                .wrongState,
                "'\(record.start.flow)' has changed since run \(record.id), and what that recorded may not fit it: "
                    + "it can be done again from the beginning only"
            )
        }
        switch start {
        case .beginning: return 0
        case .block(let path):
            if let index = entries.firstIndex(where: { $0.passes(path) }) { return index }
            if record.trace.contains(where: { $0.path == path }) { return entries.count }
            throw EngineError(.wrongState, reason(whyNotFrom: path, record))
        case .failure:
            guard record.status == .failed else {
                let message = "run \(record.id) did not fail, it is \(record.status.rawValue)"
                throw EngineError(.wrongState, message + ": do it again with `runs rerun`")
            }
            guard let block = record.failure?.block else { return entries.count }
            let failed = entries.last {
                $0.status == .failed && ($0.address.path.rawValue == block || BlockPath(block).isBelow($0.address.path))
            }
            guard let failed else { return entries.count }
            return entries.firstIndex {
                $0.address.visit == failed.address.visit
                    && ($0.address.path == failed.address.path || $0.address.path.isBelow(failed.address.path))
            } ?? entries.count
        }
    }
}

extension Engine {
    /// Why a run that did not pass `path` cannot begin there.
    private func reason(whyNotFrom path: BlockPath, _ record: RunRecord) -> String {
        guard let graph = app.flows[record.start.flow] else { return "there is no flow '\(record.start.flow)'" }
        guard let node = graph.nodes.first(where: { $0.path == path }) else {
            return "'\(record.start.flow)' has no block '\(path)'; `runs show` prints the paths of those that ran"
        }
        guard let branches = graph.branches(around: node.index) else {
            return "run \(record.id) did not pass '\(path)'"
        }
        return "'\(path)' lies in a branch of '\(branches.path)', which is a run of its own and cannot begin alone: "
            + "begin from '\(branches.path)', which does its branches again"
    }
}

extension FlowGraph {
    /// The outermost block that goes on in branches and has `index` in one of them.
    fileprivate func branches(around index: NodeIndex) -> Node? {
        // A branch's nodes lie between its block and the node that ends it.
        for node in nodes[index.rawValue...] {
            guard case .endBranch(let begin, _) = node.action, begin.rawValue < index.rawValue else { continue }
            return branches(around: begin) ?? self[begin]
        }
        return nil
    }
}

extension BlockPath {
    fileprivate func isBelow(_ other: BlockPath) -> Bool { rawValue.utf8.starts(with: "\(other.rawValue)/".utf8) }
}

extension JournalEntry {
    /// Whether a rerun has this entry from its original.
    fileprivate func isTakenOver(from other: JournalEntry) -> Bool {
        var entry = self
        entry.address.run = other.address.run
        return entry == other
    }

    /// Whether the block at `path`, or one in it, was passed with this entry.
    fileprivate func passes(_ path: BlockPath) -> Bool {
        address.path == path || address.path.isBelow(path) || trace.contains { $0.path == path }
    }
}

extension JournalEntry {
    /// The run that a block, or a host call of code, waited for.
    fileprivate var subflowRun: RunID? {
        guard block == "run-flow" || input["call"] != nil, OutsideRequest(input) == nil else { return nil }
        return input["run"]?.intValue.map { RunID($0) }
    }
}

extension RerunPlan {
    fileprivate mutating func note(_ effect: Effect?, of record: RunRecord) {
        guard var effect else { return }
        // The paths of a sub-flow are its own, and what a rerun did is not found in this run.
        if record.id != run, record.start.flow != flow || record.start.rerunOf != nil {
            effect.what += "\(effect.what.isEmpty ? "" : " ")(run \(record.id), '\(record.start.flow)')"
        }
        if repeats.count < Limits.repeatsListed { repeats.append(effect) } else { furtherRepeats += 1 }
    }
}

extension RerunPlan.Effect {
    /// A run that does the original again and may still do anything.
    fileprivate init(unfinished again: RunRecord) {
        self.init(
            path: BlockPath("run \(again.id)"),
            visit: 1,
            block: again.status.rawValue,
            what: "does it again already, and is not over"
        )
    }

    /// What a run did that is gone: one that a rerun took over the entry of, or one that an earlier program removed.
    init(_ entry: JournalEntry, ofGone child: RunID) {
        let unnamed = entry.branchRun == nil ? "runs a flow" : "a branch"
        let what = entry.input["flow"]?.stringValue.map { "runs '\($0)'" } ?? unnamed
        self.init(
            path: entry.address.path,
            visit: entry.address.visit,
            block: entry.block,
            what: "\(what) (run \(child) is gone: its effects are not known any more)"
        )
    }

    /// Nil for an entry that only reads; whether it succeeded is the caller's affair.
    init?(_ entry: JournalEntry) {
        let what: String
        if let request = OutsideRequest(entry.input) {
            if request.effect == .safe { return nil }
            what = "\(request.connection): \(request.method) \(request.path)"
        } else {
            switch entry.block {
            case "find-record", "find-records", "callback-handler", "transaction", "parallel", "for-each", "wait",
                "retry":
                return nil
            default:
                what =
                    entry.input["table"]?.stringValue ?? entry.input["flow"]?.stringValue.map { "runs '\($0)'" } ?? ""
            }
        }
        self.init(path: entry.address.path, visit: entry.address.visit, block: entry.block, what: what)
    }
}
