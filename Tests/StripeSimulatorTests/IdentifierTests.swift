import Testing

@testable import StripeSimulator

@Suite("Identifiers") struct IdentifierTests {
    private static let morning = SimulatorInstant(milliseconds: 1_795_176_000_123)

    /// A simulator on a real clock, as `simulator serve` starts it, at a moment.
    private func started(at moment: SimulatorInstant) -> Desk {
        var settings = SimulatorSettings()
        settings.endpoints = [("http://127.0.0.1:1/hook", "whsec_desk", ["*"])]
        var desk = Desk()
        desk.state = SimulatorState(settings: settings)
        desk.state.observe(moment)
        return desk
    }

    /// Does a day's work; answers the ids of everything that came of it, and of its requests.
    private func work(_ desk: inout Desk) -> Set<String> {
        var requests: Set<String> = []
        func note(_ desk: Desk) { requests.insert(desk.last.header("Request-Id") ?? "") }
        let clock = desk.post("/v1/test_helpers/test_clocks", "frozen_time=1700000000").id
        for place in ["", "test_clock=\(clock)"] {
            let customer = desk.post("/v1/customers", place).id
            note(desk)
            let method = desk.post("/v1/payment_methods/pm_card_visa/attach", "customer=\(customer)").id
            desk.post("/v1/customers/\(customer)", "invoice_settings[default_payment_method]=\(method)")
            let price = desk.post(
                "/v1/prices",
                "product_data[name]=Plan&currency=usd&unit_amount=900&recurring[interval]=month"
            ).id
            desk.post("/v1/subscriptions", "customer=\(customer)&items[0][price]=\(price)")
            note(desk)
        }
        let paid = desk.pay(900)
        desk.post("/v1/refunds", "payment_intent=\(paid.id)&amount=100")
        note(desk)
        desk.post("/v1/webhook_endpoints", "url=http://127.0.0.1:1/more&enabled_events[]=*")
        let kept = desk.state.ledgers.values.flatMap { ledger in
            ObjectKind.allCases.flatMap { kind in ledger.all(kind).map(\.id) }
        }
        return requests.union(kept)
    }

    @Test("a simulator that was started again repeats no id, also those of test clocks and endpoints")
    func restarted() {
        var first = started(at: Self.morning)
        var second = started(at: Self.morning.adding(milliseconds: 40))
        let (before, after) = (work(&first), work(&second))
        #expect(before.count > 40)
        #expect(before.isDisjoint(with: after), "\(before.intersection(after).sorted())")
    }

    @Test("a reset at the same instant repeats no id while the clock is real")
    func reset() {
        var desk = started(at: Self.morning)
        var seen: Set<String> = []
        for round in 0..<4 {
            let made = work(&desk)
            #expect(seen.isDisjoint(with: made), "round \(round): \(seen.intersection(made).sorted())")
            seen.formUnion(made)
            desk.call("POST", "/_simulator/reset")
        }
    }

    @Test("the same seed, times and calls give the same ids, on a virtual clock and on a real one")
    func repeatable() {
        var (first, second, other) = (Desk(seed: 7), Desk(seed: 7), Desk(seed: 8))
        let ids = work(&first)
        #expect(ids == work(&second))
        #expect(ids.isDisjoint(with: work(&other)))
        var (real, same) = (started(at: Self.morning), started(at: Self.morning))
        #expect(work(&real) == work(&same))
        #expect(real.state == same.state)
    }

    @Test("the ids of events carry the time that those of payment intents carry")
    func time() {
        var desk = Desk()
        let intent = desk.pay(900).id
        let event = desk.get("/v1/events", "limit=1").data()[0].id
        #expect(event.dropFirst("evt_1".count).prefix(5) == intent.dropFirst("pi_3".count).prefix(5))
        desk.advance(seconds: 1)
        desk.post("/v1/customers")
        let later = desk.get("/v1/events", "limit=1").data()[0].id
        #expect(later.dropFirst("evt_1".count).prefix(5) != event.dropFirst("evt_1".count).prefix(5))
    }

    @Test("endpoints that are there from the start were made when the clock began")
    func configuredEndpoints() {
        var desk = started(at: Self.morning)
        #expect(desk.get("/v1/webhook_endpoints").data().map { $0.int("created") } == [Self.morning.seconds])
    }
}
