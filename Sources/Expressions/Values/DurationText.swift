/// Durations as CEL writes them: `1h30m`, `1.5s`, `-3ms`; and within 64 bits of nanoseconds, about 292 years.
extension Duration {
    /// Nanoseconds, or nil when the span does not fit 64 bits of them.
    package var wholeNanoseconds: Int64? {
        let (seconds, attoseconds) = components
        let (product, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        if overflow { return nil }
        let (sum, carry) = product.addingReportingOverflow(attoseconds / 1_000_000_000)
        return carry ? nil : sum
    }

    /// `90s`, `1.5s`, `-0.000000001s`: what JSON and `string(d)` show.
    package var secondsText: String {
        let (seconds, attoseconds) = components
        let nanoseconds = attoseconds / 1_000_000_000
        let sign = seconds < 0 || nanoseconds < 0 ? "-" : ""
        var text = sign + String(seconds.magnitude)
        if nanoseconds != 0 {
            var digits = String(nanoseconds.magnitude)
            digits = String(repeating: "0", count: 9 - digits.count) + digits
            while digits.hasSuffix("0") { digits.removeLast() }
            text += "." + digits
        }
        return text + "s"
    }

    /// Reads a sign and one or more numbers with a unit: `h`, `m`, `s`, `ms`, `us`, `µs`, `ns`.
    ///
    /// Nil for other text and for spans beyond 64 bits of nanoseconds.
    package init?(celText text: String) {
        var rest = Substring(text)
        let isNegative = rest.hasPrefix("-")
        if isNegative || rest.hasPrefix("+") { rest.removeFirst() }
        if rest == "0" {
            self = .zero
            return
        }
        guard !rest.isEmpty else { return nil }
        var total: Int64 = 0
        while !rest.isEmpty {
            guard let part = takeDurationPart(&rest) else { return nil }
            let (sum, overflow) = total.addingReportingOverflow(part)
            if overflow { return nil }
            total = sum
        }
        self = .nanoseconds(isNegative ? -total : total)
    }
}

/// Nanoseconds of one number and its unit.
private func takeDurationPart(_ rest: inout Substring) -> Int64? {
    let units: [(String, Int64)] = [
        ("ns", 1), ("us", 1000), ("µs", 1000), ("μs", 1000), ("ms", 1_000_000), ("s", 1_000_000_000),
        ("m", 60_000_000_000), ("h", 3_600_000_000_000),
    ]
    let digits = rest.prefix { $0.isASCII && $0.isNumber }
    rest = rest.dropFirst(digits.count)
    var fraction = Substring()
    if rest.first == "." {
        rest.removeFirst()
        fraction = rest.prefix { $0.isASCII && $0.isNumber }
        rest = rest.dropFirst(fraction.count)
    }
    guard !digits.isEmpty || !fraction.isEmpty else { return nil }
    guard let (name, unit) = units.first(where: { rest.hasPrefix($0.0) }) else { return nil }
    rest = rest.dropFirst(name.count)
    guard let whole = digits.isEmpty ? 0 : Int64(digits) else { return nil }
    let (product, overflow) = whole.multipliedReportingOverflow(by: unit)
    if overflow { return nil }
    var scale = unit
    var part: Int64 = 0
    for digit in fraction {
        // Whole tenths of the unit are exact for every unit down to the nanosecond; what is finer is dropped.
        part += Int64(digit.wholeNumberValue ?? 0) * (scale / 10)
        scale /= 10
    }
    let (sum, carry) = product.addingReportingOverflow(part)
    return carry ? nil : sum
}
