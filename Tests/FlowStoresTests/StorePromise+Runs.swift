import Expressions
import FlowEngine
import FlowLanguage
import Testing

// Runs and journals
extension StorePromise {
    func checkRunIsReadAsStarted(_ store: any Store) throws {
        let parent = EntryAddress(run: RunID(3), path: BlockPath("each[2]/charge"), visit: 2, attempt: 3, call: 1)
        let start = RunStart(
            flow: "a'\"flow; DROP TABLE runs --",
            version: FlowVersion("0f"),
            origin: .subflow,
            input: ["n": 1, "nested": ["$uint": .uint(7), "text": "zero \0 byte", "at": .timestamp(at(3))]],
            trigger: ["body": .bytes([0, 1]), "none": .null],
            caller: Caller(id: "Zoë", roles: ["customer", "x,\"y"]),
            mode: .live,
            lane: "payment:pi_1",
            parent: parent,
            idempotencyKey: "k"
        )
        let id = try store.write { transaction throws(StoreError) in try transaction.insertRun(start, at: at(1)) }
        let found = try store.write { transaction throws(StoreError) in try transaction.run(id) }
        #expect(found == RunRecord(id: id, start: start, status: .queued, createdAt: at(1)))
        #expect(try store.write { transaction throws(StoreError) in try transaction.run(RunID(404)) } == nil)
    }

    func checkRunIsReadBack(_ store: any Store) throws {
        try store.writeGroup { transaction throws(StoreError) in
            let id = try transaction.insertRun(sampleStart(), at: at(1))
            for status in RunStatus.allCases.filter({ !$0.isFinal }) + [.failed] {
                let record = RunRecord(
                    id: id,
                    start: sampleStart(),
                    status: status,
                    epoch: store.bootEpoch,
                    createdAt: at(1),
                    startedAt: at(2),
                    finishedAt: at(3),
                    wakesAt: at(4),
                    answer: RunAnswer(status: 409, headers: ["x-a": "b"], body: ["code": "no"]),
                    failure: BlockFailure(
                        code: "card_declined",
                        type: "card_error",
                        message: "declined",
                        status: 402,
                        declineCode: "lost_card",
                        param: "number",
                        retryable: true,
                        requestID: "req_1",
                        block: "pay"
                    ),
                    strikes: 2,
                    trace: [
                        TraceStep(path: BlockPath("a/0"), block: "log", result: .done, at: at(2), note: "hé"),
                        TraceStep(path: BlockPath("b"), block: "set-variables", result: .skipped, at: at(2)),
                    ]
                )
                try transaction.updateRun(record)
                #expect(try transaction.run(id) == record)
            }
        }
    }

    func checkRunsAreListed(_ store: any Store) throws {
        try store.writeGroup { transaction throws(StoreError) in
            var ids: [RunID] = []
            for number in 0..<6 {
                ids.append(try transaction.insertRun(sampleStart(flow: number % 2 == 0 ? "even" : "odd"), at: at(1)))
            }
            try transaction.finish(ids[4], .failed, epoch: 1)
            func listed(_ filter: RunFilter) throws(StoreError) -> [RunID] {
                try transaction.runs(matching: filter).map(\.id)
            }
            #expect(try listed(RunFilter()) == ids.reversed())
            #expect(try listed(RunFilter(limit: 2)) == [ids[5], ids[4]])
            #expect(try listed(RunFilter(before: ids[2])) == [ids[1], ids[0]])
            #expect(try listed(RunFilter(flow: "even")) == [ids[4], ids[2], ids[0]])
            #expect(try listed(RunFilter(flow: "even", statuses: [.queued], limit: 1)) == [ids[2]])
            #expect(try listed(RunFilter(statuses: [.failed, .running])) == [ids[4]])
            #expect(try listed(RunFilter(limit: 0)).isEmpty)

            for (number, status) in [RunStatus.running, .paused, .waiting, .paused].enumerated() {
                guard var record = try transaction.run(ids[number]) else { continue }
                record.status = status
                record.epoch = 1
                try transaction.updateRun(record)
            }
            #expect(try listed(RunFilter(statuses: [.running])) == [ids[0]])
            #expect(try listed(RunFilter(statuses: [.paused])) == [ids[3], ids[1]])
            #expect(
                try listed(RunFilter(statuses: [.paused, .waiting, .running])) == [ids[3], ids[2], ids[1], ids[0]]
            )
            #expect(try listed(RunFilter(statuses: [.paused, .waiting], limit: 2)) == [ids[3], ids[2]])
            #expect(try listed(RunFilter(statuses: [.paused, .waiting], before: ids[3])) == [ids[2], ids[1]])
            #expect(try listed(RunFilter(flow: "even", statuses: [.paused, .waiting])) == [ids[2]])
            #expect(try listed(RunFilter(statuses: [.paused, .failed])) == [ids[4], ids[3], ids[1]])
            #expect(try listed(RunFilter(statuses: [.queued])) == [ids[5]])
            #expect(try listed(RunFilter(statuses: [.succeeded])).isEmpty)
            var held = sampleStart(flow: "odd")
            held.concurrency = "odd"
            let taken = try transaction.insertRun(held, at: at(2))
            _ = try transaction.admitRuns(of: "odd", upTo: 1)
            let waits = try transaction.insertRun(held, at: at(2))
            _ = try transaction.admitRuns(of: "odd", upTo: 1)
            #expect(try transaction.run(waits)?.isHeld == true)
            #expect(try listed(RunFilter(statuses: [.queued])) == [waits, taken, ids[5]])
            #expect(try listed(RunFilter(statuses: [.queued, .failed])) == [waits, taken, ids[5], ids[4]])
            #expect(try listed(RunFilter(statuses: [.quarantined])).isEmpty)
            #expect(try listed(RunFilter(statuses: [.paused], limit: 0)).isEmpty)
        }
    }

    func checkFinalRun(_ store: any Store) throws {
        for status in RunStatus.allCases where status.isFinal {
            try store.writeGroup { transaction throws(StoreError) in
                let id = try transaction.insertRun(sampleStart(), at: at(1))
                try transaction.finish(id, status, epoch: 1)
                for later in RunStatus.allCases {
                    let failure = code { () throws(StoreError) in try transaction.finish(id, later, epoch: 9) }
                    #expect(failure == .finalState)
                }
                #expect(try transaction.run(id)?.status == status)
            }
        }
    }

    func checkGhost(_ store: any Store) throws {
        try store.writeGroup { transaction throws(StoreError) in
            let id = try transaction.insertRun(sampleStart(), at: at(1))
            try transaction.insertEntry(sampleEntry(id), epoch: 1)
            try transaction.finish(id, .running, epoch: 2)
            let before = try transaction.run(id)
            #expect(code { () throws(StoreError) in try transaction.finish(id, .failed, epoch: 1) } == .staleEpoch)
            #expect(
                code { () throws(StoreError) in try transaction.insertEntry(sampleEntry(id, visit: 2), epoch: 1) }
                    == .staleEpoch
            )
            #expect(
                code { () throws(StoreError) in
                    try transaction.finishEntry(sampleEntry(id, status: .succeeded), epoch: 1)
                } == .staleEpoch
            )
            #expect(try transaction.run(id) == before)
            #expect(try transaction.entries(of: id) == [sampleEntry(id)])
        }
    }

    func checkOneEntry(_ store: any Store) throws {
        try store.writeGroup { transaction throws(StoreError) in
            let id = try transaction.insertRun(sampleStart(), at: at(1))
            try transaction.insertEntry(sampleEntry(id), epoch: 1)
            var second = sampleEntry(id, sequence: 2)
            second.input = "other"
            #expect(code { () throws(StoreError) in try transaction.insertEntry(second, epoch: 1) } == .constraint)
            #expect(
                code { () throws(StoreError) in try transaction.insertEntry(sampleEntry(RunID(404)), epoch: 1) }
                    == .constraint
            )
            #expect(try transaction.entries(of: id) == [sampleEntry(id)])
            #expect(try transaction.entries(of: RunID(404)).isEmpty)
        }
    }

    func checkFinishing(_ store: any Store) throws {
        try store.writeGroup { transaction throws(StoreError) in
            let id = try transaction.insertRun(sampleStart(), at: at(1))
            var entry = sampleEntry(id)
            try transaction.insertEntry(entry, epoch: 1)
            entry.sends = 1
            try transaction.finishEntry(entry, epoch: 1)
            entry.status = .succeeded
            entry.finishedAt = at(8)
            entry.output = ["client_secret": "x"]
            entry.sends = 2
            try transaction.finishEntry(entry, epoch: 1)
            var later = entry
            later.output = "another answer"
            #expect(code { () throws(StoreError) in try transaction.finishEntry(later, epoch: 1) } == .finalState)
            let unknown = sampleEntry(id, path: "elsewhere", status: .failed)
            #expect(code { () throws(StoreError) in try transaction.finishEntry(unknown, epoch: 1) } == .constraint)
            #expect(try transaction.entries(of: id) == [entry])
        }
    }

    func checkEntryIsReadAsWritten(_ store: any Store) throws {
        try store.writeGroup { transaction throws(StoreError) in
            let id = try transaction.insertRun(sampleStart(), at: at(1))
            var written: [JournalEntry] = []
            for (number, status) in JournalEntry.Status.allCases.enumerated() {
                var entry = sampleEntry(id, path: "b\(number)", sequence: number + 1, status: status)
                entry.finishedAt = at(7)
                entry.input = ["double": 1.0, "list": [1, .null, "é"], "duration": .duration(.milliseconds(5))]
                entry.output = .double(.infinity)
                entry.failure = BlockFailure(code: "c", type: "flow", message: "m")
                entry.key = "key-\(number)"
                entry.sends = 3
                entry.trace = [TraceStep(path: BlockPath("x"), block: "log", result: .failed, at: at(6))]
                try transaction.insertEntry(entry, epoch: 1)
                written.append(entry)
            }
            #expect(try transaction.entries(of: id) == written)
        }
    }

    func checkAddresses(_ store: any Store) throws {
        try store.writeGroup { transaction throws(StoreError) in
            let id = try transaction.insertRun(sampleStart(), at: at(1))
            // Written against their sequence, read along it.
            let entries = [
                sampleEntry(id, sequence: 4),
                sampleEntry(id, visit: 2, sequence: 3),
                sampleEntry(id, attempt: 2, sequence: 2),
                sampleEntry(id, call: 1, sequence: 1),
            ]
            for entry in entries { try transaction.insertEntry(entry, epoch: 1) }
            #expect(try transaction.entries(of: id) == entries.reversed())
        }
    }

    func checkIdempotencyKey(_ store: any Store) throws {
        let ann = Caller(id: "ann", roles: ["customer"])
        let bob = Caller(id: "bob", roles: ["customer"])
        try store.writeGroup { transaction throws(StoreError) in
            let first = try transaction.insertRun(sampleStart(flow: "a", caller: ann, key: "k"), at: at(1))
            do throws(StoreError) {
                _ = try transaction.insertRun(sampleStart(flow: "a", caller: ann, key: "k"), at: at(2))
                Issue.record("a second run with one key")
            } catch {
                #expect(error.code == .constraint)
                #expect(error.column == "idempotencyKey")
            }
            var live = sampleStart(flow: "a", caller: ann, key: "k")
            live.mode = .live
            let others = [
                try transaction.insertRun(sampleStart(flow: "b", caller: ann, key: "k"), at: at(2)),
                try transaction.insertRun(sampleStart(flow: "a", caller: bob, key: "k"), at: at(2)),
                try transaction.insertRun(sampleStart(flow: "a", caller: .anonymous, key: "k"), at: at(2)),
                try transaction.insertRun(sampleStart(flow: "a", caller: ann, key: "l"), at: at(2)),
                try transaction.insertRun(live, at: at(2)),
                try transaction.insertRun(sampleStart(flow: "a", caller: ann), at: at(2)),
                try transaction.insertRun(sampleStart(flow: "a", caller: ann), at: at(2)),
            ]
            #expect(Set(others + [first]).count == 8)
            #expect(try transaction.run(flow: "a", caller: ann, mode: .test, idempotencyKey: "k")?.id == first)
            #expect(try transaction.run(flow: "a", caller: ann, mode: .test, idempotencyKey: "m") == nil)
        }
    }

    func checkAnonymousKey(_ store: any Store) throws {
        let empty = Caller(id: "", roles: [])
        try store.writeGroup { transaction throws(StoreError) in
            let first = try transaction.insertRun(sampleStart(flow: "a", caller: .anonymous, key: "k"), at: at(1))
            #expect(
                code { () throws(StoreError) in
                    try transaction.insertRun(sampleStart(flow: "a", caller: .anonymous, key: "k"), at: at(1))
                } == .constraint
            )
            let other = try transaction.insertRun(sampleStart(flow: "a", caller: empty, key: "k"), at: at(1))
            #expect(try transaction.run(flow: "a", caller: .anonymous, mode: .test, idempotencyKey: "k")?.id == first)
            #expect(try transaction.run(flow: "a", caller: empty, mode: .test, idempotencyKey: "k")?.id == other)
        }
    }
}

// Scheduling
extension StorePromise {
    func checkClaimable(_ store: any Store) throws {
        try store.writeGroup { transaction throws(StoreError) in
            func insert(_ status: RunStatus, epoch: Int64, wakesAt: Timestamp? = nil) throws(StoreError) -> RunID {
                let id = try transaction.insertRun(sampleStart(), at: at(1))
                if status != .queued { try transaction.finish(id, status, epoch: epoch, wakesAt: wakesAt) }
                return id
            }
            let leftRunning = try insert(.running, epoch: 4)
            _ = try insert(.running, epoch: 5)
            let due = try insert(.retrying, epoch: 5, wakesAt: at(10))
            _ = try insert(.retrying, epoch: 4, wakesAt: at(11))
            let waited = try insert(.waiting, epoch: 5, wakesAt: at(9))
            _ = try insert(.waiting, epoch: 4)
            for status in RunStatus.allCases where ![.queued, .running, .retrying, .waiting].contains(status) {
                _ = try insert(status, epoch: 4, wakesAt: at(1))
            }
            let queued = try insert(.queued, epoch: 0)
            let claimable = try transaction.claimableRuns(epoch: 5, now: at(10), limit: 10)
            #expect(claimable.map(\.id) == [leftRunning, due, waited, queued])
            let few = try transaction.claimableRuns(epoch: 5, now: at(10), limit: 2)
            // Of one flow the one that has been due for longest.
            #expect(few.map(\.id) == [leftRunning, waited])
        }
    }

    func checkLane(_ store: any Store) throws {
        try store.writeGroup { transaction throws(StoreError) in
            var ids: [RunID] = []
            for lane in ["p1", "p1", "p2", "p1"] {
                ids.append(try transaction.insertRun(sampleStart(lane: lane), at: at(1)))
            }
            func claimable(epoch: Int64 = 1) throws(StoreError) -> [RunID] {
                try transaction.claimableRuns(epoch: epoch, now: at(10), limit: 10).map(\.id)
            }
            #expect(try claimable() == [ids[0], ids[2]])
            try transaction.finish(ids[0], .running, epoch: 1)
            #expect(try claimable() == [ids[2]])
            #expect(try claimable(epoch: 2) == [ids[0], ids[2]])
            try transaction.finish(ids[0], .retrying, epoch: 1, wakesAt: at(20))
            #expect(try claimable() == [ids[2]])
            try transaction.finish(ids[0], .failed, epoch: 1)
            #expect(try claimable() == [ids[1], ids[2]])
        }
    }

    func checkFreeLane(_ store: any Store) throws {
        for parked in [RunStatus.waiting, .paused, .outcomeUnknown, .quarantined] {
            try store.writeGroup { transaction throws(StoreError) in
                let lane = "lane:\(parked)"
                let first = try transaction.insertRun(sampleStart(lane: lane), at: at(1))
                let second = try transaction.insertRun(sampleStart(lane: lane), at: at(1))
                try transaction.finish(first, parked, epoch: 1, wakesAt: at(20))
                let next = try transaction.claimableRuns(epoch: 1, now: at(10), limit: 10)
                #expect(next.map(\.id) == [second])
                try transaction.finish(second, .running, epoch: 1)
                // What was parked comes back while the other runs, and waits for it.
                #expect(try transaction.claimableRuns(epoch: 1, now: at(30), limit: 10).isEmpty)
                try transaction.finish(second, .succeeded, epoch: 1)
                let last = try transaction.claimableRuns(epoch: 1, now: at(30), limit: 10)
                #expect(last.map(\.id) == (parked == .waiting ? [first] : []))
                try transaction.finish(first, .cancelled, epoch: 1)
            }
        }
    }

    func checkNextWakeTime(_ store: any Store) throws {
        try store.writeGroup { transaction throws(StoreError) in
            #expect(try transaction.nextWakeTime(after: at(1)) == nil)
            for (status, time) in [(RunStatus.waiting, 30), (.retrying, 20), (.failed, 10), (.paused, 5)] {
                let id = try transaction.insertRun(sampleStart(), at: at(1))
                try transaction.finish(id, status, epoch: 1, wakesAt: at(Int64(time)))
            }
            #expect(try transaction.nextWakeTime(after: at(1)) == at(20))
            #expect(try transaction.nextWakeTime(after: at(20)) == at(30))
        }
    }
}

extension StoreTransaction {
    /// Gives a run a status, and keeps the rest.
    func finish(_ id: RunID, _ status: RunStatus, epoch: Int64, wakesAt: Timestamp? = nil) throws(StoreError) {
        try updateRun(
            RunRecord(
                id: id,
                start: sampleStart(),
                status: status,
                epoch: epoch,
                createdAt: at(1),
                wakesAt: wakesAt
            )
        )
    }
}
