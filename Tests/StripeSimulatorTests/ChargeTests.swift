import Testing

@testable import StripeSimulator

/// Charges made directly, as before payment intents, and smaller operations of the core.
@Suite("Charges") struct ChargeTests {
    @Test("a token is charged without an intent")
    func token() {
        var desk = Desk()
        let charge = desk.post(
            "/v1/charges",
            "amount=2000&currency=usd&source=tok_visa&description=Mug&metadata[order]=7&expand[]=balance_transaction"
        )
        #expect(desk.last.status == 200)
        #expect(charge.status == "succeeded")
        #expect(charge.bool("captured") == true)
        #expect(charge["payment_intent"] == .null)
        #expect(charge.value(at: "source", "object")?.string == "card")
        #expect(charge.value(at: "source", "last4")?.string == "4242")
        #expect(charge.value(at: "metadata", "order")?.string == "7")
        #expect(charge.value(at: "balance_transaction", "net")?.int == 1_912)
        #expect(desk.events == ["charge.succeeded"])
        #expect(desk.get("/v1/charges/\(charge.id)").int("amount") == 2_000)
        let refund = desk.post("/v1/refunds", "charge=\(charge.id)&amount=500")
        #expect(refund.status == "succeeded")
        #expect(refund["payment_intent"] == .null)
        #expect(desk.get("/v1/charges/\(charge.id)").int("amount_refunded") == 500)
    }

    @Test("a charge that is only authorised is captured later, in part, or lapses after a week")
    func capture() {
        var desk = Desk()
        let form = "amount=2000&currency=usd&source=tok_visa&capture=false"
        let held = desk.post("/v1/charges", form)
        #expect(held.bool("captured") == false)
        #expect(held["balance_transaction"] == .null)
        let taken = desk.post("/v1/charges/\(held.id)/capture", "amount=1500")
        #expect(taken.bool("captured") == true)
        #expect(taken.int("amount_captured") == 1_500)
        #expect(taken.has("balance_transaction"))
        #expect(desk.events == ["charge.succeeded", "charge.captured"])
        #expect(desk.post("/v1/charges/\(held.id)/capture").errorCode == "charge_already_captured")
        let other = desk.post("/v1/charges", form)
        desk.post("/v1/charges/\(other.id)/capture", "amount=2001")
        #expect(desk.last.status == 400)
        desk.advance(seconds: 7 * 86_400)
        #expect(desk.get("/v1/charges/\(other.id)").bool("refunded") == true)
        #expect(desk.events.last == "charge.expired")
        desk.post("/v1/charges/\(other.id)/capture")
        #expect(desk.last.status == 400)
    }

    @Test("a customer is charged with the card on file")
    func customer() {
        var desk = Desk()
        let customer = desk.post("/v1/customers").id
        let none = desk.post("/v1/charges", "amount=900&currency=usd&customer=\(customer)")
        #expect(desk.last.status == 402)
        #expect(none.errorCode == "missing")
        let card = desk.post("/v1/customers/\(customer)/sources", "source=tok_mastercard").id
        let charge = desk.post("/v1/charges", "amount=900&currency=usd&customer=\(customer)")
        #expect(charge.string("customer") == customer)
        #expect(charge.value(at: "source", "id")?.string == card)
        #expect(charge.value(at: "payment_method_details", "card", "brand")?.string == "mastercard")
        #expect(
            desk.post("/v1/charges", "amount=900&currency=usd&customer=\(customer)&source=\(card)").status
                == "succeeded"
        )
        desk.post("/v1/charges", "amount=900&currency=usd&customer=\(customer)&source=tok_visa")
        #expect(desk.last.status == 400)
        desk.post("/v1/charges", "amount=900&currency=usd")
        #expect(desk.last.status == 400)
    }

    @Test(
        "a card that is declined leaves a failed charge",
        arguments: [
            ("tok_chargeDeclined", "card_declined"), ("tok_chargeDeclinedExpiredCard", "expired_card"),
            ("tok_visa_chargeDeclinedInsufficientFunds", "card_declined"), ("tok_radarBlock", "card_declined"),
            ("tok_threeDSecureRequired", "authentication_required"),
        ]
    )
    func declined(_ token: String, _ code: String) {
        var desk = Desk()
        let answer = desk.post("/v1/charges", "amount=900&currency=usd&source=\(token)")
        #expect(desk.last.status == 402)
        #expect(answer.errorType == "card_error")
        #expect(answer.errorCode == code)
        let id = answer.object("error")?.string("charge") ?? ""
        #expect(desk.get("/v1/charges/\(id)").status == "failed")
        #expect(desk.events == ["charge.failed"])
    }

    @Test("lists that are empty by nature are there")
    func emptyLists() {
        var desk = Desk()
        let customer = desk.post("/v1/customers").id
        for path in ["balance_transactions", "tax_ids"] {
            #expect(desk.get("/v1/customers/\(customer)/\(path)").data().isEmpty)
            #expect(desk.last.status == 200)
        }
        #expect(desk.get("/v1/mandates/mandate_none").errorCode == "resource_missing")
        #expect(desk.get("/v1/confirmation_tokens/ctoken_none").errorCode == "resource_missing")
        #expect(desk.last.status == 404)
    }

    @Test("a customer's balance is changed by transactions, which are kept")
    func balance() {
        var desk = Desk()
        let customer = desk.post("/v1/customers").id
        let path = "/v1/customers/\(customer)/balance_transactions"
        let credit = desk.post(path, "amount=-500&currency=usd&description=Sorry")
        #expect(credit.int("ending_balance") == -500)
        #expect(desk.post(path, "amount=200&currency=usd").int("ending_balance") == -300)
        #expect(desk.get("/v1/customers/\(customer)").int("balance") == -300)
        #expect(desk.get(path).data().map { $0.int("amount") } == [200, -500])
        #expect(desk.get("\(path)/\(credit.id)").string("description") == "Sorry")
        #expect(desk.post("\(path)/\(credit.id)", "metadata[a]=b").value(at: "metadata", "a")?.string == "b")
    }

    @Test("lines of a draft are changed and taken off")
    func lines() {
        var desk = Desk()
        let customer = desk.post("/v1/customers").id
        let draft = desk.post("/v1/invoices", "customer=\(customer)").id
        let path = "/v1/invoices/\(draft)"
        desk.post("\(path)/add_lines", "lines[0][amount]=500&lines[0][description]=Mug&lines[1][amount]=300")
        let lines = desk.get("\(path)/lines").data()
        #expect(desk.post("\(path)/lines/\(lines[0].id)", "amount=600").int("amount") == 600)
        #expect(desk.get(path).int("total") == 900)
        let changed = desk.post("\(path)/update_lines", "lines[0][id]=\(lines[1].id)&lines[0][amount]=100")
        #expect(changed.int("total") == 700)
        let left = desk.post("\(path)/remove_lines", "lines[0][id]=\(lines[0].id)&lines[0][behavior]=delete")
        #expect(left.int("total") == 100)
        desk.post("\(path)/remove_lines", "lines[0][id]=il_none&lines[0][behavior]=delete")
        #expect(desk.last.status == 400)
        desk.post("\(path)/finalize")
        desk.post("\(path)/lines/\(lines[1].id)", "amount=5")
        #expect(desk.last.status == 400)
    }
}
