import Expressions
import FlowEngine
import FlowLanguage
import Foundation
import Testing
import TestSupport

@Suite("for-each and while")
struct EngineLoopTests {
    private static func page(_ output: String, _ blocks: String) -> String {
        "flow: f\nkind: page\naccess: [customer]\noutput: \(output)\nblocks:\n\(blocks)\n"
    }

    @Test("a jump forward leaves a while, to a block behind it or to the end")
    func leaving() async throws {
        for target in ["behind", "end"] {
            let flow = EngineRetryTests.page(
                "{ how: '${ vars.how }' }",
                """
                - block: set-variables
                  set: { how: 0 }
                - block: while
                  while: 'true'
                  max: 5
                  do:
                    - block: set-variables
                      set: { how: '${ vars.how + 1 }' }
                    - block: conditional-branch
                      branches:
                        - when: vars.how == 3
                          do:
                            - block: log
                              message: enough
                              next: \(target)
                - id: behind
                  block: set-variables
                  set: { how: '${ vars.how + 10 }' }
                """
            )
            try await EngineWorld.with(flow) { world in
                try await world.run { engine in
                    let answer = try await engine.call()
                    #expect(answer.body == ["how": target == "end" ? 3 : 13])
                }
            }
        }
    }

    @Test("for-each passes the items in order, sees item and index, and hands on what it collects")
    func each() async throws {
        let flow = Self.page(
            "{ all: '${ blocks.each.items }', count: '${ blocks.each.count }' }",
            """
            - id: each
              block: for-each
              each: "['a', 'b', 'c']"
              as: name
              do:
                - id: line
                  block: insert-record
                  table: lines
                  set: { text: '${ index } ${ name }' }
              collect: '${ blocks.line.id * 10 }'
            """
        )
        try await EngineWorld.with(flow) { world in
            try await world.run { engine in
                let answer = try await engine.call()
                #expect(answer.body == ["all": [10, 20, 30], "count": 3])
                #expect(try await engine.rows("lines").map { $0["text"] } == ["0 a", "1 b", "2 c"])
                let addresses = try await engine.entries(RunID(1)).map(\.address)
                #expect(addresses.map(\.path.rawValue) == ["each/do/line", "each/do/line", "each/do/line"])
                #expect(addresses.map(\.visit) == [1, 2, 3])
            }
        }
    }

    @Test("loops within loops keep their own items, and a block skipped in one turn is missing in it")
    func nested() async throws {
        let flow = Self.page(
            "{ all: '${ blocks.rows.items }', none: '${ blocks.none.count }' }",
            """
            - id: rows
              block: for-each
              each: "[1, 2]"
              as: row
              do:
                - id: cells
                  block: for-each
                  each: "[10, 20]"
                  as: cell
                  do:
                    - id: line
                      block: insert-record
                      when: row == 1 || cell == 20
                      table: lines
                      set: { text: '${ row * cell } ${ index }' }
                  collect: "${ blocks.?line.text.orValue('-') }"
              collect: '${ blocks.cells.items }'
            - id: none
              block: for-each
              each: "[]"
              as: row
              do: []
            """
        )
        try await EngineWorld.with(flow) { world in
            try await world.run { engine in
                let expected: Value = [["10 0", "20 1"], ["-", "40 1"]]
                let answer = try await engine.call()
                #expect(answer.body == ["all": expected, "none": 0])
                #expect(try await engine.entries(RunID(1)).map(\.address.visit) == [1, 2, 3])
            }
        }
    }

    @Test("the first failure ends the loop, and its fail list handles it")
    func failing() async throws {
        let flow = Self.page(
            "{ why: '${ vars.why }' }",
            """
            - block: set-variables
              set: { why: fine }
            - id: each
              block: for-each
              each: "[1, 0, 2]"
              as: amount
              do:
                - id: pay
                  block: execute-connection-command
                  connection: bank
                  command: charge
                  data: { amount: '${ amount }' }
              fail:
                - block: set-variables
                  set: { why: '${ error.code } at ${ error.block }' }
            """
        )
        try await EngineWorld.with(flow) { world in
            try await world.run { engine in
                let answer = try await engine.call()
                #expect(answer.body == ["why": "zero at each/do/pay"])
                #expect(try await engine.entries(RunID(1)).map(\.status) == [.succeeded, .failed])
            }
        }
    }

    @Test("the bound of a jump backwards counts for each turn of the loop around it")
    func jumps() async throws {
        let flow = Self.page(
            "{ passed: '${ vars.passed }', why: '${ vars.why }' }",
            """
            - block: set-variables
              set: { passed: [], why: '' }
            - id: each
              block: for-each
              each: "[2, 2, 3]"
              as: jumps
              do:
                - block: set-variables
                  set: { n: 0 }
                - id: again
                  block: set-variables
                  set: { n: '${ vars.n + 1 }' }
                - block: conditional-branch
                  branches:
                    - when: vars.n <= jumps
                      do:
                        - { block: log, message: again, next: { to: again, max: 2 } }
                - block: set-variables
                  set: { passed: '${ vars.passed + [vars.n] }' }
              fail:
                - block: set-variables
                  set: { why: '${ error.code }' }
            """
        )
        try await EngineWorld.with(flow) { world in
            try await world.run { engine in
                let answer = try await engine.call()
                #expect(answer.body == ["passed": [3, 3], "why": "too_many_jumps"])
            }
        }
    }

    @Test("a run that passes too many blocks without an effect passes no catch, but each finally, and then fails")
    func tooManyBlocks() async throws {
        let flow = Self.page(
            "{ n: '${ vars.n }' }",
            """
            - block: set-variables
              set: { n: 0 }
            - id: outer
              block: try
              do:
                - block: while
                  while: 'true'
                  max: 10000
                  do:
                    - block: while
                      while: 'true'
                      max: 10000
                      do: [{ block: set-variables, set: { n: '${ vars.n + 1 }' } }]
                      fail: []
              catch:
                - do:
                    - id: caught
                      block: insert-record
                      table: lines
                      set: { text: caught }
              finally:
                - id: last
                  block: insert-record
                  table: lines
                  set: { text: finally }
            """
        )
        try await EngineWorld.with(flow) { world in
            try await world.run { engine in
                _ = try await engine.call()
                #expect(try await engine.record(RunID(1)).failure?.code == "too_many_blocks")
                #expect(try await engine.rows("lines").map { $0["text"] } == ["finally"])
            }
        }
    }

    private static func counting(to end: Int) -> String {
        page(
            "{ turns: '${ blocks.counting.count }' }",
            """
            - block: set-variables
              set: { n: 0 }
            - id: counting
              block: while
              while: vars.n < \(end)
              max: 3
              do:
                - block: set-variables
                  set: { n: '${ vars.n + 1 }' }
            """
        )
    }

    @Test("while ends when its condition no longer holds, and fails when it takes more turns than 'max'")
    func whileLoop() async throws {
        try await EngineWorld.with(Self.counting(to: 3)) { world in
            try await world.run { engine in
                let answer = try await engine.call()
                #expect(answer.body == ["turns": 3])
            }
        }
        try await EngineWorld.with(Self.counting(to: 4)) { world in
            try await world.run { engine in
                let answer = try await engine.call()
                #expect(answer.status == 500)
                #expect(try await engine.record(RunID(1)).failure?.code == "too_many_turns")
            }
        }
    }

    // MARK: Crashes

    static let charging = page(
        "{ count: '${ blocks.each.count }' }",
        """
        - id: each
          block: for-each
          each: "[7, 8, 9]"
          as: amount
          do:
            - id: line
              block: insert-record
              table: lines
              set: { text: '${ index }: ${ amount }' }
            - id: pay
              block: execute-connection-command
              connection: bank
              command: charge
              data: { amount: '${ amount }' }
            - id: note
              block: update-record
              table: lines
              where: { id: '${ blocks.line.id }' }
              set: { text: 'paid ${ amount }' }
              expect: 1
        """
    )

    // Goal: a loop that is killed in the middle goes on in its turn, and no turn's effect happens under two keys.
    // Method: a child process kills itself at a point of a later turn; then this one goes on with the same folder.
    @Test(
        "a process killed inside a loop goes on in the same turn, with one key for each visit",
        arguments: [Failpoint.entryBeforeCommit, .keyOnDisk, .sendAfter, .receiveBeforeCommit, .receiveAfterCommit],
        [2, 3]
    )
    func killed(at point: Failpoint, passage: Int) async throws {
        let folder = FileManager.default.temporaryDirectory.path + "/runnel-loop-" + UUID().uuidString
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let failpoint = "\(point.rawValue):\(passage):kill"
        await #expect(processExitsWith: .signal(SIGKILL)) {
            [folder = folder as String, failpoint = failpoint as String] in
            setenv("RUNNEL_FAILPOINT", failpoint, 1)
            try await EngineLoopTests.runToTheEnd(folder)
        }
        try await Self.runToTheEnd(folder)
        let sent = try String(contentsOfFile: folder + "/sent.log", encoding: .utf8).split(separator: "\n")
        #expect(Set(sent).count == 3)
    }

    static func runToTheEnd(_ folder: String) async throws {
        let world = EngineWorld(try SampleApp.compile(charging), folder: folder)
        let transport = ScriptedTransport { request, _ in
            if let file = fopen(folder + "/sent.log", "a") {
                fputs("\(request.key ?? "none") \(String(decoding: request.body, as: UTF8.self))\n", file)
                fclose(file)
            }
            return .answered(OutsideAnswer(status: 200))
        }
        try await world.run(transport: transport) { engine in
            let answer = try await engine.call(key: "k")
            #expect(answer == RunAnswer(status: 200, body: ["count": 3]))
            #expect(try await engine.rows("lines").map { $0["text"] } == ["paid 7", "paid 8", "paid 9"])
            let entries = try await engine.entries(RunID(1))
            #expect(entries.map(\.sequence) == Array(1...9))
            #expect(entries.map(\.address.visit) == [1, 1, 1, 2, 2, 2, 3, 3, 3])
        }
    }
}
