import Testing

@testable import StripeSimulator

/// Cards as older callers keep them: a customer's sources.
@Suite("Sources of customers") struct SourceTests {
    @Test("a token at a customer's creation is their default source, and pays what they owe")
    func creating() {
        var desk = Desk()
        let customer = desk.post("/v1/customers", "source=tok_visa")
        let card = customer.string("default_source") ?? ""
        #expect(desk.get("/v1/customers/\(customer.id)/sources").data().map(\.id) == [card])
        #expect(desk.events.contains("customer.source.created"))
        #expect(desk.subscribe(customer.id, desk.price(1_000)).status == "active")
        desk.post("/v1/invoiceitems", "customer=\(customer.id)&amount=700&currency=usd")
        let invoice = desk.post("/v1/invoices", "customer=\(customer.id)&pending_invoice_items_behavior=include")
        #expect(desk.post("/v1/invoices/\(invoice.id)/pay").status == "paid")
        let intent = desk.post(
            "/v1/payment_intents",
            "customer=\(customer.id)&amount=100&currency=usd&confirm=true&payment_method_types[]=card"
        )
        #expect(intent.status == "succeeded")
        #expect(intent.string("payment_method") == card)
        #expect(desk.get("/v1/charges", "payment_intent=\(intent.id)&expand[]=data.customer").data().count == 1)
    }

    @Test("a new source takes the place of the one before, which is gone")
    func replacing() {
        var desk = Desk()
        let customer = desk.post("/v1/customers", "source=tok_visa")
        let changed = desk.post("/v1/customers/\(customer.id)", "source=tok_mastercard")
        #expect(changed.string("default_source") != customer.string("default_source"))
        #expect(desk.get("/v1/customers/\(customer.id)/sources").data().map { $0.string("last4") } == ["4444"])
        #expect(desk.events.contains("customer.source.deleted"))
        desk.call("DELETE", "/v1/customers/\(customer.id)/sources/\(changed.string("default_source") ?? "")")
        #expect(desk.get("/v1/customers/\(customer.id)")["default_source"] == .null)
        #expect(desk.subscribe(customer.id, desk.price(1_000)).errorCode == "resource_missing")
    }

    @Test("a card that is declined makes no customer, and no source of one")
    func declined() {
        var desk = Desk()
        #expect(desk.post("/v1/customers", "source=tok_chargeDeclined").errorCode == "card_declined")
        #expect(desk.last.status == 402)
        #expect(desk.get("/v1/customers").data().isEmpty)
        let customer = desk.customer(card: nil)
        #expect(desk.post("/v1/customers/\(customer)", "source=tok_chargeDeclined").errorCode == "card_declined")
        #expect(desk.get("/v1/customers/\(customer)/sources").data().isEmpty)
        #expect(desk.post("/v1/customers", "source=tok_nonsense").errorParam == "source")
    }

    @Test("a source that is not the customer's is nobody's default")
    func unknown() {
        var desk = Desk()
        let other = desk.post("/v1/customers", "source=tok_visa").string("default_source") ?? ""
        let customer = desk.customer()
        let price = desk.price(1_000)
        for source in ["card_nope", other] {
            desk.post("/v1/customers/\(customer)", "default_source=\(source)")
            #expect(desk.last.status == 400)
            #expect(desk.subscribe(customer, price, "default_source=\(source)").errorParam == "default_source")
            #expect(
                desk.post("/v1/invoices", "customer=\(customer)&default_source=\(source)").errorParam
                    == "default_source"
            )
        }
        #expect(desk.get("/v1/customers/\(customer)")["default_source"] == .null)
    }

    @Test("a subscription's own source pays for it, though its customer has none by default")
    func ofSubscription() {
        var desk = Desk()
        let customer = desk.customer(card: nil)
        let good = desk.post("/v1/customers/\(customer)/sources", "source=tok_visa").id
        let bad = desk.post("/v1/customers/\(customer)/sources", "source=tok_chargeCustomerFail").id
        desk.post("/v1/customers/\(customer)", "default_source=\(bad)")
        #expect(desk.subscribe(customer, desk.price(1_000)).status == "incomplete")
        #expect(desk.subscribe(customer, desk.price(1_000), "default_source=\(good)").status == "active")
    }
}
