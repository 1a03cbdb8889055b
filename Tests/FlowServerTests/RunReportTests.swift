import Expressions
import FlowEngine
import FlowLanguage
import Testing

@testable import FlowServer

@Suite("Run reports")
struct RunReportTests {
    private static func time(_ milliseconds: Int64) throws -> Timestamp {
        try #require(Timestamp(microseconds: 1_790_000_000_000_000 + milliseconds * 1_000))
    }

    private static func entry(
        _ path: String,
        _ sequence: Int,
        _ block: String,
        at milliseconds: Int64,
        trace: [TraceStep] = [],
        failure: BlockFailure? = nil
    ) throws -> JournalEntry {
        JournalEntry(
            address: EntryAddress(run: RunID(12), path: BlockPath(path), visit: 1, attempt: failure == nil ? 1 : 2),
            sequence: sequence,
            block: block,
            status: failure == nil ? .succeeded : .failed,
            startedAt: try time(milliseconds),
            finishedAt: try time(milliseconds + 3),
            input: ["id": 7],
            output: failure == nil ? ["changed": 1] : .null,
            failure: failure,
            key: "k\(sequence)",
            sends: 1,
            trace: trace
        )
    }

    private static func report() throws -> RunReport {
        let declined = BlockFailure(
            code: "card_declined",
            type: "card_error",
            message: "Your card was declined.",
            status: 402,
            declineCode: "generic_decline",
            requestID: "req_1",
            block: "charge"
        )
        let record = RunRecord(
            id: RunID(12),
            start: RunStart(
                flow: "payment-callback",
                version: FlowVersion("abc"),
                origin: .callback,
                input: ["orderId": 1],
                trigger: ["event": "evt_1"],
                caller: .system,
                mode: .test,
                lane: "payment:pi_1",
                parent: EntryAddress(run: RunID(3), path: BlockPath("sub"), visit: 1, attempt: 1),
                idempotencyKey: "k"
            ),
            status: .failed,
            createdAt: try time(0),
            startedAt: try time(1),
            finishedAt: try time(1_250),
            answer: RunAnswer(status: 402, headers: ["x-a": "b"], body: ["code": "card_declined", "message": "no"]),
            failure: declined,
            trace: [TraceStep(path: BlockPath("last"), block: "log", result: .done, at: try time(90), note: "done")]
        )
        let branch = TraceStep(
            path: BlockPath("outcome"),
            block: "conditional-branch",
            result: .done,
            at: try time(5),
            note: "branch 0"
        )
        let skipped = TraceStep(path: BlockPath("mail"), block: "log", result: .skipped, at: try time(21))
        return RunReport(
            record,
            entries: [
                try entry("handler", 1, "callback-handler", at: 2),
                try entry("outcome/0/pay/do/first", 2, "insert-record", at: 6, trace: [branch]),
                try entry("outcome/0/pay", 3, "transaction", at: 6),
                try entry("charge", 4, "execute-connection-command", at: 30, trace: [skipped], failure: declined),
            ]
        )
    }

    @Test("a report comes back from its JSON unchanged")
    func roundTrip() throws {
        let report = try Self.report()
        let value = try JSON.parse(try JSON.encode(report.value))
        let back = try RunReport(value)
        #expect(back == report)
    }

    @Test("a value that plain JSON cannot say is shown in the journal's form")
    func notANumber() throws {
        var report = try Self.report()
        report.input = ["ratio": .double(.nan)]
        let value = try JSON.parse(try JSON.encode(report.value))
        #expect(value["input"] == ["ratio": ["$double": "NaN"]])
    }

    @Test("the tree nests blocks under the block that they ran in, with results, durations and the failure")
    func tree() throws {
        let expected = """
            run 12  payment-callback  failed  1.25 s  (callback, test, system)
               card_declined: Your card was declined. (at charge)
            ├─ handler  callback-handler  succeeded  3 ms
            ├─ outcome  conditional-branch  done  → branch 0
            │  └─ outcome/0/pay  transaction  succeeded  3 ms
            │     └─ outcome/0/pay/do/first  insert-record  succeeded  3 ms
            ├─ mail  log  skipped
            ├─ charge  execute-connection-command  failed  3 ms  attempt 2  card_declined: Your card was declined. (at charge)
            └─ last  log  done  → done

            """
        #expect(try Self.report().tree == expected)
    }

    @Test("what is not a report is refused with the member that is wrong")
    func broken() throws {
        #expect(throws: AdministrationError(.invalid, "'steps' is missing")) { try RunReport(["strikes": 1]) }
        #expect(throws: AdministrationError(.invalid, "an object was expected")) { try RunReport([1]) }
    }

    @Test(
        "durations have three digits at most and a unit",
        arguments: zip(
            [
                Duration.microseconds(850), .milliseconds(14), .milliseconds(1_250), .milliseconds(59_999),
                .seconds(200),
            ],
            ["850 µs", "14 ms", "1.25 s", "59.99 s", "3 min 20 s"]
        )
    )
    func durations(duration: Duration, text: String) {
        #expect(duration.shortText == text)
    }
}
