import Testing

@testable import StripeSimulator

/// What Stripe takes and what it refuses, parameter by parameter.
@Suite("Refusals") struct RefusalTests {
    @Test("booleans are taken as Python writes them", arguments: [("True", true), ("False", false)])
    func booleans(_ text: String, _ value: Bool) {
        var desk = Desk()
        #expect(desk.post("/v1/products", "name=Mug&active=\(text)").bool("active") == value)
        #expect(desk.last.status == 200)
        // `off_session` is a boolean or a word: off-session, this card is declined.
        desk.pay(900, "pm_card_authenticationRequired", more: "&off_session=\(text)")
        #expect(desk.last.status == (value ? 402 : 200))
        desk.post("/v1/products", "name=Mug&active=yes")
        #expect(desk.last.status == 400)
    }

    @Test("endpoints take types of events that exist")
    func eventTypes() {
        var desk = Desk()
        let place = "url=http://127.0.0.1:1/hook&"
        let refused = desk.post(
            "/v1/webhook_endpoints",
            place + "enabled_events[]=charge.failed&enabled_events[]=foo.bar"
        )
        #expect(desk.last.status == 400)
        #expect(refused.errorParam == "enabled_events[1]")
        let made = desk.post("/v1/webhook_endpoints", place + "enabled_events[]=charge.failed")
        desk.post("/v1/webhook_endpoints/\(made.id)", "enabled_events[]=charge.exploded")
        #expect(desk.last.status == 400)
        for type in TriggerScenario.names {
            desk.post("/v1/webhook_endpoints/\(made.id)", "enabled_events[]=\(type)")
            #expect(desk.last.status == 200, "\(type)")
        }
    }

    @Test("every type of event that Stripe has can be listened for", .enabled(if: SharedData.isThere))
    func allEventTypes() throws {
        let types = try #require(SharedData.json("event-types.json")?.object?.array("event_types"))
        var desk = Desk()
        for type in types.compactMap(\.string) {
            desk.post("/v1/webhook_endpoints", "url=http://127.0.0.1:1/hook&enabled_events[]=\(type)")
            #expect(desk.last.status == 200, "\(type)")
            let made = desk.get("/v1/webhook_endpoints").data().map(\.id)
            for id in made { desk.call("DELETE", "/v1/webhook_endpoints/\(id)") }
        }
        #expect(types.count > 200)
    }

    @Test("a version that never existed is refused")
    func versions() {
        var desk = Desk()
        for version in ["2019-01-01", "2026-08-26.basil", "2026-08-27.dahlia"] {
            desk.version = version
            #expect(desk.get("/v1/customers").errorMessage?.contains("Invalid Stripe API version") == true)
            #expect(desk.last.status == 400)
        }
        for version in ["2020-08-27", "2024-09-30.acacia", "2026-10-28.endive", "2026-08-26.dahlia"] {
            desk.version = version
            desk.get("/v1/customers")
            #expect(desk.last.status == 200, "\(version)")
        }
    }

    @Test("every version that Stripe has is taken", .enabled(if: SharedData.isThere))
    func allVersions() throws {
        let versions = try #require(SharedData.json("event-types.json")?.object?.array("api_versions"))
        var desk = Desk()
        for version in versions.compactMap(\.string) {
            desk.version = version
            desk.get("/v1/customers")
            #expect(desk.last.status == 200, "\(version)")
        }
    }

    @Test(
        "a suffix of the statement has a letter, no sign that is forbidden, and room beside the prefix",
        arguments: [
            ("ORDER 7", 200), ("1234", 400), ("A*B", 400), ("A<B", 400), ("A'B", 400), ("ABCDEFGHIJKLMNOPQRSTUVW", 400),
        ]
    )
    func suffixes(_ suffix: String, _ status: Int) {
        var desk = Desk()
        let intent = desk.post(
            "/v1/payment_intents",
            "amount=500&currency=usd&statement_descriptor_suffix=\(suffix)"
        )
        #expect(desk.last.status == status)
        if status == 400 { #expect(intent.errorParam == "statement_descriptor_suffix") }
    }

    @Test("rupiahs have up to twelve digits, dollars eight")
    func largeAmounts() {
        var desk = Desk()
        desk.post("/v1/payment_intents", "amount=999999999999&currency=idr")
        #expect(desk.last.status == 200)
        #expect(desk.post("/v1/payment_intents", "amount=100000000&currency=usd").errorCode == "amount_too_large")
    }

    // MARK: Search

    @Test(
        "a query that Stripe does not understand is refused",
        arguments: [
            "shoe_size:'44'", "email:'a@b.example' AND name:'Ada' OR phone:'1'", "name~'Ad'", "created~'179'",
            "email>'a'", "metadata:'a'", "name['a']:'b'",
        ]
    )
    func queries(_ query: String) {
        var desk = Desk()
        desk.post("/v1/customers", "name=Ada")
        let escaped = query.map { $0 == " " ? "%20" : String($0) }.joined()
        #expect(desk.get("/v1/customers/search", "query=\(escaped)").errorParam == "query")
        #expect(desk.last.status == 400)
    }

    @Test("a search finds by nested fields, and counts when asked to")
    func searches() {
        var desk = Desk()
        for name in ["Ada", "Adam", "Eve"] { desk.post("/v1/customers", "name=\(name)") }
        let found = desk.get("/v1/customers/search", "query=name~'ada'&limit=1&expand[]=total_count")
        #expect(found.int("total_count") == 2)
        #expect(found.data().count == 1)
        #expect(desk.get("/v1/customers/search", "query=name~'ada'")["total_count"] == nil)
        desk.pay(700)
        let card = "payment_method_details.card.last4"
        #expect(desk.get("/v1/charges/search", "query=\(card):4242").data().count == 1)
        #expect(desk.get("/v1/charges/search", "query=\(card):4444").data().isEmpty)
    }

    // MARK: Payment methods

    @Test("a card that is detached is no longer its customer's default")
    func detached() {
        var desk = Desk()
        let customer = desk.post("/v1/customers").id
        let (first, second) = (
            desk.post("/v1/payment_methods/pm_card_visa/attach", "customer=\(customer)").id,
            desk.post("/v1/payment_methods/pm_card_visa/attach", "customer=\(customer)").id
        )
        desk.post("/v1/customers/\(customer)", "invoice_settings[default_payment_method]=\(first)")
        desk.post("/v1/payment_methods/\(second)/detach")
        let preferred = { (desk: inout Desk) in
            desk.get("/v1/customers/\(customer)").value(at: "invoice_settings", "default_payment_method")
        }
        #expect(preferred(&desk) == .string(first))
        desk.post("/v1/payment_methods/\(first)/detach")
        #expect(preferred(&desk) == .null)
        #expect(desk.events.last == "customer.updated")
    }

    @Test(
        "cards of other countries and networks",
        arguments: [
            ("us", "4242424242424242", "US", "visa"), ("gb", "4000008260000000", "GB", "visa"),
            ("fr", "4000002500000003", "FR", "visa"), ("jp", "4000003920000003", "JP", "visa"),
            ("br", "4000000760000002", "BR", "visa"), ("cn", "4000001560000002", "CN", "visa"),
            ("ca", "4000001240000000", "CA", "visa"), ("de", "4000002760000016", "DE", "visa"),
            ("", "36227206271667", "US", "diners"), ("", "6555900000604105", "US", "discover"),
            ("", "6205500000000000004", "CN", "unionpay"), ("", "371449635398431", "US", "amex"),
            ("", "2223003122003222", "US", "mastercard"),
        ]
    )
    func countries(_ name: String, _ number: String, _ country: String, _ brand: String) {
        var desk = Desk()
        let form =
            "amount=900&currency=usd&confirm=true&payment_method_types[]=card&expand[]=latest_charge"
        let data =
            "&payment_method_data[type]=card&payment_method_data[card][number]=\(number)"
            + "&payment_method_data[card][exp_month]=12&payment_method_data[card][exp_year]=2035"
        var paid = [desk.post("/v1/payment_intents", form + data)]
        if !name.isEmpty {
            paid.append(desk.post("/v1/payment_intents", form + "&payment_method=pm_card_\(name)"))
            let token = "&payment_method_data[type]=card&payment_method_data[card][token]=tok_\(name)"
            paid.append(desk.post("/v1/payment_intents", form + token))
        }
        for intent in paid {
            #expect(intent.status == "succeeded")
            let card = intent.object("latest_charge")?.object("payment_method_details")?.object("card")
            #expect(card?.string("country") == country)
            #expect(card?.string("brand") == brand)
            #expect(card?.string("last4") == String(number.suffix(4)))
        }
    }

    @Test("the numbers of all test cards are valid, and no two cards share a name")
    func numbers() {
        var names: [String] = []
        for card in TestCard.all {
            let digits = card.number.utf8.reversed().map { Int($0 - 0x30) }
            let sum = digits.enumerated().reduce(0) { sum, pair in
                let digit = pair.element * (pair.offset % 2 == 1 ? 2 : 1)
                return sum + (digit > 9 ? digit - 9 : digit)
            }
            #expect(sum % 10 == 0, "\(card.number)")
            names += card.names
        }
        #expect(Set(names).count == names.count)
    }
}
