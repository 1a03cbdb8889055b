import Testing

@testable import StripeSimulator

/// Changes to subscriptions, their ends, and what they may name.
@Suite("Changes of subscriptions") struct SubscriptionChangeTests {
    private struct Subscriber {
        let customer: String
        let price: String
        var subscription = ""
        var item = ""
    }

    private static func price(_ desk: inout Desk, _ amount: Int64, _ currency: String = "usd") -> String {
        desk.post(
            "/v1/prices",
            "product_data[name]=Plan&currency=\(currency)&unit_amount=\(amount)&recurring[interval]=month"
        ).id
    }

    private func customer(_ desk: inout Desk, clock: String? = nil) -> String {
        let customer = desk.post("/v1/customers", clock.map { "test_clock=\($0)" } ?? "").id
        setCard("pm_card_visa", of: customer, &desk)
        return customer
    }

    private func setCard(_ card: String, of customer: String, _ desk: inout Desk) {
        let method = desk.post("/v1/payment_methods/\(card)/attach", "customer=\(customer)").id
        desk.post("/v1/customers/\(customer)", "invoice_settings[default_payment_method]=\(method)")
    }

    private func subscriber(_ desk: inout Desk, clock: String? = nil) -> Subscriber {
        var made = Subscriber(customer: customer(&desk, clock: clock), price: Self.price(&desk, 1_000))
        let subscription = desk.post("/v1/subscriptions", "customer=\(made.customer)&items[0][price]=\(made.price)")
        made.subscription = subscription.id
        made.item = Ledger.items(of: subscription)[0].id
        return made
    }

    // MARK: Payment behaviour of a change

    @Test("error_if_incomplete: a card that fails is answered with 402, and nothing changes")
    func errorIfIncomplete() {
        var desk = Desk()
        let own = subscriber(&desk)
        let before = desk.get("/v1/subscriptions/\(own.subscription)")
        let change =
            "items[0][id]=\(own.item)&items[0][quantity]=3&proration_behavior=always_invoice"
            + "&payment_behavior=error_if_incomplete"
        for card in ["pm_card_chargeCustomerFail", "pm_card_authenticationRequired"] {
            setCard(card, of: own.customer, &desk)
            let events = desk.events.count
            let refused = desk.post("/v1/subscriptions/\(own.subscription)", change)
            #expect(desk.last.status == 402)
            #expect(refused.errorType == "card_error")
            #expect(desk.get("/v1/subscriptions/\(own.subscription)") == before)
            #expect(desk.get("/v1/invoices", "subscription=\(own.subscription)").data().count == 1)
            #expect(desk.get("/v1/invoiceitems", "customer=\(own.customer)").data().isEmpty)
            #expect(desk.events.count == events)
        }
        setCard("pm_card_visa", of: own.customer, &desk)
        #expect(Ledger.items(of: desk.post("/v1/subscriptions/\(own.subscription)", change))[0]["quantity"] == 3)
    }

    @Test("pending_if_incomplete: the change waits for its invoice, and is made when that is paid")
    func pendingIfIncomplete() {
        var desk = Desk()
        let own = subscriber(&desk)
        let change =
            "items[0][id]=\(own.item)&items[0][quantity]=3&proration_behavior=always_invoice"
            + "&payment_behavior=pending_if_incomplete"
        setCard("pm_card_chargeCustomerFail", of: own.customer, &desk)
        let waiting = desk.post("/v1/subscriptions/\(own.subscription)", change + "&expand[]=latest_invoice")
        #expect(waiting.status == "active")
        #expect(Ledger.items(of: waiting)[0]["quantity"] == 1)
        let pending = waiting.object("pending_update")
        #expect(pending?.int("expires_at") == Desk.start.seconds + 23 * 3_600)
        #expect(pending?.array("subscription_items")?.first?.object?["quantity"] == 3)
        #expect(waiting.value(at: "latest_invoice", "status")?.string == "open")
        let invoice = waiting.value(at: "latest_invoice", "id")?.string ?? ""
        desk.post("/v1/invoices/\(invoice)/pay", "payment_method=pm_card_visa")
        let changed = desk.get("/v1/subscriptions/\(own.subscription)")
        #expect(Ledger.items(of: changed)[0]["quantity"] == 3)
        #expect(changed["pending_update"] == .null)
        #expect(desk.events.last == "customer.subscription.pending_update_applied")
    }

    @Test("a pending change that is not paid within 23 hours is dropped with its invoice")
    func pendingExpires() {
        var desk = Desk()
        let own = subscriber(&desk)
        setCard("pm_card_chargeCustomerFail", of: own.customer, &desk)
        let change =
            "items[0][id]=\(own.item)&items[0][quantity]=3&proration_behavior=always_invoice"
            + "&payment_behavior=pending_if_incomplete"
        let invoice = desk.post("/v1/subscriptions/\(own.subscription)", change).string("latest_invoice") ?? ""
        desk.advance(seconds: 23 * 3_600)
        let kept = desk.get("/v1/subscriptions/\(own.subscription)")
        #expect(kept["pending_update"] == .null)
        #expect(Ledger.items(of: kept)[0]["quantity"] == 1)
        #expect(desk.get("/v1/invoices/\(invoice)").status == "void")
        #expect(desk.events.last == "customer.subscription.pending_update_expired")
        desk.post("/v1/subscriptions/\(own.subscription)", "metadata[a]=b&payment_behavior=pending_if_incomplete")
        #expect(desk.last.status == 400)
    }

    // MARK: The end

    @Test("a subscription that ends in the middle of its period gives back the rest when asked to")
    func cancelProrated() {
        var desk = Desk()
        let own = subscriber(&desk)
        desk.advance(seconds: 15 * 86_400)
        #expect(desk.call("DELETE", "/v1/subscriptions/\(own.subscription)", "prorate=True").status == "canceled")
        let credit = desk.get("/v1/invoiceitems", "customer=\(own.customer)").data()
        #expect(credit.map { $0.int("amount") } == [-500])
        #expect(credit.first?.bool("proration") == true)
        #expect(desk.get("/v1/invoices", "customer=\(own.customer)").data().count == 1)
    }

    @Test("with invoice_now the rest is credited by a last invoice")
    func cancelInvoiced() {
        var desk = Desk()
        let own = subscriber(&desk)
        desk.advance(seconds: 15 * 86_400)
        desk.call("DELETE", "/v1/subscriptions/\(own.subscription)", "prorate=true&invoice_now=true")
        let last = desk.get("/v1/invoices", "customer=\(own.customer)&limit=1").data()[0]
        #expect(last.int("total") == -500)
        #expect(last.status == "paid")
        #expect(last.object("lines")?.data().map { $0.int("amount") } == [-500])
        #expect(desk.get("/v1/customers/\(own.customer)").int("balance") == -500)
        let other = subscriber(&desk)
        desk.call("DELETE", "/v1/subscriptions/\(other.subscription)", "invoice_now=true")
        #expect(desk.get("/v1/invoices", "customer=\(other.customer)").data().count == 1)
    }

    @Test("a cancelled subscription takes metadata and cancellation details, and nothing else")
    func afterTheEnd() {
        var desk = Desk()
        let own = subscriber(&desk)
        let path = "/v1/subscriptions/\(own.subscription)"
        desk.call("DELETE", path)
        let told = desk.post(
            path,
            "metadata[why]=moved&cancellation_details[comment]=Moved away&cancellation_details[feedback]=unused"
        )
        #expect(told.value(at: "metadata", "why")?.string == "moved")
        #expect(told.value(at: "cancellation_details", "comment")?.string == "Moved away")
        #expect(told.value(at: "cancellation_details", "feedback")?.string == "unused")
        #expect(told.value(at: "cancellation_details", "reason")?.string == "cancellation_requested")
        desk.post(path, "description=again")
        #expect(desk.last.status == 400)
        desk.post(path, "cancellation_details[feedback]=bored")
        #expect(desk.last.status == 400)
    }

    @Test("a customer's subscriptions end with the customer")
    func withTheCustomer() {
        var desk = Desk()
        let own = subscriber(&desk)
        desk.call("DELETE", "/v1/customers/\(own.customer)")
        #expect(desk.get("/v1/subscriptions/\(own.subscription)").status == "canceled")
        #expect(desk.events.contains("customer.subscription.deleted"))
    }

    // MARK: What may be named

    @Test("prices that are no longer sold are refused")
    func inactivePrices() {
        var desk = Desk()
        let own = subscriber(&desk)
        let old = Self.price(&desk, 500)
        desk.post("/v1/prices/\(old)", "active=false")
        let refused = desk.post("/v1/subscriptions", "customer=\(own.customer)&items[0][price]=\(old)")
        #expect(refused.errorParam == "items[0][price]")
        #expect(refused.errorMessage?.contains("inactive") == true)
        desk.post("/v1/subscriptions/\(own.subscription)", "items[0][id]=\(own.item)&items[0][price]=\(old)")
        #expect(desk.last.status == 400)
        let session = desk.post(
            "/v1/checkout/sessions",
            "mode=subscription&success_url=https://shop.example&line_items[0][price]=\(old)&line_items[0][quantity]=1"
        )
        #expect(session.errorParam == "line_items[0][price]")
        // A price that is withdrawn later goes on for those who have it.
        desk.post("/v1/prices/\(own.price)", "active=false")
        desk.post("/v1/subscriptions/\(own.subscription)", "items[0][id]=\(own.item)&items[0][quantity]=2")
        #expect(desk.last.status == 200)
    }

    @Test("customers that were deleted are refused wherever they are named")
    func deletedCustomers() {
        var desk = Desk()
        let gone = desk.post("/v1/customers").id
        desk.call("DELETE", "/v1/customers/\(gone)")
        let calls = [
            ("/v1/payment_intents", "amount=500&currency=usd&customer=\(gone)"),
            ("/v1/payment_methods/pm_card_visa/attach", "customer=\(gone)"),
            ("/v1/setup_intents", "customer=\(gone)"),
            (
                "/v1/payment_intents/\(desk.post("/v1/payment_intents", "amount=500&currency=usd").id)",
                "customer=\(gone)"
            ),
        ]
        for (path, form) in calls {
            let answer = desk.post(path, form)
            #expect(desk.last.status == 400, "\(path)")
            #expect(answer.errorCode == "resource_missing")
            #expect(answer.errorMessage == "No such customer: '\(gone)'")
        }
    }

    @Test("ends in the past, a price twice, and invoices without a term are refused")
    func senseless() {
        var desk = Desk()
        let own = subscriber(&desk)
        let new = "customer=\(own.customer)&items[0][price]=\(own.price)"
        let past = "cancel_at=\(Desk.start.seconds - 60)"
        for form in [
            "\(new)&\(past)", "\(new)&items[1][price]=\(own.price)", "\(new)&collection_method=send_invoice",
            "\(new)&cancel_at=soon",
        ] {
            desk.post("/v1/subscriptions", form)
            #expect(desk.last.status == 400, "\(form)")
        }
        for form in [past, "items[0][price]=\(own.price)", "collection_method=send_invoice"] {
            desk.post("/v1/subscriptions/\(own.subscription)", form)
            #expect(desk.last.status == 400, "\(form)")
        }
        #expect(desk.get("/v1/subscriptions", "status=all").data().count == 1)
        desk.post("/v1/subscriptions", "\(new)&collection_method=send_invoice&days_until_due=7")
        #expect(desk.last.status == 200)
    }

    @Test("an invoice takes items of its own currency alone")
    func currencies() {
        var desk = Desk()
        let own = subscriber(&desk)
        let draft = desk.post("/v1/invoices", "customer=\(own.customer)&currency=usd").id
        let place = "customer=\(own.customer)&invoice=\(draft)"
        desk.post("/v1/invoiceitems", "\(place)&amount=500&currency=eur")
        #expect(desk.last.status == 400)
        let euros = desk.post("/v1/prices", "product_data[name]=Mug&currency=eur&unit_amount=700").id
        desk.post("/v1/invoiceitems", "\(place)&pricing[price]=\(euros)")
        #expect(desk.last.status == 400)
        desk.post("/v1/invoiceitems", "customer=\(own.customer)&currency=usd&pricing[price]=\(euros)")
        #expect(desk.last.status == 400)
        desk.post("/v1/invoices/\(draft)/add_lines", "lines[0][pricing][price]=\(euros)")
        #expect(desk.last.status == 400)
        #expect(desk.get("/v1/invoices/\(draft)").int("total") == 0)
        desk.post("/v1/invoiceitems", "\(place)&amount=500")
        #expect(desk.get("/v1/invoices/\(draft)").int("total") == 500)
    }

    // MARK: Test clocks

    @Test("a test clock goes two intervals of its shortest subscription at a time")
    func longAdvance() {
        var desk = Desk()
        let clock = desk.post("/v1/test_helpers/test_clocks", "frozen_time=1700000000").id
        let path = "/v1/test_helpers/test_clocks/\(clock)/advance"
        _ = subscriber(&desk, clock: clock)
        desk.post(path, "frozen_time=\(1_700_000_000 + 62 * 86_400)")
        #expect(desk.last.status == 400)
        #expect(desk.get("/v1/test_helpers/test_clocks/\(clock)").int("frozen_time") == 1_700_000_000)
        desk.post(path, "frozen_time=\(1_700_000_000 + 61 * 86_400)")  // 14 January 2024, two months on
        #expect(desk.last.status == 200)
    }

    @Test("lists leave out what belongs to test clocks unless they are asked for it")
    func clockLists() {
        var desk = Desk()
        let clock = desk.post("/v1/test_helpers/test_clocks", "frozen_time=1700000000").id
        let timed = subscriber(&desk, clock: clock)
        let own = subscriber(&desk)
        #expect(desk.get("/v1/customers").data().map(\.id) == [own.customer])
        #expect(desk.get("/v1/customers", "test_clock=\(clock)").data().map(\.id) == [timed.customer])
        #expect(desk.get("/v1/subscriptions").data().map(\.id) == [own.subscription])
        #expect(desk.get("/v1/subscriptions", "test_clock=\(clock)").data().map(\.id) == [timed.subscription])
        #expect(desk.get("/v1/subscriptions", "customer=\(timed.customer)").data().map(\.id) == [timed.subscription])
    }

    @Test("a test clock takes its customers and their subscriptions with it")
    func clockDeleted() {
        var desk = Desk()
        let clock = desk.post("/v1/test_helpers/test_clocks", "frozen_time=1700000000").id
        let timed = subscriber(&desk, clock: clock)
        desk.call("DELETE", "/v1/test_helpers/test_clocks/\(clock)")
        #expect(desk.get("/v1/customers/\(timed.customer)").bool("deleted") == true)
        #expect(desk.get("/v1/subscriptions/\(timed.subscription)").status == "canceled")
    }
}
