import FlowEngine
@testable import FlowStores
import GRDB
import Testing

/// What the file itself refuses, whoever asks.
@Suite("A final run on disk")
struct FinalRunTests {
    @Test(
        "is changed by no statement, not even by one that is not the engine's",
        arguments: ["status = 'queued'", "answer = NULL", "epoch = 9, status = 'failed'", "id = id + 100"]
    )
    func otherStatements(change: String) async throws {
        try await withFolder { folder in
            let store = try openStore(folder)
            try store.writeGroup { transaction throws(StoreError) in
                for status in [RunStatus.succeeded, .failed, .cancelled] {
                    try transaction.finish(try transaction.insertRun(sampleStart(), at: at(1)), status, epoch: 1)
                }
            }
            store.close()
            let queue = try DatabaseQueue(path: folder + "/runnel.sqlite")
            func rows() throws -> [Row] {
                try queue.inDatabase { try Row.fetchAll($0, sql: "SELECT * FROM runs ORDER BY id") }
            }
            let before = try rows()
            #expect(before.count == 3)
            for id in 1...3 {
                #expect {
                    try queue.inDatabase { try $0.execute(sql: "UPDATE runs SET \(change) WHERE id = \(id)") }
                } throws: { error in
                    (error as? DatabaseError)?.message == StoreError.finalStateMark
                }
            }
            // Nor is anything else that such a statement would change.
            try queue.inDatabase { database in
                try database.execute(
                    sql: """
                        INSERT INTO runs (flow, version, origin, mode, input, caller_roles, status, epoch, created_at, strikes)
                        VALUES ('f', 'v', 'page', 'test', '{}', '[]', 'queued', 0, 0, 0)
                        """
                )
                #expect(throws: DatabaseError.self) {
                    try database.execute(sql: "UPDATE runs SET strikes = 7 WHERE id <> 3")
                }
                #expect(throws: DatabaseError.self) {
                    try database.execute(sql: "UPDATE runs SET strikes = 7 WHERE id > 2 ORDER BY id DESC LIMIT 2")
                }
            }
            #expect(try rows().dropLast() == before[...])
            #expect(try rows().last?["strikes"] == 0)
            try queue.close()
        }
    }

    @Test("costs the group nothing: a turn that comes too late is refused, and what others wrote in the group stays")
    func late() async throws {
        try await withStore { store in
            let (ended, going) = try store.write { transaction throws(StoreError) in
                let ended = try transaction.insertRun(sampleStart(), at: at(1))
                let going = try transaction.insertRun(sampleStart(), at: at(1))
                try transaction.finish(ended, .succeeded, epoch: 1)
                let late = code { () throws(StoreError) in try transaction.finish(ended, .failed, epoch: 1) }
                #expect(late == .finalState)
                try transaction.finish(going, .running, epoch: 1)
                return (ended, going)
            }
            let statuses = try await store.read { reader throws(StoreError) in
                [try reader.run(ended)?.status, try reader.run(going)?.status]
            }
            #expect(statuses == [.succeeded, .running])
        }
    }
}
