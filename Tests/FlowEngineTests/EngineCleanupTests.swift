import Expressions
import FlowEngine
import FlowLanguage
import Testing
import TestSupport

@Suite("finally: runs when a time limit ends what is around it")
struct EngineCleanupTests {
    private static func flow(_ blocks: String, timeout: String = "timeout: 10s") -> String {
        """
        flow: f
        kind: page
        access: [customer]
        \(timeout)
        output: { how: '${ vars.how }' }
        blocks:
        - block: set-variables
          set: { how: done }
        \(blocks)
        """
    }

    private static func line(_ id: String, _ text: String, indent: Int) -> String {
        let lines = ["- id: \(id)", "  block: insert-record", "  table: lines", "  set: { text: '\(text)' }"]
        return lines.map { String(repeating: " ", count: indent) + $0 }.joined(separator: "\n")
    }

    /// Two `try` within each other, both with a catch and a `finally`; the inner one waits for an event that never comes.
    private static let nested = flow(
        """
        - id: outer
          block: try
          do:
            - id: inner
              block: try
              do:
                - id: parcel
                  block: wait
                  event: shipped
              catch:
                - do:
        \(line("caught", "caught", indent: 12))
              finally:
        \(line("first", "inner", indent: 8))
                - id: pause
                  block: wait
                  for: 20s
        \(line("second", "inner waited", indent: 8))
        \(line("behind", "behind", indent: 4))
          catch:
            - do:
        \(line("caughtOutside", "caught outside", indent: 8))
          finally:
        \(line("last", "outer", indent: 4))
        \(line("never", "never", indent: 0))
        """
    )

    @Test("a run out of time passes no catch, but each finally from the inside out, also when a restart lies between")
    func wholeRun() async throws {
        try await EngineWorld.with(Self.nested) { world in
            try await world.run { engine in
                _ = try await engine.callPage("f", input: [:], caller: .ann, idempotencyKey: "k", timeLimit: .zero)
                try await engine.waits(10, world)
            }
            world.clock.advance(by: .seconds(60))
            try await world.run { engine in
                try await engine.waits(20, world)
                #expect(try await engine.texts() == ["inner"])
            }
            world.clock.advance(by: .seconds(20))
            try await world.run { engine in
                let answer = try await engine.call(key: "k")
                #expect(answer.status == 500)
                let record = try await engine.record(RunID(1))
                #expect(record.failure?.code == "timeout")
                #expect(record.failure?.message == "the run did not end within 10s")
                #expect(try await engine.texts() == ["inner", "inner waited", "outer"])
            }
        }
    }

    @Test("what finally does behind the time limit has five minutes, and then the run ends where it stands")
    func bounded() async throws {
        let flow = Self.flow(
            """
            - id: outer
              block: try
              do:
                - id: inner
                  block: try
                  do:
                    - id: parcel
                      block: wait
                      event: shipped
                  finally:
                    - id: long
                      block: wait
                      for: 30d
            \(Self.line("behind", "behind", indent: 8))
              finally:
            \(Self.line("last", "outer", indent: 4))
            """
        )
        try await EngineWorld.with(flow) { world in
            try await world.run { engine in
                async let answer = engine.call()
                for span in [10, 300] {
                    try await engine.waits(span, world)
                    world.clock.advance(by: .seconds(span))
                }
                #expect(try await answer.status == 500)
                #expect(try await engine.record(RunID(1)).failure?.message == "the run did not end within 10s")
                #expect(try await engine.texts().isEmpty)
            }
        }
    }

    @Test("a finally that was under way when the run's time ended is finished, and its failure hides nothing")
    func underWay() async throws {
        let flow = Self.flow(
            """
            - id: outer
              block: try
              do:
                - id: inner
                  block: try
                  do:
            \(Self.line("work", "work", indent: 8))
                  finally:
                    - id: pause
                      block: wait
                      for: 8s
                    - id: again
                      block: wait
                      for: 8s
            \(Self.line("second", "inner", indent: 8))
                    - block: fail
                      error: { code: broken, message: broken }
              catch:
                - do:
            \(Self.line("caught", "caught", indent: 8))
              finally:
            \(Self.line("last", "outer", indent: 4))
            """
        )
        try await EngineWorld.with(flow) { world in
            try await world.run { engine in
                async let answer = engine.call()
                for span in [8, 8] {
                    try await engine.waits(span, world)
                    world.clock.advance(by: .seconds(span))
                }
                #expect(try await answer.status == 500)
                #expect(try await engine.record(RunID(1)).failure?.code == "timeout")
                #expect(try await engine.texts() == ["work", "inner", "outer"])
            }
        }
    }

    @Test("a loop out of time runs the finally lists in it, and then fails as a whole")
    func loop() async throws {
        let flow = Self.flow(
            """
            - id: each
              block: for-each
              each: "[1, 2]"
              as: n
              timeout: 10s
              do:
                - id: one
                  block: try
                  do:
                    - id: parcel
                      block: wait
                      event: shipped
                  catch:
                    - do:
            \(Self.line("caught", "caught", indent: 12))
                  finally:
            \(Self.line("last", "finally ${ n }", indent: 8))
              fail:
                - block: set-variables
                  set: { how: '${ error.code } at ${ error.block }' }
            \(Self.line("behind", "behind", indent: 0))
            """,
            timeout: "priority: 0"
        )
        try await EngineWorld.with(flow) { world in
            try await world.run { engine in
                async let answer = engine.call()
                try await engine.waits(10, world)
                world.clock.advance(by: .seconds(10))
                #expect(try await answer.body == ["how": "timeout at each"])
                #expect(try await engine.texts() == ["finally 1", "behind"])
            }
        }
    }

    @Test("a run out of time cancels its branches, which pass no finally; the one around them runs")
    func branches() async throws {
        let flow = Self.flow(
            """
            - id: all
              block: try
              do:
                - id: both
                  block: parallel
                  branches:
                    left:
                      - id: inside
                        block: try
                        do:
                          - id: parcel
                            block: wait
                            event: shipped
                        finally:
            \(Self.line("branch", "branch", indent: 14))
                    right:
                      - id: other
                        block: wait
                        event: shipped
              finally:
            \(Self.line("last", "around", indent: 4))
            """
        )
        try await EngineWorld.with(flow) { world in
            try await world.run { engine in
                async let answer = engine.call()
                _ = try await engine.record(RunID(3), being: .waiting)
                try await engine.waits(10, world)
                world.clock.advance(by: .seconds(10))
                #expect(try await answer.status == 500)
                #expect(try await engine.record(RunID(1)).failure?.message == "the run did not end within 10s")
                #expect(try await engine.texts() == ["around"])
            }
        }
    }
}

extension Engine {
    /// Returns once the first run waits for this many seconds to pass, and the engine knows it.
    fileprivate func waits(_ seconds: Int, _ world: EngineWorld) async throws {
        let moment = world.clock.now() + .seconds(seconds)
        while true {
            let run = try await store.read { (reader) throws(StoreError) in try reader.run(RunID(1)) }
            if let run, run.status.isFinal { return }
            if let run, run.wakesAt == moment { break }
            try await write { (_) throws(StoreError) in }
        }
        await world.clock.waitForSleeper(within: .seconds(seconds))
    }

    /// What the flows wrote into `lines`, in order.
    fileprivate func texts() async throws -> [String] {
        try await rows("lines").compactMap { $0["text"]?.stringValue }
    }
}
