import Testing

@testable import StripeSimulator

@Suite("Discounts") struct DiscountTests {
    private func coupon(_ desk: inout Desk, _ form: String) -> String { desk.post("/v1/coupons", form).id }

    private func code(_ desk: inout Desk, _ coupon: String, _ more: String = "") -> String {
        desk.post("/v1/promotion_codes", "promotion[type]=coupon&promotion[coupon]=\(coupon)&" + more).id
    }

    // MARK: How long

    @Test("a coupon that is for once is taken off one invoice")
    func once() {
        var desk = Desk()
        let half = coupon(&desk, "percent_off=50&duration=once")
        let made = desk.subscribe(desk.customer(), desk.price(1_000), "discounts[0][coupon]=\(half)")
        #expect(made.array("discounts") == [])
        #expect(desk.events.contains("customer.discount.deleted"))
        desk.advance(days: 32)
        #expect(desk.totals(of: made.id) == [500, 1_000])
    }

    @Test("a trial does not use up a coupon that is for once")
    func onceAfterTrial() {
        var desk = Desk()
        let half = coupon(&desk, "percent_off=50&duration=once")
        let form = "trial_period_days=7&discounts[0][coupon]=\(half)"
        let made = desk.subscribe(desk.customer(), desk.price(1_000), form)
        desk.advance(days: 40)
        #expect(desk.totals(of: made.id) == [0, 500, 1_000])
    }

    @Test("a repeating coupon is taken off for its months")
    func repeating() {
        var desk = Desk()
        let less = coupon(&desk, "amount_off=300&currency=usd&duration=repeating&duration_in_months=2")
        let made = desk.subscribe(desk.customer(), desk.price(1_000), "discounts[0][coupon]=\(less)")
        desk.advance(days: 95)
        #expect(desk.totals(of: made.id) == [700, 700, 1_000, 1_000])
        #expect(desk.subscription(made.id).array("discounts") == [])
    }

    @Test("whoever has redeemed a coupon keeps it when the coupon is deleted")
    func deleted() {
        var desk = Desk()
        let half = coupon(&desk, "percent_off=50&duration=forever")
        let made = desk.subscribe(desk.customer(), desk.price(1_000), "discounts[0][coupon]=\(half)")
        desk.call("DELETE", "/v1/coupons/\(half)")
        desk.advance(days: 32)
        #expect(desk.totals(of: made.id) == [500, 500])
    }

    @Test("a discount that is named by its id stays")
    func byID() {
        var desk = Desk()
        let half = coupon(&desk, "percent_off=50&duration=forever")
        let made = desk.subscribe(desk.customer(), desk.price(1_000), "discounts[0][coupon]=\(half)")
        let discount = made.array("discounts")?.first?.string ?? ""
        let kept = desk.post("/v1/subscriptions/\(made.id)", "discounts[0][discount]=\(discount)")
        #expect(kept.array("discounts") == [.string(discount)])
        #expect(desk.get("/v1/coupons/\(half)").int("times_redeemed") == 1)
    }

    @Test("an older caller's coupon of a customer is taken off its subscription and its invoices")
    func ofCustomer() {
        var desk = Desk()
        let customer = desk.customer()
        let half = coupon(&desk, "percent_off=50&duration=forever")
        desk.version = "2024-06-20"
        desk.post("/v1/customers/\(customer)", "coupon=\(half)")
        #expect(desk.last.status == 200)
        desk.version = nil
        let made = desk.subscribe(customer, desk.price(1_000))
        #expect(desk.totals(of: made.id) == [500])
        desk.post("/v1/invoiceitems", "customer=\(customer)&amount=300&currency=usd")
        let draft = desk.post("/v1/invoices", "customer=\(customer)&pending_invoice_items_behavior=include")
        #expect(draft.int("total") == 150)
        desk.version = "2024-06-20"
        let own = desk.subscribe(desk.customer(), desk.price(2_000), "coupon=\(half)")
        desk.version = nil
        #expect(desk.totals(of: own.id) == [1_000])
    }

    @Test("a coupon is taken off a subscription that Checkout makes")
    func checkout() {
        var desk = Desk()
        let half = coupon(&desk, "percent_off=50&duration=once")
        let session = desk.post(
            "/v1/checkout/sessions",
            "mode=subscription&success_url=https://shop.example/ok&discounts[0][coupon]=\(half)"
                + "&line_items[0][price]=\(desk.price(1_000))&line_items[0][quantity]=1"
        )
        #expect(session.int("amount_total") == 500)
        #expect(desk.get("/v1/coupons/\(half)").int("times_redeemed") == 0)
        desk.post("/c/pay/\(session.id)", "number=4242424242424242&exp_month=12&exp_year=2035&cvc=123")
        let made = desk.get("/v1/checkout/sessions/\(session.id)").string("subscription") ?? ""
        #expect(desk.totals(of: made) == [500])
        #expect(desk.get("/v1/coupons/\(half)").int("times_redeemed") == 1)
    }

    @Test("a card that is refused leaves the coupon to the next one")
    func checkoutDeclined() {
        var desk = Desk()
        let half = coupon(&desk, "percent_off=50&duration=once&max_redemptions=1")
        let mug = desk.post("/v1/prices", "product_data[name]=Mug&currency=usd&unit_amount=700").id
        let session = desk.post(
            "/v1/checkout/sessions",
            "mode=subscription&success_url=https://shop.example/ok&discounts[0][coupon]=\(half)"
                + "&line_items[0][price]=\(desk.price(1_000))&line_items[0][quantity]=1"
                + "&line_items[1][price]=\(mug)&line_items[1][quantity]=1"
        )
        let path = "/c/pay/\(session.id)"
        desk.post(path, "number=4000000000000341&exp_month=12&exp_year=2035&cvc=123")
        #expect(desk.get("/v1/checkout/sessions/\(session.id)").status == "open")
        #expect(desk.get("/v1/coupons/\(half)").int("times_redeemed") == 0)
        desk.post(path, "number=4242424242424242&exp_month=12&exp_year=2035&cvc=123")
        let made = desk.get("/v1/checkout/sessions/\(session.id)").string("subscription") ?? ""
        #expect(desk.totals(of: made) == [850])
        #expect(desk.get("/v1/coupons/\(half)").int("times_redeemed") == 1)
    }

    // MARK: Limits

    @Test("a coupon is redeemed as often as it may be, and until it may be")
    func couponLimits() {
        var desk = Desk()
        let price = desk.price(1_000)
        let single = coupon(&desk, "percent_off=50&max_redemptions=1")
        #expect(desk.get("/v1/coupons/\(single)").bool("valid") == true)
        desk.subscribe(desk.customer(), price, "discounts[0][coupon]=\(single)")
        #expect(desk.last.status == 200)
        #expect(desk.get("/v1/coupons/\(single)").bool("valid") == false)
        let refused = desk.subscribe(desk.customer(), price, "discounts[0][coupon]=\(single)")
        #expect(desk.last.status == 400)
        #expect(refused.errorCode == "coupon_expired")
        #expect(refused.errorParam == "discounts[0][coupon]")
        let short = coupon(&desk, "percent_off=50&redeem_by=\(Desk.start.seconds + 60)")
        desk.advance(seconds: 61)
        desk.subscribe(desk.customer(), price, "discounts[0][coupon]=\(short)")
        #expect(desk.last.status == 400)
        #expect(desk.get("/v1/coupons/\(short)").bool("valid") == false)
    }

    @Test("coupons that contradict themselves, or that could not be reckoned, are refused")
    func senselessCoupons() {
        var desk = Desk()
        for (form, param) in [
            ("max_redemptions=0", "max_redemptions"), ("redeem_by=\(Desk.start.seconds)", "redeem_by"),
            ("duration=once&duration_in_months=2", "duration_in_months"),
            ("duration=repeating&duration_in_months=0", "duration_in_months"),
            ("applies_to[products][0]=prod_1", "applies_to"),
            ("currency_options[eur][amount_off]=3", "currency_options"),
        ] {
            #expect(desk.post("/v1/coupons", "percent_off=50&\(form)").errorParam == param, "\(form)")
        }
    }

    @Test("a promotion code is redeemed only where its restrictions allow it")
    func codes() {
        var desk = Desk()
        let price = desk.price(1_000)
        let half = coupon(&desk, "percent_off=50")
        let (customer, other) = (desk.customer(), desk.customer())
        let codes = [
            code(&desk, half, "active=false"), code(&desk, half, "customer=\(other)"),
            code(&desk, half, "restrictions[minimum_amount]=5000&restrictions[minimum_amount_currency]=usd"),
            code(&desk, half, "expires_at=\(Desk.start.seconds + 60)"),
        ]
        desk.advance(seconds: 61)
        for id in codes {
            let refused = desk.subscribe(customer, price, "discounts[0][promotion_code]=\(id)")
            #expect(desk.last.status == 400)
            #expect(refused.errorParam == "discounts[0][promotion_code]")
        }
        #expect(desk.get("/v1/subscriptions", "customer=\(customer)").data().isEmpty)
        #expect(desk.get("/v1/coupons/\(half)").int("times_redeemed") == 0)
        #expect(desk.get("/v1/promotion_codes/\(codes[3])").bool("active") == false)
        let first = code(&desk, half, "restrictions[first_time_transaction]=true&max_redemptions=2")
        let made = desk.subscribe(customer, price, "discounts[0][promotion_code]=\(first)")
        #expect(desk.totals(of: made.id) == [500])
        desk.subscribe(customer, price, "discounts[0][promotion_code]=\(first)")
        #expect(desk.last.status == 400)
        desk.subscribe(other, desk.price(5_000), "discounts[0][promotion_code]=\(codes[2])")
        #expect(desk.last.status == 200)
        desk.subscribe(other, price, "discounts[0][promotion_code]=\(codes[1])")
        #expect(desk.last.status == 200)
    }

    @Test("a promotion code is used up, and goes no further than its coupon")
    func codeLimits() {
        var desk = Desk()
        let price = desk.price(1_000)
        let limited = coupon(&desk, "percent_off=50&max_redemptions=3&redeem_by=\(Desk.start.seconds + 600)")
        let single = code(&desk, limited, "max_redemptions=1")
        desk.subscribe(desk.customer(), price, "discounts[0][promotion_code]=\(single)")
        #expect(desk.last.status == 200)
        desk.subscribe(desk.customer(), price, "discounts[0][promotion_code]=\(single)")
        #expect(desk.last.status == 400)
        #expect(desk.get("/v1/promotion_codes", "active=true").data().isEmpty)
        let path = "/v1/promotion_codes"
        let form = "promotion[type]=coupon&promotion[coupon]=\(limited)"
        #expect(desk.post(path, form + "&max_redemptions=4").errorParam == "max_redemptions")
        #expect(desk.post(path, form + "&expires_at=\(Desk.start.seconds + 601)").errorParam == "expires_at")
        desk.post(path, form + "&restrictions[currency_options][eur][minimum_amount]=4")
        #expect(desk.last.status == 400)
    }

    // MARK: Prorations

    @Test("prorations have the discount in them, and are not discounted again")
    func prorations() {
        var desk = Desk()
        let half = coupon(&desk, "percent_off=50&duration=forever")
        let customer = desk.customer()
        let made = desk.subscribe(customer, desk.price(1_000), "discounts[0][coupon]=\(half)")
        let item = Ledger.items(of: made)[0].id
        desk.advance(days: 15)
        desk.post("/v1/subscriptions/\(made.id)", "items[0][id]=\(item)&items[0][quantity]=3")
        let items = desk.get("/v1/invoiceitems", "customer=\(customer)").data()
        #expect(items.reversed().map { $0.int("amount") } == [-250, 750])
        #expect(items.allSatisfy { $0.bool("discountable") == false })
        desk.advance(days: 17)
        #expect(desk.totals(of: made.id) == [500, 2_000])
    }

    @Test("the unused time of what was bought with a coupon for once is given back at its price")
    func onceProrated() {
        var desk = Desk()
        let half = coupon(&desk, "percent_off=50&duration=once")
        let customer = desk.customer()
        let made = desk.subscribe(customer, desk.price(1_000), "discounts[0][coupon]=\(half)")
        let item = Ledger.items(of: made)[0].id
        desk.advance(days: 15)
        desk.post("/v1/subscriptions/\(made.id)", "items[0][id]=\(item)&items[0][quantity]=3")
        let items = desk.get("/v1/invoiceitems", "customer=\(customer)").data()
        #expect(items.reversed().map { $0.int("amount") } == [-250, 1_500])
    }
}
