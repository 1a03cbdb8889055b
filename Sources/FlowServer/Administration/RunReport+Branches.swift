package import FlowEngine

extension RunReport {
    /// How much of a long run a report shows.
    private enum Bounds {
        /// Of the run's first entries, of its last ones, and of those between that did not succeed.
        static let entries = 500
        /// The same of a branch.
        static let entriesOfBranch = 20
        /// Branches whose steps are shown, of those that succeeded and of the others; their lines name the runs of the rest.
        static let branches = 100
    }

    /// A report with what the run's branches did, each behind the line of its own.
    ///
    /// Of a long run it shows the beginning, the end, and what did not succeed: `omitted` counts the rest.
    package init(_ record: RunRecord, in reader: any StoreReader) throws(StoreError) {
        let excerpt = try reader.excerpt(of: record.id, limit: Bounds.entries)
        self.init(record, entries: excerpt.entries)
        omitted = excerpt.omitted
        guard excerpt.entries.contains(where: \.isBranch) else { return }
        var gathering = BranchSteps(reader: reader)
        steps = try gathering.steps(of: excerpt.entries) + record.trace.map(Step.init)
        omitted += gathering.omitted
    }

    private struct BranchSteps {
        let reader: any StoreReader
        /// Branches that may still be shown.
        private var succeeded = Bounds.branches, others = Bounds.branches
        private(set) var omitted = 0

        init(reader: any StoreReader) { self.reader = reader }

        mutating func steps(of entries: [JournalEntry]) throws(StoreError) -> [Step] {
            var steps: [Step] = []
            for entry in entries {
                steps += entry.trace.map(Step.init) + [Step(entry)]
                guard let id = entry.branchRun, let path = entry.branchPath, isShown(entry),
                    let branch = try reader.run(id)
                else { continue }
                let excerpt = try reader.excerpt(of: id, limit: Bounds.entriesOfBranch)
                omitted += excerpt.omitted
                // A turn's blocks stand under the turn: `each[3]/charge`.
                let common = "\(entry.address.path)/do/"
                for var step in try self.steps(of: excerpt.entries) + branch.trace.map(Step.init) {
                    if step.path.hasPrefix(common) { step.path = "\(path)/\(step.path.dropFirst(common.count))" }
                    steps.append(step)
                }
            }
            return steps
        }

        private mutating func isShown(_ entry: JournalEntry) -> Bool {
            if entry.status == .succeeded {
                succeeded -= 1
                return succeeded >= 0
            }
            others -= 1
            return others >= 0
        }
    }
}
