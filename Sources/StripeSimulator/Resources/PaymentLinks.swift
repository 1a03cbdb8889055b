extension Ledger {
    private static let shared = """
        active:b after_completion:* allow_promotion_codes:b automatic_tax:* billing_address_collection:auto|required
        custom_fields:*? custom_text:* customer_creation:always|if_required inactive_message:s? invoice_creation:*
        metadata:m name_collection:* optional_items:* payment_intent_data:* payment_method_collection:always|if_required
        payment_method_types:a? phone_number_collection:* restrictions:*? shipping_address_collection:*?
        submit_type:auto|book|donate|pay|subscribe subscription_data:* tax_id_collection:*
        """

    static let paymentLinkRoutes: [Route] = [
        .post(
            "payment_links",
            """
            \(shared) currency:s on_behalf_of:s consent_collection:* shipping_options:* transfer_data:*
            line_items[]{adjustable_quantity:* price:s quantity:i! price_data{currency:s! product:s
            product_data{description:s images:a metadata:m name:s! tax_code:s unit_label:s}
            recurring{interval:day|month|week|year! interval_count:i} tax_behavior:exclusive|inclusive|unspecified
            unit_amount:i unit_amount_decimal:s}}!
            """
        ) { ledger, call throws(StripeError) in try ledger.createPaymentLink(call) },
        .list("payment_links", "active:b") { ledger, call throws(StripeError) in
            try ledger.page(.paymentLink, call, filters: ["active"])
        },
        .get("payment_links/:id") { ledger, call throws(StripeError) in try ledger.require(.paymentLink, call.id) },
        .post("payment_links/:id", "\(shared) line_items:*") { ledger, call throws(StripeError) in
            let link = try ledger.require(.paymentLink, call.id)
            return ledger.change(.paymentLink, link.id, emitting: "payment_link.updated") { link in
                call.copy(
                    ["active", "allow_promotion_codes", "inactive_message", "submit_type", "customer_creation"],
                    to: &link
                )
                link["metadata"] = .object(call.updatedMetadata(link.object("metadata")))
            }
        },
        .list("payment_links/:id/line_items", "") { ledger, call throws(StripeError) in
            let link = try ledger.require(.paymentLink, call.id)
            return try page(link.array("_lines") ?? [], of: "line item", call)
        },
    ]

    private mutating func createPaymentLink(_ call: Call) throws(StripeError) -> JSONObject {
        let given = (call.parameters.array("line_items") ?? []).compactMap(\.object)
        let prices = try given.enumerated().map { pair throws(StripeError) in
            try price(of: pair.element, param: "line_items[\(pair.offset)]", call)
        }
        let isRecurring = prices.contains { $0.has("recurring") }
        let lines = try sessionLines(call, mode: isRecurring ? "subscription" : "payment", prices: prices)
        let id = newID(.paymentLink)
        var link: JSONObject = [
            "id": .string(id), "object": "payment_link", "active": true,
            "after_completion": ["hosted_confirmation": ["custom_message": nil], "type": "hosted_confirmation"],
            "allow_promotion_codes": .bool(call.bool("allow_promotion_codes") ?? false), "application": nil,
            "application_fee_amount": nil, "application_fee_percent": nil,
            "automatic_tax": ["enabled": false, "liability": nil], "billing_address_collection": "auto",
            "consent_collection": nil, "currency": prices.first?["currency"] ?? "usd", "custom_fields": [],
            "custom_text": [
                "after_submit": nil, "shipping_address": nil, "submit": nil, "terms_of_service_acceptance": nil,
            ], "customer_creation": isRecurring ? "always" : "if_required", "inactive_message": nil,
            "invoice_creation": isRecurring ? .null : ["enabled": false, "invoice_data": nil],
            "livemode": .bool(livemode), "metadata": .object(call.updatedMetadata(nil)), "on_behalf_of": nil,
            "payment_intent_data": nil, "payment_method_collection": "always",
            "payment_method_types": call.value("payment_method_types"), "phone_number_collection": ["enabled": false],
            "restrictions": nil, "shipping_address_collection": nil, "shipping_options": [], "submit_type": "auto",
        ]
        link.merge([
            "subscription_data": isRecurring
                ? [
                    "description": nil, "invoice_settings": ["issuer": ["type": "self"]], "metadata": [:],
                    "trial_period_days": nil, "trial_settings": nil,
                ] : .null, "tax_id_collection": ["enabled": false, "required": "never"], "transfer_data": nil,
            "url": .string("\(baseURL)/l/\(id)"), "_lines": .array(lines),
            "_redirect": call.object("after_completion")?.object("redirect")?["url"] ?? .null,
        ])
        if let after = call.object("after_completion"), after.string("type") == "redirect" {
            link["after_completion"] = .object(after)
        }
        insert(.paymentLink, link)
        emit("payment_link.created", link)
        return link
    }

    /// A visit to a link: a session of its own for each customer.
    ///
    /// Throws: why the link cannot be paid.
    mutating func sessionForLink(_ id: String) throws(StripeError) -> String {
        let link = try require(.paymentLink, id)
        guard link.bool("active") == true else { throw StripeError("This payment link is inactive.") }
        let items = (link.array("_lines") ?? []).compactMap(\.object).map { line -> JSONValue in
            ["_price": .string(line.object("price")?.id ?? ""), "quantity": line["quantity"] ?? 1]
        }
        let isRecurring = link.has("subscription_data")
        let parameters: JSONObject = [
            "line_items": .array(items), "metadata": link["metadata"] ?? [:],
            "mode": isRecurring ? "subscription" : "payment",
            "success_url": .string(link.string("_redirect") ?? "\(baseURL)/receipts/payment/\(id)"),
        ]
        let call = Call(
            path: "/l",
            ids: [],
            parameters: parameters,
            key: .page(livemode: livemode),
            version: accountVersion,
            requestID: "",
            idempotencyKey: nil
        )
        let session = try createSession(call)
        update(.checkoutSession, session.id) { $0["payment_link"] = .string(id) }
        return session.id
    }
}
