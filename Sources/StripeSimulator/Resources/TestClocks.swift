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
            ledger.schedules[clock.id] = nil
            for customer in ledger.all(.customer) where customer.string("test_clock") == clock.id {
                ledger.deleteCustomer(customer)
            }
            ledger.objects[.testClock]?[clock.id] = nil
            ledger.emit("test_helpers.test_clock.deleted", clock)
            return ["id": .string(clock.id), "object": "test_helpers.test_clock", "deleted": true]
        },
    ]

    /// How far a clock without subscriptions goes at a time: two years.
    private static let longestAdvance: Int64 = 2 * 366 * 86_400

    /// The latest time that a clock may be moved to at once: two intervals of its shortest subscription on.
    private func furthest(from time: Int64, clock: String) -> Int64 {
        let running = all(.subscription).filter { subscription in
            subscription.string("test_clock") == clock
                && !["canceled", "incomplete_expired"].contains(subscription.status)
        }
        let ends = running.flatMap(Self.items).compactMap { $0.object("price") }.map { price in
            Self.periodEnd(after: Self.periodEnd(after: time, price, anchor: time), price, anchor: time)
        }
        return min(ends.min() ?? .max, time + Self.longestAdvance)
    }

    private mutating func advanceTestClock(_ call: Call) throws(StripeError) -> JSONObject {
        let clock = try require(.testClock, call.id)
        let time = clock.int("frozen_time") ?? 0
        let target = call.int("frozen_time") ?? 0
        guard target > time else {
            throw StripeError.invalid("frozen_time", "The frozen time must be later than the clock's present time.")
        }
        guard target <= furthest(from: time, clock: clock.id) else {
            throw StripeError.invalid(
                "frozen_time",
                "You cannot advance a test clock by more than two intervals of its shortest subscription, or two years "
                    + "where it has none, at a time."
            )
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
