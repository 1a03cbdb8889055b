import Expressions
import FlowEngine
import FlowLanguage
import Testing

@testable import FlowServer

@Suite("Reports of long runs")
struct LongRunReportTests {
    private static let time = Timestamp(microseconds: 1_790_000_000_000_000)

    /// Writes a run with so many entries as it would stand in the journal; gives what is reported of it.
    private func report(
        entries: Int,
        _ change: @escaping @Sendable (inout JournalEntry) -> Void
    ) async throws -> RunReport {
        let time = try #require(Self.time)
        let box = AsyncStream.makeStream(of: RunReport.self)
        try await ServerWorld.with { world in
            let run = try await world.engine.write { (transaction) throws(StoreError) in
                let start = RunStart(
                    flow: "nightly",
                    version: FlowVersion("abc"),
                    origin: .manual,
                    caller: .ann,
                    mode: .test
                )
                let run = try transaction.insertRun(start, at: time)
                for sequence in 1...entries {
                    var entry = JournalEntry(
                        address: EntryAddress(run: run, path: BlockPath("line"), visit: sequence, attempt: 1),
                        sequence: sequence,
                        block: "insert-record",
                        status: .succeeded,
                        startedAt: time
                    )
                    change(&entry)
                    try transaction.insertEntry(entry, epoch: 1_000_000)
                }
                try transaction.updateRun(
                    RunRecord(id: run, start: start, status: .succeeded, createdAt: time, finishedAt: time)
                )
                return run
            }
            box.continuation.yield(try await world.administration.report(of: run))
        }
        var reports = box.stream.makeAsyncIterator()
        return try #require(await reports.next())
    }

    @Test("the beginning, the end and what did not succeed are shown; the rest is counted, and said so")
    func excerpt() async throws {
        let report = try await report(entries: 1_500) { entry in
            if entry.sequence == 700 { entry.status = .failed }
        }
        #expect(report.steps.count == 1_001)
        #expect(report.steps[500].entry?.sequence == 700)
        #expect(report.omitted == 499)
        #expect(report.tree.contains("499 further entries are left out"))
        #expect(try RunReport(JSON.parse(JSON.encode(report.value))) == report)
    }

    @Test("what blocks took and gave is left out of a report that would be too large with it")
    func tooLarge() async throws {
        let text = String(repeating: "x", count: 1 << 20)
        let report = try await report(entries: 20) { entry in entry.output = ["text": .string(text)] }
        let shown = try RunReport(JSON.parse(JSON.encode(report.value)))
        #expect(shown == report.withoutValues)
        #expect(shown.steps.count == 20)
    }
}
