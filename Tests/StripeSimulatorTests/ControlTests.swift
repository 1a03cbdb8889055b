import Testing

@testable import StripeSimulator

@Suite("Control") struct ControlTests {
    @Test("an exported state goes on where it was, also its ids, keys, plans and deliveries")
    func exporting() throws {
        var desk = Desk(endpoints: [("http://127.0.0.1:1/hook", "whsec_desk", ["*"])])
        let held = desk.pay(900, more: "&capture_method=manual")
        desk.post("/v1/customers", "name=Ada", idempotencyKey: "k")
        let text = desk.call("GET", "/_simulator/state")
        var other = Desk()
        other.call("POST", "/_simulator/state", JSONPrinter.text(of: .object(text)))
        #expect(other.last.status == 200)
        #expect(other.call("GET", "/_simulator/state") == text)
        #expect(other.post("/v1/customers", "name=Ada", idempotencyKey: "k").string("name") == "Ada")
        #expect(other.last.header("Idempotent-Replayed") == "true")
        for seconds in [Int64(7 * 86_400), 60] {
            desk.advance(seconds: seconds)
            other.advance(seconds: seconds)
        }
        #expect(other.get("/v1/payment_intents/\(held.id)").status == "canceled")
        #expect(desk.events == other.events)
        #expect(desk.post("/v1/customers").id == other.post("/v1/customers").id)
        other.call("POST", "/_simulator/state", "{\"version\":1,\"accounts\":3}")
        #expect(other.last.status == 400)
    }

    @Test(
        "a triggered event happens, with other parameters where they are asked for",
        arguments: [
            "payment_intent.succeeded", "charge.refunded", "payment_intent.payment_failed", "invoice.paid",
            "customer.subscription.deleted", "checkout.session.expired", "setup_intent.succeeded",
        ]
    )
    func trigger(_ event: String) {
        var desk = Desk()
        desk.call("POST", "/_simulator/trigger", "event=\(event)")
        #expect(desk.last.status == 200)
        desk.advance(seconds: 5)
        #expect(desk.events.contains(event))
        desk.call(
            "POST",
            "/_simulator/trigger",
            "{\"event\":\"payment_intent.created\",\"override\":[\"intent:amount=4321\"],\"add\":[\"intent:description=x\"]}"
        )
        let intent = desk.get("/v1/payment_intents", "limit=1").data()[0]
        #expect(intent.int("amount") == 4_321)
        #expect(intent.string("description") == "x")
    }

    @Test("the clock is advanced, and only forward")
    func clock() {
        var desk = Desk()
        #expect(desk.call("POST", "/_simulator/clock/advance", "seconds=90").int("now") == Desk.start.seconds + 90)
        desk.call("POST", "/_simulator/clock/advance", "seconds=-1")
        #expect(desk.last.status == 400)
        desk.call("POST", "/_simulator/clock/advance", "to=9223372036854775807")
        #expect(desk.last.status == 400)
        desk.post("/v1/customers")
        desk.call("POST", "/_simulator/reset")
        #expect(desk.get("/v1/customers").data().isEmpty)
    }

    @Test("a clock that runs follows real time from its start, and keeps what it was advanced by")
    func running() {
        var clock = VirtualClock(start: SimulatorInstant(seconds: 1_000), runs: true)
        clock.observe(SimulatorInstant(seconds: 50))
        #expect(clock.now.seconds == 1_000)
        clock.observe(SimulatorInstant(seconds: 60))
        #expect(clock.now.seconds == 1_010)
        clock.advance(to: SimulatorInstant(seconds: 2_000))
        clock.observe(SimulatorInstant(seconds: 61))
        #expect(clock.now.seconds == 2_001)
        clock.observe(SimulatorInstant(seconds: 10))
        #expect(clock.now.seconds == 2_001)
    }

    @Test("the log tells every event with its deliveries")
    func log() {
        var desk = Desk(endpoints: [("http://127.0.0.1:1/hook", "whsec_desk", ["*"])])
        desk.post("/v1/customers")
        for webhook in desk.state.takeDueWebhooks(limit: 1) { desk.state.report(webhook, status: 500, failure: nil) }
        let entry = desk.call("GET", "/_simulator/events").array("events")?.first?.object
        #expect(entry?.string("type") == "customer.created")
        #expect(entry?.array("deliveries")?.first?.object?.array("attempts")?.first?.object?.int("status") == 500)
    }

    @Test(
        "dates of the calendar: months end where they end",
        arguments: [
            (2024, 1, 31, 1, 2024, 2, 29), (2023, 1, 31, 1, 2023, 2, 28), (2023, 12, 31, 2, 2024, 2, 29),
            (2026, 11, 20, 12, 2027, 11, 20), (1969, 12, 31, 1, 1970, 1, 31),
        ]
    )
    func calendar(_ y: Int64, _ m: Int64, _ d: Int64, _ months: Int64, _ y2: Int64, _ m2: Int64, _ d2: Int64) {
        var date = CalendarDate(seconds: 0)
        (date.year, date.month, date.day) = (y, m, d)
        #expect(CalendarDate(seconds: date.seconds) == date)
        let later = date.adding(months: months, anchorDay: d)
        #expect((later.year, later.month, later.day) == (y2, m2, d2))
    }
}
