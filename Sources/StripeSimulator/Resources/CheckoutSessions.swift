extension Ledger {
    private static let lineItem = """
        line_items[]{adjustable_quantity:* metadata:m price:s quantity:i tax_rates:a? dynamic_tax_rates:a
        price_data{currency:s! product:s
        product_data{description:s images:a metadata:m name:s! tax_code:s unit_label:s}
        recurring{interval:day|month|week|year! interval_count:i} tax_behavior:exclusive|inclusive|unspecified
        unit_amount:i unit_amount_decimal:s}}
        """

    static let checkoutRoutes: [Route] = [
        .post(
            "checkout/sessions",
            """
            adaptive_pricing:* after_expiration:* allow_promotion_codes:b automatic_tax:*
            billing_address_collection:auto|required branding_settings:* cancel_url:s client_reference_id:s
            consent_collection:* currency:s custom_fields:* custom_text:* customer:s customer_account:s
            customer_creation:always|if_required customer_email:s customer_update:*
            discounts[]{coupon:s promotion_code:s} excluded_payment_method_types:a allowed_payment_method_types:a
            expires_at:i integration_identifier:s invoice_creation:* \(lineItem) locale:s managed_payments:* metadata:m
            mode:payment|setup|subscription name_collection:* optional_items:* origin_context:mobile_app|web
            payment_intent_data{application_fee_amount:i capture_method:automatic|automatic_async|manual description:s
            metadata:m on_behalf_of:s receipt_email:s setup_future_usage:off_session|on_session shipping:*
            statement_descriptor:s statement_descriptor_suffix:s transfer_data:* transfer_group:s}
            payment_method_collection:always|if_required payment_method_configuration:s payment_method_data:*
            payment_method_options:* payment_method_types:a permissions:* phone_number_collection:*
            redirect_on_completion:always|if_required|never return_url:s saved_payment_method_options:*
            setup_intent_data:* shipping_address_collection:* shipping_options:*
            submit_type:auto|book|donate|pay|subscribe
            subscription_data{description:s metadata:m trial_period_days:i trial_end:i default_tax_rates:a
            invoice_settings:* billing_cycle_anchor:i proration_behavior:s trial_settings:* transfer_data:*
            application_fee_percent:i on_behalf_of:s billing_mode:*} success_url:s tax_id_collection:*
            ui_mode:elements|embedded_page|form|hosted_page|hosted|embedded|custom wallet_options:*
            """
        ) { ledger, call throws(StripeError) in try ledger.createSession(call) },
        .list(
            "checkout/sessions",
            "created:r customer:s customer_details{email:s!} payment_intent:s payment_link:s status:complete|expired|open subscription:s"
        ) { ledger, call throws(StripeError) in
            let email = call.object("customer_details")?.string("email")
            let filters = ["customer", "payment_intent", "status", "subscription", "payment_link"]
            return try ledger.page(.checkoutSession, call, filters: filters) { session in
                email == nil || session.value(at: "customer_details", "email")?.string == email
            }
        },
        .get("checkout/sessions/:id") { ledger, call throws(StripeError) in
            try ledger.require(.checkoutSession, call.id)
        },
        .post("checkout/sessions/:id", "metadata:m? collected_information:* line_items:* shipping_options:*?") {
            ledger,
            call throws(StripeError) in
            let session = try ledger.require(.checkoutSession, call.id)
            return ledger.change(.checkoutSession, session.id, emitting: nil) { session in
                session["metadata"] = .object(call.updatedMetadata(session.object("metadata")))
            }
        },
        .post("checkout/sessions/:id/expire") { ledger, call throws(StripeError) in
            let session = try ledger.require(.checkoutSession, call.id)
            guard session.status == "open" else {
                throw StripeError(
                    "Only Checkout Sessions with a status in [\"open\"] can be expired. This Checkout Session has a "
                        + "status of `\(session.status)`.",
                    executed: true
                )
            }
            ledger.expireSession(session.id)
            return try ledger.require(.checkoutSession, call.id)
        },
        .list("checkout/sessions/:id/line_items", "") { ledger, call throws(StripeError) in
            let session = try ledger.require(.checkoutSession, call.id)
            return try page(session.array("_line_items") ?? [], of: "line item", call)
        },
    ]

    mutating func createSession(_ call: Call) throws(StripeError) -> JSONObject {
        try checkMethodTypes(call)
        let mode = call.string("mode") ?? "payment"
        let ui = call.string("ui_mode") ?? "hosted_page"
        if ["hosted", "hosted_page"].contains(ui), call.string("success_url") == nil {
            throw StripeError.missingParameter("success_url")
        }
        try Self.checkSession(call)
        if let customer = call.string("customer") { _ = try liveCustomer(customer, param: "customer") }
        let lines = try sessionLines(call, mode: mode, prices: nil)
        let subtotal = lines.reduce(Int64(0)) { $0 + ($1.object?.int("amount_subtotal") ?? 0) }
        let currency = lines.first?.object?.string("currency") ?? call.string("currency") ?? "usd"
        let (discounts, off) = try sessionDiscounts(call, mode: mode, subtotal, currency)
        let expires = call.int("expires_at") ?? now.adding(seconds: 86_400).seconds
        guard expires >= now.seconds + 1_800, expires <= now.seconds + 86_400 else {
            throw StripeError.invalid(
                "expires_at",
                "The `expires_at` timestamp must be at least 30 minutes and at most 24 hours from Checkout Session "
                    + "creation."
            )
        }
        if mode == "payment", subtotal - off > 0 {
            try Currency.checkCharge(subtotal - off, currency, param: "line_items")
        }
        var session = newSession(call, mode: mode, currency: currency, expires: expires)
        if mode != "setup" {
            session["amount_subtotal"] = .int(subtotal)
            session["amount_total"] = .int(subtotal - off)
            session["total_details"] = ["amount_discount": .int(off), "amount_shipping": 0, "amount_tax": 0]
        } else {
            let intent = newSetupIntent(call.with(["customer": call.value("customer")]))
            insert(.setupIntent, intent)
            emit("setup_intent.created", intent)
            session["setup_intent"] = .string(intent.id)
        }
        session["_line_items"] = .array(lines)
        session["_discounts"] = mode == "subscription" ? call.value("discounts") : .strings(discounts)
        session["_payment_intent_data"] = call.value("payment_intent_data")
        session["_subscription_data"] = call.value("subscription_data")
        insert(.checkoutSession, session)
        schedule(.expireSession, session.id, at: SimulatorInstant(seconds: expires))
        return session
    }

    /// Checks what contradicts itself in a call for a session.
    private static func checkSession(_ call: Call) throws(StripeError) {
        for (one, other) in [("customer", "customer_email"), ("allow_promotion_codes", "discounts")]
        where call.parameters.has(one) && call.parameters.has(other) {
            throw StripeError("You may only specify one of these parameters: \(one), \(other).")
        }
        for name in ["success_url", "cancel_url", "return_url"] {
            guard let url = call.string(name), !url.contains("://") else { continue }
            throw StripeError.invalid(name, "Not a valid URL", code: "url_invalid")
        }
        for (index, line) in (call.parameters.array("line_items") ?? []).compactMap(\.object).enumerated()
        where !line.has("quantity") {
            throw StripeError.missingParameter("line_items[\(index)][quantity]")
        }
    }

    /// What discounts take off a session.
    ///
    /// A subscription's coupons are redeemed when it is made.
    private mutating func sessionDiscounts(
        _ call: Call,
        mode: String,
        _ subtotal: Int64,
        _ currency: String
    ) throws(StripeError) -> (ids: [String], off: Int64) {
        let order = DiscountedOrder(customer: call.string("customer") ?? "", amount: subtotal, currency: currency)
        var probe = self
        let ids = try probe.takeDiscounts(call, order)
        let off = subtotal - ids.reduce(subtotal) { $0 - probe.reduction(by: $1, of: $0, currency: currency) }
        if mode != "subscription" { self = probe }
        return (ids, off)
    }

    /// The lines of a session or a link; prices that were looked up already are not made again.
    mutating func sessionLines(
        _ call: Call,
        mode: String,
        prices: [JSONObject]?
    ) throws(StripeError) -> [JSONValue] {
        let given = (call.parameters.array("line_items") ?? []).compactMap(\.object)
        guard !given.isEmpty || mode == "setup" else { throw StripeError.missingParameter("line_items") }
        guard given.count <= 100 else { throw StripeError.invalid("line_items", "At most 100 line items.") }
        var lines: [JSONValue] = []
        for (index, item) in given.enumerated() {
            let param = "line_items[\(index)]"
            let price = if let prices { prices[index] } else { try price(of: item, param: param, call) }
            if mode == "payment", price.has("recurring") {
                throw StripeError(
                    "You specified `payment` mode but passed a recurring price. Either switch to `subscription` mode or "
                        + "use only one-time prices."
                )
            }
            let quantity = item.int("quantity") ?? 1
            guard quantity > 0, let amount = Self.amount(of: price, quantity: quantity) else {
                throw StripeError.invalid("\(param)[quantity]", "Invalid quantity", code: "parameter_invalid_integer")
            }
            let name = price.string("product").flatMap { find(.product, $0) }?.string("name")
            lines.append([
                "id": .string("li_1" + generator.characters(23)), "object": "item", "adjustable_quantity": nil,
                "amount_discount": 0, "amount_subtotal": .int(amount), "amount_tax": 0, "amount_total": .int(amount),
                "currency": price["currency"] ?? "usd", "description": .string(orNull: name), "metadata": [:],
                "price": .object(price), "quantity": .int(quantity),
            ])
        }
        let recurring = lines.compactMap { $0.object?.object("price") }.filter { $0.has("recurring") }
        if mode == "subscription" {
            try Self.checkTogether(recurring)
            let data = call.object("subscription_data") ?? JSONObject()
            try Self.checkModelled(data, moment: nil)
            let days = data.int("trial_period_days")
            try Self.check(days, in: 1...(Self.longestTrial / 86_400), "subscription_data[trial_period_days]")
        }
        if mode == "subscription", recurring.isEmpty {
            throw StripeError("You must provide at least one recurring price in `subscription` mode.")
        }
        return lines
    }

    private mutating func newSession(_ call: Call, mode: String, currency: String, expires: Int64) -> JSONObject {
        let id = newID(.checkoutSession)
        let email =
            call.string("customer_email") ?? call.string("customer").flatMap { find(.customer, $0) }?.string("email")
        let details: JSONValue =
            email == nil
            ? .null
            : [
                "address": nil, "business_name": nil, "email": .string(orNull: email), "individual_name": nil,
                "name": nil, "phone": nil, "tax_exempt": "none", "tax_ids": nil,
            ]
        var session: JSONObject = [
            "id": .string(id), "object": "checkout.session", "adaptive_pricing": ["enabled": false],
            "after_expiration": nil, "allow_promotion_codes": call.value("allow_promotion_codes"),
            "amount_subtotal": nil, "amount_total": nil,
            "automatic_tax": ["enabled": false, "liability": nil, "provider": nil, "status": nil],
            "billing_address_collection": call.value("billing_address_collection"),
            "branding_settings": [
                "background_color": "#ffffff", "border_style": "rounded", "button_color": "#0074d4",
                "display_name": "Runnel simulator", "font_family": "default", "icon": nil, "logo": nil,
            ],
            "cancel_url": call.value("cancel_url"), "client_reference_id": call.value("client_reference_id"),
            "client_secret": nil,
            "collected_information": ["business_name": nil, "individual_name": nil, "shipping_details": nil],
            "consent": nil, "consent_collection": nil, "created": .int(now.seconds), "currency": .string(currency),
            "currency_conversion": nil, "custom_fields": [],
            "custom_text": [
                "after_submit": nil, "shipping_address": nil, "submit": nil, "terms_of_service_acceptance": nil,
            ], "customer": call.value("customer"), "customer_account": nil,
            "customer_creation": call.string("customer") == nil
                ? .string(call.string("customer_creation") ?? (mode == "payment" ? "if_required" : "always")) : .null,
            "customer_details": details, "customer_email": call.value("customer_email"), "discounts": [],
        ]
        session.merge([
            "expires_at": .int(expires), "invoice": nil, "integration_identifier": nil,
            "invoice_creation": mode == "payment"
                ? [
                    "enabled": false,
                    "invoice_data": [
                        "account_tax_ids": nil, "custom_fields": nil, "description": nil, "footer": nil, "issuer": nil,
                        "metadata": [:], "rendering_options": nil,
                    ],
                ] : .null, "livemode": .bool(livemode), "locale": call.value("locale"), "managed_payments": nil,
            "metadata": .object(call.updatedMetadata(nil)), "mode": .string(mode), "origin_context": nil,
            "payment_intent": nil, "payment_link": nil,
            "payment_method_collection": mode == "payment" ? "if_required" : "always",
            "payment_method_configuration_details": nil,
            "payment_method_options": ["card": ["request_three_d_secure": "automatic"]],
            "payment_method_types": .strings(call.strings("payment_method_types") ?? ["card"]),
            "payment_status": mode == "setup" ? "no_payment_required" : "unpaid", "permissions": nil,
            "phone_number_collection": ["enabled": false], "recovered_from": nil,
            "saved_payment_method_options": nil, "setup_intent": nil, "shipping_address_collection": nil,
            "shipping_cost": nil, "shipping_options": [], "status": "open", "submit_type": call.value("submit_type"),
            "subscription": nil, "success_url": call.value("success_url"), "total_details": nil,
            "ui_mode": .string(call.string("ui_mode") ?? "hosted_page"), "url": .string("\(baseURL)/c/pay/\(id)"),
            "wallet_options": nil,
        ])
        return session
    }

    mutating func expireSession(_ id: String) {
        guard let session = find(.checkoutSession, id), session.status == "open" else { return }
        change(.checkoutSession, id, emitting: "checkout.session.expired") { session in
            session["status"] = "expired"
            session["url"] = .null
        }
    }

    // MARK: Paying on the page

    /// What the payable page does with a card.
    ///
    /// Throws: the card's error, for the page to show.
    mutating func paySession(_ id: String, _ card: JSONObject, email: String?) throws(StripeError) {
        guard let session = find(.checkoutSession, id), session.status == "open" else { throw Self.notOpen }
        let call = pageCall(["payment_method_data": ["type": "card", "card": .object(card)]])
        guard let method = try takePaymentMethod(call, customer: nil) else { return }
        try paySession(session, method: method, email: email)
    }

    private static let notOpen = StripeError("This Checkout Session is no longer open.", executed: true)

    private func pageCall(_ parameters: JSONObject) -> Call {
        Call(
            path: "/c/pay",
            ids: [],
            parameters: parameters,
            key: .page(livemode: livemode),
            version: accountVersion,
            requestID: "",
            idempotencyKey: nil
        )
    }

    /// Pays for a session with a payment method.
    mutating func paySession(_ session: JSONObject, method: String, email: String?) throws(StripeError) {
        guard session.status == "open" else { throw Self.notOpen }
        let (id, call) = (session.id, pageCall([:]))
        let customer = try sessionCustomer(session, email: email, call)
        update(.checkoutSession, id) { session in
            if let customer { session["customer"] = .string(customer) }
            if let email {
                session["customer_details"] = [
                    "email": .string(email), "name": nil, "phone": nil,
                    "address": nil, "business_name": nil, "individual_name": nil, "tax_exempt": "none", "tax_ids": nil,
                ]
            }
        }
        switch session.string("mode") {
        case "setup": try paySetup(session, method)
        case "subscription": try paySubscription(session, method, customer: customer ?? "", call)
        default: try payOnce(session, method, customer: customer, call)
        }
    }

    private mutating func sessionCustomer(
        _ session: JSONObject,
        email: String?,
        _ call: Call
    ) throws(StripeError) -> String? {
        if let customer = session.string("customer") { return customer }
        guard session.string("customer_creation") == "always" else { return nil }
        var parameters = JSONObject()
        if let email { parameters["email"] = .string(email) }
        return try createCustomer(call.with(parameters)).id
    }

    private mutating func payOnce(
        _ session: JSONObject,
        _ method: String,
        customer: String?,
        _ call: Call
    ) throws(StripeError) {
        guard let amount = session.int("amount_total"), amount > 0 else { return completeSession(session.id) }
        var intentID = session.string("payment_intent")
        if intentID == nil {
            var parameters = session.object("_payment_intent_data") ?? JSONObject()
            parameters["amount"] = .int(amount)
            parameters["currency"] = session["currency"] ?? "usd"
            parameters["payment_method_types"] = session["payment_method_types"] ?? ["card"]
            if let customer { parameters["customer"] = .string(customer) }
            intentID = try createPaymentIntent(call.with(parameters)).id
        }
        guard let intentID, find(.paymentIntent, intentID)?.status != "canceled" else {
            throw StripeError("The payment of this Checkout Session was canceled.")
        }
        update(.checkoutSession, session.id) { $0["payment_intent"] = .string(intentID) }
        update(.paymentIntent, intentID) { intent in
            intent["_session"] = .string(session.id)
            intent["payment_method"] = .string(method)
            intent["status"] = "requires_confirmation"
        }
        _ = try attempt(intentID, AttemptOptions(returnURL: Self.successURL(of: session)))
        if find(.paymentIntent, intentID)?.status == "processing" { completeSession(session.id, isPaid: false) }
    }

    private mutating func paySetup(_ session: JSONObject, _ method: String) throws(StripeError) {
        guard let intent = session.string("setup_intent") else { return }
        update(.setupIntent, intent) { intent in
            intent["payment_method"] = .string(method)
            intent["customer"] = session["customer"] ?? .null
        }
        _ = try setUp(intent, AttemptOptions(returnURL: Self.successURL(of: session)))
        if find(.setupIntent, intent)?.status == "succeeded" { completeSession(session.id) }
    }

    private mutating func paySubscription(
        _ session: JSONObject,
        _ method: String,
        customer: String,
        _ call: Call
    ) throws(StripeError) {
        guard let kept = find(.paymentMethod, method) else { return }
        _ = try attach(kept, to: customer)
        var parameters = session.object("_subscription_data") ?? JSONObject()
        parameters["customer"] = .string(customer)
        parameters["default_payment_method"] = .string(method)
        parameters["payment_behavior"] = "error_if_incomplete"
        if let discounts = session["_discounts"], !discounts.isNull { parameters["discounts"] = discounts }
        let lines = (session.array("_line_items") ?? []).compactMap(\.object)
        parameters["items"] = .array(
            lines.filter { $0.object("price")?.has("recurring") == true }.map { line in
                ["_price": .string(line.object("price")?.id ?? ""), "quantity": line["quantity"] ?? 1]
            }
        )
        var extras: [String] = []
        for line in lines where line.object("price")?.has("recurring") != true {
            guard let price = line.object("price") else { continue }
            let extra = newItem(
                customer: customer,
                amount: line.int("amount_total") ?? 0,
                currency: price.string("currency") ?? "usd",
                price: price,
                quantity: line.int("quantity") ?? 1
            )
            insert(.invoiceItem, extra)
            extras.append(extra.id)
        }
        let made: JSONObject
        do throws(StripeError) {
            made = try createSubscription(call.with(parameters))
        } catch {
            for extra in extras { objects[.invoiceItem]?[extra] = nil }  // the next try brings its own
            throw error
        }
        let invoice = made["latest_invoice"] ?? .null
        update(.checkoutSession, session.id) { session in
            session["subscription"] = .string(made.id)
            session["invoice"] = invoice
        }
        completeSession(session.id)
    }

    static func successURL(of session: JSONObject) -> String {
        let url = session.string("success_url") ?? session.string("return_url") ?? "about:blank"
        return url.split(separator: "{CHECKOUT_SESSION_ID}", omittingEmptySubsequences: false)
            .joined(separator: session.id)
    }

    /// What the session was for is done, though its money may still be under way.
    mutating func completeSession(_ id: String, isPaid: Bool = true) {
        guard let session = find(.checkoutSession, id) else { return }
        guard session.status == "open" else { return settleSession(session, with: "async_payment_succeeded") }
        let needsNothing = session.string("mode") == "setup" || (session.int("amount_total") ?? 0) == 0
        change(.checkoutSession, id, emitting: "checkout.session.completed") { session in
            session["status"] = "complete"
            session["payment_status"] = needsNothing ? "no_payment_required" : isPaid ? "paid" : "unpaid"
            session["url"] = .null
        }
    }

    /// The bank has answered for a session whose money was under way.
    mutating func settleSession(_ session: JSONObject, with outcome: String) {
        guard session.status == "complete", session.string("payment_status") == "unpaid" else { return }
        change(.checkoutSession, session.id, emitting: "checkout.session.\(outcome)") { session in
            if outcome == "async_payment_succeeded" { session["payment_status"] = "paid" }
        }
    }
}
