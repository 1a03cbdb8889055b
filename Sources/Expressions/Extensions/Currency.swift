/// A currency of ISO 4217.
package struct Currency: Sendable, Hashable, CustomStringConvertible {
    /// Three small letters: `usd`.
    package let code: String
    /// How many decimal places of the major unit the minor unit is: 2 for `usd`, 0 for `jpy`, 3 for `kwd`.
    ///
    /// As Stripe counts, since its amounts are what is sent: `isk` and `ugx` have no coins and are counted in hundredths,
    /// `mga` is counted whole though ISO gives it fifths. Other currencies are as ISO 4217 has them.
    package let exponent: Int

    /// Nil for a code that ISO 4217 does not have.
    ///
    /// Capital letters are accepted.
    package init?(code: some StringProtocol) {
        guard code.utf8.count == 3 else { return nil }
        let lower = code.lowercased()
        guard let exponent = Self.exponents[lower] else { return nil }
        self.code = lower
        self.exponent = exponent
    }

    package var description: String { code }

    /// All currencies, by code.
    package static let all: [Currency] = exponents.keys.sorted().compactMap { Currency(code: $0) }

    /// ISO 4217's list, and the codes it withdrew that payment services still know.
    private static let exponents: [String: Int] = {
        var table: [String: Int] = [:]
        for (codes, exponent) in [(noDecimals, 0), (twoDecimals, 2), (threeDecimals, 3), (fourDecimals, 4)] {
            for code in codes.split(whereSeparator: \.isWhitespace) { table[String(code)] = exponent }
        }
        return table
    }()

    private static let noDecimals = "bif clp djf gnf jpy kmf krw mga pyg rwf uyi vnd vuv xaf xof xpf"
    private static let threeDecimals = "bhd iqd jod kwd lyd omr tnd"
    private static let fourDecimals = "clf uyw"
    private static let twoDecimals = """
        aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bmd bnd bob bov brl bsd btn bwp byn bzd cad cdf che chf
        chw cny cop cou crc cup cve czk dkk dop dzd egp ern etb eur fjd fkp gbp gel ghs gip gmd gtq gyd hkd hnl htg huf
        idr ils inr irr isk jmd kes kgs khr kpw kyd kzt lak lbp lkr lrd lsl mad mdl mkd mmk mnt mop mru mur mvr mwk mxn
        mxv myr mzn nad ngn nio nok npr nzd pab pen pgk php pkr pln qar ron rsd rub sar sbd scr sdg sek sgd shp sle sll
        sos srd ssp std stn svc syp szl thb tjs tmt top try ttd twd tzs uah ugx usd usn uyu uzs ved ves wst xcd xcg yer
        zar zmw zwg hrk byr
        """
}
