import Expressions
import FlowEngine
import FlowLanguage
import FlowStores
import Payments
import TestSupport
import Testing

/// A callback that failed behind `callback-handler`, and is done again from where it failed.
@Suite("Retried callbacks, offline")
struct RetriedCallbackTests {
    private static let files = [
        "app.yaml": """
        app: desk
        currency: usd
        tables:
          orders:
            columns:
              total:    { type: int, min: 1 }
              currency: { type: string, default: usd }
              sales:    { type: int, default: 0 }
          gates: { columns: { name: { type: string } } }
        connections:
          stripe: { service: stripe }
        payments: { connection: stripe, orderTable: orders }
        """,
        "flows/pay.yaml": """
        flow: pay
        kind: page
        output: { secret: '${ blocks.intent.client_secret }' }
        blocks:
          - { id: row, block: insert-record, table: orders, set: { total: 1000 } }
          - id: intent
            block: execute-connection-command
            connection: stripe
            command: create-payment-intent
            data: { orderId: '${ blocks.row.id }', amount: 1000 }
        """,
        "flows/payment-callback.yaml": """
        flow: payment-callback
        kind: cloud
        trigger: { payment: completed }
        blocks:
          - { id: handler, block: callback-handler }
          - id: once
            block: conditional-branch
            branches:
              - when: blocks.handler.callbackProcessed || blocks.handler.paymentStatus != 'SUCCEEDED'
                do: [{ block: log, message: nothing to do }]
              - else:
                do:
                  - { id: order, block: find-record, table: orders, where: { id: '${ blocks.handler.orderId }' } }
                  - id: sold
                    block: update-record
                    table: orders
                    where: { id: '${ blocks.order.id }' }
                    set: { sales: '${ blocks.order.sales + 1 }' }
                  - { id: gate, block: find-record, table: gates, where: { name: open } }
        """,
    ]

    /// Pays an order; its callback has sold it and then failed.
    private static func with(_ body: (SimulatedWorld, RunID) async throws -> Void) async throws {
        let sources = files.sorted { $0.key < $1.key }.map { SourceFile(path: $0.key, bytes: Array($0.value.utf8)) }
        let compilation = AppCompiler(catalogue: PaymentsCatalogue.catalogue).compile(sources)
        let errors = compilation.diagnostics.filter { $0.severity == .error }
        #expect(errors.map { "\($0.range.file):\($0.range.start.line): \($0.message)" } == [])
        try await SimulatedWorld.with(try #require(compilation.app)) { world in
            let answer = try await world.page("pay", [:], as: SimulatedWorld.admin)
            try world.stripe.confirm(try #require(answer.body["secret"]?.stringValue), card: "pm_card_visa")
            var failed: [RunID] = []
            let payments = world.payments
            for hook in world.stripe.takeHooks() {
                let now = world.clock.now()
                let event = try world.webhook.receive(body: hook.body, signature: hook.signature, now: now)
                let outcome = try await world.engine.write { transaction throws(StoreError) in
                    try payments.accept(event, body: hook.body, at: now, in: transaction)
                }
                guard case .accepted(let runs) = outcome else { continue }
                for run in runs where try await end(of: run, in: world) == .failed { failed.append(run) }
            }
            #expect(try await world.column("sales", of: "orders") == [1])
            try await body(world, try #require(failed.first))
        }
    }

    private static func end(of run: RunID, in world: SimulatedWorld) async throws -> RunStatus {
        try await world.engine.answer(of: run, timeLimit: .seconds(86_400)).status
    }

    @Test("the retry takes the callback on, so that what it did counts: a repetition does nothing again")
    func retry() async throws {
        try await Self.with { world, failed in
            _ = try await world.engine.write { transaction throws(StoreError) in
                try transaction.insert(into: "gates", [("name", "open")])
            }
            let again = try await world.engine.rerun(failed, from: .failure)
            #expect(try await Self.end(of: again, in: world) == .succeeded)
            #expect(try await world.column("state", of: "payment_transitions").contains("done"))
            let repeated = try await world.engine.rerun(again, from: .beginning)
            #expect(try await Self.end(of: repeated, in: world) == .succeeded)
            #expect(try await world.column("sales", of: "orders") == [1])
        }
    }

    @Test("what was handled meanwhile is not gone on with: what 'callback-handler' said does not hold any more")
    func overtaken() async throws {
        try await Self.with { world, failed in
            _ = try await world.engine.write { transaction throws(StoreError) in
                try transaction.insert(into: "gates", [("name", "open")])
            }
            let again = try await world.engine.rerun(failed, from: .failure)
            #expect(try await Self.end(of: again, in: world) == .succeeded)
            let error = await #expect(throws: EngineError.self) {
                try await world.engine.rerun(failed, from: .failure)
            }
            #expect(error?.code == .wrongState)
            #expect(error?.message.contains("what 'callback-handler' says has changed since") == true)
            #expect(try await world.column("sales", of: "orders") == [1])
        }
    }
}
