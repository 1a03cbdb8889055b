extension Ledger {
    static let creditNoteRoutes: [Route] = [
        .post(
            "credit_notes",
            """
            invoice:s! amount:i credit_amount:i effective_at:i email_type:credit_note|none
            lines[]{amount:i description:s invoice_line_item:s quantity:i type:custom_line_item|invoice_line_item!
            unit_amount:i unit_amount_decimal:s tax_amounts:*? tax_rates:a?} memo:s metadata:m out_of_band_amount:i
            reason:duplicate|fraudulent|order_change|product_unsatisfactory refund_amount:i refunds:* shipping_cost:*
            """
        ) { ledger, call throws(StripeError) in try ledger.createCreditNote(call) },
        .list("credit_notes", "created:r customer:s invoice:s") { ledger, call throws(StripeError) in
            try ledger.page(.creditNote, call, filters: ["customer", "invoice"])
        },
        .get("credit_notes/:id") { ledger, call throws(StripeError) in try ledger.require(.creditNote, call.id) },
        .post("credit_notes/:id", "memo:s metadata:m?") { ledger, call throws(StripeError) in
            let note = try ledger.require(.creditNote, call.id)
            return ledger.change(.creditNote, note.id, emitting: "credit_note.updated") { note in
                call.copy(["memo"], to: &note)
                note["metadata"] = .object(call.updatedMetadata(note.object("metadata")))
            }
        },
        .list("credit_notes/:id/lines", "") { ledger, call throws(StripeError) in
            let lines = try ledger.require(.creditNote, call.id).object("lines")?.array("data") ?? []
            let limit = try Ledger.limit(call)
            return Ledger.list(Array(lines.prefix(limit)), hasMore: lines.count > limit, url: call.path)
        },
        .post("credit_notes/:id/void") { ledger, call throws(StripeError) in
            let note = try ledger.require(.creditNote, call.id)
            guard note.status == "issued" else {
                throw StripeError("This credit note is already void.", executed: true)
            }
            return ledger.change(.creditNote, note.id, emitting: "credit_note.voided") { [now = ledger.now] note in
                note["status"] = "void"
                note["voided_at"] = .int(now.seconds)
            }
        },
    ]

    private mutating func createCreditNote(_ call: Call) throws(StripeError) -> JSONObject {
        let invoice = try require(.invoice, call.string("invoice") ?? "", param: "invoice")
        guard ["open", "paid", "uncollectible"].contains(invoice.status) else {
            throw StripeError("You can only create a credit note for a finalized invoice.", executed: true)
        }
        let id = newID(.creditNote)
        var lines: [JSONValue] = []
        var total: Int64 = 0
        for (index, given) in (call.parameters.array("lines") ?? []).compactMap(\.object).enumerated() {
            let quantity = given.int("quantity") ?? 1
            guard let amount = given.int("amount") ?? Self.amount(of: given, quantity: quantity), amount > 0
            else {
                throw StripeError.missingParameter("lines[\(index)][amount]")
            }
            total += amount
            lines.append(creditLine(given, amount: amount, quantity: quantity))
        }
        if lines.isEmpty { total = call.int("amount") ?? 0 }
        let isPaid = invoice.status == "paid"
        let limit = invoice.int(isPaid ? "amount_paid" : "amount_remaining") ?? 0
        guard total > 0, total <= limit else {
            throw StripeError(
                param: lines.isEmpty ? "amount" : "lines",
                "The credit note's total must be positive and at most what is left on the invoice.",
                executed: true
            )
        }
        let note: JSONObject = [
            "id": .string(id), "object": "credit_note", "amount": .int(total), "amount_shipping": 0,
            "created": .int(now.seconds), "currency": invoice["currency"] ?? "usd",
            "customer": invoice["customer"] ?? .null, "customer_account": nil, "customer_balance_transaction": nil,
            "discount_amount": 0, "discount_amounts": [], "effective_at": .int(now.seconds),
            "invoice": .string(invoice.id),
            "lines": .object(Self.list(lines, hasMore: false, url: "/v1/credit_notes/\(id)/lines")),
            "livemode": .bool(livemode), "memo": call.value("memo"), "metadata": .object(call.updatedMetadata(nil)),
            "number": .string("\(invoice.string("number") ?? "INV")-CN-01"), "out_of_band_amount": nil,
            "pdf": .string("\(baseURL)/credit_notes/\(id)/pdf"), "post_payment_amount": .int(isPaid ? total : 0),
            "pre_payment_amount": .int(isPaid ? 0 : total), "pretax_credit_amounts": [],
            "reason": call.value("reason"), "refunds": [], "shipping_cost": nil, "status": "issued",
            "subtotal": .int(total), "subtotal_excluding_tax": .int(total), "total": .int(total),
            "total_excluding_tax": .int(total), "total_taxes": [], "type": isPaid ? "post_payment" : "pre_payment",
            "voided_at": nil,
        ]
        insert(.creditNote, note)
        emit("credit_note.created", note)
        apply(total, of: isPaid, to: invoice, note: id)
        return note
    }

    /// Lowers what an open invoice asks for; for a paid one the customer's balance is credited.
    private mutating func apply(_ total: Int64, of isPaid: Bool, to invoice: JSONObject, note: String) {
        if isPaid {
            guard let customer = invoice.string("customer") else { return }
            let currency = invoice.string("currency") ?? "usd"
            changeBalance(
                of: customer,
                by: -total,
                currency,
                type: "credit_note",
                invoice: invoice.id,
                creditNote: note
            )
            update(.invoice, invoice.id) { $0["post_payment_credit_notes_amount"] = .int(total) }
            return
        }
        let left = (invoice.int("amount_due") ?? 0) - total
        update(.invoice, invoice.id) { invoice in
            invoice["amount_due"] = .int(left)
            invoice["amount_remaining"] = .int(left)
            invoice["pre_payment_credit_notes_amount"] = .int(total)
        }
        if let intent = invoice.string("_payment_intent"), left > 0 {
            update(.paymentIntent, intent) { $0["amount"] = .int(left) }
        }
        if left <= 0 { invoicePaid(invoice.id) }
    }

    private mutating func creditLine(_ given: JSONObject, amount: Int64, quantity: Int64) -> JSONValue {
        [
            "id": .string("cnli_1" + generator.characters(23)), "object": "credit_note_line_item",
            "amount": .int(amount), "description": given["description"] ?? .null, "discount_amount": 0,
            "discount_amounts": [], "invoice_line_item": given["invoice_line_item"] ?? .null,
            "livemode": .bool(livemode), "metadata": [:], "pretax_credit_amounts": [], "quantity": .int(quantity),
            "tax_rates": [], "taxes": [], "type": given["type"] ?? "custom_line_item",
            "unit_amount": given["unit_amount"] ?? .null,
            "unit_amount_decimal": .string(orNull: Self.exact("unit_amount", of: given)?.text),
        ]
    }
}
