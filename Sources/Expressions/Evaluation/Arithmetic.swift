/// Unwraps an integer operation's result.
@inline(__always)
private func whole<T: FixedWidthInteger>(
    _ result: (partialValue: T, overflow: Bool),
    _ name: StaticString
) throws(EvaluationError) -> T {
    if result.overflow { throw .overflow("the result of integer \(name)") }
    return result.partialValue
}

/// A span within CEL's range, 64 bits of nanoseconds.
func checked(_ span: Duration) throws(EvaluationError) -> Value {
    guard span.wholeNanoseconds != nil else { throw .overflow("the duration") }
    return .duration(span)
}

private func checked(_ moment: Timestamp?) throws(EvaluationError) -> Value {
    guard let moment else { throw .overflow("the timestamp") }
    return .timestamp(moment)
}

enum Addition {
    static func apply(_ left: Value, _ right: Value, _ frame: inout Frame) throws(EvaluationError) -> Value {
        switch (left, right) {
        case (.int(let left), .int(let right)):
            return .int(try whole(left.addingReportingOverflow(right), "addition"))
        case (.double(let left), .double(let right)): return .double(left + right)
        case (.uint(let left), .uint(let right)):
            return .uint(try whole(left.addingReportingOverflow(right), "addition"))
        case (.string(let left), .string(let right)):
            try frame.charge(making: left.utf8.count + right.utf8.count)
            return .string(left + right)
        default: return try applyOther(left, right, &frame)
        }
    }

    private static func applyOther(
        _ left: Value,
        _ right: Value,
        _ frame: inout Frame
    ) throws(EvaluationError) -> Value {
        switch (left, right) {
        case (.bytes(let left), .bytes(let right)):
            try frame.charge(making: left.count + right.count)
            return .bytes(left + right)
        case (.list(let left), .list(let right)):
            try frame.charge(left.count + right.count)
            return .list(left + right)
        case (.timestamp(let moment), .duration(let span)): return try checked(moment + span)
        case (.duration(let span), .timestamp(let moment)): return try checked(moment + span)
        case (.duration(let left), .duration(let right)): return try checked(left + right)
        default: throw .noOverload("+", left, right)
        }
    }
}

enum Subtraction {
    static func apply(_ left: Value, _ right: Value, _ frame: inout Frame) throws(EvaluationError) -> Value {
        switch (left, right) {
        case (.int(let left), .int(let right)):
            return .int(try whole(left.subtractingReportingOverflow(right), "subtraction"))
        case (.double(let left), .double(let right)): return .double(left - right)
        case (.uint(let left), .uint(let right)):
            return .uint(try whole(left.subtractingReportingOverflow(right), "subtraction"))
        case (.timestamp(let left), .timestamp(let right)): return try checked(left - right)
        case (.timestamp(let moment), .duration(let span)): return try checked(moment - span)
        case (.duration(let left), .duration(let right)): return try checked(left - right)
        default: throw .noOverload("-", left, right)
        }
    }
}

enum Multiplication {
    static func apply(_ left: Value, _ right: Value, _ frame: inout Frame) throws(EvaluationError) -> Value {
        switch (left, right) {
        case (.int(let left), .int(let right)):
            return .int(try whole(left.multipliedReportingOverflow(by: right), "multiplication"))
        case (.double(let left), .double(let right)): return .double(left * right)
        case (.uint(let left), .uint(let right)):
            return .uint(try whole(left.multipliedReportingOverflow(by: right), "multiplication"))
        default: throw .noOverload("*", left, right)
        }
    }
}

private var divisionByZero: EvaluationError {
    EvaluationError(EvaluationError.Code.divideByZero, "division by zero")
}

enum Division {
    static func apply(_ left: Value, _ right: Value, _ frame: inout Frame) throws(EvaluationError) -> Value {
        switch (left, right) {
        case (.int(let left), .int(let right)):
            if right == 0 { throw divisionByZero }
            return .int(try whole(left.dividedReportingOverflow(by: right), "division"))
        case (.double(let left), .double(let right)): return .double(left / right)
        case (.uint(let left), .uint(let right)):
            if right == 0 { throw divisionByZero }
            return .uint(left / right)
        default: throw .noOverload("/", left, right)
        }
    }
}

enum Remainder {
    static func apply(_ left: Value, _ right: Value, _ frame: inout Frame) throws(EvaluationError) -> Value {
        switch (left, right) {
        case (.int(let left), .int(let right)):
            if right == 0 { throw divisionByZero }
            return .int(try whole(left.remainderReportingOverflow(dividingBy: right), "remainder"))
        case (.uint(let left), .uint(let right)):
            if right == 0 { throw divisionByZero }
            return .uint(left % right)
        default: throw .noOverload("%", left, right)
        }
    }
}

enum Equality {
    @inline(__always)
    static func equals(_ left: Value, _ right: Value, _ frame: inout Frame) throws(EvaluationError) -> Bool {
        switch (left, right) {
        case (.string(let left), .string(let right)):
            try frame.charge(reading: left.utf8.count)
            return left.hasSameScalars(as: right)
        case (.int(let left), .int(let right)): return left == right
        case (.bool(let left), .bool(let right)): return left == right
        default:
            var steps = frame.stepsLeft
            let before = steps
            let same = Comparison.equals(left, right, steps: &steps)
            try frame.charge(before - steps)
            return same ?? false
        }
    }
}

/// The order of two values, charged for long texts.
private func order(
    _ name: String,
    _ left: Value,
    _ right: Value,
    _ frame: inout Frame
) throws(EvaluationError) -> Comparison.Order {
    if case .string(let text) = left { try frame.charge(reading: text.utf8.count) }
    guard let order = Comparison.order(left, right) else { throw .noOverload(name, left, right) }
    return order
}

enum Less {
    static func apply(_ left: Value, _ right: Value, _ frame: inout Frame) throws(EvaluationError) -> Value {
        if case .int(let left) = left, case .int(let right) = right { return .bool(left < right) }
        return .bool(try order("<", left, right, &frame) == .less)
    }
}

enum LessOrEqual {
    static func apply(_ left: Value, _ right: Value, _ frame: inout Frame) throws(EvaluationError) -> Value {
        if case .int(let left) = left, case .int(let right) = right { return .bool(left <= right) }
        let order = try order("<=", left, right, &frame)
        return .bool(order == .less || order == .same)
    }
}

enum Greater {
    static func apply(_ left: Value, _ right: Value, _ frame: inout Frame) throws(EvaluationError) -> Value {
        if case .int(let left) = left, case .int(let right) = right { return .bool(left > right) }
        return .bool(try order(">", left, right, &frame) == .greater)
    }
}

enum GreaterOrEqual {
    static func apply(_ left: Value, _ right: Value, _ frame: inout Frame) throws(EvaluationError) -> Value {
        if case .int(let left) = left, case .int(let right) = right { return .bool(left >= right) }
        let order = try order(">=", left, right, &frame)
        return .bool(order == .greater || order == .same)
    }
}

enum Containment {
    static func apply(_ left: Value, _ right: Value, _ frame: inout Frame) throws(EvaluationError) -> Value {
        switch right {
        case .list(let elements):
            for element in elements {
                try frame.charge(1)
                if try Equality.equals(element, left, &frame) { return .bool(true) }
            }
            return .bool(false)
        case .map(let map): return .bool(map.member(left) != nil)
        default: throw .noOverload("in", left, right)
        }
    }
}
