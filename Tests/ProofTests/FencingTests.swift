import CrashProbe
import Expressions
import FlowEngine
import FlowStores
import Foundation
import TestSupport
import Testing

@Suite("Fencing: who has lost a run cannot write to it")
struct FencingTests {
    // Goal: a worker that was held while another took its run over writes nothing any more.
    // Method: two engines on one store, the second under a later epoch. The first one's request is held on its way; the
    // second takes the run over and is let go to a place that the round's number decides; then the first one gets its
    // answer, before or after the second has its own. What stands in the journal is the second one's alone.
    @Test("200 rounds with a worker that comes back: no stale write")
    func stale() async throws {
        for round in 0..<200 {
            let world = try ProofWorld()
            defer { world.remove() }
            let base = try world.openStore()
            defer { base.close() }
            let older = CountingStore(base)
            let newer = LaterEpoch(base: base, distance: 1)
            let (held, ahead) = (Gate(), Gate())
            let first = world.engine(on: older, transport: Self.stripe(behind: held, "pi_stale"))
            let second = world.engine(on: newer, transport: Self.stripe(behind: ahead, "pi_new"))
            try base.writeGroup { (transaction) throws(StoreError) in
                _ = try transaction.insert(into: "orders", [("name", "one"), ("total", 100)])
            }
            try await world.run(first) {
                let call = Task { try await first.call("pay", ["order": 1], key: "k") }
                while try await base.openRequests() == 0 { await Task.yield() }
                try await world.run(second) {
                    // Taken over: the run belongs to the later epoch.
                    while try await second.allRuns().first?.epoch != newer.bootEpoch { await Task.yield() }
                    older.reset()
                    if round.isMultiple(of: 2) {
                        held.open()
                        for _ in 0..<(round % 17) { await Task.yield() }
                        ahead.open()
                    } else {
                        ahead.open()
                        for _ in 0..<(round % 17) { await Task.yield() }
                        held.open()
                    }
                    let record = try await second.answer(of: RunID(1), timeLimit: .seconds(86_400))
                    #expect(record.status == .succeeded, "round \(round): \(String(describing: record.failure))")
                    // The first engine's turn is behind everything that it had still to write.
                    try await first.write { (_) throws(StoreError) in }
                    let text = String(decoding: JSON.encodeExact(record.answer?.body ?? .null), as: UTF8.self)
                    #expect(text.contains("pi_new") && !text.contains("pi_stale"), "round \(round): \(text)")
                }
                call.cancel()
            }
            // Writes that are refused are not counted.
            for write in [StoreWrite.updateRun, .insertEntry, .finishEntry] {
                #expect(older.counts.writes[write] == nil, "round \(round): a stale \(write)")
            }
            #expect(try await base.finishedBy() == [newer.bootEpoch], "round \(round)")
            // What stands behind the request writes a row: the stale worker's would be a second one.
            for table in ["notes", "payments"] {
                let rows = try await base.read { (reader) throws(StoreError) in
                    try reader.find(RecordQuery(table: table, where: [], limit: 10)).count
                }
                #expect(rows == 1, "round \(round): \(table)")
            }
        }
    }

    // Goal: two processes never work on one store, and the death of one hands it on.
    // Method: a child opens the store and stays; this process is refused by its name; the child is killed.
    @Test("a second process is refused with the owner's pid, and goes on once the owner is killed")
    func owner() throws {
        let world = try ProofWorld()
        defer { world.remove() }
        let child = Process()
        child.executableURL = URL(filePath: CommandLine.arguments[0]).resolvingSymlinksInPath()
            .deletingLastPathComponent().appending(path: "CrashProbe")
        child.arguments = ["hold", world.folder]
        let output = Pipe()
        child.standardOutput = output
        try child.run()
        #expect(try output.fileHandleForReading.read(upToCount: 1)?.count == 1)
        do {
            _ = try world.openStore()
            Issue.record("two processes own one store")
        } catch let error as StoreOpenError {
            #expect("\(error)".contains(String(child.processIdentifier)))
        }
        kill(child.processIdentifier, SIGKILL)
        child.waitUntilExit()
        let store = try world.openStore()
        #expect(store.bootEpoch > 1)
        store.close()
    }

    /// Answers once the gate is open.
    private static func stripe(behind gate: Gate, _ intent: String) -> ScriptedTransport {
        ScriptedTransport { _, _ in
            await gate.pass()
            let body = """
                {"id":"\(intent)","object":"payment_intent","amount":100,"amount_received":0,"currency":"usd",\
                "status":"requires_payment_method","client_secret":"\(intent)_secret_x","livemode":false,\
                "latest_charge":null,"customer":null,"metadata":{}}
                """
            return .answered(OutsideAnswer(status: 200, headers: [:], body: Array(body.utf8)))
        }
    }
}

/// A store as a process sees it that opened it later.
private struct LaterEpoch: Store {
    let base: SQLiteStore
    let distance: Int64

    var bootEpoch: Int64 { base.bootEpoch + distance }

    func writeGroup(_ body: (any StoreTransaction) throws(StoreError) -> Void) throws(StoreError) {
        try base.writeGroup(body)
    }

    func read<R: Sendable>(_ body: @Sendable (any StoreReader) throws(StoreError) -> R) async throws(StoreError) -> R {
        try await base.read(body)
    }

    func close() {}
}

extension SQLiteStore {
    /// Entries whose request is on its way.
    fileprivate func openRequests() async throws -> Int {
        try await read { (reader) throws(StoreError) in
            try reader.run(RunID(1)) == nil
                ? 0 : try reader.entries(of: RunID(1)).filter { $0.status == .started }.count
        }
    }

    /// The epochs that the final runs belong to.
    fileprivate func finishedBy() async throws -> [Int64] {
        try await read { (reader) throws(StoreError) in
            try reader.runs(matching: RunFilter(limit: 10)).filter { $0.status.isFinal }.map(\.epoch)
        }
    }
}
