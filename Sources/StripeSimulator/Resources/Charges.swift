extension Ledger {
    static let chargeRoutes: [Route] = [
        .list("charges", "created:r customer:s payment_intent:s transfer_group:s") { ledger, call throws(StripeError) in
            try ledger.page(.charge, call, filters: ["customer", "payment_intent", "transfer_group"])
        },
        .get("charges/search", "query:s! page:s limit:i") { ledger, call throws(StripeError) in
            try ledger.search(.charge, call)
        },
        .get("charges/:id") { ledger, call throws(StripeError) in try ledger.require(.charge, call.id) },
        .post(
            "charges/:id",
            """
            customer:s description:s fraud_details{user_report:fraudulent|safe!?} metadata:m? receipt_email:s
            shipping:* transfer_group:s
            """
        ) { ledger, call throws(StripeError) in
            let charge = try ledger.require(.charge, call.id)
            return ledger.change(.charge, charge.id, emitting: "charge.updated") { charge in
                call.copy(["description", "receipt_email", "transfer_group", "customer"], to: &charge)
                if let details = call.object("fraud_details") { charge["fraud_details"] = .object(details) }
                charge["metadata"] = .object(call.updatedMetadata(charge.object("metadata")))
            }
        },
        .post(
            "charges/:id/capture",
            """
            amount:i application_fee:i application_fee_amount:i receipt_email:s statement_descriptor:s
            statement_descriptor_suffix:s transfer_data:* transfer_group:s
            """
        ) { ledger, call throws(StripeError) in try ledger.captureCharge(call) },
        .list("charges/:id/refunds", "") { ledger, call throws(StripeError) in
            _ = try ledger.require(.charge, call.id)
            return try ledger.page(.refund, call) { $0.string("charge") == call.id }
        },
    ]

    /// A charge for an intent, as a successful one; nothing captured yet.
    mutating func newCharge(for intent: JSONObject, method: JSONObject, card: TestCard) -> JSONObject {
        let id = newID(.charge, beside: intent.id)
        let amount = intent.int("amount") ?? 0
        let billing = method["billing_details"] ?? .object(Self.emptyBilling)
        var charge: JSONObject = [
            "id": .string(id), "object": "charge", "amount": .int(amount), "amount_captured": 0, "amount_refunded": 0,
            "application": nil, "application_fee": nil,
            "application_fee_amount": intent["application_fee_amount"] ?? .null,
            "balance_transaction": nil, "billing_details": billing,
            "calculated_statement_descriptor": .string(descriptor(of: intent)), "captured": false,
            "created": .int(now.seconds), "currency": intent["currency"] ?? .null,
            "customer": intent["customer"] ?? .null, "description": intent["description"] ?? .null,
            "destination": nil, "dispute": nil, "disputed": false, "failure_balance_transaction": nil,
            "failure_code": nil, "failure_message": nil, "fraud_details": [:], "livemode": .bool(livemode),
            "metadata": intent["metadata"] ?? [:], "on_behalf_of": intent["on_behalf_of"] ?? .null, "order": nil,
        ]
        charge.merge([
            "outcome": .object(outcome(card)), "paid": true, "payment_intent": .string(intent.id),
            "payment_method": .string(method.id),
            "payment_method_details": .object(paymentMethodDetails(method, amount: amount, card: card, intent: intent)),
            "radar_options": [:], "receipt_email": intent["receipt_email"] ?? .null, "receipt_number": nil,
            "receipt_url": .string("\(baseURL)/receipts/payment/\(id)"), "refunded": false, "review": nil,
            "shipping": intent["shipping"] ?? .null, "source": nil, "source_transfer": nil,
            "statement_descriptor": nil,
            "statement_descriptor_suffix": intent["statement_descriptor_suffix"] ?? .null, "status": "succeeded",
            "transfer_data": nil, "transfer_group": intent["transfer_group"] ?? .null, "_card": .string(card.number),
        ])
        return charge
    }

    static let descriptorPrefix = "RUNNEL* "
    /// A statement has no more room.
    static let longestDescriptor = 22

    private func descriptor(of intent: JSONObject) -> String {
        guard let suffix = intent.string("statement_descriptor_suffix") else { return "RUNNEL SIMULATOR" }
        return (Self.descriptorPrefix + suffix).uppercased()
    }

    private mutating func outcome(_ card: TestCard) -> JSONObject {
        let score: Int64
        switch card.risk {
        case "highest": score = 76 + Int64(generator.next() % 24)
        case "elevated": score = 65 + Int64(generator.next() % 10)
        default: score = Int64(generator.next() % 64)
        }
        return [
            "advice_code": nil, "network_advice_code": nil, "network_decline_code": nil,
            "network_status": "approved_by_network", "reason": card.risk == "elevated" ? "elevated_risk_level" : nil,
            "risk_level": .string(card.risk), "risk_score": .int(score), "seller_message": "Payment complete.",
            "type": "authorized",
        ]
    }

    private mutating func paymentMethodDetails(
        _ method: JSONObject,
        amount: Int64,
        card: TestCard,
        intent: JSONObject
    ) -> JSONObject {
        guard method.string("type") == "card" else { return detailsOfOtherMethod(method) }
        let own = method.object("card") ?? JSONObject()
        let secure: JSONValue =
            intent.bool("_authenticated") == true
            ? [
                "authentication_flow": "challenge", "electronic_commerce_indicator": "05", "exemption_indicator": nil,
                "result": "authenticated", "result_reason": nil, "transaction_id": .string(generator.characters(36)),
                "version": "2.2.0",
            ] : .null
        return [
            "card": [
                "amount_authorized": .int(amount), "authorization_code": .string(generator.digits(6)),
                "brand": own["brand"] ?? .null, "checks": own["checks"] ?? .null, "country": own["country"] ?? .null,
                "exp_month": own["exp_month"] ?? .null, "exp_year": own["exp_year"] ?? .null,
                "extended_authorization": ["status": "disabled"], "fingerprint": own["fingerprint"] ?? .null,
                "funding": own["funding"] ?? .null,
                "incremental_authorization": ["status": Self.canBeIncremented(intent) ? "available" : "unavailable"],
                "installments": nil, "last4": own["last4"] ?? .null, "mandate": nil,
                "multicapture": ["status": "unavailable"], "network": own["brand"] ?? .null,
                "network_token": ["used": false], "network_transaction_id": .string(generator.digits(15)),
                "overcapture": ["maximum_amount_capturable": .int(amount), "status": "unavailable"],
                "regulated_status": "unregulated", "three_d_secure": secure, "transaction_link_id": nil,
                "wallet": nil,
            ], "type": "card",
        ]
    }

    private func detailsOfOtherMethod(_ method: JSONObject) -> JSONObject {
        let type = method.string("type") ?? ""
        var own = method.object(type) ?? JSONObject()
        if type == "sepa_debit" {
            own["generated_from"] = nil
            own.merge(["expected_debit_date": nil, "mandate": nil])
        }
        var details: JSONObject = ["type": .string(type)]
        details[type] = .object(own)
        return details
    }

    /// Turns a charge into the failed one it became.
    static func fail(_ charge: inout JSONObject, _ reason: TestCard.Decline) {
        let blocked = reason == .blocked
        charge["status"] = "failed"
        charge["paid"] = false
        charge["receipt_url"] = .null
        charge["failure_code"] = .string(reason.code)
        charge["failure_message"] = .string(reason.message)
        charge.update("payment_method_details") { details in
            guard details.has("card") else { return }
            details.update("card") { card in
                card["amount_authorized"] = .null
                card["authorization_code"] = .null
                card["network_transaction_id"] = .null
                card["overcapture"] = nil
                card["multicapture"] = nil
                card["incremental_authorization"] = nil
                card["extended_authorization"] = nil
            }
        }
        charge.update("outcome") { outcome in
            outcome["advice_code"] = .string(orNull: reason.advice)
            outcome["network_advice_code"] = .string(orNull: reason.networkAdvice)
            outcome["network_decline_code"] = .string(orNull: reason.networkDecline)
            outcome["network_status"] = blocked ? "not_sent_to_network" : "declined_by_network"
            outcome["reason"] = blocked ? "highest_risk_level" : .string(orNull: reason.declineCode ?? reason.code)
            outcome["seller_message"] = .string(
                blocked
                    ? "Stripe blocked this payment as too risky."
                    : "The bank did not return any further details with this decline."
            )
            outcome["type"] = blocked ? "blocked" : "issuer_declined"
        }
    }

    // MARK: Settling

    /// Books a captured charge on the balance.
    ///
    /// `emits` says whether the charge is already known to the outside, so that the booking is an update of it.
    mutating func settleCharge(_ id: String, emits: Bool) {
        guard let charge = find(.charge, id), charge.bool("captured") == true, !charge.has("balance_transaction") else {
            return
        }
        let amount = charge.int("amount_captured") ?? 0
        let isAvailable = charge.string("_card").flatMap(TestCard.numbered)?.behaviour == .available
        let transaction = book(
            type: "charge",
            amount: amount,
            currency: charge.string("currency") ?? "usd",
            fee: Self.fee(on: amount),
            source: id,
            description: charge["description"] ?? .null,
            isAvailable: isAvailable
        )
        if isAvailable { scheduleOnPlatform(.announceBalance, id, afterSeconds: 1) }
        change(.charge, id, emitting: emits ? "charge.updated" : nil) { charge in
            charge["balance_transaction"] = .string(transaction)
            charge["receipt_url"] = charge["receipt_url"] ?? .null
        }
    }

    /// 2.9 % and 30: what the recorded account paid (1000 → 59).
    static func fee(on amount: Int64) -> Int64 { min(amount, (amount * 29 + 500) / 1_000 + 30) }

    func refundList(ofCharge id: String) -> JSONObject {
        let refunds = objects[.refund]?.newestFirst.filter { $0.string("charge") == id } ?? []
        var list = Self.list(
            refunds.prefix(10).map(JSONValue.object),
            hasMore: refunds.count > 10,
            url: "/v1/charges/\(id)/refunds"
        )
        list["total_count"] = .int(Int64(refunds.count))
        return list
    }
}
