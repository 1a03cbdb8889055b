import Testing

@testable import StripeSimulator

/// Every answer comes from state: what was asked for shows in everything that depends on it.
@Suite("Properties") struct PropertyTests {
    private static let currencies = ["usd", "eur", "gbp", "jpy", "kwd", "isk", "huf", "chf"]

    private static func sum(_ balance: JSONObject, _ name: String) -> Int64 {
        (balance.array(name) ?? []).reduce(Int64(0)) { $0 + ($1.object?.int("amount") ?? 0) }
    }

    @Test(
        "amount, currency, card and clock show in intent, charge, refunds, booking, balance and events",
        arguments: 0..<60
    )
    func dependants(_ round: Int) throws {
        var chance = SeededGenerator(seed: UInt64(round))
        let currency = Self.currencies[Int(chance.next() % UInt64(Self.currencies.count))]
        let amount = 20_000 + Int64(chance.next() % 900_000) / 1_000 * 1_000
        let cards = TestCard.all.filter { $0.behaviour == .succeeds }
        let card = cards[Int(chance.next() % UInt64(cards.count))]
        var desk = Desk(seed: UInt64(round))
        desk.advance(seconds: Int64(chance.next() % 10_000_000))
        let now = desk.state.clock.now.seconds
        let paid = desk.post(
            "/v1/payment_intents",
            "amount=\(amount)&currency=\(currency)&confirm=true&payment_method_types[]=card&metadata[round]=\(round)"
                + "&payment_method_data[type]=card&payment_method_data[card][number]=\(card.number)"
                + "&payment_method_data[card][exp_month]=12&payment_method_data[card][exp_year]=2040"
        )
        #expect(paid.status == "succeeded")
        desk.advance(seconds: 2)
        let charge = desk.get(
            "/v1/charges/\(paid.string("latest_charge") ?? "")",
            "expand[]=balance_transaction&expand[]=payment_intent"
        )
        #expect(charge.int("amount") == amount)
        #expect(charge.string("currency") == currency)
        #expect(charge.int("created") == now)
        #expect(charge.value(at: "metadata", "round")?.string == "\(round)")
        #expect(charge.value(at: "payment_method_details", "card", "last4")?.string == card.last4)
        #expect(charge.value(at: "payment_method_details", "card", "brand")?.string == card.brand)
        #expect(charge.value(at: "payment_intent", "id")?.string == paid.id)
        #expect(charge.value(at: "balance_transaction", "amount")?.int == amount)
        #expect(charge.value(at: "balance_transaction", "currency")?.string == currency)

        var left = amount
        for _ in 0..<3 {
            let part = 1 + Int64(chance.next() % UInt64(left / 2))
            let refund = desk.post("/v1/refunds", "payment_intent=\(paid.id)&amount=\(part)")
            #expect(refund.int("amount") == part)
            #expect(refund.string("currency") == currency)
            left -= part
        }
        desk.post("/v1/refunds", "payment_intent=\(paid.id)&amount=\(left + 1)")
        #expect(desk.last.status == 400)
        let after = desk.get("/v1/charges/\(charge.id)", "expand[]=refunds")
        #expect(after.int("amount_refunded") == amount - left)
        #expect(after.object("refunds")?.data().reduce(Int64(0)) { $0 + ($1.int("amount") ?? 0) } == amount - left)

        let transactions = desk.get("/v1/balance_transactions", "limit=100").data()
        let net = transactions.reduce(Int64(0)) { $0 + ($1.int("net") ?? 0) }
        #expect(net == left - Ledger.fee(on: amount))
        let waits: [Int64] = [0, 3 * 86_400]
        for time in waits {
            desk.advance(seconds: time)
            let balance = desk.get("/v1/balance")
            let (available, pending) = (Self.sum(balance, "available"), Self.sum(balance, "pending"))
            #expect(available + pending == net)
            #expect(time == 0 || pending == 0)
        }
        let succeeded = try #require(desk.get("/v1/events", "type=payment_intent.succeeded").data().first)
        #expect(succeeded.value(at: "data", "object", "amount_received")?.int == amount)
        #expect(succeeded.int("created") == now)
        let refunded = desk.get("/v1/events", "type=charge.refunded").data()
        #expect(refunded.first?.value(at: "data", "object", "amount_refunded")?.int == amount - left)
    }
}
