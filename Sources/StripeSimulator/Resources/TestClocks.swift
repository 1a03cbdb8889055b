extension Ledger {
    static let testClockRoutes: [Route] = [
        .post("test_helpers/test_clocks", "frozen_time:i! customer:s name:s") { ledger, call throws(StripeError) in
            guard !ledger.livemode else { throw StripeError("Test clocks exist in test mode alone.") }
            let clock: JSONObject = [
                "id": .string(ledger.newID(.testClock)), "object": "test_helpers.test_clock",
                "created": .int(ledger.now.seconds),
                "deletes_after": .int(ledger.now.adding(seconds: 30 * 86_400).seconds),
                "frozen_time": call.value("frozen_time"), "livemode": false, "name": call.value("name"),
                "status": "ready", "status_details": [:],
            ]
            ledger.insert(.testClock, clock)
            ledger.emit("test_helpers.test_clock.created", clock)
            return clock
        },
        .list("test_helpers/test_clocks", "") { ledger, call throws(StripeError) in try ledger.page(.testClock, call) },
        .get("test_helpers/test_clocks/:id") { ledger, call throws(StripeError) in
            try ledger.require(.testClock, call.id)
        },
        .post("test_helpers/test_clocks/:id/advance", "frozen_time:i!") { ledger, call throws(StripeError) in
            try ledger.advanceTestClock(call)
        },
        .delete("test_helpers/test_clocks/:id") { ledger, call throws(StripeError) in
            let clock = try ledger.require(.testClock, call.id)
            ledger.objects[.testClock]?[clock.id] = nil
            ledger.schedules[clock.id] = nil
            for customer in ledger.all(.customer) where customer.string("test_clock") == clock.id {
                ledger.insert(.customer, ["id": .string(customer.id), "object": "customer", "deleted": true])
            }
            ledger.emit("test_helpers.test_clock.deleted", clock)
            return ["id": .string(clock.id), "object": "test_helpers.test_clock", "deleted": true]
        },
    ]

    /// A clock goes two intervals at a time at most in Stripe; here, two years.
    private static let longestAdvance: Int64 = 2 * 366 * 86_400

    private mutating func advanceTestClock(_ call: Call) throws(StripeError) -> JSONObject {
        let clock = try require(.testClock, call.id)
        let time = clock.int("frozen_time") ?? 0
        let target = call.int("frozen_time") ?? 0
        guard target > time else {
            throw StripeError.invalid("frozen_time", "The frozen time must be later than the clock's present time.")
        }
        guard target - time <= Self.longestAdvance else {
            throw StripeError.invalid("frozen_time", "The clock can be advanced by two years at once.")
        }
        let advancing = change(.testClock, clock.id, emitting: "test_helpers.test_clock.advancing") { clock in
            clock["status"] = "advancing"
            clock["status_details"] = ["advancing": ["target_frozen_time": .int(target)]]
        }
        update(.testClock, clock.id) { $0["frozen_time"] = .int(target) }
        runDue(by: SimulatorInstant(seconds: target), clock: clock.id)
        change(.testClock, clock.id, emitting: "test_helpers.test_clock.ready") { clock in
            clock["status"] = "ready"
            clock["status_details"] = [:]
        }
        return advancing
    }
}
