// Operations on things that the simulator has none of: what Stripe answers where there is none.
extension Ledger {
    static let rareRoutes: [Route] = [
        .post("customers/:id/cash_balance", "settings{reconciliation_mode:automatic|manual|merchant_default}") {
            ledger,
            call throws(StripeError) in
            let customer = try ledger.liveCustomer(call.id)
            if let mode = call.object("settings")?.string("reconciliation_mode") {
                ledger.update(.customer, customer.id) { $0["_reconciliation"] = .string(mode) }
            }
            return try ledger.cashBalance(of: call.id)
        },
        .list("customers/:id/cash_balance_transactions", "") { ledger, call throws(StripeError) in
            _ = try ledger.liveCustomer(call.id)
            return try page([], of: "customer_cash_balance_transaction", call)
        },
        .get("customers/:id/cash_balance_transactions/:transaction") { ledger, call throws(StripeError) in
            _ = try ledger.liveCustomer(call.id)
            throw StripeError.missingObject("customer_cash_balance_transaction", call.ids[1])
        },
        .post("customers/:id/sources/:source/verify", "amounts:a") { ledger, call throws(StripeError) in
            let card = try ledger.source(call.ids[1], of: call.id)
            throw StripeError("Only bank accounts can be verified; \(card.id) is a card.", executed: true)
        },
        .list("payment_intents/:id/amount_details_line_items", "") { ledger, call throws(StripeError) in
            _ = try ledger.require(.paymentIntent, call.id)
            return try page([], of: "line item", call)
        },
        .post("payment_intents/:id/apply_customer_balance", "amount:i currency:s") { ledger, call throws(StripeError) in
            throw try ledger.unexpected(
                .paymentIntent,
                call.id,
                "You cannot apply a customer's cash balance to this PaymentIntent: the customer has none."
            )
        },
        .post("payment_intents/:id/verify_microdeposits", "amounts:a descriptor_code:s", .browser) {
            ledger,
            call throws(StripeError) in throw try ledger.unexpected(.paymentIntent, call.id, notAwaiting)
        },
        .post("setup_intents/:id/verify_microdeposits", "amounts:a descriptor_code:s", .browser) {
            ledger,
            call throws(StripeError) in throw try ledger.unexpected(.setupIntent, call.id, notAwaiting)
        },
        .list("products/:id/features", "") { ledger, call throws(StripeError) in
            _ = try ledger.require(.product, call.id)
            return try page([], of: "product_feature", call)
        },
        .post("products/:id/features", "entitlement_feature:s!") { ledger, call throws(StripeError) in
            _ = try ledger.require(.product, call.id)
            let feature = call.string("entitlement_feature") ?? ""
            throw StripeError.missingObject("entitlements.feature", feature, param: "entitlement_feature")
        },
        .get("products/:id/features/:feature") { ledger, call throws(StripeError) in
            _ = try ledger.require(.product, call.id)
            throw StripeError.missingObject("product_feature", call.ids[1])
        },
        .delete("products/:id/features/:feature") { ledger, call throws(StripeError) in
            _ = try ledger.require(.product, call.id)
            throw StripeError.missingObject("product_feature", call.ids[1])
        },
        // Every subscription of the simulator has this mode already.
        .post(
            "subscriptions/:id/migrate",
            "billing_mode{flexible{proration_discounts:included|itemized} type:flexible|!}!"
        ) { ledger, call throws(StripeError) in
            if call.object("billing_mode")?.value(at: "flexible", "proration_discounts") == "itemized" {
                throw notModelled("billing_mode[flexible][proration_discounts]", "itemized discounts of prorations")
            }
            return try ledger.require(.subscription, call.id)
        },
        .post("payouts/:id/reverse", "metadata:m") { ledger, call throws(StripeError) in
            try ledger.reversePayout(call)
        },
    ]

    private static let notAwaiting = "It is not waiting for its microdeposits to be verified."

    private func unexpected(_ kind: ObjectKind, _ id: String, _ message: String) throws(StripeError) -> StripeError {
        let intent = try require(kind, id)
        return StripeError.unexpectedState(
            "\(kind.rawValue)_unexpected_state",
            "\(message) Its status is \(intent.status).",
            details: [kind.rawValue: .object(visible(intent))]
        )
    }

    /// A customer's money that came by bank: there is none, but it has its settings.
    func cashBalance(of id: String) throws(StripeError) -> JSONObject {
        let customer = try liveCustomer(id)
        let mode = customer.string("_reconciliation") ?? "merchant_default"
        let isDefault = mode == "merchant_default"
        return [
            "object": "cash_balance", "available": nil, "customer": .string(customer.id), "customer_account": nil,
            "livemode": .bool(livemode),
            "settings": [
                "reconciliation_mode": isDefault ? "automatic" : .string(mode),
                "using_merchant_default": .bool(isDefault),
            ],
        ]
    }

    /// Takes a payout back from the bank: another one, of as much less than nothing.
    private mutating func reversePayout(_ call: Call) throws(StripeError) -> JSONObject {
        let payout = try require(.payout, call.id)
        guard payout.status == "paid", !payout.has("reversed_by"), !payout.has("original_payout") else {
            throw StripeError(
                "Payout \(payout.id) cannot be reversed: its status is \(payout.status), or it was reversed already.",
                executed: true
            )
        }
        let amount = payout.int("amount") ?? 0
        let id = newID(.payout)
        let transaction = book(
            type: "payout",
            amount: amount,
            currency: payout.string("currency") ?? "usd",
            fee: 0,
            source: id,
            description: "STRIPE PAYOUT REVERSAL"
        )
        let reversal = payout.merging([
            "id": .string(id), "amount": .int(-amount), "balance_transaction": .string(transaction),
            "created": .int(now.seconds), "metadata": .object(call.updatedMetadata(nil)),
            "original_payout": .string(payout.id), "status": "pending",
        ])
        insert(.payout, reversal)
        emit("payout.created", reversal)
        change(.payout, payout.id, emitting: "payout.updated") { $0["reversed_by"] = .string(id) }
        scheduleOnPlatform(.payPayout, id, afterSeconds: 1)
        return reversal
    }
}
