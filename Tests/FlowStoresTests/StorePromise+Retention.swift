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
}
