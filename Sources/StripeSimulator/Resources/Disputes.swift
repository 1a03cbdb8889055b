extension Ledger {
    static let disputeRoutes: [Route] = [
        .list("disputes", "charge:s created:r payment_intent:s") { ledger, call throws(StripeError) in
            try ledger.page(.dispute, call, filters: ["charge", "payment_intent"])
        },
        .get("disputes/:id") { ledger, call throws(StripeError) in try ledger.require(.dispute, call.id) },
        .post("disputes/:id", "evidence:* metadata:m? submit:b") { ledger, call throws(StripeError) in
            try ledger.answerDispute(call)
        },
        .post("disputes/:id/close") { ledger, call throws(StripeError) in
            let dispute = try ledger.require(.dispute, call.id)
            guard ["needs_response", "warning_needs_response"].contains(dispute.status) else {
                throw StripeError.unexpectedState("invalid_request", "This dispute is already closed")
            }
            ledger.end(dispute.id, as: dispute.status == "needs_response" ? "lost" : "warning_closed")
            return try ledger.require(.dispute, call.id)
        },
    ]

    /// Cards of the test list bring disputes right after the charge: before the next request is answered.
    mutating func planDisputes(of charge: String, _ card: TestCard) {
        guard case .disputed(_, _, let count) = card.behaviour else { return }
        for _ in 0..<count { scheduleOnPlatform(.openDispute, charge, afterSeconds: 0) }
    }

    mutating func openDispute(ofCharge id: String) {
        guard let charge = find(.charge, id), let number = charge.string("_card"),
            let card = TestCard.numbered(number), case .disputed(let reason, let isInquiry, _) = card.behaviour
        else { return }
        settleCharge(id, emits: true)
        let amount = charge.int("amount") ?? 0
        let disputeID = newID(.dispute)
        let currency = charge.string("currency") ?? "usd"
        var transactions: [JSONValue] = []
        if !isInquiry {
            let transaction = book(
                type: "adjustment",
                amount: -amount,
                currency: currency,
                fee: 1_500,
                source: disputeID,
                description: .string("Chargeback withdrawal for \(id)"),
                isAvailable: true
            )
            transactions = find(.balanceTransaction, transaction).map { [.object($0)] } ?? []
        }
        let due = now.seconds / 86_400 * 86_400 + 9 * 86_400 - 1
        let dispute: JSONObject = [
            "id": .string(disputeID), "object": "dispute", "amount": .int(amount),
            "balance_transactions": .array(transactions), "charge": .string(id), "created": .int(now.seconds),
            "currency": .string(currency), "enhanced_eligibility_types": [],
            "evidence": .object(Self.emptyEvidence(charge)),
            "evidence_details": [
                "due_by": .int(due), "enhanced_eligibility": [:], "has_evidence": false, "past_due": false,
                "submission_count": 0,
            ], "is_charge_refundable": .bool(isInquiry), "livemode": .bool(livemode), "metadata": [:],
            "payment_intent": charge["payment_intent"] ?? .null,
            "payment_method_details": [
                "card": [
                    "brand": .string(card.brand), "case_type": isInquiry ? "inquiry" : "chargeback",
                    "network": .string(card.brand),
                    "network_reason_code": isInquiry ? "33" : "10.4",
                ], "type": "card",
            ], "reason": .string(reason),
            "status": isInquiry ? "warning_needs_response" : "needs_response",
        ]
        insert(.dispute, dispute)
        update(.charge, id) { charge in
            charge["disputed"] = true
            charge["dispute"] = .string(disputeID)
            charge["_inquiry"] = .bool(isInquiry)
        }
        emit("charge.dispute.created", dispute)
        if !isInquiry { emit("charge.dispute.funds_withdrawn", dispute) }
    }

    private static func emptyEvidence(_ charge: JSONObject) -> JSONObject {
        var evidence = JSONObject()
        let names = """
            access_activity_log billing_address cancellation_policy cancellation_policy_disclosure cancellation_rebuttal \
            customer_communication customer_email_address customer_name customer_purchase_ip customer_signature \
            duplicate_charge_documentation duplicate_charge_explanation duplicate_charge_id product_description receipt \
            refund_policy refund_policy_disclosure refund_refusal_explanation service_date service_documentation \
            shipping_address shipping_carrier shipping_date shipping_documentation shipping_tracking_number \
            uncategorized_file uncategorized_text
            """
        for name in names.split(separator: " ") { evidence[String(name)] = .null }
        evidence["customer_name"] = charge.value(at: "billing_details", "name") ?? .null
        evidence["customer_email_address"] = charge.value(at: "billing_details", "email") ?? .null
        evidence["enhanced_evidence"] = [:]
        return evidence
    }

    private mutating func answerDispute(_ call: Call) throws(StripeError) -> JSONObject {
        let dispute = try require(.dispute, call.id)
        let evidence = call.object("evidence") ?? JSONObject()
        let isOpen = ["needs_response", "warning_needs_response"].contains(dispute.status)
        guard isOpen || evidence.isEmpty else {
            throw StripeError.unexpectedState("invalid_request", "This dispute is already closed")
        }
        let submits = !evidence.isEmpty && call.bool("submit") != false
        let changed = change(.dispute, dispute.id, emitting: "charge.dispute.updated") { dispute in
            dispute.update("evidence") { own in for member in evidence.members { own[member.key] = member.value } }
            dispute["metadata"] = .object(call.updatedMetadata(dispute.object("metadata")))
            guard submits else { return }
            dispute["status"] = dispute.status == "needs_response" ? "under_review" : "warning_under_review"
            dispute.update("evidence_details") { details in
                details["has_evidence"] = true
                details["submission_count"] = 1
            }
        }
        if submits { scheduleOnPlatform(.closeDispute, dispute.id, afterSeconds: 5) }
        return changed
    }

    /// The bank decides by the magic words of Stripe's test mode.
    mutating func closeDispute(_ id: String) {
        guard let dispute = find(.dispute, id), dispute.status.hasSuffix("under_review") else { return }
        let text = dispute.value(at: "evidence", "uncategorized_text")?.string
        if dispute.status == "warning_under_review" {
            end(id, as: "warning_closed")
        } else if text == "winning_evidence" {
            end(id, as: "won")
        } else if text == "losing_evidence" {
            end(id, as: "lost")
        }
    }

    private mutating func end(_ id: String, as status: String) {
        guard let dispute = find(.dispute, id) else { return }
        if status == "won" {
            let transaction = book(
                type: "adjustment",
                amount: dispute.int("amount") ?? 0,
                currency: dispute.string("currency") ?? "usd",
                fee: -1_500,
                source: id,
                description: .string("Chargeback reversal for \(dispute.string("charge") ?? "")"),
                isAvailable: true
            )
            let booked = find(.balanceTransaction, transaction).map(JSONValue.object)
            let changed = change(.dispute, id, emitting: nil) { dispute in
                let earlier = dispute.array("balance_transactions") ?? []
                dispute["balance_transactions"] = .array([booked].compactMap { $0 } + earlier)
            }
            emit("charge.dispute.funds_reinstated", changed)
        }
        change(.dispute, id, emitting: "charge.dispute.closed") { $0["status"] = .string(status) }
    }
}
