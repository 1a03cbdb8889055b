import Testing

@testable import StripeSimulator

/// What subscriptions bill, to the cent, and what they refuse to.
@Suite("Bills of subscriptions") struct SubscriptionBillingTests {
    private func path(_ subscription: JSONObject) -> String { "/v1/subscriptions/\(subscription.id)" }

    private func item(_ subscription: JSONObject) -> String { Ledger.items(of: subscription)[0].id }

    // MARK: Whose invoice

    @Test("what a subscription's change costs is on its own invoice")
    func ownInvoice() {
        var desk = Desk()
        let customer = desk.customer()
        let first = desk.subscribe(customer, desk.price(1_000))
        desk.advance(days: 10)
        let second = desk.subscribe(customer, desk.price(6_000))
        desk.advance(days: 5)
        desk.post(path(second), "items[0][id]=\(item(second))&items[0][quantity]=2")
        desk.post("/v1/invoiceitems", "customer=\(customer)&amount=70&currency=usd")
        desk.post("/v1/invoiceitems", "customer=\(customer)&amount=11&currency=usd&subscription=\(second.id)")
        desk.advance(days: 28)
        #expect(desk.totals(of: first.id) == [1_000, 1_070])
        // 25 of 30 days of 6000 more.
        #expect(desk.totals(of: second.id) == [6_000, 12_000 + 5_000 + 11])
    }

    @Test("an invoice for a subscription takes what waits for that")
    func invoiceOfSubscription() {
        var desk = Desk()
        let customer = desk.customer()
        let made = desk.subscribe(customer, desk.price(1_000))
        desk.post("/v1/invoiceitems", "customer=\(customer)&amount=70&currency=usd")
        desk.post("/v1/invoiceitems", "customer=\(customer)&amount=11&currency=usd&subscription=\(made.id)")
        let form = "customer=\(customer)&pending_invoice_items_behavior=include"
        #expect(desk.post("/v1/invoices", form + "&subscription=\(made.id)").int("total") == 11)
        #expect(desk.post("/v1/invoices", form).int("total") == 70)
    }

    // MARK: Periods

    @Test("a change of the interval begins a new period, which is billed whole")
    func interval() {
        var desk = Desk()
        let made = desk.subscribe(desk.customer(), desk.price(1_000))
        desk.advance(days: 10)
        let year = desk.price(10_000, "year")
        let changed = desk.post(path(made), "items[0][id]=\(item(made))&items[0][price]=\(year)")
        #expect(Desk.period(of: changed) == [10, 375])
        #expect(changed.int("billing_cycle_anchor") == Desk.start.seconds + 10 * Desk.day)
        #expect(desk.totals(of: made.id) == [1_000, 10_000 - 667])
        let lines = desk.invoices(of: made.id)[1].object("lines")?.data() ?? []
        #expect(lines.map { $0.int("amount") } == [10_000, -667])
        let prorations = lines.map {
            $0.value(at: "parent", "subscription_item_details", "proration") == true
        }
        #expect(prorations == [false, true])
        desk.advance(days: 366)
        #expect(desk.totals(of: made.id).last == 10_000)
    }

    @Test("an item that is added costs the rest of the period, and ends with it")
    func added() {
        var desk = Desk()
        let customer = desk.customer()
        let made = desk.subscribe(customer, desk.price(1_000))
        desk.advance(days: 20)
        let form = "items[0][price]=\(desk.price(3_000))&proration_behavior=always_invoice"
        let changed = desk.post(path(made), form)
        let ends = Ledger.items(of: changed).map { $0.int("current_period_end") }
        #expect(Set(ends) == [Desk.start.seconds + 30 * Desk.day])
        desk.advance(days: 12)
        #expect(desk.totals(of: made.id) == [1_000, 1_000, 4_000])
    }

    @Test("billing_cycle_anchor=now begins a new period")
    func anchor() {
        var desk = Desk()
        for (form, total) in [
            ("billing_cycle_anchor=now&proration_behavior=none", 3_000),
            ("billing_cycle_anchor[type]=now", 1_500),
        ] as [(String, Int64)] {
            var desk = Desk()
            let made = desk.subscribe(desk.customer(), desk.price(3_000))
            desk.advance(days: 15)
            let changed = desk.post(path(made), form)
            #expect(Desk.period(of: changed) == [15, 46])
            #expect(desk.totals(of: made.id) == [3_000, total])
        }
        let made = desk.subscribe(desk.customer(), desk.price(3_000))
        #expect(Desk.period(of: desk.post(path(made), "billing_cycle_anchor=unchanged")) == [0, 30])
        #expect(desk.post(path(made), "billing_cycle_anchor=17").errorParam == "billing_cycle_anchor")
    }

    @Test("proration_date says by which time a change is reckoned")
    func prorationDate() {
        var desk = Desk()
        let made = desk.subscribe(desk.customer(), desk.price(3_000))
        desk.advance(days: 15)
        let form = "items[0][id]=\(item(made))&items[0][quantity]=2&proration_behavior=always_invoice&proration_date="
        #expect(desk.post(path(made), form + "\(Desk.start.seconds - 1)").errorParam == "proration_date")
        desk.post(path(made), form + "\(Desk.start.seconds)")
        #expect(desk.totals(of: made.id) == [3_000, 3_000])
        desk.post(
            "/v1/subscription_items/\(item(made))",
            "quantity=3&proration_behavior=always_invoice&proration_date=\(Desk.start.seconds)"
        )
        #expect(desk.totals(of: made.id) == [3_000, 3_000, 3_000])
    }

    // MARK: Refusals

    @Test("prices with different intervals are not billed by one subscription")
    func intervals() {
        var desk = Desk()
        let customer = desk.customer()
        let (month, year) = (desk.price(1_000), desk.price(10_000, "year"))
        let mixed = "customer=\(customer)&items[0][price]=\(month)&items[1][price]=\(year)"
        #expect(desk.post("/v1/subscriptions", mixed).errorParam == "items")
        let made = desk.subscribe(customer, month)
        #expect(desk.post(path(made), "items[0][price]=\(year)").errorParam == "items")
        desk.post("/v1/subscription_items", "subscription=\(made.id)&price=\(year)")
        #expect(desk.last.status == 400)
        desk.post(
            "/v1/checkout/sessions",
            "mode=subscription&success_url=https://shop.example&line_items[0][price]=\(month)"
                + "&line_items[0][quantity]=1&line_items[1][price]=\(year)&line_items[1][quantity]=1"
        )
        #expect(desk.last.status == 400)
        #expect(desk.subscription(made.id) == made)
    }

    @Test("what would be billed otherwise than described is refused by its name")
    func unmodelled() {
        var desk = Desk()
        let (customer, price) = (desk.customer(), desk.price(1_000))
        let later = Desk.start.seconds + 10 * Desk.day
        for (form, param) in [
            ("billing_cycle_anchor=\(later)", "billing_cycle_anchor"),
            ("backdate_start_date=\(Desk.start.seconds - 60)", "backdate_start_date"),
            ("billing_cycle_anchor_config[day_of_month]=1", "billing_cycle_anchor_config"),
            ("add_invoice_items[0][price]=\(price)", "add_invoice_items"),
            ("items[0][tax_rates][0]=txr_1", "items[0][tax_rates]"),
            ("items[0][discounts][0][coupon]=x", "items[0][discounts]"),
            ("automatic_tax[enabled]=true", "automatic_tax[enabled]"),
        ] {
            #expect(desk.subscribe(customer, price, form).errorParam == param, "\(form)")
            #expect(desk.last.status == 400)
        }
        let now = "billing_cycle_anchor=\(Desk.start.seconds)"
        #expect(desk.subscribe(customer, price, now).status == "active")
        let trial = desk.subscribe(customer, price, "billing_cycle_anchor=\(later)&trial_end=\(later)")
        #expect(trial.status == "trialing")
        #expect(desk.post(path(trial), "trial_end=\(Desk.start.seconds - 1)").errorParam == "trial_end")
        let active = desk.subscribe(customer, price)
        #expect(desk.post(path(active), "trial_end=\(later)").errorParam == "trial_end")
        #expect(desk.post(path(active), "trial_end=now").status == "active")
    }

    @Test("a customer has one currency while anything of theirs is in it")
    func currencies() {
        var desk = Desk()
        let customer = desk.customer()
        let (dollars, euros) = (desk.price(1_000), desk.price(1_000, currency: "eur"))
        let made = desk.subscribe(customer, dollars)
        let refused = desk.subscribe(customer, euros)
        #expect(desk.last.status == 400)
        #expect(refused.errorMessage?.hasPrefix("You cannot combine currencies on a single customer.") == true)
        desk.post("/v1/invoiceitems", "customer=\(customer)&amount=70&currency=eur")
        #expect(desk.last.status == 400)
        desk.post(path(made), "items[0][id]=\(item(made))&items[0][price]=\(euros)")
        #expect(desk.last.status == 400)
        desk.call("DELETE", path(made))
        #expect(desk.subscribe(customer, euros).status == "active")
        #expect(desk.get("/v1/customers/\(customer)").string("currency") == "eur")
        let other = desk.customer()
        desk.post("/v1/invoiceitems", "customer=\(other)&amount=70&currency=eur")
        desk.subscribe(other, dollars)
        #expect(desk.last.status == 400)
    }
}
