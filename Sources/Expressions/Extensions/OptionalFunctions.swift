/// CEL's optionals, besides what the analyzer turns into nodes of its own.
enum OptionalFunctions {
    static let functions: [(String, FunctionBody)] = [
        ("optional.none", .any({ (_, _) throws(EvaluationError) in .optional(.none) })),
        ("optional.of", .unary({ (value, _) throws(EvaluationError) in .optional(OptionalValue(value)) })),
        (
            "optional.ofNonZeroValue",
            .unary({ (value, _) throws(EvaluationError) in .optional(isZero(value) ? .none : OptionalValue(value)) })
        ),
        ("hasValue", .unary(hasValue)), ("value", .unary(value)),
        ("optional.unwrap", .unary(unwrap)), ("unwrapOpt", .unary(unwrap)),
    ]

    private static func hasValue(_ value: Value, _ frame: inout Frame) throws(EvaluationError) -> Value {
        guard case .optional(let optional) = value else { throw .noOverload("hasValue", value) }
        return .bool(optional.value != nil)
    }

    private static func value(_ value: Value, _ frame: inout Frame) throws(EvaluationError) -> Value {
        guard case .optional(let optional) = value else { throw .noOverload("value", value) }
        guard let inner = optional.value else {
            throw EvaluationError(EvaluationError.Code.noValue, "the optional has no value")
        }
        return inner
    }

    private static func unwrap(_ value: Value, _ frame: inout Frame) throws(EvaluationError) -> Value {
        guard case .list(let elements) = value else { throw .noOverload("unwrap", value) }
        try frame.charge(elements.count)
        var present: [Value] = []
        for element in elements {
            guard case .optional(let optional) = element else { throw .noOverload("unwrap", element) }
            if let inner = optional.value { present.append(inner) }
        }
        return .list(present)
    }

    private static func isZero(_ value: Value) -> Bool {
        switch value {
        case .null: true
        case .bool(let truth): !truth
        case .int(let number): number == 0
        case .uint(let number): number == 0
        case .double(let number): number == 0
        case .string(let text): text.isEmpty
        case .bytes(let bytes): bytes.isEmpty
        case .list(let elements): elements.isEmpty
        case .map(let map): map.isEmpty
        case .timestamp(let moment): moment.seconds == 0 && moment.nanoseconds == 0
        case .duration(let span): span == .zero
        case .type: false
        case .optional(let optional): optional.value == nil
        }
    }
}
