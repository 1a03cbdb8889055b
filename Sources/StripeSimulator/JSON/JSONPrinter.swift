/// Prints JSON as Stripe does: two spaces a level, a space after the colon.
struct JSONPrinter {
    private var bytes: [UInt8] = []

    static func bytes(of value: JSONValue) -> [UInt8] {
        var printer = JSONPrinter()
        printer.bytes.reserveCapacity(2_048)
        printer.write(value, indent: 0)
        printer.bytes.append(UInt8(ascii: "\n"))
        return printer.bytes
    }

    static func text(of value: JSONValue) -> String { String(decoding: bytes(of: value), as: UTF8.self) }

    private mutating func write(_ value: JSONValue, indent: Int) {
        switch value {
        case .null: append("null")
        case .bool(let value): append(value ? "true" : "false")
        case .int(let value): append(String(value))
        case .double(let value): append(value.isFinite ? "\(value)" : "null")
        case .string(let value): writeString(value)
        case .array(let elements):
            guard !elements.isEmpty else { return append("[]") }
            append("[")
            for (index, element) in elements.enumerated() {
                newLine(index > 0, indent + 1)
                write(element, indent: indent + 1)
            }
            newLine(false, indent)
            append("]")
        case .object(let object):
            guard !object.isEmpty else { return append("{}") }
            append("{")
            for (index, member) in object.members.enumerated() {
                newLine(index > 0, indent + 1)
                writeString(member.key)
                append(": ")
                write(member.value, indent: indent + 1)
            }
            newLine(false, indent)
            append("}")
        }
    }

    private mutating func append(_ text: String) { bytes.append(contentsOf: text.utf8) }

    private mutating func newLine(_ comma: Bool, _ indent: Int) {
        if comma { bytes.append(UInt8(ascii: ",")) }
        bytes.append(UInt8(ascii: "\n"))
        for _ in 0..<indent {
            bytes.append(UInt8(ascii: " "))
            bytes.append(UInt8(ascii: " "))
        }
    }

    private mutating func writeString(_ text: String) {
        bytes.append(UInt8(ascii: "\""))
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""): append("\\\"")
            case UInt8(ascii: "\\"): append("\\\\")
            case 0x0A: append("\\n")
            case 0x0D: append("\\r")
            case 0x09: append("\\t")
            case 0..<0x20:
                let digits = String(byte, radix: 16)
                append("\\u" + String(repeating: "0", count: 4 - digits.count) + digits)
            default: bytes.append(byte)
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }
}
