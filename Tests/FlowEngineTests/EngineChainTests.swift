import Expressions
import FlowEngine
import FlowLanguage
import Testing
import TestSupport

@Suite("Runs that start each other without waiting")
struct EngineChainTests {
    private static let first = """
        flow: f
        kind: page
        access: [customer]
        blocks:
          - { id: first, block: run-flow, flow: again, mode: start }
        """

    private static func again(_ pause: String) -> String {
        """
        flow: again
        kind: cloud
        trigger: { manual: true }
        blocks:
          - { block: wait, for: '${ duration("\(pause)") }' }
          - { id: next, block: run-flow, flow: again, mode: start }
        """
    }

    @Test("a chain that takes no time ends with a failure that says so", .timeLimit(.minutes(5)))
    func endless() async throws {
        try await EngineWorld.with(Self.again("0s"), Self.first) { world in
            try await world.run { engine in
                #expect(try await engine.call().status == 200)
                while try await engine.allRuns().allSatisfy({ $0.status != .failed }) {
                    try await engine.write { (_) throws(StoreError) in }
                }
                let runs = try await engine.allRuns()
                #expect(runs.map(\.start.generation.starts).max() == Limits.startChain)
                #expect(runs.filter { $0.status == .failed }.map { $0.failure?.code } == ["too_many_starts"])
            }
        }
    }

    @Test("one whose runs take their time goes on, each the first of its own")
    func slow() async throws {
        try await EngineWorld.with(Self.again("1s"), Self.first) { world in
            try await world.run { engine in
                #expect(try await engine.call().status == 200)
                for _ in 1...5 {
                    await world.clock.waitForSleeper(within: .seconds(1))
                    world.clock.advance(by: .seconds(1))
                }
                let runs = try await engine.allRuns().filter { $0.start.flow == "again" }
                #expect(runs.count >= 5)
                #expect(runs.allSatisfy { $0.start.generation.starts == 1 })
            }
        }
    }

    @Test("a chain that code starts ends as one of blocks does", .timeLimit(.minutes(5)))
    func ofCode() async throws {
        let again = CodeQuestion(
            call: "runFlow",
            arguments: .list([.string("f"), [:], .string("start")]),
            work: .runFlow(flow: "f", input: [:], mode: .start)
        )
        try await EngineWorld.with(EngineCodeTests.flow("kind: page\naccess: [customer]")) { world in
            try await world.run(code: ScriptedCode(calls: [again])) { engine in
                #expect(try await engine.call().status == 200)
                func starts() async throws -> [Int] { try await engine.allRuns().map(\.start.generation.starts) }
                while try await starts().max() != Limits.startChain {
                    try await engine.write { (_) throws(StoreError) in }
                }
                while try await engine.allRuns().contains(where: { !$0.status.isFinal }) {
                    try await engine.write { (_) throws(StoreError) in }
                }
                #expect(try await starts().max() == Limits.startChain)
            }
        }
    }
}
