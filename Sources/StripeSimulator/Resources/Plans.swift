// Plans: the older name of recurring prices. A plan and a price of one id are the same thing.
extension Ledger {
    static let planRoutes: [Route] = [
        .post(
            "plans",
            """
            active:b amount:i amount_decimal:s billing_scheme:per_unit|tiered currency:s! id:s
            interval:day|month|week|year! interval_count:i metadata:m? meter:s nickname:s product:*
            tiers[]{flat_amount:i flat_amount_decimal:s unit_amount:i unit_amount_decimal:s up_to:n!}
            tiers_mode:graduated|volume transform_usage{divide_by:i! round:down|up!} trial_period_days:i
            usage_type:licensed|metered
            """
        ) { ledger, call throws(StripeError) in try ledger.createPlan(call) },
        .list("plans", "active:b created:r product:s") { ledger, call throws(StripeError) in
            var page = try ledger.page(.price, call, filters: ["active", "product"]) { $0.has("recurring") }
            let plans = (page.array("data") ?? []).compactMap(\.object).map { JSONValue.object(plan(of: $0)) }
            page["data"] = .array(plans)
            return page
        },
        .get("plans/:id") { ledger, call throws(StripeError) in plan(of: try ledger.plan(call.id)) },
        .post("plans/:id", "active:b metadata:m? nickname:s product:s trial_period_days:i") {
            ledger,
            call throws(StripeError) in
            let price = try ledger.plan(call.id)
            try check(call.int("trial_period_days"), in: 0...(longestTrial / 86_400), "trial_period_days")
            ledger.update(.price, price.id) { price in
                call.copy(["active", "nickname", "product"], to: &price)
                if let days = call.int("trial_period_days") {
                    price.update("recurring") { $0["trial_period_days"] = .int(days) }
                }
                price["metadata"] = .object(call.updatedMetadata(price.object("metadata")))
            }
            let changed = plan(of: try ledger.plan(call.id))
            ledger.emit("plan.updated", changed, before: plan(of: price))
            return changed
        },
        .delete("plans/:id") { ledger, call throws(StripeError) in
            let price = try ledger.plan(call.id)
            ledger.objects[.price]?[price.id] = nil
            ledger.emit("plan.deleted", plan(of: price))
            return ["id": .string(price.id), "object": "plan", "deleted": true]
        },
    ]

    private func plan(_ id: String) throws(StripeError) -> JSONObject {
        guard let price = find(.price, id), price.has("recurring") else {
            throw StripeError.missingObject("plan", id)
        }
        return price
    }

    private mutating func createPlan(_ call: Call) throws(StripeError) -> JSONObject {
        try Self.checkRecurring(call.parameters, param: "")
        try Self.check(call.int("amount"), in: 0...Int64.max, "amount")
        var parameters: JSONObject = ["currency": call.value("currency")]
        var recurring: JSONObject = ["interval": call.value("interval")]
        for name in ["interval_count", "trial_period_days", "usage_type", "meter"] {
            if let value = call.parameters[name] { recurring[name] = value }
        }
        parameters["recurring"] = .object(recurring)
        for name in ["nickname", "metadata", "active", "billing_scheme", "tiers", "tiers_mode"] {
            if let value = call.parameters[name] { parameters[name] = value }
        }
        for (old, new) in [
            ("amount", "unit_amount"), ("amount_decimal", "unit_amount_decimal"),
            ("transform_usage", "transform_quantity"),
        ] {
            if let value = call.parameters[old] { parameters[new] = value }
        }
        if let product = call.object("product") {
            parameters["product_data"] = .object(product)
        } else if let product = call.string("product") {
            parameters["product"] = .string(product)
        }
        if let id = call.string("id"), find(.price, id) != nil {
            throw StripeError(code: "resource_already_exists", param: "id", "Plan already exists.", executed: true)
        }
        var price = try createPrice(call.with(parameters))
        if let id = call.string("id") {
            objects[.price]?[price.id] = nil
            price["id"] = .string(id)
            insert(.price, price)
        }
        let plan = Self.plan(of: price)
        emit("plan.created", plan)
        return plan
    }
}
