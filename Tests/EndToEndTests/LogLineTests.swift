import Logging
import Synchronization
import Testing

@testable import runnel

@Suite("Lines of the log") struct LogLineTests {
    @Test("what a flow logs neither ends a line nor commands the operator's terminal")
    func controlCharacters() {
        let keeper = LineKeeper()
        let logger = Logger(label: "test") { _ in PrintableLogHandler(KeepingHandler(keeper: keeper)) }
        logger.notice(
            "flow log\n2026-11-25 error forged",
            metadata: [
                "text": "a\r\nb\u{1B}[2Jc", "list": ["x\u{202E}y", "\u{9B}31m"], "na\nme": "plain \u{E9}\u{1F600}",
                "map": ["k\t": .stringConvertible(Nasty())],
            ]
        )
        #expect(
            keeper.lines == [
                #"flow log\n2026-11-25 error forged list=["x\\u{202e}y", "\\u{9b}31m"] "#
                    + #"map=["k\\t": "\\u{7}!"] na\nme=plain é😀 text=a\r\nb\u{1b}[2Jc"#
            ]
        )
    }

    private struct Nasty: CustomStringConvertible, Sendable {
        var description: String { "\u{7}!" }
    }

    private final class LineKeeper: Sendable {
        private let kept = Mutex<[String]>([])
        var lines: [String] { kept.withLock { $0 } }
        func keep(_ line: String) { kept.withLock { $0.append(line) } }
    }

    private struct KeepingHandler: LogHandler {
        var keeper: LineKeeper
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.trace

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let fields = (event.metadata ?? [:]).sorted { $0.key < $1.key }.map { " \($0.key)=\($0.value)" }
            keeper.keep(event.message.description + fields.joined())
        }
    }
}
