import Expressions
import FlowEngine
import Foundation
import TestSupport
import Testing

@Suite("Code blocks: a run computes in one place, whoever else looks for work")
struct EngineCodeTests {
    static func flow(_ kind: String, _ settings: String = "") -> String {
        """
        flow: f
        \(kind)
        \(settings)
        blocks:
          - id: code
            block: custom-code
            code: return 1
        """
    }

    @Test("a page call in one group with a look for work has its code run once")
    func callBesideLook() async throws {
        try await EngineWorld.with(Self.flow("kind: page\naccess: [customer]")) { world in
            let code = ScriptedCode(orders: ["a", "b"])
            try await world.run(code: code) { engine in
                // When the held group is on disk the engine looks for work: in the next group, behind the call.
                let call = try await engine.holdingWriter {
                    let call = Task { try await engine.call() }
                    await engine.waitForJobs(1)
                    return call
                }
                #expect(try await call.value.status == 200)
                #expect(code.advances == [0, 1, 2])
                #expect(try await engine.rows("orders").map { $0["name"] } == ["a", "b"])
            }
        }
    }

    @Test("a run whose code is being run is running, also on disk")
    func status() async throws {
        try await EngineWorld.with(Self.flow("kind: cloud\ntrigger: { manual: true }")) { world in
            let entered = Gate()
            let leave = Gate()
            let code = HeldCode(entered: entered, leave: leave)
            try await world.run(code: code) { engine in
                let run = try await engine.start(
                    "f",
                    input: [:],
                    trigger: .null,
                    origin: .manual,
                    caller: .system
                )
                await entered.pass()
                #expect(try await engine.record(run).status == .running)
                leave.open()
                #expect(try await engine.finished(run).status == .succeeded)
            }
        }
    }
}

/// Code that returns when it is let.
private struct HeldCode: CodeRunner {
    let entered: Gate
    let leave: Gate

    func advance(_ job: CodeJob, answers: [CodeAnswer]) async -> CodeProgress {
        entered.open()
        await leave.pass()
        return CodeProgress(.returned(.null))
    }

    func forget(_ job: CodeJob) {}
}
