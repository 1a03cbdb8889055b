import Testing

@testable import StripeSimulator

@Suite("Options of cards") struct CardOptionTests {
    private let options = "&payment_method_options[card]"

    @Test("an intent whose option of cards is manual holds the money until it is captured")
    func manual() {
        var desk = Desk()
        let held = desk.pay(1_000, more: options + "[capture_method]=manual")
        #expect(held.status == "requires_capture")
        #expect(held.int("amount_capturable") == 1_000)
        #expect(held.int("amount_received") == 0)
        #expect(desk.get("/v1/balance_transactions").data().isEmpty)
        let taken = desk.post("/v1/payment_intents/\(held.id)/capture", "amount_to_capture=600")
        #expect(taken.int("amount_received") == 600)
    }

    @Test("an option given when confirming counts too")
    func confirming() {
        var desk = Desk()
        let made = desk.post("/v1/payment_intents", "amount=900&currency=usd&payment_method_types[]=card")
        let path = "/v1/payment_intents/\(made.id)/confirm"
        let held = desk.post(path, "payment_method=pm_card_visa" + options + "[capture_method]=manual")
        #expect(held.status == "requires_capture")
        let form = "amount=900&currency=usd&payment_method_types[]=card" + options + "[capture_method]=manual"
        let other = desk.post("/v1/payment_intents", form)
        desk.post("/v1/payment_intents/\(other.id)", "payment_method=pm_card_visa" + options + "[capture_method]=")
        #expect(desk.post("/v1/payment_intents/\(other.id)/confirm").status == "succeeded")
    }

    @Test("a card is kept where its option says so, and not where the option says none")
    func later() {
        var desk = Desk()
        let customer = desk.customer(card: nil)
        desk.pay(
            1_000,
            more: "&customer=\(customer)&setup_future_usage=off_session" + options + "[setup_future_usage]=none"
        )
        #expect(desk.get("/v1/payment_methods", "customer=\(customer)").data().isEmpty)
        desk.pay(1_000, more: "&customer=\(customer)" + options + "[setup_future_usage]=off_session")
        #expect(desk.get("/v1/payment_methods", "customer=\(customer)").data().count == 1)
    }

    @Test("3-D Secure is asked for where the caller wants it and the card is enrolled")
    func secure() {
        var desk = Desk()
        let wanted = options + "[request_three_d_secure]=any"
        #expect(desk.pay(1_000, "pm_card_threeDSecureOptional").status == "succeeded")
        #expect(desk.pay(1_000, "pm_card_threeDSecureOptional", more: wanted).status == "requires_action")
        #expect(desk.pay(1_000, more: wanted).status == "succeeded")
    }

    @Test("an authorisation is raised where the intent asked for that, as long as it is held")
    func increment() {
        var desk = Desk()
        let more = "&capture_method=manual"
        let fixed = desk.pay(1_000, more: more)
        #expect(
            desk.post("/v1/payment_intents/\(fixed.id)/increment_authorization", "amount=1200").errorCode
                == "payment_intent_unexpected_state"
        )
        let held = desk.pay(1_000, more: more + options + "[request_incremental_authorization]=if_available")
        let path = "/v1/payment_intents/\(held.id)"
        #expect(desk.post(path + "/increment_authorization", "amount=1000").errorParam == "amount")
        let raised = desk.post(path + "/increment_authorization", "amount=1500&description=More")
        #expect(raised.int("amount") == 1_500)
        #expect(raised.int("amount_capturable") == 1_500)
        #expect(raised.string("description") == "More")
        #expect(desk.get("/v1/charges/\(held.string("latest_charge") ?? "")").int("amount") == 1_500)
        #expect(desk.post(path + "/capture").int("amount_received") == 1_500)
        #expect(
            desk.post(path + "/increment_authorization", "amount=1600").errorCode == "payment_intent_unexpected_state"
        )
    }

    @Test("the payment of a Checkout Session is cancelled with the session alone")
    func session() {
        var desk = Desk()
        let line =
            "line_items[0][price_data][currency]=usd&line_items[0][price_data][unit_amount]=700"
            + "&line_items[0][price_data][product_data][name]=Mug&line_items[0][quantity]=1"
        let session = desk.post("/v1/checkout/sessions", "mode=payment&success_url=https://a.b&" + line)
        desk.post("/c/pay/\(session.id)", "number=4000000000000002&exp_month=12&exp_year=2035&cvc=123")
        let intent = desk.get("/v1/checkout/sessions/\(session.id)").string("payment_intent") ?? ""
        let refused = desk.post("/v1/payment_intents/\(intent)/cancel")
        #expect(refused.errorMessage?.contains("Expire the Checkout Session instead.") == true)
        desk.post("/c/pay/\(session.id)", "number=4242424242424242&exp_month=12&exp_year=2035&cvc=123")
        #expect(desk.get("/v1/payment_intents/\(intent)").status == "succeeded")
    }

    @Test("a Checkout Session paid by debit is complete at once, and paid once the bank has answered")
    func debit() {
        var desk = Desk()
        let line =
            "line_items[0][price_data][currency]=eur&line_items[0][price_data][unit_amount]=700"
            + "&line_items[0][price_data][product_data][name]=Mug&line_items[0][quantity]=1"
        for (iban, outcome) in [
            ("AT611904300234573201", "async_payment_succeeded"), ("DE62370400440532013001", "async_payment_failed"),
        ] {
            let form = "mode=payment&payment_method_types[]=sepa_debit&success_url=https://a.b&" + line
            let session = desk.post("/v1/checkout/sessions", form).id
            let method = desk.post(
                "/v1/payment_methods",
                "type=sepa_debit&sepa_debit[iban]=\(iban)&billing_details[name]=N&billing_details[email]=a@b.de"
            ).id
            let path = "/v1/payment_pages/\(session)"
            #expect(desk.get(path).value(at: "line_item_group", "total")?.int == 700)
            #expect(
                desk.post(path + "/confirm", "payment_method=\(method)&expected_amount=1").errorParam
                    == "expected_amount"
            )
            desk.post(path + "/confirm", "payment_method=\(method)&expected_amount=700")
            let shown = desk.get("/v1/checkout/sessions/\(session)")
            #expect(shown.status == "complete")
            #expect(shown.string("payment_status") == "unpaid")
            desk.advance(seconds: 300)
            #expect(desk.events.contains("checkout.session.\(outcome)"))
            let isPaid = outcome == "async_payment_succeeded"
            #expect(
                desk.get("/v1/checkout/sessions/\(session)").string("payment_status") == (isPaid ? "paid" : "unpaid")
            )
        }
    }

    @Test("money that is there at once is told of")
    func available() {
        var desk = Desk()
        desk.pay(900, "pm_card_bypassPending")
        desk.advance(seconds: 2)
        #expect(desk.events.contains("balance.available"))
        let event = desk.get("/v1/events", "type=balance.available").data().first
        #expect(event?.value(at: "data", "object", "object") == "balance")
    }
}
