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

    @Test("every event that can be triggered happens", arguments: TriggerScenario.names)
    func trigger(_ event: String) {
        var desk = Desk()
        desk.call("POST", "/_simulator/trigger", "event=\(event)")
        #expect(desk.last.status == 200, "\(String(decoding: desk.last.body, as: UTF8.self))")
        desk.advance(seconds: 5)
        #expect(desk.events.contains(event))
    }

    @Test("a triggered event has the parameters that were overridden, added and removed")
    func triggerSwitches() throws {
        var desk = Desk()
        let asked = """
            {"event": "charge.refunded", "override": ["payment_intent:amount=4321"],
             "add": ["payment_intent:metadata.shop=7 & 8", "amount=21"], "remove": ["payment_intent:nothing"]}
            """
        desk.call("POST", "/_simulator/trigger", asked)
        #expect(desk.last.status == 200)
        let intent = desk.get("/v1/payment_intents", "limit=1").data()[0]
        #expect(intent.int("amount") == 4_321)
        #expect(intent.object("metadata")?.string("shop") == "7 & 8")
        #expect(desk.get("/v1/refunds", "limit=1").data()[0].int("amount") == 21)
        desk.call("POST", "/_simulator/trigger", #"{"event": "price.created", "override": ["prize:currency=eur"]}"#)
        #expect(desk.last.status == 400)
        #expect(String(decoding: desk.last.body, as: UTF8.self).contains("product, price"))
        desk.call("POST", "/_simulator/trigger", #"{"event": "invoice.paid", "remove": ["customer:email"]}"#)
        #expect(desk.get("/v1/customers", "limit=1").data()[0].string("email") == nil)
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
