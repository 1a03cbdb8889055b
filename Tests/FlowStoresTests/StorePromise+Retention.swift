import Expressions
import FlowEngine
import FlowLanguage
import Testing

// Retention
extension StorePromise {
    /// Four old runs, one of which is not over, and a young one; two old events and a young one; two at a time.
    func checkPruning(_ store: any Store) throws {
        var runs: [RunID] = []
        try store.writeGroup { transaction throws(StoreError) in
            for (age, isOver) in [(1, true), (2, false), (3, true), (4, true), (90, true)] {
                let run = try transaction.insertRun(sampleStart(), at: at(Int64(age)))
                runs.append(run)
                let address = EntryAddress(run: run, path: BlockPath("block"), visit: 1, attempt: 1)
                try transaction.insertEntry(
                    JournalEntry(address: address, sequence: 1, block: "log", status: .succeeded, startedAt: at(1)),
                    epoch: 1
                )
                try transaction.updateRun(
                    RunRecord(
                        id: run,
                        start: sampleStart(),
                        status: isOver ? .succeeded : .waiting,
                        createdAt: at(1),
                        finishedAt: isOver ? at(Int64(age)) : nil
                    )
                )
            }
            for age in [1, 2, 90] as [Int64] {
                _ = try transaction.recordDelivery(
                    Delivery(
                        source: "hook",
                        mode: .test,
                        eventID: "evt_\(age)",
                        type: "webhook",
                        receivedAt: at(age),
                        body: [1]
                    )
                )
            }
        }
        var order: PruneOrder? = PruneOrder(runsBefore: at(50), deliveriesBefore: at(50), limit: 2)
        var calls = 0
        while let current = order {
            calls += 1
            try store.writeGroup { transaction throws(StoreError) in order = try transaction.prune(current) }
        }
        #expect(calls == 3)
        try store.writeGroup { transaction throws(StoreError) in
            let left = try transaction.runs(matching: RunFilter()).map(\.id)
            #expect(left == [runs[4], runs[1]])
            for (position, run) in runs.enumerated() {
                #expect(try transaction.entries(of: run).isEmpty == ![1, 4].contains(position))
            }
            let events = try transaction.deliveries(matching: DeliveryFilter())
            #expect(events.map(\.eventID) == ["evt_90"])
            // What was counted stays counted, and an id is never given again.
            #expect(try transaction.deliveryCounts()["hook"]?.accepted == 3)
            #expect(try transaction.insertRun(sampleStart(), at: at(91)) > runs[4])
        }
    }

    /// The first of three old runs, and the only one on its page that is old, began in the future as its row says.
    func checkPruningBehindOddRuns(_ store: any Store) throws {
        var runs: [RunID] = []
        try store.writeGroup { transaction throws(StoreError) in
            for began in [9_000, 1, 1, 1, 90] as [Int64] {
                let run = try transaction.insertRun(sampleStart(), at: at(began))
                runs.append(run)
                try transaction.updateRun(
                    RunRecord(
                        id: run,
                        start: sampleStart(),
                        status: .succeeded,
                        createdAt: at(began),
                        finishedAt: at(began + 1)
                    )
                )
            }
        }
        var order: PruneOrder? = PruneOrder(runsBefore: at(50), deliveriesBefore: at(50), limit: 2)
        while let current = order {
            try store.writeGroup { transaction throws(StoreError) in order = try transaction.prune(current) }
        }
        try store.writeGroup { transaction throws(StoreError) in
            #expect(try transaction.runs(matching: RunFilter()).map(\.id) == [runs[4], runs[0]])
        }
    }

    /// Two old runs with seven entries each, four of them at a time.
    func checkPruningOfLongJournals(_ store: any Store) throws {
        var runs: [RunID] = []
        try store.writeGroup { transaction throws(StoreError) in
            for _ in 1...2 { runs.append(try Self.insertLongRun(in: transaction) { _ in .succeeded }) }
        }
        var order: PruneOrder? = PruneOrder(runsBefore: at(50), deliveriesBefore: at(50), entryLimit: 4)
        var left: [[Int]] = []
        while let current = order {
            try store.writeGroup { transaction throws(StoreError) in
                order = try transaction.prune(current)
                left.append(try runs.map { (run) throws(StoreError) in try transaction.entries(of: run).count })
                // A run whose journal is not gone altogether is still there.
                for (run, count) in zip(runs, left.last ?? []) where count > 0 {
                    #expect(try transaction.run(run) != nil)
                }
            }
        }
        #expect(left == [[3, 7], [0, 6], [0, 2], [0, 0]])
        try store.writeGroup { transaction throws(StoreError) in
            #expect(try transaction.runs(matching: RunFilter()).isEmpty)
        }
    }

    /// Two chains of three runs, of which each waited for the next: the first run of one is young; two at a time.
    func checkPruningOfChildren(_ store: any Store) throws {
        var runs: [RunID] = []
        try store.writeGroup { transaction throws(StoreError) in
            for end in [70, 10] as [Int64] {
                var parent: RunID?
                for age in [end, 3, 2] {
                    var start = sampleStart()
                    start.parent = parent.map { EntryAddress(run: $0, path: BlockPath("b"), visit: 1, attempt: 1) }
                    let run = try transaction.insertRun(start, at: at(1))
                    try transaction.updateRun(
                        RunRecord(id: run, start: start, status: .succeeded, createdAt: at(1), finishedAt: at(age))
                    )
                    runs.append(run)
                    parent = run
                }
            }
        }
        var left: [[RunID]] = []
        for time in [50, 80] as [Int64] {
            var order: PruneOrder? = PruneOrder(runsBefore: at(time), deliveriesBefore: at(time), limit: 2)
            while let current = order {
                try store.writeGroup { transaction throws(StoreError) in order = try transaction.prune(current) }
            }
            try store.writeGroup { transaction throws(StoreError) in
                left.append(try transaction.runs(matching: RunFilter()).map(\.id))
            }
        }
        #expect(left == [runs[0..<3].reversed(), []])
    }

    /// The ends of a journal of seven, and those between that did not succeed; a short one is whole.
    func checkExcerpts(_ store: any Store) throws {
        try store.writeGroup { transaction throws(StoreError) in
            let run = try Self.insertLongRun(in: transaction) { [4, 5].contains($0) ? .failed : .succeeded }
            var sequences: [[Int]] = []
            var omitted: [Int] = []
            for limit in [0, 1, 2, 4, 100] {
                let excerpt = try transaction.excerpt(of: run, limit: limit)
                sequences.append(excerpt.entries.map(\.sequence))
                omitted.append(excerpt.omitted)
            }
            #expect(sequences == [[], [1, 4, 7], [1, 2, 4, 5, 6, 7], Array(1...7), Array(1...7)])
            #expect(omitted == [7, 4, 1, 0, 0])
            #expect(try transaction.excerpt(of: RunID(404), limit: 5) == JournalExcerpt(entries: [], omitted: 0))
        }
    }

    private static func insertLongRun(
        in transaction: any StoreTransaction,
        _ status: (Int) -> JournalEntry.Status
    ) throws(StoreError) -> RunID {
        let run = try transaction.insertRun(sampleStart(), at: at(1))
        for sequence in 1...7 {
            let address = EntryAddress(run: run, path: BlockPath("block"), visit: sequence, attempt: 1)
            try transaction.insertEntry(
                JournalEntry(
                    address: address,
                    sequence: sequence,
                    block: "log",
                    status: status(sequence),
                    startedAt: at(1)
                ),
                epoch: 1
            )
        }
        try transaction.updateRun(
            RunRecord(id: run, start: sampleStart(), status: .succeeded, createdAt: at(1), finishedAt: at(2))
        )
        return run
    }
}
