import Expressions
import FlowEngine
import FlowLanguage
import Testing

// Runs that are branches of others, and what their parents keep of them
extension StorePromise {
    func checkEntryAtAddress(_ store: any Store) throws {
        try store.writeGroup { transaction throws(StoreError) in
            let id = try transaction.insertRun(sampleStart(), at: at(1))
            #expect(try transaction.status(of: id) == .queued)
            #expect(try transaction.status(of: RunID(99)) == nil)
            var address = EntryAddress(run: id, path: BlockPath("both"), visit: 1, attempt: 1)
            #expect(try transaction.lastCall(at: address) == nil)
            for call in 0...12 {
                address.call = call
                let entry = JournalEntry(
                    address: address,
                    sequence: call + 1,
                    block: "parallel",
                    status: .started,
                    startedAt: at(2),
                    input: ["number": .int(Int64(call))]
                )
                try transaction.insertEntry(entry, epoch: 1)
            }
            #expect(try transaction.lastCall(at: address) == 12)
            #expect(try transaction.entry(at: address)?.input == ["number": 12])
            address.visit = 2
            #expect(try transaction.lastCall(at: address) == nil)
            #expect(try transaction.entry(at: address) == nil)
        }
    }

    func checkBranchesAreListed(_ store: any Store) throws {
        try store.writeGroup { transaction throws(StoreError) in
            let parent = try transaction.insertRun(sampleStart(), at: at(1))
            var branches: [RunID] = []
            for call in 1...3 {
                var start = sampleStart()
                start.origin = .branch
                start.parent = EntryAddress(run: parent, path: BlockPath("both"), visit: 1, attempt: 1, call: call)
                branches.append(try transaction.insertRun(start, at: at(1)))
            }
            #expect(try transaction.run(branches[0])?.start.parent?.call == 1)
            try transaction.finish(branches[0], .outcomeUnknown, epoch: 1)
            try transaction.finish(branches[1], .failed, epoch: 1)
            #expect(try transaction.openChildren(of: parent) == [branches[0], branches[2]])
            var filter = RunFilter()
            #expect(try transaction.runs(matching: filter).count == 4)
            filter.includesBranches = false
            #expect(try transaction.runs(matching: filter).map(\.id) == [branches[0], parent])
        }
    }
}
