/// Amounts in minor units: whole numbers, computed without a loss.
enum MoneyFunctions {
    static let functions: [(String, FunctionBody)] = [
        ("money.minor", .binary(minor)), ("money.format", .binary(format)), ("money.scale", .any(scale)),
        ("money.split", .binary(split)),
    ]

    /// The most parts that an amount is split into.
    private static let partLimit: Int64 = 10_000

    private static func currency(_ code: String) throws(EvaluationError) -> Currency {
        guard let currency = Currency(code: code) else { throw .invalid("there is no such currency") }
        return currency
    }

    /// `money.minor('19.99', 'usd')` is 1999.
    private static func minor(
        _ amount: Value,
        _ code: Value,
        _ frame: inout Frame
    ) throws(EvaluationError) -> Value {
        guard case .string(let text) = amount, case .string(let code) = code else {
            throw .noOverload("money.minor", amount, code)
        }
        let currency = try currency(code)
        guard let decimal = DecimalNumber(text) else { throw .invalid("the text is no decimal number such as 19.99") }
        guard let minor = decimal.shifted(by: currency.exponent) else {
            throw .invalid("the amount has more than \(currency.exponent) decimals, or is beyond 64 bits")
        }
        return .int(minor)
    }

    /// `money.format(1999, 'usd')` is `19.99 USD`.
    private static func format(
        _ minor: Value,
        _ code: Value,
        _ frame: inout Frame
    ) throws(EvaluationError) -> Value {
        guard case .int(let minor) = minor, case .string(let code) = code else {
            throw .noOverload("money.format", minor, code)
        }
        let currency = try currency(code)
        var digits = String(minor.magnitude)
        if currency.exponent > 0 {
            digits = String(repeating: "0", count: max(0, currency.exponent + 1 - digits.count)) + digits
            digits.insert(".", at: digits.index(digits.endIndex, offsetBy: -currency.exponent))
        }
        return .string("\(minor < 0 ? "-" : "")\(digits) \(currency.code.uppercased())")
    }

    /// `money.scale(1999, '0.19', 'half-even')` is 380; `half-even` when no rounding is named.
    private static func scale(_ values: [Value], _ frame: inout Frame) throws(EvaluationError) -> Value {
        guard values.count == 2 || values.count == 3, case .int(let minor) = values[0],
            case .string(let text) = values[1]
        else { throw .noOverload("money.scale", values) }
        var mode = MoneyRounding.halfEven
        if values.count == 3 {
            guard case .string(let name) = values[2] else { throw .noOverload("money.scale", values) }
            guard let named = MoneyRounding(rawValue: name) else {
                let names = MoneyRounding.allCases.map(\.rawValue).joined(separator: ", ")
                throw .invalid("there is no such rounding; there is \(names)")
            }
            mode = named
        }
        guard let factor = DecimalNumber(text) else { throw .invalid("the factor is no decimal number such as 0.19") }
        let product = Int128(minor) * Int128(factor.coefficient)
        guard let scaled = Int64(exactly: mode.divide(product, by: factor.divisor)) else {
            throw .overflow("the amount")
        }
        return .int(scaled)
    }

    /// `money.split(100, 3)` is `[34, 33, 33]`: the parts add up to the amount.
    private static func split(
        _ minor: Value,
        _ count: Value,
        _ frame: inout Frame
    ) throws(EvaluationError) -> Value {
        guard case .int(let minor) = minor, case .int(let count) = count else {
            throw .noOverload("money.split", minor, count)
        }
        guard count >= 1, count <= partLimit else { throw .invalid("an amount is split into 1 to \(partLimit) parts") }
        try frame.charge(Int(count))
        let (share, rest) = minor.quotientAndRemainder(dividingBy: count)
        let extra = rest.signum()
        return .list((0..<count).map { .int($0 < abs(rest) ? share + extra : share) })
    }
}

/// How an amount becomes a whole number of minor units.
enum MoneyRounding: String, CaseIterable {
    case halfEven = "half-even"
    case halfUp = "half-up"
    case down
    case up
    case floor
    case ceiling

    func divide(_ dividend: Int128, by divisor: Int128) -> Int128 {
        let (quotient, remainder) = dividend.quotientAndRemainder(dividingBy: divisor)
        if remainder == 0 { return quotient }
        let away: Int128 = dividend < 0 ? -1 : 1
        let twice = remainder.magnitude * 2
        let half = divisor.magnitude
        let goesAway =
            switch self {
            case .halfEven: twice > half || (twice == half && quotient % 2 != 0)
            case .halfUp: twice >= half
            case .down: false
            case .up: true
            case .floor: dividend < 0
            case .ceiling: dividend > 0
            }
        return goesAway ? quotient + away : quotient
    }
}

/// A decimal number: a whole coefficient and how many of its digits stand after the point.
struct DecimalNumber {
    let coefficient: Int64
    let decimals: Int

    var divisor: Int128 { Self.powerOfTen(decimals) }

    /// Reads a sign, digits and at most one point, 18 digits in all.
    ///
    /// No exponent, no grouping.
    init?(_ text: String) {
        var digits = Substring(text)
        let isNegative = digits.hasPrefix("-")
        if isNegative { digits.removeFirst() }
        let parts = digits.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count <= 2, let whole = parts.first, !whole.isEmpty else { return nil }
        let fraction = parts.count == 2 ? parts[1] : ""
        guard parts.count == 1 || !fraction.isEmpty, whole.utf8.count + fraction.utf8.count <= 18,
            whole.utf8.allSatisfy(\.isDigit), fraction.utf8.allSatisfy(\.isDigit),
            let magnitude = Int64(whole + fraction)
        else { return nil }
        coefficient = isNegative ? -magnitude : magnitude
        decimals = fraction.utf8.count
    }

    /// The number times a power of ten, when that is whole and within 64 bits.
    func shifted(by exponent: Int) -> Int64? {
        let product = Int128(coefficient) * Self.powerOfTen(exponent)
        let (quotient, remainder) = product.quotientAndRemainder(dividingBy: divisor)
        return remainder == 0 ? Int64(exactly: quotient) : nil
    }

    private static func powerOfTen(_ exponent: Int) -> Int128 {
        var power: Int128 = 1
        for _ in 0..<exponent { power *= 10 }
        return power
    }
}
