import Testing

@testable import StripeSimulator

@Suite("Operations on what is seldom there") struct RareOperationTests {
    @Test("every core operation of Stripe is known here", .enabled(if: SharedData.isThere))
    func everyOperation() throws {
        let operations = try #require(SharedData.json("stripe-operations.json")?.object?.array("operations"))
        var unknown: [String] = []
        var count = 0
        for operation in operations.compactMap(\.object) where operation.bool("core") == true {
            let path = operation.string("path") ?? ""
            let segments = path.split(separator: "/").dropFirst().map { $0.hasPrefix("{") ? "x" : String($0) }
            count += 1
            if RouteTable.all.find(operation.string("verb") ?? "", segments) == nil { unknown.append(path) }
        }
        #expect(count > 170)
        // Bank transfers are not modelled.
        #expect(unknown == ["/v1/customers/{id}/funding_instructions"])
    }

    @Test("a customer has no cash, but says how it would be reconciled")
    func cash() {
        var desk = Desk()
        let path = "/v1/customers/\(desk.customer())"
        let changed = desk.post(path + "/cash_balance", "settings[reconciliation_mode]=manual")
        #expect(changed.value(at: "settings", "reconciliation_mode") == "manual")
        #expect(desk.get(path + "/cash_balance") == changed)
        #expect(desk.get(path + "/cash_balance_transactions").data().isEmpty)
        desk.get(path + "/cash_balance_transactions/ccsbtxn_1")
        #expect(desk.last.status == 404)
        let intent = desk.post("/v1/payment_intents", "amount=900&currency=usd&payment_method_types[]=card").id
        let refused = desk.post("/v1/payment_intents/\(intent)/apply_customer_balance")
        #expect(refused.errorCode == "payment_intent_unexpected_state")
    }

    @Test("a payment that was made before pays an invoice of as much")
    func attaching() {
        var desk = Desk()
        let customer = desk.customer()
        let invoice = desk.post("/v1/invoices", "customer=\(customer)").id
        desk.post("/v1/invoiceitems", "customer=\(customer)&invoice=\(invoice)&amount=900&currency=usd")
        desk.post("/v1/invoices/\(invoice)/finalize")
        let small = desk.pay(800, more: "&customer=\(customer)").id
        let path = "/v1/invoices/\(invoice)/attach_payment"
        #expect(desk.post(path, "payment_intent=\(small)").errorParam == "payment_intent")
        let enough = desk.pay(900, more: "&customer=\(customer)").id
        #expect(desk.post(path, "payment_intent=\(enough)").status == "paid")
        let paid = desk.get("/v1/invoice_payments", "invoice=\(invoice)&status=paid").data()
        #expect(paid.map { $0.value(at: "payment", "payment_intent") } == [.string(enough)])
        #expect(
            desk.get("/v1/payment_intents", "customer=\(customer)").data().filter { $0.status == "canceled" }.count == 1
        )
    }

    @Test("a payout that has arrived is taken back once")
    func reversing() {
        var desk = Desk()
        desk.pay(5_000, "pm_card_bypassPending")
        let payout = desk.post("/v1/payouts", "amount=1000&currency=usd").id
        desk.post("/v1/payouts/\(payout)/reverse")
        #expect(desk.last.status == 400)
        desk.advance(days: 4)
        let back = desk.post("/v1/payouts/\(payout)/reverse")
        #expect(back.int("amount") == -1_000)
        #expect(back.string("original_payout") == payout)
        #expect(desk.get("/v1/payouts/\(payout)").string("reversed_by") == back.id)
        desk.post("/v1/payouts/\(payout)/reverse")
        #expect(desk.last.status == 400)
    }
}
