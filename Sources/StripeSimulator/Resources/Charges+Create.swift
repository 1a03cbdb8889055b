// Charges made directly, without a payment intent: tokens and customers' cards.
extension Ledger {
    static let directChargeRoutes: [Route] = [
        .post(
            "charges",
            """
            amount:i! application_fee:i application_fee_amount:i currency:s! capture:b destination:* on_behalf_of:s
            radar_options:* transfer_data:* customer:s description:s metadata:m? receipt_email:s
            shipping{address{city:s country:s line1:s line2:s postal_code:s state:s}! carrier:s name:s! phone:s
            tracking_number:s} source:* statement_descriptor:s statement_descriptor_suffix:s transfer_group:s
            """
        ) { ledger, call throws(StripeError) in try ledger.createCharge(call) }
    ]

    private mutating func createCharge(_ call: Call) throws(StripeError) -> JSONObject {
        let currency = try Currency.check(call.string("currency") ?? "")
        let amount = call.int("amount") ?? 0
        try Currency.checkCharge(amount, currency)
        try checkIntentTexts(call)
        let (source, method) = try chargeSource(call)
        // A charge takes from its intent what the call itself says here.
        var template: JSONObject = [
            "id": .string(newID(.charge)), "amount": .int(amount), "currency": .string(currency),
            "metadata": .object(call.updatedMetadata(nil)),
        ]
        call.copy(
            ["customer", "description", "receipt_email", "statement_descriptor_suffix", "transfer_group"],
            to: &template
        )
        setShipping(call, in: &template)
        let card = testCard(of: method)
        var charge = newCharge(for: template, method: method, card: card)
        charge["payment_intent"] = .null
        charge["source"] = .object(source)
        if let reason = Self.refusal(of: card) { throw decline(&charge, reason) }
        let isHeld = call.bool("capture") == false
        charge["captured"] = .bool(!isHeld)
        charge["amount_captured"] = .int(isHeld ? 0 : amount)
        if isHeld {
            let before = now.adding(seconds: Self.authorizationSeconds)
            charge.update("payment_method_details") { details in
                details.update("card") { $0["capture_before"] = .int(before.seconds) }
            }
            scheduleOnPlatform(.expireAuthorization, charge.id, afterSeconds: Self.authorizationSeconds)
        }
        insert(.charge, charge)
        if !isHeld { settleCharge(charge.id, emits: false) }
        emit("charge.succeeded", find(.charge, charge.id) ?? charge)
        if !isHeld { planDisputes(of: charge.id, card) }
        return find(.charge, charge.id) ?? charge
    }

    /// What is charged, as a card for the answer and as a payment method for the charge.
    private mutating func chargeSource(
        _ call: Call
    ) throws(StripeError) -> (source: JSONObject, method: JSONObject) {
        let named = call.string("source")
        if let customerID = call.string("customer") {
            let customer = try liveCustomer(customerID, param: "customer")
            guard let id = named ?? customer.string("default_source") else {
                throw StripeError(
                    status: 402,
                    kind: .card,
                    code: "missing",
                    param: "card",
                    "Cannot charge a customer that has no active card",
                    executed: true
                )
            }
            guard call.object("source") == nil, let card = find(.card, id), card.string("customer") == customerID else {
                throw StripeError(
                    code: "missing",
                    param: "source",
                    "Customer \(customerID) does not have a linked source with ID \(id).",
                    executed: true
                )
            }
            return (card, method(of: card))
        }
        let method: JSONObject
        if let named {
            method = try paymentMethod(fromToken: named, param: "source")
        } else if var details = call.object("source"), details.string("object") == "card" {
            for name in ["exp_month", "exp_year"] {
                details[name] = details.string(name).flatMap { Int64($0) }.map(JSONValue.int)
            }
            method = try paymentMethod(fromNumber: details)
        } else {
            throw StripeError(code: "parameter_missing", param: "source", "Must provide source or customer.")
        }
        let card = newCard(of: method, customer: .null, metadata: [:])
        return (card, self.method(of: card))
    }

    /// A card of older callers as a payment method, under the card's id.
    mutating func method(of card: JSONObject) -> JSONObject {
        let known = testCard(of: card)
        var method = newMethod(
            known,
            month: card.int("exp_month") ?? 12,
            year: card.int("exp_year") ?? yearNow + 1,
            hasCVC: true
        )
        method["id"] = .string(card.id)
        method["_unknown"] = card["_unknown"]
        return method
    }

    /// Why a card is not charged; nobody is there to authenticate.
    private static func refusal(of card: TestCard) -> TestCard.Decline? {
        switch card.behaviour {
        case .declines(let reason), .declinesLater(let reason): reason
        case .blocked: .blocked
        case .authenticates(.onSession, _): nil
        case .authenticates: .unauthenticated
        default: nil
        }
    }

    /// Keeps a charge as a failed one; answers the error for the caller.
    private mutating func decline(_ charge: inout JSONObject, _ reason: TestCard.Decline) -> StripeError {
        Self.fail(&charge, reason)
        insert(.charge, charge)
        emit("charge.failed", charge)
        var details = Self.details(of: reason)
        details["charge"] = .string(charge.id)
        return StripeError.declined(reason, details: details)
    }

    // MARK: Authorisations

    /// An authorisation is held for a week.
    static let authorizationSeconds: Int64 = 7 * 24 * 3_600

    /// Captures a charge that has no intent.
    mutating func captureDirect(_ charge: JSONObject, _ call: Call) throws(StripeError) -> JSONObject {
        guard charge.status == "succeeded", charge.bool("refunded") != true else {
            throw StripeError.unexpectedState(
                "charge_expired_for_capture",
                "Charge \(charge.id) cannot be captured: its authorization has been released."
            )
        }
        let held = charge.int("amount") ?? 0
        let amount = call.int("amount") ?? held
        guard (1...held).contains(amount) else {
            throw StripeError.invalid(
                "amount",
                amount < 1
                    ? "This value must be greater than or equal to 1."
                    : "You cannot capture more than the amount of the charge (\(held)).",
                code: amount < 1 ? "parameter_invalid_integer" : "amount_too_large"
            )
        }
        update(.charge, charge.id) { charge in
            charge["captured"] = true
            charge["amount_captured"] = .int(amount)
        }
        settleCharge(charge.id, emits: false)
        if let captured = find(.charge, charge.id) { emit("charge.captured", captured) }
        if let card = charge.string("_card").flatMap(TestCard.numbered) { planDisputes(of: charge.id, card) }
        return find(.charge, charge.id) ?? charge
    }

    /// Gives back what was only authorised, without an intent.
    mutating func releaseDirect(_ id: String, emitting type: String) {
        guard let charge = find(.charge, id), !charge.has("payment_intent"), charge.status == "succeeded",
            charge.bool("captured") != true, charge.bool("refunded") != true
        else { return }
        change(.charge, id, emitting: type) { charge in
            charge["refunded"] = true
            charge["amount_refunded"] = charge["amount"]
        }
    }
}
