// What a subscription may not be asked for: what Stripe refuses, and what the simulator could not bill as described.
extension Ledger {
    static let longestTrial: Int64 = 730 * 86_400

    static func notModelled(_ param: String, _ what: String) -> StripeError {
        StripeError.invalid(param, "The simulator does not model \(what).")
    }

    static let mostUnits: Int64 = 999_999
    static let longestTerm: Int64 = 3_650

    /// Refuses a whole number below what it may be, or above.
    static func check(_ number: Int64?, in range: ClosedRange<Int64>, _ param: String) throws(StripeError) {
        guard let number, !range.contains(number) else { return }
        throw StripeError.invalid(
            param,
            number < range.lowerBound
                ? "This value must be greater than or equal to \(range.lowerBound)."
                : "This value must be less than or equal to \(range.upperBound) (passed a value of \(number)).",
            code: "parameter_invalid_integer"
        )
    }

    /// Checks the quantities of a subscription's items, and the quantity that stands for its first one's.
    static func checkQuantities(_ given: JSONObject) throws(StripeError) {
        try check(given.int("quantity"), in: 0...mostUnits, "quantity")
        for (index, item) in (given.array("items") ?? []).compactMap(\.object).enumerated() {
            try check(item.int("quantity"), in: 0...mostUnits, "items[\(index)][quantity]")
        }
    }

    /// Checks when an invoice that is sent is to be paid by.
    func checkDue(_ call: Call) throws(StripeError) {
        try Self.check(call.int("days_until_due"), in: 0...Self.longestTerm, "days_until_due")
        if let time = call.int("due_date"), time <= now.seconds {
            throw StripeError.invalid("due_date", "`due_date` must be a timestamp in the future.")
        }
    }

    /// Checks prices that are to be billed by one subscription.
    static func checkTogether(_ prices: [JSONObject]) throws(StripeError) {
        guard let first = prices.first else { return }
        guard prices.allSatisfy({ $0["currency"] == first["currency"] }) else {
            throw StripeError("All prices on a subscription must have the same `currency`.")
        }
        try checkDifferent(prices)
        // With `billing_mode=flexible` Stripe takes them; the periods would differ by item.
        guard prices.allSatisfy({ haveSameInterval($0, first) }) else {
            throw notModelled("items", "subscriptions whose prices have different billing intervals")
        }
    }

    /// Checks that no price is there twice.
    private static func checkDifferent(_ prices: [JSONObject]) throws(StripeError) {
        var seen: Set<String> = []
        for price in prices where !seen.insert(price.id).inserted {
            throw StripeError(
                param: "items",
                "Cannot add multiple subscription items with the same price: \(price.id)"
            )
        }
    }

    static func haveSameInterval(_ left: JSONObject, _ right: JSONObject) -> Bool {
        let (left, right) = (left.object("recurring"), right.object("recurring"))
        return left?["interval"] == right?["interval"]
            && (left?.int("interval_count") ?? 1) == (right?.int("interval_count") ?? 1)
    }

    /// Refuses parameters of a new subscription that would change what is billed, and which the simulator ignores.
    ///
    /// An anchor at the moment of creation is that of a subscription without one.
    static func checkModelled(_ given: JSONObject, moment: Int64?) throws(StripeError) {
        for name in ["backdate_start_date", "billing_cycle_anchor_config"] where given.has(name) {
            throw notModelled(name, "`\(name)`")
        }
        if let anchor = given.int("billing_cycle_anchor"), anchor != given.int("trial_end") ?? moment {
            throw notModelled("billing_cycle_anchor", "an anchor other than the beginning or `trial_end`")
        }
        try checkUnmodelled(given)
    }

    /// Refuses parameters of a new or changed subscription that would change what is billed.
    static func checkUnmodelled(_ given: JSONObject) throws(StripeError) {
        let names = [
            "add_invoice_items", "billing_schedules", "billing_thresholds", "default_tax_rates",
            "pending_invoice_item_interval",
        ]
        for name in names where isSet(given[name]) { throw notModelled(name, "`\(name)`") }
        if given.object("automatic_tax")?.string("enabled") == "true" {
            throw notModelled("automatic_tax[enabled]", "automatic tax")
        }
        for (index, item) in (given.array("items") ?? []).compactMap(\.object).enumerated() {
            for name in ["billing_thresholds", "discounts", "tax_rates"] where isSet(item[name]) {
                throw notModelled("items[\(index)][\(name)]", "`\(name)` of an item")
            }
        }
    }

    private static func isSet(_ value: JSONValue?) -> Bool {
        switch value {
        case .none, .some(.null): false
        case .some(.array(let elements)): !elements.isEmpty
        case .some: true
        }
    }

    /// A customer has one currency as long as anything of theirs is in it; then it may be another one.
    mutating func takeCurrency(_ currency: String, of customer: JSONObject) throws(StripeError) {
        try checkCurrency(currency, of: customer)
        guard customer.string("currency") != currency else { return }
        update(.customer, customer.id) { $0["currency"] = .string(currency) }
    }

    func checkCurrency(_ currency: String, of customer: JSONObject) throws(StripeError) {
        // What a customer has is in the customer's currency.
        guard let own = customer.string("currency"), own != currency else { return }
        var others = all(.subscription).filter { subscription in
            subscription["customer"] == customer["id"]
                && !["canceled", "incomplete_expired"].contains(subscription.status)
        }
        others += all(.invoiceItem).filter { $0["customer"] == customer["id"] && !$0.has("invoice") }
        if customer.int("balance") ?? 0 != 0 { others.append(customer) }
        guard let other = others.compactMap({ $0.string("currency") }).first(where: { $0 != currency }) else { return }
        throw StripeError(
            "You cannot combine currencies on a single customer. This customer has an active subscription, a balance or "
                + "an invoice item with currency \(other)."
        )
    }

    /// Checks what a call says about the end and about the term of invoices that are sent.
    func checkTerms(_ call: Call, before: JSONObject?) throws(StripeError) {
        try checkDue(call)
        let end = call.parameters["cancel_at"]
        if let word = end?.string, !["max_period_end", "min_period_end"].contains(word) {
            throw StripeError.invalid(
                "cancel_at",
                "Invalid cancel_at: must be a timestamp, or one of max_period_end or min_period_end"
            )
        }
        if let time = end?.int, time <= now.seconds {
            throw StripeError.invalid("cancel_at", "`cancel_at` must be a timestamp in the future.")
        }
        guard call.string("collection_method") == "send_invoice", !call.parameters.has("days_until_due"),
            before?.has("days_until_due") != true
        else { return }
        throw StripeError.invalid(
            "days_until_due",
            "If subscription collection method is 'send_invoice', you must specify 'days_until_due'."
        )
    }
}
