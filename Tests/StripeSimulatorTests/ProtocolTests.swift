import Testing

@testable import StripeSimulator

@Suite("Protocol") struct ProtocolTests {
    @Test("the same key and parameters give the first answer again; other parameters are refused")
    func idempotency() {
        var desk = Desk()
        let form = "amount=500&currency=usd&payment_method_types[]=card"
        let first = desk.post("/v1/payment_intents", form, idempotencyKey: "k1")
        let original = desk.last
        let again = desk.post("/v1/payment_intents", form, idempotencyKey: "k1")
        #expect(again == first)
        #expect(desk.last.body == original.body)
        #expect(desk.last.header("Idempotent-Replayed") == "true")
        #expect(desk.last.header("Original-Request") == original.header("Request-Id"))
        #expect(desk.last.header("Request-Id") != original.header("Request-Id"))
        #expect(original.header("Stripe-Should-Retry") == "false")
        let other = desk.post("/v1/payment_intents", "amount=501&currency=usd", idempotencyKey: "k1")
        #expect(desk.last.status == 400)
        #expect(other.errorType == "idempotency_error")
        #expect(desk.events.count == 1)
        desk.advance(seconds: 24 * 3_600)
        #expect(desk.post("/v1/payment_intents", form, idempotencyKey: "k1") != first)
    }

    @Test("a decline is kept under its key, a mistake in the parameters is not")
    func keptAnswers() {
        var desk = Desk()
        let declined =
            "amount=500&currency=usd&confirm=true&payment_method=pm_card_chargeDeclined"
            + "&payment_method_types[]=card"
        desk.post("/v1/payment_intents", declined, idempotencyKey: "d")
        desk.post("/v1/payment_intents", declined, idempotencyKey: "d")
        #expect(desk.last.status == 402)
        #expect(desk.last.header("Idempotent-Replayed") == "true")
        #expect(desk.events.filter { $0 == "charge.failed" }.count == 1)
        desk.post("/v1/payment_intents", "amount=5&currency=usd", idempotencyKey: "v")
        #expect(desk.last.status == 400)
        #expect(desk.last.header("Stripe-Should-Retry") == nil)
        desk.post("/v1/payment_intents", "amount=500&currency=usd", idempotencyKey: "v")
        #expect(desk.last.status == 200)
    }

    @Test("a key whose first request still runs answers 409")
    func concurrentKey() {
        var desk = Desk()
        desk.call("POST", "/_simulator/faults", "action=slow&delay_ms=3000&times=1")
        let form = "amount=500&currency=usd"
        desk.post("/v1/payment_intents", form, idempotencyKey: "k")
        #expect(desk.last.delayMilliseconds == 3_000)
        #expect(desk.post("/v1/payment_intents", form, idempotencyKey: "k").errorCode == "idempotency_key_in_use")
        #expect(desk.last.status == 409)
        desk.advance(seconds: 3)
        desk.post("/v1/payment_intents", form, idempotencyKey: "k")
        #expect(desk.last.header("Idempotent-Replayed") == "true")
    }

    @Test("keys: none, wrong, publishable, live")
    func keys() {
        var desk = Desk()
        let intent = desk.post("/v1/payment_intents", "amount=500&currency=usd&payment_method_types[]=card")
        desk.key = "nonsense"
        #expect(desk.get("/v1/customers").errorType == "invalid_request_error")
        #expect(desk.last.status == 401)
        #expect(desk.last.header("Request-Id") == nil)
        #expect(desk.last.header("WWW-Authenticate") != nil)
        desk.key = "pk_test_desk"
        #expect(desk.get("/v1/customers").errorCode == "secret_key_required")
        #expect(desk.get("/v1/payment_intents/\(intent.id)").errorCode == "parameter_missing")
        let shown = desk.get(
            "/v1/payment_intents/\(intent.id)",
            "client_secret=\(intent.string("client_secret") ?? "")"
        )
        #expect(shown.status == "requires_payment_method")
        #expect(shown["metadata"] == nil)
        let paid = desk.post(
            "/v1/payment_intents/\(intent.id)/confirm",
            "client_secret=\(intent.string("client_secret") ?? "")&payment_method=pm_card_visa"
        )
        #expect(paid.status == "succeeded")
        desk.key = "sk_live_desk"
        desk.get("/v1/payment_intents/\(intent.id)")
        #expect(desk.last.status == 404)
    }

    @Test(
        "errors name the parameter as Stripe does",
        arguments: [
            ("amount=500&currency=usd&foo=1", "parameter_unknown", "foo"),
            ("currency=usd", "parameter_missing", "amount"),
            ("amount=500&currency=usd&customer=cus_none", "resource_missing", "customer"),
            ("amount=&currency=usd", "parameter_invalid_empty", "amount"),
            ("amount=500&currency=usd&payment_method=pm_none", "resource_missing", "payment_method"),
            ("amount=500&currency=usd&shipping[name]=x", "parameter_missing", "shipping[address]"),
        ]
    )
    func parameters(_ form: String, _ code: String, _ param: String) {
        var desk = Desk()
        let answer = desk.post("/v1/payment_intents", form)
        #expect(desk.last.status == 400)
        #expect(answer.errorCode == code)
        #expect(answer.errorParam == param)
    }

    @Test("missing objects and routes are 404, with the parameter of their kind")
    func missing() {
        var desk = Desk()
        #expect(desk.get("/v1/customers/x").errorParam == "id")
        #expect(desk.last.status == 404)
        #expect(desk.get("/v1/payment_intents/x").errorParam == "intent")
        #expect(desk.get("/v1/payment_methods/x").errorParam == "payment_method")
        #expect(desk.get("/v1/nothing").errorMessage?.hasPrefix("Unrecognized request URL (GET: /v1/nothing)") == true)
        #expect(desk.last.status == 404)
    }

    @Test("a connected account has things of its own, and is named in the answer")
    func connectedAccount() {
        var desk = Desk()
        desk.post("/v1/customers", "name=Platform")
        var request = SimulatorRequest(method: "GET", path: "/v1/customers")
        request.headers = [("authorization", "Bearer sk_test_desk"), ("stripe-account", "acct_1Connected")]
        let answer = desk.state.handle(request)
        #expect(answer.status == 200)
        #expect(answer.header("Stripe-Account") == "acct_1Connected")
        #expect((try? JSONParser.value(of: answer.body))?.object?.data().isEmpty == true)
        #expect(desk.get("/v1/customers").data().count == 1)
    }

    @Test("lists run from the newest, page by exclusive cursors, and filter")
    func lists() {
        var desk = Desk()
        let ids = (0..<5).map { _ in desk.post("/v1/customers").id }
        let first = desk.get("/v1/customers", "limit=2")
        #expect(first.data().map(\.id) == [ids[4], ids[3]])
        #expect(first.bool("has_more") == true)
        let next = desk.get("/v1/customers", "limit=3&starting_after=\(ids[3])")
        #expect(next.data().map(\.id) == [ids[2], ids[1], ids[0]])
        #expect(next.bool("has_more") == false)
        let back = desk.get("/v1/customers", "limit=2&ending_before=\(ids[0])")
        #expect(back.data().map(\.id) == [ids[2], ids[1]])
        #expect(desk.get("/v1/customers", "limit=101").errorParam == "limit")
        #expect(desk.get("/v1/customers", "created[gt]=\(Desk.start.seconds)").data().isEmpty)
    }

    @Test("expansion follows paths, also through lists, and refuses what has no object behind it")
    func expansion() {
        var desk = Desk()
        let customer = desk.post("/v1/customers", "email=a@b.example").id
        let paid = desk.pay(900, more: "&customer=\(customer)&expand[]=customer&expand[]=latest_charge.payment_intent")
        #expect(paid.value(at: "customer", "email")?.string == "a@b.example")
        #expect(paid.value(at: "latest_charge", "payment_intent", "id")?.string == paid.id)
        let list = desk.get("/v1/payment_intents", "expand[]=data.latest_charge.balance_transaction")
        #expect(list.data()[0].value(at: "latest_charge", "id") != nil)
        #expect(
            desk.get("/v1/payment_intents/\(paid.id)", "expand[]=amount").errorMessage
                == "This property cannot be expanded (amount)."
        )
        #expect(desk.last.status == 400)
    }

    @Test("older versions see older shapes; endive refuses payment_method_types")
    func versions() {
        var desk = Desk()
        desk.version = "2020-08-27"
        let old = desk.pay(900)
        #expect(old.object("charges")?.data().count == 1)
        #expect(old["latest_charge"] == nil)
        desk.version = "2026-09-30.endive"
        #expect(desk.pay(900).errorCode == "payment_method_types_no_longer_supported")
        desk.version = "tomorrow"
        desk.get("/v1/customers")
        #expect(desk.last.status == 400)
    }

    @Test("metadata is merged, a key is deleted by an empty value, all by an empty parameter")
    func metadata() {
        var desk = Desk()
        let id = desk.post("/v1/customers", "metadata[a]=1&metadata[b]=2").id
        #expect(
            desk.post("/v1/customers/\(id)", "metadata[a]=&metadata[c]=3").object("metadata")
                == ["b": "2", "c": "3"]
        )
        #expect(desk.post("/v1/customers/\(id)", "metadata=").object("metadata")?.isEmpty == true)
    }

    @Test("the same seed and calls give the same state, another seed other ids")
    func determinism() {
        func play(_ seed: UInt64) -> Desk {
            var desk = Desk(seed: seed)
            let customer = desk.post("/v1/customers", "name=Ada").id
            let paid = desk.pay(1_234, more: "&customer=\(customer)")
            desk.post("/v1/refunds", "payment_intent=\(paid.id)&amount=34")
            desk.advance(seconds: 100)
            return desk
        }
        let (first, second, third) = (play(7), play(7), play(8))
        #expect(first.state == second.state)
        #expect(
            JSONPrinter.text(of: .object(first.state.exported()))
                == JSONPrinter.text(of: .object(second.state.exported()))
        )
        #expect(first.state != third.state)
    }

    @Test("faults are answered, torn or slowed as often as they were ordered")
    func faults() {
        var desk = Desk()
        desk.call("POST", "/_simulator/faults", "action=answer&status=503&times=1&method=POST&path=/v1/refunds")
        desk.post("/v1/customers")
        #expect(desk.last.status == 200)
        desk.post("/v1/refunds")
        #expect(desk.last.status == 503)
        #expect(desk.last.header("Stripe-Should-Retry") == "true")
        desk.post("/v1/refunds")
        #expect(desk.last.status == 400)
        desk.call("POST", "/_simulator/faults", "action=tear_after&times=1")
        desk.post("/v1/customers")
        #expect(desk.last.isTorn)
        #expect(desk.get("/v1/customers").data().count == 2)
    }

    @Test("an account is told by its id, and another's by theirs")
    func accounts() {
        var desk = Desk()
        let own = desk.get("/v1/account")
        #expect(own.string("type") == "standard")
        #expect(desk.get("/v1/accounts/\(own.id)") == own)
        #expect(desk.get("/v1/accounts/acct_1Connected").string("type") == "express")
        #expect(desk.get("/v1/accounts/someone").errorCode == "account_invalid")
        #expect(desk.last.status == 403)
    }

    @Test("a setup intent takes cards alone where the version knows no payment methods of the dashboard")
    func oldSetupIntents() {
        var desk = Desk()
        let form = "confirm=true&payment_method=pm_card_authenticationRequired"
        desk.version = "2026-08-26.dahlia"
        #expect(desk.post("/v1/setup_intents", form).errorMessage?.contains("return_url") == true)
        // The scenarios of stripe-cli name no version, and no page to return to.
        for version in ["2022-11-15", nil] {
            desk.version = version
            #expect(desk.post("/v1/setup_intents", form).status == "requires_action")
            #expect(desk.events.last == "setup_intent.requires_action")
        }
    }
}
