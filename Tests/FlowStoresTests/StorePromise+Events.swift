import Expressions
import FlowEngine
import Testing

// Events
extension StorePromise {
    func checkEvents(_ store: any Store) throws {
        let ann = Caller(id: "ann", roles: ["customer"])
        let subject = EventSubject(name: "shipped", key: "a\nb")
        try store.writeGroup { transaction throws(StoreError) in
            var events: [EventRecord] = []
            for (number, key) in [nil, "k", nil].enumerated() {
                var event = EventRecord(
                    subject: subject,
                    data: number == 0 ? .null : ["n": .int(Int64(number))],
                    caller: ann,
                    mode: .test,
                    idempotencyKey: key,
                    receivedAt: at(Int64(10 + number))
                )
                event.id = try transaction.insertEvent(event)
                events.append(event)
            }
            _ = try transaction.insertEvent(
                EventRecord(
                    subject: EventSubject(name: "shipped"),
                    data: .null,
                    caller: .anonymous,
                    mode: .test,
                    idempotencyKey: "k",
                    receivedAt: at(13)
                )
            )
            func next(_ subject: EventSubject, after: Int64 = 0, since: Int64 = 0, mode: Mode = .test)
                throws(StoreError) -> EventRecord?
            {
                try transaction.event(subject, mode: mode, after: after, since: at(since))
            }
            #expect(try next(subject) == events[0])
            #expect(try next(subject, after: events[0].id) == events[1])
            #expect(try next(subject, since: 12) == events[2])
            #expect(try next(subject, after: events[2].id) == nil)
            #expect(try next(subject, mode: .live) == nil)
            #expect(try next(EventSubject(name: "shipped", key: "a")) == nil)
            #expect(try transaction.repeatedEvent(events[1]) == events[1])
            #expect(try transaction.repeatedEvent(events[0]) == nil)
            var live = events[1]
            live.mode = .live
            #expect(try transaction.repeatedEvent(live) == nil)
            // What came before modes were kept counts in both.
            var old = EventRecord(
                subject: EventSubject(name: "old"),
                data: .null,
                caller: ann,
                mode: nil,
                receivedAt: at(14)
            )
            old.id = try transaction.insertEvent(old)
            for mode in [Mode.test, .live] { #expect(try next(old.subject, mode: mode) == old) }
            try transaction.removeEvents(receivedBefore: at(12), limit: 1)
            #expect(try next(subject) == events[1])
            try transaction.removeEvents(receivedBefore: at(12), limit: 100)
            #expect(try next(subject) == events[2])
        }
    }

    func checkWaking(_ store: any Store) throws {
        let subject = EventSubject(name: "shipped", key: "7")
        try store.writeGroup { transaction throws(StoreError) in
            var runs: [RunID] = []
            let awaited: [(RunStatus, EventSubject)] = [
                (.waiting, subject), (.waiting, EventSubject(name: "shipped")), (.paused, subject),
            ]
            for (status, subject) in awaited {
                let id = try transaction.insertRun(sampleStart(), at: at(1))
                let record = RunRecord(
                    id: id,
                    start: sampleStart(),
                    status: status,
                    epoch: store.bootEpoch,
                    createdAt: at(1),
                    awaits: subject
                )
                try transaction.updateRun(record)
                #expect(try transaction.run(id) == record)
                runs.append(id)
            }
            #expect(try transaction.claimableRuns(epoch: store.bootEpoch, now: at(5), limit: 9).isEmpty)
            func arrived(_ mode: Mode?) -> EventRecord {
                EventRecord(subject: subject, data: .null, caller: .anonymous, mode: mode, receivedAt: at(5))
            }
            try transaction.wakeRuns(awaiting: arrived(.live))
            #expect(try transaction.claimableRuns(epoch: store.bootEpoch, now: at(5), limit: 9).isEmpty)
            try transaction.wakeRuns(awaiting: arrived(.test))
            let due = try transaction.claimableRuns(epoch: store.bootEpoch, now: at(5), limit: 9)
            #expect(due.map(\.id) == [runs[0]])
        }
    }
}
