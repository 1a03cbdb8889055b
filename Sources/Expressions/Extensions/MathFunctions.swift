/// The math extension.
enum MathFunctions {
    static let functions: [(String, FunctionBody)] = [
        ("math.greatest", .any({ (values, frame) throws(EvaluationError) in try extreme(values, .greater, &frame) })),
        ("math.least", .any({ (values, frame) throws(EvaluationError) in try extreme(values, .less, &frame) })),
        rounding("math.ceil") { $0.rounded(.up) }, rounding("math.floor") { $0.rounded(.down) },
        rounding("math.round") { $0.rounded(.toNearestOrAwayFromZero) },
        rounding("math.trunc") { $0.rounded(.towardZero) },
        test("math.isInf") { $0.isInfinite }, test("math.isNaN") { $0.isNaN }, test("math.isFinite") { $0.isFinite },
        ("math.abs", .unary(absolute)), ("math.sign", .unary(sign)), ("math.sqrt", .unary(squareRoot)),
        bits("math.bitAnd", { $0 & $1 }, { $0 & $1 }), bits("math.bitOr", { $0 | $1 }, { $0 | $1 }),
        bits("math.bitXor", { $0 ^ $1 }, { $0 ^ $1 }), ("math.bitNot", .unary(bitNot)),
        ("math.bitShiftLeft", .binary(shiftLeft)), ("math.bitShiftRight", .binary(shiftRight)),
    ]

    private static func extreme(
        _ values: [Value],
        _ wanted: Comparison.Order,
        _ frame: inout Frame
    ) throws(EvaluationError) -> Value {
        let name = wanted == .greater ? "math.greatest" : "math.least"
        var members = values
        if values.count == 1, case .list(let elements) = values[0] { members = elements }
        try frame.charge(members.count)
        guard var best = members.first else { throw .invalid("\(name) of an empty list") }
        guard isNumber(best) else { throw .noOverload(name, best) }
        for value in members.dropFirst() {
            guard isNumber(value), let order = Comparison.order(value, best) else {
                throw .noOverload(name, best, value)
            }
            if order == wanted { best = value }
        }
        return best
    }

    private static func isNumber(_ value: Value) -> Bool {
        switch value {
        case .int, .uint, .double: true
        default: false
        }
    }

    private static func rounding(
        _ name: String,
        _ round: @escaping @Sendable (Double) -> Double
    ) -> (String, FunctionBody) {
        (
            name,
            .unary({ (value, _) throws(EvaluationError) in
                guard case .double(let number) = value else { throw .noOverload(name, value) }
                return .double(round(number))
            })
        )
    }

    private static func test(
        _ name: String,
        _ holds: @escaping @Sendable (Double) -> Bool
    ) -> (String, FunctionBody) {
        (
            name,
            .unary({ (value, _) throws(EvaluationError) in
                guard case .double(let number) = value else { throw .noOverload(name, value) }
                return .bool(holds(number))
            })
        )
    }

    private static func bits(
        _ name: String,
        _ signed: @escaping @Sendable (Int64, Int64) -> Int64,
        _ unsigned: @escaping @Sendable (UInt64, UInt64) -> UInt64
    ) -> (String, FunctionBody) {
        (
            name,
            .binary({ (left, right, _) throws(EvaluationError) in
                switch (left, right) {
                case (.int(let left), .int(let right)): return .int(signed(left, right))
                case (.uint(let left), .uint(let right)): return .uint(unsigned(left, right))
                default: throw .noOverload(name, left, right)
                }
            })
        )
    }

    private static func absolute(_ value: Value, _ frame: inout Frame) throws(EvaluationError) -> Value {
        switch value {
        case .int(let number):
            if number == .min { throw .overflow("the absolute value") }
            return .int(abs(number))
        case .uint: return value
        case .double(let number): return .double(number.magnitude)
        default: throw .noOverload("math.abs", value)
        }
    }

    private static func sign(_ value: Value, _ frame: inout Frame) throws(EvaluationError) -> Value {
        switch value {
        case .int(let number): return .int(number.signum())
        case .uint(let number): return .uint(number == 0 ? 0 : 1)
        case .double(let number): return .double(number.isNaN || number == 0 ? number : number < 0 ? -1 : 1)
        default: throw .noOverload("math.sign", value)
        }
    }

    private static func squareRoot(_ value: Value, _ frame: inout Frame) throws(EvaluationError) -> Value {
        switch value {
        case .int(let number): return .double(Double(number).squareRoot())
        case .uint(let number): return .double(Double(number).squareRoot())
        case .double(let number): return .double(number.squareRoot())
        default: throw .noOverload("math.sqrt", value)
        }
    }

    private static func bitNot(_ value: Value, _ frame: inout Frame) throws(EvaluationError) -> Value {
        switch value {
        case .int(let number): return .int(~number)
        case .uint(let number): return .uint(~number)
        default: throw .noOverload("math.bitNot", value)
        }
    }

    private static func shiftLeft(
        _ value: Value,
        _ distance: Value,
        _ frame: inout Frame
    ) throws(EvaluationError) -> Value {
        let places = try places("math.bitShiftLeft", value, distance)
        switch value {
        case .int(let number): return .int(places > 63 ? 0 : number << places)
        case .uint(let number): return .uint(places > 63 ? 0 : number << places)
        default: throw .noOverload("math.bitShiftLeft", value, distance)
        }
    }

    /// A shift to the right fills with zeros, also for negative ints.
    private static func shiftRight(
        _ value: Value,
        _ distance: Value,
        _ frame: inout Frame
    ) throws(EvaluationError) -> Value {
        let places = try places("math.bitShiftRight", value, distance)
        switch value {
        case .int(let number):
            return .int(places > 63 ? 0 : Int64(bitPattern: UInt64(bitPattern: number) >> UInt64(places)))
        case .uint(let number): return .uint(places > 63 ? 0 : number >> UInt64(places))
        default: throw .noOverload("math.bitShiftRight", value, distance)
        }
    }

    private static func places(_ name: String, _ value: Value, _ distance: Value) throws(EvaluationError) -> Int64 {
        guard case .int(let places) = distance else { throw .noOverload(name, value, distance) }
        guard places >= 0 else { throw .invalid("\(name) by a negative number of places") }
        return places
    }
}
