import Expressions
import FlowEngine
import Foundation
import Logging

/// Writes each log line as one JSON object: `time`, `level`, `message`, and every field under its own name.
struct JSONLogHandler: LogHandler {
    var logLevel = Logger.Level.notice
    var metadata: Logger.Metadata = [:]
    /// Takes a whole line, its line feed included.
    var write: @Sendable (String) -> Void = { line in
        // Who reads the log may be gone; the server goes on.
        try? FileHandle.standardError.write(contentsOf: Data(line.utf8))
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        var fields: ValueMap = [
            "time": .string(SystemClock().now().rfc3339), "level": .string(event.level.rawValue),
            "message": .string("\(event.message)"),
        ]
        let all = metadata.merging(event.metadata ?? [:]) { _, new in new }
        for (name, value) in all.sorted(by: { $0.key < $1.key }) where fields[name] == nil {
            fields[name] = Self.value(value)
        }
        guard let bytes = try? JSON.encode(.map(fields)) else { return }
        write(String(decoding: bytes, as: UTF8.self) + "\n")
    }

    private static func value(_ value: Logger.MetadataValue) -> Value {
        switch value {
        case .string(let text): .string(text)
        case .stringConvertible(let thing): .string(thing.description)
        case .array(let items): .list(items.map(Self.value))
        case .dictionary(let members):
            .map(members.sorted { $0.key < $1.key }.reduce(into: ValueMap()) { $0[$1.key] = Self.value($1.value) })
        }
    }
}
