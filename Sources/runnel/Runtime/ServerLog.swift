import ArgumentParser
import Logging

/// Logs go to standard error, one line each.
enum ServerLog {
    enum Format: String, CaseIterable, ExpressibleByArgument {
        case text, json
    }

    static func logger(level: String, format: Format = .text) -> Logger {
        var logger = Logger(label: "runnel") { label in
            switch format {
            case .text: PrintableLogHandler(StreamLogHandler.standardError(label: label))
            case .json: JSONLogHandler()
            }
        }
        logger.logLevel = Logger.Level(rawValue: level) ?? .notice
        return logger
    }
}
