extension Ledger {
    private static let productFields = """
        active:b default_price:s description:s? images:a? marketing_features:*? metadata:m? package_dimensions:*?
        shippable:b statement_descriptor:s tax_code:s? unit_label:s? url:s?
        """

    private static let defaultPrice = """
        default_price_data{currency:s! currency_options:* custom_unit_amount:* metadata:m \(recurring)
        tax_behavior:exclusive|inclusive|unspecified unit_amount:i unit_amount_decimal:s}
        """

    static let productRoutes: [Route] = [
        .post("products", "\(productFields) name:s! id:s type:good|service \(defaultPrice)") {
            ledger,
            call throws(StripeError) in try ledger.createProduct(call)
        },
        .list("products", "active:b created:r ids:a shippable:b type:good|service url:s") {
            ledger,
            call throws(StripeError) in
            let ids = call.strings("ids")
            return try ledger.page(.product, call, filters: ["active", "shippable", "type", "url"]) { product in
                ids.map { $0.contains(product.id) } ?? true
            }
        },
        .get("products/search", "query:s! page:s limit:i") { ledger, call throws(StripeError) in
            try ledger.search(.product, call)
        },
        .get("products/:id") { ledger, call throws(StripeError) in try ledger.require(.product, call.id) },
        .post("products/:id", "\(productFields) name:s") { ledger, call throws(StripeError) in
            let product = try ledger.require(.product, call.id)
            if let price = call.string("default_price") {
                _ = try ledger.require(.price, price, param: "default_price")
            }
            return ledger.change(.product, product.id, emitting: "product.updated") { [now = ledger.now] product in
                call.copy(
                    [
                        "active", "default_price", "description", "images", "marketing_features", "name", "shippable",
                        "statement_descriptor", "tax_code", "unit_label", "url",
                    ],
                    to: &product
                )
                product["metadata"] = .object(call.updatedMetadata(product.object("metadata")))
                product["updated"] = .int(now.seconds)
            }
        },
        .delete("products/:id") { ledger, call throws(StripeError) in
            let product = try ledger.require(.product, call.id)
            guard !ledger.all(.price).contains(where: { $0.string("product") == product.id }) else {
                throw StripeError(
                    "This product cannot be deleted because it has one or more user-created prices.",
                    executed: true
                )
            }
            ledger.objects[.product]?[product.id] = nil
            ledger.emit("product.deleted", product)
            return ["id": .string(product.id), "object": "product", "deleted": true]
        },
    ]

    private mutating func createProduct(_ call: Call) throws(StripeError) -> JSONObject {
        if let id = call.string("id"), find(.product, id) != nil {
            throw StripeError(code: "resource_already_exists", param: "id", "Product already exists.")
        }
        if let data = call.object("default_price_data") {
            _ = try Currency.check(data.string("currency") ?? "")
            _ = try Self.reckoning(data)
            if let recurring = data.object("recurring") {
                try Self.checkRecurring(recurring, param: "default_price_data[recurring]")
            }
        }
        let id = call.string("id") ?? newID(.product)
        var product = newProduct(id, name: call.string("name") ?? "")
        call.copy(
            [
                "active", "description", "images", "marketing_features", "shippable", "statement_descriptor",
                "tax_code", "unit_label", "url", "type",
            ],
            to: &product
        )
        product["metadata"] = .object(call.updatedMetadata(nil))
        insert(.product, product)
        emit("product.created", product)
        if var given = call.object("default_price_data") {
            given["product"] = .string(id)
            let price = try createPrice(call.with(given))
            update(.product, id) { $0["default_price"] = .string(price.id) }
        }
        return find(.product, id) ?? product
    }

    func newProduct(_ id: String, name: String) -> JSONObject {
        [
            "id": .string(id), "object": "product", "active": true, "attributes": [], "created": .int(now.seconds),
            "default_price": nil, "description": nil, "images": [], "livemode": .bool(livemode),
            "marketing_features": [], "metadata": [:], "name": .string(name), "package_dimensions": nil,
            "shippable": nil, "statement_descriptor": nil, "tax_code": nil, "type": "service", "unit_label": nil,
            "updated": .int(now.seconds), "url": nil,
        ]
    }

    // MARK: Prices

    static let recurring =
        "recurring{interval:day|month|week|year! interval_count:i meter:s trial_period_days:i usage_type:licensed|metered}"

    static let priceRoutes: [Route] = [
        .post(
            "prices",
            """
            currency:s! active:b lookup_key:s metadata:m nickname:s product:s product_data{active:b id:s metadata:m
            name:s! statement_descriptor:s tax_code:s unit_label:s} \(recurring) \(pricing)
            tax_behavior:exclusive|inclusive|unspecified transfer_lookup_key:b
            """
        ) { ledger, call throws(StripeError) in try ledger.createPrice(call) },
        .list(
            "prices",
            """
            active:b created:r currency:s lookup_keys:a product:s type:one_time|recurring
            recurring{interval:day|month|week|year meter:s usage_type:licensed|metered}
            """
        ) { ledger, call throws(StripeError) in
            let keys = call.strings("lookup_keys")
            let recurring = call.object("recurring") ?? JSONObject()
            return try ledger.page(.price, call, filters: ["active", "currency", "product", "type"]) { price in
                if let keys, !keys.contains(price.string("lookup_key") ?? "") { return false }
                return recurring.members.allSatisfy { price.value(at: "recurring", $0.key) == $0.value }
            }
        },
        .get("prices/search", "query:s! page:s limit:i") { ledger, call throws(StripeError) in
            try ledger.search(.price, call)
        },
        .get("prices/:id") { ledger, call throws(StripeError) in try ledger.require(.price, call.id) },
        .post(
            "prices/:id",
            """
            active:b lookup_key:s metadata:m? nickname:s transfer_lookup_key:b
            tax_behavior:exclusive|inclusive|unspecified
            """
        ) { ledger, call throws(StripeError) in
            let price = try ledger.require(.price, call.id)
            try ledger.takeLookupKey(call, except: price.id)
            return ledger.change(.price, price.id, emitting: "price.updated") { price in
                call.copy(["active", "lookup_key", "nickname", "tax_behavior"], to: &price)
                price["metadata"] = .object(call.updatedMetadata(price.object("metadata")))
            }
        },
    ]

    /// A lookup key belongs to one price; it moves when the call says so.
    private mutating func takeLookupKey(_ call: Call, except id: String?) throws(StripeError) {
        guard let key = call.string("lookup_key"),
            let holder = all(.price).first(where: { $0.string("lookup_key") == key && $0.id != id })
        else { return }
        guard call.bool("transfer_lookup_key") == true else {
            throw StripeError(
                param: "lookup_key",
                "A price (`\(holder.id)`) already uses that lookup key.",
                executed: true
            )
        }
        update(.price, holder.id) { $0["lookup_key"] = .null }
    }

    mutating func createPrice(_ call: Call) throws(StripeError) -> JSONObject {
        let currency = try Currency.check(call.string("currency") ?? "")
        let reckoning = try Self.reckoning(call.parameters)
        if let given = call.object("recurring") { try Self.checkRecurring(given, param: "recurring") }
        let product = try productOfPrice(call)
        try takeLookupKey(call, except: nil)
        let recurring = call.object("recurring").map { given -> JSONValue in
            [
                "interval": given["interval"] ?? "month", "interval_count": .int(given.int("interval_count") ?? 1),
                "meter": given["meter"] ?? .null, "trial_period_days": given["trial_period_days"] ?? .null,
                "usage_type": .string(given.string("usage_type") ?? "licensed"),
            ]
        }
        var price: JSONObject = [
            "id": .string(newID(.price)), "object": "price", "active": .bool(call.bool("active") ?? true),
            "created": .int(now.seconds), "currency": .string(currency), "custom_unit_amount": nil,
            "livemode": .bool(livemode),
            "lookup_key": call.value("lookup_key"), "metadata": .object(call.updatedMetadata(nil)),
            "nickname": call.value("nickname"), "product": .string(product), "recurring": recurring ?? .null,
            "tax_behavior": .string(call.string("tax_behavior") ?? "unspecified"),
            "type": recurring == nil ? "one_time" : "recurring",
        ]
        price.merge(reckoning)
        insert(.price, price)
        emit("price.created", price)
        return price
    }

    /// Checks how often a price is billed: every three years at the least.
    static func checkRecurring(_ given: JSONObject, param: String) throws(StripeError) {
        let most: [String: Int64] = ["day": 1_095, "week": 156, "month": 36, "year": 3]
        let name = { (name: String) in param.isEmpty ? name : "\(param)[\(name)]" }
        let interval = given.string("interval") ?? "month"
        try check(given.int("interval_count"), in: 1...(most[interval] ?? 36), name("interval_count"))
        try check(given.int("trial_period_days"), in: 0...(longestTrial / 86_400), name("trial_period_days"))
    }

    private mutating func productOfPrice(_ call: Call) throws(StripeError) -> String {
        if let id = call.string("product") { return try require(.product, id, param: "product").id }
        guard let data = call.object("product_data") else { throw StripeError.missingParameter("product") }
        var product = newProduct(data.string("id") ?? newID(.product), name: data.string("name") ?? "")
        product["metadata"] = data["metadata"] ?? [:]
        insert(.product, product)
        emit("product.created", product)
        return product.id
    }

    /// The price that a line names or describes; described ones are kept as inactive prices, as Stripe does.
    mutating func price(of line: JSONObject, param: String, _ call: Call) throws(StripeError) -> JSONObject {
        if let id = line.string("price") ?? line.string("plan") ?? line.object("pricing")?.string("price") {
            let name = line.string("plan") == nil ? "price" : "plan"
            let place = name == "plan" ? name : "\(param)[\(name)]"
            guard let kept = find(.price, id) else { throw StripeError.missingObject(name, id, param: place) }
            guard kept.bool("active") != false else {
                throw StripeError.invalid(
                    place,
                    "The \(name) specified is inactive. This field only accepts active \(name)s."
                )
            }
            return kept
        }
        // A line of the simulator's own making: its price may have been made for it alone, or withdrawn since.
        if let made = line.string("_price").flatMap({ find(.price, $0) }) { return made }
        guard let data = line.object("price_data") else { throw StripeError.missingParameter("\(param)[price]") }
        let price = try createPrice(call.with(data))
        update(.price, price.id) { $0["active"] = false }
        return find(.price, price.id) ?? price
    }
}
