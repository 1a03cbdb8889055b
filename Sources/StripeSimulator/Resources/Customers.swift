extension Ledger {
    private static let shared =
        """
        address{city:s country:s line1:s line2:s postal_code:s state:s}? balance:i business_name:s? cash_balance:*
        coupon:s? promotion_code:s description:s email:s individual_name:s? invoice_prefix:s
        invoice_settings{custom_fields:*? default_payment_method:s footer:s rendering_options:*?} metadata:m? name:s
        next_invoice_sequence:i phone:s preferred_locales:a shipping{address{city:s country:s line1:s line2:s
        postal_code:s state:s}! name:s! phone:s carrier:s tracking_number:s}? source:s tax:*
        tax_exempt:exempt|none|reverse? validate:b
        """

    static let customerRoutes: [Route] = [
        .post("customers", "\(shared) payment_method:s tax_id_data:* test_clock:s") {
            ledger,
            call throws(StripeError) in
            try ledger.createCustomer(call)
        },
        .list("customers", "created:r email:s test_clock:s") { ledger, call throws(StripeError) in
            try ledger.page(.customer, call, filters: ["email", "test_clock"]) { customer in
                customer.bool("deleted") != true && (call.string("test_clock") != nil || !customer.has("test_clock"))
            }
        },
        .get("customers/search", "query:s! page:s limit:i") { ledger, call throws(StripeError) in
            try ledger.search(.customer, call)
        },
        .get("customers/:id") { ledger, call throws(StripeError) in try ledger.require(.customer, call.id) },
        .post("customers/:id", "\(shared) default_source:s") { ledger, call throws(StripeError) in
            try ledger.updateCustomer(call)
        },
        .delete("customers/:id") { ledger, call throws(StripeError) in try ledger.deleteCustomer(call) },
        .delete("customers/:id/discount") { ledger, call throws(StripeError) in
            let discount = try ledger.liveCustomer(call.id).object("discount")
            ledger.dropDiscount(ofCustomer: call.id)
            return ["id": discount?["id"] ?? .null, "object": "discount", "deleted": true]
        },
        .list(
            "customers/:id/payment_methods",
            "allow_redisplay:always|limited|unspecified type:s"
        ) { ledger, call throws(StripeError) in
            _ = try ledger.liveCustomer(call.id)
            return try ledger.page(.paymentMethod, call, filters: ["type"]) { $0.string("customer") == call.id }
        },
        .list("customers/:id/subscriptions", "") { ledger, call throws(StripeError) in
            _ = try ledger.liveCustomer(call.id)
            return try ledger.page(.subscription, call) { $0.string("customer") == call.id && $0.status != "canceled" }
        },
        .get("customers/:id/payment_methods/:method") { ledger, call throws(StripeError) in
            _ = try ledger.liveCustomer(call.id)
            let method = try ledger.require(.paymentMethod, call.ids[1])
            guard method.string("customer") == call.id else {
                throw StripeError.missingObject("PaymentMethod", call.ids[1], param: "payment_method")
            }
            return method
        },
    ]

    /// A customer that was not deleted.
    func liveCustomer(_ id: String, param: String? = nil) throws(StripeError) -> JSONObject {
        let customer =
            if let param { try require(.customer, id, param: param) } else { try require(.customer, id) }
        guard customer.bool("deleted") != true else {
            throw StripeError.missingObject("customer", id, param: param ?? "id")
        }
        return customer
    }

    mutating func createCustomer(_ call: Call) throws(StripeError) -> JSONObject {
        try Self.checkCustomer(call)
        if let clock = call.string("test_clock") { _ = try require(.testClock, clock, param: "test_clock") }
        let id = newID(.customer)
        var customer: JSONObject = [
            "id": .string(id), "object": "customer", "address": nil, "balance": 0, "created": .int(now.seconds),
            "currency": nil, "customer_account": nil, "default_source": nil, "delinquent": false, "description": nil,
            "discount": nil, "email": nil, "invoice_prefix": .string(generator.characters(8).uppercased()),
            "invoice_settings": [
                "custom_fields": nil, "default_payment_method": nil, "footer": nil, "rendering_options": nil,
            ], "livemode": .bool(livemode), "metadata": [:], "name": nil, "next_invoice_sequence": 1, "phone": nil,
            "preferred_locales": [], "shipping": nil, "tax_exempt": "none",
            "test_clock": call.value("test_clock"),
        ]
        try apply(call, to: &customer)
        insert(.customer, customer)
        var methodID: String?
        var source: JSONObject?
        do throws(StripeError) {
            source = try takeSource(call, customer: id)
            methodID = try takePaymentMethod(call, customer: id)
            if let methodID, let method = find(.paymentMethod, methodID) { _ = try attach(method, to: id) }
        } catch {
            objects[.customer]?[id] = nil
            throw error
        }
        if let preferred = call.object("invoice_settings")?.string("default_payment_method"), let methodID,
            preferred == call.string("payment_method")
        {
            update(.customer, id) { customer in
                customer.update("invoice_settings") { $0["default_payment_method"] = .string(methodID) }
            }
        }
        emit("customer.created", find(.customer, id) ?? customer)
        if let source { emit("customer.source.created", source) }
        try setDiscount(call, customer: id)
        return find(.customer, id) ?? customer
    }

    private mutating func updateCustomer(_ call: Call) throws(StripeError) -> JSONObject {
        let customer = try liveCustomer(call.id)
        try Self.checkCustomer(call)
        var changed = customer
        try apply(call, to: &changed)
        let source = try takeSource(call, customer: customer.id)
        if let source { changed["default_source"] = source["id"] }
        insert(.customer, changed)
        if let source { emit("customer.source.created", source) }
        emit("customer.updated", changed, before: customer)
        try setDiscount(call, customer: customer.id)
        return try require(.customer, call.id)
    }

    /// Makes the card of a token the customer's default one, in the place of the one before.
    private mutating func takeSource(_ call: Call, customer id: String) throws(StripeError) -> JSONObject? {
        guard let token = call.string("source") else { return nil }
        let card = try keepSource(token, of: id, metadata: [:])
        if let old = find(.customer, id)?.string("default_source").flatMap({ find(.card, $0) }) {
            dropSource(old, of: id)
        }
        update(.customer, id) { $0["default_source"] = .string(card.id) }
        return card
    }

    /// The card or the payment method that a customer pays with unless told otherwise.
    func defaultMethod(ofCustomer id: String?) -> String? {
        let customer = id.flatMap { find(.customer, $0) }
        return customer?.object("invoice_settings")?.string("default_payment_method")
            ?? customer?.string("default_source")
    }

    /// The coupon of a customer, as older callers set it: one discount, replaced or taken away.
    private mutating func setDiscount(_ call: Call, customer id: String) throws(StripeError) {
        guard Self.givesDiscounts(call) else { return }
        let old = find(.customer, id)?.object("discount")
        let made = try takeDiscounts(call, DiscountedOrder(customer: id))
        if made.isEmpty, old != nil { dropDiscount(ofCustomer: id) }
        guard let discount = made.first.flatMap({ find(.discount, $0) }) else { return }
        update(.customer, id) { $0["discount"] = .object(discount) }
        emit(old == nil ? "customer.discount.created" : "customer.discount.updated", discount, before: old)
    }

    private mutating func dropDiscount(ofCustomer id: String) {
        guard let old = find(.customer, id)?.object("discount") else { return }
        update(.customer, id) { $0["discount"] = .null }
        emit("customer.discount.deleted", old)
    }

    private mutating func apply(_ call: Call, to customer: inout JSONObject) throws(StripeError) {
        call.copy(
            [
                "balance", "description", "email", "invoice_prefix", "name", "next_invoice_sequence", "phone",
                "preferred_locales", "default_source",
            ],
            to: &customer
        )
        if let source = call.string("default_source") {
            try checkSource(source, of: customer.id, param: "default_source")
        }
        if let exempt = call.parameters["tax_exempt"] { customer["tax_exempt"] = exempt.isNull ? "none" : exempt }
        if let address = call.parameters["address"] {
            customer["address"] = address.object.map { .object(Self.address($0)) } ?? .null
        }
        if let shipping = call.parameters["shipping"] {
            customer["shipping"] =
                shipping.object.map { shipping in
                    [
                        "address": .object(Self.address(shipping.object("address") ?? JSONObject())),
                        "name": shipping["name"] ?? .null, "phone": shipping["phone"] ?? .null,
                    ]
                } ?? .null
        }
        customer["metadata"] = .object(call.updatedMetadata(customer.object("metadata")))
        guard let settings = call.object("invoice_settings") else { return }
        if let id = settings.string("default_payment_method"), !id.hasPrefix("pm_card_") {
            let name = "invoice_settings[default_payment_method]"
            let method = try require(.paymentMethod, id, param: name)
            guard method.string("customer") == customer.id || call.string("payment_method") == id else {
                throw StripeError(
                    code: "resource_missing",
                    param: name,
                    "The customer does not have a payment method with the ID \(id). The payment method must be "
                        + "attached to the customer."
                )
            }
        }
        customer.update("invoice_settings") { own in for member in settings.members { own[member.key] = member.value } }
    }

    private static func checkCustomer(_ call: Call) throws(StripeError) {
        if let email = call.string("email") {
            guard email.contains("@"), email.count <= 512, !email.contains(" ") else {
                throw StripeError.invalid("email", "Invalid email address: \(email.prefix(100))", code: "email_invalid")
            }
        }
        for (name, limit) in [("name", 256), ("phone", 20)] {
            if let text = call.string(name), text.count > limit {
                throw StripeError.invalid(
                    name,
                    "Invalid string: \(text.prefix(20))...; must be at most \(limit) characters"
                )
            }
        }
    }

    private mutating func deleteCustomer(_ call: Call) throws(StripeError) -> JSONObject {
        deleteCustomer(try liveCustomer(call.id))
    }

    /// Deletes a customer; subscriptions end at once, cards are of no further use.
    @discardableResult
    mutating func deleteCustomer(_ customer: JSONObject) -> JSONObject {
        for subscription in all(.subscription)
        where subscription.string("customer") == customer.id
            && !["canceled", "incomplete_expired"].contains(subscription.status)
        {
            _ = end(subscription.id, reason: "cancellation_requested", feedback: nil)
        }
        for method in all(.paymentMethod) where method.string("customer") == customer.id {
            change(.paymentMethod, method.id, emitting: "payment_method.detached") { method in
                method["customer"] = .null
                method["_detached"] = true
            }
        }
        let deleted: JSONObject = ["id": .string(customer.id), "object": "customer", "deleted": true]
        insert(.customer, deleted)
        emit("customer.deleted", customer)
        return deleted
    }
}
