// Until `Expressions` brings its own Currency (branch expr): then this file goes.
/// A currency that payments can be made in, as far as a declaration needs to know.
struct Currency {
    let code: String

    init?(code: String) {
        guard Self.codes.contains(code.lowercased()) else { return nil }
        self.code = code.lowercased()
    }

    static let all: [Currency] = codes.compactMap { Currency(code: $0) }

    private static let codes = """
        usd aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bhd bif bmd bnd bob brl bsd bwp byn bzd cad cdf chf \
        clp cny cop crc cve czk djf dkk dop dzd egp etb eur fjd fkp gbp gel gip gmd gnf gtq gyd hkd hnl htg huf idr ils \
        inr isk jmd jod jpy kes kgs khr kmf krw kwd kyd kzt lak lbp lkr lrd lsl mad mdl mga mkd mmk mnt mop mur mvr mwk \
        mxn myr mzn nad ngn nio nok npr nzd omr pab pen pgk php pkr pln pyg qar ron rsd rub rwf sar sbd scr sek sgd shp \
        sle sos srd std szl thb tjs tnd top try ttd twd tzs uah ugx uyu uzs vnd vuv wst xaf xcd xcg xof xpf yer zar zmw
        """.split(separator: " ").map(String.init)
}
