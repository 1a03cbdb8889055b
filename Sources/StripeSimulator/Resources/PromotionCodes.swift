// Codes that customers type: a coupon, with limits of its own.
extension Ledger {
    static let promotionCodeRoutes: [Route] = [
        .post(
            "promotion_codes",
            """
            promotion{coupon:s type:coupon|!} coupon:s active:b code:s customer:s customer_account:s expires_at:i
            max_redemptions:i metadata:m restrictions{currency_options:* first_time_transaction:b minimum_amount:i
            minimum_amount_currency:s}
            """
        ) { ledger, call throws(StripeError) in try ledger.createPromotionCode(call) },
        .list("promotion_codes", "active:b code:s coupon:s created:r customer:s customer_account:s") {
            ledger,
            call throws(StripeError) in
            let coupon = call.string("coupon")
            let active = call.bool("active")
            let code = call.string("code")?.lowercased()
            return try ledger.page(.promotionCode, call, filters: ["customer", "customer_account"]) {
                [ledger] promotion in
                (coupon == nil || promotion.value(at: "promotion", "coupon")?.string == coupon)
                    && (code == nil || promotion.string("code")?.lowercased() == code)
                    && (active == nil || active == ledger.isActive(promotion))
            }
        },
        .get("promotion_codes/:id") { ledger, call throws(StripeError) in
            try ledger.require(.promotionCode, call.id)
        },
        .post("promotion_codes/:id", "active:b metadata:m? restrictions{currency_options:*}") {
            ledger,
            call throws(StripeError) in
            let promotion = try ledger.require(.promotionCode, call.id)
            if call.bool("active") == true, let code = promotion.string("code") {
                try ledger.checkFree(code, of: promotion.string("customer"), except: promotion.id)
            }
            if call.parameters.has("restrictions") {
                throw notModelled("restrictions[currency_options]", "`currency_options` of a promotion code")
            }
            return ledger.change(.promotionCode, promotion.id, emitting: "promotion_code.updated") { promotion in
                call.copy(["active"], to: &promotion)
                promotion["metadata"] = .object(call.updatedMetadata(promotion.object("metadata")))
            }
        },
    ]

    private mutating func createPromotionCode(_ call: Call) throws(StripeError) -> JSONObject {
        guard let id = call.object("promotion")?.string("coupon") ?? call.string("coupon") else {
            throw StripeError.missingParameter("promotion[coupon]")
        }
        let coupon = try require(.coupon, id, param: "promotion[coupon]")
        if let customer = call.string("customer") { _ = try liveCustomer(customer, param: "customer") }
        try checkLimits(call, of: coupon)
        if let code = call.string("code") {
            let isPlain = code.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-" || $0 == "_") }
            guard isPlain else {
                throw StripeError.invalid("code", "Promotion codes may only contain letters, digits and dashes.")
            }
            try checkFree(code, of: call.string("customer"), except: nil)
        }
        let restrictions = try restrictions(call.object("restrictions") ?? JSONObject())
        let promotion: JSONObject = [
            "id": .string(newID(.promotionCode)), "object": "promotion_code",
            "active": .bool(call.bool("active") ?? true),
            "code": .string(call.string("code") ?? generator.characters(8).uppercased()), "created": .int(now.seconds),
            "customer": call.value("customer"), "customer_account": nil, "expires_at": call.value("expires_at"),
            "livemode": .bool(livemode), "max_redemptions": call.value("max_redemptions"),
            "metadata": .object(call.updatedMetadata(nil)),
            "promotion": ["coupon": .string(coupon.id), "type": "coupon"],
            "restrictions": .object(restrictions), "times_redeemed": 0,
        ]
        insert(.promotionCode, promotion)
        emit("promotion_code.created", promotion)
        return promotion
    }

    /// A customer has one active code of a name, in capitals or not; so have all customers together.
    private func checkFree(_ code: String, of customer: String?, except id: String?) throws(StripeError) {
        let isTaken = all(.promotionCode).contains { other in
            other.id != id && other.string("code")?.lowercased() == code.lowercased() && isActive(other)
                && (customer == nil || !other.has("customer") || other.string("customer") == customer)
        }
        guard !isTaken else {
            throw StripeError(
                param: "code",
                "An active promotion code with `code: \(code)` already exists.",
                executed: true
            )
        }
    }

    /// A code may not go further than its coupon.
    private func checkLimits(_ call: Call, of coupon: JSONObject) throws(StripeError) {
        if let count = call.int("max_redemptions") {
            guard count >= 1 else {
                throw StripeError.invalid("max_redemptions", "This value must be greater than or equal to 1.")
            }
            if let most = coupon.int("max_redemptions"), count > most {
                throw StripeError.invalid("max_redemptions", "Cannot be greater than the coupon's `max_redemptions`.")
            }
        }
        guard let time = call.int("expires_at") else { return }
        guard time > now.seconds else {
            throw StripeError.invalid("expires_at", "`expires_at` must be a timestamp in the future.")
        }
        if let last = coupon.int("redeem_by"), time > last {
            throw StripeError.invalid("expires_at", "Cannot be after the coupon's `redeem_by`.")
        }
    }

    private func restrictions(_ given: JSONObject) throws(StripeError) -> JSONObject {
        if given.has("currency_options") {
            throw Self.notModelled("restrictions[currency_options]", "`currency_options` of a promotion code")
        }
        let least = given.int("minimum_amount")
        let currency = try given.string("minimum_amount_currency").map { text throws(StripeError) in
            try Currency.check(text)
        }
        guard (least == nil) == (currency == nil) else {
            throw StripeError.missingParameter(
                "restrictions[\(least == nil ? "minimum_amount" : "minimum_amount_currency")]"
            )
        }
        return [
            "first_time_transaction": given["first_time_transaction"] ?? false, "minimum_amount": .int(orNull: least),
            "minimum_amount_currency": .string(orNull: currency),
        ]
    }

    /// Whether a code can still be redeemed: it is active only while its coupon is valid.
    func isActive(_ promotion: JSONObject) -> Bool {
        guard promotion.bool("active") == true, promotion.int("expires_at").map({ now.seconds <= $0 }) ?? true,
            let coupon = promotion.value(at: "promotion", "coupon")?.string.flatMap({ find(.coupon, $0) })
        else { return false }
        let used = promotion.int("times_redeemed") ?? 0
        return isValid(coupon) && promotion.int("max_redemptions").map { used < $0 } ?? true
    }

    /// Checks that a code may be redeemed for an order.
    func checkRedeemable(_ promotion: JSONObject, _ order: DiscountedOrder, param: String) throws(StripeError) {
        let code = promotion.string("code") ?? promotion.id
        guard isActive(promotion) else {
            throw StripeError.invalid(param, "The promotion code \(code) is inactive, expired or used up.")
        }
        if let owner = promotion.string("customer"), owner != order.customer {
            throw StripeError.invalid(param, "The promotion code \(code) is another customer's.")
        }
        let restrictions = promotion.object("restrictions") ?? JSONObject()
        if restrictions.bool("first_time_transaction") == true, hasPaid(order.customer) {
            throw StripeError.invalid(
                param,
                "The promotion code \(code) cannot be redeemed because the customer has prior transactions."
            )
        }
        guard let least = restrictions.int("minimum_amount") else { return }
        guard let amount = order.amount, restrictions.string("minimum_amount_currency") == order.currency,
            amount >= least
        else {
            throw StripeError.invalid(
                param,
                "The promotion code \(code) cannot be redeemed because the order does not meet its minimum amount."
            )
        }
    }

    /// Whether a customer has any successful payment or invoice.
    private func hasPaid(_ customer: String) -> Bool {
        guard !customer.isEmpty else { return false }
        return all(.paymentIntent).contains { $0.string("customer") == customer && $0.status == "succeeded" }
            || all(.invoice).contains {
                $0.string("customer") == customer && $0.status == "paid" && $0.int("amount_due") ?? 0 > 0
            }
    }
}
