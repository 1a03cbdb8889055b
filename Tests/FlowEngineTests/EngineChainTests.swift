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

    @Test(
        "nor does one end whose slow runs start the next inside a branch or a sub-flow",
        arguments: [
            "- { id: both, block: parallel, branches: { a: [{ id: next, block: run-flow, flow: again, mode: start }] } }",
            "- { id: inner, block: run-flow, flow: starter, mode: wait }",
        ]
    )
    func slowInside(block: String) async throws {
        let again = Self.again("1s").split(separator: "\n").dropLast().joined(separator: "\n") + "\n  \(block)\n"
        let starter = Self.again("0s").replacing("flow: again\n", with: "flow: starter\n")
        try await EngineWorld.with(again, Self.first, starter) { world in
            try await world.run { engine in
                #expect(try await engine.call().status == 200)
                for _ in 1...5 {
                    await world.clock.waitForSleeper(within: .seconds(1))
                    world.clock.advance(by: .seconds(1))
                }
                let runs = try await engine.allRuns().filter { $0.start.flow == "again" && $0.start.origin != .branch }
                #expect(runs.count >= 5)
                #expect(runs.allSatisfy { $0.start.generation.starts == 1 }, "\(runs.map(\.start.generation.starts))")
            }
        }
    }

    @Test("what a chain ended can be done again: somebody asked for it")
    func againByHand() async throws {
        try await EngineWorld.with(Self.again("0s"), Self.first) { world in
            try await world.run { engine in
                let start = RunStart(
                    flow: "again",
                    version: try #require(world.app.flows["again"]).version,
                    origin: .subflow,
                    caller: .system,
                    mode: .test
                )
                try await engine.write { (transaction) throws(StoreError) in
                    var late = start
                    late.generation.starts = Limits.startChain
                    _ = try transaction.insertRun(late, at: world.clock.now())
                }
                #expect(try await engine.finished(RunID(1)).failure?.code == "too_many_starts")
                let again = try await engine.rerun(RunID(1), from: .beginning)
                #expect(try await engine.finished(again).status == .succeeded)
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
