import Testing

@testable import StripeSimulator

@Suite("Hostile input") struct HostileInputTests {
    private static let seeds = [
        "POST /v1/payment_intents amount=500&currency=usd&payment_method_types[]=card&metadata[a]=b",
        "POST /v1/payment_intents amount=500&currency=usd&confirm=true&payment_method=pm_card_visa",
        "POST /v1/customers email=a@b.example&name=Ada&address[line1]=x&invoice_settings[footer]=y",
        "POST /v1/refunds payment_intent=pi_x&amount=10", "GET /v1/charges limit=3&starting_after=ch_x&created[gt]=5",
        "GET /v1/payment_intents/search query=metadata['a']:'b' AND amount>5",
        "POST /v1/webhook_endpoints url=http://127.0.0.1:1/&enabled_events[]=*", "GET /v1/events types[]=charge.*",
        "DELETE /v1/customers/cus_x ", "POST /_simulator/clock/advance seconds=10", "GET /3d_secure_2/hosted a=b",
        "POST /_simulator/faults {\"action\":\"slow\",\"delay_ms\":1}", "GET /v1/balance expand[]=a.b.c.d",
        "POST /v1/payment_methods type=card&card[number]=4242424242424242&card[exp_month]=1&card[exp_year]=2030",
    ]

    /// One request for every operation there is, with parameters of the right names.
    private static let operations = RouteTable.all.everything.map { route in
        let path = route.segments.map { $0.hasPrefix(":") ? "x_1" : $0 }.joined(separator: "/")
        let form = route.parameters.fields.keys.sorted().prefix(12).map { "\($0)=1" }.joined(separator: "&")
        return "\(route.method) /v1/\(path) \(form)"
    }

    @Test("ten thousand mutated requests: no crash, and no 500 that was not asked for")
    func mutations() {
        var generator = SeededGenerator(seed: 20_261_120)
        var desk = Desk()
        desk.version = "2026-08-26.dahlia"  // types are not checked here: it takes long
        var ids: [String] = []
        for round in 0..<10_000 {
            if round % 1_000 == 0 { ids = Self.furnish(&desk) }
            let pool = round % 2 == 0 ? Self.seeds : Self.operations
            var bytes = Array(pool[Int(generator.next() % UInt64(pool.count))].utf8)
            if generator.next() % 2 == 0 {
                let id = ids[Int(generator.next() % UInt64(ids.count))]
                bytes = Array(String(decoding: bytes, as: UTF8.self).split(separator: "x_1").joined(separator: id).utf8)
            }
            for _ in 0..<(generator.next() % 6) { Self.mutate(&bytes, &generator) }
            let parts = bytes.split(separator: 0x20, maxSplits: 2, omittingEmptySubsequences: false)
            let method = String(decoding: parts[0], as: UTF8.self)
            let path = parts.count > 1 ? String(decoding: parts[1], as: UTF8.self) : "/"
            var request = SimulatorRequest(method: method, path: path.hasPrefix("/_simulator/faults") ? "/v1/x" : path)
            request.headers = [("authorization", "Bearer sk_test_desk")]
            if round % 7 == 0 {
                request.headers.append(("stripe-version", String(decoding: bytes.prefix(12), as: UTF8.self)))
            }
            if round % 5 == 0 { request.headers.append(("idempotency-key", "k\(round % 50)")) }
            if method == "POST" {
                request.body = parts.count > 2 ? Array(parts[2]) : []
            } else {
                request.query = parts.count > 2 ? Array(parts[2]) : []
            }
            let answer = desk.state.handle(request)
            #expect(answer.status < 500, "round \(round): \(String(decoding: bytes, as: UTF8.self))")
            if round % 1_000 == 999 { desk.call("POST", "/_simulator/reset") }
        }
    }

    /// A desk with one of many things, so that mutated requests reach further than a 404.
    private static func furnish(_ desk: inout Desk) -> [String] {
        let customer = desk.post("/v1/customers", "email=a@b.example").id
        let method = desk.post("/v1/payment_methods/pm_card_visa/attach", "customer=\(customer)").id
        desk.post("/v1/customers/\(customer)", "invoice_settings[default_payment_method]=\(method)")
        let price = desk.post(
            "/v1/prices",
            "currency=usd&unit_amount=900&product_data[name]=P&recurring[interval]=month"
        )
        let paid = desk.pay(900)
        let subscription = desk.post("/v1/subscriptions", "customer=\(customer)&items[0][price]=\(price.id)")
        let invoice = desk.post("/v1/invoices", "customer=\(customer)")
        let session = desk.post(
            "/v1/checkout/sessions",
            "mode=setup&currency=usd&success_url=https://shop.example"
        )
        return [
            customer, method, price.id, price.string("product") ?? "", paid.id, paid.string("latest_charge") ?? "",
            subscription.id, subscription.string("latest_invoice") ?? "", invoice.id, session.id,
            desk.pay(900, more: "&capture_method=manual").id,
        ]
    }

    private static func mutate(_ bytes: inout [UInt8], _ generator: inout SeededGenerator) {
        let pieces = [
            "[", "]", "[]", "[0]", "%", "%00", "&", "=", "..", "/", "-1", "9223372036854775808", "%ff", "{", "\"",
        ]
        guard !bytes.isEmpty else { return }
        let position = Int(generator.next() % UInt64(bytes.count))
        switch generator.next() % 6 {
        case 0: bytes[position] = UInt8(truncatingIfNeeded: generator.next())
        case 1: bytes.remove(at: position)
        case 2: bytes.insert(contentsOf: pieces[Int(generator.next() % UInt64(pieces.count))].utf8, at: position)
        case 3: bytes.append(contentsOf: bytes.suffix(from: position))
        case 4:
            bytes.insert(contentsOf: repeatElement(bytes[position], count: Int(generator.next() % 300)), at: position)
        default: bytes.swapAt(position, Int(generator.next() % UInt64(bytes.count)))
        }
    }

    @Test("the bounds of a form are kept", arguments: 0..<7)
    func forms(_ index: Int) {
        let text = [
            String(repeating: "a[", count: 2_000), String(repeating: "a=1&", count: 5_000),
            "a" + String(repeating: "[b]", count: 40) + "=1", "a=1&a[b]=2", "a]b[=1", "%zz=1", "%ff=1",
        ][index]
        #expect(throws: StripeError.self) { try FormDecoder.decode(Array(text.utf8)) }
    }
}
