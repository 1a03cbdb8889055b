package import FlowEngine

extension RunReport {
    /// Branches whose steps a report shows; of others their lines name their runs.
    private static let branchesShown = 100

    /// A report with what the run's branches did, each behind the line of its own.
    package init(_ record: RunRecord, in reader: any StoreReader) throws(StoreError) {
        let entries = try reader.entries(of: record.id)
        self.init(record, entries: entries)
        guard entries.contains(where: \.isBranch) else { return }
        var left = Self.branchesShown
        steps = try Self.steps(of: entries, in: reader, &left) + record.trace.map(Step.init)
    }

    private static func steps(
        of entries: [JournalEntry],
        in reader: any StoreReader,
        _ left: inout Int
    ) throws(StoreError) -> [Step] {
        var steps: [Step] = []
        for entry in entries {
            steps += entry.trace.map(Step.init) + [Step(entry)]
            guard left > 0, let id = entry.branchRun, let path = entry.branchPath, let branch = try reader.run(id)
            else {
                continue
            }
            left -= 1
            let inside = try Self.steps(of: reader.entries(of: id), in: reader, &left) + branch.trace.map(Step.init)
            // A turn's blocks stand under the turn: `each[3]/charge`.
            let common = "\(entry.address.path)/do/"
            for var step in inside {
                if step.path.hasPrefix(common) { step.path = "\(path)/\(step.path.dropFirst(common.count))" }
                steps.append(step)
            }
        }
        return steps
    }
}
