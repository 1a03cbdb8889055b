extension Value {
    /// Why the value has no JSON form, as a sentence for who wrote the expression; nil when it has one.
    package var jsonFault: String? {
        switch self {
        case .null, .bool, .int, .uint, .string, .bytes, .timestamp, .duration: return nil
        case .double(let number): return number.isFinite ? nil : "\(number.celText) has no JSON form"
        case .type, .optional: return "a value of type \(kindName) has no JSON form"
        case .list(let elements):
            for element in elements { if let fault = element.jsonFault { return fault } }
            return nil
        case .map(let map):
            if let name = map.repeatedName { return "two keys of a map are both written as '\(name.prefix(40))'" }
            for (_, value) in map { if let fault = value.jsonFault { return fault } }
            return nil
        }
    }
}

extension Double {
    fileprivate var celText: String { isNaN ? "NaN" : self < 0 ? "-Infinity" : "Infinity" }
}

extension MapKey {
    /// As JSON writes it.
    var text: String {
        switch self {
        case .string(let text): text
        case .bool(let value): value ? "true" : "false"
        case .int(let value): String(value)
        case .uint(let value): String(value)
        }
    }
}

extension ValueMap {
    /// The text that two keys have in common, such as `1` and `"1"`: JSON would repeat a name (RFC 8259, section 4).
    var repeatedName: String? {
        if hasTextKeys { return nil }
        var others: Set<String> = []
        for (key, _) in self where key.stringValue == nil {
            if !others.insert(key.text).inserted { return key.text }
        }
        for (key, _) in self { if let text = key.stringValue, others.contains(text) { return text } }
        return nil
    }

    private var hasTextKeys: Bool {
        for position in 0..<count { if entry(at: position).key.stringValue == nil { return false } }
        return true
    }
}
