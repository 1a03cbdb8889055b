// Credit notes: what a finalized invoice asks for is lowered, or what was paid for it given back.
extension Ledger {
    private static let creating = """
        invoice:s! amount:i credit_amount:i effective_at:i email_type:credit_note|none
        lines[]{amount:i description:s invoice_line_item:s quantity:i type:custom_line_item|invoice_line_item!
        unit_amount:i unit_amount_decimal:s tax_amounts:*? tax_rates:a?} memo:s metadata:m out_of_band_amount:i
        reason:duplicate|fraudulent|order_change|product_unsatisfactory refund_amount:i
        refunds[]{amount_refunded:i payment_record_refund:* refund:s type:payment_record_refund|refund} shipping_cost:*
        """

    static let creditNoteRoutes: [Route] = [
        .post("credit_notes", creating) { ledger, call throws(StripeError) in try ledger.createCreditNote(call) },
        .list("credit_notes", "created:r customer:s customer_account:s invoice:s") { ledger, call throws(StripeError) in
            try ledger.page(.creditNote, call, filters: ["customer", "customer_account", "invoice"])
        },
        .get("credit_notes/preview", creating) { ledger, call throws(StripeError) in
            try ledger.previewCreditNote(call)
        },
        .list("credit_notes/preview/lines", creating) { ledger, call throws(StripeError) in
            let lines = try ledger.previewCreditNote(call).object("lines")?.array("data") ?? []
            return try page(lines, of: "credit note line item", call)
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
            return try page(lines, of: "credit note line item", call)
        },
        .post("credit_notes/:id/void") { ledger, call throws(StripeError) in try ledger.voidCreditNote(call.id) },
    ]

    /// Where the money of a credit note goes.
    private struct CreditPlan {
        let total: Int64
        /// Lowers what the invoice asks for.
        let before: Int64
        /// Is given back for what was paid already.
        var after: Int64 { total - before }
        var type: JSONValue { after == 0 ? "pre_payment" : before == 0 ? "post_payment" : "mixed" }
    }

    /// The note that a call would make; made on a copy of the ledger, which is thrown away.
    private func previewCreditNote(_ call: Call) throws(StripeError) -> JSONObject {
        var copy = self
        return try copy.createCreditNote(call)
    }

    private mutating func createCreditNote(_ call: Call) throws(StripeError) -> JSONObject {
        let invoice = try require(.invoice, call.string("invoice") ?? "", param: "invoice")
        guard ["open", "paid", "uncollectible"].contains(invoice.status) else {
            throw StripeError("You can only create a credit note for a finalized invoice.", executed: true)
        }
        if call.parameters.has("shipping_cost") {
            throw Self.notModelled("shipping_cost", "`shipping_cost` of a credit note")
        }
        let lines = try creditLines(call, of: invoice)
        let plan = try creditPlan(call, lines, of: invoice)
        let linked = try linkedRefunds(call, of: invoice)
        try checkGivenBack(call, plan, linked: linked.reduce(0) { $0 + ($1.int("amount_refunded") ?? 0) })
        var refunds = linked
        if let amount = call.int("refund_amount"), amount > 0 {
            let refund = try giveBack(amount, of: invoice, call)
            refunds.append(Self.linked(refund.id, amount))
        }
        let id = newID(.creditNote)
        var note = newCreditNote(id, of: invoice, plan, lines, call)
        note["refunds"] = .array(refunds.map(JSONValue.object))
        if let amount = call.int("credit_amount"), amount > 0, let customer = invoice.string("customer") {
            let transaction = changeBalance(
                of: customer,
                by: -amount,
                invoice.string("currency") ?? "usd",
                type: "credit_note",
                invoice: invoice.id,
                creditNote: id
            )
            note["customer_balance_transaction"] = .string(transaction)
        }
        insert(.creditNote, note)
        emit("credit_note.created", note)
        lower(invoice.id, by: plan)
        return note
    }

    private func newCreditNote(
        _ id: String,
        of invoice: JSONObject,
        _ plan: CreditPlan,
        _ lines: [JSONObject],
        _ call: Call
    ) -> JSONObject {
        let count = all(.creditNote).filter { $0.string("invoice") == invoice.id }.count + 1
        let number = "\(invoice.string("number") ?? "INV")-CN-\(count < 10 ? "0" : "")\(count)"
        return [
            "id": .string(id), "object": "credit_note", "amount": .int(plan.total), "amount_shipping": 0,
            "created": .int(now.seconds), "currency": invoice["currency"] ?? "usd",
            "customer": invoice["customer"] ?? .null, "customer_account": nil, "customer_balance_transaction": nil,
            "discount_amount": 0, "discount_amounts": [],
            "effective_at": .int(call.int("effective_at") ?? now.seconds), "invoice": .string(invoice.id),
            "lines": .object(
                Self.list(lines.map(JSONValue.object), hasMore: false, url: "/v1/credit_notes/\(id)/lines")
            ), "livemode": .bool(livemode), "memo": call.value("memo"),
            "metadata": .object(call.updatedMetadata(nil)), "number": .string(number),
            "out_of_band_amount": call.value("out_of_band_amount"),
            "pdf": .string("\(baseURL)/credit_notes/\(id)/pdf"), "post_payment_amount": .int(plan.after),
            "pre_payment_amount": .int(plan.before), "pretax_credit_amounts": [], "reason": call.value("reason"),
            "refunds": [], "shipping_cost": nil, "status": "issued", "subtotal": .int(plan.total),
            "subtotal_excluding_tax": .int(plan.total), "total": .int(plan.total),
            "total_excluding_tax": .int(plan.total), "total_taxes": [], "type": plan.type, "voided_at": nil,
        ]
    }

    // MARK: How much

    /// The total of a note, which with those before it is at most the invoice's; what is not paid yet bears it first.
    private func creditPlan(
        _ call: Call,
        _ lines: [JSONObject],
        of invoice: JSONObject
    ) throws(StripeError) -> CreditPlan {
        let param = lines.isEmpty ? "amount" : "lines"
        let sum = lines.reduce(Int64(0)) { $0 + ($1.int("amount") ?? 0) }
        guard let total = call.int("amount") ?? (lines.isEmpty ? nil : sum) else {
            throw StripeError(
                code: "parameter_missing",
                "You must specify one of `amount`, `lines` or `shipping_cost`."
            )
        }
        guard lines.isEmpty || total == sum else {
            throw StripeError.invalid("amount", "The `amount` must equal the sum of the `lines`, \(sum).")
        }
        try Self.check(total, in: 1...Int64.max, param)
        let credited = all(.creditNote)
            .filter { $0.string("invoice") == invoice.id && $0.status == "issued" }
            .reduce(Int64(0)) { $0 + ($1.int("amount") ?? 0) }
        let left = (invoice.int("total") ?? 0) - credited
        guard total <= left else {
            let currency = invoice.string("currency") ?? "usd"
            throw StripeError(
                param: param,
                "The credit note's total (\(Currency.formatted(total, currency))) is more than what is left of the "
                    + "invoice to credit (\(Currency.formatted(max(left, 0), currency))).",
                executed: true
            )
        }
        let unpaid = invoice.status == "paid" ? 0 : invoice.int("amount_remaining") ?? 0
        return CreditPlan(total: total, before: min(total, unpaid))
    }

    /// Checks that what was paid already goes somewhere, all of it.
    private func checkGivenBack(_ call: Call, _ plan: CreditPlan, linked: Int64) throws(StripeError) {
        var sum = linked
        for name in ["credit_amount", "out_of_band_amount", "refund_amount"] {
            try Self.check(call.int(name), in: 0...Int64.max, name)
            sum += call.int(name) ?? 0
        }
        guard sum != plan.after else { return }
        throw StripeError(
            "The sum of credit amount, refund amount and out of band amount (\(sum)) must equal the post payment "
                + "credit note amount (\(plan.after)).",
            executed: true
        )
    }

    private mutating func creditLines(_ call: Call, of invoice: JSONObject) throws(StripeError) -> [JSONObject] {
        var lines: [JSONObject] = []
        for (index, given) in (call.parameters.array("lines") ?? []).compactMap(\.object).enumerated() {
            let param = "lines[\(index)]"
            let isOwn = given.string("type") == "invoice_line_item"
            let amount = try isOwn ? credit(given, of: invoice, param) : Self.customCredit(given, param)
            try Self.check(amount, in: 0...Self.maximumCredit, "\(param)[amount]")
            lines.append(creditLine(given, amount: amount))
        }
        return lines
    }

    private static let maximumCredit = Int64(ParameterList.maximumInteger)

    private static func customCredit(_ given: JSONObject, _ param: String) throws(StripeError) -> Int64 {
        let quantity = given.int("quantity") ?? 1
        try check(quantity, in: 0...Int64.max, "\(param)[quantity]")
        let unit = try givenAmount("unit_amount", in: given, param: param)
        guard let amount = given.int("amount") ?? unit.flatMap({ ($0 * quantity).rounded }) else {
            throw StripeError.missingParameter("\(param)[unit_amount]")
        }
        return amount
    }

    /// What is credited of a line of the invoice: an amount, or so many of its units.
    private func credit(
        _ given: JSONObject,
        of invoice: JSONObject,
        _ param: String
    ) throws(StripeError) -> Int64 {
        guard let id = given.string("invoice_line_item") else {
            throw StripeError.missingParameter("\(param)[invoice_line_item]")
        }
        let line = try line(id, of: invoice, param: "\(param)[invoice_line_item]")
        let (whole, units) = (line.int("amount") ?? 0, line.int("quantity") ?? 1)
        if let amount = given.int("amount") {
            try Self.check(amount, in: 0...max(whole, 0), "\(param)[amount]")
            return amount
        }
        guard let quantity = given.int("quantity") else { throw StripeError.missingParameter("\(param)[quantity]") }
        try Self.check(quantity, in: 1...max(units, 1), "\(param)[quantity]")
        return ExactAmount.share(of: whole, quantity, outOf: max(units, 1))
    }

    private mutating func creditLine(_ given: JSONObject, amount: Int64) -> JSONObject {
        [
            "id": .string("cnli_1" + generator.characters(23)), "object": "credit_note_line_item",
            "amount": .int(amount), "description": given["description"] ?? .null, "discount_amount": 0,
            "discount_amounts": [], "invoice_line_item": given["invoice_line_item"] ?? .null,
            "livemode": .bool(livemode), "metadata": [:], "pretax_credit_amounts": [],
            "quantity": .int(given.int("quantity") ?? 1), "tax_rates": [], "taxes": [],
            "type": given["type"] ?? "custom_line_item", "unit_amount": given["unit_amount"] ?? .null,
            "unit_amount_decimal": .string(orNull: Self.exact("unit_amount", of: given)?.text),
        ]
    }

    // MARK: The money

    private func charge(of invoice: JSONObject) -> String? {
        invoice.string("_payment_intent").flatMap { find(.paymentIntent, $0) }?.string("latest_charge")
    }

    private mutating func giveBack(
        _ amount: Int64,
        of invoice: JSONObject,
        _ call: Call
    ) throws(StripeError) -> JSONObject {
        guard let charge = charge(of: invoice) else {
            throw StripeError(
                param: "refund_amount",
                "The invoice has no payment that could be refunded.",
                executed: true
            )
        }
        do throws(StripeError) {
            return try createRefund(call.with(["amount": .int(amount), "charge": .string(charge)]))
        } catch {
            var named = error
            if named.param == "amount" { named.param = "refund_amount" }
            throw named
        }
    }

    private static func linked(_ refund: String, _ amount: Int64) -> JSONObject {
        [
            "amount_refunded": .int(amount), "payment_record_refund": nil, "refund": .string(refund), "type": "refund",
        ]
    }

    /// Refunds of the invoice's payment that were made before.
    private func linkedRefunds(_ call: Call, of invoice: JSONObject) throws(StripeError) -> [JSONObject] {
        var result: [JSONObject] = []
        for (index, given) in (call.parameters.array("refunds") ?? []).compactMap(\.object).enumerated() {
            guard let id = given.string("refund") else {
                throw StripeError.missingParameter("refunds[\(index)][refund]")
            }
            let refund = try require(.refund, id, param: "refunds[\(index)][refund]")
            guard let charge = charge(of: invoice), refund.string("charge") == charge else {
                throw StripeError.invalid(
                    "refunds[\(index)][refund]",
                    "The refund is not one of the invoice's payment."
                )
            }
            let whole = refund.int("amount") ?? 0
            let amount = given.int("amount_refunded") ?? whole
            try Self.check(amount, in: 1...max(whole, 1), "refunds[\(index)][amount_refunded]")
            result.append(Self.linked(id, amount))
        }
        return result
    }

    /// Lowers what an invoice asks for by a note; one that asks for nothing more is paid.
    private mutating func lower(_ id: String, by plan: CreditPlan) {
        update(.invoice, id) { invoice in
            for (name, amount) in [
                ("pre_payment_credit_notes_amount", plan.before), ("post_payment_credit_notes_amount", plan.after),
            ] { invoice[name] = .int((invoice.int(name) ?? 0) + amount) }
        }
        guard plan.before > 0 else { return }
        ask(id, for: -plan.before)
        guard find(.invoice, id)?.int("amount_remaining") == 0 else { return }
        closePayment(ofInvoice: id, reason: "automatic")
        invoicePaid(id)
    }

    /// Asks for more, or less, of an open invoice.
    private mutating func ask(_ id: String, for change: Int64) {
        update(.invoice, id) { invoice in
            for name in ["amount_due", "amount_remaining"] { invoice[name] = .int((invoice.int(name) ?? 0) + change) }
        }
        guard let invoice = find(.invoice, id), let intent = invoice.string("_payment_intent"),
            let left = invoice.int("amount_remaining"), left > 0
        else { return }
        update(.paymentIntent, intent) { $0["amount"] = .int(left) }
    }

    /// Takes a note back, as long as its invoice is not paid: that asks for as much again as before.
    private mutating func voidCreditNote(_ id: String) throws(StripeError) -> JSONObject {
        let note = try require(.creditNote, id)
        guard note.status == "issued" else { throw StripeError("This credit note is already void.", executed: true) }
        let amount = note.int("pre_payment_amount") ?? 0
        guard let invoice = note.string("invoice").flatMap({ find(.invoice, $0) }),
            ["open", "uncollectible"].contains(invoice.status), note.int("post_payment_amount") == 0
        else {
            throw StripeError("You can only void a credit note whose invoice is open.", executed: true)
        }
        ask(invoice.id, for: amount)
        update(.invoice, invoice.id) { invoice in
            let sum = invoice.int("pre_payment_credit_notes_amount") ?? 0
            invoice["pre_payment_credit_notes_amount"] = .int(sum - amount)
        }
        return change(.creditNote, id, emitting: "credit_note.voided") { [now] note in
            note["status"] = "void"
            note["voided_at"] = .int(now.seconds)
        }
    }
}
