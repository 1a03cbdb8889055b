import Testing

@testable import StripeSimulator

/// What contradicts itself, or cannot be, is refused with the parameter's name, and not made to fit.
@Suite("Wrong values") struct WrongValueTests {
    /// Texts for the path and the form: a customer, a monthly price, a single price, a coupon.
    private static let wrong: [(path: String, form: String, param: String)] = [
        ("subscriptions", "customer=C&items[0][price]=P&items[0][quantity]=-3", "items[0][quantity]"),
        ("subscriptions", "customer=C&items[0][price]=P&items[0][quantity]=1000001", "items[0][quantity]"),
        ("subscriptions", "customer=C&items[0][price]=P&trial_period_days=-1", "trial_period_days"),
        ("subscriptions", "customer=C&items[0][price]=P&trial_period_days=731", "trial_period_days"),
        ("subscriptions", "customer=C&items[0][price]=P&trial_end=99999999999", "trial_end"),
        ("subscriptions", "customer=C&items[0][price]=P&trial_end=soon", "trial_end"),
        (
            "subscriptions", "customer=C&items[0][price]=P&collection_method=send_invoice&days_until_due=-1",
            "days_until_due"
        ),
        ("invoices", "customer=C&collection_method=send_invoice&days_until_due=-5", "days_until_due"),
        ("invoices", "customer=C&collection_method=send_invoice&due_date=1", "due_date"),
        ("invoices", "customer=C&days_until_due=5", "days_until_due"),
        ("invoiceitems", "customer=C&pricing[price]=S&quantity=-1", "quantity"),
        (
            "prices",
            "currency=usd&unit_amount=1&product_data[name]=N&recurring[interval]=month&recurring[interval_count]=0",
            "recurring[interval_count]"
        ),
        (
            "prices",
            "currency=usd&unit_amount=1&product_data[name]=N&recurring[interval]=month&recurring[interval_count]=37",
            "recurring[interval_count]"
        ),
        (
            "prices",
            "currency=usd&unit_amount=1&product_data[name]=N&recurring[interval]=month&recurring[trial_period_days]=-3",
            "recurring[trial_period_days]"
        ),
        ("plans", "currency=usd&amount=1&interval=month&interval_count=0&product[name]=N", "interval_count"),
        ("plans", "currency=usd&amount=1&interval=month&trial_period_days=-3&product[name]=N", "trial_period_days"),
        ("plans", "currency=usd&amount=-1&interval=month&product[name]=N", "amount"),
        ("promotion_codes", "promotion[type]=coupon&promotion[coupon]=O&code=a b!", "code"),
        ("payment_intents", "amount=100&currency=usd&payment_method_types[]=foo", "payment_method_types"),
        ("setup_intents", "payment_method_types[]=foo", "payment_method_types"),
        (
            "payment_intents", "amount=100&currency=usd&payment_method_options[card][request_three_d_secure]=foo",
            "payment_method_options[card][request_three_d_secure]"
        ),
        (
            "payment_intents", "amount=100&currency=usd&payment_method_options[card][capture_method]=automatic",
            "payment_method_options[card][capture_method]"
        ),
        (
            "checkout/sessions", "mode=payment&success_url=nourl&line_items[0][price]=S&line_items[0][quantity]=1",
            "success_url"
        ),
        ("checkout/sessions", "mode=payment&success_url=https://a.b&line_items[0][price]=S", "line_items[0][quantity]"),
        (
            "checkout/sessions",
            "mode=payment&success_url=https://a.b&line_items[0][price]=S&line_items[0][quantity]=-1",
            "line_items[0][quantity]"
        ),
        (
            "checkout/sessions",
            "mode=subscription&success_url=https://a.b&line_items[0][price]=P&line_items[0][quantity]=1"
                + "&subscription_data[trial_period_days]=0", "subscription_data[trial_period_days]"
        ),
    ]

    @Test("a wrong value is refused with its name", arguments: wrong)
    func refused(_ path: String, _ form: String, _ param: String) {
        var desk = Desk()
        let single = desk.post("/v1/prices", "product_data[name]=Mug&currency=usd&unit_amount=500").id
        let coupon = desk.post("/v1/coupons", "percent_off=5").id
        let texts = ["=C&": desk.customer(), "=P&": desk.price(1_000), "=S&": single, "=O&": coupon]
        var text = form + "&"
        for (mark, id) in texts {
            text = text.split(separator: mark, omittingEmptySubsequences: false).joined(separator: "=\(id)&")
        }
        let refused = desk.post("/v1/\(path)", String(text.dropLast()))
        #expect(desk.last.status == 400)
        #expect(refused.errorType == "invalid_request_error")
        #expect(refused.errorParam == param)
    }

    @Test("a session says one thing only of its customer and of its discounts")
    func sessions() {
        var desk = Desk()
        let price = desk.post("/v1/prices", "product_data[name]=Mug&currency=usd&unit_amount=500").id
        let form = "mode=payment&success_url=https://a.b&line_items[0][price]=\(price)&line_items[0][quantity]=1&"
        let coupon = desk.post("/v1/coupons", "percent_off=5").id
        for more in [
            "customer=\(desk.customer())&customer_email=a@b.de",
            "discounts[0][coupon]=\(coupon)&allow_promotion_codes=true",
        ] {
            let refused = desk.post("/v1/checkout/sessions", form + more)
            #expect(refused.errorMessage?.hasPrefix("You may only specify one of these parameters") == true)
        }
    }

    @Test("a changed subscription keeps to the same bounds, and keeps what a change says of its trial's end")
    func changes() {
        var desk = Desk()
        let made = desk.subscribe(desk.customer(), desk.price(1_000), "trial_period_days=3")
        let path = "/v1/subscriptions/\(made.id)"
        let item = Ledger.items(of: made).first?.id ?? ""
        #expect(desk.post(path, "items[0][id]=\(item)&items[0][quantity]=-1").errorParam == "items[0][quantity]")
        #expect(desk.post("/v1/subscription_items/\(item)", "quantity=-1").errorParam == "items[0][quantity]")
        #expect(desk.post(path, "quantity=-1").errorParam == "quantity")
        let changed = desk.post(path, "trial_settings[end_behavior][missing_payment_method]=cancel")
        #expect(changed.value(at: "trial_settings", "end_behavior", "missing_payment_method") == "cancel")
    }

    @Test("an active code is there once, however it is written")
    func codes() {
        var desk = Desk()
        let coupon = desk.post("/v1/coupons", "percent_off=5").id
        let form = "promotion[type]=coupon&promotion[coupon]=\(coupon)&code="
        let first = desk.post("/v1/promotion_codes", form + "DUP")
        let second = desk.post("/v1/promotion_codes", form + "dup")
        #expect(second.errorMessage == "An active promotion code with `code: dup` already exists.")
        desk.post("/v1/promotion_codes/\(first.id)", "active=false")
        #expect(desk.post("/v1/promotion_codes", form + "dup").string("code") == "dup")
        desk.post("/v1/promotion_codes/\(first.id)", "active=true")
        #expect(desk.last.status == 400)
    }

    @Test("fifty keys of metadata are the most an object has, those it had with those that come")
    func metadata() {
        var desk = Desk()
        let keys = { (range: Range<Int>) in range.map { "metadata[k\($0)]=v" }.joined(separator: "&") }
        let customer = desk.post("/v1/customers", keys(0..<40)).id
        #expect(desk.post("/v1/customers/\(customer)", keys(40..<51)).errorParam == "metadata")
        #expect(desk.post("/v1/customers/\(customer)", keys(40..<50)).object("metadata")?.count == 50)
        #expect(desk.post("/v1/customers/\(customer)", keys(40..<50) + "&metadata[k0]=&metadata[new]=v").id == customer)
    }
}
