extension Ledger {
    /// The object without what only the simulator knows (members that begin with an underscore), and with what
    /// follows from the clock.
    func visible(_ object: JSONObject) -> JSONObject {
        var result = object
        for member in object.members where member.key.hasPrefix("_") { result[member.key] = nil }
        switch object.string("object") {
        case "balance_transaction":
            let available = object.int("available_on") ?? 0
            result["status"] = available <= now.seconds ? "available" : "pending"
        case "invoice" where find(.invoice, object.id) != nil, "credit_note": Self.shorten("lines", in: &result)
        case "coupon": result["valid"] = .bool(isValid(object))
        case "promotion_code": result["active"] = .bool(isActive(object))
        case "subscription":
            // Recorded of subscriptions with one item, though no type names them any more.
            let items = Self.items(of: object)
            result["plan"] = items.count == 1 ? items[0]["plan"] : .null
            result["quantity"] = items.count == 1 ? items[0]["quantity"] : .null
            if let pending = object.object("pending_update"), let waiting = pending["subscription_items"] {
                result["pending_update"] = .object(
                    pending.merging(["subscription_items": hidden(waiting, depth: 1)])
                )
            }
        default: break
        }
        return result
    }

    private static let embedded = 10

    /// Of a list in an object only the first page is shown; the rest is at the list's own address.
    private static func shorten(_ name: String, in object: inout JSONObject) {
        guard let held = object.object(name)?.array("data"), held.count > embedded else { return }
        object.update(name) { list in
            list["data"] = .array(Array(held.prefix(embedded)))
            list["has_more"] = true
        }
    }

    /// The object as events tell it: at any depth without what only the simulator knows.
    func shown(_ object: JSONObject) -> JSONObject { hidden(.object(object), depth: 0).object ?? object }

    /// An answer as its caller may see it: hidden members gone, expanded, in the shape of the caller's version.
    func present(_ object: JSONObject, for call: Call) throws(StripeError) -> JSONValue {
        var value = JSONValue.object(object)
        let paths = call.parameters.array("expand") ?? []
        for (index, path) in paths.enumerated() {
            guard let path = path.string, !path.isEmpty else {
                throw StripeError.invalid("expand[\(index)]", "Invalid string: expand[\(index)]")
            }
            let parts = path.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
            guard parts.count <= 4 + (parts.first == "data" ? 1 : 0) else {
                throw StripeError("You cannot expand more than 4 levels of a property. Property: \(path)")
            }
            try expand(&value, parts[...], path: path)
        }
        value = hidden(value, depth: 0)
        if call.version < accountVersion { value = downgraded(value, to: call.version, depth: 0) }
        if call.key.kind == .publishable { value = Self.forBrowser(value) }
        return value
    }

    private func hidden(_ value: JSONValue, depth: Int) -> JSONValue {
        switch value {
        case .object(let object):
            guard depth < 12 else { return value }
            // A plain hash has no members of the simulator's own, but what was expanded in it may have.
            var result = object["object"] == nil ? object : visible(object)
            for member in result.members where member.key != "metadata" {
                switch member.value {
                case .object, .array: result[member.key] = hidden(member.value, depth: depth + 1)
                default: break
                }
            }
            return .object(result)
        case .array(let elements):
            if case .some(.object) = elements.first { return .array(elements.map { hidden($0, depth: depth + 1) }) }
            return value
        default: return value
        }
    }

    private func expand(_ value: inout JSONValue, _ path: ArraySlice<String>, path whole: String) throws(StripeError) {
        guard let key = path.first else { return }
        switch value {
        case .array(var elements):
            for index in elements.indices { try expand(&elements[index], path, path: whole) }
            value = .array(elements)
        case .object(var object):
            let type = object.string("object") ?? ""
            guard var inner = object[key] ?? expansion(of: object, key: key) else { throw cannotExpand(whole) }
            switch inner {
            case .string(let id):
                guard let found = reference(id, type: type, key: key) else { throw cannotExpand(whole) }
                inner = .object(found)
            case .array(let elements):
                if let fields = Self.expandable[type], fields.contains(key) {
                    inner = .array(
                        elements.map { element in
                            element.string.flatMap { reference($0, type: type, key: key) }.map(JSONValue.object)
                                ?? element
                        }
                    )
                } else if path.count == 1 {
                    throw cannotExpand(whole)
                }
            case .null, .object: break
            case .int where type == "search_result" && key == "total_count": break
            default: throw cannotExpand(whole)
            }
            if case .object = inner { try expand(&inner, path.dropFirst(), path: whole) }
            if case .array = inner { try expand(&inner, path.dropFirst(), path: whole) }
            object[key] = inner
            value = .object(object)
        default: break
        }
    }

    private func cannotExpand(_ path: String) -> StripeError {
        StripeError("This property cannot be expanded (\(path)).")
    }

    /// The object that an id in an expandable field stands for.
    private func reference(_ id: String, type: String, key: String) -> JSONObject? {
        let nested = type.isEmpty  // a hash inside an object: `payments.data.payment.payment_intent`
        guard nested || Self.expandable[type]?.contains(key) == true else { return nil }
        if key == "coupon" { return find(.coupon, id) }
        if key == "product" { return find(.product, id) }
        // A card of older callers is a payment method as well, under the same id.
        if key == "payment_method" || key == "default_payment_method" { return find(.paymentMethod, id) }
        guard let kind = ObjectKind.of(id: id) else { return nil }
        return find(kind, id)
    }

    /// Members that are there only when asked for.
    private func expansion(of object: JSONObject, key: String) -> JSONValue? {
        switch (object.string("object"), key) {
        case ("charge", "refunds"): return .object(refundList(ofCharge: object.id))
        case ("customer", "subscriptions"):
            return .object(subList("/v1/customers/\(object.id)/subscriptions", .subscription, "customer", object.id))
        case ("customer", "tax"):
            return [
                "automatic_tax": "unrecognized_location", "ip_address": nil, "location": nil, "provider": "stripe",
            ]
        case ("customer", "invoice_credit_balance"): return [:]
        case ("customer", "cash_balance"): return .null
        case ("customer", "sources"):
            return .object(subList("/v1/customers/\(object.id)/sources", .card, "customer", object.id))
        case ("customer", "tax_ids"):
            return .object(subList("/v1/customers/\(object.id)/tax_ids", .taxID, "customer", object.id))
        case ("checkout.session", "line_items"):
            let lines = object.array("_line_items") ?? []
            let url = "/v1/checkout/sessions/\(object.id)/line_items"
            return .object(
                Self.list(Array(lines.prefix(Self.embedded)), hasMore: lines.count > Self.embedded, url: url)
            )
        case ("price", "tiers"), ("plan", "tiers"): return object["_tiers"] ?? .null
        case ("invoice", "payments"):
            return .object(subList("/v1/invoices/\(object.id)/payments", .invoicePayment, "invoice", object.id))
        case ("invoice", "confirmation_secret"): return confirmationSecret(of: object)
        case ("invoice", "payment_intent"): return object["_payment_intent"] ?? .null
        case ("invoice", "subscription"): return object["_subscription"] ?? .null
        case ("payment_intent", "invoice"): return object["_invoice"] ?? .null
        default:
            return Self.expandable[object.string("object") ?? ""]?.contains(key) == true ? .null : nil
        }
    }

    private func subList(_ url: String, _ kind: ObjectKind, _ field: String, _ id: String) -> JSONObject {
        let found = objects[kind]?.newestFirst.filter { $0.string(field) == id } ?? []
        return Self.list(found.prefix(10).map(JSONValue.object), hasMore: found.count > 10, url: url)
    }

    static func list(_ data: [JSONValue], hasMore: Bool, url: String) -> JSONObject {
        ["object": "list", "data": .array(data), "has_more": .bool(hasMore), "url": .string(url)]
    }

    /// What a publishable key sees of an intent.
    private static func forBrowser(_ value: JSONValue) -> JSONValue {
        guard case .object(let object) = value else { return value }
        let shown: Set<String>
        switch object.string("object") {
        case "payment_intent":
            shown = [
                "id", "object", "amount", "amount_details", "automatic_payment_methods", "canceled_at",
                "cancellation_reason", "capture_method", "client_secret", "confirmation_method", "created", "currency",
                "description", "last_payment_error", "livemode", "next_action", "payment_method",
                "payment_method_configuration_details", "payment_method_types", "processing", "receipt_email",
                "setup_future_usage", "shipping", "source", "status",
            ]
        case "setup_intent":
            shown = [
                "id", "object", "automatic_payment_methods", "cancellation_reason", "client_secret", "created",
                "description", "last_setup_error", "livemode", "next_action", "payment_method",
                "payment_method_configuration_details", "payment_method_types", "status", "usage",
            ]
        default: return value
        }
        return .object(JSONObject(object.members.filter { shown.contains($0.key) }.map { ($0.key, $0.value) }))
    }

    /// Fields that hold an id and can be expanded (from stripe-node's types, 2026-07-29.dahlia).
    static let expandable: [String: Set<String>] = [
        "payment_intent": [
            "application", "customer", "latest_charge", "on_behalf_of", "payment_method", "review", "source", "invoice",
        ],
        "charge": [
            "application", "application_fee", "balance_transaction", "customer", "failure_balance_transaction",
            "on_behalf_of", "payment_intent", "review", "source_transfer", "transfer", "invoice", "dispute",
        ],
        "refund": [
            "balance_transaction", "charge", "customer", "failure_balance_transaction", "payment_intent",
            "payment_method", "source_transfer_reversal", "transfer_reversal",
        ],
        "customer": ["default_source", "test_clock"],
        "card": ["customer"],
        "credit_note": ["customer", "customer_balance_transaction", "invoice"],
        "customer_balance_transaction": ["checkout_session", "credit_note", "customer", "invoice"],
        "payment_method": ["customer"],
        "setup_intent": [
            "application", "customer", "latest_attempt", "mandate", "on_behalf_of", "payment_method",
            "single_use_mandate",
        ],
        "setup_attempt": ["application", "customer", "on_behalf_of", "payment_method", "setup_intent"],
        "subscription": [
            "application", "customer", "default_payment_method", "default_source", "discounts", "latest_invoice",
            "on_behalf_of", "pending_setup_intent", "schedule", "test_clock",
        ],
        "subscription_item": ["discounts"],
        "invoice": [
            "account_tax_ids", "application", "customer", "default_payment_method", "default_source", "discounts",
            "from_invoice", "latest_revision", "on_behalf_of", "test_clock", "charge", "payment_intent", "subscription",
        ],
        "invoice_payment": ["invoice"],
        "invoiceitem": ["customer", "discounts", "invoice", "test_clock"],
        "line_item": ["discounts", "subscription"],
        "checkout.session": [
            "customer", "invoice", "payment_intent", "payment_link", "setup_intent", "subscription", "line_items",
        ],
        "price": ["product", "tiers"], "plan": ["product", "tiers"],
        "product": ["default_price", "tax_code"],
        "dispute": ["charge", "payment_intent"],
        "balance_transaction": ["source"],
        "promotion_code": ["customer", "coupon"],
        "discount": ["customer", "promotion_code", "coupon"],
    ]
}
