// What a customer has beside cards: the balance and its transactions, tax ids, the cash balance.
extension Ledger {
    static let customerBalanceRoutes: [Route] = [
        .post("customers/:id/balance_transactions", "amount:i! currency:s! description:s metadata:m?") {
            ledger,
            call throws(StripeError) in
            let customer = try ledger.liveCustomer(call.id)
            let currency = try Currency.check(call.string("currency") ?? "")
            if let own = customer.string("currency"), own != currency {
                throw StripeError.invalid("currency", "The customer's currency is `\(own)`, not `\(currency)`.")
            }
            let transaction = ledger.changeBalance(
                of: customer.id,
                by: call.int("amount") ?? 0,
                currency,
                type: "adjustment"
            )
            ledger.update(.customerBalanceTransaction, transaction) { transaction in
                call.copy(["description"], to: &transaction)
                transaction["metadata"] = .object(call.updatedMetadata(nil))
            }
            return try ledger.require(.customerBalanceTransaction, transaction)
        },
        .list("customers/:id/balance_transactions", "created:r invoice:s") { ledger, call throws(StripeError) in
            _ = try ledger.liveCustomer(call.id)
            return try ledger.page(.customerBalanceTransaction, call, filters: ["invoice"]) {
                $0.string("customer") == call.id
            }
        },
        .get("customers/:id/balance_transactions/:transaction") { ledger, call throws(StripeError) in
            try ledger.own(.customerBalanceTransaction, call)
        },
        .post("customers/:id/balance_transactions/:transaction", "description:s metadata:m?") {
            ledger,
            call throws(StripeError) in
            let transaction = try ledger.own(.customerBalanceTransaction, call)
            return ledger.change(.customerBalanceTransaction, transaction.id, emitting: nil) { transaction in
                call.copy(["description"], to: &transaction)
                transaction["metadata"] = .object(call.updatedMetadata(transaction.object("metadata")))
            }
        },
        .post("customers/:id/tax_ids", "type:s! value:s!") { ledger, call throws(StripeError) in
            try ledger.createTaxID(call)
        },
        .list("customers/:id/tax_ids", "") { ledger, call throws(StripeError) in
            _ = try ledger.liveCustomer(call.id)
            return try ledger.page(.taxID, call) { $0.string("customer") == call.id }
        },
        .get("customers/:id/tax_ids/:tax") { ledger, call throws(StripeError) in try ledger.own(.taxID, call) },
        .delete("customers/:id/tax_ids/:tax") { ledger, call throws(StripeError) in
            let tax = try ledger.own(.taxID, call)
            ledger.objects[.taxID]?[tax.id] = nil
            ledger.emit("customer.tax_id.deleted", tax)
            return ["id": .string(tax.id), "object": "tax_id", "deleted": true]
        },
        .get("customers/:id/cash_balance") { ledger, call throws(StripeError) in
            try ledger.cashBalance(of: call.id)
        },
        // The simulator makes no object of these kinds.
        .get("mandates/:id") { _, call throws(StripeError) in throw StripeError.missingObject("mandate", call.id) },
        .get("confirmation_tokens/:id") { _, call throws(StripeError) in
            throw StripeError.missingObject("confirmation_token", call.id)
        },
    ]

    /// The object that the second id of a path names, of the customer that the first one names.
    private func own(_ kind: ObjectKind, _ call: Call) throws(StripeError) -> JSONObject {
        _ = try liveCustomer(call.id)
        let object = try require(kind, call.ids[1])
        guard object.string("customer") == call.id else {
            throw StripeError.missingObject(kind.missing.name, call.ids[1])
        }
        return object
    }

    /// Changes a customer's balance.
    ///
    /// Answers the id of the transaction that keeps it.
    @discardableResult
    mutating func changeBalance(
        of customer: String,
        by amount: Int64,
        _ currency: String,
        type: String,
        invoice: String? = nil,
        creditNote: String? = nil
    ) -> String {
        let ending = (find(.customer, customer)?.int("balance") ?? 0) + amount
        update(.customer, customer) { customer in
            customer["balance"] = .int(ending)
            if !customer.has("currency") { customer["currency"] = .string(currency) }
        }
        let transaction: JSONObject = [
            "id": .string(newID(.customerBalanceTransaction)), "object": "customer_balance_transaction",
            "amount": .int(amount), "checkout_session": nil, "created": .int(now.seconds),
            "credit_note": .string(orNull: creditNote), "currency": .string(currency), "customer": .string(customer),
            "customer_account": nil, "description": nil, "ending_balance": .int(ending),
            "invoice": .string(orNull: invoice), "livemode": .bool(livemode), "metadata": [:], "type": .string(type),
        ]
        insert(.customerBalanceTransaction, transaction)
        return transaction.id
    }

    private mutating func createTaxID(_ call: Call) throws(StripeError) -> JSONObject {
        let customer = try liveCustomer(call.id)
        let type = call.string("type") ?? ""
        guard type.count <= 20, type.contains("_"), type.utf8.allSatisfy({ $0 == 0x5F || (0x61...0x7A).contains($0) })
        else { throw StripeError.invalid("type", "Invalid type: \(type.prefix(40))", code: "tax_id_invalid") }
        let country = type.hasPrefix("eu_") ? call.string("value")?.prefix(2).uppercased() : type.prefix(2).uppercased()
        let tax: JSONObject = [
            "id": .string(newID(.taxID)), "object": "tax_id", "country": .string(orNull: country),
            "created": .int(now.seconds), "customer": .string(customer.id), "customer_account": nil,
            "livemode": .bool(livemode), "owner": ["customer": .string(customer.id), "type": "customer"],
            "type": .string(type), "value": call.value("value"),
            "verification": ["status": "pending", "verified_address": nil, "verified_name": nil],
        ]
        insert(.taxID, tax)
        emit("customer.tax_id.created", tax)
        return tax
    }
}
