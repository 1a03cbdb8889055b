/// The list extension and the set extension.
enum ListFunctions {
    static let functions: [(String, FunctionBody)] = [
        ("slice", .ternary(slice)),
        (
            "flatten",
            .unary({ (list, frame) throws(EvaluationError) in
                try flatten(list, .int(1), &frame)
            })
        ), ("flatten", .binary(flatten)),
        ("sort", .unary(sort)), ("distinct", .unary(distinct)), ("reverse", .unary(reverse)),
        ("first", .unary(first)), ("last", .unary(last)), ("lists.range", .unary(range)),
        ("sets.contains", .binary(setContains)), ("sets.equivalent", .binary(setEquivalent)),
        ("sets.intersects", .binary(setIntersects)),
    ]

    private static func slice(
        _ list: Value,
        _ start: Value,
        _ end: Value,
        _ frame: inout Frame
    ) throws(EvaluationError) -> Value {
        guard case .list(let elements) = list, case .int(let start) = start, case .int(let end) = end else {
            throw .noOverload("slice", list, start, end)
        }
        guard start >= 0, start <= end, end <= elements.count else {
            throw .invalid("slice(\(start), \(end)) of a list of \(elements.count) elements")
        }
        try frame.charge(Int(end - start))
        return .list(Array(elements[Int(start)..<Int(end)]))
    }

    private static func flatten(
        _ list: Value,
        _ depth: Value,
        _ frame: inout Frame
    ) throws(EvaluationError) -> Value {
        guard case .list(let elements) = list, case .int(let depth) = depth else {
            throw .noOverload("flatten", list, depth)
        }
        guard depth >= 0 else { throw .invalid("flatten with a negative depth") }
        var result: [Value] = []
        try append(elements, depth: min(depth, 100), to: &result, &frame)
        return .list(result)
    }

    private static func append(
        _ elements: [Value],
        depth: Int64,
        to result: inout [Value],
        _ frame: inout Frame
    ) throws(EvaluationError) {
        for element in elements {
            try frame.charge(1)
            if depth > 0, case .list(let inner) = element {
                try append(inner, depth: depth - 1, to: &result, &frame)
            } else {
                result.append(element)
            }
        }
    }

    private static func sort(_ list: Value, _ frame: inout Frame) throws(EvaluationError) -> Value {
        guard case .list(let elements) = list else { throw .noOverload("sort", list) }
        return .list(try sortedPositions(elements, &frame).map { elements[$0] })
    }

    /// The positions in the order of the keys, equal ones in their old order.
    ///
    /// The keys must be of one ordered kind.
    static func sortedPositions(_ keys: [Value], _ frame: inout Frame) throws(EvaluationError) -> [Int] {
        guard let first = keys.first else { return [] }
        var bytes = 0
        for key in keys {
            guard key.kindName == first.kindName, Comparison.order(key, key) != nil else {
                throw .noOverload("sort", first, key)
            }
            if case .string(let text) = key { bytes += text.utf8.count }
        }
        let depth = max(1, Int.bitWidth - keys.count.leadingZeroBitCount)
        try frame.charge(keys.count * depth)
        try frame.charge(reading: bytes * depth)
        return keys.indices.sorted { left, right in
            switch Comparison.order(keys[left], keys[right]) {
            case .less?: true
            case .greater?: false
            default: left < right
            }
        }
    }

    private static func distinct(_ list: Value, _ frame: inout Frame) throws(EvaluationError) -> Value {
        guard case .list(let elements) = list else { throw .noOverload("distinct", list) }
        var result: [Value] = []
        // Texts, the usual case, are looked up; everything else is compared with what is kept so far.
        var texts: Set<MapKey> = []
        for element in elements {
            try frame.charge(1)
            if case .string(let text) = element {
                if texts.insert(.string(text)).inserted { result.append(element) }
            } else if !(try contains(result, element, &frame)) {
                result.append(element)
            }
        }
        return .list(result)
    }

    private static func contains(
        _ elements: [Value],
        _ value: Value,
        _ frame: inout Frame
    ) throws(EvaluationError) -> Bool {
        for element in elements {
            try frame.charge(1)
            if try Equality.equals(element, value, &frame) { return true }
        }
        return false
    }

    private static func reverse(_ value: Value, _ frame: inout Frame) throws(EvaluationError) -> Value {
        switch value {
        case .list(let elements):
            try frame.charge(elements.count)
            return .list(elements.reversed())
        case .string(let text):
            try frame.charge(making: text.utf8.count)
            var reversed = String.UnicodeScalarView()
            reversed.append(contentsOf: text.unicodeScalars.reversed())
            return .string(String(reversed))
        default: throw .noOverload("reverse", value)
        }
    }

    private static func first(_ list: Value, _ frame: inout Frame) throws(EvaluationError) -> Value {
        guard case .list(let elements) = list else { throw .noOverload("first", list) }
        return .optional(elements.first.map(OptionalValue.init) ?? .none)
    }

    private static func last(_ list: Value, _ frame: inout Frame) throws(EvaluationError) -> Value {
        guard case .list(let elements) = list else { throw .noOverload("last", list) }
        return .optional(elements.last.map(OptionalValue.init) ?? .none)
    }

    private static func range(_ count: Value, _ frame: inout Frame) throws(EvaluationError) -> Value {
        guard case .int(let count) = count else { throw .noOverload("lists.range", count) }
        guard count > 0 else { return .list([]) }
        try frame.charge(Int(count))
        return .list((0..<count).map(Value.int))
    }

    // MARK: Sets

    private static func lists(
        _ name: String,
        _ left: Value,
        _ right: Value
    ) throws(EvaluationError) -> ([Value], [Value]) {
        guard case .list(let first) = left, case .list(let second) = right else { throw .noOverload(name, left, right) }
        return (first, second)
    }

    private static func setContains(
        _ left: Value,
        _ right: Value,
        _ frame: inout Frame
    ) throws(EvaluationError) -> Value {
        let (elements, wanted) = try lists("sets.contains", left, right)
        return .bool(try containsAll(elements, wanted, &frame))
    }

    private static func containsAll(
        _ elements: [Value],
        _ wanted: [Value],
        _ frame: inout Frame
    ) throws(EvaluationError) -> Bool {
        for value in wanted where !(try contains(elements, value, &frame)) { return false }
        return true
    }

    private static func setEquivalent(
        _ left: Value,
        _ right: Value,
        _ frame: inout Frame
    ) throws(EvaluationError) -> Value {
        let (first, second) = try lists("sets.equivalent", left, right)
        guard try containsAll(first, second, &frame) else { return .bool(false) }
        return .bool(try containsAll(second, first, &frame))
    }

    private static func setIntersects(
        _ left: Value,
        _ right: Value,
        _ frame: inout Frame
    ) throws(EvaluationError) -> Value {
        let (first, second) = try lists("sets.intersects", left, right)
        for value in first where try contains(second, value, &frame) { return .bool(true) }
        return .bool(false)
    }
}
