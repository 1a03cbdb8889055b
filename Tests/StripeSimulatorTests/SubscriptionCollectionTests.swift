import Testing

@testable import StripeSimulator

/// When the money of a subscription is asked for, and when no longer.
@Suite("Collection for subscriptions") struct SubscriptionCollectionTests {
    /// A subscription whose renewal was refused by the bank.
    private func pastDue(_ desk: inout Desk, _ interval: String = "month") -> (customer: String, id: String) {
        let customer = desk.customer()
        let made = desk.subscribe(customer, desk.price(1_000, interval))
        desk.setCard("pm_card_chargeCustomerFail", of: customer)
        desk.advance(seconds: (interval == "week" ? 7 : 30) * Desk.day + 2 * 3_600)
        #expect(desk.subscription(made.id).status == "past_due")
        return (customer, made.id)
    }

    @Test("a cancelled subscription's open invoice is not collected any more")
    func cancelledPastDue() {
        var desk = Desk()
        let own = pastDue(&desk)
        desk.call("DELETE", "/v1/subscriptions/\(own.id)")
        let open = desk.invoices(of: own.id)[1]
        #expect(open.status == "open")
        #expect(open.bool("auto_advance") == false)
        #expect(!open.has("next_payment_attempt"))
        desk.setCard("pm_card_visa", of: own.customer)
        desk.advance(days: 20)
        #expect(desk.invoices(of: own.id)[1] == open)
        desk.post("/v1/invoices/\(open.id)/pay", "payment_method=pm_card_chargeCustomerFail")
        #expect(desk.get("/v1/invoices/\(open.id)").has("next_payment_attempt") == false)
        // It can be taken up again by hand.
        desk.post("/v1/invoices/\(open.id)", "auto_advance=true")
        desk.advance(seconds: 3_600)
        #expect(desk.invoices(of: own.id)[1].status == "paid")
    }

    @Test("a cancelled subscription's draft stays one")
    func cancelledDraft() {
        var desk = Desk()
        let made = desk.subscribe(desk.customer(), desk.price(1_000))
        desk.advance(seconds: 30 * Desk.day + 60)
        desk.call("DELETE", "/v1/subscriptions/\(made.id)")
        desk.advance(days: 3)
        let draft = desk.invoices(of: made.id)[1]
        #expect(draft.status == "draft")
        #expect(draft.bool("auto_advance") == false)
    }

    @Test("auto_advance=false stops the tries, and true takes them up")
    func autoAdvance() {
        var desk = Desk()
        let own = pastDue(&desk)
        let id = desk.invoices(of: own.id)[1].id
        let stopped = desk.post("/v1/invoices/\(id)", "auto_advance=false")
        #expect(!stopped.has("next_payment_attempt"))
        desk.setCard("pm_card_visa", of: own.customer)
        desk.advance(days: 12)
        #expect(desk.get("/v1/invoices/\(id)").status == "open")
        let resumed = desk.post("/v1/invoices/\(id)", "auto_advance=true")
        #expect(resumed.int("next_payment_attempt") == desk.state.clock.now.seconds + 3_600)
        desk.advance(seconds: 3_600)
        #expect(desk.get("/v1/invoices/\(id)").status == "paid")
        #expect(desk.subscription(own.id).status == "active")
    }

    @Test("an older invoice that is paid does not end the arrears of the latest")
    func latest() {
        var desk = Desk()
        let own = pastDue(&desk, "week")
        desk.advance(days: 7)
        let open = desk.invoices(of: own.id).filter { $0.status == "open" }.map(\.id)
        #expect(open.count == 2)
        desk.post("/v1/invoices/\(open[0])/pay", "payment_method=pm_card_visa")
        #expect(desk.get("/v1/invoices/\(open[0])").status == "paid")
        #expect(desk.subscription(own.id).status == "past_due")
        desk.post("/v1/invoices/\(open[1])/pay", "payment_method=pm_card_visa")
        #expect(desk.subscription(own.id).status == "active")
    }

    @Test("a subscription without a card ends after its tries")
    func noCard() {
        var desk = Desk()
        let customer = desk.customer(card: nil)
        let made = desk.subscribe(customer, desk.price(1_000), "trial_period_days=7")
        desk.advance(seconds: 7 * Desk.day + 2 * 3_600)
        #expect(desk.subscription(made.id).status == "past_due")
        desk.advance(days: 16)
        #expect(desk.subscription(made.id).status == "canceled")
    }

    @Test("an invoice that is sent is overdue after its day, and the subscription past due until it is paid")
    func sent() {
        var desk = Desk()
        let form = "collection_method=send_invoice&days_until_due=7"
        let made = desk.subscribe(desk.customer(card: nil), desk.price(1_000), form)
        let invoice = made.string("latest_invoice") ?? ""
        desk.advance(days: 6)
        #expect(desk.subscription(made.id).status == "active")
        #expect(!desk.events.contains("invoice.overdue"))
        desk.advance(days: 1)
        #expect(desk.subscription(made.id).status == "past_due")
        #expect(desk.events.suffix(2) == ["invoice.overdue", "customer.subscription.updated"])
        desk.post("/v1/invoices/\(invoice)/pay", "paid_out_of_band=true")
        #expect(desk.subscription(made.id).status == "active")
        desk.advance(seconds: 24 * Desk.day)
        desk.post("/v1/invoices/\(desk.invoices(of: made.id)[1].id)/pay", "paid_out_of_band=true")
        desk.advance(days: 7)
        #expect(desk.events.filter { $0 == "invoice.overdue" }.count == 1)
    }

    @Test("a change of a subscription whose invoices are sent charges no card")
    func sentChange() {
        var desk = Desk()
        let made = desk.subscribe(
            desk.customer(),
            desk.price(1_000),
            "collection_method=send_invoice&days_until_due=7"
        )
        let item = Ledger.items(of: made)[0].id
        desk.post(
            "/v1/subscriptions/\(made.id)",
            "items[0][id]=\(item)&items[0][quantity]=2&proration_behavior=always_invoice"
        )
        #expect(desk.invoices(of: made.id).map(\.status) == ["open", "open"])
        #expect(!desk.events.contains("charge.succeeded"))
    }

    @Test("a void invoice gives the customer's credit back")
    func voided() {
        var desk = Desk()
        let customer = desk.customer()
        desk.post("/v1/customers/\(customer)/balance_transactions", "amount=-600&currency=usd")
        desk.post("/v1/invoiceitems", "customer=\(customer)&amount=1000&currency=usd")
        let form = "customer=\(customer)&pending_invoice_items_behavior=include"
        let invoice = desk.post("/v1/invoices", form).id
        #expect(desk.post("/v1/invoices/\(invoice)/finalize").int("amount_due") == 400)
        #expect(desk.get("/v1/customers/\(customer)").int("balance") == 0)
        desk.post("/v1/invoices/\(invoice)/void")
        #expect(desk.get("/v1/customers/\(customer)").int("balance") == -600)
        let transactions = desk.get("/v1/customers/\(customer)/balance_transactions").data()
        #expect(
            transactions.map { $0.string("type") } == ["unapplied_from_invoice", "applied_to_invoice", "adjustment"]
        )
        #expect(transactions.map { $0.int("amount") } == [-600, 600, -600])
    }
}
