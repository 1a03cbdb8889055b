extension Ledger {
    static let discounts = "discounts[]{coupon:s discount:s promotion_code:s}?"
    private static let shared = """
        account_tax_ids:a? application_fee_amount:i auto_advance:b automatic_tax:* automatically_finalizes_at:i
        collection_method:charge_automatically|send_invoice custom_fields:*? days_until_due:i default_payment_method:s
        default_source:s default_tax_rates:a description:s \(discounts) due_date:i effective_at:i? footer:s issuer:*
        metadata:m? number:s on_behalf_of:s? payment_settings:* rendering:* shipping_cost:*? shipping_details:*?
        statement_descriptor:s transfer_data:*?
        """

    static let invoiceRoutes: [Route] = [
        .post(
            "invoices",
            """
            \(shared) currency:s customer:s customer_account:s from_invoice:* subscription:s
            pending_invoice_items_behavior:exclude|include
            """
        ) { ledger, call throws(StripeError) in try ledger.createInvoice(call) },
        .list(
            "invoices",
            """
            collection_method:charge_automatically|send_invoice created:r customer:s customer_account:s due_date:r
            status:draft|open|paid|uncollectible|void subscription:s
            """
        ) { ledger, call throws(StripeError) in
            let subscription = call.string("subscription")
            return try ledger.page(
                .invoice,
                call,
                filters: ["customer", "customer_account", "status", "collection_method"]
            ) { invoice in
                (subscription == nil || invoice.string("_subscription") == subscription)
                    && isWithin(call.parameters["due_date"], invoice.int("due_date"))
            }
        },
        .get("invoices/search", "query:s! page:s limit:i") { ledger, call throws(StripeError) in
            try ledger.search(.invoice, call)
        },
        .post("invoices/create_preview", Ledger.previewParameters) { ledger, call throws(StripeError) in
            try ledger.previewInvoice(call)
        },
        .get("invoices/upcoming", Ledger.previewParameters) { ledger, call throws(StripeError) in
            guard call.version < .basil else { throw StripeError.unknownRoute("GET", call.path) }
            return try ledger.previewInvoice(call)
        },
        .get("invoices/:id") { ledger, call throws(StripeError) in try ledger.require(.invoice, call.id) },
        .post("invoices/:id", shared) { ledger, call throws(StripeError) in try ledger.updateInvoice(call) },
        .delete("invoices/:id") { ledger, call throws(StripeError) in try ledger.deleteInvoice(call) },
        .post("invoices/:id/finalize", "auto_advance:b") { ledger, call throws(StripeError) in
            try ledger.acting(on: call, from: ["draft"], "finalized") { ledger, invoice throws(StripeError) in
                ledger.finalize(invoice.id)
            }
        },
        .post(
            "invoices/:id/pay",
            "forgive:b mandate:s? off_session:b paid_out_of_band:b payment_method:s source:s"
        ) { ledger, call throws(StripeError) in
            try ledger.acting(on: call, from: ["draft", "open", "uncollectible"], "paid") {
                ledger,
                invoice throws(StripeError) in try ledger.payInvoice(invoice.id, call)
            }
        },
        .post("invoices/:id/attach_payment", "payment_intent:s payment_record:s") { ledger, call throws(StripeError) in
            try ledger.acting(on: call, from: ["open", "uncollectible"], "paid") {
                ledger,
                invoice throws(StripeError) in try ledger.attachPayment(to: invoice, call)
            }
        },
        .post("invoices/:id/send") { ledger, call throws(StripeError) in
            try ledger.acting(on: call, from: ["draft", "open"], "sent") { ledger, invoice throws(StripeError) in
                if invoice.status == "draft" { _ = ledger.finalize(invoice.id) }
                if let sent = ledger.find(.invoice, invoice.id) { ledger.emit("invoice.sent", sent) }
                return try ledger.require(.invoice, invoice.id)
            }
        },
        .post("invoices/:id/void") { ledger, call throws(StripeError) in
            try ledger.acting(on: call, from: ["open", "uncollectible"], "voided") {
                ledger,
                invoice throws(StripeError) in ledger.voidInvoice(invoice.id)
            }
        },
        .post("invoices/:id/mark_uncollectible") { ledger, call throws(StripeError) in
            try ledger.acting(on: call, from: ["open"], "marked uncollectible") {
                ledger,
                invoice throws(StripeError) in ledger.markUncollectible(invoice.id)
            }
        },
        .list("invoice_payments", "created:r invoice:s payment:* status:canceled|open|paid") {
            ledger,
            call throws(StripeError) in
            let intent = call.object("payment")?.string("payment_intent")
            return try ledger.page(.invoicePayment, call, filters: ["invoice", "status"]) { payment in
                intent == nil || payment.value(at: "payment", "payment_intent")?.string == intent
            }
        },
        .list("invoices/:id/payments", "status:canceled|open|paid") { ledger, call throws(StripeError) in
            _ = try ledger.require(.invoice, call.id)
            return try ledger.page(.invoicePayment, call, filters: ["status"]) { $0.string("invoice") == call.id }
        },
        .get("invoice_payments/:id") { ledger, call throws(StripeError) in
            try ledger.require(.invoicePayment, call.id)
        },
    ]

    /// Does something to an invoice that is in one of the right states, at its customer's time.
    private mutating func acting(
        on call: Call,
        from states: [String],
        _ word: String,
        _ body: (inout Ledger, JSONObject) throws(StripeError) -> JSONObject
    ) throws(StripeError) -> JSONObject {
        let invoice = try require(.invoice, call.id)
        guard states.contains(invoice.status) else {
            throw StripeError.unexpectedState(
                invoice.status == "paid" ? "invoice_already_paid" : "invoice_not_editable",
                invoice.status == "paid"
                    ? "Invoice is already paid" : "This invoice cannot be \(word): it is \(invoice.status)."
            )
        }
        return try onClock(of: invoice.string("customer")) { ledger throws(StripeError) in try body(&ledger, invoice) }
    }

    // MARK: Making one

    private mutating func createInvoice(_ call: Call) throws(StripeError) -> JSONObject {
        guard let customerID = call.string("customer") else { throw StripeError.missingParameter("customer") }
        let customer = try liveCustomer(customerID, param: "customer")
        let currency = try call.string("currency").map { text throws(StripeError) in try Currency.check(text) }
        if let currency { try checkCurrency(currency, of: customer) }
        try checkDue(call)
        if let source = call.string("default_source") {
            try checkSource(source, of: customerID, param: "default_source")
        }
        if call.parameters.has("from_invoice") { throw Self.notModelled("from_invoice", "revisions of invoices") }
        if call.string("collection_method") == "send_invoice", !call.parameters.has("days_until_due"),
            !call.parameters.has("due_date")
        {
            throw StripeError.invalid(
                "days_until_due",
                "If invoice collection method is 'send_invoice', you must specify one of 'due_date' or "
                    + "'days_until_due'."
            )
        }
        if call.string("collection_method") != "send_invoice" {
            for name in ["days_until_due", "due_date"] where call.parameters.has(name) {
                throw StripeError.invalid(
                    name,
                    "You can only specify 'due_date' or 'days_until_due' if invoice collection method is "
                        + "'send_invoice'."
                )
            }
        }
        return try onClock(of: customerID) { ledger throws(StripeError) in
            var invoice = ledger.newInvoice(
                for: customer,
                currency: currency ?? customer.string("currency") ?? "usd",
                reason: "manual"
            )
            invoice["auto_advance"] = .bool(call.bool("auto_advance") ?? false)
            ledger.apply(call, to: &invoice)
            try ledger.makeDraft(invoice, call)
            let made = try ledger.require(.invoice, invoice.id)
            ledger.emit("invoice.created", made)
            if made.bool("auto_advance") == true {
                ledger.schedule(.finalizeInvoice, invoice.id, at: ledger.now.adding(seconds: 3_600))
            }
            return made
        }
    }

    /// Keeps a new draft with what waits for it and its discounts, or not at all.
    private mutating func makeDraft(_ invoice: JSONObject, _ call: Call) throws(StripeError) {
        var invoice = invoice
        let customer = invoice.string("customer") ?? ""
        if let id = call.string("subscription") {
            let subscription = try require(.subscription, id, param: "subscription")
            guard subscription.string("customer") == customer else {
                throw StripeError.invalid("subscription", "The subscription does not belong to the customer.")
            }
            invoice["_subscription"] = .string(id)
            invoice["parent"] = Self.parent(of: subscription)
        }
        let isWhole = Self.givesDiscounts(call)  // else nothing is refused any more, and nothing need be kept
        try isWhole ? wholly { ledger throws(StripeError) in try ledger.fill(invoice, call) } : fill(invoice, call)
    }

    private mutating func fill(_ invoice: JSONObject, _ call: Call) throws(StripeError) {
        insert(.invoice, invoice)
        if call.string("pending_invoice_items_behavior") == "include" { takePendingItems(into: invoice.id) }
        try setDiscounts(of: invoice.id, call)
        total(invoice.id)
    }

    /// Gives a draft the discounts that a call names; where it names none, a new one has its customer's.
    private mutating func setDiscounts(of id: String, _ call: Call) throws(StripeError) {
        total(id)
        guard let invoice = find(.invoice, id), let customer = invoice.string("customer") else { return }
        guard Self.givesDiscounts(call) else {
            let inherited = discounts(ofCustomer: customer)
            return update(.invoice, id) { $0["discounts"] = .strings(inherited) }
        }
        let order = DiscountedOrder(
            customer: customer,
            amount: invoice.int("subtotal"),
            currency: invoice.string("currency"),
            invoice: id
        )
        let ids = try takeDiscounts(call, order)
        update(.invoice, id) { $0["discounts"] = .strings(ids) }
    }

    private func apply(_ call: Call, to invoice: inout JSONObject) {
        call.copy(
            [
                "collection_method", "default_payment_method", "default_source", "description", "due_date", "footer",
                "number",
                "statement_descriptor", "on_behalf_of", "effective_at",
            ],
            to: &invoice
        )
        if let days = call.int("days_until_due") {
            invoice["due_date"] = .int(now.adding(seconds: days * 86_400).seconds)
        }
        invoice["metadata"] = .object(call.updatedMetadata(invoice.object("metadata")))
    }

    /// A draft without lines.
    mutating func newInvoice(for customer: JSONObject, currency: String, reason: String) -> JSONObject {
        let id = newID(.invoice)
        var invoice: JSONObject = [
            "id": .string(id), "object": "invoice", "account_country": "US", "account_name": "Runnel simulator",
            "account_tax_ids": nil, "amount_due": 0, "amount_overpaid": 0, "amount_paid": 0, "amount_remaining": 0,
            "amount_shipping": 0, "application": nil, "attempt_count": 0, "attempted": false, "auto_advance": true,
            "automatic_tax": [
                "disabled_reason": nil, "enabled": false, "liability": nil, "provider": nil, "status": nil,
            ], "automatically_finalizes_at": nil, "billing_reason": .string(reason),
            "collection_method": "charge_automatically", "created": .int(now.seconds), "currency": .string(currency),
            "custom_fields": nil, "customer": .string(customer.id), "customer_account": nil,
            "customer_address": customer["address"] ?? .null, "customer_email": customer["email"] ?? .null,
            "customer_name": customer["name"] ?? .null, "customer_phone": customer["phone"] ?? .null,
            "customer_shipping": customer["shipping"] ?? .null, "customer_tax_exempt": "none", "customer_tax_ids": [],
            "default_payment_method": nil, "default_source": nil, "default_tax_rates": [], "description": nil,
            "discounts": [], "due_date": nil, "effective_at": nil, "ending_balance": nil, "footer": nil,
            "from_invoice": nil, "hosted_invoice_url": nil, "invoice_pdf": nil, "issuer": ["type": "self"],
        ]
        invoice.merge([
            "last_finalization_error": nil, "latest_revision": nil,
            "lines": .object(
                Self.list([], hasMore: false, url: "/v1/invoices/\(id)/lines").merging(["total_count": 0])
            ),
            "livemode": .bool(livemode), "metadata": [:], "next_payment_attempt": nil, "number": nil,
            "on_behalf_of": nil, "parent": nil,
            "payment_settings": ["default_mandate": nil, "payment_method_options": nil, "payment_method_types": nil],
            "period_end": .int(now.seconds), "period_start": .int(now.seconds),
            "post_payment_credit_notes_amount": 0, "pre_payment_credit_notes_amount": 0, "receipt_number": nil,
            "rendering": nil, "shipping_cost": nil, "shipping_details": nil,
            "starting_balance": customer["balance"] ?? 0, "statement_descriptor": nil, "status": "draft",
            "status_transitions": [
                "finalized_at": nil, "marked_uncollectible_at": nil, "paid_at": nil, "voided_at": nil,
            ], "subtotal": 0, "subtotal_excluding_tax": 0, "test_clock": customer["test_clock"] ?? .null, "total": 0,
            "total_discount_amounts": [], "total_excluding_tax": 0, "total_pretax_credit_amounts": [],
            "total_taxes": [], "webhooks_delivered_at": nil,
        ])
        return invoice
    }

    private mutating func updateInvoice(_ call: Call) throws(StripeError) -> JSONObject {
        let invoice = try require(.invoice, call.id)
        let settable: Set<String> = ["metadata", "description", "auto_advance", "default_payment_method", "expand"]
        guard invoice.status == "draft" || call.parameters.keys.allSatisfy(settable.contains) else {
            throw StripeError.unexpectedState(
                "invoice_not_editable",
                "Finalized invoices can't be updated in this way."
            )
        }
        try checkDue(call)
        if let source = call.string("default_source") {
            try checkSource(source, of: invoice.string("customer") ?? "", param: "default_source")
        }
        if Self.givesDiscounts(call) { try setDiscounts(of: invoice.id, call) }
        var changed = try require(.invoice, call.id)
        apply(call, to: &changed)
        insert(.invoice, changed)
        if let advances = call.bool("auto_advance") {
            try onClock(of: changed.string("customer")) { ledger in ledger.setAdvance(advances, of: changed.id) }
        }
        if changed.status == "draft" { total(changed.id) }
        let after = try require(.invoice, call.id)
        emit("invoice.updated", after, before: invoice)
        return after
    }

    private mutating func deleteInvoice(_ call: Call) throws(StripeError) -> JSONObject {
        let invoice = try require(.invoice, call.id)
        guard invoice.status == "draft", !invoice.has("_subscription") else {
            throw StripeError(
                "You can only delete draft invoices that do not belong to a subscription.",
                executed: true
            )
        }
        objects[.invoice]?[invoice.id] = nil
        for item in all(.invoiceItem) where item.string("invoice") == invoice.id {
            objects[.invoiceItem]?[item.id] = nil
        }
        emit("invoice.deleted", invoice)
        return ["id": .string(invoice.id), "object": "invoice", "deleted": true]
    }

    // MARK: Ends without payment

    mutating func voidInvoice(_ id: String) -> JSONObject {
        closePayment(ofInvoice: id, reason: "void_invoice")
        giveBackBalance(ofInvoice: id)
        return change(.invoice, id, emitting: "invoice.voided") { [now] invoice in
            invoice["status"] = "void"
            invoice["amount_remaining"] = invoice["amount_due"]
            invoice["next_payment_attempt"] = .null
            invoice["auto_advance"] = false
            invoice.update("status_transitions") { $0["voided_at"] = .int(now.seconds) }
        }
    }

    /// What finalizing took from the customer's balance, or added to it, is undone (`unapplied_from_invoice`).
    private mutating func giveBackBalance(ofInvoice id: String) {
        guard let invoice = find(.invoice, id), let customer = invoice.string("customer"),
            let before = invoice.int("starting_balance"), let after = invoice.int("ending_balance"), before != after,
            find(.customer, customer)?.bool("deleted") != true
        else { return }
        let currency = invoice.string("currency") ?? "usd"
        changeBalance(of: customer, by: before - after, currency, type: "unapplied_from_invoice", invoice: id)
    }

    mutating func markUncollectible(_ id: String) -> JSONObject {
        defer {
            if let subscription = find(.invoice, id)?.string("_subscription") { resumeAfter(id, of: subscription) }
        }
        return change(.invoice, id, emitting: "invoice.marked_uncollectible") { [now] invoice in
            invoice["status"] = "uncollectible"
            invoice["next_payment_attempt"] = .null
            invoice["auto_advance"] = false
            invoice.update("status_transitions") { $0["marked_uncollectible_at"] = .int(now.seconds) }
        }
    }

    mutating func closePayment(ofInvoice id: String, reason: String) {
        guard let intent = find(.invoice, id)?.string("_payment_intent"),
            let status = find(.paymentIntent, intent)?.status, status != "succeeded", status != "canceled"
        else { return }
        cancel(intent, reason: reason)
        for payment in all(.invoicePayment) where payment.string("invoice") == id && payment.status == "open" {
            update(.invoicePayment, payment.id) { [now] payment in
                payment["status"] = "canceled"
                payment.update("status_transitions") { $0["canceled_at"] = .int(now.seconds) }
            }
        }
    }
}
