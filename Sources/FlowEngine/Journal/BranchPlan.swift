import Expressions
import FlowLanguage

// A block with branches has an entry of its own (call 0), which is finished last, and one for each branch that was
// begun: the branch with the number n has the call n + 1. So the journal of a run alone says how it went on.

extension EntryAddress {
    /// Where the branch with the number `number` stands, if this is the address of its block.
    func branch(_ number: Int) -> EntryAddress {
        var address = self
        address.call = number + 1
        return address
    }

    /// Where the block stands, if this is the address of one of its branches.
    var blockOfBranch: EntryAddress {
        var address = self
        address.call = 0
        return address
    }

    /// Nil for a block's own entry.
    package var branchNumber: Int? { call > 0 ? call - 1 : nil }
}

extension JournalEntry {
    /// Whether this is the entry of a branch, and not of the block itself.
    package var isBranch: Bool { address.call > 0 && (block == "parallel" || block == "for-each") }

    /// The run that goes through the branch.
    package var branchRun: RunID? { isBranch ? input["run"]?.intValue.map { RunID($0) } : nil }

    /// The branch as a path that people read: `both/stock`, `each[3]`.
    package var branchPath: String? {
        guard isBranch else { return nil }
        if let name = input["branch"]?.stringValue { return "\(address.path)/\(name)" }
        return "\(address.path)[\(input["index"]?.intValue ?? Int64(address.call - 1))]"
    }
}

/// What the own entry of a block with branches says about them.
struct BranchPlan: Sendable {
    let address: EntryAddress
    let sequence: Int
    let block: String
    /// The branches by name; nil for the turns of a `for-each`.
    let names: [String]?
    let count: Int
    /// How many go on at once.
    let concurrency: Int
    let join: BranchesBlock.Join
    let onFailure: BranchesBlock.FailureRule
    /// When the block is out of time.
    let deadline: Timestamp?

    /// Nil for an entry that is none of such a block.
    init?(_ entry: JournalEntry) {
        guard entry.address.call == 0,
            let rule = entry.input["onFailure"]?.stringValue.flatMap(BranchesBlock.FailureRule.init(rawValue:))
        else { return nil }
        if let names = entry.input["branches"]?.listValue?.compactMap(\.stringValue),
            let join = entry.input["join"]?.stringValue.flatMap(BranchesBlock.Join.init(rawValue:))
        {
            (self.names, count, concurrency, self.join) = (names, names.count, names.count, join)
        } else if let items = entry.input["items"]?.intValue.flatMap({ Int(exactly: $0) }),
            let concurrency = entry.input["concurrency"]?.intValue.flatMap({ Int(exactly: $0) }), concurrency > 0
        {
            (names, count, self.concurrency, join) = (nil, items, concurrency, .all)
        } else {
            return nil
        }
        address = entry.address
        sequence = entry.sequence
        block = entry.block
        onFailure = rule
        deadline = entry.input["deadline"]?.timestampValue
    }

    /// What the entry of a branch keeps as its input.
    func input(of number: Int, run: RunID) -> Value {
        if let names { return ["branch": .string(names[number]), "run": .int(run.rawValue)] }
        return ["index": .int(Int64(number)), "run": .int(run.rawValue)]
    }

    /// Whether the block's outcome is certain with a branch that came to this end, whatever the others do.
    func isDecided(by status: JournalEntry.Status) -> Bool {
        switch status {
        case .succeeded: join == .first
        case .failed: join == .all && onFailure == .stop
        case .started, .outcomeUnknown: false
        }
    }
}

// MARK: The outcome

extension BranchPlan {
    /// What the block gives when no branch goes on any more; nil when its time was over before.
    ///
    /// In the order of the branches, not in that of their ends: which one was faster does not show. `isLate` says that
    /// time has run out, which cancels branches and lets none begin.
    func outcome(
        of branches: [JournalEntry],
        collects: Bool,
        isLate: Bool = false
    ) -> Result<Value, BlockFailure>? {
        if join == .first {
            if let winner = branches.first(where: { $0.status == .succeeded }),
                let name = winner.input["branch"]?.stringValue
            {
                var output = ValueMap()
                output[name] = winner.output
                output["first"] = .string(name)
                return .success(.map(output))
            }
            guard branches.count == count, !isLate else { return nil }
            return .failure(Self.firstFailure(branches) ?? .engine("no_branch", "there is no branch"))
        }
        let failure = onFailure == .stop ? Self.firstFailure(branches) : nil
        if let failure, !failure.isCancellation { return .failure(failure) }
        if isLate, branches.contains(where: { $0.failure?.isCancellation == true }) { return nil }
        if let failure { return .failure(failure) }
        guard branches.count == count else { return nil }
        return .success(.map(output(of: branches, collects: collects)))
    }

    private func output(of branches: [JournalEntry], collects: Bool) -> ValueMap {
        var output = ValueMap()
        if names != nil {
            for branch in branches where branch.status == .succeeded {
                if let name = branch.input["branch"]?.stringValue { output[name] = branch.output }
            }
        } else {
            output["count"] = .int(Int64(count))
            if collects { output["items"] = .list(branches.map { $0.status == .succeeded ? $0.output : .null }) }
        }
        guard onFailure == .continue else { return output }
        let failures = branches.compactMap { branch -> Value? in
            guard let failure = branch.failure else { return nil }
            let key = names == nil ? "index" : "branch"
            var told: ValueMap = ["error": failure.scopeValue]
            told[key] = branch.input[key] ?? .null
            return .map(told)
        }
        output["failures"] = .list(failures)
        return output
    }

    /// The failure of the first branch that failed by itself; of one that was cancelled, if all were.
    private static func firstFailure(_ branches: [JournalEntry]) -> BlockFailure? {
        let failures = branches.compactMap { $0.status == .failed ? $0.failure : nil }
        return failures.first { !$0.isCancellation } ?? failures.first
    }
}

extension BlockFailure {
    static func cancelled(_ what: String) -> BlockFailure { .engine("cancelled", "\(what) was cancelled") }

    var isCancellation: Bool { code == "cancelled" && type == "engine" }
}
