import Testing

@testable import StripeSimulator

@Suite("Previews of invoices") struct InvoicePreviewTests {
    private let path = "/v1/invoices/create_preview"

    private func amounts(_ invoice: JSONObject) -> [Int64] {
        (invoice.object("lines")?.data() ?? []).compactMap { $0.int("amount") }
    }

    /// A subscription in the middle of its first period.
    private func running(_ desk: inout Desk) -> (customer: String, made: JSONObject) {
        let customer = desk.customer()
        let made = desk.subscribe(customer, desk.price(3_000))
        desk.advance(days: 15)
        return (customer, made)
    }

    @Test("a preview is of the next period, and changes nothing")
    func next() {
        var desk = Desk()
        let own = running(&desk)
        let before = desk.subscription(own.made.id)
        let events = desk.events.count
        for form in ["subscription=\(own.made.id)", "customer=\(own.customer)"] {
            let preview = desk.post(path, form)
            #expect(preview.int("total") == 3_000)
            #expect(preview.status == "draft")
            #expect(preview.string("billing_reason") == "upcoming")
            let period = preview.object("lines")?.data().first?.object("period")
            #expect(period?.int("start") == Desk.start.seconds + 30 * Desk.day)
            #expect(period?.int("end") == Desk.start.seconds + 61 * Desk.day)
        }
        #expect(desk.subscription(own.made.id) == before)
        #expect(desk.events.count == events)
        #expect(desk.totals(of: own.made.id) == [3_000])
    }

    @Test("the preview of an upgrade has its prorations and the new price, as the invoice will")
    func upgrade() {
        var desk = Desk()
        let own = running(&desk)
        let item = "[id]=\(Ledger.items(of: own.made)[0].id)"
        let price = "[price]=\(desk.price(9_000))"
        let details = "subscription_details[items][0]"
        let form = "subscription=\(own.made.id)&\(details)\(item)&\(details)\(price)"
        let preview = desk.post(path, form)
        #expect(amounts(preview) == [9_000, -1_500, 4_500])
        let behavior = "&subscription_details[proration_behavior]="
        #expect(amounts(desk.post(path, form + behavior + "always_invoice")) == [-1_500, 4_500])
        #expect(amounts(desk.post(path, form + behavior + "none")) == [9_000])
        let dated = desk.post(path, form + "&subscription_details[proration_date]=\(Desk.start.seconds)")
        #expect(amounts(dated) == [9_000, -3_000, 9_000])
        desk.post("/v1/subscriptions/\(own.made.id)", "items[0]\(item)&items[0]\(price)")
        desk.advance(days: 16)
        #expect(desk.totals(of: own.made.id) == [3_000, preview.int("total") ?? 0])
    }

    @Test("the preview of a trial is of the period after it, or of one that begins now")
    func trial() {
        var desk = Desk()
        let made = desk.subscribe(desk.customer(), desk.price(3_000), "trial_period_days=10")
        for (form, day) in [("", 10), ("&subscription_details[trial_end]=now", 0)] as [(String, Int64)] {
            let preview = desk.post(path, "subscription=\(made.id)" + form)
            #expect(preview.int("total") == 3_000)
            let period = preview.object("lines")?.data().first?.object("period")
            #expect(period?.int("start") == Desk.start.seconds + day * Desk.day)
        }
    }

    @Test("the preview of a new subscription is its first invoice")
    func first() {
        var desk = Desk()
        let own = running(&desk)
        let half = desk.post("/v1/coupons", "percent_off=50&duration=once").id
        let form = "customer=\(own.customer)&subscription_details[items][0][price]=\(desk.price(9_000))"
        #expect(desk.post(path, form).int("total") == 9_000)
        let less = desk.post(path, form + "&discounts[0][coupon]=\(half)")
        #expect(less.int("amount_due") == 4_500)
        #expect(less.status == "draft")
        #expect(!less.has("number"))
        #expect(desk.get("/v1/coupons/\(half)").int("times_redeemed") == 0)
        #expect(desk.get("/v1/subscriptions", "customer=\(own.customer)").data().count == 1)
    }

    @Test("where no invoice comes, none is shown")
    func none() {
        var desk = Desk()
        let own = running(&desk)
        desk.post("/v1/subscriptions/\(own.made.id)", "cancel_at_period_end=true")
        #expect(desk.post(path, "subscription=\(own.made.id)").errorCode == "invoice_upcoming_none")
        #expect(desk.last.status == 404)
        let other = desk.customer()
        #expect(desk.post(path, "customer=\(other)").errorCode == "invoice_upcoming_none")
        desk.post("/v1/invoiceitems", "customer=\(other)&amount=70&currency=usd")
        #expect(desk.post(path, "customer=\(other)").int("total") == 70)
    }

    @Test("what a preview would leave out is refused")
    func refused() {
        var desk = Desk()
        let own = running(&desk)
        for (form, param) in [
            ("invoice_items[0][amount]=4", "invoice_items"), ("preview_mode=recurring", "preview_mode"),
            ("subscription_details[cancel_now]=true", "subscription_details[cancel_now]"),
            ("subscription_details[trial_end]=\(Desk.start.seconds)", "subscription_details[trial_end]"),
        ] {
            #expect(desk.post(path, "subscription=\(own.made.id)&\(form)").errorParam == param, "\(form)")
        }
    }

    @Test("a preview is made at the time of the customer's test clock")
    func testClock() {
        var desk = Desk()
        let clock = desk.post("/v1/test_helpers/test_clocks", "frozen_time=1700000000").id
        let customer = desk.post("/v1/customers", "test_clock=\(clock)").id
        desk.setCard("pm_card_visa", of: customer)
        let made = desk.subscribe(customer, desk.price(3_000))
        let preview = desk.post(path, "subscription=\(made.id)")
        let period = preview.object("lines")?.data().first?.object("period")
        #expect(period?.int("start") == 1_700_000_000 + 30 * Desk.day)
    }
}
