import Expressions
import Foundation
import Testing

@testable import runnel

/// The shop's page in headless Chromium: the built command, its simulator, a real browser.
///
/// Skipped by name without Debian's `chromium` and `chromium-driver`; pictures are kept under `.build/screenshots`.
@Suite(
    "The shop's page in Chromium",
    .serialized,
    .enabled(if: WebDriver.isInstalled, "chromium and chromium-driver are not installed"),
    .timeLimit(.minutes(5))
)
struct PaymentPageTests {
    private static let card = "#payment .runnel-card"

    /// Opens the shop with two things on sale and orders two of the first.
    private func withOrder(_ name: String, _ body: (DemoWorld, WebDriver) async throws -> Void) async throws {
        try await BuiltCommand.withWorld("page \(name)") { world in
            for (product, price) in [("Mug, stoneware", 1_299), ("Tea, 100 g", 850)] as [(String, Int64)] {
                _ = try await world.client.page(
                    "add-product",
                    ["name": .string(product), "price": .int(price)],
                    token: world.client.adminToken
                )
            }
            try await WebDriver.withBrowser { browser in
                try await browser.go(to: world.client.runtimeURL + "/")
                try await browser.click("#products label")
                try await browser.type("2", into: "[name=quantity]")
                try await browser.type("ann@example.com", into: "[name=email]")
                try await browser.picture("\(name)-1-order")
                try await browser.press(.enter)
                try await browser.wait(for: "ready")
                try await body(world, browser)
            }
        }
    }

    private func enter(_ number: String, _ browser: WebDriver) async throws {
        try await browser.type(number, into: "\(Self.card) [name=number]")
        try await browser.type("12 / 35", into: "\(Self.card) [name=expiry]")
        try await browser.type("123", into: "\(Self.card) [name=cvc]")
    }

    private func order(_ world: DemoWorld) async throws -> String? {
        try await world.client.row("orders", 1)["status"]?.stringValue
    }

    @Test("4242… is paid: by keyboard alone, and the page breaks none of its own rules")
    func paid() async throws {
        try await withOrder("paid") { world, browser in
            try await enter("4242424242424242", browser)
            #expect(try await browser.text(of: "runnel-payment button") == "Pay $25.98")
            try await browser.picture("paid-2-form")
            try await browser.press(.enter)
            try await browser.wait(for: "paid")
            #expect(try await browser.text(of: ".runnel-result").contains("PAID"))
            #expect(try await order(world) == "PAID")
            try await browser.picture("paid-3-paid")
            // A screen reader is where the news is.
            let focus = try await browser.run("return document.activeElement.className")
            #expect(focus == "runnel-result")
            #expect(try await browser.complaints() == [])
        }
    }

    /// Goal: what Stripe's script says in the page is not believed.
    ///
    /// Method: the server refuses the simulator's signatures, so that Stripe has the money and the server does not know;
    /// then the same event is delivered rightly signed.
    @Test("PAID is shown once the callback has run, and not before")
    func afterTheCallback() async throws {
        try await withOrder("callback") { world, browser in
            let steps = PaidOrderTests()
            let secret = try await steps.hookSecret(of: world)
            try await enter("4242424242424242", browser)
            try await browser.click("runnel-payment button")
            try await browser.wait(for: "waiting", "paid")
            let event = try await steps.event("payment_intent.succeeded", in: world)
            #expect(try await browser.run("return document.querySelector('runnel-payment').dataset.state") == "waiting")
            #expect(try await browser.text(of: "#checkout").contains("PAID") == false)
            #expect(try await order(world) == "NEW")
            try await browser.picture("callback-2-waiting")
            let signature = steps.signature(of: event, secret: secret, at: Date())
            #expect(try await world.client.hook(event, signature: signature).status == 200)
            try await browser.wait(for: "paid")
            #expect(try await order(world) == "PAID")
        }
    }

    @Test("a declined card is told, and another one pays the same order")
    func declined() async throws {
        try await withOrder("declined") { world, browser in
            try await enter("4000000000000002", browser)
            try await browser.click("runnel-payment button")
            let alert = try await browser.text(of: "[role=alert]:not([hidden])")
            #expect(alert.contains("declined"), "\(alert)")
            try await browser.picture("declined-2-alert")
            #expect(try await order(world) != "PAID")
            try await enter("4242424242424242", browser)
            try await browser.click("runnel-payment button")
            try await browser.wait(for: "paid")
            let intents = try await world.client.stripe("GET", "/v1/payment_intents?limit=100")
            #expect(intents["data"]?.listValue?.count == 1)
        }
    }

    @Test("3-D Secure leads to the bank and back, and the page takes the payment up again")
    func authenticated() async throws {
        try await withOrder("3ds") { world, browser in
            try await enter("4000002760003184", browser)
            try await browser.click("runnel-payment button")
            try await browser.click("#test-source-authorize-3ds")
            try await browser.wait(for: "paid")
            try await browser.picture("3ds-2-paid")
            #expect(try await order(world) == "PAID")
            // The secret did not stay in the address.
            #expect(try await browser.run("return location.search") == "")
        }
    }

    @Test("a bank that says no leads back to the form, with nothing paid")
    func notAuthenticated() async throws {
        try await withOrder("3ds-failed") { world, browser in
            try await enter("4000002760003184", browser)
            try await browser.click("runnel-payment button")
            try await browser.click("#test-source-fail-3ds")
            let alert = try await browser.text(of: "[role=alert]:not([hidden])")
            #expect(alert.contains("bank"), "\(alert)")
            try await browser.picture("3ds-failed-2-alert")
            #expect(try await order(world) != "PAID")
            try await browser.wait(for: "ready")
            try await enter("4242424242424242", browser)
            try await browser.click("runnel-payment button")
            try await browser.wait(for: "paid")
            #expect(try await order(world) == "PAID")
        }
    }
}
