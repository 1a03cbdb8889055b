import Expressions
import Foundation
import Testing

@testable import runnel

/// The donations' page in headless Chromium: widgets, whose amounts stand in app.yaml and nowhere else.
@Suite(
    "The donations' page in Chromium",
    .serialized,
    .enabled(if: WebDriver.isInstalled, "chromium and chromium-driver are not installed"),
    .timeLimit(.minutes(5))
)
struct DonationPageTests {
    private func withPage(_ name: String, _ body: (DemoWorld, WebDriver) async throws -> Void) async throws {
        try await BuiltCommand.withWorld("page \(name)", sample: "donations", customer: "admin") { world in
            try await WebDriver.withBrowser { browser in
                try await browser.go(to: world.client.runtimeURL + "/")
                try await body(world, browser)
            }
        }
    }

    private func enter(_ number: String, _ browser: WebDriver) async throws {
        try await browser.type(number, into: "runnel-payment [name=number]")
        try await browser.type("12 / 35", into: "runnel-payment [name=expiry]")
        try await browser.type("123", into: "runnel-payment [name=cvc]")
    }

    @Test("Z7, Z13: widgets take a fixed amount in usd, jpy and kwd, each in its own coins, with no flow of the app's")
    func widgets() async throws {
        try await withPage("widgets") { world, browser in
            let gifts: [(widget: String, shown: String, minor: Int64, currency: String)] = [
                ("donation", "$5.00", 500, "usd"), ("donation-jpy", "¥500", 500, "jpy"),
                ("donation-kwd", "KWD 5.000", 5_000, "kwd"),
            ]
            for (number, gift) in gifts.enumerated() {
                try await browser.click("[data-widget=\(gift.widget)]")
                try await browser.wait(for: "ready")
                try await enter("4242424242424242", browser)
                let button = try await browser.text(of: "runnel-payment button")
                #expect(button.replacing("\u{A0}", with: " ") == "Give \(gift.shown)")
                try await browser.picture("donation-\(gift.currency)-1-form")
                try await browser.click("runnel-payment button")
                try await browser.wait(for: "paid")
                let result = try await browser.text(of: ".runnel-result")
                #expect(result.replacing("\u{A0}", with: " ").contains("\(gift.shown) received"))
                try await browser.picture("donation-\(gift.currency)-2-paid")
                let donation = try await world.client.row("donations", Int64(number + 1))
                #expect(donation["status"] == "PAID" && donation["total"] == .int(gift.minor))
                #expect(donation["currency"] == .string(gift.currency) && donation["donor"] == .null)
            }
            let charged = try await world.client.stripe("GET", "/v1/charges?limit=10")["data"]?.listValue ?? []
            #expect(charged.reversed().map { $0["amount"] } == [500, 500, 5_000])
            #expect(charged.reversed().map { $0["currency"] } == ["usd", "jpy", "kwd"])
            #expect(try await browser.complaints() == [])
        }
    }

    @Test("what a page sends to a widget changes neither its amount nor its currency")
    func fixed() async throws {
        try await BuiltCommand.withWorld("fixed widgets", sample: "donations", customer: "admin") { world in
            for input in [["amount": 1], ["currency": "jpy"], ["total": 1], ["orderId": 1]] as [Value] {
                let answer = try await world.client.page("widget-donation", input, token: nil)
                #expect(answer.status == 422 && answer.body["code"] == "invalid_input", "\(answer.body)")
            }
            #expect(try await world.client.get("/tables/donations").body["count"] == 0)
            let made = try await world.client.stripe("GET", "/v1/payment_intents")
            #expect(made["data"]?.listValue?.isEmpty == true)
        }
    }

    @Test("3-D Secure leads to the bank and back to the same widget")
    func authenticated() async throws {
        try await withPage("widget 3ds") { world, browser in
            try await browser.click("[data-widget=donation-jpy]")
            try await browser.wait(for: "ready")
            try await enter("4000002760003184", browser)
            try await browser.click("runnel-payment button")
            try await browser.click("#test-source-authorize-3ds")
            try await browser.wait(for: "paid")
            try await browser.picture("donation-3ds-paid")
            #expect(try await browser.run("return location.search") == "?widget=donation-jpy")
            #expect(try await world.client.row("donations", 1)["status"] == "PAID")
        }
    }

    @Test("any other amount goes through the flow, and a refused one is told in the page")
    func otherAmount() async throws {
        try await withPage("donate") { world, browser in
            let give = { (amount: String) async throws in
                try await browser.type(amount, into: "[name=amount]")
                try await browser.click("#other button")
            }
            try await browser.type("ann@example.com", into: "[name=email]")
            try await give("0.10")
            try await browser.wait(for: "failed")
            #expect(try await browser.text(of: "[role=alert]:not([hidden])").contains("smallest amount"))
            try await browser.picture("donate-1-refused")
            try await give("7.30")
            try await browser.wait(for: "ready")
            try await enter("4242424242424242", browser)
            try await browser.click("runnel-payment button")
            try await browser.wait(for: "paid")
            try await browser.picture("donate-2-paid")
            let rows = try await world.client.get("/tables/donations").body["items"]?.listValue ?? []
            #expect(rows.last?["total"] == 730 && rows.last?["status"] == "PAID")
        }
    }

    /// Browsers count some currencies in other decimals than Stripe does; a page that asked them would be wrong by 100.
    @Test("E1, E2: the page writes each amount in the decimals that Stripe counts it in")
    func decimals() async throws {
        try await withPage("decimals") { _, browser in
            let wanted = [
                ("usd", "$50.00"), ("jpy", "¥5,000"), ("kwd", "KWD 5.000"), ("rsd", "RSD 50.00"),
                ("isk", "ISK 50.00"), ("ugx", "UGX 50.00"), ("huf", "HUF 50.00"), ("mga", "MGA 5,000"),
                ("krw", "₩5,000"), ("bhd", "BHD 5.000"), ("lak", "LAK 50.00"),
            ]
            for (currency, text) in wanted {
                let shown = try await browser.run(
                    "return customElements.get('runnel-payment').money(5000, '\(currency)')"
                )
                #expect(shown.stringValue?.replacing("\u{A0}", with: " ") == text)
            }
        }
    }
}
