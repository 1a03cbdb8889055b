import Testing

@testable import StripeSimulator

@Suite("What answers show") struct AnswerTests {
    /// The places of members that only the simulator knows.
    private func hidden(_ value: JSONValue, _ place: String = "") -> [String] {
        switch value {
        case .object(let object):
            object.members.flatMap { member in
                (member.key.hasPrefix("_") ? ["\(place).\(member.key)"] : [])
                    + hidden(member.value, "\(place).\(member.key)")
            }
        case .array(let elements): elements.flatMap { hidden($0, place) }
        default: []
        }
    }

    private func discounted(_ desk: inout Desk) -> (customer: String, subscription: JSONObject, coupon: String) {
        let customer = desk.post(
            "/v1/customers",
            "payment_method=pm_card_visa&invoice_settings[default_payment_method]=pm_card_visa"
        ).id
        let coupon = desk.post("/v1/coupons", "percent_off=50&duration=forever").id
        let made = desk.subscribe(customer, desk.price(1_000), "discounts[0][coupon]=\(coupon)")
        return (customer, made, coupon)
    }

    @Test("nothing that only the simulator knows is shown, however deep it is expanded")
    func deep() {
        var desk = Desk()
        let (customer, subscription, coupon) = discounted(&desk)
        let invoice = subscription.string("latest_invoice") ?? ""
        let code = desk.post("/v1/promotion_codes", "promotion[type]=coupon&promotion[coupon]=\(coupon)").id
        let answers = [
            desk.get("/v1/customers/\(customer)", "expand[]=invoice_settings.default_payment_method"),
            desk.get("/v1/promotion_codes/\(code)", "expand[]=promotion.coupon"),
            desk.get(
                "/v1/subscriptions/\(subscription.id)",
                "expand[]=discounts.source.coupon&expand[]=latest_invoice"
            ),
            desk.get("/v1/invoices/\(invoice)", "expand[]=parent.subscription_details.subscription"),
            desk.get("/v1/invoices/\(invoice)", "expand[]=payments.data.payment.payment_intent"),
            desk.get("/v1/invoices/\(invoice)", "expand[]=total_discount_amounts.discount"),
        ]
        for answer in answers {
            #expect(answer.errorType == nil)
            #expect(hidden(.object(answer)) == [])
        }
    }

    @Test("a caller's own metadata is shown whole")
    func metadata() {
        var desk = Desk()
        #expect(desk.post("/v1/customers", "metadata[_own]=x").object("metadata") == ["_own": "x"])
    }

    @Test("older versions have the first discount, and the coupon in it")
    func olderVersions() {
        var desk = Desk()
        let (_, subscription, coupon) = discounted(&desk)
        let invoice = subscription.string("latest_invoice") ?? ""
        let code = desk.post("/v1/promotion_codes", "promotion[type]=coupon&promotion[coupon]=\(coupon)").id
        for version in ["2020-08-27", "2025-02-24.acacia"] {
            desk.version = version
            for path in ["subscriptions/\(subscription.id)", "invoices/\(invoice)"] {
                let discount = desk.get("/v1/\(path)").object("discount")
                #expect(discount?.value(at: "coupon", "id")?.string == coupon, "\(version) \(path)")
                #expect(discount?["source"] == nil)
            }
        }
        for version in ["2025-02-24.acacia", "2025-03-31.basil"] {
            desk.version = version
            let shown = desk.get("/v1/promotion_codes/\(code)")
            #expect(shown.value(at: "coupon", "id")?.string == coupon)
            #expect(shown["promotion"] == nil)
        }
        desk.version = "2025-09-30.clover"
        #expect(desk.get("/v1/promotion_codes/\(code)").value(at: "promotion", "coupon")?.string == coupon)
    }

    @Test("older versions tell an invoice that was paid outside of Stripe from one that was not")
    func outside() {
        var desk = Desk()
        var seen: [Bool?] = []
        for form in ["paid_out_of_band=true", ""] {
            let customer = desk.customer()
            let invoice = desk.post("/v1/invoices", "customer=\(customer)").id
            desk.post("/v1/invoiceitems", "customer=\(customer)&invoice=\(invoice)&amount=900&currency=usd")
            desk.post("/v1/invoices/\(invoice)/pay", form)
            desk.version = "2024-06-20"
            seen.append(desk.get("/v1/invoices/\(invoice)").bool("paid_out_of_band"))
            desk.version = nil
        }
        #expect(seen == [true, false])
    }
}
