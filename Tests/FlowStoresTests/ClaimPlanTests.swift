import FlowEngine
import FlowLanguage
import Foundation
import GRDB
import GRDBSQLite
import Testing

@testable import FlowStores

@Suite("What taking runs up costs")
struct ClaimPlanTests {
    private static let queries: [(String, FixedStatement, index: String)] = [
        ("left running", StoreSession.leftRunning, "runs_running"),
        ("due of a flow", StoreSession.dueOfFlow, "runs_due"),
        ("next flow with a moment", StoreSession.nextFlowWithMoment, "runs_due"),
        ("next moment of a flow", StoreSession.nextWakeOfFlow, "runs_due"),
        ("next flow", StoreSession.nextQueuedFlow, "runs_queue"),
        ("queued of a flow", StoreSession.queuedOfFlow, "runs_queue"),
        ("places of a key", StoreSession.admitted, "runs_concurrency"),
        ("admission", StoreSession.admit, "runs_concurrency"),
    ]

    private static let openQueries: [(index: String, FixedStatement)] = [
        ("deliveries_unmatched (object=?", StoreSession.unmatchedOfObject),
        ("deliveries_open (status=?", StoreSession.unmatched), ("deliveries_open (status=?", StoreSession.awaiting),
    ]

    private func withSession<Result>(_ body: (StoreConnection) throws -> Result) async throws -> Result {
        try await withFolder { folder in
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            let connection = try StoreConnection(
                path: folder + "/runnel.sqlite",
                role: .writer(.init(checkpointPages: 1000)),
                catalogue: TableCatalogue(),
                now: { nil }
            )
            defer { connection.close() }
            try connection.perform { session throws(StoreError) in try session.migrate() }
            return try body(connection)
        }
    }

    private func plan(of statement: FixedStatement) async throws -> [String] {
        try await withSession { connection in
            try connection.queue.inDatabase { database -> [String] in
                let numbered = (1...9).last { statement.text.contains("?\($0)") }
                let highest = numbered ?? statement.text.count { $0 == "?" }
                let values = StatementArguments(Array(repeating: 0, count: highest))
                let sql = "EXPLAIN QUERY PLAN " + statement.text
                return try Row.fetchAll(database, sql: sql, arguments: values).map { $0["detail"] }
            }
        }
    }

    @Test("every query searches an index and sorts nothing", arguments: queries.indices)
    func plan(index: Int) async throws {
        let (name, statement, expected) = Self.queries[index]
        let plan = try await plan(of: statement)
        let text = plan.joined(separator: "\n")
        #expect(text.contains("SEARCH") && text.contains(expected), "\(name): \(text)")
        #expect(!text.contains("TEMP B-TREE"), "\(name): \(text)")
        for line in plan where line.contains("SCAN") { #expect(line == "SCAN (subquery-1)", "\(name): \(text)") }
    }

    // What waits is a handful, what is done with are millions.
    @Test("deliveries that wait are found beside those that are done with", arguments: openQueries.indices)
    func openDeliveries(index: Int) async throws {
        let (name, statement) = Self.openQueries[index]
        let plan = try await plan(of: statement)
        // In the order of their ids, so that a limit ends it.
        #expect(plan.count == 1 && plan[0].hasPrefix("SEARCH deliveries USING INDEX \(name)"), "\(plan)")
    }

    @Test("the event that a run waits for is found by an index that holds when it came")
    func awaitedEvent() async throws {
        let plan = try await plan(of: StoreSession.following)
        #expect(plan.contains("SEARCH events USING COVERING INDEX events_subject (subject=? AND id>?)"), "\(plan)")
        #expect(!plan.contains { $0.contains("SCAN events") || $0.contains("TEMP B-TREE") }, "\(plan)")
    }

    // A start asks for the runs that were executing, an operator for those that failed or need somebody; the others are millions.
    @Test("runs of every status but `succeeded` are found by an index of these alone", arguments: RunStatus.allCases)
    func runsOfStatus(status: RunStatus) async throws {
        let statements = StoreSession.ofStatus[status] ?? []
        #expect(statements.isEmpty == (status == .succeeded))
        for statement in statements {
            let plan = try await plan(of: statement)
            // Ids in the order of an index come as they are; those of few runs are sorted.
            let isSorted = plan.contains("USE TEMP B-TREE FOR ORDER BY")
            #expect(isSorted == [.running, .queued].contains(status), "\(plan)")
            #expect(plan.contains { $0.contains("runs USING") && $0.contains("INDEX runs_") }, "\(plan)")
        }
    }

    // Goal: nothing that every run needs builds tables in memory for the conditions of what it writes.
    @Test("a run's row, and a row whose words are checked, are written without tables in memory")
    func memory() async throws {
        let words = SQLText.isOne("word", of: ["a", "b", "c", "d", "e"])
        try await withSession { connection in
            try connection.perform { session throws(StoreError) in
                try session.executeScript("CREATE TABLE checked (word TEXT CHECK (\(words)))")
                try session.executeScript("CREATE INDEX some ON checked (word) WHERE \(words)")
                for text in [
                    StoreSession.insertRun.text, StoreSession.changeRun.text, StoreSession.queuedOfFlow.text,
                    "UPDATE checked SET word = ? WHERE rowid = ?",
                ] {
                    let steps = try session.all(try session.compile("EXPLAIN " + text)) { row throws(StoreError) in
                        try row.text(1)
                    }
                    #expect(steps.contains("ResultRow") || steps.contains("MakeRecord"), "\(text)")
                    #expect(!steps.contains("OpenEphemeral"), "\(text)")
                }
            }
        }
    }

    @Test("due runs of a flow that holds its share of the places do not hide those of another flow")
    func dueBesideFullFlow() async throws {
        try await withSession { connection in
            try connection.perform { session throws(StoreError) in
                try session.transaction(writing: true) { session throws(StoreError) in
                    for number in 0..<300 {
                        let flow = number < 290 ? "full" : "other"
                        let run = try session.insertRun(sampleStart(flow: flow), at: at(1))
                        guard var record = try session.run(run) else { continue }
                        record.status = .waiting
                        record.wakesAt = number < 290 ? at(1) : at(2)
                        try session.updateRun(record)
                    }
                    let order = ClaimOrder(held: ["full": 192], perFlow: 192)
                    let claimed = try session.claimableRuns(epoch: 5, now: at(3), limit: 64, order: order)
                    #expect(claimed.runs.map(\.start.flow) == Array(repeating: "other", count: 10))
                    #expect(claimed.isMoreWaiting)
                    #expect(try session.nextWakeTime(after: at(1)) == at(2))
                    #expect(try session.nextWakeTime(after: at(2)) == nil)
                }
            }
        }
    }

    /// Steps of SQLite's machine for finding ten runs of a small flow beside a large one.
    private func steps(beside count: Int, due: Bool = false) async throws -> [Int32] {
        try await withSession { connection in
            try connection.perform { session throws(StoreError) in
                try session.transaction(writing: true) { session throws(StoreError) in
                    for number in 0..<(count + 20) {
                        let flow = number < count ? "large" : "small"
                        let run = try session.insertRun(sampleStart(flow: flow), at: at(1))
                        guard due, var record = try session.run(run) else { continue }
                        // The small flow's are the last to be due.
                        record.status = number.isMultiple(of: 2) ? .waiting : .retrying
                        record.wakesAt = number < count ? at(1) : at(2)
                        try session.updateRun(record)
                    }
                    let order = ClaimOrder(held: ["large": 190], perFlow: 192)
                    let claimed = try session.claimableRuns(epoch: 5, now: at(2), limit: 12, order: order)
                    #expect(claimed.runs.count == 12)
                    #expect(claimed.runs.count { $0.start.flow == "large" } == 2)
                    return try [
                        StoreSession.nextQueuedFlow, StoreSession.queuedOfFlow, StoreSession.nextFlowWithMoment,
                        StoreSession.dueOfFlow,
                    ].map { (query) throws(StoreError) in
                        sqlite3_stmt_status(try session.prepared(query).handle, SQLITE_STMTSTATUS_VM_STEP, 0)
                    }
                }
            }
        }
    }

    @Test(
        "the cost is the same beside a hundred waiting runs and beside ten thousand, be they queued or due",
        arguments: [false, true]
    )
    func constant(due: Bool) async throws {
        let few = try await steps(beside: 100, due: due)
        let many = try await steps(beside: 10_000, due: due)
        #expect(few == many)
        #expect(many.allSatisfy { $0 < 1_000 })
    }
}
