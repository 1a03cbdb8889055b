/// An amount of one currency, in its minor unit: 1000 usd is 10.00, 1000 jpy is 1000, 1000 kwd is 1.000.
package struct Money: Sendable, Hashable, CustomStringConvertible {
    /// Whole minor units; nothing here ever multiplies by 100.
    package let minorUnits: Int64
    /// Lower-case ISO 4217.
    package let currency: String

    package init(_ minorUnits: Int64, _ currency: String) {
        self.minorUnits = minorUnits
        self.currency = currency.lowercased()
    }

    /// The amount as people write it, in the decimals that Stripe counts the currency in: `10.00 usd`.
    package var description: String {
        let decimals = StripeMoneyRules.decimals(of: currency)
        guard decimals > 0 else { return "\(minorUnits) \(currency)" }
        let digits = String(minorUnits.magnitude)
        let padded = String(repeating: "0", count: max(0, decimals + 1 - digits.count)) + digits
        let sign = minorUnits < 0 ? "-" : ""
        return "\(sign)\(padded.dropLast(decimals)).\(padded.suffix(decimals)) \(currency)"
    }
}
