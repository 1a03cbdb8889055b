package import Expressions
package import FlowLanguage
import Foundation

/// Turns what a caller sent into the inputs that a flow declares, or says what is wrong with it.
package struct InputCheck {
    private let declarations: [InputDeclaration]

    package init(_ declarations: [InputDeclaration]) { self.declarations = declarations }

    /// - Returns: Every declared input, in the order of the declaration; optional ones left out are null.
    package func check(_ input: ValueMap) -> Result<ValueMap, InvalidInput> {
        var checked = ValueMap(minimumCapacity: declarations.count)
        var findings: [InputFinding] = []
        for declaration in declarations {
            switch input[declaration.name] ?? declaration.defaultValue ?? .null {
            case .null:
                if declaration.isOptional || declaration.type == .json {
                    checked[declaration.name] = .null
                } else {
                    findings.append(InputFinding(path: declaration.name, message: "is missing"))
                }
            case let value:
                if let converted = Self.convert(value, to: declaration.type) {
                    checked[declaration.name] = converted
                    findings += Self.findings(about: converted, declaration)
                } else {
                    let message = "must be \(declaration.type.rawValue), is \(value.kindName)"
                    findings.append(InputFinding(path: declaration.name, message: message))
                }
            }
        }
        let known = Set(declarations.map(\.name))
        for key in input.keys {
            let name = key.stringValue ?? ""
            if !known.contains(name) {
                // The name came from outside: cut, it cannot fill an answer.
                findings.append(InputFinding(path: String(name.prefix(64)), message: "is not an input of this flow"))
            }
        }
        return findings.isEmpty ? .success(checked) : .failure(InvalidInput(findings: findings))
    }

    package struct InvalidInput: Error, Sendable, Hashable {
        package var findings: [InputFinding]

        package init(findings: [InputFinding]) { self.findings = findings }
    }

    /// What JSON can say of a type is more than the type's own kind: a timestamp comes as text.
    static func convert(_ value: Value, to type: ColumnType) -> Value? {
        switch (type, value) {
        case (.int, .int), (.string, .string), (.bool, .bool), (.double, .double), (.timestamp, .timestamp),
            (.bytes, .bytes), (.json, _):
            value
        case (.double, .int(let number)): .double(Double(number))
        // Spelled out: a bare nil would be the value null.
        case (.decimal, .string(let text)): isDecimal(text) ? Optional.some(value) : Optional.none
        case (.decimal, .int(let number)): .string(String(number))
        case (.timestamp, .string(let text)): Timestamp(rfc3339: text).map(Value.timestamp)
        case (.bytes, .string(let text)): base64(text).map(Value.bytes)
        default: nil
        }
    }

    private static func isDecimal(_ text: String) -> Bool {
        guard text.utf8.count <= 64 else { return false }
        let unsigned = text.hasPrefix("-") ? text.dropFirst() : text[...]
        let parts = unsigned.split(separator: ".", omittingEmptySubsequences: false)
        return (1...2).contains(parts.count)
            && parts.allSatisfy { !$0.isEmpty && $0.utf8.allSatisfy { (0x30...0x39).contains($0) } }
    }

    private static func findings(about value: Value, _ declaration: InputDeclaration) -> [InputFinding] {
        var messages: [String] = []
        switch value {
        case .int(let number):
            if let min = declaration.min, number < min { messages.append("must be at least \(min)") }
            if let max = declaration.max, number > max { messages.append("must be at most \(max)") }
        case .double(let number):
            if let min = declaration.min, number < Double(min) { messages.append("must be at least \(min)") }
            if let max = declaration.max, number > Double(max) { messages.append("must be at most \(max)") }
        case .string(let text):
            if let length = declaration.maxLength, text.unicodeScalars.count > length {
                messages.append("must have at most \(length) characters")
            }
            if !declaration.allowed.isEmpty, !declaration.allowed.contains(text) {
                messages.append("must be one of \(declaration.allowed.joined(separator: ", "))")
            }
        case .bytes(let bytes):
            if let length = declaration.maxLength, bytes.count > length {
                messages.append("must have at most \(length) bytes")
            }
        default: break
        }
        return messages.map { InputFinding(path: declaration.name, message: $0) }
    }

    private static func base64(_ text: String) -> [UInt8]? { Data(base64Encoded: text).map { Array($0) } }
}
