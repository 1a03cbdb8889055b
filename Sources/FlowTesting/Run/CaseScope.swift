import Expressions
package import FlowLanguage

/// What the expressions of a case see at one moment.
struct CaseScope {
    var values = [Value?](repeating: nil, count: CaseSlot.allCases.count)

    subscript(slot: CaseSlot) -> Value? {
        get { values[slot.rawValue] }
        set { values[slot.rawValue] = newValue }
    }

    func evaluate(_ placed: PlacedExpression) throws(CaseFault) -> Value {
        do {
            let value = try placed.expression.evaluate(in: Bindings(values))
            guard case .optional(let optional) = value else { return value }
            return optional.value ?? .null
        } catch {
            throw CaseFault(message: error.message, range: placed.range)
        }
    }

    func evaluate(_ template: ValueTemplate, at range: SourceRange) throws(CaseFault) -> Value {
        switch template {
        case .constant(let value): return value
        case .expression(let placed): return try evaluate(placed)
        case .text(let segments):
            var text = ""
            for segment in segments {
                switch segment {
                case .literal(let part): text += part
                case .expression(let placed): text += try Self.text(of: evaluate(placed), at: placed.range)
                }
            }
            return .string(text)
        case .list(let items):
            var values: [Value] = []
            for item in items { values.append(try evaluate(item, at: range)) }
            return .list(values)
        case .map(let members): return .map(try evaluate(members, at: range))
        }
    }

    func evaluate(_ members: [NamedTemplate], at range: SourceRange) throws(CaseFault) -> ValueMap {
        var map = ValueMap(minimumCapacity: members.count)
        for member in members { map[member.name] = try evaluate(member.value, at: range) }
        return map
    }

    func evaluate(_ value: CaseValue) throws(CaseFault) -> Value {
        switch value.content {
        case .scalar(let template): return try evaluate(template, at: value.range)
        case .list(let items):
            var values: [Value] = []
            for item in items { values.append(try evaluate(item)) }
            return .list(values)
        case .map(let members):
            var map = ValueMap(minimumCapacity: members.count)
            for member in members { map[member.name] = try evaluate(member.value) }
            return .map(map)
        }
    }

    private static func text(of value: Value, at range: SourceRange) throws(CaseFault) -> String {
        switch value {
        case .string(let text): return text
        case .null: throw CaseFault(message: "the text has a null in it", range: range)
        case .timestamp(let moment): return moment.rfc3339
        default:
            guard let bytes = try? JSON.encode(value) else {
                throw CaseFault(message: "\(value.kindName) cannot be turned into text", range: range)
            }
            return String(decoding: bytes, as: UTF8.self)
        }
    }
}

/// A case that cannot be played as it is written, with the place.
package struct CaseFault: Error, Sendable, Hashable {
    package var message: String
    package var range: SourceRange
}
