import Expressions
import FlowEngine
import FlowLanguage
import Logging
import Synchronization
import Testing
import TestSupport

/// Keeps what is logged.
private final class LogKeeper: Sendable {
    struct Line: Sendable, Hashable {
        var level: Logger.Level
        var message: String
        var metadata: [String: String]
    }

    private let kept = Mutex<[Line]>([])

    var lines: [Line] { kept.withLock { $0 } }

    func keep(_ line: Line) { kept.withLock { $0.append(line) } }
}

private struct KeepingLogHandler: LogHandler {
    var keeper: LogKeeper
    var metadata: Logger.Metadata = [:]
    var logLevel: Logger.Level = .trace

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let metadata = (event.metadata ?? [:]).mapValues { "\($0)" }
        keeper.keep(LogKeeper.Line(level: event.level, message: "\(event.message)", metadata: metadata))
    }
}

@Suite("What a flow logs")
struct EngineLogTests {
    private static let flow = """
        flow: f
        kind: page
        access: [customer]
        blocks:
          - id: line
            block: insert-record
            table: lines
            set: { text: one }
          - block: log
            level: warning
            message: 'line ${ blocks.line.id }'
            fields: { text: '${ blocks.line.text }' }
          - id: second
            block: insert-record
            table: lines
            set: { text: two }
        """

    @Test("a line is logged once, behind the commit, however often its group was undone", arguments: 0...8)
    func once(failing write: Int) async throws {
        let keeper = LogKeeper()
        try await EngineWorld.with(Self.flow) { world in
            let box = Mutex<FaultInjectingStore?>(nil)
            try await world.run(logger: Logger(label: "test") { _ in KeepingLogHandler(keeper: keeper) }) { base in
                let store = FaultInjectingStore(base)
                box.withLock { $0 = store }
                return store
            } body: { engine in
                let store = try #require(box.withLock { $0 })
                store.arm(.afterWrite(write, .groupFailed))
                let answer = try await engine.call()
                #expect(answer.status == 200)
            }
        }
        let lines = keeper.lines.filter { $0.message == "flow log" }
        let expected = LogKeeper.Line(
            level: .warning,
            message: "flow log",
            metadata: ["run.id": "1", "flow": "f", "block": "1", "text": "line 1", "field.text": "one"]
        )
        #expect(lines == [expected])
    }
}
