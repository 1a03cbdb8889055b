import Expressions
import FlowEngine
import FlowLanguage
import TestSupport
import Testing

@Suite("A sub-flow that gets no place of its flow's 'concurrency' fails its block, and nothing else")
struct EngineRefusedSubflowTests {
    private static func child(_ key: String) -> String {
        """
        flow: child
        kind: cloud
        trigger: { manual: true }
        input: { name: { type: string } }
        concurrency: { key: '\(key)', limit: 1 }
        blocks:
          - { block: log, message: child }
        """
    }

    private static let behind = """
          - { id: pause, block: wait, for: 1h }
          - { id: behind, block: insert-record, table: lines, set: { text: behind } }
        """

    private static func parent(_ name: String) -> String {
        """
        flow: f
        kind: cloud
        trigger: { manual: true }
        blocks:
          - id: child
            block: run-flow
            flow: child
            input: { name: '\(name)' }
            fail:
              - { id: line, block: insert-record, table: lines, set: { text: '${ error.code }' } }
        \(behind)
        """
    }

    /// A key that cannot be worked out, and one that is too long.
    private static let refused = [
        ("1 / (size(input.name) - 1)", "x", "divide_by_zero"),
        ("input.name", String(repeating: "x", count: 600), "key_too_long"),
    ]

    private func start(_ engine: Engine) async throws -> RunID {
        try await engine.start("f", input: [:], trigger: .null, origin: .manual, caller: .system)
    }

    @Test("a run whose block handled that goes on behind its next wait, and behind a restart", arguments: refused)
    func block(key: String, name: String, code: String) async throws {
        try await EngineWorld.with(Self.parent(name), Self.child(key)) { world in
            let run = try await world.run { engine in
                let run = try await start(engine)
                _ = try await engine.record(run, being: .waiting)
                #expect(try await engine.entries(run).map(\.sequence) == [1, 2, 3])
                return run
            }
            world.clock.advance(by: .seconds(3_600))
            try await world.run { engine in
                let record = try await engine.finished(run)
                #expect(record.status == .succeeded, "\(record.failure?.message ?? "")")
                #expect(try await engine.rows("lines").map { $0["text"] } == [.string(code), "behind"])
            }
        }
    }

    @Test("code that catches it goes on behind its block's next wait, and behind a restart", arguments: refused)
    func code(key: String, name: String, code: String) async throws {
        let flow = EngineCodeTests.flow("kind: cloud\ntrigger: { manual: true }") + "\n" + Self.behind
        let call = CodeQuestion(
            call: "runFlow",
            arguments: .list(["child", ["name": .string(name)]]),
            work: .runFlow(flow: "child", input: ["name": .string(name)], mode: .wait)
        )
        try await EngineWorld.with(flow, Self.child(key)) { world in
            let run = try await world.run(code: ScriptedCode(calls: [call])) { engine in
                let run = try await start(engine)
                _ = try await engine.record(run, being: .waiting)
                let entries = try await engine.entries(run)
                #expect(entries.map(\.sequence) == [1, 2, 3])
                #expect(entries.first?.failure?.code == code)
                return run
            }
            world.clock.advance(by: .seconds(3_600))
            try await world.run(code: ScriptedCode(calls: [call])) { engine in
                let record = try await engine.finished(run)
                #expect(record.status == .succeeded, "\(record.failure?.message ?? "")")
            }
        }
    }
}
