/// An amount in minor units with up to twelve decimal places, held exactly.
struct ExactAmount: Sendable, Hashable {
    /// Decimal places that Stripe keeps.
    private static let places = 12
    private static let scale: Int128 = 1_000_000_000_000
    /// Above every amount: a product with any quantity still has room in 128 bits.
    static let maximum: Int64 = 999_999_999_999

    /// Counted in the last decimal place.
    private var parts: Int128

    static let zero = ExactAmount(0)

    init(_ whole: Int64) { parts = Int128(whole) * Self.scale }

    /// Reads a decimal number such as `33.335`; nil when it is none, too large, or too fine.
    init?(_ text: String) {
        let digits = text.hasPrefix("-") ? text.dropFirst() : text[...]
        let halves = digits.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        let fraction = halves.count > 1 ? halves[1] : ""
        guard let first = halves.first, !first.isEmpty, halves.count == 1 || !fraction.isEmpty,
            fraction.count <= Self.places, (first + fraction).utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            let whole = Int64(first), whole <= Self.maximum,
            let rest = Int64(fraction + String(repeating: "0", count: Self.places - fraction.count))
        else { return nil }
        parts = Int128(whole) * Self.scale + Int128(rest)
        if text.hasPrefix("-") { parts = -parts }
    }

    var isNegative: Bool { parts < 0 }

    /// The amount where it has no fraction.
    var whole: Int64? { parts % Self.scale == 0 ? Int64(exactly: parts / Self.scale) : nil }

    /// As Stripe writes it: without zeros at the end.
    var text: String {
        let magnitude = parts.magnitude
        let scale = Self.scale.magnitude
        var fraction = String(magnitude % scale)
        fraction = String(repeating: "0", count: Self.places - fraction.count) + fraction
        while fraction.hasSuffix("0") { fraction.removeLast() }
        let sign = isNegative ? "-" : ""
        return sign + String(magnitude / scale) + (fraction.isEmpty ? "" : "." + fraction)
    }

    /// Rounded to whole minor units, halves away from zero; nil when that is too large.
    var rounded: Int64? {
        let result = Self.quotient(parts, Self.scale)
        return result.magnitude <= Self.maximum.magnitude ? Int64(result) : nil
    }

    /// So many per cent of an amount, rounded as ``rounded``.
    func percentage(of amount: Int64) -> Int64 {
        Int64(clamping: Self.quotient(Int128(amount) * parts, 100 * Self.scale))
    }

    /// A part of an amount, rounded as ``rounded``.
    static func share(of amount: Int64, _ part: Int64, outOf whole: Int64) -> Int64 {
        whole == 0 ? 0 : Int64(clamping: quotient(Int128(amount) * Int128(part), Int128(whole)))
    }

    /// A part of a part of an amount, rounded once.
    static func share(
        of amount: Int64,
        _ first: (part: Int64, whole: Int64),
        _ second: (part: Int64, whole: Int64)
    ) -> Int64 {
        guard first.whole > 0, second.whole > 0 else { return 0 }
        let dividend = Int128(amount) * Int128(first.part) * Int128(second.part)
        return Int64(clamping: quotient(dividend, Int128(first.whole) * Int128(second.whole)))
    }

    /// A quotient with a positive divisor, rounded, halves away from zero.
    private static func quotient(_ dividend: Int128, _ divisor: Int128) -> Int128 {
        let magnitude = (Int128(dividend.magnitude) * 2 + divisor) / (divisor * 2)
        return dividend < 0 ? -magnitude : magnitude
    }

    static func * (left: ExactAmount, quantity: Int64) -> ExactAmount {
        var result = left
        result.parts *= Int128(quantity)
        return result
    }

    static func + (left: ExactAmount, right: ExactAmount) -> ExactAmount {
        var result = left
        result.parts += right.parts
        return result
    }
}
