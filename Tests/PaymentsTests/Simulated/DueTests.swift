import Expressions
import FlowEngine
import FlowLanguage
import Payments
import TestSupport
import Testing

@Suite("recurring-payment: due")
struct DueTests {
    /// The sample, and a flow that looks at each draft.
    private func app(charging amount: String) throws -> App {
        let due = """
            flow: due
            kind: cloud
            trigger: { recurring-payment: due }
            blocks:
              - id: handler
                block: callback-handler
              - id: lower
                block: execute-connection-command
                when: blocks.handler.callbackProcessed == false
                connection: stripe
                command: lower-recurring-amount
                data: { invoice: '${ blocks.handler.invoice }', amount: '${ \(amount) }', description: Loyalty }
                fail:
                  - block: log
                    level: warning
                    message: '${ error.code }'
            """
        var sources = try AppFolder.read("\(SimulatedWorld.samples)/subscriptions")
        sources.append(SourceFile(path: "flows/due.yaml", bytes: Array(due.utf8)))
        let compilation = AppCompiler(catalogue: PaymentsCatalogue.catalogue).compile(sources)
        #expect(compilation.diagnostics.map(\.message) == [])
        return try #require(compilation.app)
    }

    @Test(
        "M14, E14: the flow may lower a period's amount while its invoice is a draft, and never raise it",
        arguments: [
            ("blocks.handler.amount - 300", 600 as Int64), ("0", 0), ("blocks.handler.amount", 900),
            ("blocks.handler.amount + 1", 900), ("-1", 900),
        ]
    )
    func lowers(expression: String, charged: Int64) async throws {
        try await SimulatedWorld.with(try app(charging: expression)) { world in
            try await SampleTests.subscribe(in: world)
            // In small steps: the draft lies for an hour.
            for _ in 0..<(32 * 48) {
                world.stripe.advance(bySeconds: 1_800)
                world.clock.advance(by: .seconds(1_800))
                try await world.deliver()
            }
            let received = try await world.column("received", of: "payments")
            #expect(received == (charged == 0 ? [900] : [900, .int(charged)]))
            let invoices = try world.stripe.call("GET", "/v1/invoices")["data"]?.listValue ?? []
            #expect(invoices.first?["total"] == .int(charged))
            #expect(try await world.column("status", of: "orders").count == 2)
        }
    }

    @Test("a draft that is told too late is charged as it is, and the flow is told why")
    func late() async throws {
        try await SimulatedWorld.with(try app(charging: "1")) { world in
            try await SampleTests.subscribe(in: world)
            try await world.advance(days: 32)
            #expect(try await world.column("received", of: "payments") == [900, 900])
            let log = try await world.engine.store.read { reader throws(StoreError) in
                var entries: [JournalEntry] = []
                for run in try reader.runs(matching: RunFilter(flow: "due")) {
                    entries += try reader.entries(of: run.id)
                }
                return entries
            }
            #expect(log.contains { $0.failure?.code == "invoice_final" })
        }
    }
}
