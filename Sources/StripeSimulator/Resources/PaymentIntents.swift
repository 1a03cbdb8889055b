extension Ledger {
    private static let shipping =
        """
        shipping{address{city:s country:s line1:s line2:s postal_code:s state:s}! carrier:s name:s! phone:s
        tracking_number:s}
        """
    static let methodData =
        """
        payment_method_data{type:s! card{number:s exp_month:i exp_year:i cvc:s token:s networks:*} \(billing)
        metadata:m allow_redisplay:s link:* radar_options:* us_bank_account:* sepa_debit:*}
        """
    private static let shared =
        """
        allowed_payment_method_types:a amount_details:*? application_fee_amount:i?
        capture_method:automatic|automatic_async|manual customer_account:s description:s
        excluded_payment_method_types:a? hooks:* metadata:m? payment_details:*? payment_method:s
        payment_method_configuration:s \(methodData) payment_method_options:* payment_method_types:a receipt_email:s?
        setup_future_usage:off_session|on_session? \(shipping)? statement_descriptor:s statement_descriptor_suffix:s
        transfer_data:* transfer_group:s
        """
    private static let confirming =
        """
        confirmation_token:s error_on_requires_action:b mandate:s mandate_data:*? off_session:* radar_options:*
        return_url:s use_stripe_sdk:b
        """

    static let paymentIntentRoutes: [Route] = [
        .post(
            "payment_intents",
            """
            amount:i! currency:s! customer:s automatic_payment_methods{allow_redirects:always|never enabled:b!}
            confirm:b confirmation_method:automatic|manual on_behalf_of:s \(shared) \(confirming)
            """
        ) { ledger, call throws(StripeError) in try ledger.createPaymentIntent(call) },
        .list("payment_intents", "created:r customer:s customer_account:s") { ledger, call throws(StripeError) in
            try ledger.page(.paymentIntent, call, filters: ["customer"])
        },
        .get("payment_intents/search", "query:s! page:s limit:i") { ledger, call throws(StripeError) in
            try ledger.search(.paymentIntent, call)
        },
        .get("payment_intents/:id", "", .browser) { ledger, call throws(StripeError) in
            try ledger.paymentIntent(for: call)
        },
        .post("payment_intents/:id", "amount:i currency:s customer:s \(shared)") { ledger, call throws(StripeError) in
            try ledger.updatePaymentIntent(call)
        },
        .post(
            "payment_intents/:id/confirm",
            "amount_to_confirm:i \(shared) \(confirming)",
            .browser
        ) { ledger, call throws(StripeError) in try ledger.confirmPaymentIntent(call) },
        .post(
            "payment_intents/:id/capture",
            """
            amount_details:* amount_to_capture:i application_fee_amount:i final_capture:b hooks:* metadata:m?
            payment_details:*? statement_descriptor:s statement_descriptor_suffix:s transfer_data:*
            """
        ) { ledger, call throws(StripeError) in try ledger.capturePaymentIntent(call) },
        .post(
            "payment_intents/:id/cancel",
            "cancellation_reason:abandoned|duplicate|fraudulent|requested_by_customer"
        ) { ledger, call throws(StripeError) in try ledger.cancelPaymentIntent(call) },
        .post(
            "payment_intents/:id/increment_authorization",
            """
            amount:i! amount_details:* application_fee_amount:i description:s hooks:* metadata:m payment_details:*
            statement_descriptor:s transfer_data:*
            """
        ) { ledger, call throws(StripeError) in try ledger.incrementAuthorization(call) },
    ]

    /// The intent a call names.
    ///
    /// A publishable key must show the intent's client secret.
    func paymentIntent(for call: Call) throws(StripeError) -> JSONObject {
        let intent = try require(.paymentIntent, call.id)
        guard call.key.kind == .publishable else { return intent }
        guard let secret = call.string("client_secret") else { throw StripeError.missingParameter("client_secret") }
        guard secret == intent.string("client_secret") else {
            throw StripeError.missingObject("payment_intent", call.id, param: "intent")
        }
        return intent
    }

    // MARK: Creating

    mutating func createPaymentIntent(_ call: Call) throws(StripeError) -> JSONObject {
        try checkMethodTypes(call)
        try Self.checkCardOptions(call)
        let currency = try Currency.check(call.string("currency") ?? "")
        let amount = call.int("amount") ?? 0
        try Currency.checkCharge(amount, currency)
        try checkIntentTexts(call)
        if let customer = call.string("customer") { _ = try liveCustomer(customer, param: "customer") }
        if call.bool("confirm") != true {
            for name in ["return_url", "off_session", "error_on_requires_action"] where call.parameters[name] != nil {
                throw StripeError.invalid(
                    name,
                    "You can only set `\(name)` when `confirm` is true. See https://stripe.com/docs/payments."
                )
            }
        }
        var intent = newIntent(call, amount: amount, currency: currency)
        try setMethodTypes(call, in: &intent)
        var methodID = try takePaymentMethod(call, customer: intent.string("customer"))
        if methodID == nil, call.bool("confirm") == true {
            // As for charges, which intents came after (`payment_intents.create`, `payment_method`).
            methodID = intent.string("customer").flatMap { find(.customer, $0) }?.string("default_source")
        }
        if let methodID {
            intent["payment_method"] = .string(methodID)
            intent["status"] = "requires_confirmation"
        }
        if call.bool("confirm") == true {
            try checkConfirmation(call, intent: intent)
        }
        insert(.paymentIntent, intent)
        emit("payment_intent.created", intent)
        guard call.bool("confirm") == true else { return intent }
        return try attempt(intent.id, AttemptOptions(call))
    }

    private mutating func newIntent(_ call: Call, amount: Int64, currency: String) -> JSONObject {
        let id = newID(.paymentIntent)
        let capture = call.version < .asynchronousCapture ? "automatic" : "automatic_async"
        var intent: JSONObject = [
            "id": .string(id), "object": "payment_intent", "amount": .int(amount), "amount_capturable": 0,
            "amount_details": ["tip": [:]], "amount_received": 0, "application": nil, "application_fee_amount": nil,
            "automatic_payment_methods": nil, "canceled_at": nil, "cancellation_reason": nil,
            "capture_method": .string(call.string("capture_method") ?? capture),
            "client_secret": .string(newSecret(for: id)),
            "confirmation_method": .string(call.string("confirmation_method") ?? "automatic"),
            "created": .int(now.seconds), "currency": .string(currency), "customer": nil, "customer_account": nil,
            "description": nil, "excluded_payment_method_types": nil, "last_payment_error": nil, "latest_charge": nil,
            "livemode": .bool(livemode), "managed_payments": nil, "metadata": .object(call.updatedMetadata(nil)),
            "next_action": nil,
            "on_behalf_of": nil, "payment_method": nil, "payment_method_configuration_details": nil,
            "payment_method_options": [:], "payment_method_types": ["card"], "processing": nil, "receipt_email": nil,
            "review": nil, "setup_future_usage": nil, "shipping": nil, "source": nil, "statement_descriptor": nil,
            "statement_descriptor_suffix": nil, "status": "requires_payment_method", "transfer_data": nil,
            "transfer_group": nil,
        ]
        call.copy(Self.intentFields + ["customer", "on_behalf_of"], to: &intent)
        setShipping(call, in: &intent)
        return intent
    }

    private static let intentFields = [
        "application_fee_amount", "customer_account", "description", "excluded_payment_method_types", "receipt_email",
        "setup_future_usage", "statement_descriptor", "statement_descriptor_suffix", "transfer_group",
    ]

    func setShipping(_ call: Call, in object: inout JSONObject) {
        guard let value = call.parameters["shipping"] else { return }
        guard let shipping = value.object else {
            object["shipping"] = .null
            return
        }
        let address = shipping.object("address") ?? JSONObject()
        object["shipping"] = [
            "address": .object(Self.address(address)), "carrier": shipping["carrier"] ?? .null,
            "name": shipping["name"] ?? .null, "phone": shipping["phone"] ?? .null,
            "tracking_number": shipping["tracking_number"] ?? .null,
        ]
    }

    /// An address with all its members.
    static func address(_ given: JSONObject) -> JSONObject {
        var result = JSONObject()
        for name in ["city", "country", "line1", "line2", "postal_code", "state"] {
            result[name] = given[name] ?? .null
        }
        return result
    }

    /// From endive on, payment method types may not be sent any more (facts §2).
    func checkMethodTypes(_ call: Call) throws(StripeError) {
        for type in call.strings("payment_method_types") ?? [] where !PaymentMethodTypes.isKnown(type) {
            throw StripeError.invalid(
                "payment_method_types",
                "The payment method type \"\(type.prefix(40))\" is invalid. Please ensure the provided type is activated "
                    + "in your dashboard (https://dashboard.stripe.com/account/payments/settings) and your account is "
                    + "enabled for any preview features that you are trying to use.",
                code: "payment_intent_invalid_parameter"
            )
        }
        guard call.parameters["payment_method_types"] != nil, call.version >= .endive else { return }
        throw StripeError.invalid(
            "payment_method_types",
            "The `payment_method_types` parameter is no longer supported. Use dynamic payment methods, "
                + "`allowed_payment_method_types`, or `excluded_payment_method_types` instead.",
            code: "payment_method_types_no_longer_supported"
        )
    }

    func checkIntentTexts(_ call: Call) throws(StripeError) {
        if let text = call.string("description"), text.count > 1_000 {
            throw StripeError.invalid("description", "Invalid string: description; must be at most 1000 characters")
        }
        if call.string("statement_descriptor") != nil {
            throw StripeError.invalid(
                "statement_descriptor",
                "The `statement_descriptor` parameter is not supported for card charges. Use "
                    + "`statement_descriptor_suffix` instead. Learn more: "
                    + "https://stripe.com/docs/payments/account/statement-descriptors."
            )
        }
        try checkSuffix(call)
        if let email = call.string("receipt_email"), !email.contains("@") {
            throw StripeError.invalid(
                "receipt_email",
                "Invalid email address: \(email.prefix(100))",
                code: "email_invalid"
            )
        }
    }

    /// Checks what is printed on the statement after the account's own prefix (facts §3).
    func checkSuffix(_ call: Call) throws(StripeError) {
        guard let suffix = call.string("statement_descriptor_suffix") else { return }
        let room = Self.longestDescriptor - Self.descriptorPrefix.count
        let problem: String? =
            if suffix.count > room {
                "must be at most \(room) characters beside the prefix `\(Self.descriptorPrefix)`"
            } else if suffix.contains(where: { "<>\\'\"*".contains($0) }) {
                "cannot contain any of the characters <, >, \\, ', \", *"
            } else if !suffix.contains(where: \.isLetter) {
                "must contain at least one letter"
            } else {
                nil
            }
        if let problem {
            throw StripeError.invalid("statement_descriptor_suffix", "The statement descriptor suffix \(problem).")
        }
    }

    /// Decides which types of payment method the intent takes: those sent, else those of the dashboard.
    private func setMethodTypes(_ call: Call, in intent: inout JSONObject) throws(StripeError) {
        var types = call.strings("payment_method_types")
        let automatic = call.object("automatic_payment_methods")
        if types != nil, automatic?.bool("enabled") == true {
            throw StripeError(
                "You may only specify one of these parameters: automatic_payment_methods, payment_method_types."
            )
        }
        if automatic?.bool("enabled") == true
            || (types == nil && automatic == nil && call.version >= .automaticPaymentMethods)
        {
            intent["automatic_payment_methods"] = [
                "allow_redirects": .string(automatic?.string("allow_redirects") ?? "always"), "enabled": true,
            ]
            intent["payment_method_configuration_details"] = [
                "id": .string("pmc_1" + accountTail24), "parent": nil,
            ]
            types = ["card", "link"]
        }
        intent["payment_method_types"] = .strings(types ?? ["card"])
        setMethodOptions(call, in: &intent)
    }

    private var accountTail24: String { String((accountID.dropFirst(6) + "0000000000000000000000000").prefix(23)) }

    func setMethodOptions(_ call: Call, in intent: inout JSONObject) {
        var options = intent.object("payment_method_options") ?? JSONObject()
        for type in (intent.array("payment_method_types") ?? []).compactMap(\.string) where options[type] == nil {
            switch type {
            case "card":
                options["card"] = [
                    "installments": nil, "mandate_options": nil, "network": nil, "request_three_d_secure": "automatic",
                ]
            case "link": options["link"] = ["persistent_token": nil]
            default: options[type] = [:]
            }
        }
        if let card = call.object("payment_method_options")?.object("card") {
            options.update("card") { own in
                // An empty text takes an option back.
                for name in ["network"] + Self.cardOptions.keys {
                    if let value = card[name] { own[name] = value == "" ? Optional.none : value }
                }
            }
        }
        intent["payment_method_options"] = .object(options)
    }

    private static let cardOptions: [String: [String]] = [
        "capture_method": ["manual"], "request_extended_authorization": ["if_available", "never"],
        "request_incremental_authorization": ["if_available", "never"],
        "request_multicapture": ["if_available", "never"], "request_overcapture": ["if_available", "never"],
        "request_three_d_secure": ["any", "automatic", "challenge"],
        "setup_future_usage": ["none", "off_session", "on_session"],
    ]

    /// Checks the words among the options of cards.
    static func checkCardOptions(_ call: Call) throws(StripeError) {
        guard let card = call.object("payment_method_options")?.object("card") else { return }
        for (name, words) in cardOptions.sorted(by: { $0.key < $1.key }) {
            guard let text = card.string(name), !text.isEmpty, !words.contains(text) else { continue }
            let place = "payment_method_options[card][\(name)]"
            throw StripeError.invalid(place, "Invalid \(place): must be one of \(words.joined(separator: ", "))")
        }
    }

    /// What a payment by card goes by: the option of cards, where there is one, else what the intent says for all.
    static func effective(_ name: String, of intent: JSONObject, _ method: JSONObject) -> String? {
        let own = intent.object("payment_method_options")?.object("card")?.string(name)
        let word = (method.string("type") == "card" ? own : nil) ?? intent.string(name)
        return word == "none" ? nil : word
    }

    // MARK: Updating

    private mutating func updatePaymentIntent(_ call: Call) throws(StripeError) -> JSONObject {
        try checkMethodTypes(call)
        try Self.checkCardOptions(call)
        let intent = try require(.paymentIntent, call.id)
        let open = ["requires_payment_method", "requires_confirmation", "requires_action"]
        let settable: Set<String> = [
            "metadata", "description", "receipt_email", "expand", "transfer_group", "shipping",
        ]
        if !open.contains(intent.status), let field = call.parameters.keys.first(where: { !settable.contains($0) }) {
            throw StripeError.unexpectedState(
                "payment_intent_unexpected_state",
                "This PaymentIntent's \(field) could not be updated because it has a status of \(intent.status). You "
                    + "may only update the \(field) of a PaymentIntent with one of the following statuses: "
                    + open.joined(separator: ", ") + ".",
                details: ["payment_intent": .object(visible(intent))]
            )
        }
        return try apply(call, to: intent)
    }

    private mutating func apply(_ call: Call, to intent: JSONObject) throws(StripeError) -> JSONObject {
        let currency =
            try call.string("currency").map { text throws(StripeError) in try Currency.check(text) }
            ?? intent.string("currency") ?? "usd"
        if let amount = call.int("amount") ?? (call.string("currency") == nil ? nil : intent.int("amount")) {
            try Currency.checkCharge(amount, currency)
        }
        try checkIntentTexts(call)
        if let customer = call.string("customer") { _ = try liveCustomer(customer, param: "customer") }
        let customer = call.string("customer") ?? intent.string("customer")
        let methodID = try takePaymentMethod(call, customer: customer)
        var changed = intent
        call.copy(Self.intentFields + ["amount", "customer", "capture_method"], to: &changed)
        changed["currency"] = .string(currency)
        changed["metadata"] = .object(call.updatedMetadata(intent.object("metadata")))
        setShipping(call, in: &changed)
        if let types = call.strings("payment_method_types") {
            changed["payment_method_types"] = .strings(types)
            changed["automatic_payment_methods"] = .null
        }
        setMethodOptions(call, in: &changed)
        if let methodID {
            changed["payment_method"] = .string(methodID)
            if changed.status == "requires_payment_method" { changed["status"] = "requires_confirmation" }
            changed["last_payment_error"] = .null
        }
        if changed.status == "requires_action", methodID != nil || call.int("amount") != nil {
            changed["status"] = "requires_confirmation"
            changed["next_action"] = .null
        }
        insert(.paymentIntent, changed)
        return changed
    }
}
