// Cards as customers' sources: what came before payment methods.
extension Ledger {
    static let sourceRoutes: [Route] = [
        .post("customers/:id/sources", "source:s! metadata:m validate:b") { ledger, call throws(StripeError) in
            try ledger.createSource(call)
        },
        .list("customers/:id/sources", "object:s") { ledger, call throws(StripeError) in
            _ = try ledger.liveCustomer(call.id)
            return try ledger.page(.card, call) { $0.string("customer") == call.id }
        },
        .get("customers/:id/sources/:source") { ledger, call throws(StripeError) in
            try ledger.source(call.ids[1], of: call.id)
        },
        .post(
            "customers/:id/sources/:source",
            "address_city:s address_country:s address_line1:s address_line2:s address_state:s address_zip:s exp_month:i exp_year:i metadata:m? name:s"
        ) { ledger, call throws(StripeError) in
            let card = try ledger.source(call.ids[1], of: call.id)
            ledger.update(.paymentMethod, card.id) { method in
                method.update("card") { call.copy(["exp_month", "exp_year"], to: &$0) }
            }
            return ledger.change(.card, card.id, emitting: "customer.source.updated") { card in
                call.copy(call.parameters.keys.filter { !["metadata", "expand"].contains($0) }, to: &card)
                card["metadata"] = .object(call.updatedMetadata(card.object("metadata")))
            }
        },
        .delete("customers/:id/sources/:source") { ledger, call throws(StripeError) in
            let card = try ledger.source(call.ids[1], of: call.id)
            ledger.dropSource(card, of: call.id)
            return ["id": .string(card.id), "object": "card", "deleted": true]
        },
    ]

    func source(_ id: String, of customer: String) throws(StripeError) -> JSONObject {
        _ = try liveCustomer(customer)
        guard let card = find(.card, id), card.string("customer") == customer else {
            throw StripeError.missingObject("source", id)
        }
        return card
    }

    private mutating func createSource(_ call: Call) throws(StripeError) -> JSONObject {
        let customer = try liveCustomer(call.id)
        let card = try keepSource(call.string("source") ?? "", of: customer.id, metadata: call.updatedMetadata(nil))
        update(.customer, customer.id) { customer in
            if !customer.has("default_source") { customer["default_source"] = .string(card.id) }
        }
        emit("customer.source.created", card)
        return card
    }

    /// Keeps what a token stands for as a customer's card, without the event.
    ///
    /// Such a card is a payment method too, under the same id, so that what pays with the one pays with the other.
    /// Throws: 402 for a card that is declined when it is attached.
    mutating func keepSource(
        _ token: String,
        of customer: String,
        metadata: JSONObject
    ) throws(StripeError) -> JSONObject {
        let method = try paymentMethod(fromToken: token, param: "source")
        if case .declines(let reason) = testCard(of: method).behaviour {
            throw StripeError.declined(reason, details: Self.details(of: reason))
        }
        let card = newCard(of: method, customer: .string(customer), metadata: metadata)
        insert(.card, card)
        var twin = self.method(of: card)
        twin["customer"] = .string(customer)
        insert(.paymentMethod, twin)
        return card
    }

    /// Takes a card away from its customer, whose default it is no longer.
    mutating func dropSource(_ card: JSONObject, of customer: String) {
        objects[.card]?[card.id] = nil
        update(.paymentMethod, card.id) { method in
            method["customer"] = .null
            method["_detached"] = true
        }
        update(.customer, customer) { customer in
            if customer.string("default_source") == card.id { customer["default_source"] = .null }
        }
        emit("customer.source.deleted", card)
    }

    /// Checks that a parameter names a card of the customer.
    func checkSource(_ id: String, of customer: String, param: String) throws(StripeError) {
        guard find(.card, id)?.string("customer") == customer else {
            throw StripeError(code: "resource_missing", param: param, "No such source: '\(id)'")
        }
    }

    /// A card as older callers know it, from what a token stands for.
    mutating func newCard(of method: JSONObject, customer: JSONValue, metadata: JSONObject) -> JSONObject {
        let details = method.object("card") ?? JSONObject()
        let names = ["visa": "Visa", "mastercard": "MasterCard", "amex": "American Express", "discover": "Discover"]
        let brand = details.string("brand") ?? "visa"
        return [
            "id": .string(newID(.card)), "object": "card", "address_city": nil, "address_country": nil,
            "address_line1": nil, "address_line1_check": nil, "address_line2": nil, "address_state": nil,
            "address_zip": nil, "address_zip_check": nil, "allow_redisplay": "unspecified",
            "brand": .string(names[brand] ?? brand), "country": details["country"] ?? .null,
            "customer": customer, "cvc_check": "pass", "dynamic_last4": nil,
            "exp_month": details["exp_month"] ?? 12, "exp_year": details["exp_year"] ?? 2_030,
            "fingerprint": details["fingerprint"] ?? .null, "funding": details["funding"] ?? "credit",
            "last4": details["last4"] ?? "4242", "metadata": .object(metadata), "name": nil,
            "regulated_status": "unregulated", "tokenization_method": nil, "wallet": nil,
            "_card": method["_card"] ?? .null, "_unknown": method["_unknown"] ?? .null,
        ]
    }
}
