import Logging

/// Logs go to standard error, one line each.
enum ServerLog {
    static func logger(level: String) -> Logger {
        var logger = Logger(label: "runnel") { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = Logger.Level(rawValue: level) ?? .notice
        return logger
    }
}
