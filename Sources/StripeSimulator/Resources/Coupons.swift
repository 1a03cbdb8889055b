extension Ledger {
    static let couponRoutes: [Route] = [
        .post(
            "coupons",
            """
            amount_off:i applies_to{products:a} currency:s currency_options:* duration:forever|once|repeating
            duration_in_months:i id:s max_redemptions:i metadata:m? name:s percent_off:s redeem_by:i
            """
        ) { ledger, call throws(StripeError) in try ledger.createCoupon(call) },
        .list("coupons", "created:r") { ledger, call throws(StripeError) in try ledger.page(.coupon, call) },
        .get("coupons/:id") { ledger, call throws(StripeError) in try ledger.require(.coupon, call.id) },
        .post("coupons/:id", "currency_options:* metadata:m? name:s") { ledger, call throws(StripeError) in
            let coupon = try ledger.require(.coupon, call.id)
            return ledger.change(.coupon, coupon.id, emitting: "coupon.updated") { coupon in
                call.copy(["name"], to: &coupon)
                coupon["metadata"] = .object(call.updatedMetadata(coupon.object("metadata")))
            }
        },
        .delete("coupons/:id") { ledger, call throws(StripeError) in
            let coupon = try ledger.require(.coupon, call.id)
            ledger.objects[.coupon]?[coupon.id] = nil
            ledger.emit("coupon.deleted", coupon)
            return ["id": .string(coupon.id), "object": "coupon", "deleted": true]
        },
    ]

    private mutating func createCoupon(_ call: Call) throws(StripeError) -> JSONObject {
        let percent = call.string("percent_off").flatMap { Double($0) }
        let amount = call.int("amount_off")
        guard (percent == nil) != (amount == nil) else {
            throw StripeError("You must pass either `percent_off` or `amount_off`, and not both.")
        }
        let isExact = call.string("percent_off").map { ExactAmount($0) != nil } ?? true
        if let percent, !(percent > 0 && percent <= 100) || !isExact {
            throw StripeError.invalid("percent_off", "Invalid percent_off: must be above 0 and at most 100")
        }
        if let amount, amount < 1 { throw StripeError.invalid("amount_off", "Invalid positive integer") }
        let currency = try call.string("currency").map { text throws(StripeError) in try Currency.check(text) }
        if amount != nil, currency == nil { throw StripeError.missingParameter("currency") }
        let duration = call.string("duration") ?? "once"
        try checkLimits(call, duration: duration)
        let id = call.string("id") ?? newID(.coupon)
        guard find(.coupon, id) == nil else {
            throw StripeError(code: "resource_already_exists", "Coupon already exists.", executed: true)
        }
        let share: JSONValue = percent.map { $0 == $0.rounded() ? .int(Int64($0)) : .double($0) } ?? .null
        let coupon: JSONObject = [
            "id": .string(id), "object": "coupon", "amount_off": .int(orNull: amount), "created": .int(now.seconds),
            "currency": .string(orNull: currency), "duration": .string(duration),
            "duration_in_months": call.value("duration_in_months"), "livemode": .bool(livemode),
            "max_redemptions": call.value("max_redemptions"), "metadata": .object(call.updatedMetadata(nil)),
            "name": call.value("name"), "percent_off": share, "redeem_by": call.value("redeem_by"),
            "times_redeemed": 0, "valid": true,
        ]
        insert(.coupon, coupon)
        emit("coupon.created", coupon)
        return coupon
    }

    /// Checks how long and how often a coupon may be used; refuses what the simulator could not reckon.
    private func checkLimits(_ call: Call, duration: String) throws(StripeError) {
        for name in ["applies_to", "currency_options"] where call.parameters.has(name) {
            throw Self.notModelled(name, "`\(name)` of a coupon")
        }
        if duration == "repeating", call.int("duration_in_months") == nil {
            throw StripeError.missingParameter("duration_in_months")
        }
        if duration != "repeating", call.int("duration_in_months") != nil {
            throw StripeError.invalid("duration_in_months", "You can only set it when `duration` is `repeating`.")
        }
        for name in ["duration_in_months", "max_redemptions"] {
            guard let number = call.int(name), number < 1 else { continue }
            throw StripeError.invalid(name, "This value must be greater than or equal to 1.")
        }
        if let time = call.int("redeem_by"), time <= now.seconds {
            throw StripeError.invalid("redeem_by", "`redeem_by` must be a timestamp in the future.")
        }
    }

    /// Whether a coupon can still be redeemed (`coupon.valid`).
    func isValid(_ coupon: JSONObject) -> Bool { Self.isValid(coupon, at: now.seconds) }

    static func isValid(_ coupon: JSONObject, at moment: Int64) -> Bool {
        let used = coupon.int("times_redeemed") ?? 0
        return coupon.int("max_redemptions").map { used < $0 } ?? true
            && coupon.int("redeem_by").map { moment <= $0 } ?? true
    }
}
