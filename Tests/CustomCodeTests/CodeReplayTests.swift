import Capsules
import Expressions
import FlowEngine
import FlowLanguage
import FlowStores
import Payments
import TestSupport
import Testing

@testable import CustomCode

@Suite("A run with code is replayed by running its code again")
struct CodeReplayTests {
    private static let flows = [
        CodeBlockTests.flow(
            """
            const order = await records.insert('orders', { name: 'mug-' + Math.random(), total: args.n });
            await records.update('orders', { id: order.id }, { total: order.total + 1, paidAt: new Date() });
            const [row] = await records.find('orders', { total: { gt: 1 } });
            const customer = await stripe.customers.create({ name: row.name });
            const told = await runFlow('told', { name: customer.id }, { mode: 'wait' });
            return { total: row.total, at: row.paidAt, told, dice: Math.random() };
            """
        ) + """
              - id: behind
                block: insert-record
                table: orders
                set: { name: 'behind ${ now }', total: '${ blocks.work.total }' }

            """,
        """
        flow: told
        kind: cloud
        trigger: { manual: true }
        input:
          name: { type: string }
        output: { text: 'told ${ input.name }' }
        blocks:
          - block: log
            message: 'telling ${ input.name }'

        """,
    ]
    private static let environment = ReplayEnvironment(catalogue: PaymentsCatalogue.catalogue) { _, _, _ in [] }

    private func capsule() async throws -> Capsule {
        let world = try CodeWorld(Self.flows, clock: ManualClock(tick: .microseconds(7)))
        defer { world.remove() }
        let transport = ScriptedTransport { _, _ in
            .answered(OutsideAnswer(status: 200, body: Array("{\"id\":\"cus_1\"}".utf8)))
        }
        return try await world.run(transport: transport) { engine in
            let record = try await engine.play("f", ["n": 4])
            #expect(record.failure == nil)
            let export = CapsuleExport(
                environment: Self.environment,
                sources: CodeWorld.files(Self.flows),
                secrets: [:],
                program: "test"
            )
            return try #require(try await export.capsule(of: record.id, in: engine.store, at: world.clock.now()))
        }
    }

    @Test("its host calls, rows, dice and moments are the same again, with a worker and without")
    func same() async throws {
        let capsule = try await capsule()
        #expect(capsule.header.limitation == nil)
        #expect(capsule.history.runs.count == 2)
        let replay = CapsuleReplay(environment: Self.environment)
        let recorded = try replay.replay(capsule)
        #expect(recorded.divergence == nil, "\(recorded.divergence?.summary ?? "")")
        #expect(recorded.given == 6)
        let again = try await replay.replay(capsule, running: try CodeDesk().pool)
        #expect(again.divergence == nil, "\(again.divergence?.summary ?? "")")
        #expect(again.given == 0)
        #expect(again.changes.map(\.after) == capsule.changes.map(\.after))
    }

    @Test("an answer that was changed changes what the code asks next")
    func changedAnswer() async throws {
        var capsule = try await capsule()
        let place = try #require(capsule.history.runs[0].entries.firstIndex { OutsideRequest($0.input) != nil })
        let answer = OutsideAnswer(status: 200, body: Array("{\"id\":\"cus_2\"}".utf8))
        capsule.history.runs[0].entries[place].output = answer.journalValue
        let replay = CapsuleReplay(environment: Self.environment)
        let verdict = try await replay.replay(capsule, running: try CodeDesk().pool)
        #expect(verdict.divergence?.aspect == .input)
        #expect(verdict.divergence?.new["arguments"]?.listValue?[1]["name"] == "cus_2")
    }

    @Test("other code is found at its block, with what it asks otherwise")
    func otherCode() async throws {
        let capsule = try await capsule()
        var flows = Self.flows
        flows[0] = flows[0].replacing("order.total + 1", with: "order.total + 2")
        let app = try #require(CodeWorld.compile(flows).app)
        let replay = CapsuleReplay(environment: Self.environment)
        let comparison = try await replay.compare(capsule, with: app, running: try CodeDesk().pool)
        #expect(comparison.divergence?.path == BlockPath("work"))
        #expect(comparison.rows.map(\.table) == ["orders", "orders"], "the one it wrote, and the one behind it")
        flows[0] = Self.flows[0].replacing("const order =", with: "/* a comment */ const order =")
        let commented = try #require(CodeWorld.compile(flows).app)
        let same = try await replay.compare(capsule, with: commented, running: try CodeDesk().pool)
        #expect(same.divergence == nil, "\(same.divergence?.summary ?? "")")
    }
}
