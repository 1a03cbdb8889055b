extension Ledger {
    mutating func capturePaymentIntent(_ call: Call) throws(StripeError) -> JSONObject {
        let intent = try require(.paymentIntent, call.id)
        guard intent.status == "requires_capture", let chargeID = intent.string("latest_charge") else {
            let captured = intent.status == "succeeded"
            throw StripeError.unexpectedState(
                "payment_intent_unexpected_state",
                captured
                    ? "This PaymentIntent could not be captured because it has already been captured."
                    : "This PaymentIntent could not be captured because it has a status of \(intent.status). Only a "
                        + "PaymentIntent with one of the following statuses may be captured: requires_capture.",
                details: ["payment_intent": .object(visible(intent))]
            )
        }
        if call.bool("final_capture") == false {
            throw Self.notModelled("final_capture", "`final_capture=false`: several captures of one payment")
        }
        let held = intent.int("amount_capturable") ?? 0
        let amount = call.int("amount_to_capture") ?? held
        guard amount >= 1 else {
            throw StripeError.invalid(
                "amount_to_capture",
                "This value must be greater than or equal to 1.",
                code: "parameter_invalid_integer"
            )
        }
        guard amount <= held else {
            throw StripeError.invalid(
                "amount_to_capture",
                "The payment could not be captured because the requested capture amount is greater than the amount you "
                    + "can capture for this charge.",
                code: "amount_too_large"
            )
        }
        return capture(intent.id, chargeID: chargeID, amount: amount, call)
    }

    private mutating func capture(_ id: String, chargeID: String, amount: Int64, _ call: Call?) -> JSONObject {
        update(.charge, chargeID) { charge in
            charge["captured"] = true
            charge["amount_captured"] = .int(amount)
        }
        let isAsynchronous = find(.paymentIntent, id)?.string("capture_method") == "automatic_async"
        if !isAsynchronous { settleCharge(chargeID, emits: false) }
        if let charge = find(.charge, chargeID) { emit("charge.captured", charge) }
        if isAsynchronous { scheduleOnPlatform(.settleCharge, chargeID, afterSeconds: 2) }
        let paid = change(.paymentIntent, id, emitting: "payment_intent.succeeded") { intent in
            intent["status"] = "succeeded"
            intent["amount_capturable"] = 0
            intent["amount_received"] = .int(amount)
            if let call { intent["metadata"] = .object(call.updatedMetadata(intent.object("metadata"))) }
        }
        if let charge = find(.charge, chargeID), let number = charge.string("_card"),
            let card = TestCard.numbered(number)
        {
            planDisputes(of: chargeID, card)
        }
        return paid
    }

    /// A capture asked for through the charge.
    mutating func captureCharge(_ call: Call) throws(StripeError) -> JSONObject {
        let charge = try require(.charge, call.id)
        guard charge.bool("captured") != true else {
            throw StripeError.unexpectedState(
                "charge_already_captured",
                "Charge \(charge.id) has already been captured."
            )
        }
        guard charge.has("payment_intent") else { return try captureDirect(charge, call) }
        var parameters = JSONObject()
        if let amount = call.int("amount") { parameters["amount_to_capture"] = .int(amount) }
        _ = try capturePaymentIntent(call.with(parameters, ids: [charge.string("payment_intent") ?? ""]))
        return find(.charge, charge.id) ?? charge
    }

    mutating func cancelPaymentIntent(_ call: Call) throws(StripeError) -> JSONObject {
        let intent = try require(.paymentIntent, call.id)
        if let session = intent.string("_session"), find(.checkoutSession, session)?.status == "open" {
            throw StripeError.unexpectedState(
                "payment_intent_unexpected_state",
                "You can't cancel the PaymentIntent for a Checkout Session. Expire the Checkout Session instead.",
                details: ["payment_intent": .object(visible(intent))]
            )
        }
        let open = [
            "requires_payment_method", "requires_capture", "requires_confirmation", "requires_action", "processing",
        ]
        guard open.contains(intent.status) else {
            throw StripeError.unexpectedState(
                "payment_intent_unexpected_state",
                "You cannot cancel this PaymentIntent because it has a status of \(intent.status). Only a PaymentIntent "
                    + "with one of the following statuses may be canceled: \(open.joined(separator: ", ")).",
                details: ["payment_intent": .object(visible(intent))]
            )
        }
        return cancel(intent.id, reason: call.string("cancellation_reason"), version: call.version)
    }

    /// Cancels an intent; an authorisation is released.
    ///
    /// Before basil that counted as a refund (facts §2).
    @discardableResult
    mutating func cancel(_ id: String, reason: String?, version: APIVersion? = nil) -> JSONObject {
        guard let intent = find(.paymentIntent, id) else { return JSONObject() }
        if intent.status == "requires_capture", let chargeID = intent.string("latest_charge") {
            update(.charge, chargeID) { charge in
                charge["refunded"] = true
                charge["amount_refunded"] = charge["amount"]
            }
            if let charge = find(.charge, chargeID) {
                if reason == "automatic" || reason == "expired" { emit("charge.expired", charge) }
                if accountVersion < .basil { emit("charge.refunded", charge) }
            }
        }
        if intent.status == "processing", let chargeID = intent.string("latest_charge") {
            failPendingCharge(chargeID, TestBankAccount.withdrawal)
        }
        return change(.paymentIntent, id, emitting: "payment_intent.canceled") { [now] intent in
            intent["status"] = "canceled"
            intent["canceled_at"] = .int(now.seconds)
            intent["cancellation_reason"] = .string(orNull: reason)
            intent["amount_capturable"] = 0
            intent["next_action"] = .null
        }
    }

    mutating func incrementAuthorization(_ call: Call) throws(StripeError) -> JSONObject {
        let intent = try require(.paymentIntent, call.id)
        guard intent.status == "requires_capture", let charge = intent.string("latest_charge"),
            Self.canBeIncremented(intent)
        else {
            throw StripeError.unexpectedState(
                "payment_intent_unexpected_state",
                "This PaymentIntent cannot be incremented: incremental authorization is not available for it (status "
                    + "\(intent.status)).",
                details: ["payment_intent": .object(visible(intent))]
            )
        }
        let amount = call.int("amount") ?? 0
        try Currency.checkCharge(amount, intent.string("currency") ?? "usd")
        guard amount > intent.int("amount") ?? 0 else {
            throw StripeError.invalid(
                "amount",
                "The amount must be greater than the amount that is authorized already."
            )
        }
        update(.charge, charge) { charge in
            charge["amount"] = .int(amount)
            charge.update("payment_method_details") { details in
                details.update("card") { card in
                    card["amount_authorized"] = .int(amount)
                    card.update("overcapture") { $0["maximum_amount_capturable"] = .int(amount) }
                }
            }
        }
        return change(.paymentIntent, intent.id, emitting: "payment_intent.amount_capturable_updated") { intent in
            intent["amount"] = .int(amount)
            intent["amount_capturable"] = .int(amount)
            call.copy(["description"], to: &intent)
            intent["metadata"] = .object(call.updatedMetadata(intent.object("metadata")))
        }
    }

    /// An authorisation that may be raised: its intent has asked for that.
    static func canBeIncremented(_ intent: JSONObject) -> Bool {
        let option = intent.object("payment_method_options")?.object("card")?.string(
            "request_incremental_authorization"
        )
        return option == "if_available"
    }
}
