/// Stripe's rules for amounts (facts §4; docs.stripe.com/currencies as of 2026).
enum Currency {
    /// The largest amount Stripe takes: eight digits in general, twelve of rupiahs.
    static func maximum(_ currency: String) -> Int64 { currency == "idr" ? 999_999_999_999 : 99_999_999 }

    private static let zeroDecimal: Set<String> = [
        "bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "vnd", "vuv", "xaf", "xof", "xpf",
    ]
    private static let threeDecimal: Set<String> = ["bhd", "jod", "kwd", "omr", "tnd"]
    /// Without decimals in fact, but sent with two.
    private static let multipleOfHundred: Set<String> = ["isk", "ugx"]

    private static let minimum: [String: Int64] = [
        "usd": 50, "aed": 200, "aud": 50, "bgn": 100, "brl": 50, "cad": 50, "chf": 50, "czk": 1_500, "dkk": 250,
        "eur": 50, "gbp": 30, "hkd": 400, "huf": 17_500, "inr": 50, "jpy": 50, "mxn": 1_000, "myr": 200, "nok": 300,
        "nzd": 50, "pln": 200, "ron": 200, "sek": 300, "sgd": 50, "thb": 1_000,
    ]

    /// Currencies in which cards can be charged.
    static let known: Set<String> = Set(
        """
        usd aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bif bmd bnd bob brl bsd bwp bzd cad cdf chf clp cny \
        cop crc cve czk djf dkk dop dzd egp etb eur fjd fkp gbp gel gip gmd gnf gtq gyd hkd hnl htg huf idr ils inr isk \
        jmd jpy kes kgs khr kmf krw kyd kzt lak lbp lkr lrd lsl mad mdl mga mkd mmk mnt mop mur mvr mwk mxn myr mzn nad \
        ngn nio nok npr nzd pab pen pgk php pkr pln pyg qar ron rsd rub rwf sar sbd scr sek sgd shp sle sos srd std szl \
        thb tjs top try ttd twd tzs uah ugx uyu uzs vnd vuv wst xaf xcd xof xpf yer zar zmw bhd jod kwd omr tnd
        """.split(separator: " ").map(String.init)
    )

    private static let symbols = ["usd": "$", "eur": "€", "gbp": "£", "jpy": "¥"]

    static func decimals(_ currency: String) -> Int {
        zeroDecimal.contains(currency) ? 0 : threeDecimal.contains(currency) ? 3 : 2
    }

    /// An amount as Stripe writes it in messages: `$1,234.50`, `¥500`, `12.00 kr`-like currencies by their code.
    static func formatted(_ amount: Int64, _ currency: String) -> String {
        var digits = String(amount.magnitude)
        let places = decimals(currency)
        digits = String(repeating: "0", count: max(0, places + 1 - digits.count)) + digits
        let whole = digits.dropLast(places)
        var grouped = ""
        for (index, digit) in whole.enumerated() {
            if index > 0, (whole.count - index) % 3 == 0 { grouped += "," }
            grouped.append(digit)
        }
        let number = places == 0 ? grouped : grouped + "." + digits.suffix(places)
        let sign = amount < 0 ? "-" : ""
        guard let symbol = symbols[currency] else { return "\(sign)\(number) \(currency.uppercased())" }
        return sign + symbol + number
    }

    /// Checks a currency code.
    ///
    /// Throws: 400 that names the parameter.
    static func check(_ text: String, param: String = "currency") throws(StripeError) -> String {
        let currency = text.lowercased()
        guard known.contains(currency) else {
            throw StripeError.invalid(
                param,
                "Invalid currency: \(text.prefix(20)). Stripe currently supports these currencies: "
                    + known.sorted().joined(separator: ", ")
            )
        }
        return currency
    }

    /// Checks an amount to be charged: minimum, maximum, and the digits that must be zero.
    static func checkCharge(_ amount: Int64, _ currency: String, param: String = "amount") throws(StripeError) {
        guard amount >= 1 else {
            throw StripeError.invalid(
                param,
                "The amount must be greater than or equal to the minimum charge amount allowed for your account and "
                    + "the currency set (https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts).  If "
                    + "you want to save a Payment Method for future use without an immediate payment, use a Setup "
                    + "Intent instead: https://docs.stripe.com/payments/setup-intents",
                code: "parameter_invalid_integer"
            )
        }
        guard amount <= maximum(currency) else {
            throw StripeError.invalid(
                param,
                "Amount must be no more than \(formatted(maximum(currency), currency))",
                code: "amount_too_large"
            )
        }
        let smallest = minimum[currency] ?? 1
        guard amount >= smallest else {
            throw StripeError.invalid(
                param,
                "Amount must be at least \(formatted(smallest, currency)) \(currency)",
                code: "amount_too_small"
            )
        }
        try checkDigits(amount, currency, param: param)
    }

    private static func checkDigits(_ amount: Int64, _ currency: String, param: String) throws(StripeError) {
        let step: Int64 = threeDecimal.contains(currency) ? 10 : multipleOfHundred.contains(currency) ? 100 : 1
        guard amount % step == 0 else {
            throw StripeError.invalid(
                param,
                "Invalid amount. The amount in \(currency) must be divisible by \(step).",
                code: "parameter_invalid_integer"
            )
        }
    }
}
