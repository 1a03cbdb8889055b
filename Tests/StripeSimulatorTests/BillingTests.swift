import Testing

@testable import StripeSimulator

@Suite("Billing") struct BillingTests {
    /// A customer with a card, and a monthly price.
    private func subscriber(
        _ desk: inout Desk,
        card: String = "pm_card_visa",
        amount: Int64 = 1_000,
        clock: String? = nil
    ) -> (customer: String, price: String) {
        let more = clock.map { "&test_clock=\($0)" } ?? ""
        let customer = desk.post("/v1/customers", "email=ada@example.com" + more).id
        let method = desk.post("/v1/payment_methods/\(card)/attach", "customer=\(customer)").id
        desk.post("/v1/customers/\(customer)", "invoice_settings[default_payment_method]=\(method)")
        let product = desk.post("/v1/products", "name=Plan").id
        let price = desk.post(
            "/v1/prices",
            "product=\(product)&currency=usd&unit_amount=\(amount)&recurring[interval]=month"
        )
        return (customer, price.id)
    }

    @Test("a subscription begins with a paid invoice and its events")
    func beginning() {
        var desk = Desk()
        let (customer, price) = subscriber(&desk)
        let made = desk.post(
            "/v1/subscriptions",
            "customer=\(customer)&items[0][price]=\(price)&expand[]=latest_invoice"
        )
        #expect(made.status == "active")
        #expect(made.value(at: "latest_invoice", "status")?.string == "paid")
        #expect(made.value(at: "latest_invoice", "amount_paid") == 1_000)
        let item = Ledger.items(of: made)[0]
        #expect(item.int("current_period_end") == Desk.start.seconds + 30 * 86_400)
        let wanted = [
            "invoice.created", "invoice.finalized", "payment_intent.created", "customer.subscription.created",
            "charge.succeeded", "payment_intent.succeeded", "invoice.paid", "invoice.payment_succeeded",
            "customer.subscription.updated",
        ]
        #expect(desk.events.suffix(wanted.count) == wanted)
        desk.advance(seconds: 2)
        #expect(desk.events.contains("invoice_payment.paid"))
    }

    @Test("without a card it is refused, as recorded")
    func noCard() {
        var desk = Desk()
        let (_, price) = subscriber(&desk)
        let customer = desk.post("/v1/customers").id
        let answer = desk.post("/v1/subscriptions", "customer=\(customer)&items[0][price]=\(price)")
        #expect(answer.errorCode == "resource_missing")
        #expect(desk.last.header("Stripe-Should-Retry") == "false")
        let wrong = desk.post("/v1/subscriptions", "customer=\(customer)&items[0][price]=price_none")
        #expect(wrong.errorParam == "items[0][price]")
    }

    @Test("a year of a monthly subscription gives twelve renewals, each with its events in order")
    func aYear() {
        var desk = Desk()
        let (customer, price) = subscriber(&desk)
        let made = desk.post("/v1/subscriptions", "customer=\(customer)&items[0][price]=\(price)")
        let before = desk.events.count
        desk.advance(seconds: 365 * 86_400 + 2 * 3_600)
        let invoices = desk.get("/v1/invoices", "subscription=\(made.id)&limit=100").data()
        #expect(invoices.count == 13)
        #expect(invoices.allSatisfy { $0.status == "paid" })
        #expect(Set(invoices.compactMap { $0.string("number") }).count == 13)
        let wanted = [
            "invoice.created", "customer.subscription.updated", "invoice.finalized", "payment_intent.created",
            "charge.succeeded", "payment_intent.succeeded", "invoice.paid", "invoice.payment_succeeded",
        ]
        let seen = desk.events.dropFirst(before).filter(wanted.contains)
        #expect(Array(seen.dropFirst(0)) == Array(repeating: wanted, count: 12).flatMap { $0 })
        let balance = desk.get("/v1/balance").array("available")?.first?.object?.int("amount")
        #expect(balance == 13 * (1_000 - 59) || balance == 12 * (1_000 - 59))
    }

    @Test("a card that fails leads through the tries to the end of the subscription")
    func dunning() {
        var desk = Desk()
        let (customer, price) = subscriber(&desk)
        let made = desk.post("/v1/subscriptions", "customer=\(customer)&items[0][price]=\(price)")
        let bad = desk.post("/v1/payment_methods/pm_card_chargeCustomerFail/attach", "customer=\(customer)").id
        desk.post("/v1/customers/\(customer)", "invoice_settings[default_payment_method]=\(bad)")
        desk.advance(seconds: 31 * 86_400)
        #expect(desk.get("/v1/subscriptions/\(made.id)").status == "past_due")
        #expect(
            desk.events.suffix(4) == [
                "charge.failed", "payment_intent.payment_failed", "invoice.payment_failed",
                "customer.subscription.updated",
            ]
        )
        desk.advance(seconds: 16 * 86_400)
        let ended = desk.get("/v1/subscriptions/\(made.id)")
        #expect(ended.status == "canceled")
        #expect(ended.value(at: "cancellation_details", "reason")?.string == "payment_failed")
        #expect(desk.events.filter { $0 == "invoice.payment_failed" }.count == 4)
        #expect(desk.events.last == "customer.subscription.deleted")
    }

    @Test("a trial costs nothing until it ends, and is announced three days before")
    func trial() {
        var desk = Desk()
        let (customer, price) = subscriber(&desk)
        let made = desk.post(
            "/v1/subscriptions",
            "customer=\(customer)&items[0][price]=\(price)&trial_period_days=7"
        )
        #expect(made.status == "trialing")
        #expect(!desk.events.contains("charge.succeeded"))
        desk.advance(seconds: 4 * 86_400)
        #expect(desk.events.last == "customer.subscription.trial_will_end")
        desk.advance(seconds: 3 * 86_400 + 3_600)
        #expect(desk.get("/v1/subscriptions/\(made.id)").status == "active")
        #expect(desk.events.contains("charge.succeeded"))
    }

    @Test("a subscription ends now, or at the end of its period")
    func ending() {
        var desk = Desk()
        let (customer, price) = subscriber(&desk)
        let first = desk.post("/v1/subscriptions", "customer=\(customer)&items[0][price]=\(price)")
        #expect(desk.call("DELETE", "/v1/subscriptions/\(first.id)").status == "canceled")
        let second = desk.post("/v1/subscriptions", "customer=\(customer)&items[0][price]=\(price)")
        let planned = desk.post("/v1/subscriptions/\(second.id)", "cancel_at_period_end=true")
        #expect(planned.status == "active")
        #expect(planned.int("cancel_at") == Desk.start.seconds + 30 * 86_400)
        desk.advance(seconds: 30 * 86_400)
        #expect(desk.get("/v1/subscriptions/\(second.id)").status == "canceled")
        #expect(desk.events.last == "customer.subscription.deleted")
    }

    @Test("a dearer price in the middle of the period costs the difference for the rest")
    func proration() {
        var desk = Desk()
        let (customer, price) = subscriber(&desk)
        let dear = desk.post(
            "/v1/prices",
            "product_data[name]=Dear&currency=usd&unit_amount=3000&recurring[interval]=month"
        ).id
        let made = desk.post("/v1/subscriptions", "customer=\(customer)&items[0][price]=\(price)")
        let item = Ledger.items(of: made)[0].id
        desk.advance(seconds: 15 * 86_400)
        desk.post(
            "/v1/subscriptions/\(made.id)",
            "items[0][id]=\(item)&items[0][price]=\(dear)&proration_behavior=always_invoice"
        )
        let invoice = desk.get("/v1/invoices", "limit=1").data()[0]
        #expect(invoice.int("amount_paid") == 1_000)
        #expect(invoice.object("lines")?.data().compactMap { $0.int("amount") } == [-500, 1_500])
    }

    @Test("a test clock moves its customers alone")
    func testClock() {
        var desk = Desk()
        let clock = desk.post("/v1/test_helpers/test_clocks", "frozen_time=1700000000")
        let (customer, price) = subscriber(&desk, clock: clock.id)
        let made = desk.post("/v1/subscriptions", "customer=\(customer)&items[0][price]=\(price)")
        #expect(made.int("created") == 1_700_000_000)
        for days in [Int64(61), 92] {
            let advancing = desk.post(
                "/v1/test_helpers/test_clocks/\(clock.id)/advance",
                "frozen_time=\(1_700_000_000 + days * 86_400)"
            )
            #expect(advancing.status == "advancing")
        }
        #expect(desk.get("/v1/test_helpers/test_clocks/\(clock.id)").status == "ready")
        #expect(desk.get("/v1/invoices", "subscription=\(made.id)").data().count == 4)
        #expect(desk.state.clock.now == Desk.start)
    }

    @Test("an invoice by hand: items, coupon, opened, paid, voided")
    func invoices() {
        var desk = Desk()
        let (customer, _) = subscriber(&desk)
        desk.post("/v1/coupons", "id=TEN&percent_off=10&duration=once")
        let draft = desk.post("/v1/invoices", "customer=\(customer)&discounts[0][coupon]=TEN")
        desk.post("/v1/invoiceitems", "customer=\(customer)&invoice=\(draft.id)&amount=2000&currency=usd")
        let open = desk.post("/v1/invoices/\(draft.id)/finalize", "expand[]=payments&expand[]=confirmation_secret")
        #expect(open.status == "open")
        #expect(open.int("amount_due") == 1_800)
        #expect(open.object("payments")?.data()[0].status == "open")
        #expect(open.value(at: "confirmation_secret", "type")?.string == "payment_intent")
        let paid = desk.post("/v1/invoices/\(draft.id)/pay")
        #expect(paid.status == "paid")
        #expect(desk.post("/v1/invoices/\(draft.id)/pay").errorCode == "invoice_already_paid")
        let other = desk.post("/v1/invoices", "customer=\(customer)").id
        desk.post("/v1/invoiceitems", "customer=\(customer)&invoice=\(other)&amount=500&currency=usd")
        desk.post("/v1/invoices/\(other)/finalize")
        #expect(desk.post("/v1/invoices/\(other)/void").status == "void")
    }

    @Test("a Checkout Session is paid on its page, and sends the customer back")
    func checkout() {
        var desk = Desk()
        let session = desk.post(
            "/v1/checkout/sessions",
            "mode=payment&success_url=https://shop.example/ok?s={CHECKOUT_SESSION_ID}"
                + "&line_items[0][price_data][currency]=usd&line_items[0][price_data][unit_amount]=700"
                + "&line_items[0][price_data][product_data][name]=Mug&line_items[0][quantity]=2"
        )
        #expect(session.int("amount_total") == 1_400)
        #expect(session.string("payment_status") == "unpaid")
        let path = "/c/pay/\(session.id)"
        desk.call("GET", path)
        #expect(desk.last.status == 200)
        desk.post(path, "number=4000000000000002&exp_month=12&exp_year=2035&cvc=123")
        #expect(String(decoding: desk.last.body, as: UTF8.self).contains("Your card was declined."))
        desk.post(path, "number=4242424242424242&exp_month=12&exp_year=2035&cvc=123&email=a@b.example")
        #expect(desk.last.header("Location") == "https://shop.example/ok?s=\(session.id)")
        let done = desk.get("/v1/checkout/sessions/\(session.id)", "expand[]=payment_intent&expand[]=line_items")
        #expect(done.status == "complete")
        #expect(done.string("payment_status") == "paid")
        #expect(done.value(at: "payment_intent", "status")?.string == "succeeded")
        #expect(desk.events.last == "checkout.session.completed")
        let late = desk.post(
            "/v1/checkout/sessions",
            "mode=setup&success_url=https://shop.example/ok&currency=usd"
        )
        desk.advance(seconds: 86_400)
        #expect(desk.get("/v1/checkout/sessions/\(late.id)").status == "expired")
    }

    @Test("a payment link leads every visitor to a session of his own, until it is switched off")
    func paymentLink() {
        var desk = Desk()
        let link = desk.post(
            "/v1/payment_links",
            "line_items[0][price_data][currency]=usd&line_items[0][price_data][unit_amount]=700"
                + "&line_items[0][price_data][product_data][name]=Mug&line_items[0][quantity]=1"
        )
        desk.call("GET", "/l/\(link.id)")
        #expect(desk.last.status == 303)
        let path = desk.last.header("Location") ?? ""
        desk.call("GET", "/l/\(link.id)")
        #expect(desk.last.header("Location") != path)
        desk.post(path, "number=4242424242424242&exp_month=12&exp_year=2035&cvc=123")
        let session = desk.get("/v1/checkout/sessions", "payment_link=\(link.id)&status=complete").data()[0]
        #expect(session.string("payment_status") == "paid")
        #expect(session.int("amount_total") == 700)
        desk.post("/v1/payment_links/\(link.id)", "active=false")
        desk.call("GET", "/l/\(link.id)")
        #expect(desk.last.status == 404)
    }

    @Test("a Checkout Session makes a subscription")
    func checkoutSubscription() {
        var desk = Desk()
        let (customer, price) = subscriber(&desk)
        let session = desk.post(
            "/v1/checkout/sessions",
            "mode=subscription&success_url=https://shop.example/ok&customer=\(customer)&line_items[0][price]=\(price)"
                + "&line_items[0][quantity]=1"
        )
        desk.post("/c/pay/\(session.id)", "number=4242424242424242&exp_month=12&exp_year=2035&cvc=123")
        #expect(desk.last.status == 303)
        let done = desk.get("/v1/checkout/sessions/\(session.id)", "expand[]=subscription")
        #expect(done.value(at: "subscription", "status")?.string == "active")
        #expect(done.has("invoice"))
    }

    @Test("a card is kept for later, with 3-D Secure where it asks")
    func setup() {
        var desk = Desk()
        let customer = desk.post("/v1/customers").id
        let kept = desk.post(
            "/v1/setup_intents",
            "customer=\(customer)&payment_method=pm_card_visa&confirm=true&payment_method_types[]=card"
        )
        #expect(kept.status == "succeeded")
        #expect(desk.events.suffix(2) == ["payment_method.attached", "setup_intent.succeeded"])
        let asked = desk.post(
            "/v1/setup_intents",
            "customer=\(customer)&payment_method=pm_card_authenticationRequiredOnSetup&confirm=true"
                + "&return_url=https://shop.example"
        )
        #expect(asked.status == "requires_action")
        desk.post(
            "/3d_secure_2/complete",
            "setup_intent=\(asked.id)&setup_intent_client_secret=\(asked.string("client_secret") ?? "")&outcome=succeeded"
        )
        let done = desk.get("/v1/setup_intents/\(asked.id)")
        #expect(done.status == "succeeded")
        let later = desk.pay(
            900,
            done.string("payment_method") ?? "",
            more: "&customer=\(customer)&off_session=true"
        )
        #expect(later.status == "succeeded")
        #expect(desk.post("/v1/setup_intents/\(done.id)/cancel").errorCode == "setup_intent_unexpected_state")
        // A card as the form in a page sends it: numbers as text, the year in two digits.
        let typed = [
            "type": "card", "card][number": "4242424242424242", "card][exp_month": "12", "card][exp_year": "35",
        ]
        .map { "payment_method_data[\($0.key)]=\($0.value)" }.joined(separator: "&")
        let left = desk.post("/v1/setup_intents", "payment_method_types[]=card")
        #expect(desk.post("/v1/setup_intents/\(left.id)/confirm", typed).status == "succeeded")
    }
}
