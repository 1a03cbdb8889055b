import Expressions
import FlowLanguage
import Foundation
import Testing

@testable import FlowTesting

/// What is exercised is told apart from what is not, in words, figures and drawings.
@Suite("Coverage and graphs")
struct CoverageTests {
    private static let flow = """
        flow: pick
        kind: page
        access: [public]
        input:
          total: { type: int }
        blocks:
          - id: size
            block: conditional-branch
            branches:
              - when: input.total > 100
                do:
                  - block: log
                    message: large
              - when: input.total < 0
                do:
                  - block: fail
                    error: { status: 400, code: negative, message: less than nothing }
          - id: order
            block: find-record
            table: orders
            when: input.total > 1
            where: { id: '${ input.total }' }
            fail:
              - block: log
                message: none
        """

    private func report(_ totals: Int...) async throws -> CoverageReport {
        let steps = totals.map { "  - { page: pick, input: { total: \($0) }, expect: { that: 'true' } }\n" }.joined()
        let app = TestApp(Self.flow, tests: "case: a\nsteps:\n" + steps)
        let outcomes = try await app.run()
        return CoverageReport(app: try app.app(), passages: SuiteReport(outcomes, duration: .zero).passages)
    }

    @Test("branches, passing by, fail paths and `when` both ways are counted")
    func items() async throws {
        let none = try await report(200)
        #expect(
            none.flows[0].missed.map { "\($0.path) \($0.kind)" } == [
                "size branch", "size branch", "size/1/0 block", "order when",
            ]
        )
        #expect(none.percent == 63)
        #expect(none.text.contains("flows/flow0.yaml:8: size branch 2 is never taken"))
        #expect(try await report(200, 0, -1).percent == 100)
    }

    @Test("a flow that no case runs is covered by nothing")
    func nothing() throws {
        let report = CoverageReport(app: try TestApp(Self.flow, tests: "").app(), passages: Passages())
        #expect(report.percent == 0)
        #expect(report.value["percent"] == 0)
    }

    @Test("each kind of event that may start a flow is to be exercised: types of Stripe, changes of a table")
    func eventKinds() async throws {
        let watching = """
            flow: watching
            kind: cloud
            trigger: { table: { name: orders, on: [insert, update, delete] } }
            blocks:
              - { block: log, message: seen }
            """
        let hearing = """
            flow: hearing
            kind: cloud
            trigger: { stripe: [charge.dispute.created, charge.dispute.closed] }
            blocks:
              - { block: log, message: heard }
            """
        let placing = """
            flow: placing
            kind: page
            access: [public]
            blocks:
              - { id: order, block: insert-record, table: orders, set: { email: a@example.com, total: 5 } }
              - { id: paid, block: update-record, table: orders, where: { id: '${ blocks.order.id }' }, set: { status: PAID } }
            """
        var app = TestApp(
            placing,
            watching,
            hearing,
            tests: """
                case: a
                steps:
                  - page: placing
                  - event: { id: evt_1, object: event, type: charge.dispute.created, created: 1763640000, livemode: false, data: { object: { id: dp_1, object: dispute } } }
                """
        )
        app.files[0].bytes += Array("\nconnections:\n  stripe: { service: stripe }\n".utf8)
        let outcomes = try await app.run()
        #expect(outcomes.flatMap(\.problems).map(\.headline) == [])
        let report = CoverageReport(app: try app.app(), passages: SuiteReport(outcomes, duration: .zero).passages)
        let missed = report.flows.flatMap(\.missed).map { "\($0.kind): \($0.omission)" }
        #expect(
            missed == [
                "event: no event of the kind charge.dispute.closed starts it",
                "event: no event of the kind delete starts it",
            ]
        )
    }

    @Test("the drawing holds every block once, and marks what was not exercised")
    func drawing() async throws {
        let app = TestApp(Self.flow, tests: "case: a\nsteps: [{ page: pick, input: { total: 200 } }]")
        let passages = SuiteReport(try await app.run(), duration: .zero).passages
        let graph = try #require(try app.app().flows["pick"])
        let drawn = DrawnGraph(graph, passages: passages)
        #expect(drawn.boxes.map(\.title) == ["pick", "size", "size/0/0", "size/1/0", "order", "order/fail/0", "end"])
        #expect(drawn.boxes.filter { $0.mark == .missed }.map(\.title) == ["size/1/0"])
        #expect(drawn.arrows.contains { $0.label == "none" && $0.mark == .missed })
        let mermaid = MermaidText.render(drawn)
        #expect(mermaid.hasPrefix("flowchart TD\n"))
        #expect(mermaid.contains(#"input.total #gt; 100"#))
        let svg = SVGDrawing(drawn).text
        #expect(svg.contains("input.total &gt; 100"))
        #expect(!svg.contains("script"))
        #expect(svg.ranges(of: "<rect").count == 7, "six boxes with corners and the ground")
    }

    @Test("what branches pass is exercised, and the drawing leads through them to what follows")
    func branches() async throws {
        let flow = """
            flow: beside
            kind: page
            access: [public]
            output: { all: '${ blocks.both.b.each.items }' }
            blocks:
              - id: both
                block: parallel
                branches:
                  a:
                    - { block: log, message: one }
                  b:
                    - id: each
                      block: for-each
                      each: '[1, 2]'
                      as: number
                      concurrency: 2
                      do:
                        - { block: log, message: 'no ${ number }' }
                      collect: '${ number }'
              - { block: log, message: behind }
            """
        let steps =
            "case: a\nsteps: [{ page: beside, expect: { output: { all: [1, 2] } } }]\n"
            + "expect: { runs: [{ flow: beside, status: succeeded }] }"
        let app = TestApp(flow, tests: steps)
        let outcomes = try await app.run()
        let problems = outcomes.flatMap(\.problems)
        #expect(problems.isEmpty, "\(problems)")
        let passages = SuiteReport(outcomes, duration: .zero).passages
        #expect(CoverageReport(app: try app.app(), passages: passages).percent == 100)
        let drawn = DrawnGraph(try #require(try app.app().flows["beside"]), passages: passages)
        let ways = drawn.arrows.map { "\(drawn.boxes[$0.from].title) > \(drawn.boxes[$0.to].title) \($0.label)" }
        #expect(
            ways == [
                "beside > both ", "both > both/a/0 a", "both > both/b/each b", "both/a/0 > 1 ",
                "both/b/each > both/b/each/do/0 each item, 2 at once", "both/b/each > 1 done",
                "both/b/each/do/0 > both/b/each ", "1 > end ",
            ]
        )
        #expect(drawn.arrows.allSatisfy { $0.mark == .covered })
    }

    @Test("no box lies upon another, whatever the flow")
    func layout() throws {
        for graph in try TestApp(sample: "shop").app().flows.values {
            let drawn = DrawnGraph(graph, passages: nil)
            let layout = LayeredLayout(drawn, sizes: drawn.boxes.map { _ in (width: 100, height: 40) })
            for one in drawn.boxes.indices {
                for other in drawn.boxes.indices where one < other {
                    let (a, b) = (layout.places[one], layout.places[other])
                    #expect(abs(a.x - b.x) >= 100 || abs(a.y - b.y) >= 40, "\(graph.name): \(one) and \(other)")
                }
            }
        }
    }
}
