import Testing

@testable import StripeSimulator

@Suite("Payments") struct PaymentTests {
    @Test("a confirmed payment makes one charge, its events in order, and its booking two seconds later")
    func confirmed() {
        var desk = Desk()
        let intent = desk.post("/v1/payment_intents", "amount=2000&currency=usd&payment_method_types[]=card")
        #expect(intent.status == "requires_payment_method")
        #expect(intent.id.utf8.count == 27)
        let paid = desk.post("/v1/payment_intents/\(intent.id)/confirm", "payment_method=pm_card_visa")
        #expect(paid.status == "succeeded")
        #expect(paid.int("amount_received") == 2_000)
        let charge = desk.get("/v1/charges/\(paid.string("latest_charge") ?? "")")
        #expect(charge["balance_transaction"] == .null)
        #expect(charge.id.dropFirst(3).prefix(16) == intent.id.dropFirst(3).prefix(16))
        #expect(desk.events == ["payment_intent.created", "charge.succeeded", "payment_intent.succeeded"])
        desk.advance(seconds: 2)
        #expect(desk.events.last == "charge.updated")
        let settled = desk.get("/v1/charges/\(charge.id)", "expand[]=balance_transaction")
        #expect(settled.object("balance_transaction")?.int("net") == 1_912)
    }

    @Test("an answer begins with id and object and is sorted from there")
    func order() throws {
        var desk = Desk()
        let intent = desk.pay(1_000)
        #expect(Array(intent.keys.prefix(2)) == ["id", "object"])
        #expect(intent.keys.dropFirst(2).sorted() == Array(intent.keys.dropFirst(2)))
        let text = String(decoding: desk.last.body, as: UTF8.self)
        #expect(text.hasPrefix("{\n  \"id\": \"pi_3"))
    }

    @Test("a decline answers 402, leaves the intent open with its reason, and keeps the failed charge")
    func declined() {
        var desk = Desk()
        let answer = desk.pay(1_000, "pm_card_chargeDeclinedInsufficientFunds")
        #expect(desk.last.status == 402)
        #expect(answer.errorType == "card_error")
        #expect(answer.errorCode == "card_declined")
        #expect(answer.object("error")?.string("decline_code") == "insufficient_funds")
        let id = answer.value(at: "error", "payment_intent", "id")?.string ?? ""
        let intent = desk.get("/v1/payment_intents/\(id)", "expand[]=latest_charge")
        #expect(intent.status == "requires_payment_method")
        #expect(intent["payment_method"] == .null)
        #expect(intent.value(at: "last_payment_error", "decline_code")?.string == "insufficient_funds")
        #expect(intent.value(at: "last_payment_error", "request_log_url") == nil)
        #expect(intent.value(at: "latest_charge", "status")?.string == "failed")
        #expect(desk.events == ["payment_intent.created", "charge.failed", "payment_intent.payment_failed"])
        let second = desk.post(
            "/v1/payment_intents/\(id)/confirm",
            "payment_method_data[type]=card&payment_method_data[card][number]=4242424242424242"
                + "&payment_method_data[card][exp_month]=12&payment_method_data[card][exp_year]=2030"
                + "&payment_method_data[card][cvc]=123"
        )
        #expect(second.status == "succeeded")
        #expect(second["last_payment_error"] == .null)
    }

    @Test(
        "every declining card of the list answers with its own codes",
        arguments: TestCard.all.compactMap { card -> (String, String, String?)? in
            guard case .declines(let reason) = card.behaviour else { return nil }
            return (card.names[0], reason.code, reason.declineCode)
        }
    )
    func declines(_ name: String, _ code: String, _ declineCode: String?) {
        var desk = Desk()
        let answer = desk.pay(700, "pm_card_" + name)
        #expect(desk.last.status == 402)
        #expect(answer.errorCode == code)
        #expect(answer.object("error")?.string("decline_code") == declineCode)
        let customer = desk.post("/v1/customers").id
        let attached = desk.post("/v1/payment_methods/pm_card_\(name)/attach", "customer=\(customer)")
        #expect(desk.last.status == 402)
        #expect(attached.errorCode == code)
    }

    @Test(
        "a card number is checked where it is given",
        arguments: [
            ("4242424242424241", "12", "2030", "123", "incorrect_number"),
            ("4242424242424242", "13", "2030", "123", "invalid_expiry_month"),
            ("4242424242424242", "12", "2019", "123", "invalid_expiry_year"),
            ("4242424242424242", "12", "2030", "12", "invalid_cvc"),
        ]
    )
    func numbers(_ number: String, _ month: String, _ year: String, _ cvc: String, _ code: String) {
        var desk = Desk()
        let answer = desk.post(
            "/v1/payment_methods",
            "type=card&card[number]=\(number)&card[exp_month]=\(month)&card[exp_year]=\(year)&card[cvc]=\(cvc)"
        )
        #expect(desk.last.status == 402)
        #expect(answer.errorCode == code)
    }

    @Test("a held payment is captured once, in part, and lapses after seven days")
    func manual() {
        var desk = Desk()
        let held = desk.pay(5_000, more: "&capture_method=manual")
        #expect(held.status == "requires_capture")
        #expect(held.int("amount_capturable") == 5_000)
        #expect(desk.events.last == "payment_intent.amount_capturable_updated")
        let captured = desk.post("/v1/payment_intents/\(held.id)/capture", "amount_to_capture=3000")
        #expect(captured.status == "succeeded")
        #expect(captured.int("amount_received") == 3_000)
        #expect(desk.post("/v1/payment_intents/\(held.id)/capture").errorCode == "payment_intent_unexpected_state")
        let lapsing = desk.pay(5_000, more: "&capture_method=manual")
        desk.advance(seconds: 7 * 86_400)
        #expect(desk.get("/v1/payment_intents/\(lapsing.id)").status == "canceled")
        #expect(desk.events.contains("charge.expired"))
        #expect(desk.post("/v1/payment_intents/\(captured.id)/cancel").errorCode == "payment_intent_unexpected_state")
    }

    @Test("the cards of 3-D Secure ask first: with a page to return to, or through Stripe.js")
    func authentication() {
        var desk = Desk()
        let asked = desk.pay(1_000, "pm_card_threeDSecure2Required", more: "&return_url=https://shop.example/back")
        #expect(asked.status == "requires_action")
        #expect(asked["latest_charge"] == .null)
        #expect(asked.value(at: "next_action", "type")?.string == "redirect_to_url")
        let secret = asked.string("client_secret") ?? ""
        let fields = "payment_intent=\(asked.id)&payment_intent_client_secret=\(secret)&livemode=false"
        desk.call("GET", "/3d_secure_2/hosted", fields)
        #expect(desk.last.status == 200)
        desk.post("/3d_secure_2/complete", fields + "&outcome=succeeded")
        #expect(desk.last.status == 303)
        #expect(desk.last.header("Location")?.hasSuffix("redirect_status=succeeded") == true)
        #expect(desk.get("/v1/payment_intents/\(asked.id)").status == "succeeded")
        let other = desk.pay(1_000, "pm_card_threeDSecure2Required")
        #expect(other.value(at: "next_action", "type")?.string == "use_stripe_sdk")
        let otherFields =
            "payment_intent=\(other.id)&payment_intent_client_secret=\(other.string("client_secret") ?? "")"
        desk.post("/3d_secure_2/complete", otherFields + "&outcome=failed")
        let failed = desk.get("/v1/payment_intents/\(other.id)")
        #expect(failed.status == "requires_payment_method")
        #expect(failed.value(at: "last_payment_error", "code")?.string == "payment_intent_authentication_failure")
        #expect(
            desk.pay(1_000, "pm_card_authenticationRequired", more: "&off_session=true").errorCode
                == "authentication_required"
        )
    }

    @Test("refunds add up to the charge and no further")
    func refunds() {
        var desk = Desk()
        let intent = desk.pay(1_000)
        let first = desk.post("/v1/refunds", "payment_intent=\(intent.id)&amount=400")
        #expect(first.status == "succeeded")
        let tooMuch = desk.post("/v1/refunds", "payment_intent=\(intent.id)&amount=601")
        #expect(tooMuch.errorMessage == "Refund amount ($6.01) is greater than unrefunded amount on charge ($6.00)")
        #expect(desk.last.status == 400)
        #expect(tooMuch.errorCode == nil)
        #expect(desk.post("/v1/refunds", "payment_intent=\(intent.id)").int("amount") == 600)
        let again = desk.post("/v1/refunds", "payment_intent=\(intent.id)")
        #expect(again.errorCode == "charge_already_refunded")
        let charge = desk.get("/v1/charges/\(intent.string("latest_charge") ?? "")", "expand[]=refunds")
        #expect(charge.bool("refunded") == true)
        #expect(charge.object("refunds")?.data().count == 2)
        desk.advance(seconds: 1)
        #expect(
            desk.events.filter { $0.hasPrefix("refund.") || $0.hasPrefix("charge.refund") } == [
                "refund.created", "charge.refunded", "refund.created", "charge.refunded", "refund.updated",
                "charge.refund.updated", "refund.updated", "charge.refund.updated",
            ]
        )
    }

    @Test("the refunds of two cards end otherwise than they began")
    func laterRefunds() {
        var desk = Desk()
        let pending = desk.post("/v1/refunds", "payment_intent=\(desk.pay(900, "pm_card_pendingRefund").id)")
        #expect(pending.status == "pending")
        let failing = desk.post("/v1/refunds", "payment_intent=\(desk.pay(900, "pm_card_refundFail").id)")
        #expect(failing.status == "succeeded")
        desk.advance(seconds: 10)
        #expect(desk.get("/v1/refunds/\(pending.id)").status == "succeeded")
        #expect(desk.get("/v1/refunds/\(failing.id)").status == "failed")
        #expect(desk.events.contains("refund.failed"))
    }

    @Test(
        "amounts follow the rules of their currency",
        arguments: [
            ("usd", "49", "amount_too_small"), ("usd", "0", "parameter_invalid_integer"),
            ("usd", "100000000", "amount_too_large"), ("usd", "abc", "parameter_invalid_integer"),
            ("kwd", "1005", "parameter_invalid_integer"), ("isk", "150", "parameter_invalid_integer"),
            ("jpy", "49", "amount_too_small"), ("huf", "17499", "amount_too_small"),
        ]
    )
    func amounts(_ currency: String, _ amount: String, _ code: String) {
        var desk = Desk()
        let answer = desk.post("/v1/payment_intents", "amount=\(amount)&currency=\(currency)")
        #expect(desk.last.status == 400)
        #expect(answer.errorCode == code)
        #expect(answer.errorParam == "amount")
    }

    @Test("a payment method without a customer is used once")
    func reuse() {
        var desk = Desk()
        let method = desk.post(
            "/v1/payment_methods",
            "type=card&card[number]=4242424242424242&card[exp_month]=1&card[exp_year]=2031"
        )
        #expect(desk.pay(800, method.id).status == "succeeded")
        #expect(desk.pay(800, method.id).errorMessage?.contains("It may not be used again") == true)
        // Also one that an alias or a payment's own data made; a refused payment does not use it up.
        let intent = desk.post("/v1/payment_intents", "amount=800&currency=usd&payment_method=pm_card_visa")
        let alias = intent.string("payment_method") ?? ""
        let confirmed = desk.post(
            "/v1/payment_intents/\(intent.id)/confirm",
            "payment_method=\(alias)&return_url=https://shop.example"
        )
        #expect(confirmed.status == "succeeded")
        #expect(desk.pay(800, alias).errorMessage?.contains("It may not be used again") == true)
        let customer = desk.post("/v1/customers").id
        let attached = desk.post("/v1/payment_methods/\(alias)/attach", "customer=\(customer)")
        #expect(attached.errorMessage?.contains("It may not be used again") == true)
        let kept = desk.pay(800, more: "&customer=\(customer)&setup_future_usage=off_session")
        #expect(desk.pay(800, kept.string("payment_method") ?? "", more: "&customer=\(customer)").status == "succeeded")
    }

    @Test("several captures of one payment are refused")
    func finalCapture() {
        var desk = Desk()
        let held = desk.pay(800, more: "&capture_method=manual")
        let path = "/v1/payment_intents/\(held.id)/capture"
        #expect(desk.post(path, "amount_to_capture=300&final_capture=false").errorParam == "final_capture")
        #expect(desk.get("/v1/payment_intents/\(held.id)").status == "requires_capture")
        #expect(desk.post(path, "amount_to_capture=300&final_capture=true").int("amount_received") == 300)
    }

    @Test("with the dashboard's methods a confirmation needs a page to return to")
    func returnURL() {
        var desk = Desk()
        let intent = desk.post("/v1/payment_intents", "amount=900&currency=eur")
        #expect(intent.value(at: "automatic_payment_methods", "enabled")?.bool == true)
        desk.post("/v1/payment_intents/\(intent.id)/confirm", "payment_method=pm_card_visa")
        #expect(desk.last.status == 400)
        let paid = desk.post(
            "/v1/payment_intents/\(intent.id)/confirm",
            "payment_method=pm_card_visa&return_url=https://shop.example"
        )
        #expect(paid.status == "succeeded")
    }

    @Test("disputes come by the card, are won by the magic word, and move the balance")
    func disputes() {
        var desk = Desk()
        let intent = desk.pay(2_000, "pm_card_createDispute")
        desk.advance(seconds: 3)
        let dispute = desk.get("/v1/disputes").data()[0]
        #expect(dispute.status == "needs_response")
        #expect(desk.post("/v1/refunds", "payment_intent=\(intent.id)").errorCode == "charge_disputed")
        desk.post("/v1/disputes/\(dispute.id)", "evidence[uncategorized_text]=winning_evidence")
        desk.advance(seconds: 5)
        #expect(desk.get("/v1/disputes/\(dispute.id)").status == "won")
        #expect(
            desk.events.suffix(4) == [
                "charge.dispute.funds_withdrawn", "charge.dispute.updated", "charge.dispute.funds_reinstated",
                "charge.dispute.closed",
            ]
        )
        let pending = desk.get("/v1/balance").array("pending")?.first?.object?.int("amount")
        let available = desk.get("/v1/balance").array("available")?.first?.object?.int("amount")
        #expect((pending ?? 0) + (available ?? 0) == 1_912)
    }
}
