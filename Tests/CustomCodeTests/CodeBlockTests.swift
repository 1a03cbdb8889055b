import Expressions
import FlowEngine
import FlowLanguage
import Foundation
import Synchronization
import TestSupport
import Testing

@testable import CustomCode

@Suite("A code block is a block: journalled, repeated from its journal, typed")
struct CodeBlockTests {
    /// A cloud flow with one code block, and what it gives as output.
    static func flow(_ code: String, more: String = "") -> String {
        let lines = code.split(separator: "\n", omittingEmptySubsequences: false).map { "      " + $0 }
        return """
            flow: f
            kind: cloud
            trigger: { manual: true }
            input:
              n: { type: int, optional: true }
            output: { result: '${ blocks.work }' }
            blocks:
              - id: work
                block: custom-code
                args: { n: '${ input.n }' }
            \(more)
                code: |
            \(lines.joined(separator: "\n"))

            """
    }

    private func play(_ code: String, more: String = "", input: ValueMap = [:]) async throws -> (
        record: RunRecord, entries: [JournalEntry]
    ) {
        let world = try CodeWorld([Self.flow(code, more: more)])
        defer { world.remove() }
        return try await world.run { engine in
            let record = try await engine.play("f", input)
            return (record, try await engine.entries(record.id))
        }
    }

    @Test("what the code returns is what the block gives, and one entry holds it")
    func returns() async throws {
        let played = try await play("return { double: args.n * 2, flow: run.flow }", input: ["n": 21])
        #expect(played.record.answer?.body == ["result": ["double": 42, "flow": "f"]])
        #expect(played.entries.map(\.block) == ["custom-code"])
        #expect(played.entries.first?.input == ["args": ["n": 21]])
    }

    @Test("an error of the code fails the block with the place in the flow's file")
    func fails() async throws {
        let played = try await play("const a = 1;\nnull.x")
        #expect(played.record.failure?.code == "code-threw")
        #expect(played.record.failure?.block == "work")
        #expect(
            played.record.failure?.message.hasPrefix("flows/flow0.yaml:14:") == true,
            "\(played.record.failure?.message ?? "")"
        )
    }

    @Test("records are read and written with the table's types, each call an entry")
    func records() async throws {
        let world = try CodeWorld([
            Self.flow(
                """
                const mug = await records.insert('orders', { name: 'mug', total: 5 });
                await records.upsert('orders', { name: 'mug', total: 7 }, { on: 'name' });
                const { changed } = await records.update('orders', { id: mug.id }, { paidAt: new Date() }, { expect: 1 });
                const [row] = await records.find('orders', { total: { gte: 6 } }, { order: { total: 'desc' } });
                const none = await records.findOne('orders', { name: 'cup' });
                let refused; try { await records.insert('orders', { name: 'mug', total: 1 }) } catch (e) { refused = e.code }
                let unknown; try { await records.find('nothing') } catch (e) { unknown = e.message }
                return { changed, total: row.total, paidAt: row.paidAt, none, refused, unknown };
                """
            )
        ])
        defer { world.remove() }
        try await world.run { engine in
            let record = try await engine.play()
            #expect(record.failure == nil)
            let now = world.clock.now().rfc3339
            #expect(
                record.answer?.body["result"]
                    == [
                        "changed": 1, "total": 7, "paidAt": .string(now), "none": .null, "refused": "constraint",
                        "unknown": "there is no table 'nothing'",
                    ]
            )
            let entries = try await engine.entries(record.id)
            #expect(entries.map(\.address.call) == Array(0...7))
            #expect(
                entries.dropLast().map { $0.input["call"] } == [
                    "records.insert", "records.upsert", "records.update", "records.find", "records.find",
                    "records.insert", "records.find",
                ]
            )
            #expect(try await engine.rows("orders").count == 1)
        }
    }

    @Test("a post of the client carries a key derived from run, block and call; the author's own stands as it is")
    func keys() async throws {
        let world = try CodeWorld([
            Self.flow(
                """
                await stripe.customers.create({ name: 'a' });
                await stripe.customers.create({ name: 'b' });
                await stripe.customers.create({ name: 'c' }, { idempotencyKey: 'mine' });
                """
            )
        ])
        defer { world.remove() }
        let transport = ScriptedTransport { _, _ in .answered(OutsideAnswer(status: 200, body: Array("{}".utf8))) }
        try await world.run(transport: transport) { engine in
            let record = try await engine.play()
            #expect(record.status == .succeeded)
            let keys = transport.sent.compactMap(\.request.key)
            #expect(Set(keys).count == 3)
            #expect(keys.last == "mine")
            #expect(keys.first?.hasPrefix("rnl_") == true)
        }
    }

    @Test("after a restart the code runs again, is given what it got, and sends nothing twice")
    func restarts() async throws {
        let world = try CodeWorld([
            Self.flow(
                """
                const order = await records.insert('orders', { name: 'mug-' + Math.random(), total: 5 });
                const customer = await stripe.customers.create({ name: order.name });
                return { id: customer.id, name: order.name };
                """
            )
        ])
        defer { world.remove() }
        let gate = Gate()
        let first = ScriptedTransport { _, _ in
            await gate.pass()
            return .lost(reason: "the process ends")
        }
        let run = try await world.run(transport: first) { engine in
            let run = try await engine.start("f", input: [:], trigger: .null, origin: .manual, caller: .system)
            await first.waitForSent(1)
            return run
        }
        let second = ScriptedTransport { _, _ in
            .answered(OutsideAnswer(status: 200, body: Array("{\"id\":\"cus_1\"}".utf8)))
        }
        try await world.run(transport: second) { engine in
            let record = try await engine.finished(run)
            #expect(record.status == .succeeded)
            #expect(second.sent.map(\.request) == first.sent.map(\.request))
            let orders = try await engine.rows("orders")
            #expect(orders.count == 1)
            #expect(record.answer?.body["result"]?["name"] == orders.first?["name"])
            #expect(try await engine.entries(run).map(\.address.call) == [0, 1, 2])
        }
    }

    @Test("code that asks for something else after a restart parks the run: what was sent may have been executed")
    func divergesAfterRestart() async throws {
        let world = try CodeWorld([Self.flow("await stripe.customers.create({ name: 'a' })")])
        defer { world.remove() }
        let first = ScriptedTransport { _, _ in
            await Gate().pass()
            return .lost(reason: "the process ends")
        }
        let run = try await world.run(transport: first) { engine in
            let run = try await engine.start("f", input: [:], trigger: .null, origin: .manual, caller: .system)
            await first.waitForSent(1)
            return run
        }
        let second = ScriptedTransport()
        try await world.run(transport: second, code: OtherCode()) { engine in
            let record = try await engine.finished(run)
            #expect(record.status == .outcomeUnknown)
            #expect(
                record.failure?.message.contains("another host call than before") == true,
                "\(record.failure?.message ?? "")"
            )
            #expect(second.sent.isEmpty)
        }
    }

    /// Stands for code whose second run goes another way.
    private struct OtherCode: CodeRunner {
        func advance(_ job: CodeJob, answers: [CodeAnswer]) async -> CodeProgress {
            let request = OutsideRequest(connection: "stripe", method: "POST", path: "/v1/refunds", effect: .keyed)
            return CodeProgress(
                .asks(CodeQuestion(call: "stripe", arguments: ["refunds.create"], work: .send(request)))
            )
        }

        func forget(_ job: CodeJob) {}
    }

    @Test("a sub-flow is waited for without a worker, and its output is what the call gives")
    func subflows() async throws {
        let child = """
            flow: child
            kind: cloud
            trigger: { manual: true }
            input: { n: { type: int } }
            output: { n: '${ input.n + 1 }' }
            blocks:
              - block: log
                message: here

            """
        let world = try CodeWorld([
            Self.flow(
                """
                const first = await runFlow('child', { n: args.n });
                const second = await runFlow('child', first);
                let refused; try { await runFlow('nothing') } catch (e) { refused = e.code }
                return { n: second.n, refused };
                """
            ), child,
        ])
        defer { world.remove() }
        try await world.run { engine in
            let record = try await engine.play("f", ["n": 1])
            #expect(record.answer?.body["result"] == ["n": 3, "refused": "unknown_flow"])
        }
    }

    @Test("a request that was surely not sent is the call's error, which code can catch")
    func notSent() async throws {
        let world = try CodeWorld([
            Self.flow("try { await stripe.balance.retrieve() } catch (e) { return e.type + ': ' + e.message }")
        ])
        defer { world.remove() }
        let transport = ScriptedTransport { _, _ in .notSent(reason: "no key is set", retryable: false) }
        try await world.run(transport: transport) { engine in
            let record = try await engine.play()
            #expect(record.answer?.body["result"] == "StripeConnectionError: no key is set")
        }
    }

    @Test("without a worker the block fails by name; nothing else does")
    func withoutWorker() async throws {
        let world = try CodeWorld([Self.flow("return 1")])
        defer { world.remove() }
        let pool = CodePool(.init(executable: "/nowhere/worker"))
        try await world.run(code: pool) { engine in
            let record = try await engine.play()
            #expect(record.failure?.code == "code-unavailable")
        }
    }

    @Test("'returns' gives the block a type, which expressions are checked against")
    func types() throws {
        let flow = Self.flow(
            "return { total: 5 }",
            more: "    returns: { total: int, note: { type: string, optional: true } }"
        )
        let good = CodeWorld.compile([flow.replacing("${ blocks.work }", with: "${ blocks.work.total + 1 }")])
        #expect(good.diagnostics.isEmpty, "\(good.diagnostics)")
        let bad = CodeWorld.compile([flow.replacing("${ blocks.work }", with: "${ blocks.work.sum }")])
        #expect(bad.hasErrors)
    }

    @Test("code that does not parse is found at check time, at its place in the flow's file")
    func syntax() async throws {
        let compilation = CodeWorld.compile(
            [Self.flow("const a = 1;\nconst b = ;", more: "    use: [tax.js]")],
            code: ["code/lib/tax.js": "function tax( {\n  return 1\n}\n"]
        )
        let app = try #require(compilation.app)
        let findings = try await CodeSyntaxCheck(CodeDesk().pool).findings(in: app)
        #expect(findings.map(\.code) == ["flow.code.syntax", "flow.code.syntax"])
        #expect(findings.map(\.range.file) == ["code/lib/tax.js", "flows/flow0.yaml"])
        #expect(findings.last?.range.start.line == 14)
    }

    @Test("a flow's version is another one when its code, or a library of it, changed")
    func versions() throws {
        func version(_ code: String, _ library: String) throws -> FlowVersion {
            let compilation = CodeWorld.compile(
                [Self.flow(code, more: "    use: [a.js]")],
                code: ["code/lib/a.js": library]
            )
            return try #require(compilation.app?.flows["f"]?.version)
        }
        let first = try version("return 1", "// one")
        #expect(first == (try version("return 1", "// one")))
        #expect(first != (try version("return 2", "// one")))
        #expect(first != (try version("return 1", "// two")))
    }
}
