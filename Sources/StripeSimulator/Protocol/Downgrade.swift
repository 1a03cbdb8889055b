extension Ledger {
    /// An answer in the shape of an older version, where facts §2 name the difference.
    func downgraded(_ value: JSONValue, to version: APIVersion, depth: Int) -> JSONValue {
        guard depth < 12 else { return value }
        switch value {
        case .array(let elements): return .array(elements.map { downgraded($0, to: version, depth: depth + 1) })
        case .object(var object):
            for member in object.members where member.key != "metadata" {
                switch member.value {
                case .object, .array: object[member.key] = downgraded(member.value, to: version, depth: depth + 1)
                default: break
                }
            }
            if version < Self.typesVersion { dropLaterFields(&object) }
            if object.string("object") == "payment_intent" { downgradeIntent(&object, version) }
            if version < .clover { nameCoupon(&object) }
            if version < .basil { downgradeBilling(&object, version) }
            return .object(object)
        default: return value
        }
    }

    /// The types that name these fields; recordings of 2026-03-25 do not have them.
    private static let typesVersion = APIVersion("2026-07-29.dahlia") ?? .dahlia

    private func dropLaterFields(_ object: inout JSONObject) {
        switch object.string("object") {
        case "payment_intent", "subscription", "checkout.session": object["managed_payments"] = nil
        case "refund": for name in ["customer", "customer_account", "payment_method"] { object[name] = nil }
        case "line_item": object["subscription"] = nil
        default: break
        }
        if object["network_transaction_id"] != nil { object["transaction_link_id"] = nil }
    }

    /// Before clover a discount and a promotion code had their coupon in them, and no member that names it.
    private func nameCoupon(_ object: inout JSONObject) {
        let place: String
        switch object.string("object") {
        case "discount": place = "source"
        case "promotion_code": place = "promotion"
        default: return
        }
        guard let named = object.value(at: place, "coupon") else { return }
        // A coupon may be gone; a discount keeps what it was.
        let kept = find(.discount, object.id)?.object("_coupon")
        let coupon = named.object ?? named.string.flatMap { find(.coupon, $0) } ?? kept
        object["coupon"] = coupon.map { .object(visible($0)) } ?? .null
        object[place] = nil
    }

    /// The first discount of a subscription or an invoice, by which versions before basil went.
    private func firstDiscount(of object: JSONObject, _ version: APIVersion) -> JSONValue {
        let first = object.array("discounts")?.first
        guard let discount = (first?.string ?? first?.object?.id).flatMap({ find(.discount, $0) }) else { return .null }
        return downgraded(.object(visible(discount)), to: version, depth: 1)
    }

    /// Invoices and subscriptions before basil (facts §2).
    private func downgradeBilling(_ object: inout JSONObject, _ version: APIVersion) {
        switch object.string("object") {
        case "plan": object["aggregate_usage"] = .null
        case "price": if object.has("recurring") { object.update("recurring") { $0["aggregate_usage"] = .null } }
        case "charge": object["invoice"] = object["invoice"] ?? invoice(ofIntent: object.string("payment_intent"))
        case "subscription":
            let first = Self.items(of: object).first
            object["current_period_start"] = first?["current_period_start"] ?? .null
            object["current_period_end"] = first?["current_period_end"] ?? .null
            object["discount"] = firstDiscount(of: object, version)
        case "line_item":
            let details = object.object("parent")?.object("subscription_item_details")
            let price = object.value(at: "pricing", "price_details", "price")?.string.flatMap { find(.price, $0) }
            object["subscription"] = details?["subscription"] ?? .null
            object["subscription_item"] = details?["subscription_item"] ?? .null
            object["proration"] = details?["proration"] ?? false
            let item = details?["invoice_item"] ?? object.value(at: "parent", "invoice_item_details", "invoice_item")
            object["invoice_item"] = item ?? .null
            object["proration_details"] = ["credited_items": nil]
            object["amount_excluding_tax"] = object["amount"]
            object["unit_amount_excluding_tax"] = object.value(at: "pricing", "unit_amount_decimal") ?? .null
            object["tax_amounts"] = []
            object["tax_rates"] = []
            var (older, plan) = (price ?? [:], price.map(Self.plan) ?? [:])
            downgradeBilling(&older, version)
            downgradeBilling(&plan, version)
            object["price"] = price == nil ? .null : .object(older)
            object["plan"] = price == nil ? .null : .object(plan)
            object["type"] = details == nil ? "invoiceitem" : "subscription"
        case "invoice":
            object["application_fee_amount"] = .null
            object["transfer_data"] = .null
            let own = object.value(at: "parent", "subscription_details", "metadata")
            object["subscription_details"] = ["metadata": own ?? .null]
            let kept = find(.invoice, object.id)
            let intent = kept?.string("_payment_intent")
            let details = object.object("parent")?.object("subscription_details")
            object["payment_intent"] = object["payment_intent"] ?? .string(orNull: intent)
            let charge = intent.flatMap { find(.paymentIntent, $0) }?["latest_charge"]
            object["charge"] = object["charge"] ?? charge ?? .null
            object["subscription"] = object["subscription"] ?? details?["subscription"] ?? .null
            object["paid"] = .bool(object.status == "paid")
            object["paid_out_of_band"] = .bool(kept?.bool("_out_of_band") == true)
            object["discount"] = firstDiscount(of: object, version)
            object["tax"] = .null
            object["quote"] = .null
            object["total_tax_amounts"] = []
        default: break
        }
    }

    private func invoice(ofIntent id: String?) -> JSONValue {
        id.flatMap { find(.paymentIntent, $0) }?["_invoice"] ?? .null
    }

    private func downgradeIntent(_ intent: inout JSONObject, _ version: APIVersion) {
        if version < .basil {
            intent["invoice"] = intent["invoice"] ?? find(.paymentIntent, intent.id)?["_invoice"] ?? .null
        }
        guard version < .latestCharge else { return }
        let charges = objects[.charge]?.newestFirst.filter { $0.string("payment_intent") == intent.id } ?? []
        var list = Self.list(
            charges.prefix(10).map { charge in
                var shown = visible(charge)
                shown["refunds"] = .object(refundList(ofCharge: charge.id))
                return .object(shown)
            },
            hasMore: charges.count > 10,
            url: "/v1/charges?payment_intent=\(intent.id)"
        )
        list["total_count"] = .int(Int64(charges.count))
        intent["charges"] = downgraded(.object(list), to: version, depth: 1)
        intent["latest_charge"] = nil
    }

    /// The secret with which a page pays an invoice.
    func confirmationSecret(of invoice: JSONObject) -> JSONValue {
        guard let id = invoice.string("_payment_intent"), let secret = find(.paymentIntent, id)?.string("client_secret")
        else { return .null }
        return ["client_secret": .string(secret), "type": "payment_intent"]
    }
}
