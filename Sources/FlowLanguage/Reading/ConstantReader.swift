import Expressions

extension FileContext {
    /// A value with no expressions in it; a number that does not fit is a finding.
    func constant(of node: YAMLNode) -> Value? {
        switch node.content {
        case .unreadable: return nil
        case .scalar(let scalar): return constant(of: scalar, at: node.range)
        case .sequence(let items):
            var values: [Value] = []
            for item in items {
                guard let value = constant(of: item) else { return nil }
                values.append(value)
            }
            return .list(values)
        case .mapping(let pairs):
            var map = ValueMap(minimumCapacity: pairs.count)
            for pair in pairs {
                guard let value = constant(of: pair.value) else { return nil }
                map[pair.name] = value
            }
            return .map(map)
        }
    }

    func constant(of scalar: YAMLScalar, at range: Range<Int>) -> Value? {
        switch scalar.resolved {
        case .null: return .null
        case .bool(let value): return .bool(value)
        case .int(let value): return .int(value)
        case .double(let value): return .double(value)
        case .text(let value): return .string(value)
        case .hugeInt:
            error(
                .yamlNumber,
                "the integer does not fit 64 bits",
                at: range,
                notes: ["put it in quotes if it is a text, such as an id"]
            )
            return nil
        }
    }

    /// A constant of a column's type; anything else is a finding.
    func constant(of node: YAMLNode, as type: ColumnType, what: String) -> Value? {
        guard let value = constant(of: node) else { return nil }
        if case .string(let text) = value, text.contains("${") {
            error(.typeConstant, "\(what) is a constant: an expression in it is not evaluated", at: node.range)
            return nil
        }
        switch (type, value) {
        case (.int, .int), (.string, .string), (.bool, .bool), (.double, .double), (.json, _): return value
        case (.double, .int(let value)): return .double(Double(value))
        case (.decimal, .string(let text)) where DecimalText.isDecimal(text): return value
        case (.decimal, .int(let value)): return .string(String(value))
        case (.timestamp, .string(let text)):
            if let timestamp = Timestamp(rfc3339: text) { return .timestamp(timestamp) }
        default: break
        }
        let expected =
            switch type {
            case .int: "an integer"
            case .string: "a text"
            case .bool: "true or false"
            case .double: "a number"
            case .decimal: "a decimal number in quotes, such as '12.50'"
            case .timestamp: "a time such as '2026-11-20T12:00:00Z'"
            case .bytes: "bytes, which cannot be written as a constant"
            case .json: "a value"
            }
        var notes: [String] = []
        if type == .string { notes = ["put it in quotes to make it a text"] }
        if type == .int, let scalar = node.scalar {
            let isQuoted = scalar.style != .plain
            notes = TypeRules.amountHint(scalar.text, isQuoted: isQuoted).map { [$0] } ?? []
        }
        error(.typeConstant, "\(what) is \(expected); found \(node.kindName)", at: node.range, notes: notes)
        return nil
    }
}

/// The text form of decimals: an optional minus, digits, and digits behind a point.
enum DecimalText {
    static func isDecimal(_ text: String) -> Bool {
        let body = text.utf8.first == UInt8(ascii: "-") ? text.utf8.dropFirst() : text.utf8[...]
        let parts = body.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count <= 2, body.count <= 64 else { return false }
        return parts.allSatisfy { part in !part.isEmpty && part.allSatisfy { (0x30...0x39).contains($0) } }
    }
}
