// Coupons in use: redeemed for an order, taken off its invoices, over.
struct DiscountedOrder {
    /// Empty where the order has none yet.
    var customer: String
    /// Before discounts; nil where there is no order yet.
    var amount: Int64?
    var currency: String?
    var subscription: String?
    var invoice: String?
}

extension Ledger {
    // MARK: Redeeming

    /// Whether a call says anything of discounts; `coupon` and `promotion_code` are how older callers do.
    static func givesDiscounts(_ call: Call) -> Bool {
        ["discounts", "coupon", "promotion_code"].contains { call.parameters[$0] != nil }
    }

    /// Makes discounts from a `discounts` parameter, all of them or none.
    ///
    /// Answers their ids. Throws: 400 where a coupon or a code can no longer be redeemed, or not for this order.
    mutating func takeDiscounts(_ call: Call, _ order: DiscountedOrder) throws(StripeError) -> [String] {
        var given = (call.parameters.array("discounts") ?? []).compactMap(\.object)
        var isList = true
        for name in ["coupon", "promotion_code"] where call.string(name) != nil && given.isEmpty {
            given = [[name: call.value(name)]]
            isList = false
        }
        return try wholly { ledger throws(StripeError) in
            var ids: [String] = []
            for (index, given) in given.enumerated() {
                let place = { (name: String) in isList ? "discounts[\(index)][\(name)]" : name }
                if let id = given.string("discount") {
                    ids.append(try ledger.kept(id, order, param: place("discount")))
                } else if let id = try ledger.redeem(given, order, place) {
                    ids.append(id)
                }
            }
            return ids
        }
    }

    /// A discount that is already the order's, or its customer's.
    private func kept(_ id: String, _ order: DiscountedOrder, param: String) throws(StripeError) -> String {
        let discount = try require(.discount, id, param: param)
        guard discount.string("customer") == order.customer else {
            throw StripeError.missingObject("discount", id, param: param)
        }
        return id
    }

    private mutating func redeem(
        _ given: JSONObject,
        _ order: DiscountedOrder,
        _ place: (String) -> String
    ) throws(StripeError) -> String? {
        var couponID = given.string("coupon")
        var couponPlace = place("coupon")
        let promotionID = given.string("promotion_code")
        if let promotionID {
            couponPlace = place("promotion_code")
            let promotion = try require(.promotionCode, promotionID, param: couponPlace)
            try checkRedeemable(promotion, order, param: couponPlace)
            couponID = promotion.value(at: "promotion", "coupon")?.string
            update(.promotionCode, promotionID) { $0["times_redeemed"] = .int(($0.int("times_redeemed") ?? 0) + 1) }
        }
        guard let couponID else { return nil }
        let coupon = try require(.coupon, couponID, param: couponPlace)
        guard isValid(coupon) else {
            throw StripeError.invalid(
                couponPlace,
                "The coupon \(couponID) has expired, or has been redeemed as often as it can be.",
                code: "coupon_expired"
            )
        }
        update(.coupon, couponID) { $0["times_redeemed"] = .int(($0.int("times_redeemed") ?? 0) + 1) }
        let day = CalendarDate(seconds: now.seconds)
        let end = coupon.int("duration_in_months").map { day.adding(months: $0, anchorDay: day.day).seconds }
        let discount: JSONObject = [
            "id": .string(newID(.discount)), "object": "discount", "checkout_session": nil,
            "customer": .string(order.customer), "customer_account": nil, "end": .int(orNull: end),
            "invoice": .string(orNull: order.invoice), "invoice_item": nil,
            "promotion_code": .string(orNull: promotionID),
            "source": ["coupon": .string(couponID), "type": "coupon"], "start": .int(now.seconds),
            "subscription": .string(orNull: order.subscription), "subscription_item": nil,
            // A coupon may be deleted; those who have redeemed it keep it.
            "_coupon": .object(coupon),
        ]
        insert(.discount, discount)
        return discount.id
    }

    /// What was redeemed for a subscription that was not made after all may be redeemed again.
    mutating func giveBackCoupons(of subscription: String) {
        for discount in all(.discount) where discount.string("subscription") == subscription {
            let places: [(ObjectKind, String?)] = [
                (.coupon, discount.value(at: "source", "coupon")?.string),
                (.promotionCode, discount.string("promotion_code")),
            ]
            for (kind, id) in places {
                guard let id else { continue }
                update(kind, id) { $0["times_redeemed"] = .int(max(0, ($0.int("times_redeemed") ?? 0) - 1)) }
            }
            objects[.discount]?[discount.id] = nil
        }
    }

    // MARK: Using

    /// The discounts of a subscription's next invoice: its own, else its customer's (`subscription.discounts`).
    func discounts(of subscription: JSONObject) -> [String] {
        let own = (subscription.array("discounts") ?? []).compactMap(\.string)
        let ids = own.isEmpty ? discounts(ofCustomer: subscription.string("customer") ?? "") : own
        return ids.filter { !hasEnded($0, at: now.seconds) }
    }

    /// The discount of a customer, which invoices inherit.
    func discounts(ofCustomer id: String) -> [String] {
        [find(.customer, id)?.object("discount")?.id].compactMap { $0 }.filter { !hasEnded($0, at: now.seconds) }
    }

    private func hasEnded(_ id: String, at moment: Int64) -> Bool {
        find(.discount, id)?.int("end").map { $0 <= moment } ?? false
    }

    /// What a discount takes off an amount.
    func reduction(by discountID: String, of amount: Int64, currency: String, at moment: Int64? = nil) -> Int64 {
        guard amount > 0, let coupon = find(.discount, discountID)?.object("_coupon"),
            !hasEnded(discountID, at: moment ?? now.seconds)
        else { return 0 }
        if let off = coupon.int("amount_off") { return coupon.string("currency") == currency ? min(off, amount) : 0 }
        switch coupon["percent_off"] {
        case .some(.int(let percent)): return ExactAmount(percent).percentage(of: amount)
        // The shortest text of a number that was given as a decimal text is that text.
        case .some(.double(let percent)): return ExactAmount("\(percent)")?.percentage(of: amount) ?? 0
        default: return 0
        }
    }

    // MARK: Over

    /// A discount that is for `once` is used up by the first invoice it takes anything off.
    mutating func useUpDiscounts(of invoiceID: String) {
        guard let invoice = find(.invoice, invoiceID) else { return }
        for reduction in (invoice.array("total_discount_amounts") ?? []).compactMap(\.object)
        where reduction.int("amount") ?? 0 > 0 {
            guard let discount = reduction.string("discount").flatMap({ find(.discount, $0) }),
                discount.value(at: "_coupon", "duration")?.string == "once"
            else { continue }
            drop(discount, subscription: invoice.string("_subscription"), customer: invoice.string("customer"))
        }
    }

    /// Discounts whose months are over are no longer the subscription's, nor its customer's.
    mutating func dropEndedDiscounts(of subscription: JSONObject) {
        let own = (subscription.array("discounts") ?? []).compactMap(\.string)
        let customer = subscription.string("customer")
        let theirs = [customer.flatMap { find(.customer, $0) }?.object("discount")?.id].compactMap { $0 }
        for id in own + theirs where hasEnded(id, at: now.seconds) {
            if let discount = find(.discount, id) { drop(discount, subscription: subscription.id, customer: customer) }
        }
    }

    private mutating func drop(_ discount: JSONObject, subscription: String?, customer: String?) {
        var isDropped = false
        if let subscription, let ids = find(.subscription, subscription)?.array("discounts"),
            ids.contains(.string(discount.id))
        {
            update(.subscription, subscription) { $0["discounts"] = .array(ids.filter { $0.string != discount.id }) }
            isDropped = true
        }
        if let customer, find(.customer, customer)?.object("discount")?.id == discount.id {
            update(.customer, customer) { $0["discount"] = .null }
            isDropped = true
        }
        if isDropped { emit("customer.discount.deleted", discount) }
    }
}
