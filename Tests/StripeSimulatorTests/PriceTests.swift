import Testing

@testable import StripeSimulator

/// Three tiers: up to five, up to ten, the rest.
private let threeTiers = """
    billing_scheme=tiered&tiers[0][up_to]=5&tiers[0][unit_amount]=100&tiers[0][flat_amount]=1000\
    &tiers[1][up_to]=10&tiers[1][unit_amount_decimal]=33.335&tiers[2][up_to]=inf&tiers[2][unit_amount]=10
    """

@Suite("Prices") struct PriceTests {
    private func price(_ desk: inout Desk, _ form: String) -> JSONObject {
        desk.post("/v1/prices", "product_data[name]=Plan&currency=usd&" + form)
    }

    private func customer(_ desk: inout Desk) -> String {
        let customer = desk.post("/v1/customers").id
        let method = desk.post("/v1/payment_methods/pm_card_visa/attach", "customer=\(customer)").id
        desk.post("/v1/customers/\(customer)", "invoice_settings[default_payment_method]=\(method)")
        return customer
    }

    @Test(
        "what a first invoice asks for follows from the price exactly",
        arguments: [
            ("unit_amount_decimal=33.335", 30, Int64(1_000)),  // 1000.05
            ("unit_amount_decimal=0.5", 1, 1), ("unit_amount_decimal=0.499999999999", 1, 0),
            ("unit_amount_decimal=0.1", 15, 2), ("unit_amount_decimal=100.00", 3, 300),
            ("unit_amount=100&transform_quantity[divide_by]=5&transform_quantity[round]=up", 8, 200),
            ("unit_amount=100&transform_quantity[divide_by]=5&transform_quantity[round]=down", 8, 100),
            ("\(threeTiers)&tiers_mode=graduated", 3, 1_300),
            ("\(threeTiers)&tiers_mode=graduated", 7, 1_567),  // 1000 + 500 + 66.67
            ("\(threeTiers)&tiers_mode=graduated", 12, 1_687),  // 1000 + 500 + 166.675 + 20
            ("\(threeTiers)&tiers_mode=volume", 5, 1_500), ("\(threeTiers)&tiers_mode=volume", 7, 233),  // 233.345
            ("\(threeTiers)&tiers_mode=volume", 12, 120),
        ]
    )
    func subscription(_ form: String, _ quantity: Int64, _ due: Int64) {
        var desk = Desk()
        let customer = customer(&desk)
        let price = price(&desk, "recurring[interval]=month&" + form)
        let made = desk.post(
            "/v1/subscriptions",
            "customer=\(customer)&items[0][price]=\(price.id)&items[0][quantity]=\(quantity)&expand[]=latest_invoice"
        )
        #expect(made.value(at: "latest_invoice", "amount_due")?.int == due)
        #expect(made.status == "active")
        desk.advance(seconds: 31 * 86_400)
        #expect(desk.get("/v1/invoices", "limit=1").data()[0].int("subtotal") == due)
    }

    @Test("decimals, tiers and transformed quantities are billed by Checkout and by invoice items too")
    func elsewhere() {
        var desk = Desk()
        let data = "&line_items[0][price_data][product_data][name]=Nail&line_items[0][price_data][currency]=usd"
        let session = desk.post(
            "/v1/checkout/sessions",
            "mode=payment&success_url=https://shop.example&line_items[0][quantity]=2"
                + "&line_items[0][price_data][unit_amount_decimal]=99.5" + data
        )
        #expect(session.int("amount_total") == 199)
        let packs = price(&desk, "unit_amount=100&transform_quantity[divide_by]=5&transform_quantity[round]=up").id
        let link = desk.post("/v1/payment_links", "line_items[0][price]=\(packs)&line_items[0][quantity]=8").id
        #expect(desk.get("/v1/payment_links/\(link)/line_items").data()[0].int("amount_total") == 200)
        let customer = customer(&desk)
        let item = desk.post(
            "/v1/invoiceitems",
            "customer=\(customer)&currency=usd&unit_amount_decimal=33.335&quantity=30"
        )
        #expect(item.int("amount") == 1_000)
        let packed = desk.post("/v1/invoiceitems", "customer=\(customer)&pricing[price]=\(packs)&quantity=8")
        #expect(packed.int("amount") == 200)
    }

    @Test("events and answers tell nothing that only the simulator knows")
    func hiddenMembers() {
        var desk = Desk()
        let customer = customer(&desk)
        let price = price(&desk, "recurring[interval]=month&tiers_mode=volume&" + threeTiers).id
        desk.post("/v1/subscriptions", "customer=\(customer)&items[0][price]=\(price)&expand[]=latest_invoice")
        #expect(!String(decoding: desk.last.body, as: UTF8.self).contains("\"_"))
        desk.post("/v1/charges", "amount=900&currency=usd&source=tok_visa")
        #expect(!String(decoding: desk.last.body, as: UTF8.self).contains("\"_"))
        desk.get("/v1/events", "limit=100")
        #expect(!String(decoding: desk.last.body, as: UTF8.self).contains("\"_"))
    }

    @Test("tiers show when they are asked for, their mode always")
    func tiers() {
        var desk = Desk()
        let made = price(&desk, "recurring[interval]=month&tiers_mode=volume&" + threeTiers)
        #expect(made.string("billing_scheme") == "tiered")
        #expect(made.string("tiers_mode") == "volume")
        #expect(made["tiers"] == nil)
        #expect(made["unit_amount"] == .null)
        let shown = desk.get("/v1/prices/\(made.id)", "expand[]=tiers").array("tiers")?.compactMap(\.object) ?? []
        #expect(shown.map { $0["up_to"] } == [5, 10, .null])
        #expect(shown.map { $0["unit_amount"] } == [100, .null, 10])
        #expect(shown.map { $0["unit_amount_decimal"] } == ["100", "33.335", "10"])
        #expect(shown.map { $0["flat_amount"] } == [1_000, .null, .null])
        let packs = price(&desk, "unit_amount=100&transform_quantity[divide_by]=5&transform_quantity[round]=up")
        #expect(packs.object("transform_quantity") == ["divide_by": 5, "round": "up"])
        #expect(price(&desk, "unit_amount_decimal=100.00").int("unit_amount") == 100)
        #expect(price(&desk, "unit_amount_decimal=33.3350").string("unit_amount_decimal") == "33.335")
    }

    @Test(
        "a price that could not be billed as described is refused",
        arguments: [
            "unit_amount_decimal=1.0000000000001", "unit_amount_decimal=ten", "unit_amount_decimal=1e3",
            "unit_amount_decimal=-1.5", "unit_amount=1&unit_amount_decimal=1", "billing_scheme=tiered",
            "billing_scheme=tiered&tiers_mode=volume&unit_amount=5", "unit_amount=5&tiers_mode=volume",
            "unit_amount=5&tiers[0][up_to]=inf&tiers[0][unit_amount]=5", threeTiers,
            "billing_scheme=tiered&tiers_mode=volume&tiers[0][up_to]=5&tiers[0][unit_amount]=5",
            "billing_scheme=tiered&tiers_mode=volume&tiers[0][up_to]=inf",
            "billing_scheme=tiered&tiers_mode=volume&tiers[0][up_to]=many&tiers[0][unit_amount]=5",
            "\(threeTiers)&tiers_mode=volume&transform_quantity[divide_by]=5&transform_quantity[round]=up",
            "billing_scheme=tiered&tiers_mode=volume&tiers[0][up_to]=5&tiers[0][unit_amount]=5"
                + "&tiers[1][up_to]=4&tiers[1][unit_amount]=5&tiers[2][up_to]=inf&tiers[2][unit_amount]=5",
            "unit_amount=5&transform_quantity[divide_by]=0&transform_quantity[round]=up",
            "unit_amount=5&transform_quantity[divide_by]=2", "custom_unit_amount[enabled]=true",
            "unit_amount=5&currency_options[eur][unit_amount]=4",
        ]
    )
    func refused(_ form: String) {
        var desk = Desk()
        _ = price(&desk, "recurring[interval]=month&" + form)
        #expect(desk.last.status == 400)
        #expect(desk.state.ledgers.values.allSatisfy { $0.all(.price).isEmpty && $0.all(.product).isEmpty })
    }

    @Test("a plan bills what its decimal amount and its tiers say")
    func plans() {
        var desk = Desk()
        let customer = customer(&desk)
        let plan = desk.post("/v1/plans", "amount_decimal=33.335&currency=usd&interval=month&product[name]=Plan")
        #expect(plan.string("amount_decimal") == "33.335")
        let tiered = desk.post(
            "/v1/plans",
            "currency=usd&interval=month&product[name]=Plan&tiers_mode=volume&" + threeTiers
        )
        #expect(tiered.string("tiers_mode") == "volume")
        for (id, due) in [(plan.id, Int64(1_000)), (tiered.id, 300)] {
            let made = desk.post(
                "/v1/subscriptions",
                "customer=\(customer)&items[0][plan]=\(id)&items[0][quantity]=30&expand[]=latest_invoice"
            )
            #expect(made.value(at: "latest_invoice", "amount_due")?.int == due)
        }
    }

    @Test("a discount of a fraction of a percent is taken exactly")
    func fractions() {
        var desk = Desk()
        let customer = customer(&desk)
        let coupon = desk.post("/v1/coupons", "percent_off=33.35&duration=once").id
        let draft = desk.post("/v1/invoices", "customer=\(customer)&discounts[0][coupon]=\(coupon)").id
        desk.post("/v1/invoiceitems", "customer=\(customer)&invoice=\(draft)&amount=1000&currency=usd")
        #expect(desk.get("/v1/invoices/\(draft)").int("total") == 666)  // half of 333.5 up: 334 off
    }
}
