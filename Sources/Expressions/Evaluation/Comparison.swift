/// CEL's equality and order.
enum Comparison {
    /// Whether two values are equal; nil when the steps ran out.
    static func equals(_ left: Value, _ right: Value, steps: inout Int) -> Bool? {
        switch (left, right) {
        case (.string(let left), .string(let right)):
            steps -= left.utf8.count >> 6
            return steps < 0 ? nil : left.hasSameScalars(as: right)
        case (.bool(let left), .bool(let right)): return left == right
        case (.int(let left), .int(let right)): return left == right
        case (.list(let left), .list(let right)): return equals(left, right, steps: &steps)
        case (.map(let left), .map(let right)): return equals(left, right, steps: &steps)
        case (.optional(let left), .optional(let right)):
            switch (left.value, right.value) {
            case (nil, nil): return true
            case (let left?, let right?): return equals(left, right, steps: &steps)
            default: return false
            }
        case (.bytes(let left), .bytes(let right)):
            steps -= left.count >> 6
            return steps < 0 ? nil : left == right
        default: return equalsScalar(left, right)
        }
    }

    private static func equalsScalar(_ left: Value, _ right: Value) -> Bool {
        switch (left, right) {
        case (.null, .null): true
        case (.uint(let left), .uint(let right)): left == right
        case (.double(let left), .double(let right)): left == right
        case (.int, .uint), (.int, .double), (.uint, .int), (.uint, .double), (.double, .int), (.double, .uint):
            order(left, right) == .same
        case (.timestamp(let left), .timestamp(let right)): left == right
        case (.duration(let left), .duration(let right)): left == right
        case (.type(let left), .type(let right)): left == right
        default: false
        }
    }

    private static func equals(_ left: [Value], _ right: [Value], steps: inout Int) -> Bool? {
        guard left.count == right.count else { return false }
        for position in left.indices {
            steps -= 1
            if steps < 0 { return nil }
            guard let same = equals(left[position], right[position], steps: &steps) else { return nil }
            if !same { return false }
        }
        return true
    }

    private static func equals(_ left: ValueMap, _ right: ValueMap, steps: inout Int) -> Bool? {
        guard left.count == right.count else { return false }
        for (key, value) in left {
            steps -= 1
            if steps < 0 { return nil }
            guard let other = right.member(key.value) else { return false }
            guard let same = equals(value, other, steps: &steps) else { return nil }
            if !same { return false }
        }
        return true
    }

    enum Order { case less, same, greater, none }

    /// The order of two numbers, texts, bytes, bools, times or spans; nil when they have none, `.none` for NaN.
    static func order(_ left: Value, _ right: Value) -> Order? {
        switch (left, right) {
        case (.int(let left), .int(let right)): return order(left, right)
        case (.uint(let left), .uint(let right)): return order(left, right)
        case (.double(let left), .double(let right)):
            return left < right ? .less : left > right ? .greater : left == right ? .same : Order.none
        case (.int(let left), .uint(let right)): return left < 0 ? .less : order(UInt64(left), right)
        case (.uint(let left), .int(let right)): return right < 0 ? .greater : order(left, UInt64(right))
        case (.double(let left), .int(let right)): return order(left, right)
        case (.int(let left), .double(let right)): return reversed(order(right, left))
        case (.double(let left), .uint(let right)): return order(left, right)
        case (.uint(let left), .double(let right)): return reversed(order(right, left))
        default: return orderOther(left, right)
        }
    }

    private static func orderOther(_ left: Value, _ right: Value) -> Order? {
        switch (left, right) {
        case (.string(let left), .string(let right)): orderText(left, right)
        case (.bytes(let left), .bytes(let right)):
            left == right ? .same : left.lexicographicallyPrecedes(right) ? .less : .greater
        case (.bool(let left), .bool(let right)): order(left ? 1 : 0, right ? 1 : 0)
        case (.timestamp(let left), .timestamp(let right)): order(left, right)
        case (.duration(let left), .duration(let right)): order(left, right)
        default: nil
        }
    }

    private static func order<T: Comparable>(_ left: T, _ right: T) -> Order {
        left < right ? .less : left == right ? .same : .greater
    }

    /// By code points, which is the order of UTF-8 bytes; Swift's own order is of canonically decomposed text.
    private static func orderText(_ left: String, _ right: String) -> Order {
        if left.hasSameScalars(as: right) { return .same }
        return left.utf8.lexicographicallyPrecedes(right.utf8) ? .less : .greater
    }

    private static func reversed(_ order: Order) -> Order {
        switch order {
        case .less: .greater
        case .greater: .less
        default: order
        }
    }

    /// As doubles, as the conformance data has it: 2^63 - 1 and 2^63 as a double are the same.
    private static func order<T: FixedWidthInteger>(_ left: Double, _ right: T) -> Order {
        let other = Double(right)
        return left < other ? .less : left > other ? .greater : left == other ? .same : Order.none
    }
}

extension Value {
    /// CEL's equality: numbers compare across their kinds, NaN equals nothing, other kinds are never equal to another.
    package func celEquals(_ other: Value) -> Bool {
        var steps = Int.max
        return Comparison.equals(self, other, steps: &steps) ?? false
    }
}

extension ValueMap {
    /// The value of a key given as a value; numbers find the key of an equal number of another kind.
    func member(_ key: Value) -> Value? {
        switch key {
        case .string(let text): return self[text]
        case .bool(let value): return self[MapKey.bool(value)]
        case .int(let number):
            if let value = self[MapKey.int(number)] { return value }
            return UInt64(exactly: number).flatMap { self[MapKey.uint($0)] }
        case .uint(let number):
            if let value = self[MapKey.uint(number)] { return value }
            return Int64(exactly: number).flatMap { self[MapKey.int($0)] }
        case .double(let number):
            if let whole = Int64(exactly: number), let value = self[MapKey.int(whole)] { return value }
            return UInt64(exactly: number).flatMap { self[MapKey.uint($0)] }
        default: return nil
        }
    }
}
