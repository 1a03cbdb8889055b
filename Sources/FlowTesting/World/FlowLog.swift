import Logging
import Synchronization

/// Collects what flows write with `log` blocks.
final class FlowLog: Sendable {
    struct Line: Sendable, Hashable {
        var flow: String
        var level: String
        var text: String
    }

    private let content = Mutex<[Line]>([])

    var lines: [Line] { content.withLock { $0 } }

    func add(_ line: Line) { content.withLock { $0.append(line) } }

    /// A logger that keeps flows' lines and drops the engine's own.
    func logger() -> Logger {
        Logger(label: "runnel.test") { _ in FlowLogHandler(log: self) }
    }
}

private struct FlowLogHandler: LogHandler {
    let log: FlowLog
    var logLevel = Logger.Level.trace
    var metadata: Logger.Metadata = [:]

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        guard let text = event.metadata?["text"], let flow = event.metadata?["flow"], "\(event.message)" == "flow log"
        else { return }
        log.add(FlowLog.Line(flow: "\(flow)", level: event.level.rawValue, text: "\(text)"))
    }
}
