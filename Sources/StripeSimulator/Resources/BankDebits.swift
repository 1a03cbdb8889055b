/// Debits of a bank account: the intent is processing, and its charge pending, until the bank has answered.
extension Ledger {
    mutating func beginDebit(_ intent: JSONObject, _ method: JSONObject) -> JSONObject {
        let account = TestBankAccount(iban: method.string("_iban") ?? "")
        var charge = newCharge(for: intent, method: method, card: account.card)
        charge["status"] = "pending"
        charge["paid"] = false
        charge["captured"] = true
        charge["amount_captured"] = intent["amount"] ?? 0
        charge["receipt_url"] = .null
        insert(.charge, charge)
        emit("charge.pending", charge)
        scheduleOnPlatform(.completeDebit, intent.id, afterSeconds: account.seconds)
        return change(.paymentIntent, intent.id, emitting: "payment_intent.processing") { intent in
            intent["status"] = "processing"
            intent["next_action"] = .null
            intent["latest_charge"] = .string(charge.id)
        }
    }

    /// The bank has answered.
    mutating func completeDebit(_ id: String) {
        guard let intent = find(.paymentIntent, id), intent.status == "processing",
            let method = find(.paymentMethod, intent.string("payment_method") ?? ""),
            let charge = intent.string("latest_charge")
        else { return }
        let account = TestBankAccount(iban: method.string("_iban") ?? "")
        guard account.outcome != .refuses else {
            failPendingCharge(charge, TestBankAccount.refusal)
            // The caller learns it from the intent and the event; there is no request to answer.
            _ = refuse(intent, method, TestBankAccount.refusal, charge: charge)
            return
        }
        update(.charge, charge) { [baseURL] charge in
            charge["status"] = "succeeded"
            charge["paid"] = true
            charge["receipt_url"] = .string("\(baseURL)/receipts/payment/\(charge.id)")
        }
        _ = settle(intent, method, charge: charge, account.card)
    }

    /// Of a debit that was refused, or whose intent was cancelled meanwhile.
    mutating func failPendingCharge(_ id: String, _ reason: TestCard.Decline) {
        guard find(.charge, id)?.status == "pending" else { return }
        update(.charge, id) { charge in
            Self.fail(&charge, reason)
            charge["captured"] = false
            charge["amount_captured"] = 0
        }
        if let failed = find(.charge, id) { emit("charge.failed", failed) }
    }
}
