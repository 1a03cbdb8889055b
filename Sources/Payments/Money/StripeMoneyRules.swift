import Expressions

/// Which amounts Stripe charges, checked before a request is made.
///
/// Source: Stripe's page on currencies, https://docs.stripe.com/currencies. The smallest amount applies in the
/// currency that Stripe settles in, after conversion, so Stripe may still refuse what passes here.
package enum StripeMoneyRules {
    /// The largest amount, in minor units of any currency.
    package static let amountMax: Int64 = 99_999_999

    /// Reads an amount that a flow gave.
    /// - Throws: `Refusal` that names the rule, when it is not a whole number of minor units.
    static func minorUnits(_ value: Value?, parameter: String) throws(Refusal) -> Int64 {
        switch value {
        case .int(let amount):
            return amount
        case .uint(let amount) where amount <= UInt64(amountMax):
            return Int64(amount)
        case nil, .null:
            throw Refusal(code: "\(parameter)_required", message: "`\(parameter)` is missing", param: parameter)
        default:
            throw Refusal(
                code: "amount_not_integer",
                message: "`\(parameter)` is a whole number of the currency's minor unit (1000 is 10.00 usd), without a "
                    + "fraction and not as text; money.minor('19.99', 'usd') turns a decimal text into it",
                param: parameter
            )
        }
    }

    /// Checks an amount against every rule of its currency.
    /// - Throws: `Refusal` that names the first rule broken.
    static func check(_ money: Money, parameter: String = "amount") throws(Refusal) {
        guard currencies.contains(money.currency) else {
            throw Refusal(
                code: "currency_unknown",
                message:
                    "'\(money.currency.prefix(16))' is not a currency that Stripe charges in (ISO 4217, such as usd)",
                param: "currency"
            )
        }
        let fault = { (code: String, message: String) in Refusal(code: code, message: message, param: parameter) }
        guard money.minorUnits > 0 else {
            throw fault("amount_not_positive", "an amount is greater than zero; \(money.minorUnits) is not")
        }
        guard money.minorUnits <= amountMax else {
            throw fault(
                "amount_too_large",
                "an amount is at most \(amountMax) in the minor unit (\(Money(amountMax, money.currency)))"
            )
        }
        let step = multiple(of: money.currency)
        guard money.minorUnits % step == 0 else {
            let why =
                wholeOnly.contains(money.currency)
                ? "\(money.currency) has no decimals but is sent with two"
                : "the last of the three decimals of \(money.currency) is 0"
            throw fault(
                "amount_not_multiple",
                "\(why): the amount is a multiple of \(step), and \(money.minorUnits) is not"
            )
        }
        if let minimum = minimums[money.currency], money.minorUnits < minimum {
            throw fault(
                "amount_too_small",
                "the smallest amount in \(money.currency) is \(minimum) (\(Money(minimum, money.currency)))"
            )
        }
    }

    /// How many decimals an amount is sent with.
    package static func decimals(of currency: String) -> Int {
        if zeroDecimal.contains(currency) { return 0 }
        return threeDecimal.contains(currency) ? 3 : 2
    }

    /// What an amount must be a multiple of.
    package static func multiple(of currency: String) -> Int64 {
        if wholeOnly.contains(currency) { return 100 }
        return threeDecimal.contains(currency) ? 10 : 1
    }

    private static func words(_ text: String) -> Set<String> { Set(text.split(separator: " ").map(String.init)) }

    private static let zeroDecimal = words("bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf")
    private static let threeDecimal = words("bhd jod kwd omr tnd")
    private static let wholeOnly = words("isk ugx")

    private static let minimums: [String: Int64] = [
        "usd": 50, "eur": 50, "gbp": 30, "jpy": 50, "aud": 50, "cad": 50, "chf": 50, "nzd": 50, "sgd": 50, "brl": 50,
        "inr": 50, "aed": 200, "bgn": 100, "czk": 1500, "dkk": 250, "hkd": 400, "huf": 17500, "mxn": 1000, "myr": 200,
        "nok": 300, "pln": 200, "ron": 200, "sek": 300, "thb": 1000,
    ]

    /// The currencies that Stripe charges in.
    static let currencies = words(
        """
        aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bhd bif bmd bnd bob brl bsd bwp bzd cad cdf chf clp cny \
        cop crc cve czk djf dkk dop dzd egp etb eur fjd fkp gbp gel gip gmd gnf gtq gyd hkd hnl htg huf idr ils inr isk \
        jmd jod jpy kes kgs khr kmf krw kwd kyd kzt lak lbp lkr lrd lsl mad mdl mga mkd mmk mnt mop mur mvr mwk mxn myr \
        mzn nad ngn nio nok npr nzd omr pab pen pgk php pkr pln pyg qar ron rsd rub rwf sar sbd scr sek sgd shp sle sos \
        srd std szl thb tjs tnd top try ttd twd tzs uah ugx usd uyu uzs vnd vuv wst xaf xcd xof xpf yer zar zmw
        """
    )
}
