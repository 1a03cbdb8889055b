extension Ledger {
    static let payoutRoutes: [Route] = [
        .post(
            "payouts",
            """
            amount:i! currency:s! description:s destination:s metadata:m method:instant|standard payout_method:s
            source_type:bank_account|card|fpx statement_descriptor:s
            """
        ) { ledger, call throws(StripeError) in try ledger.createPayout(call) },
        .list("payouts", "arrival_date:r created:r destination:s status:s") { ledger, call throws(StripeError) in
            try ledger.page(.payout, call, filters: ["destination", "status"])
        },
        .get("payouts/:id") { ledger, call throws(StripeError) in try ledger.require(.payout, call.id) },
        .post("payouts/:id", "metadata:m?") { ledger, call throws(StripeError) in
            let payout = try ledger.require(.payout, call.id)
            return ledger.change(.payout, payout.id, emitting: "payout.updated") { payout in
                payout["metadata"] = .object(call.updatedMetadata(payout.object("metadata")))
            }
        },
        .post("payouts/:id/cancel") { ledger, call throws(StripeError) in
            let payout = try ledger.require(.payout, call.id)
            guard payout.status == "pending" else {
                throw StripeError("Payouts that are not pending cannot be canceled.", executed: true)
            }
            let transaction = ledger.book(
                type: "payout_cancel",
                amount: payout.int("amount") ?? 0,
                currency: payout.string("currency") ?? "usd",
                fee: 0,
                source: payout.id,
                description: "STRIPE PAYOUT",
                isAvailable: true
            )
            return ledger.change(.payout, payout.id, emitting: "payout.canceled") { payout in
                payout["status"] = "canceled"
                payout["failure_balance_transaction"] = .string(transaction)
            }
        },
    ]

    private mutating func createPayout(_ call: Call) throws(StripeError) -> JSONObject {
        let currency = try Currency.check(call.string("currency") ?? "")
        let amount = call.int("amount") ?? 0
        guard amount >= 1, amount <= Currency.maximum(currency) else {
            throw StripeError.invalid("amount", "Invalid positive integer", code: "parameter_invalid_integer")
        }
        var available: Int64 = 0
        for transaction in all(.balanceTransaction) where transaction.string("currency") == currency {
            let isAvailable = (transaction.int("available_on") ?? 0) <= now.seconds
            let net = transaction.int("net") ?? 0
            if isAvailable || net < 0 { available += net }
        }
        guard amount <= available else {
            throw StripeError(
                code: "balance_insufficient",
                "You have insufficient funds in your Stripe account for this transfer. Your card balance is too low. "
                    + "You can use the /v1/balance endpoint to view your Stripe balance.",
                executed: true
            )
        }
        let id = newID(.payout)
        let transaction = book(
            type: "payout",
            amount: -amount,
            currency: currency,
            fee: 0,
            source: id,
            description: "STRIPE PAYOUT",
            isAvailable: true
        )
        let arrival = (now.seconds / 86_400 + 2) * 86_400
        let payout: JSONObject = [
            "id": .string(id), "object": "payout", "amount": .int(amount), "application_fee": nil,
            "application_fee_amount": nil, "arrival_date": .int(arrival), "automatic": false,
            "balance_transaction": .string(transaction), "created": .int(now.seconds),
            "currency": .string(currency), "description": call.value("description"),
            "destination": .string("ba_1" + accountID.suffix(15)), "failure_balance_transaction": nil,
            "failure_code": nil, "failure_message": nil, "livemode": .bool(livemode),
            "metadata": .object(call.updatedMetadata(nil)), "method": .string(call.string("method") ?? "standard"),
            "original_payout": nil, "payout_method": nil, "reconciliation_status": "not_applicable",
            "reversed_by": nil, "source_type": "card", "statement_descriptor": call.value("statement_descriptor"),
            "status": "pending", "trace_id": nil, "type": "bank_account",
        ]
        insert(.payout, payout)
        emit("payout.created", payout)
        scheduleOnPlatform(.payPayout, id, afterSeconds: arrival - now.seconds)
        return payout
    }

    mutating func payPayout(_ id: String) {
        guard find(.payout, id)?.status == "pending" else { return }
        change(.payout, id, emitting: "payout.paid") { $0["status"] = "paid" }
    }
}
