/// How a payment is tried.
struct AttemptOptions: Sendable {
    /// Nobody is there to authenticate.
    var isOffSession = false
    /// Where the bank's page leads back to.
    var returnURL: String?
    /// Fails where the customer would have to act.
    var failsOnAction = false

    init(isOffSession: Bool = false, returnURL: String? = nil) {
        self.isOffSession = isOffSession
        self.returnURL = returnURL
    }

    init(_ call: Call) {
        switch call.parameters["off_session"] {
        case .some(.string(let text)): isOffSession = text.lowercased() != "false"
        case .some(.bool(let value)): isOffSession = value
        default: break
        }
        returnURL = call.string("return_url")
        failsOnAction = call.bool("error_on_requires_action") == true
    }
}

extension Ledger {
    mutating func confirmPaymentIntent(_ call: Call) throws(StripeError) -> JSONObject {
        try checkMethodTypes(call)
        try Self.checkCardOptions(call)
        var intent = try paymentIntent(for: call)
        switch intent.status {
        case "requires_payment_method", "requires_confirmation", "requires_action": break
        case "succeeded", "requires_capture":
            throw StripeError.unexpectedState(
                "payment_intent_unexpected_state",
                intent.status == "succeeded"
                    ? "You cannot confirm this PaymentIntent because it has already succeeded after being previously "
                        + "confirmed."
                    : "You cannot confirm this PaymentIntent because it has a status of requires_capture. Only a "
                        + "PaymentIntent with one of the following statuses may be confirmed: requires_confirmation, "
                        + "requires_action.",
                details: ["payment_intent": .object(visible(intent))]
            )
        default:
            throw StripeError.unexpectedState(
                "payment_intent_unexpected_state",
                "You cannot confirm this PaymentIntent because it has a status of \(intent.status). Only a PaymentIntent "
                    + "with one of the following statuses may be confirmed: requires_confirmation, requires_action.",
                details: ["payment_intent": .object(visible(intent))]
            )
        }
        if call.key.kind == .publishable {
            if intent.string("confirmation_method") == "manual" {
                throw StripeError(
                    "This PaymentIntent's `confirmation_method` is `manual`: it is confirmed with a secret key."
                )
            }
        }
        if let expected = call.int("amount_to_confirm"), expected != intent.int("amount") {
            throw StripeError.unexpectedState(
                "payment_intent_unexpected_state",
                "The `amount_to_confirm` does not equal the amount of this PaymentIntent."
            )
        }
        let methodID = try takePaymentMethod(call, customer: intent.string("customer"))
        if let methodID { intent["payment_method"] = .string(methodID) }
        try checkConfirmation(call, intent: intent)
        call.copy(["receipt_email", "setup_future_usage", "capture_method"], to: &intent)
        setMethodOptions(call, in: &intent)
        if methodID != nil, intent.status == "requires_payment_method" { intent["status"] = "requires_confirmation" }
        insert(.paymentIntent, intent)
        return try attempt(intent.id, AttemptOptions(call))
    }

    /// Checks that do not depend on the card: a payment method, and a way back for redirects.
    func checkConfirmation(_ call: Call, intent: JSONObject) throws(StripeError) {
        guard intent.has("payment_method") else {
            throw StripeError.unexpectedState(
                "payment_intent_unexpected_state",
                "You cannot confirm this PaymentIntent because it's missing a payment method. You can either update "
                    + "the PaymentIntent with a payment method and then confirm it again, or confirm it again directly "
                    + "with a payment method or ConfirmationToken.",
                details: ["payment_intent": .object(visible(intent))]
            )
        }
        if intent.value(at: "automatic_payment_methods", "allow_redirects")?.string == "always",
            call.string("return_url") == nil, call.bool("use_stripe_sdk") != true, !AttemptOptions(call).isOffSession
        {
            throw StripeError(
                "This PaymentIntent is configured to accept payment methods enabled in your Dashboard. Because some of "
                    + "these payment methods might redirect your customer off of your page, you must provide a "
                    + "`return_url`. If you don't want to accept redirect-based payment methods, set "
                    + "`automatic_payment_methods[enabled]` to `true` and `automatic_payment_methods[allow_redirects]` "
                    + "to `never` when creating Setup Intents and Payment Intents."
            )
        }
        if let url = call.string("return_url"), !url.contains("://") {
            throw StripeError.invalid("return_url", "Not a valid URL", code: "url_invalid")
        }
    }

    // MARK: The attempt

    /// Tries to take the money: asks for authentication, or charges the card.
    ///
    /// Throws: the card's error, after the intent has gone back to `requires_payment_method`.
    mutating func attempt(_ id: String, _ options: AttemptOptions) throws(StripeError) -> JSONObject {
        guard let intent = find(.paymentIntent, id), let methodID = intent.string("payment_method"),
            let method = find(.paymentMethod, methodID)
        else { return JSONObject() }
        if method.string("type") == "sepa_debit" { return beginDebit(intent, method) }
        if method.string("type") != "card", intent.bool("_authenticated") != true {
            return askForAuthentication(intent, options)
        }
        let card = testCard(of: method)
        let offSession = options.isOffSession
        if intent.bool("_authenticated") != true, needsAuthentication(intent, method, card, offSession: offSession) {
            if offSession { throw try authenticationMissing(intent, method) }
            if options.failsOnAction {
                throw try decline(
                    id,
                    method,
                    .init(
                        code: "authentication_required",
                        declineCode: "authentication_not_handled",
                        message: "This payment required an authentication action to complete, but "
                            + "`error_on_requires_action` was set."
                    ),
                    charges: false
                )
            }
            return askForAuthentication(intent, options)
        }
        if Self.effective("setup_future_usage", of: intent, method) == "off_session" {
            update(.paymentMethod, methodID) { $0["_set_up"] = true }
        }
        return try charge(id, method, card)
    }

    private func needsAuthentication(
        _ intent: JSONObject,
        _ method: JSONObject,
        _ card: TestCard,
        offSession: Bool
    ) -> Bool {
        guard case .authenticates(let when, _) = card.behaviour else {
            // Cards that are enrolled, but ask for nothing by themselves, are asked where the caller wants it.
            let asks = ["any", "challenge"].contains(Self.effective("request_three_d_secure", of: intent, method))
            return asks && card.isEnrolled && !offSession
        }
        return switch when {
        case .always: !offSession
        case .everyPayment: true
        case .unlessSetUp: method.bool("_set_up") != true
        case .onSession: !offSession
        }
    }

    /// Off-session there is nobody to authenticate: declined (facts §3, last row of the table).
    private mutating func authenticationMissing(
        _ intent: JSONObject,
        _ method: JSONObject
    ) throws(StripeError) -> StripeError {
        try decline(intent.id, method, .unauthenticated, charges: true)
    }

    private mutating func askForAuthentication(_ intent: JSONObject, _ options: AttemptOptions) -> JSONObject {
        let source = "payatt_3" + generator.characters(23)
        let secret = intent.string("client_secret") ?? ""
        let action: JSONValue
        if let back = options.returnURL {
            let url =
                "\(baseURL)/3d_secure_2/hosted?merchant=\(accountID)&payment_intent=\(intent.id)"
                + "&payment_intent_client_secret=\(secret)&livemode=\(livemode)&source=\(source)"
            action = [
                "redirect_to_url": ["return_url": .string(back), "url": .string(url)], "type": "redirect_to_url",
            ]
        } else {
            action = [
                "type": "use_stripe_sdk",
                "use_stripe_sdk": [
                    "source": .string("src_1" + generator.characters(23)),
                    "stripe_js": .string(
                        "\(baseURL)/3d_secure_2/hosted?payment_intent=\(intent.id)"
                            + "&payment_intent_client_secret=\(secret)&livemode=\(livemode)"
                    ),
                    "type": "three_d_secure_redirect",
                ],
            ]
        }
        let asked = change(.paymentIntent, intent.id, emitting: "payment_intent.requires_action") { intent in
            intent["status"] = "requires_action"
            intent["next_action"] = action
            intent["latest_charge"] = .null
            intent["last_payment_error"] = .null
        }
        if let invoice = asked.string("_invoice") { invoiceNeedsAction(invoice) }
        return asked
    }

    /// What the visit to the bank's page leads to.
    mutating func finishAuthentication(ofIntent id: String, succeeded: Bool) {
        guard let intent = find(.paymentIntent, id), intent.status == "requires_action",
            let method = find(.paymentMethod, intent.string("payment_method") ?? "")
        else { return }
        guard succeeded else {
            let failure = TestCard.Decline(
                code: "payment_intent_authentication_failure",
                message: "We are unable to authenticate your payment method. Please choose a different payment method "
                    + "and try again."
            )
            // The caller learns it from the intent and the event; there is no request to answer.
            _ = try? decline(id, method, failure, charges: false)
            return
        }
        update(.paymentIntent, id) { intent in
            intent["_authenticated"] = true
            intent["next_action"] = .null
        }
        if intent.string("confirmation_method") == "manual" {
            update(.paymentIntent, id) { $0["status"] = "requires_confirmation" }
            return
        }
        var card = testCard(of: method)
        if case .authenticates(_, .some(let decline)) = card.behaviour { card.behaviour = .declinesLater(decline) }
        _ = try? charge(id, method, card)  // a decline shows in the intent and its events
    }

    // MARK: The charge

    private mutating func charge(
        _ id: String,
        _ method: JSONObject,
        _ card: TestCard
    ) throws(StripeError) -> JSONObject {
        switch card.behaviour {
        case .declines(let reason), .declinesLater(let reason): throw try decline(id, method, reason, charges: true)
        case .authenticates(_, .some(let reason)): throw try decline(id, method, reason, charges: true)
        case .blocked: throw try decline(id, method, .blocked, charges: true)
        default: break
        }
        guard let intent = find(.paymentIntent, id) else { return JSONObject() }
        let isManual = Self.effective("capture_method", of: intent, method) == "manual"
        var charge = newCharge(for: intent, method: method, card: card)
        let amount = intent.int("amount") ?? 0
        charge["captured"] = .bool(!isManual)
        charge["amount_captured"] = .int(isManual ? 0 : amount)
        if isManual {
            let before = now.adding(seconds: 7 * 24 * 3_600)
            charge.update("payment_method_details") { details in
                details.update("card") { $0["capture_before"] = .int(before.seconds) }
            }
            scheduleOnPlatform(.expireAuthorization, id, afterSeconds: 7 * 24 * 3_600)
        }
        insert(.charge, charge)
        return settle(intent, method, charge: charge.id, card)
    }

    /// The charge is made: the intent follows, its invoice and its session.
    mutating func settle(
        _ intent: JSONObject,
        _ method: JSONObject,
        charge id: String,
        _ card: TestCard
    ) -> JSONObject {
        let isManual = Self.effective("capture_method", of: intent, method) == "manual"
        let amount = intent.int("amount") ?? 0
        let settlesNow = intent.string("capture_method") == "automatic" || card.behaviour == .available
        if !isManual, settlesNow { settleCharge(id, emits: false) }
        attachAfterPayment(intent, method)
        if let charge = find(.charge, id) { emit("charge.succeeded", charge) }
        let paid = change(
            .paymentIntent,
            intent.id,
            emitting: isManual ? "payment_intent.amount_capturable_updated" : "payment_intent.succeeded"
        ) { intent in
            intent["status"] = isManual ? "requires_capture" : "succeeded"
            intent["amount_capturable"] = .int(isManual ? amount : 0)
            intent["amount_received"] = .int(isManual ? 0 : amount)
            intent["latest_charge"] = .string(id)
            intent["next_action"] = .null
            intent["last_payment_error"] = .null
        }
        if !isManual, !settlesNow { scheduleOnPlatform(.settleCharge, id, afterSeconds: 2) }
        if !isManual { planDisputes(of: id, card) }
        if let invoice = paid.string("_invoice"), !isManual { invoicePaid(invoice) }
        if let session = paid.string("_session") { completeSession(session) }
        return paid
    }

    /// A payment for a customer that says "for later" keeps the card with the customer.
    ///
    /// Paid with otherwise, a card without a customer is of no further use, however it came (facts §3).
    private mutating func attachAfterPayment(_ intent: JSONObject, _ method: JSONObject) {
        guard !method.has("customer") else { return }
        guard let customer = intent.string("customer"), Self.effective("setup_future_usage", of: intent, method) != nil
        else {
            return update(.paymentMethod, method.id) { $0["_used"] = true }
        }
        change(.paymentMethod, method.id, emitting: "payment_method.attached") { $0["customer"] = .string(customer) }
    }

    /// Puts the intent back to `requires_payment_method` with the reason, and makes the failed charge.
    ///
    /// Answers the error for the caller; it carries the intent, the payment method and the charge (facts §3).
    mutating func decline(
        _ id: String,
        _ method: JSONObject,
        _ reason: TestCard.Decline,
        charges: Bool
    ) throws(StripeError) -> StripeError {
        guard let intent = find(.paymentIntent, id) else { return StripeError(reason.message) }
        var chargeID: String?
        if charges {
            var charge = newCharge(for: intent, method: method, card: testCard(of: method))
            Self.fail(&charge, reason)
            insert(.charge, charge)
            emit("charge.failed", charge)
            chargeID = charge.id
        }
        return refuse(intent, method, reason, charge: chargeID)
    }

    /// Puts the intent back to `requires_payment_method` for a charge that failed, or an authentication.
    mutating func refuse(
        _ intent: JSONObject,
        _ method: JSONObject,
        _ reason: TestCard.Decline,
        charge chargeID: String?
    ) -> StripeError {
        var details = Self.details(of: reason)
        if let chargeID { details["charge"] = .string(chargeID) }
        details["payment_method"] = .object(visible(method))
        var error = StripeError(
            status: reason.code == "payment_intent_authentication_failure" ? 400 : 402,
            kind: reason.code == "payment_intent_authentication_failure" ? .invalidRequest : .card,
            code: reason.code,
            param: reason.param,
            reason.message,
            details: details,
            executed: true
        )
        let stored = error.object(requestLog: nil)
        let failed = change(.paymentIntent, intent.id, emitting: "payment_intent.payment_failed") { intent in
            intent["status"] = "requires_payment_method"
            intent["payment_method"] = .null
            intent["next_action"] = .null
            intent["_authenticated"] = nil
            if let chargeID { intent["latest_charge"] = .string(chargeID) }
            intent["last_payment_error"] = .object(stored)
        }
        error.details["payment_intent"] = .object(visible(failed))
        if let invoice = failed.string("_invoice") { invoiceDeclined(invoice) }
        if let session = failed.string("_session").flatMap({ find(.checkoutSession, $0) }) {
            settleSession(session, with: "async_payment_failed")
        }
        return error
    }

    static func details(of reason: TestCard.Decline) -> JSONObject {
        var details = JSONObject()
        if let code = reason.declineCode { details["decline_code"] = .string(code) }
        if let code = reason.advice { details["advice_code"] = .string(code) }
        if let code = reason.networkAdvice { details["network_advice_code"] = .string(code) }
        if let code = reason.networkDecline { details["network_decline_code"] = .string(code) }
        return details
    }
}
