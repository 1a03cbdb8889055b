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
        .post(
            "promotion_codes",
            """
            promotion{coupon:s type:coupon|!} coupon:s active:b code:s customer:s customer_account:s expires_at:i
            max_redemptions:i metadata:m restrictions:*
            """
        ) { ledger, call throws(StripeError) in try ledger.createPromotionCode(call) },
        .list("promotion_codes", "active:b code:s coupon:s created:r customer:s") { ledger, call throws(StripeError) in
            let coupon = call.string("coupon")
            return try ledger.page(.promotionCode, call, filters: ["active", "code", "customer"]) { promotion in
                coupon == nil || promotion.value(at: "promotion", "coupon")?.string == coupon
            }
        },
        .get("promotion_codes/:id") { ledger, call throws(StripeError) in
            try ledger.require(.promotionCode, call.id)
        },
        .post("promotion_codes/:id", "active:b metadata:m? restrictions:*") { ledger, call throws(StripeError) in
            let promotion = try ledger.require(.promotionCode, call.id)
            return ledger.change(.promotionCode, promotion.id, emitting: "promotion_code.updated") { promotion in
                call.copy(["active"], to: &promotion)
                promotion["metadata"] = .object(call.updatedMetadata(promotion.object("metadata")))
            }
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
        if duration == "repeating", call.int("duration_in_months") == nil {
            throw StripeError.missingParameter("duration_in_months")
        }
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

    private mutating func createPromotionCode(_ call: Call) throws(StripeError) -> JSONObject {
        guard let id = call.object("promotion")?.string("coupon") ?? call.string("coupon") else {
            throw StripeError.missingParameter("promotion[coupon]")
        }
        let coupon = try require(.coupon, id, param: "promotion[coupon]")
        let promotion: JSONObject = [
            "id": .string(newID(.promotionCode)), "object": "promotion_code",
            "active": .bool(call.bool("active") ?? true),
            "code": .string(call.string("code") ?? generator.characters(8).uppercased()), "created": .int(now.seconds),
            "customer": call.value("customer"), "customer_account": nil, "expires_at": call.value("expires_at"),
            "livemode": .bool(livemode), "max_redemptions": call.value("max_redemptions"),
            "metadata": .object(call.updatedMetadata(nil)),
            "promotion": ["coupon": .string(coupon.id), "type": "coupon"],
            "restrictions": [
                "first_time_transaction": false, "minimum_amount": nil, "minimum_amount_currency": nil,
            ], "times_redeemed": 0,
        ]
        insert(.promotionCode, promotion)
        emit("promotion_code.created", promotion)
        return promotion
    }

    // MARK: Using them

    /// Makes discounts from a `discounts` parameter.
    ///
    /// Answers their ids.
    mutating func takeDiscounts(
        _ call: Call,
        customer: String,
        subscription: String? = nil,
        invoice: String? = nil
    ) throws(StripeError) -> [String] {
        var ids: [String] = []
        for (index, given) in (call.parameters.array("discounts") ?? []).compactMap(\.object).enumerated() {
            var couponID = given.string("coupon")
            var promotionID: String?
            if let id = given.string("promotion_code") {
                let promotion = try require(.promotionCode, id, param: "discounts[\(index)][promotion_code]")
                couponID = promotion.value(at: "promotion", "coupon")?.string
                promotionID = id
                update(.promotionCode, id) { $0["times_redeemed"] = .int(($0.int("times_redeemed") ?? 0) + 1) }
            }
            guard let couponID else { continue }
            let coupon = try require(.coupon, couponID, param: "discounts[\(index)][coupon]")
            update(.coupon, coupon.id) { $0["times_redeemed"] = .int(($0.int("times_redeemed") ?? 0) + 1) }
            let months = coupon.int("duration_in_months")
            let day = CalendarDate(seconds: now.seconds)
            let end = months.map { day.adding(months: $0, anchorDay: day.day).seconds }
            let discount: JSONObject = [
                "id": .string(newID(.discount)), "object": "discount", "checkout_session": nil,
                "customer": .string(customer), "customer_account": nil, "end": .int(orNull: end),
                "invoice": .string(orNull: invoice), "invoice_item": nil,
                "promotion_code": .string(orNull: promotionID),
                "source": ["coupon": .string(coupon.id), "type": "coupon"], "start": .int(now.seconds),
                "subscription": .string(orNull: subscription), "subscription_item": nil,
            ]
            insert(.discount, discount)
            ids.append(discount.id)
        }
        return ids
    }

    /// What a discount takes off an amount.
    func reduction(by discountID: String, of amount: Int64, currency: String) -> Int64 {
        guard amount > 0, let discount = find(.discount, discountID),
            let coupon = discount.value(at: "source", "coupon")?.string.flatMap({ find(.coupon, $0) })
        else { return 0 }
        if let end = discount.int("end"), end <= now.seconds { return 0 }
        if let off = coupon.int("amount_off") { return coupon.string("currency") == currency ? min(off, amount) : 0 }
        switch coupon["percent_off"] {
        case .some(.int(let percent)): return ExactAmount(percent).percentage(of: amount)
        // The shortest text of a number that was given as a decimal text is that text.
        case .some(.double(let percent)): return ExactAmount("\(percent)")?.percentage(of: amount) ?? 0
        default: return 0
        }
    }
}
