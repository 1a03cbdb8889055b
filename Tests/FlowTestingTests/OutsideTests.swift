import Expressions
import FlowLanguage
import Testing

@testable import FlowTesting

/// What goes outside is answered by the case or not at all.
@Suite("Requests of cases")
struct OutsideTests {
    private static let declaration = """
        app: small
        connections:
          stock: { service: http, url: 'https://stock.example.com', access: { request: [public] } }
        """

    private static let flow = """
        flow: left
        kind: page
        access: [public]
        output:
          left: ${ blocks.ask.body.left }
        blocks:
          - id: ask
            block: http-request
            connection: stock
            method: GET
            path: /items/1
        """

    private func app(_ tests: String) -> TestApp {
        TestApp(
            files: [
                SourceFile(path: "app.yaml", bytes: Array(Self.declaration.utf8)),
                SourceFile(path: "flows/left.yaml", bytes: Array(Self.flow.utf8)),
            ],
            tests: [SourceFile(path: "tests/a.yaml", bytes: Array(tests.utf8))]
        )
    }

    @Test("a request that nobody answers is refused, and fails the case")
    func refused() async throws {
        let outcome = try await app(
            """
            case: a
            steps:
              - page: left
                expect: { status: 500 }
            """
        ).run()[0]
        #expect(outcome.problems.map(\.kind) == [.refused])
        #expect(outcome.problems[0].subject == "stock: GET /items/1")
        #expect(outcome.record?.requests == [])
    }

    @Test(
        "an answer is given by path, by connection or by block",
        arguments: ["to: GET /items/*", "connection: stock", "block: left/ask"]
    )
    func answered(_ by: String) async throws {
        let outcome = try await app(
            """
            case: a
            given: { answers: [{ \(by), body: { left: 3 } }] }
            steps:
              - page: left
                expect: { output: { left: 3 } }
            expect:
              requests: [{ connection: stock, method: GET, path: /items/1, status: 200 }]
            """
        ).run()[0]
        #expect(outcome.problems.map(\.headline) == [])
    }

    @Test("a lost connection is tried again on virtual time, and the second answer counts")
    func triedAgain() async throws {
        let outcome = try await app(
            """
            case: a
            given:
              answers:
                - { to: /items/1, fail: unreachable, times: 1 }
                - { to: /items/1, body: { left: 4 } }
            steps:
              - page: left
                expect: { output: { left: 4 } }
            expect:
              requests: [{ status: 0 }, { status: 200 }]
              that: now > timestamp('2026-11-20T12:00:00Z')
            """
        ).run()[0]
        #expect(outcome.problems.map(\.headline) == [])
    }

    @Test(
        "an answer that is given once is there for the request that comes again, whatever went wrong with the first",
        arguments: ["unreachable", "timeout", "error", "lost"]
    )
    func disturbed(_ trouble: String) async throws {
        let outcome = try await app(
            """
            case: a
            given:
              answers:
                - { to: /items/1, body: { left: 4 }, times: 1 }
                - { to: /items/1, body: { left: 3 } }
            steps:
              - page: left
                expect: { output: { left: 4 } }
            disturb:
              - { request: 1, meets: \(trouble) }
            """
        ).run()[0]
        #expect(outcome.problems.map(\.headline) == [])
        #expect(outcome.record?.requests.listValue?.count == 2)
    }
}
