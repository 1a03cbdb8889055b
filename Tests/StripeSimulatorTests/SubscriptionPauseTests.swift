import Testing

@testable import StripeSimulator

@Suite("Paused subscriptions") struct SubscriptionPauseTests {
    @Test("a trial that paused for want of a card is billed again once it is resumed")
    func trial() {
        var desk = Desk()
        let customer = desk.customer(card: nil)
        let made = desk.subscribe(
            customer,
            desk.price(1_000),
            "trial_period_days=7&trial_settings[end_behavior][missing_payment_method]=pause"
        )
        desk.advance(days: 8)
        #expect(desk.subscription(made.id).status == "paused")
        desk.setCard("pm_card_visa", of: customer)
        let resumed = desk.post("/v1/subscriptions/\(made.id)/resume")
        #expect(resumed.status == "active")
        #expect(desk.events.last == "customer.subscription.resumed")
        #expect(Desk.period(of: resumed) == [8, 38])
        #expect(resumed.int("billing_cycle_anchor") == Desk.start.seconds + 8 * Desk.day)
        desk.advance(days: 31)
        #expect(desk.totals(of: made.id) == [0, 1_000, 1_000])
        #expect(desk.invoices(of: made.id).allSatisfy { $0.status == "paid" })
    }

    @Test("a pause gives the unused time back, and the resumption begins a period with it")
    func pause() {
        var desk = Desk()
        let customer = desk.customer()
        let made = desk.subscribe(customer, desk.price(1_000))
        desk.advance(days: 15)
        #expect(desk.post("/v1/subscriptions/\(made.id)/pause", "type=subscription").status == "paused")
        let credit = desk.get("/v1/invoiceitems", "customer=\(customer)").data()
        #expect(credit.map { $0.int("amount") } == [-500])
        desk.advance(days: 40)
        #expect(desk.totals(of: made.id) == [1_000])
        let resumed = desk.post("/v1/subscriptions/\(made.id)/resume", "billing_cycle_anchor=now")
        #expect(resumed.status == "active")
        #expect(Desk.period(of: resumed) == [55, 86])
        desk.advance(days: 32)
        #expect(desk.totals(of: made.id) == [1_000, 500, 1_000])
    }

    @Test("a pause gives back what its call says")
    func billFor() {
        var desk = Desk()
        for (form, amounts) in [
            ("bill_for[unused_time_from][type]=none", []),
            ("bill_for[unused_time_from][type]=item_current_period_start", [-1_000]),
        ] as [(String, [Int64])] {
            let customer = desk.customer()
            let made = desk.subscribe(customer, desk.price(1_000))
            desk.post("/v1/subscriptions/\(made.id)/pause", form)
            let items = desk.get("/v1/invoiceitems", "customer=\(customer)").data()
            #expect(items.compactMap { $0.int("amount") } == amounts)
        }
        let made = desk.subscribe(desk.customer(), desk.price(1_000))
        desk.advance(days: 10)
        desk.post("/v1/subscriptions/\(made.id)/pause", "invoicing_behavior=invoice")
        #expect(desk.totals(of: made.id) == [1_000, -667])
    }

    @Test("a resumption that is not paid within 23 hours is void, and the subscription stays paused")
    func unpaid() {
        var desk = Desk()
        let customer = desk.customer()
        let made = desk.subscribe(customer, desk.price(1_000))
        desk.post("/v1/subscriptions/\(made.id)/pause", "bill_for[unused_time_from][type]=none")
        desk.setCard("pm_card_chargeCustomerFail", of: customer)
        let path = "/v1/subscriptions/\(made.id)/resume"
        let waiting = desk.post(path)
        #expect(waiting.status == "paused")
        let invoice = waiting.string("latest_invoice") ?? ""
        #expect(desk.get("/v1/invoices/\(invoice)").status == "open")
        desk.post(path)
        #expect(desk.last.status == 400)
        desk.advance(seconds: 23 * 3_600)
        #expect(desk.get("/v1/invoices/\(invoice)").status == "void")
        #expect(desk.subscription(made.id).status == "paused")
        let again = desk.post(path).string("latest_invoice") ?? ""
        desk.post("/v1/invoices/\(again)/pay", "payment_method=pm_card_visa")
        #expect(desk.subscription(made.id).status == "active")
    }

    @Test("what a resumption cannot do is refused")
    func refused() {
        var desk = Desk()
        let made = desk.subscribe(desk.customer(), desk.price(1_000))
        let path = "/v1/subscriptions/\(made.id)/resume"
        desk.post(path)
        #expect(desk.last.status == 400)
        desk.post("/v1/subscriptions/\(made.id)/pause")
        #expect(desk.post(path, "billing_cycle_anchor[type]=unchanged").errorParam == "billing_cycle_anchor")
        #expect(desk.post(path, "proration_date=\(Desk.start.seconds)").errorParam == "proration_date")
        #expect(desk.subscription(made.id).status == "paused")
        let sent = desk.subscribe(desk.customer(), desk.price(1_000), "collection_method=send_invoice&days_until_due=7")
        desk.post("/v1/subscriptions/\(sent.id)/pause")
        desk.post("/v1/subscriptions/\(sent.id)/resume")
        #expect(desk.last.status == 400)
    }

    @Test("a pause of collection ends at resumes_at")
    func collection() {
        var desk = Desk()
        let made = desk.subscribe(desk.customer(), desk.price(1_000))
        let path = "/v1/subscriptions/\(made.id)"
        desk.post(path, "pause_collection[behavior]=void&pause_collection[resumes_at]=\(Desk.start.seconds)")
        #expect(desk.last.status == 400)
        let time = Desk.start.seconds + 40 * Desk.day
        desk.post(path, "pause_collection[behavior]=void&pause_collection[resumes_at]=\(time)")
        desk.advance(days: 39)
        #expect(desk.subscription(made.id).has("pause_collection"))
        desk.advance(days: 1)
        #expect(!desk.subscription(made.id).has("pause_collection"))
        #expect(desk.events.last == "customer.subscription.updated")
        desk.advance(days: 22)
        #expect(desk.invoices(of: made.id).map(\.status) == ["paid", "void", "paid"])
    }

    @Test("a paused subscription ends when it was to end")
    func cancelled() {
        var desk = Desk()
        let made = desk.subscribe(desk.customer(), desk.price(1_000))
        desk.post("/v1/subscriptions/\(made.id)", "cancel_at=\(Desk.start.seconds + 20 * Desk.day)")
        desk.post("/v1/subscriptions/\(made.id)/pause")
        desk.advance(days: 20)
        #expect(desk.subscription(made.id).status == "canceled")
    }
}
