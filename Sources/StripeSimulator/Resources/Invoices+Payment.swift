extension Ledger {
    // MARK: Finalising

    /// Opens a draft: it gets its number and, when there is something to pay, its payment intent.
    mutating func finalize(_ id: String) -> JSONObject {
        guard let invoice = find(.invoice, id), invoice.status == "draft",
            let customerID = invoice.string("customer"), let customer = find(.customer, customerID)
        else { return find(.invoice, id) ?? JSONObject() }
        let sequence = customer.int("next_invoice_sequence") ?? 1
        let digits = String(sequence)
        let number =
            invoice.string("number")
            ?? "\(customer.string("invoice_prefix") ?? "INV")-\(String(repeating: "0", count: max(0, 4 - digits.count)))\(digits)"
        let balance = customer.int("balance") ?? 0
        let total = invoice.int("total") ?? 0
        let due = max(0, total + balance)
        update(.customer, customerID) { customer in
            customer["next_invoice_sequence"] = .int(sequence + 1)
            if !customer.has("currency") { customer["currency"] = invoice["currency"] }
        }
        let applied = min(0, total + balance) - balance
        if applied != 0 {
            let currency = invoice.string("currency") ?? "usd"
            changeBalance(of: customerID, by: applied, currency, type: "applied_to_invoice", invoice: id)
        }
        let ending = find(.customer, customerID)?["balance"] ?? 0
        let page = "\(baseURL)/i/\(accountID)/\(id)"
        change(.invoice, id, emitting: nil) { [now] invoice in
            invoice["status"] = "open"
            invoice["number"] = .string(number)
            invoice["effective_at"] = invoice.has("effective_at") ? invoice["effective_at"] : .int(now.seconds)
            invoice["amount_due"] = .int(due)
            invoice["amount_remaining"] = .int(due)
            invoice["starting_balance"] = .int(balance)
            invoice["ending_balance"] = ending
            invoice["hosted_invoice_url"] = .string(page)
            invoice["invoice_pdf"] = .string(page + "/pdf")
            invoice.update("status_transitions") { $0["finalized_at"] = .int(now.seconds) }
        }
        if let opened = find(.invoice, id) { emit("invoice.finalized", opened) }
        useUpDiscounts(of: id)
        if let time = invoice.int("due_date"), invoice.string("collection_method") == "send_invoice" {
            schedule(.passDueDate, id, at: SimulatorInstant(seconds: max(time, now.seconds)))
        }
        if due > 0 { makeIntent(forInvoice: id, amount: due, customer: customer) } else { invoicePaid(id) }
        return find(.invoice, id) ?? invoice
    }

    private mutating func makeIntent(forInvoice id: String, amount: Int64, customer: JSONObject) {
        guard let invoice = find(.invoice, id) else { return }
        let intentID = newID(.paymentIntent)
        let isSubscription = invoice.has("_subscription")
        let description =
            isSubscription
            ? (invoice.string("billing_reason") == "subscription_create"
                ? "Subscription creation" : "Subscription update")
            : "Payment for Invoice"
        let intent: JSONObject = [
            "id": .string(intentID), "object": "payment_intent", "amount": .int(amount), "amount_capturable": 0,
            "amount_details": ["tip": [:]], "amount_received": 0, "application": nil, "application_fee_amount": nil,
            "automatic_payment_methods": nil, "canceled_at": nil, "cancellation_reason": nil,
            "capture_method": "automatic", "client_secret": .string(newSecret(for: intentID)),
            "confirmation_method": "automatic", "created": .int(now.seconds), "currency": invoice["currency"] ?? "usd",
            "customer": .string(customer.id), "customer_account": nil, "description": .string(description),
            "excluded_payment_method_types": nil, "last_payment_error": nil, "latest_charge": nil,
            "livemode": .bool(livemode), "managed_payments": nil, "metadata": [:], "next_action": nil,
            "on_behalf_of": nil,
            "payment_details": ["customer_reference": nil, "order_reference": .string(id)], "payment_method": nil,
            "payment_method_configuration_details": nil,
            "payment_method_options": [
                "card": [
                    "installments": nil, "mandate_options": nil, "network": nil, "request_three_d_secure": "automatic",
                ], "link": ["persistent_token": nil],
            ], "payment_method_types": ["card", "link"], "processing": nil, "receipt_email": nil, "review": nil,
            "setup_future_usage": isSubscription ? "off_session" : .null, "shipping": nil, "source": nil,
            "statement_descriptor": nil, "statement_descriptor_suffix": nil, "status": "requires_payment_method",
            "transfer_data": nil, "transfer_group": nil, "_invoice": .string(id),
        ]
        insert(.paymentIntent, intent)
        let payment = newPayment(of: invoice, amount: amount, intent: intentID)
        insert(.invoicePayment, payment)
        update(.invoice, id) { $0["_payment_intent"] = .string(intentID) }
        emit("payment_intent.created", intent)
    }

    private mutating func newPayment(of invoice: JSONObject, amount: Int64, intent: String) -> JSONObject {
        [
            "id": .string(newID(.invoicePayment)), "object": "invoice_payment", "amount_paid": nil,
            "amount_requested": .int(amount), "created": .int(now.seconds), "currency": invoice["currency"] ?? "usd",
            "invoice": .string(invoice.id), "is_default": true, "livemode": .bool(livemode),
            "payment": ["payment_intent": .string(intent), "type": "payment_intent"], "status": "open",
            "status_transitions": ["canceled_at": nil, "paid_at": nil],
        ]
    }

    // MARK: Paying

    mutating func payInvoice(_ id: String, _ call: Call) throws(StripeError) -> JSONObject {
        if find(.invoice, id)?.status == "draft" { _ = finalize(id) }
        guard let invoice = find(.invoice, id), invoice.status != "paid" else { return try require(.invoice, id) }
        if call.bool("paid_out_of_band") == true {
            invoicePaid(id, outOfBand: true)
            return try require(.invoice, id)
        }
        let customer = invoice.string("customer")
        if let source = call.string("source") { try checkSource(source, of: customer ?? "", param: "source") }
        let given = try takePaymentMethod(call, customer: customer) ?? call.string("source")
        try tryPayment(
            ofInvoice: id,
            method: given,
            AttemptOptions(isOffSession: call.bool("off_session") ?? false)
        )
        guard find(.invoice, id)?.status == "paid" else {
            throw StripeError(
                status: 402,
                kind: .card,
                code: "invoice_payment_intent_requires_action",
                "This invoice's payment requires additional user action before it can be completed successfully.",
                executed: true
            )
        }
        return try require(.invoice, id)
    }

    /// Pays an invoice with a payment that was made before, of just what is left to pay.
    mutating func attachPayment(to invoice: JSONObject, _ call: Call) throws(StripeError) -> JSONObject {
        if call.parameters.has("payment_record") {
            throw Self.notModelled("payment_record", "records of payments outside of Stripe")
        }
        guard let id = call.string("payment_intent") else { throw StripeError.missingParameter("payment_intent") }
        let intent = try require(.paymentIntent, id, param: "payment_intent")
        let isAttached =
            intent.has("_invoice")
            || all(.invoicePayment).contains { payment in
                payment.value(at: "payment", "payment_intent")?.string == id
            }
        guard intent["currency"] == invoice["currency"], intent["customer"] == invoice["customer"], !isAttached else {
            throw StripeError.invalid(
                "payment_intent",
                "The PaymentIntent must be of the invoice's customer and currency, and of no other invoice."
            )
        }
        guard intent.status == "succeeded", intent["amount_received"] == invoice["amount_remaining"] else {
            throw Self.notModelled(
                "payment_intent",
                "payments of an invoice that are not made yet, or not of all of it"
            )
        }
        closePayment(ofInvoice: invoice.id, reason: "automatic")
        var payment = newPayment(of: invoice, amount: intent.int("amount_received") ?? 0, intent: id)
        payment["is_default"] = false
        insert(.invoicePayment, payment)
        invoicePaid(invoice.id)
        return try require(.invoice, invoice.id)
    }

    /// The card an invoice is paid with: its own, its subscription's, the customer's default.
    func paymentMethod(ofInvoice invoice: JSONObject) -> String? {
        let subscription = invoice.string("_subscription").flatMap { find(.subscription, $0) }
        return Self.defaultMethod(of: invoice) ?? subscription.flatMap { Self.defaultMethod(of: $0) }
            ?? defaultMethod(ofCustomer: invoice.string("customer"))
    }

    /// What an invoice or a subscription itself is to be paid with: a payment method goes before a card of older callers.
    static func defaultMethod(of object: JSONObject) -> String? {
        object.string("default_payment_method") ?? object.string("default_source")
    }

    /// Tries to take an open invoice's money once.
    ///
    /// Throws: the card's error, or `resource_missing` when there is no card; the invoice stays open.
    mutating func tryPayment(
        ofInvoice id: String,
        method given: String?,
        _ options: AttemptOptions
    ) throws(StripeError) {
        guard let invoice = find(.invoice, id), let intent = invoice.string("_payment_intent") else { return }
        guard let method = given ?? paymentMethod(ofInvoice: invoice) else {
            throw Self.noPaymentMethod
        }
        update(.invoice, id) { invoice in
            invoice["attempted"] = true
            invoice["attempt_count"] = .int((invoice.int("attempt_count") ?? 0) + 1)
        }
        update(.paymentIntent, intent) { intent in
            intent["payment_method"] = .string(method)
            intent["status"] = "requires_confirmation"
        }
        _ = try attempt(intent, options)
    }

    static let noPaymentMethod = StripeError(
        code: "resource_missing",
        "This customer has no attached payment source or default payment method. Please consider adding a default "
            + "payment method. For more information, visit https://stripe.com/docs/billing/subscriptions/"
            + "payment-methods-setting#payment-method-priority.",
        executed: true
    )

    /// The money of an invoice is there.
    mutating func invoicePaid(_ id: String, outOfBand: Bool = false) {
        guard let invoice = find(.invoice, id), ["open", "uncollectible"].contains(invoice.status) else { return }
        let due = invoice.int("amount_due") ?? 0
        if outOfBand, let intent = invoice.string("_payment_intent") { cancel(intent, reason: nil) }
        let paid = change(.invoice, id, emitting: nil) { [now] invoice in
            invoice["status"] = "paid"
            if outOfBand { invoice["_out_of_band"] = true }
            invoice["amount_paid"] = .int(outOfBand ? 0 : due)
            invoice["amount_remaining"] = .int(0)
            invoice["attempted"] = true
            invoice["auto_advance"] = false
            invoice["next_payment_attempt"] = .null
            invoice.update("status_transitions") { $0["paid_at"] = .int(now.seconds) }
        }
        for payment in all(.invoicePayment) where payment.string("invoice") == id && payment.status == "open" {
            update(.invoicePayment, payment.id) { [now] payment in
                payment["status"] = outOfBand ? "canceled" : "paid"
                payment["amount_paid"] = outOfBand ? .null : .int(due)
                payment.update("status_transitions") { $0[outOfBand ? "canceled_at" : "paid_at"] = .int(now.seconds) }
            }
            if !outOfBand { scheduleOnPlatform(.announceInvoicePayment, payment.id, afterSeconds: 1) }
        }
        emit("invoice.paid", paid)
        emit("invoice.payment_succeeded", paid)
        guard let subscription = paid.string("_subscription") else { return }
        subscriptionPaid(subscription, by: id)
        if paid.bool("_is_for_change") == true { applyPendingUpdate(subscription) }
    }

    /// A card was refused: the invoice stays open, and is tried again when the subscription is running.
    mutating func invoiceDeclined(_ id: String) {
        guard let invoice = find(.invoice, id), invoice.status == "open" else { return }
        let attempts = invoice.int("attempt_count") ?? 1
        let isRenewal = invoice.string("billing_reason") == "subscription_cycle"
        let pauses: [Int64] = [3, 5, 7]  // Stripe's default retry rules, in days
        let isLast = attempts > pauses.count
        let isTriedAgain = isRenewal && !isLast && invoice.bool("auto_advance") == true
        let next = isTriedAgain ? pauses[Int(max(attempts, 1)) - 1] : nil
        let failed = change(.invoice, id, emitting: nil) { [now] invoice in
            invoice["next_payment_attempt"] = .int(orNull: next.map { now.adding(seconds: $0 * 86_400).seconds })
        }
        emit("invoice.payment_failed", failed)
        if let next { schedule(.retryInvoice, id, at: now.adding(seconds: next * 86_400)) }
        if let subscription = invoice.string("_subscription"), invoice.bool("_is_for_change") != true {
            subscriptionUnpaid(subscription, isOver: isRenewal && isLast)
        }
    }

    mutating func invoiceNeedsAction(_ id: String) {
        guard let invoice = find(.invoice, id), invoice.status == "open" else { return }
        emit("invoice.payment_action_required", invoice)
        emit("invoice.payment_failed", invoice)
        if let subscription = invoice.string("_subscription"), invoice.bool("_is_for_change") != true {
            subscriptionUnpaid(subscription, isOver: false)
        }
    }

    /// A planned further try; it is off where the invoice no longer advances by itself.
    mutating func retryPayment(ofInvoice id: String) {
        guard let invoice = find(.invoice, id), invoice.status == "open", invoice.bool("auto_advance") == true,
            let time = invoice.int("next_payment_attempt"), time <= now.seconds
        else { return }
        collect(id)
    }

    /// Tries to take an open invoice's money; what comes of it shows in the invoice and its events.
    private mutating func collect(_ id: String) {
        do throws(StripeError) {
            try tryPayment(ofInvoice: id, method: nil, AttemptOptions(isOffSession: true))
        } catch {
            guard error.code == "resource_missing" else { return }
            update(.invoice, id) { invoice in
                invoice["attempted"] = true
                invoice["attempt_count"] = .int((invoice.int("attempt_count") ?? 0) + 1)
            }
            invoiceDeclined(id)
        }
    }

    /// A sent invoice is overdue, and its subscription in arrears.
    mutating func passDueDate(ofInvoice id: String) {
        guard let invoice = find(.invoice, id), invoice.status == "open" else { return }
        emit("invoice.overdue", invoice)
        if let subscription = invoice.string("_subscription") { subscriptionUnpaid(subscription, isOver: false) }
    }

    // MARK: Advancing by itself

    static func stopAdvancing(_ invoice: inout JSONObject) {
        invoice["auto_advance"] = false
        invoice["next_payment_attempt"] = .null
        invoice["automatically_finalizes_at"] = .null
    }

    /// What follows from `auto_advance` once it was set: in an hour the draft is opened, or the money asked for again.
    mutating func setAdvance(_ advances: Bool, of id: String) {
        guard let invoice = find(.invoice, id), invoice.bool("auto_advance") != advances else { return }
        guard advances else { return update(.invoice, id) { Self.stopAdvancing(&$0) } }
        let time = now.adding(seconds: 3_600)
        update(.invoice, id) { $0["auto_advance"] = true }
        if invoice.status == "draft" {
            update(.invoice, id) { $0["automatically_finalizes_at"] = .int(time.seconds) }
            schedule(.finalizeInvoice, id, at: time)
        } else if invoice.status == "open", invoice.string("collection_method") == "charge_automatically" {
            update(.invoice, id) { $0["next_payment_attempt"] = .int(time.seconds) }
            schedule(.retryInvoice, id, at: time)
        }
    }

    /// A draft that advances by itself: opened, and charged if it is to be.
    mutating func finalizePlanned(_ id: String) {
        guard let invoice = find(.invoice, id), invoice.status == "draft", invoice.bool("auto_advance") == true else {
            return
        }
        _ = finalize(id)
        guard find(.invoice, id)?.status == "open", invoice.string("collection_method") == "charge_automatically" else {
            return
        }
        if invoice.bool("_void_when_final") == true {
            _ = voidInvoice(id)
        } else if invoice.bool("_uncollectible_when_final") == true {
            _ = markUncollectible(id)
        } else {
            update(.invoice, id) { $0["attempt_count"] = 0 }
            collect(id)
        }
    }
}
