import Expressions
import FlowLanguage
import Testing

@testable import FlowTesting

/// A case passes when the app does what it says, and else points to the very value that says otherwise.
@Suite("Test cases")
struct CaseTests {
    private static let placing = """
        flow: place
        kind: page
        access: [public]
        input:
          total: { type: int }
        output:
          id: ${ blocks.order.id }
        blocks:
          - id: order
            block: insert-record
            table: orders
            set: { email: ann@example.com, total: '${ input.total }' }
          - block: log
            message: 'placed ${ input.total }'
        """

    @Test(
        "the samples' own cases pass and exercise nearly all of them",
        arguments: ["shop", "donations", "subscriptions"]
    )
    func samples(_ name: String) async throws {
        let sample = try TestApp(sample: name)
        let outcomes = try await sample.run()
        for outcome in outcomes { #expect(outcome.problems.map(\.headline) == [], "\(outcome.test.name)") }
        let app = try sample.app()
        #expect(!app.invariants.isEmpty)
        let report = CoverageReport(app: app, passages: SuiteReport(outcomes, duration: .zero).passages)
        #expect(report.percent >= 95, "\(report.text)")
    }

    @Test("a difference points to the value in the case file, and tells both")
    func difference() async throws {
        let app = TestApp(
            Self.placing,
            tests: """
                case: placed
                steps:
                  - page: place
                    input: { total: 5 }
                    expect: { output: { id: 2 } }
                expect:
                  tables:
                    orders: [{ total: 5, status: PAID }]
                  log: [placed 6]
                  that: tables.orders.size() == 2
                """
        )
        let problems = try await app.run()[0].problems
        #expect(
            problems.map(\.headline) == [
                "tests/cases.yaml:5:29: output.id: expected 2, is 1",
                "tests/cases.yaml:8:34: tables.orders[0].status: expected PAID, is NEW",
                "tests/cases.yaml:9:9: log[0]: expected placed 6, is not among: placed 5",
                "tests/cases.yaml:10:9: tables.orders.size() == 2: expected true, is false; "
                    + #"tables.orders is [{"id":1,"email":"ann@example.com","total":5,"status":"NEW"}]"#,
            ]
        )
    }

    private static let ticking = """
        flow: tick
        kind: cloud
        trigger: { schedule: { every: 1m } }
        blocks:
          - id: order
            block: insert-record
            table: orders
            set: { email: ann@example.com, total: 1 }
        """

    @Test("a schedule fires at each of its moments while time passes, in whatever order its sleepers fall asleep")
    func schedule() async throws {
        let app = TestApp(
            Self.ticking,
            tests: """
                case: an hour passes
                steps: [{ advance: 1h }]
                expect: { that: tables.orders.size() == 60 }
                """
        )
        for _ in 1...10 {
            let outcomes = try await app.run()
            #expect(outcomes.flatMap(\.problems).map(\.headline) == [])
        }
    }

    @Test("a run that fails while nobody waits for it fails the case, unless the case says how it ends")
    func failedRun() async throws {
        let failing = Self.ticking + "\n  - { block: fail, error: { code: broken, message: no } }"
        func problems(_ expectation: String) async throws -> [CaseProblem.Kind] {
            let test = "case: a minute passes\nsteps: [{ advance: 1m }]\nexpect: \(expectation)\n"
            return try await TestApp(failing, tests: test).run().flatMap(\.problems).map(\.kind)
        }
        #expect(try await problems("{ that: tables.orders.size() == 1 }") == [.failure])
        #expect(try await problems("{ runs: [{ flow: tick }] }") == [.failure])
        #expect(try await problems("{ runs: [{ flow: tick, status: failed }] }") == [])
    }

    @Test("what was expected can be brought up to date, each value in its place")
    func update() async throws {
        let app = TestApp(
            Self.placing,
            tests: """
                case: placed   # kept
                steps:
                  - page: place
                    input: { total: 5 }
                    expect: { output: { id: 2 } }
                expect:
                  tables:
                    orders: [{ total: 6 }, { total: 7 }]   # kept too
                """
        )
        let update = ExpectationUpdate(app.tests, try await app.run())
        #expect(update.count == 2)
        let text = String(decoding: try #require(update.changed.first).bytes, as: UTF8.self)
        #expect(text.contains("expect: { output: { id: 1 } }"))
        #expect(text.contains("orders: [{ total: 5 }]   # kept too"))
        #expect(text.hasPrefix("case: placed   # kept\n"))
        var updated = app
        updated.tests = update.changed
        #expect(try await updated.run()[0].isPassed)
    }

    @Test("the same case takes the same way each time, to the last byte")
    func sameWay() async throws {
        let app = try TestApp(sample: "shop")
        let first = try await app.run()
        let second = try await app.run()
        #expect(first.map(\.record?.value) == second.map(\.record?.value))
        #expect(first.map(\.course) == second.map(\.course))
        #expect(
            first.contains { !$0.course.requests.isEmpty && $0.course.writes.count > 5 && $0.course.events.count > 2 }
        )
    }

    @Test("a step that fails and says nothing of it fails the case")
    func unexpectedFailure() async throws {
        let app = TestApp(
            Self.placing,
            tests: """
                case: placed
                steps:
                  - page: place
                    input: { total: 0 }
                """
        )
        let problem = try #require(try await app.run()[0].problems.first)
        #expect(problem.subject == "status")
        #expect(problem.actual.contains("422"))
        #expect(problem.range.start.line == 3)
    }

    @Test("a row that the table refuses is a fault of the case, with its place")
    func refusedRow() async throws {
        let app = TestApp(
            Self.placing,
            tests: """
                case: placed
                given:
                  tables:
                    orders:
                      - { email: ann@example.com }
                steps:
                  - advance: 1d
                """
        )
        let problem = try #require(try await app.run()[0].problems.first)
        #expect(problem.kind == .fault)
        #expect(problem.range.start.line == 5)
    }

    @Test("junit's XML names each case and escapes what it quotes")
    func junit() async throws {
        let app = TestApp(
            Self.placing,
            tests: """
                cases:
                  - case: fine
                    steps: [{ page: place, input: { total: 1 } }]
                  - case: 'bad & "quoted" <here>'
                    steps: [{ page: place, input: { total: 1 }, expect: { output: { id: 2 } } }]
                """
        )
        let report = SuiteReport(try await app.run(), duration: .milliseconds(1_250))
        let xml = report.junit
        #expect(xml.contains("<testsuites tests=\"2\" failures=\"1\" time=\"1.250\">"))
        #expect(xml.contains("name=\"bad &amp; &quot;quoted&quot; &lt;here&gt;\""))
        #expect(xml.contains("expected 2, is 1"))
        #expect(report.summary == "2 cases, 1 failed, 1.2 s")
    }

    /// Goal: no case file, whoever wrote it, ends the process.
    ///
    /// Method: 2,000 mutations of the samples' files, and a few that are meant badly; those that still are cases are read,
    /// not played.
    @Test("hostile case files are refused or read, and never end the process")
    func hostile() throws {
        let sample = try TestApp(sample: "shop")
        let compiler = CaseCompiler(app: try sample.app())
        let deep = String(repeating: "[", count: 20_000)
        let bad = [
            "", "case", "case: a\nsteps: \(deep)", "case: a\nsteps: [{ advance: 99999999999999999999d }]",
            "case: a\ngiven: { tables: { orders: { nextId: 9223372036854775807, rows: [] } } }\nsteps: []",
            "case: a\nsteps: [{ page: checkout, input: { orderId: '${ \(String(repeating: "(", count: 5_000)) }' } }]",
            "a: &a [1, 1]\nb: &b [*a, *a]\nc: [*b, *b]\ncase: x\nsteps: []", "\u{FEFF}case: a\nsteps: []\n\u{0}",
            "case: a\nsteps: []\nexpect: { that: '[1].map(x, x).map(y, y' }",
        ]
        for text in bad {
            let compiled = compiler.compile([SourceFile(path: "tests/a.yaml", bytes: Array(text.utf8))])
            #expect(!compiled.diagnostics.isEmpty || !compiled.cases.isEmpty, "\(text.prefix(60))")
        }
        var numbers = SeededGenerator(seed: 5)
        for number in 0..<2_000 {
            var bytes = sample.tests[number % sample.tests.count].bytes
            for _ in 0...Int.random(in: 0..<4, using: &numbers) {
                let place = Int.random(in: bytes.indices, using: &numbers)
                switch Int.random(in: 0..<4, using: &numbers) {
                case 0: bytes[place] = UInt8.random(in: 0...255, using: &numbers)
                case 1: bytes.removeSubrange(place..<min(bytes.count, place + 30))
                case 2: bytes.insert(contentsOf: Array("{[:&*!|'\"".utf8).shuffled(using: &numbers), at: place)
                default: bytes.removeSubrange(place...)
                }
                if bytes.isEmpty { bytes = [0x20] }
            }
            _ = compiler.compile([SourceFile(path: "tests/a.yaml", bytes: bytes)])
        }
    }
}
