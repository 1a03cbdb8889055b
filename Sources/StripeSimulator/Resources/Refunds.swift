extension Ledger {
    static let refundRoutes: [Route] = [
        .post(
            "refunds",
            """
            amount:i charge:s currency:s customer:s instructions_email:s metadata:m? origin:customer_balance|
            payment_intent:s reason:duplicate|fraudulent|requested_by_customer refund_application_fee:b
            reverse_transfer:b
            """
        ) { ledger, call throws(StripeError) in try ledger.createRefund(call) },
        .list("refunds", "charge:s created:r payment_intent:s") { ledger, call throws(StripeError) in
            try ledger.page(.refund, call, filters: ["charge", "payment_intent"])
        },
        .get("refunds/:id") { ledger, call throws(StripeError) in try ledger.require(.refund, call.id) },
        .post("refunds/:id", "metadata:m?") { ledger, call throws(StripeError) in
            let refund = try ledger.require(.refund, call.id)
            return ledger.change(.refund, refund.id, emitting: "refund.updated") { refund in
                refund["metadata"] = .object(call.updatedMetadata(refund.object("metadata")))
            }
        },
        .post("refunds/:id/cancel") { ledger, call throws(StripeError) in
            let refund = try ledger.require(.refund, call.id)
            throw StripeError.unexpectedState(
                "charge_not_refundable",
                "Refund \(refund.id) cannot be canceled: only refunds with status `requires_action` can be canceled."
            )
        },
    ]

    mutating func createRefund(_ call: Call) throws(StripeError) -> JSONObject {
        let charge = try chargeToRefund(call)
        guard charge.bool("captured") == true, charge.status == "succeeded" else {
            if charge.status == "succeeded" { return try releaseAuthorization(charge, call) }
            throw StripeError.unexpectedState(
                "charge_not_refundable",
                "Charge \(charge.id) cannot be refunded: it was not captured."
            )
        }
        guard charge.bool("disputed") != true || charge.bool("_inquiry") == true else {
            throw StripeError.unexpectedState(
                "charge_disputed",
                "Charge \(charge.id) has been charged back; cannot issue a refund."
            )
        }
        let total = charge.int("amount_captured") ?? 0
        let left = total - (charge.int("amount_refunded") ?? 0)
        guard left > 0 else {
            throw StripeError.unexpectedState(
                "charge_already_refunded",
                "Charge \(charge.id) has already been refunded."
            )
        }
        let amount = call.int("amount") ?? left
        try checkRefund(amount, left: left, charge: charge)
        return refund(charge, amount: amount, reason: call.string("reason"), metadata: call.updatedMetadata(nil))
    }

    private func chargeToRefund(_ call: Call) throws(StripeError) -> JSONObject {
        if let id = call.string("charge") {
            let charge = try require(.charge, id, param: "charge")
            if let intent = call.string("payment_intent"), charge.string("payment_intent") != intent {
                throw StripeError.invalid(
                    "payment_intent",
                    "The charge \(id) does not belong to the payment intent \(intent)."
                )
            }
            return charge
        }
        guard let id = call.string("payment_intent") else {
            throw StripeError(
                code: "parameter_missing",
                "One of the following params should be provided for this request: payment_intent or charge."
            )
        }
        let intent = try require(.paymentIntent, id, param: "payment_intent")
        guard let charge = intent.string("latest_charge").flatMap({ find(.charge, $0) }), charge.status == "succeeded"
        else {
            throw StripeError.unexpectedState(
                "payment_intent_unexpected_state",
                "This PaymentIntent (\(id)) does not have a successful charge to refund."
            )
        }
        return charge
    }

    private func checkRefund(_ amount: Int64, left: Int64, charge: JSONObject) throws(StripeError) {
        let currency = charge.string("currency") ?? "usd"
        guard amount >= 1 else {
            throw StripeError.invalid(
                "amount",
                "This value must be greater than or equal to 1.",
                code: "parameter_invalid_integer"
            )
        }
        let total = charge.int("amount_captured") ?? 0
        guard amount <= total else {
            throw StripeError(
                param: "amount",
                "Refund amount (\(Currency.formatted(amount, currency))) is greater than charge amount "
                    + "(\(Currency.formatted(total, currency)))",
                executed: true
            )
        }
        guard amount <= left else {
            throw StripeError(
                param: "amount",
                "Refund amount (\(Currency.formatted(amount, currency))) is greater than unrefunded amount on charge "
                    + "(\(Currency.formatted(left, currency)))",
                executed: true
            )
        }
    }

    /// Refunding what was only authorised releases it; an intent is cancelled.
    private mutating func releaseAuthorization(
        _ charge: JSONObject,
        _ call: Call
    ) throws(StripeError) -> JSONObject {
        guard charge.bool("refunded") != true else {
            throw StripeError.unexpectedState(
                "charge_already_refunded",
                "Charge \(charge.id) has already been refunded."
            )
        }
        let refund = newRefund(charge, amount: charge.int("amount") ?? 0, reason: call.string("reason"))
        insert(.refund, refund)
        emit("refund.created", refund)
        if let intent = charge.string("payment_intent") {
            cancel(intent, reason: nil)
        } else {
            releaseDirect(charge.id, emitting: "charge.refunded")
        }
        return refund
    }

    /// Gives money back.
    mutating func refund(_ charge: JSONObject, amount: Int64, reason: String?, metadata: JSONObject) -> JSONObject {
        let behaviour = charge.string("_card").flatMap(TestCard.numbered)?.behaviour
        var refund = newRefund(charge, amount: amount, reason: reason)
        refund["metadata"] = .object(metadata)
        let transaction = book(
            type: "refund",
            amount: -amount,
            currency: charge.string("currency") ?? "usd",
            fee: 0,
            source: refund.id,
            description: "REFUND FOR CHARGE",
            isAvailable: false
        )
        refund["balance_transaction"] = .string(transaction)
        if behaviour == .refundPending {
            refund["status"] = "pending"
            refund["pending_reason"] = "processing"
        }
        insert(.refund, refund)
        emit("refund.created", refund)
        change(.charge, charge.id, emitting: "charge.refunded") { charge in
            let sum = (charge.int("amount_refunded") ?? 0) + amount
            charge["amount_refunded"] = .int(sum)
            charge["refunded"] = .bool(sum >= charge.int("amount_captured") ?? 0)
        }
        switch behaviour {
        case .refundPending: scheduleOnPlatform(.completeRefund, refund.id, afterSeconds: 10)
        case .refundFails: scheduleOnPlatform(.failRefund, refund.id, afterSeconds: 10)
        default: scheduleOnPlatform(.completeRefund, refund.id, afterSeconds: 1)
        }
        return refund
    }

    private mutating func newRefund(_ charge: JSONObject, amount: Int64, reason: String?) -> JSONObject {
        let intent = charge.string("payment_intent")
        return [
            "id": .string(newID(.refund, beside: intent ?? charge.id)), "object": "refund", "amount": .int(amount),
            "balance_transaction": nil, "charge": .string(charge.id), "created": .int(now.seconds),
            "currency": charge["currency"] ?? .null, "customer": charge["customer"] ?? .null, "customer_account": nil,
            "destination_details": [
                "card": [
                    "reference_status": "pending", "reference_type": "acquirer_reference_number", "type": "refund",
                ], "type": "card",
            ], "metadata": [:], "payment_intent": .string(orNull: intent),
            "payment_method": charge["payment_method"] ?? .null, "reason": .string(orNull: reason),
            "receipt_number": nil, "source_transfer_reversal": nil, "status": "succeeded", "transfer_reversal": nil,
        ]
    }

    /// The bank has taken the refund: it gets its reference, and succeeds if it was pending.
    mutating func completeRefund(_ id: String) {
        guard let refund = find(.refund, id), ["pending", "succeeded"].contains(refund.status) else { return }
        let reference = generator.digits(15)
        let before = refund
        update(.refund, id) { refund in
            refund["status"] = "succeeded"
            refund["pending_reason"] = nil
            refund.update("destination_details") { details in
                details.update("card") { card in
                    card["reference"] = .string(reference)
                    card["reference_status"] = "available"
                }
            }
        }
        guard let after = find(.refund, id) else { return }
        emit("refund.updated", after, before: before)
        emit("charge.refund.updated", after, before: before)
    }

    /// The bank has sent the refund back: the money returns to the balance.
    mutating func failRefund(_ id: String) {
        guard let refund = find(.refund, id), refund.status == "succeeded", let amount = refund.int("amount") else {
            return
        }
        let transaction = book(
            type: "refund_failure",
            amount: amount,
            currency: refund.string("currency") ?? "usd",
            fee: 0,
            source: id,
            description: "REFUND FAILURE"
        )
        update(.refund, id) { refund in
            refund["status"] = "failed"
            refund["failure_reason"] = "unknown"
            refund["failure_balance_transaction"] = .string(transaction)
        }
        if let charge = refund.string("charge") {
            update(.charge, charge) { charge in
                charge["amount_refunded"] = .int(max(0, (charge.int("amount_refunded") ?? 0) - amount))
                charge["refunded"] = false
            }
        }
        guard let after = find(.refund, id) else { return }
        emit("refund.updated", after, before: refund)
        emit("refund.failed", after)
        emit("charge.refund.updated", after, before: refund)
    }
}
