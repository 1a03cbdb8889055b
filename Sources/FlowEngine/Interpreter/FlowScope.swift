import Expressions
import FlowLanguage

/// Lets a failure end an evaluation; it never leaves the interpreter as an error.
extension BlockFailure: Error {}

/// What the expressions of a flow see at one moment, by slot.
struct FlowScope: EvaluationScope {
    var input: Value
    var trigger: Value
    var blocks: ValueMap
    var variables: ValueMap
    var error: Value?
    var run: Value
    var now: Timestamp
    /// The current items of the loops around, the outermost first, and the innermost one's index.
    var items: [Value] = []
    /// Is told what evaluations cost.
    var meter: EvaluationMeter?

    func value(at slot: Int) -> Value? {
        switch ScopeSlot(rawValue: slot) {
        case .input: input
        case .trigger: trigger
        case .blocks: .map(blocks)
        case .vars: .map(variables)
        case .error: error
        case .run: run
        case .now: .timestamp(now)
        case nil:
            // Loops have the slots behind those of every flow.
            items.indices.contains(slot - ScopeSlot.allCases.count) ? items[slot - ScopeSlot.allCases.count] : nil
        }
    }

    /// What a flow sees as `run`.
    static func describe(_ run: RunID, _ start: RunStart, startedAt: Timestamp) -> Value {
        [
            "id": .int(run.rawValue),
            "flow": .string(start.flow),
            "version": .string(start.version.rawValue),
            "mode": .string(start.mode.rawValue),
            "startedAt": .timestamp(startedAt),
            "caller": [
                "id": start.caller.id.map(Value.string) ?? .null,
                "roles": .list(start.caller.roles.map(Value.string)),
            ],
        ]
    }
}

// MARK: Evaluation

extension FlowScope {
    /// The value of an expression; an optional is opened, an empty one is null.
    ///
    /// - Throws: A failure of type `expression` that names the place in the file.
    func evaluate(_ expression: Expression, at range: SourceRange) throws(BlockFailure) -> Value {
        do {
            let value = try expression.evaluate(in: self, budget: .standard, meter: meter)
            guard case .optional(let optional) = value else { return value }
            return optional.value ?? .null
        } catch {
            throw .expression(error.code, error.message, at: range)
        }
    }

    /// The value of a condition.
    ///
    /// - Throws: Also when the value is not a bool.
    func holds(_ expression: Expression, at range: SourceRange) throws(BlockFailure) -> Bool {
        let value = try evaluate(expression, at: range)
        guard let holds = value.boolValue else {
            throw .expression("not_a_bool", "a condition gave \(value.kindName), not bool", at: range)
        }
        return holds
    }

    func evaluate(_ template: ValueTemplate) throws(BlockFailure) -> Value {
        switch template {
        case .constant(let value): return value
        case .expression(let placed): return try evaluate(placed.expression, at: placed.range)
        case .text(let segments): return .string(try text(of: segments))
        case .list(let items):
            var values: [Value] = []
            values.reserveCapacity(items.count)
            for item in items { values.append(try evaluate(item)) }
            return .list(values)
        case .map(let members): return .map(try evaluate(members))
        }
    }

    func evaluate(_ members: [NamedTemplate]) throws(BlockFailure) -> ValueMap {
        var map = ValueMap(minimumCapacity: members.count)
        for member in members { map[member.name] = try evaluate(member.value) }
        return map
    }

    private func text(of segments: [ValueTemplate.TextSegment]) throws(BlockFailure) -> String {
        var text = ""
        for segment in segments {
            switch segment {
            case .literal(let literal): text += literal
            case .expression(let placed):
                text += try Self.text(of: evaluate(placed.expression, at: placed.range), at: placed.range)
            }
        }
        return text
    }

    private static func text(of value: Value, at range: SourceRange) throws(BlockFailure) -> String {
        switch value {
        case .string(let text): return text
        case .int(let number): return String(number)
        case .uint(let number): return String(number)
        case .bool(let bool): return bool ? "true" : "false"
        case .double(let number):
            // 3.0 reads "3", as CEL's own string() has it.
            return Int64(exactly: number).map { String($0) } ?? String(number)
        case .timestamp(let timestamp): return timestamp.rfc3339
        case .duration(let duration): return duration.secondsText
        case .list, .map:
            do {
                return String(decoding: try JSON.encode(value), as: UTF8.self)
            } catch {
                throw .expression("not_text", "a value in text cannot be written as JSON", at: range)
            }
        case .null:
            let message = "a null stands inside text; say what does instead, such as ${ x == null ? 'none' : x }"
            throw .expression("null_in_text", message, at: range)
        case .bytes, .type, .optional:
            throw .expression("not_text", "\(value.kindName) cannot stand inside text", at: range)
        }
    }
}

extension BlockFailure {
    static func expression(_ code: String, _ message: String, at range: SourceRange) -> BlockFailure {
        let place = "\(SourceRange.pathInApp(range.file)):\(range.start.line):\(range.start.column)"
        return BlockFailure(code: code, type: "expression", message: "\(place): \(message)")
    }

    /// A failure of the engine's own making: a limit, a journal that does not fit, a version that is gone.
    static func engine(_ code: String, _ message: String) -> BlockFailure {
        BlockFailure(code: code, type: "engine", message: message)
    }

    /// What a flow sees as `error`.
    var scopeValue: Value {
        [
            "code": .string(code),
            "type": .string(type),
            "message": .string(message),
            "status": status.map { .int(Int64($0)) } ?? .null,
            "declineCode": declineCode.map(Value.string) ?? .null,
            "param": param.map(Value.string) ?? .null,
            "retryable": .bool(retryable),
            "requestId": requestID.map(Value.string) ?? .null,
            "block": block.map(Value.string) ?? .null,
        ]
    }
}
