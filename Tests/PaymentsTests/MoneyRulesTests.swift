import Expressions
import FlowEngine
import Testing

@testable import Payments

@Suite("Money")
struct MoneyRulesTests {
    @Test(
        "an amount that Stripe charges passes",
        arguments: [
            (50, "usd"), (1000, "usd"), (99_999_999, "usd"), (50, "jpy"), (101, "jpy"), (10, "kwd"), (1230, "kwd"),
            (100, "isk"), (500, "ugx"), (17501, "huf"), (1, "twd"), (30, "gbp"), (200, "aed"), (1, "all"),
        ] as [(Int64, String)]
    )
    func passes(amount: Int64, currency: String) throws {
        try StripeMoneyRules.check(Money(amount, currency))
    }

    @Test(
        "a refused amount is told with its rule",
        arguments: [
            (49, "usd", "amount_too_small", "50 (0.50 usd)"), (29, "gbp", "amount_too_small", "30 (0.30 gbp)"),
            (49, "jpy", "amount_too_small", "50 (50 jpy)"), (17499, "huf", "amount_too_small", "17500 (175.00 huf)"),
            (0, "usd", "amount_not_positive", "greater than zero"), (-1, "eur", "amount_not_positive", "-1"),
            (100_000_000, "usd", "amount_too_large", "99999999"), (.max, "jpy", "amount_too_large", "99999999"),
            (150, "isk", "amount_not_multiple", "multiple of 100"), (5, "ugx", "amount_not_multiple", "sent with two"),
            (1235, "kwd", "amount_not_multiple", "multiple of 10"),
            (11, "tnd", "amount_not_multiple", "three decimals"),
            (100, "xyz", "currency_unknown", "'xyz'"), (100, "", "currency_unknown", "''"),
        ] as [(Int64, String, String, String)]
    )
    func refuses(amount: Int64, currency: String, code: String, words: String) {
        let refusal = #expect(throws: Refusal.self) { try StripeMoneyRules.check(Money(amount, currency)) }
        #expect(refusal?.failure.code == code)
        #expect(refusal?.failure.message.contains(words) == true)
    }

    @Test("E1: 100 US dollars are 10000, and 1000 is 10.00")
    func minorUnitsAreNotDollars() {
        #expect(Money(1000, "usd").description == "10.00 usd")
        #expect(Money(10000, "USD").description == "100.00 usd")
        #expect(Money(5, "usd").description == "0.05 usd")
    }

    @Test("E2: nothing is multiplied by 100: yen have no decimals, dinars three")
    func decimalsAreTheCurrencys() {
        #expect(Money(1000, "jpy").description == "1000 jpy")
        #expect(Money(1000, "kwd").description == "1.000 kwd")
        #expect(Money(1000, "isk").description == "10.00 isk")
    }

    @Test("E2: money.minor and money.format count each currency that Stripe charges in as Stripe does")
    func expressionsCountAsStripe() throws {
        for code in StripeMoneyRules.currencies.sorted() {
            let currency = try #require(Currency(code: code), "\(code)")
            #expect(currency.exponent == StripeMoneyRules.decimals(of: code), "\(code)")
        }
    }

    @Test(
        "E3: a fraction, a text or nothing is no amount",
        arguments: [.double(10.5), .double(10), .string("10"), .bool(true), .list([1]), .uint(.max)] as [Value]
    )
    func fractionsAreRefused(value: Value) {
        let refusal = #expect(throws: Refusal.self) { try StripeMoneyRules.minorUnits(value, parameter: "amount") }
        #expect(refusal?.failure.code == "amount_not_integer")
        let missing = #expect(throws: Refusal.self) { try StripeMoneyRules.minorUnits(nil, parameter: "amount") }
        #expect(missing?.failure.code == "amount_required")
    }
}
