import Expressions
import FlowEngine
import FlowLanguage
import Logging
import Synchronization
import TestSupport
import Testing

@testable import CustomCode

@Suite("Code has the rights of its flow's caller, and what is secret stays out of the journal")
struct CodeAccessTests {
    private static let declaration =
        CodeWorld.declaration + """
              other: { service: stripe }
              shop:
                service: http
                url: https://shop.example.com
                access: { request: [customer] }

            """

    private static func page(_ code: String, access: String = "[public, customer]") -> String {
        """
        flow: p
        kind: page
        access: \(access)
        output: { result: '${ blocks.work }' }
        blocks:
          - id: work
            block: custom-code
            code: |
              \(code)

        """
    }

    private func call(_ caller: Caller, _ transport: ScriptedTransport) async throws -> Value? {
        let flow = Self.page(
            "return await fetch('https://shop.example.com/stock').then((r) => r.status).catch((e) => [e.code, e.message])"
        )
        let world = try CodeWorld([flow], declaration: Self.declaration)
        defer { world.remove() }
        let connections = world.app.connections
        let pool = try CodeDesk(connections: connections).pool
        return try await world.run(transport: transport, code: pool) { engine in
            let answer = try await engine.callPage(
                "p",
                input: [:],
                caller: caller,
                idempotencyKey: nil,
                timeLimit: .seconds(60)
            )
            guard case .answered(let answer, _) = answer else { return nil }
            return answer.body["result"]
        }
    }

    @Test("in a page flow, fetch reaches what the connection grants to the caller's role, and nothing else")
    func pageFetch() async throws {
        let transport = ScriptedTransport()
        let refused = try await call(.anonymous, transport)
        #expect(refused == ["forbidden", "fetch failed: the caller may not use 'request' of 'shop'"])
        #expect(transport.sent.isEmpty)
        #expect(try await call(Caller(id: "7", roles: ["customer"]), transport) == 200)
        #expect(transport.sent.count == 1)
    }

    @Test("the checker says that a page's roles may not use what fetch would reach")
    func pageFetchIsFound() throws {
        let code = "return (await fetch('https://shop.example.com/')).status"
        let closed = CodeWorld.compile([Self.page(code)], declaration: Self.declaration)
        #expect(closed.diagnostics.map(\.code) == ["flow.code.fetch-connection"])
        #expect(closed.diagnostics.first?.range.start.line == 9)
        let open = CodeWorld.compile([Self.page(code, access: "[customer]")], declaration: Self.declaration)
        #expect(open.diagnostics.isEmpty, "\(open.diagnostics)")
        let none = CodeWorld.compile([CodeBlockTests.flow(code)])
        #expect(none.diagnostics.map(\.code) == ["flow.code.fetch-connection"])
    }

    @Test("a key that came with the run is found by the checker, which says what to do instead")
    func keyIsFound() throws {
        let found = CodeWorld.compile([CodeBlockTests.flow("return typeof new Stripe( args.n );")])
        #expect(found.diagnostics.map(\.code) == ["flow.code.key"])
        #expect(found.diagnostics.allSatisfy { $0.severity == .warning })
        let good = CodeWorld.compile([CodeBlockTests.flow("return typeof new Stripe('other');")])
        #expect(good.diagnostics.isEmpty, "\(good.diagnostics)")
    }

    @Test("a key in args stands neither in the block's entry nor in the log nor in an error")
    func keysAreCovered() async throws {
        let key = ["sk", "test", "abcdefghijkl"].joined(separator: "_")
        let flow = """
            flow: f
            kind: cloud
            trigger: { manual: true }
            input: { key: { type: string } }
            blocks:
              - id: work
                block: custom-code
                args: { key: '${ input.key }', more: { list: ['${ input.key }'] } }
                code: |
                  console.log('with', args.key);
                  const client = new Stripe(args.key);
                  await client.balance.retrieve();
                  throw new Error('no balance for ' + args.more.list[0]);

            """
        let world = try CodeWorld([flow], declaration: Self.declaration)
        defer { world.remove() }
        let log = LogText()
        let logger = Logger(label: "test") { _ in log }
        try await world.run(logger: logger) { engine in
            let record = try await engine.play("f", ["key": .string(key)])
            #expect(record.status == .failed)
            let entries = try await engine.entries(record.id)
            #expect(entries.count == 2)
            let told = "\(entries) \(record.failure?.message ?? "") \(log.text)"
            #expect(!told.contains("abcdefghijkl"), "\(told)")
            #expect(told.contains("no balance for sk_"))
            #expect(log.text.contains("with sk_"))
        }
    }

    @Test("what fetch got before a restart is given again, and not asked for again")
    func fetchRestarts() async throws {
        let flow = CodeBlockTests.flow(
            """
            const stock = await (await fetch('https://shop.example.com/stock')).json();
            const image = new Uint8Array(await (await fetch('https://shop.example.com/image')).arrayBuffer());
            const order = await fetch('https://shop.example.com/orders/1', { method: 'PUT', body: JSON.stringify(stock) });
            return [stock.left, [...image], order.status];
            """
        )
        let world = try CodeWorld([flow], declaration: Self.declaration)
        defer { world.remove() }
        let pool = try CodeDesk(connections: world.app.connections).pool
        let gate = Gate()
        let first = ScriptedTransport { request, number in
            if number == 1 { return .answered(.json("{\"left\":3}")) }
            if number == 2 { return .answered(OutsideAnswer(status: 200, body: [0, 255, 10])) }
            await gate.pass()
            return .lost(reason: "the process ends")
        }
        let run = try await world.run(transport: first, code: pool) { engine in
            let run = try await engine.start("f", input: [:], trigger: .null, origin: .manual, caller: .system)
            await first.waitForSent(3)
            return run
        }
        let second = ScriptedTransport { _, _ in .answered(OutsideAnswer(status: 204)) }
        let other = try CodeDesk(connections: world.app.connections).pool
        try await world.run(transport: second, code: other) { engine in
            let record = try await engine.finished(run)
            #expect(record.answer?.body["result"] == [3, [0, 255, 10], 204])
            #expect(second.sent.map(\.request) == [first.sent[2].request])
        }
    }

    /// Keeps the lines of a log.
    private final class LogText: LogHandler {
        private let lines = Mutex<[String]>([])
        var text: String { lines.withLock { $0.joined(separator: "\n") } }
        var metadata: Logger.Metadata {
            get { [:] }
            set {}
        }
        var logLevel: Logger.Level {
            get { .trace }
            set {}
        }
        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { nil }
            set {}
        }

        func log(event: LogEvent) {
            lines.withLock { $0.append("\(event.message) \(event.metadata ?? [:])") }
        }
    }
}
