import FlowLanguage
import FlowStores
import Foundation
import Synchronization
import TestSupport
import Testing

@testable import FlowEngine

@Suite("The writer: jobs of one group trust each other until one fails")
struct GroupWriterTests {
    @Test("a job that fails undoes what it did and that alone, and is told so")
    func failingJob() throws {
        try Self.withWriter { (writer, thread, store) throws in
            let outcomes = Outcomes()
            for name in ["a", "b", "c"] { writer.submit(outcomes.job(name, fails: name == "b")) }
            thread.work()
            #expect(outcomes.ended == ["a": true, "b": false, "c": true])
            #expect(try Self.settings(["a", "b", "c"], of: store) == ["a", "c"])
        }
    }

    @Test("a group is done twice for its first failure; then its followers are kept apart and done once")
    func guarding() throws {
        try Self.withWriter { (writer, thread, store) throws in
            let outcomes = Outcomes()
            writer.submit(outcomes.job("a", fails: false))
            writer.submit(outcomes.job("b", fails: true))
            thread.work()
            #expect(outcomes.bodies == ["a": 2, "b": 2])
            writer.submit(outcomes.job("c", fails: false))
            writer.submit(outcomes.job("d", fails: true))
            thread.work()
            #expect(outcomes.bodies["c"] == 1)
            #expect(outcomes.bodies["d"] == 1)
            #expect(try Self.settings(["a", "b", "c", "d"], of: store) == ["a", "c"])
        }
    }

    @Test("who joined a group through a job that failed later is asked again with it")
    func joinedJobs() throws {
        try Self.withWriter { (writer, thread, store) throws in
            let outcomes = Outcomes()
            var first = outcomes.job("a", fails: false)
            let joining = outcomes.job("joined", fails: false)
            let body = first.body
            first.body = { (transaction, more) throws(StoreError) in
                try body(transaction, &more)
                more.append(joining)
            }
            writer.submit(first)
            writer.submit(outcomes.job("b", fails: true))
            thread.work()
            #expect(outcomes.ended == ["a": true, "b": false, "joined": true])
            #expect(try Self.settings(["a", "b", "joined"], of: store) == ["a", "joined"])
        }
    }

    // MARK: Parts

    private static func withWriter(
        _ body: (GroupWriter, HandThread, SQLiteStore) throws -> Void
    ) throws {
        let folder = NSTemporaryDirectory() + "rnl-" + UUID().uuidString.prefix(8)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let store = try SQLiteStore(folder: folder, tables: [])
        defer { store.close() }
        let thread = HandThread()
        try body(GroupWriter(store: store, observer: NobodyListens(), thread: thread), thread, store)
    }

    private static func settings(_ names: [String], of store: SQLiteStore) throws -> [String] {
        var found: [String] = []
        try store.writeGroup { (transaction) throws(StoreError) in
            for name in names where try transaction.setting(name) != nil { found.append(name) }
        }
        return found
    }
}

/// Works when it is told to, so that jobs gather into one group.
private final class HandThread: WriterThread {
    private let waiting = Mutex<[@Sendable () -> Void]>([])

    func run(_ work: @escaping @Sendable () -> Void) { waiting.withLock { $0.append(work) } }

    func work() {
        let all = waiting.withLock { waiting in
            defer { waiting = [] }
            return waiting
        }
        for work in all { work() }
    }
}

private struct NobodyListens: GroupObserver {
    func groupCommitted(jobs: Int) {}
    func groupBegins() {}
    func groupFailed(_ error: StoreError, jobs: Int) {}
}

/// Jobs that set a setting of their name, and what became of them.
private final class Outcomes: Sendable {
    private let state = Mutex<(ended: [String: Bool], bodies: [String: Int])>(([:], [:]))

    var ended: [String: Bool] { state.withLock { $0.ended } }
    var bodies: [String: Int] { state.withLock { $0.bodies } }

    func job(_ name: String, fails: Bool) -> GroupWriter.Job {
        GroupWriter.Job(
            body: { [self] (transaction, _) throws(StoreError) in
                state.withLock { $0.bodies[name, default: 0] += 1 }
                try transaction.setSetting(name, [1])
                if fails { throw StoreError(.constraint, "this job fails") }
            },
            done: { [self] outcome in
                state.withLock {
                    if case .success = outcome { $0.ended[name] = true } else { $0.ended[name] = false }
                }
            }
        )
    }
}
