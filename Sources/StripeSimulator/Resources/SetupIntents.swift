extension Ledger {
    private static let shared = """
        attach_to_self:b allowed_payment_method_types:a? customer:s customer_account:s description:s
        excluded_payment_method_types:a? flow_directions:a metadata:m? payment_method:s payment_method_configuration:s
        \(methodData) payment_method_options:* payment_method_types:a
        """
    private static let confirming = """
        confirmation_token:s mandate_data:*? return_url:s use_stripe_sdk:b
        """

    static let setupIntentRoutes: [Route] = [
        .post(
            "setup_intents",
            """
            \(shared) \(confirming) automatic_payment_methods{allow_redirects:always|never enabled:b!} confirm:b
            on_behalf_of:s single_use:* usage:off_session|on_session
            """
        ) { ledger, call throws(StripeError) in try ledger.createSetupIntent(call) },
        .list("setup_intents", "attach_to_self:b created:r customer:s customer_account:s payment_method:s") {
            ledger,
            call throws(StripeError) in
            let toSelf = call.bool("attach_to_self")
            return try ledger.page(.setupIntent, call, filters: ["customer", "payment_method"]) { intent in
                toSelf == nil || toSelf == (intent.bool("attach_to_self") ?? false)
            }
        },
        .get("setup_intents/:id", "", .browser) { ledger, call throws(StripeError) in try ledger.setupIntent(for: call)
        },
        .post("setup_intents/:id", shared) { ledger, call throws(StripeError) in
            try ledger.checkMethodTypes(call)
            let intent = try ledger.require(.setupIntent, call.id)
            if let customer = call.string("customer") { _ = try ledger.liveCustomer(customer, param: "customer") }
            let method = try ledger.takePaymentMethod(call, customer: intent.string("customer"))
            return ledger.change(.setupIntent, intent.id, emitting: nil) { intent in
                call.copy(["customer", "description"], to: &intent)
                intent["metadata"] = .object(call.updatedMetadata(intent.object("metadata")))
                if let method {
                    intent["payment_method"] = .string(method)
                    intent["status"] = "requires_confirmation"
                }
            }
        },
        .post("setup_intents/:id/confirm", "\(shared) \(confirming)", .browser) { ledger, call throws(StripeError) in
            try ledger.confirmSetupIntent(call)
        },
        .post("setup_intents/:id/cancel", "cancellation_reason:abandoned|duplicate|requested_by_customer") {
            ledger,
            call throws(StripeError) in try ledger.cancelSetupIntent(call)
        },
        .list("setup_attempts", "created:r setup_intent:s!") { ledger, call throws(StripeError) in
            try ledger.page(.setupAttempt, call, filters: ["setup_intent"])
        },
    ]

    private func setupIntent(for call: Call) throws(StripeError) -> JSONObject {
        let intent = try require(.setupIntent, call.id)
        guard call.key.kind == .publishable else { return intent }
        guard call.string("client_secret") == intent.string("client_secret") else {
            throw StripeError.missingObject("setupintent", call.id, param: "intent")
        }
        return intent
    }

    private mutating func createSetupIntent(_ call: Call) throws(StripeError) -> JSONObject {
        try checkMethodTypes(call)
        if let customer = call.string("customer") { _ = try liveCustomer(customer, param: "customer") }
        var intent = newSetupIntent(call)
        if let toSelf = call.bool("attach_to_self") { intent["attach_to_self"] = .bool(toSelf) }
        let method = try takePaymentMethod(call, customer: intent.string("customer"))
        var kept = intent
        if let method {
            kept["payment_method"] = .string(method)
            kept["status"] = "requires_confirmation"
        }
        if call.bool("confirm") == true { try checkSetup(call, kept) }
        insert(.setupIntent, kept)
        emit("setup_intent.created", kept)
        return call.bool("confirm") == true ? try setUp(kept.id, AttemptOptions(call)) : kept
    }

    mutating func newSetupIntent(_ call: Call) -> JSONObject {
        let id = newID(.setupIntent)
        // Before payment methods of the dashboard were the default, it was cards alone.
        let isOld = call.version < .automaticPaymentMethods && call.object("automatic_payment_methods") == nil
        let given = call.strings("payment_method_types") ?? (isOld ? ["card"] : nil)
        let automatic: JSONValue =
            given == nil
            ? [
                "allow_redirects": .string(
                    call.object("automatic_payment_methods")?.string("allow_redirects") ?? "always"
                ), "enabled": true,
            ] : .null
        return [
            "id": .string(id), "object": "setup_intent", "application": nil, "automatic_payment_methods": automatic,
            "cancellation_reason": nil, "client_secret": .string(newSecret(for: id)), "created": .int(now.seconds),
            "customer": call.value("customer"), "customer_account": nil, "description": call.value("description"),
            "excluded_payment_method_types": nil, "flow_directions": nil, "last_setup_error": nil,
            "latest_attempt": nil, "livemode": .bool(livemode), "mandate": nil,
            "metadata": .object(call.updatedMetadata(nil)), "next_action": nil,
            "on_behalf_of": call.value("on_behalf_of"), "payment_method": nil,
            "payment_method_configuration_details": given == nil
                ? ["id": .string("pmc_1" + accountID.suffix(15)), "parent": nil] : .null,
            "payment_method_options": [
                "card": ["mandate_options": nil, "network": nil, "request_three_d_secure": "automatic"]
            ], "payment_method_types": .strings(given ?? ["card", "link"]), "single_use_mandate": nil,
            "status": "requires_payment_method", "usage": .string(call.string("usage") ?? "off_session"),
        ]
    }

    private func checkSetup(_ call: Call, _ intent: JSONObject) throws(StripeError) {
        guard intent.has("payment_method") else {
            throw StripeError.unexpectedState(
                "setup_intent_unexpected_state",
                "You cannot confirm this SetupIntent because it's missing a payment method. Update the SetupIntent with "
                    + "a payment method and then confirm it again.",
                details: ["setup_intent": .object(visible(intent))]
            )
        }
        // The scenarios of stripe-cli, which names no version, confirm a card without a page to return to.
        if call.isVersioned, intent.value(at: "automatic_payment_methods", "allow_redirects")?.string == "always",
            call.string("return_url") == nil, call.bool("use_stripe_sdk") != true
        {
            throw StripeError(
                "This SetupIntent is configured to accept payment methods enabled in your Dashboard. Because some of "
                    + "these payment methods might redirect your customer off of your page, you must provide a "
                    + "`return_url`. If you don't want to accept redirect-based payment methods, set "
                    + "`automatic_payment_methods[enabled]` to `true` and `automatic_payment_methods[allow_redirects]` "
                    + "to `never` when creating Setup Intents and Payment Intents."
            )
        }
    }

    private mutating func confirmSetupIntent(_ call: Call) throws(StripeError) -> JSONObject {
        var intent = try setupIntent(for: call)
        guard ["requires_payment_method", "requires_confirmation", "requires_action"].contains(intent.status) else {
            throw StripeError.unexpectedState(
                "setup_intent_unexpected_state",
                "You cannot confirm this SetupIntent because it has a status of \(intent.status).",
                details: ["setup_intent": .object(visible(intent))]
            )
        }
        if let method = try takePaymentMethod(call, customer: intent.string("customer")) {
            intent["payment_method"] = .string(method)
        }
        try checkSetup(call, intent)
        insert(.setupIntent, intent)
        return try setUp(intent.id, AttemptOptions(call))
    }

    /// Keeps a card for later: asks for authentication, refuses, or succeeds.
    mutating func setUp(_ id: String, _ options: AttemptOptions) throws(StripeError) -> JSONObject {
        guard let intent = find(.setupIntent, id), let methodID = intent.string("payment_method"),
            let method = find(.paymentMethod, methodID)
        else { return JSONObject() }
        let card = testCard(of: method)
        if case .authenticates(let when, _) = card.behaviour, when != .onSession, intent.bool("_authenticated") != true
        {
            return askForSetupAuthentication(intent, options)
        }
        if case .declines(let reason) = card.behaviour { throw try failSetup(id, method, reason) }
        if let customer = intent.string("customer"), !method.has("customer") { _ = try attach(method, to: customer) }
        update(.paymentMethod, methodID) { $0["_set_up"] = true }
        let attempt = newAttempt(intent, method, status: "succeeded")
        let kept = change(.setupIntent, id, emitting: "setup_intent.succeeded") { intent in
            intent["status"] = "succeeded"
            intent["next_action"] = .null
            intent["last_setup_error"] = .null
            intent["latest_attempt"] = .string(attempt)
        }
        keepTrialCard(of: kept)
        return kept
    }

    private mutating func askForSetupAuthentication(_ intent: JSONObject, _ options: AttemptOptions) -> JSONObject {
        let url =
            "\(baseURL)/3d_secure_2/hosted?merchant=\(accountID)&setup_intent=\(intent.id)"
            + "&setup_intent_client_secret=\(intent.string("client_secret") ?? "")&livemode=\(livemode)"
        let action: JSONValue =
            options.returnURL.map { back in
                ["redirect_to_url": ["return_url": .string(back), "url": .string(url)], "type": "redirect_to_url"]
            } ?? [
                "type": "use_stripe_sdk",
                "use_stripe_sdk": ["stripe_js": .string(url), "type": "three_d_secure_redirect"],
            ]
        return change(.setupIntent, intent.id, emitting: "setup_intent.requires_action") { intent in
            intent["status"] = "requires_action"
            intent["next_action"] = action
        }
    }

    mutating func finishAuthentication(ofSetup id: String, succeeded: Bool) {
        guard let intent = find(.setupIntent, id), intent.status == "requires_action",
            let method = find(.paymentMethod, intent.string("payment_method") ?? "")
        else { return }
        guard succeeded else {
            let reason = TestCard.Decline(
                code: "setup_intent_authentication_failure",
                message: "We are unable to authenticate your payment method. Please choose a different payment method "
                    + "and try again."
            )
            _ = try? failSetup(id, method, reason)  // shows in the intent and its event
            return
        }
        update(.setupIntent, id) { $0["_authenticated"] = true }
        _ = try? setUp(id, AttemptOptions())  // a refusal shows in the intent and its event
    }

    private mutating func failSetup(
        _ id: String,
        _ method: JSONObject,
        _ reason: TestCard.Decline
    ) throws(StripeError) -> StripeError {
        guard let intent = find(.setupIntent, id) else { return StripeError(reason.message) }
        var details = Self.details(of: reason)
        details["payment_method"] = .object(visible(method))
        var error = StripeError.declined(reason, details: details)
        let stored = error.object(requestLog: nil)
        let attempt = newAttempt(intent, method, status: "failed")
        let failed = change(.setupIntent, id, emitting: "setup_intent.setup_failed") { intent in
            intent["status"] = "requires_payment_method"
            intent["payment_method"] = .null
            intent["next_action"] = .null
            intent["last_setup_error"] = .object(stored)
            intent["latest_attempt"] = .string(attempt)
        }
        error.details["setup_intent"] = .object(visible(failed))
        return error
    }

    private mutating func newAttempt(_ intent: JSONObject, _ method: JSONObject, status: String) -> String {
        let id = newID(.setupAttempt)
        insert(
            .setupAttempt,
            [
                "id": .string(id), "object": "setup_attempt", "application": nil, "created": .int(now.seconds),
                "customer": intent["customer"] ?? .null, "customer_account": nil, "flow_directions": nil,
                "livemode": .bool(livemode), "on_behalf_of": nil, "payment_method": .string(method.id),
                "payment_method_details": ["card": ["three_d_secure": nil], "type": "card"], "setup_error": nil,
                "setup_intent": .string(intent.id), "status": .string(status), "usage": intent["usage"] ?? .null,
            ]
        )
        return id
    }

    private mutating func cancelSetupIntent(_ call: Call) throws(StripeError) -> JSONObject {
        let intent = try require(.setupIntent, call.id)
        guard ["requires_payment_method", "requires_confirmation", "requires_action"].contains(intent.status) else {
            throw StripeError.unexpectedState(
                "setup_intent_unexpected_state",
                "You cannot cancel this SetupIntent because it has a status of \(intent.status). Only a SetupIntent with "
                    + "one of the following statuses may be canceled: `requires_payment_method`, "
                    + "`requires_confirmation`, or `requires_action`.",
                details: ["setup_intent": .object(visible(intent))]
            )
        }
        return change(.setupIntent, intent.id, emitting: "setup_intent.canceled") { intent in
            intent["status"] = "canceled"
            intent["cancellation_reason"] = call.value("cancellation_reason")
            intent["next_action"] = .null
        }
    }
}
