import Expressions
import FlowEngine
import Testing
import TestSupport

@Suite("What is over goes after a while")
struct EngineRetentionTests {
    private static let flow = EngineRetryTests.page(
        "{ text: '${ blocks.line.text }' }",
        """
        - id: line
          block: insert-record
          table: lines
          set: { text: here }
        """
    )

    @Test("an engine looks for what is old five minutes after each start, and then every hour")
    func looks() async throws {
        try await EngineWorld.with(Self.flow) { world in
            try await world.run { engine in _ = try await engine.call() }
            world.clock.advance(by: .seconds(89 * 86_400))
            try await world.run { engine in _ = try await engine.call() }
            world.clock.advance(by: .seconds(2 * 86_400))
            try await world.run(retention: .standard) { engine in
                #expect(try await engine.allRuns().map(\.id) == [RunID(2), RunID(1)])
                try await pass(.seconds(300), until: [RunID(2)], world, engine)
                _ = try await engine.call()
                world.clock.advance(by: .seconds(89 * 86_400))
                try await pass(.seconds(3_600), until: [RunID(3)], world, engine)
            }
        }
    }

    /// Lets a look happen by moving the clock on when it is due, and waits until just these runs are left.
    private func pass(_ span: Duration, until left: [RunID], _ world: EngineWorld, _ engine: Engine) async throws {
        await world.clock.waitForSleeper(within: span)
        world.clock.advance(by: span)
        while try await engine.allRuns().map(\.id) != left { try await engine.write { (_) throws(StoreError) in } }
    }
}
