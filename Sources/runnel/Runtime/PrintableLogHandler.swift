import FlowLanguage
import Logging

/// Hands lines on with every character written out that would act on a terminal or end the line.
///
/// What a flow logs may come from whoever called it: a line feed would forge a line of the server's, an escape sequence
/// would change what the operator sees.
struct PrintableLogHandler<Base: LogHandler>: LogHandler {
    private var base: Base

    init(_ base: Base) { self.base = base }

    var logLevel: Logger.Level {
        get { base.logLevel }
        set { base.logLevel = newValue }
    }

    var metadata: Logger.Metadata {
        get { base.metadata }
        set { base.metadata = Self.printable(newValue) }
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { base[metadataKey: key] }
        set { base[metadataKey: key] = newValue.map(Self.printable) }
    }

    func log(event: LogEvent) {
        var event = event
        event.message = "\(Self.printable(event.message.description))"
        event.metadata = event.metadata.map(Self.printable)
        base.log(event: event)
    }

    private static func printable(_ metadata: Logger.Metadata) -> Logger.Metadata {
        // Two names that differ in such characters alone become one; the first one's value stays.
        Dictionary(metadata.map { (printable($0.key), printable($0.value)) }) { first, _ in first }
    }

    private static func printable(_ value: Logger.MetadataValue) -> Logger.MetadataValue {
        switch value {
        case .string(let text): .string(printable(text))
        case .stringConvertible(let thing): .string(printable(thing.description))
        case .array(let items): .array(items.map(printable))
        case .dictionary(let members): .dictionary(printable(members))
        }
    }

    private static func printable(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: \.controlsDisplay) else { return text }
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            case _ where scalar.controlsDisplay: result += "\\u{\(String(scalar.value, radix: 16))}"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}
