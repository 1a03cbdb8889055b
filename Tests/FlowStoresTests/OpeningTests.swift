import Expressions
import FlowEngine
import FlowLanguage
@testable import FlowStores
import Foundation
import GRDB
import TestSupport
import Testing

@Suite("Opening a store")
struct OpeningTests {
    @Test("makes a folder and files that only their owner can read")
    func modes() async throws {
        try await withFolder { folder in
            let store = try openStore(folder + "/a/b")
            defer { store.close() }
            try store.writeGroup { transaction throws(StoreError) in try transaction.setSetting("a", [1]) }
            func mode(_ path: String) throws -> Int? {
                try FileManager.default.attributesOfItem(atPath: folder + path)[.posixPermissions] as? Int
            }
            #expect(try mode("/a/b") == 0o700)
            for file in ["runnel.sqlite", "runnel.sqlite-wal", "runnel.sqlite-shm", "owner.lock"] {
                #expect(try mode("/a/b/" + file) == 0o600)
            }
        }
    }

    @Test("raises the boot epoch each time and finds everything again")
    func epochs() async throws {
        try await withFolder { folder in
            for epoch in 1...3 {
                let store = try openStore(folder)
                #expect(store.bootEpoch == Int64(epoch))
                let seen = try store.write { transaction throws(StoreError) in
                    _ = try transaction.insert(into: "orders", [("total", .int(Int64(epoch)))])
                    _ = try transaction.insertRun(sampleStart(), at: at(1))
                    return try transaction.find(RecordQuery(table: "orders", where: [], limit: 10)).count
                }
                #expect(seen == epoch)
                store.close()
            }
        }
    }

    @Test("leaves nothing but the database and the lock's file behind when it is closed, and refuses later calls")
    func closing() async throws {
        try await withFolder { folder in
            let store = try openStore(folder)
            store.close()
            store.close()
            #expect(code { () throws(StoreError) in try store.writeGroup { _ in } } == .closed)
            await #expect(throws: StoreError(.closed, "the store is closed")) { try await store.read { _ in 1 } }
            let files = try FileManager.default.contentsOfDirectory(atPath: folder)
            #expect(files.sorted() == ["owner.lock", "runnel.sqlite"])
        }
    }

    @Test("runs with a full sync, foreign keys, and a log that only the writer checkpoints")
    func settings() async throws {
        try await withFolder { folder in
            let store = try openStore(folder)
            defer { store.close() }
            func pragmas(_ role: StoreConnection.Role) throws -> [Int64?] {
                let path = folder + "/runnel.sqlite"
                let connection = try StoreConnection(path: path, role: role, catalogue: TableCatalogue(), now: { nil })
                defer { connection.close() }
                return try connection.queue.inDatabase { database in
                    try ["synchronous", "foreign_keys", "trusted_schema", "query_only", "wal_autocheckpoint"].map {
                        try Int64.fetchOne(database, sql: "PRAGMA \($0)")
                    }
                }
            }
            // What SQLite copies by itself fails unheard.
            #expect(try pragmas(.writer(.init(checkpointPages: 77))) == [2, 1, 0, 0, 0])
            let reader = try pragmas(.reader)
            #expect(Array(reader.dropFirst()) == [1, 0, 1, 0])
        }
    }

    @Test("applies migrations one by one, numbered without gaps")
    func migrations() async throws {
        #expect(Migration.all.map(\.number) == Array(1...Migration.all.count))
        try await withFolder { folder in
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            for target in 1...Migration.all.count {
                let connection = try StoreConnection(
                    path: folder + "/runnel.sqlite",
                    role: .writer(.init(checkpointPages: 1000)),
                    catalogue: TableCatalogue(),
                    now: { nil }
                )
                let findings = try connection.perform { session throws(StoreError) in
                    try session.migrate(through: target)
                    return try session.integrityFindings()
                }
                #expect(findings == [])
                let version = try connection.queue.inDatabase { try Int.fetchOne($0, sql: "PRAGMA user_version") }
                #expect(version == target)
                connection.close()
            }
            let store = try openStore(folder)
            store.close()
        }
    }

    @Test("refuses files of other programs, of newer versions, and what is no database at all")
    func foreignFiles() async throws {
        func refusal(_ prepare: (String) throws -> Void) async throws -> StoreError.Code? {
            try await withFolder { folder in
                try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
                try prepare(folder + "/runnel.sqlite")
                do {
                    try openStore(folder).close()
                    return nil
                } catch StoreOpenError.store(let error) {
                    return error.code
                }
            }
        }
        func run(_ sql: String) -> (String) throws -> Void {
            { path in
                let queue = try DatabaseQueue(path: path)
                try queue.inDatabase { try $0.execute(sql: sql) }
                try queue.close()
            }
        }
        #expect(try await refusal(run("CREATE TABLE a (b)")) == .schema)
        #expect(try await refusal(run("PRAGMA application_id = 7; CREATE TABLE a (b)")) == .schema)
        #expect(try await refusal(run("PRAGMA user_version = 1; CREATE TABLE a (b)")) == .schema)
        let newer = try await refusal { path in
            try openStore((path as NSString).deletingLastPathComponent).close()
            try run("PRAGMA user_version = 9999")(path)
        }
        #expect(newer == .schema)
        #expect(try await refusal { try Data(repeating: 7, count: 5000).write(to: URL(filePath: $0)) } == .corrupt)
    }

    @Test("finds damage, and copies itself while groups go on")
    func backup() async throws {
        try await withStore { store in
            try store.writeGroup { transaction throws(StoreError) in
                _ = try transaction.insert(into: "orders", [("total", 9)])
            }
            #expect(try await store.integrityCheck() == [])
            try await withFolder { copy in
                try FileManager.default.createDirectory(atPath: copy, withIntermediateDirectories: true)
                try await store.backUp(to: copy + "/runnel.sqlite")
                await #expect(throws: StoreError.self) { try await store.backUp(to: copy + "/runnel.sqlite") }
                let restored = try openStore(copy)
                defer { restored.close() }
                let orders = try await restored.read { reader throws(StoreError) in
                    try reader.find(RecordQuery(table: "orders", where: [], limit: 10))
                }
                #expect(orders.map { $0["total"] } == [9])
                #expect(restored.bootEpoch == store.bootEpoch + 1)
            }
        }
    }

    @Test("gives no id in a copy that it, or the same copy put back before, may have given since")
    func idsOfCopies() async throws {
        func number(_ store: SQLiteStore) throws -> [Int64] {
            var ids: [Int64] = []
            try store.writeGroup { transaction throws(StoreError) in
                ids.append(try transaction.insert(into: "orders", [("total", 9)])["id"]?.intValue ?? 0)
                ids.append(try transaction.insertRun(sampleStart(), at: at(0)).rawValue)
            }
            return ids
        }
        try await withFolder { folder in
            let store = try openStore(folder)
            defer { store.close() }
            #expect(try number(store) == [1, 1])
            let copy = folder + "/copy"
            try await store.backUp(to: copy)
            for (seconds, behind) in [(60, Int64(1_600_001)), (120, 2_200_001)] {
                let life = "\(folder)/\(seconds)"
                try FileManager.default.createDirectory(atPath: life, withIntermediateDirectories: true)
                try FileManager.default.copyItem(atPath: copy, toPath: life + "/runnel.sqlite")
                // Only the first opening begins a new life.
                for next in 1...2 {
                    let restored = try openStore(life, at: at(Int64(seconds) * 1_000_000))
                    defer { restored.close() }
                    #expect(try number(restored) == [behind + Int64(next), behind + Int64(next)])
                }
            }
            #expect(try number(store) == [2, 2])
            // A mark that nobody can have written, and one from a clock ahead.
            for (mark, life) in [("-9223372036854775808", "early"), ("9223372036854775807", "late")] {
                let place = "\(folder)/\(life)"
                try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
                try FileManager.default.copyItem(atPath: copy, toPath: place + "/runnel.sqlite")
                let queue = try DatabaseQueue(path: place + "/runnel.sqlite")
                try await queue.write {
                    try $0.execute(sql: "UPDATE store_state SET value = \(mark) WHERE name = 'copied_at'")
                }
                try queue.close()
                let restored = try openStore(place)
                defer { restored.close() }
                #expect(try number(restored).allSatisfy { $0 > 1_000_000 })
            }
        }
    }
}

@Suite("The owner's lock")
struct OwnerLockTests {
    @Test("refuses a second store on one folder and names the owner")
    func inOneProcess() async throws {
        try await withFolder { folder in
            let store = try openStore(folder)
            #expect(StoreOwnerLock.owner(of: folder) == getpid())
            #expect(throws: StoreOpenError.inUse(pid: getpid())) { try openStore(folder) }
            store.close()
            #expect(StoreOwnerLock.owner(of: folder) == nil)
            try openStore(folder).close()
        }
    }

    @Test("is held by another process until that is killed, whatever its file says")
    func inAnotherProcess() async throws {
        try await withFolder { folder in
            try openStore(folder).close()
            // The shell names itself, takes the lock, tells, and goes on as a process that does nothing.
            let script = "exec 9<>\"$0/owner.lock\"; echo $$ >&9; flock -n 9 && echo locked; exec sleep 1000"
            let other = try SpawnedProgram("sh", ["-c", script, folder])
            let pid = other.pid
            #expect(other.firstLine() == "locked")
            #expect(throws: StoreOpenError.inUse(pid: pid)) { try openStore(folder) }
            other.killAtOnce()
            #expect(try String(contentsOfFile: folder + "/owner.lock", encoding: .utf8).hasPrefix("\(pid)"))
            try openStore(folder).close()
        }
    }
}
