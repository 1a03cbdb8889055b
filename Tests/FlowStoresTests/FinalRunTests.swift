import FlowEngine
@testable import FlowStores
import GRDB
import Testing

/// What the file itself refuses, whoever asks.
@Suite("A final run on disk")
struct FinalRunTests {
    @Test(
        "is changed by no statement, and such a one keeps nothing of what it changed before it came to it",
        arguments: ["status = 'queued'", "answer = 'x'", "epoch = 9, status = 'failed'", "strikes = 7"]
    )
    func otherStatements(change: String) async throws {
        try await withFolder { folder in
            let store = try openStore(folder)
            try store.writeGroup { transaction throws(StoreError) in
                // An open one stands before them: a statement over all runs changes it first.
                try transaction.finish(try transaction.insertRun(sampleStart(), at: at(1)), .running, epoch: 1)
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
            #expect(before.count == 4)
            for runs in ["id = 2", "id = 3", "id = 4", "true"] {
                #expect {
                    try queue.inDatabase { try $0.execute(sql: "UPDATE runs SET \(change) WHERE \(runs)") }
                } throws: { error in
                    (error as? DatabaseError)?.message == StoreError.finalStateMark
                }
            }
            #expect(try rows() == before)
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
