import Expressions
import Foundation
import Testing

@testable import runnel

/// The subscriptions' page in headless Chromium: the widget takes a recurring payment's first invoice, or its trial's card.
@Suite(
    "The subscriptions' page in Chromium",
    .serialized,
    .enabled(if: WebDriver.isInstalled, "chromium and chromium-driver are not installed"),
    .timeLimit(.minutes(5))
)
struct SubscriptionPageTests {
    /// Offers a plan of 9.00 a month, which the page then asks for.
    private func withPlan(
        _ name: String,
        trialDays: Int64? = nil,
        _ body: (DemoWorld, WebDriver) async throws -> Void
    ) async throws {
        try await BuiltCommand.withWorld("page \(name)", sample: "subscriptions") { world in
            let client = world.client
            let product = try await client.stripe("POST", "/v1/products", form: "name=Paper")
            let terms = "currency=usd&unit_amount=900&recurring[interval]=month"
            let form = "product=\(product["id"]?.stringValue ?? "")&\(terms)"
            let price = try await client.stripe("POST", "/v1/prices", form: form)
            var plan: ValueMap = ["name": "Paper", "price": 900, "priceId": price["id"] ?? .null]
            if let trialDays { plan["trialDays"] = .int(trialDays) }
            let added = try await client.page("add-plan", .map(plan), token: client.adminToken)
            #expect(added.status == 200, "\(added.body)")
            try await WebDriver.withBrowser { browser in
                try await browser.go(to: client.runtimeURL + "/")
                try await browser.click("#list label")
                try await browser.type("ann@example.com", into: "[name=email]")
                try await browser.click("#plans button")
                try await browser.wait(for: "ready")
                try await body(world, browser)
            }
        }
    }

    private func enter(_ number: String, _ browser: WebDriver) async throws {
        try await browser.type(number, into: "#payment [name=number]")
        try await browser.type("12 / 35", into: "#payment [name=expiry]")
        try await browser.type("123", into: "#payment [name=cvc]")
    }

    private func order(_ number: Int64, _ world: DemoWorld) async throws -> String? {
        let orders = try await world.client.get("/tables/orders").body["items"]?.listValue ?? []
        return orders.first { $0["id"] == .int(number) }?["status"]?.stringValue
    }

    private func advance(_ span: String, _ world: DemoWorld) throws {
        let words = ["simulator", "advance", span, "--url", world.client.simulatorURL]
        #expect(try ChildProcess.run(world.executable, words, environment: world.environment).code == 0)
    }

    @Test(
        "Z7, M8: the first invoice is paid in the page, which says PAID once its callback has run; a month on it renews"
    )
    func paid() async throws {
        try await withPlan("subscribe") { world, browser in
            #expect(try await browser.text(of: "#payment button") == "Pay $9.00")
            try await enter("4242424242424242", browser)
            try await browser.picture("subscribe-1-form")
            try await browser.click("#payment button")
            try await browser.wait(for: "paid")
            #expect(try await browser.text(of: ".runnel-result").contains("your subscription has begun"))
            try await browser.picture("subscribe-2-paid")
            #expect(try await order(1, world) == "PAID")
            #expect(try await world.client.row("recurring_payments", 1)["status"] == "ACTIVE")
            #expect(try await browser.complaints() == [])
            // As the sample's README has it: the simulator's month is over, the server's clock is not moved.
            try advance("31d", world)
            #expect(try await world.client.settled(on: "PAID") { try await order(2, world) } == "PAID")
        }
    }

    @Test("a declined card is told, and the bank is asked by 3-D Secure; the same subscription begins")
    func authenticated() async throws {
        try await withPlan("subscribe-3ds") { world, browser in
            try await enter("4000000000000002", browser)
            try await browser.click("#payment button")
            let alert = try await browser.text(of: "[role=alert]:not([hidden])")
            #expect(alert.contains("declined"), "\(alert)")
            #expect(try await order(1, world) == "NEW")
            try await enter("4000002760003184", browser)
            try await browser.click("#payment button")
            try await browser.click("#test-source-authorize-3ds")
            try await browser.wait(for: "paid")
            try await browser.picture("subscribe-3ds-2-paid")
            #expect(try await order(1, world) == "PAID")
            #expect(try await browser.run("return location.search") == "")
            let subscriptions = try await world.client.stripe("GET", "/v1/subscriptions?limit=100")
            #expect(subscriptions["data"]?.listValue?.count == 1)
        }
    }

    @Test("M8: a trial takes a card and no money, and says so; its first charge comes when it is over")
    func trial() async throws {
        try await withPlan("trial", trialDays: 14) { world, browser in
            #expect(try await browser.text(of: "#payment button") == "Start the trial")
            // The trial runs already, and so does nothing that the page could take for a payment.
            #expect(try await world.client.settled(on: "TRIAL") { try await order(1, world) } == "TRIAL")
            #expect(try await browser.run("return document.querySelector('runnel-payment').dataset.state") == "ready")
            try await enter("4242424242424242", browser)
            try await browser.click("#payment button")
            try await browser.wait(for: "started")
            let result = try await browser.text(of: ".runnel-result")
            #expect(result.contains("Nothing was charged") && result.contains("$9.00"), "\(result)")
            try await browser.picture("trial-2-started")
            #expect(try await world.client.stripe("GET", "/v1/charges")["data"]?.listValue == [])
            try advance("15d", world)
            #expect(try await world.client.settled(on: "PAID") { try await order(2, world) } == "PAID")
        }
    }
}
