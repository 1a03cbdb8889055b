import Expressions
import FlowEngine
import FlowLanguage
@testable import FlowStores
import Foundation
import GRDB
import Testing

/// Every way in which a group, and not only a block of it, can fail.
@Suite("A group that fails as a whole")
struct GroupFailureTests {
    /// Puts triggers beside the store's own tables that fail like a full disk or a broken rule would.
    private func withSabotage(_ sql: String, _ body: (SQLiteStore) async throws -> Void) async throws {
        try await withFolder { folder in
            try openStore(folder).close()
            let queue = try DatabaseQueue(path: folder + "/runnel.sqlite")
            try queue.inDatabase { try $0.execute(sql: sql) }
            try queue.close()
            let store = try openStore(folder)
            defer { store.close() }
            try await body(store)
        }
    }

    private static let rollsBack = """
        CREATE TRIGGER sabotage BEFORE INSERT ON settings WHEN NEW.name = 'poison'
        BEGIN SELECT RAISE(ROLLBACK, 'poisoned'); END
        """
    private static let failsAtCommit = """
        CREATE TABLE parent (id INTEGER PRIMARY KEY);
        CREATE TABLE child (id INTEGER PRIMARY KEY, of INTEGER REFERENCES parent (id) DEFERRABLE INITIALLY DEFERRED);
        CREATE TRIGGER sabotage AFTER INSERT ON settings WHEN NEW.name = 'poison'
        BEGIN INSERT INTO child (of) VALUES (404); END
        """

    private func kept(_ store: SQLiteStore) async throws -> [Bool] {
        try await store.read { reader throws(StoreError) in
            [
                try reader.setting("before") != nil, try reader.setting("poison") != nil,
                try reader.setting("after") != nil,
            ]
        }
    }

    @Test("a store that another program has locked is busy: no run's fault, and over when that lets go")
    func locked() {
        for result in [5, 6, 261, 517] as [Int32] {
            let error = StoreError.sqlite(result, message: "database is locked", table: nil)
            #expect(error.code == .busy)
            #expect(error.code.losesGroup)
            #expect(!error.isBlockFailure)
        }
    }

    @Test("is gone when a statement rolls the transaction back, and nothing after it is written")
    func rollback() async throws {
        try await withSabotage(Self.rollsBack) { store in
            let failure = code { () throws(StoreError) in
                try store.writeGroup { transaction throws(StoreError) in
                    try transaction.setSetting("before", [1])
                    // A body that swallows the error must not commit what follows it.
                    for name in ["poison", "after"] {
                        let inner = code { () throws(StoreError) in
                            try transaction.savepoint { () throws(StoreError) in try transaction.setSetting(name, [1]) }
                        }
                        #expect(inner == .groupFailed)
                    }
                }
            }
            #expect(failure == .groupFailed)
            #expect(try await kept(store) == [false, false, false])
            try store.writeGroup { transaction throws(StoreError) in try transaction.setSetting("after", [1]) }
            #expect(try await kept(store) == [false, false, true])
        }
    }

    @Test("is gone when the commit itself is refused")
    func commit() async throws {
        try await withSabotage(Self.failsAtCommit) { store in
            let failure = code { () throws(StoreError) in
                try store.writeGroup { transaction throws(StoreError) in
                    try transaction.setSetting("before", [1])
                    try transaction.savepoint { () throws(StoreError) in try transaction.setSetting("poison", [1]) }
                }
            }
            #expect(failure == .groupFailed)
            #expect(try await kept(store) == [false, false, false])
            try store.writeGroup { transaction throws(StoreError) in try transaction.setSetting("after", [1]) }
            #expect(try await kept(store) == [false, false, true])
        }
    }

    @Test("is gone when there is no space, and the next goes on with what fits")
    func full() async throws {
        try await withStore(tables: [], maximumPages: 64) { store in
            try store.writeGroup { transaction throws(StoreError) in try transaction.setSetting("before", [1]) }
            let failure = code { () throws(StoreError) in
                try store.writeGroup { transaction throws(StoreError) in
                    let inner = code { () throws(StoreError) in
                        try transaction.savepoint { () throws(StoreError) in
                            try transaction.setSetting("poison", [UInt8](repeating: 1, count: 1 << 20))
                        }
                    }
                    #expect(inner == .full)
                    #expect(code { () throws(StoreError) in try transaction.setSetting("after", [1]) } == .full)
                }
            }
            #expect(failure == .full)
            #expect(try await kept(store) == [true, false, false])
            try store.writeGroup { transaction throws(StoreError) in try transaction.setSetting("after", [1]) }
            #expect(try await kept(store) == [true, false, true])
        }
    }

    @Test("does not take the block before it along when a block fails by each kind of refusal")
    func refusals() async throws {
        try await withStore { store in
            let attempts: [(StoreError.Code, (any StoreTransaction) throws(StoreError) -> Void)] = [
                (
                    .invalidValue,
                    { transaction throws(StoreError) in _ = try transaction.insert(into: "orders", [("total", "x")]) }
                ),
                (
                    .constraint,
                    { transaction throws(StoreError) in _ = try transaction.insert(into: "orders", [("customerId", 9)])
                    }
                ),
                (
                    .constraint,
                    { transaction throws(StoreError) in
                        for _ in 1...2 { _ = try transaction.insert(into: "customers", [("email", "a")]) }
                    }
                ),
                (
                    .finalState,
                    { transaction throws(StoreError) in
                        let run = try transaction.insertRun(sampleStart(), at: at(1))
                        for _ in 1...2 { try transaction.finish(run, .failed, epoch: 1) }
                    }
                ),
                (
                    .staleEpoch,
                    { transaction throws(StoreError) in
                        let run = try transaction.insertRun(sampleStart(), at: at(1))
                        try transaction.finish(run, .running, epoch: 2)
                        try transaction.finish(run, .running, epoch: 1)
                    }
                ),
                (
                    .invalidValue,
                    { transaction throws(StoreError) in
                        _ = try transaction.insert(
                            into: "everything",
                            [("bytes", .bytes([UInt8](repeating: 0, count: 65 << 20)))]
                        )
                    }
                ),
            ]
            for (expected, attempt) in attempts {
                try store.writeGroup { transaction throws(StoreError) in
                    try transaction.setSetting("before", [1])
                    let failure = code { () throws(StoreError) in
                        try transaction.savepoint { () throws(StoreError) in
                            _ = try transaction.insert(into: "orders", [("status", "PAID")])
                            try attempt(transaction)
                        }
                    }
                    #expect(failure == expected)
                    try transaction.setSetting("after", [1])
                }
            }
            #expect(try await kept(store) == [true, false, true])
            let rows = try await store.read { reader throws(StoreError) in
                try reader.find(RecordQuery(table: "orders", where: [], limit: 10)).count
                    + reader.find(RecordQuery(table: "customers", where: [], limit: 10)).count
                    + reader.runs(matching: RunFilter()).count
            }
            #expect(rows == 0)
        }
    }

    @Test("after losing its connections, the store opens them again and goes on")
    func reopening() async throws {
        try await withStore { store in
            try store.writeGroup { transaction throws(StoreError) in try transaction.setSetting("before", [1]) }
            #expect(try await kept(store) == [true, false, false])
            store.loseWriter()
            #expect(try await kept(store) == [true, false, false])
            try store.writeGroup { transaction throws(StoreError) in try transaction.setSetting("after", [1]) }
            #expect(try await kept(store) == [true, false, true])
        }
    }

    @Test("is refused when the trigger of final runs alone guards them")
    func finalRunsInSQL() async throws {
        try await withFolder { folder in
            let store = try openStore(folder)
            try store.writeGroup { transaction throws(StoreError) in
                let run = try transaction.insertRun(sampleStart(), at: at(1))
                try transaction.finish(run, .cancelled, epoch: 1)
            }
            store.close()
            let queue = try DatabaseQueue(path: folder + "/runnel.sqlite")
            defer { try? queue.close() }
            #expect(throws: DatabaseError.self) {
                try queue.inDatabase { try $0.execute(sql: "UPDATE runs SET status = 'queued'") }
            }
        }
    }
}

/// What is on disk when a process dies, seen from another process.
@Suite("A process that dies")
struct CrashTests {
    @Test("leaves every finished group and nothing of an open one")
    func killed() async throws {
        try await withFolder { folder in
            await #expect(processExitsWith: .signal(SIGKILL)) { [folder = folder as String] in
                let store = try openStore(folder)
                try store.writeGroup { transaction throws(StoreError) in try transaction.setSetting("before", [1]) }
                try store.writeGroup { transaction throws(StoreError) in
                    try transaction.setSetting("after", [UInt8](repeating: 1, count: 8 << 20))
                    kill(getpid(), SIGKILL)
                }
            }
            let store = try openStore(folder)
            defer { store.close() }
            #expect(store.bootEpoch == 2)
            let kept = try await store.read { reader throws(StoreError) in
                [try reader.setting("before") != nil, try reader.setting("after") != nil]
            }
            #expect(kept == [true, false])
        }
    }

    @Test("is spared when the disk fails: the store says so, opens again, and goes on when the disk does")
    func diskFailure() async throws {
        try await withFolder { folder in
            await #expect(processExitsWith: .success) { [folder = folder as String] in
                let store = try openStore(folder)
                try store.writeGroup { transaction throws(StoreError) in try transaction.setSetting("before", [1]) }
                // Beyond this size, writing fails with EFBIG, which SQLite reports as an I/O error.
                signal(SIGXFSZ, SIG_IGN)
                var limit = rlimit()
                getrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
                let usual = limit.rlim_cur
                limit.rlim_cur = 1 << 20
                setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
                let failure = code { () throws(StoreError) in
                    try store.writeGroup { transaction throws(StoreError) in
                        try transaction.setSetting("after", [UInt8](repeating: 1, count: 4 << 20))
                    }
                }
                try #require(failure == .unavailable)
                limit.rlim_cur = usual
                setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
                try store.writeGroup { transaction throws(StoreError) in
                    let kept = [try transaction.setting("before"), try transaction.setting("after")]
                    guard kept == [[1], nil] else { throw StoreError(.corrupt, "the group was not undone") }
                    try transaction.setSetting("after", [2])
                }
                store.close()
                exit(EXIT_SUCCESS)
            }
            let store = try openStore(folder)
            defer { store.close() }
            #expect(try await store.read { reader throws(StoreError) in try reader.setting("after") } == [2])
        }
    }
}
