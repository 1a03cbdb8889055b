import Capsules
import Expressions
import FlowEngine
import FlowLanguage
import FlowTesting
import Testing

/// Every run that the cases of four apps start: exported, replayed, and made a case again.
@Suite("Runs of cases")
struct RecordedAppTests {
    @Test("the workshop's cases pass: every kind of block, every way to start a flow")
    func workshop() async throws {
        let outcomes = try await RecordedApp.workshop.play()
        for outcome in outcomes { #expect(outcome.problems.map(\.headline) == [], "\(outcome.test.name)") }
        let origins = Set(outcomes.flatMap(\.capsules).map(\.run.record.start.origin))
        #expect(origins == Set(RunOrigin.allCases).subtracting([.subflow, .branch]))
    }

    @Test("replay to the last byte from their files", arguments: RecordedApp.all)
    func replay(_ app: RecordedApp) async throws {
        let capsules = try await app.capsules()
        #expect(capsules.count >= 15)
        let replay = CapsuleReplay()
        for (name, capsule) in capsules {
            #expect(capsule.header.limitation == nil, "\(name)")
            let text = CapsuleText.encode(capsule)
            let again = try CapsuleText.decode(text)
            #expect(again == capsule, "\(name)")
            #expect(CapsuleText.encode(again) == text, "\(name)")
            guard capsule.header.limitation == nil else { continue }
            let verdict = try replay.replay(again)
            #expect(verdict.divergence == nil, "\(name): \(verdict.divergence?.summary ?? "")")
        }
    }

    /// The case that a capsule becomes, or why it becomes none.
    private static func text(of capsule: Capsule) throws -> String {
        let replay = CapsuleReplay()
        let rows = try replay.replay(capsule).outcome.outside
        return try CaseText(capsule, app: try replay.compiledApp(of: capsule), rows: rows).text()
    }

    @Test("become cases that pass: rows, ids, answers, events and all", arguments: RecordedApp.all)
    func cases(_ app: RecordedApp) async throws {
        var tests: [SourceFile] = []
        for (number, (name, capsule)) in try await app.capsules().enumerated() {
            let text = try Self.text(of: capsule).replacing("\ncase: ", with: "\ncase: \(number) ")
            tests.append(SourceFile(path: "tests/\(number).yaml", bytes: Array("# \(name)\n\(text)".utf8)))
        }
        for outcome in try await app.play(tests) {
            let text = tests.first { $0.path == outcome.test.range.file }
                .map { String(decoding: $0.bytes, as: UTF8.self) }
            #expect(outcome.problems.map(\.headline) == [], "\(text ?? "")")
        }
    }

    @Test("are played by cases that name their capsules", arguments: RecordedApp.all)
    func capsuleSteps(_ app: RecordedApp) async throws {
        var files: [String: [UInt8]] = [:]
        var text = "cases:\n"
        for (number, (_, capsule)) in try await app.capsules().enumerated() {
            files["capsules/\(number).capsule"] = CapsuleText.encode(capsule)
            text += "  - case: capsule \(number)\n    trigger: { capsule: capsules/\(number).capsule }\n"
        }
        let tests = [SourceFile(path: "tests/capsules.yaml", bytes: Array(text.utf8))]
        for outcome in try await app.play(tests, files: files) {
            #expect(outcome.problems.map(\.headline) == [], "\(outcome.test.name)")
        }
    }

    @Test(
        "a case made of a run fails where its flow was broken since",
        arguments: [
            ("payment-callback", "set: { status: PAID }", "set: { status: LATE }", "tables.orders[0].status"),
            (
                "noting", "noted 'late'", "noted 'later'",
                #"tables.audits.exists(row, row.what == "noted 'late': 1")"#
            ),
            ("nightly", "'night of", "'nights of", "tables.audits[0].what"),
            ("audit", "'${ trigger.new.name }:", "'${ trigger.new.name };", "tables.audits[0].what"),
            ("hooked", "status: 201", "status: 202", "status"),
            ("disputed", "'dispute ${", "'disputes ${", "tables.audits[0].what"),
            ("patient", "blocks.parcel.data.by", "\"no one\"", "runs[0].output.by"),
        ]
    )
    func broken(_ flow: String, _ old: String, _ new: String, _ subject: String) async throws {
        let app = RecordedApp.workshop
        let capsule = try #require(
            try await app.capsules().map(\.capsule).first { $0.run.record.start.flow == flow }
        )
        let text = try Self.text(of: capsule)
        let sources = try app.sources().map { file in
            guard file.path.hasSuffix("flows/\(flow).yaml") else { return file }
            let changed = String(decoding: file.bytes, as: UTF8.self).replacing(old, with: new)
            return SourceFile(path: file.path, bytes: Array(changed.utf8))
        }
        let problems = try await app.play([SourceFile(path: "tests/a.yaml", bytes: Array(text.utf8))], on: sources)
        #expect(
            problems[0].problems.contains { $0.subject == subject },
            "\(problems[0].problems.map(\.headline)) \(text)"
        )
    }

    @Test("a capsule that is not there, is none or does not fit is a fault of its step")
    func faults() async throws {
        let tests = """
            cases:
              - { case: missing, trigger: { capsule: capsules/none.capsule } }
              - { case: broken, trigger: { capsule: capsules/broken.capsule } }
            """
        let files = ["capsules/broken.capsule": Array("{\"capsule\":1}\n".utf8)]
        let source = SourceFile(path: "tests/a.yaml", bytes: Array(tests.utf8))
        let outcomes = try await RecordedApp.workshop.play([source], files: files)
        #expect(outcomes.map { $0.problems.map(\.kind) } == [[.fault], [.fault]])
        #expect(outcomes[0].problems.first?.actual == "the app has no file 'capsules/none.capsule'")
        #expect(outcomes[1].problems.first?.actual.contains("does not end with its sum") == true)
        #expect(outcomes[1].problems.first?.range.start.line == 3)
    }
}
